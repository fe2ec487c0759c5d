//! Rows of the trail.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::super::sql;
use crate::audit::{AuditEntry, AuditHash, AuditHead, MAX_ANCHORED, RawAuditRow};

/// The columns of a row, in the order in which they are read.
pub(super) const COLUMNS: &str = "writer, seq, id, at, tenant_id, actor_kind, actor_id, action, target_kind, \
    target_id, outcome, reason, request_id, address, details, previous, hash";

/// Writes entries.
pub(super) async fn insert(tx: &DatabaseTransaction, entries: &[AuditEntry]) -> Result<(), DbErr> {
    let values = entries.iter().map(AuditEntry::raw).flat_map(|row| {
        [
            row.writer.into(),
            row.seq.into(),
            row.id.into(),
            row.at.into(),
            row.tenant.into(),
            row.actor_kind.into(),
            row.actor_id.into(),
            row.action.into(),
            row.target_kind.into(),
            row.target_id.into(),
            row.outcome.into(),
            row.reason.into(),
            row.request_id.into(),
            row.address.into(),
            row.details.into(),
            row.previous.into(),
            row.hash.into(),
        ]
    });
    let head = format!("INSERT INTO mt_audit ({COLUMNS}) VALUES");
    sql::for_rows(tx, &head, 17, values.collect(), "").await?;
    Ok(())
}

/// Reads a row.
pub(super) fn read(row: &QueryResult) -> Result<RawAuditRow, DbErr> {
    Ok(RawAuditRow {
        writer: row.try_get_by_index(0)?,
        seq: row.try_get_by_index(1)?,
        id: row.try_get_by_index(2)?,
        at: row.try_get_by_index(3)?,
        tenant: row.try_get_by_index(4)?,
        actor_kind: row.try_get_by_index(5)?,
        actor_id: row.try_get_by_index(6)?,
        action: row.try_get_by_index(7)?,
        target_kind: row.try_get_by_index(8)?,
        target_id: row.try_get_by_index(9)?,
        outcome: row.try_get_by_index(10)?,
        reason: row.try_get_by_index(11)?,
        request_id: row.try_get_by_index(12)?,
        address: row.try_get_by_index(13)?,
        details: row.try_get_by_index(14)?,
        previous: row.try_get_by_index(15)?,
        hash: row.try_get_by_index(16)?,
    })
}

/// The ends of the chains that were written to last; what cannot be read is left out. Goes from chain to chain by the
/// primary key, not over all rows.
pub(super) async fn heads(on: &impl ConnectionTrait) -> Result<Vec<AuditHead>, DbErr> {
    let sql = "WITH RECURSIVE chains (writer) AS (
            SELECT MAX(writer) FROM mt_audit
            UNION ALL
            SELECT (SELECT MAX(writer) FROM mt_audit WHERE writer < chains.writer) FROM chains
                WHERE chains.writer IS NOT NULL
        )
        SELECT last.writer, last.seq, last.hash FROM chains
        JOIN mt_audit last ON last.writer = chains.writer
            AND last.seq = (SELECT MAX(seq) FROM mt_audit WHERE writer = chains.writer)
        ORDER BY last.at DESC LIMIT $1";
    // One more: its own is among them.
    let most = i64::try_from(MAX_ANCHORED + 1).unwrap_or(i64::MAX);
    Ok(sql::rows(on, sql, [most.into()]).await?.iter().filter_map(head).collect())
}

fn head(row: &QueryResult) -> Option<AuditHead> {
    let hash: Vec<u8> = row.try_get_by_index(2).ok()?;
    Some(AuditHead {
        writer: row.try_get_by_index::<String>(0).ok()?.parse().ok()?,
        seq: u64::try_from(row.try_get_by_index::<i64>(1).ok()?).ok()?,
        hash: AuditHash(hash.try_into().ok()?),
        ended: false,
    })
}
