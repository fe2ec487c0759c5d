//! Takes events in: the ledger and all roll-ups in one transaction.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult};

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::{hold_zone, parse};
use super::ledger;
use super::rollup::{Cell, Change, DAILY, FirstEvent, HOURLY, SESSIONS, STORAGE, USERS, session_row};
use crate::ids::TenantId;
use crate::period::Zone;
use crate::usage::{Counter, LedgerEntry, Recorded, RowKey};

/// Adds events to ledger and roll-ups.
pub(super) async fn record(
    db: &Database,
    tenant: &TenantId,
    entries: &[LedgerEntry],
) -> Result<Option<Recorded>, Fault> {
    let tx = db.write().await?;
    let Some(zone) = hold_zone(&tx, tenant).await? else { return Ok(None) };
    let new = ledger::append(&tx, tenant, entries).await?;
    if !new.is_empty() {
        let mut counter = Counter::new(zone);
        for entry in &new {
            counter.add(&ledger::normal(entry));
        }
        let mut change = Change::of(counter);
        place_sessions(&tx, tenant, zone, &mut change).await?;
        for table in [&DAILY, &HOURLY, &STORAGE, &USERS] {
            table.write(&tx, tenant, change.rows(table)?).await?;
        }
    }
    tx.commit().await?;
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    Ok(Some(Recorded { new: count(new.len()), repeated: count(entries.len() - new.len()) }))
}

/// Makes each session count once: with the events before, it begins with the earliest of all.
async fn place_sessions(
    tx: &DatabaseTransaction,
    tenant: &TenantId,
    zone: Zone,
    change: &mut Change,
) -> Result<(), Fault> {
    let rows = change.sessions.iter().map(|(session, first)| session_row(session, first)).collect();
    let begun: HashSet<String> = SESSIONS.write_new(tx, tenant, rows).await?.into_iter().collect();
    let known: Vec<&str> =
        change.sessions.keys().map(String::as_str).filter(|session| !begun.contains(*session)).collect();
    let mut moved = Vec::new();
    for (session, before) in stored(tx, tenant, zone, &known).await? {
        let Some(now) = change.sessions.get(&session) else { continue };
        if (now.0, &now.1) < (before.0, &before.1) {
            replace(tx, tenant, &session, now).await?;
            moved.push((before.2, zone.hour(before.0)));
        } else {
            moved.push((now.2.clone(), zone.hour(now.0)));
        }
    }
    change.moved = moved;
    Ok(())
}

/// Looks up each wanted session by its key; a condition on the pair would make SQLite read the whole table.
const WANTED: &str = "WITH wanted (tenant_id, session_id) AS (VALUES";
const STORED: &str = ") SELECT s.session_id, s.at, s.event_id, s.user_id, s.model, s.priced \
    FROM wanted w CROSS JOIN mt_usage_sessions s WHERE s.tenant_id = w.tenant_id AND s.session_id = w.session_id";

/// The first events of sessions that began earlier, locked.
async fn stored(
    tx: &DatabaseTransaction,
    tenant: &TenantId,
    zone: Zone,
    sessions: &[&str],
) -> Result<Vec<(String, FirstEvent)>, Fault> {
    let lock =
        if tx.get_database_backend() == DbBackend::Sqlite { "" } else { "ORDER BY s.session_id FOR UPDATE OF s" };
    let keys = sessions.iter().flat_map(|session| [tenant.as_str().into(), (*session).into()]).collect();
    let rows = sql::for_rows(tx, WANTED, 2, keys, &format!("{STORED} {lock}")).await?;
    rows.iter().map(|row| stored_session(row, zone)).collect()
}

fn stored_session(row: &QueryResult, zone: Zone) -> Result<(String, FirstEvent), Fault> {
    let at = sql::time(row.try_get_by_index(1)?)?;
    let (user, model): (String, String) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    let key = RowKey {
        date: zone.date(at),
        user: if user.is_empty() { None } else { Some(parse("user id", &user)?) },
        model: Some(model).filter(|model| !model.is_empty()),
        priced: row.try_get_by_index::<i64>(5)? == 1,
    };
    Ok((row.try_get_by_index(0)?, (at, row.try_get_by_index(2)?, key)))
}

async fn replace(tx: &DatabaseTransaction, tenant: &TenantId, session: &str, first: &FirstEvent) -> Result<(), Fault> {
    let row: Vec<Vec<Cell>> = vec![session_row(session, first)];
    SESSIONS.write(tx, tenant, row).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sea_orm::SqlStore;

    #[tokio::test]
    async fn known_sessions_are_looked_up_by_their_key() {
        let store = SqlStore::open("sqlite::memory:").await.unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {WANTED} (?, ?), (?, ?) {STORED}");
        let values = ["t", "a", "t", "b"].map(sea_orm::Value::from);
        let rows = sql::rows(store.reader(), &sql, values).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        let lookup = "SEARCH s USING PRIMARY KEY (tenant_id=? AND session_id=?)";
        assert!(plan.iter().any(|step| step == lookup), "{plan:?}");
    }
}
