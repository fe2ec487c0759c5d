//! The append-only ledger.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::parse;
use crate::ids::TenantId;
use crate::money::NanoUsd;
use crate::period::Zone;
use crate::usage::{Counter, LedgerEntry};

/// How many entries are in memory at once while a ledger is counted.
const PAGE: i64 = 5000;

const COLUMNS: &str =
    "event_id, at, user_id, session_id, messages, model, input_tokens, output_tokens, storage_bytes, cost";

/// Writes the entries whose ids the ledger does not hold yet, and answers those.
pub(super) async fn append<'a>(
    tx: &DatabaseTransaction,
    tenant: &TenantId,
    entries: &'a [LedgerEntry],
) -> Result<Vec<&'a LedgerEntry>, Fault> {
    // By id: transactions that write the same ids wait for each other in one order. Of two with one id the first counts.
    let mut by_id: BTreeMap<&str, &LedgerEntry> = BTreeMap::new();
    for entry in entries {
        by_id.entry(&entry.id).or_insert(entry);
    }
    let mut values = Vec::with_capacity(by_id.len() * 11);
    for entry in by_id.values() {
        values.extend([
            tenant.as_str().into(),
            entry.id.as_str().into(),
            sql::micros(entry.at).into(),
            entry.user.as_ref().map(ToString::to_string).into(),
            entry.session.clone().into(),
            sql::number(entry.messages)?.into(),
            model(entry).into(),
            sql::number(entry.input_tokens)?.into(),
            sql::number(entry.output_tokens)?.into(),
            entry.storage_bytes.map(sql::number).transpose()?.into(),
            entry.cost.map(NanoUsd::nanos).into(),
        ]);
    }
    let head = format!("INSERT INTO mt_usage_events (tenant_id, {COLUMNS}) VALUES");
    let tail = "ON CONFLICT (tenant_id, event_id) DO NOTHING RETURNING event_id";
    let added = sql::for_rows(tx, &head, 11, values, tail).await?;
    if added.len() == by_id.len() {
        return Ok(by_id.into_values().collect());
    }
    let added: Vec<String> = added.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    Ok(added.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect())
}

/// Counts the whole ledger of a tenant. What is kept in memory grows with the roll-ups, not with the ledger.
pub(super) async fn count(on: &impl ConnectionTrait, tenant: &TenantId, zone: Zone) -> Result<Counter, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mt_usage_events WHERE tenant_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3"
    );
    let mut counter = Counter::new(zone);
    let mut after = String::new();
    loop {
        let rows = sql::rows(on, &sql, [tenant.as_str().into(), after.as_str().into(), PAGE.into()]).await?;
        for row in &rows {
            let entry = entry(row)?;
            counter.add(&entry);
            after = entry.id;
        }
        if i64::try_from(rows.len()).is_ok_and(|read| read < PAGE) {
            return Ok(counter);
        }
    }
}

/// The entry as the ledger keeps it: a model without a name is none.
pub(super) fn normal(entry: &LedgerEntry) -> LedgerEntry {
    LedgerEntry { model: model(entry), ..entry.clone() }
}

fn model(entry: &LedgerEntry) -> Option<String> {
    entry.model.clone().filter(|model| !model.is_empty())
}

fn entry(row: &QueryResult) -> Result<LedgerEntry, Fault> {
    let user: Option<String> = row.try_get_by_index(2)?;
    Ok(LedgerEntry {
        id: row.try_get_by_index(0)?,
        at: sql::time(row.try_get_by_index(1)?)?,
        user: user.map(|user| parse("user id", &user)).transpose()?,
        session: row.try_get_by_index(3)?,
        messages: sql::count(row.try_get_by_index(4)?)?,
        model: row.try_get_by_index(5)?,
        input_tokens: sql::count(row.try_get_by_index(6)?)?,
        output_tokens: sql::count(row.try_get_by_index(7)?)?,
        storage_bytes: row.try_get_by_index::<Option<i64>>(8)?.map(sql::count).transpose()?,
        cost: row.try_get_by_index::<Option<i64>>(9)?.map(NanoUsd::new),
    })
}
