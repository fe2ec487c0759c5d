//! The messages to the market in a table.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::SqlStore;
use super::connect::Database;
use super::fault::{Fault, again};
use super::sql;
use super::tenants::parse;
use crate::outbox::{OutboxEvent, OutboxStore};
use crate::store::StoreError;

#[async_trait]
impl OutboxStore for SqlStore {
    async fn queue_unless_recent(&self, event: &OutboxEvent, since: DateTime<Utc>) -> Result<bool, StoreError> {
        again!(queue_rarely(&self.db, event, since))
    }

    async fn unsent_events(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        again!(unsent(&self.db, limit))
    }
}

/// Writes messages beside the change that they tell of.
pub(super) async fn queue(tx: &DatabaseTransaction, events: &[OutboxEvent]) -> Result<(), Fault> {
    let values = events.iter().flat_map(|event| {
        [
            event.id.to_string().into(),
            event.tenant.as_str().into(),
            event.kind.as_str().into(),
            event.data.to_string().into(),
            sql::micros(event.at).into(),
            event.callback_url.clone().into(),
        ]
    });
    let head = "INSERT INTO mt_outbox (id, tenant_id, kind, data, at, callback_url) VALUES";
    sql::for_rows(tx, head, 6, values.collect(), "").await?;
    Ok(())
}

/// Takes messages back that are not sent yet.
pub(super) async fn withdraw(tx: &DatabaseTransaction, events: &[Uuid]) -> Result<(), Fault> {
    for event in events {
        let sql = "DELETE FROM mt_outbox WHERE id = $1 AND sent_at IS NULL";
        sql::run(tx, sql, [event.to_string().into()]).await?;
    }
    Ok(())
}

async fn queue_rarely(db: &Database, event: &OutboxEvent, since: DateTime<Utc>) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let (tenant, kind) = (event.tenant.as_str(), event.kind.as_str());
    if tx.get_database_backend() == DbBackend::Postgres {
        // There may be no row yet that two writers at once could meet at.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text";
        sql::row(&tx, lock, [format!("mt_outbox {kind} {tenant}").into()]).await?;
    }
    let recent = "SELECT 1 FROM mt_outbox WHERE tenant_id = $1 AND kind = $2 AND at >= $3 LIMIT 1";
    if sql::row(&tx, recent, [tenant.into(), kind.into(), sql::micros(since).into()]).await?.is_some() {
        return Ok(false);
    }
    queue(&tx, std::slice::from_ref(event)).await?;
    tx.commit().await?;
    Ok(true)
}

async fn unsent(db: &Database, limit: u32) -> Result<Vec<OutboxEvent>, Fault> {
    let sql = "SELECT id, tenant_id, kind, data, at, callback_url FROM mt_outbox WHERE sent_at IS NULL \
        ORDER BY at, id LIMIT $1";
    let rows = sql::rows(&db.reader, sql, [i64::from(limit).into()]).await?;
    rows.iter().map(|row| OutboxRow::from_query_result(row, "")?.event()).collect()
}

#[derive(FromQueryResult)]
struct OutboxRow {
    id: String,
    tenant_id: String,
    kind: String,
    data: String,
    at: i64,
    callback_url: Option<String>,
}

impl OutboxRow {
    fn event(self) -> Result<OutboxEvent, Fault> {
        Ok(OutboxEvent {
            id: parse("message id", &self.id)?,
            tenant: parse("tenant id", &self.tenant_id)?,
            kind: parse("kind of message", &self.kind)?,
            data: serde_json::from_str(&self.data).map_err(Fault::corrupt("message"))?,
            at: sql::time(self.at)?,
            callback_url: self.callback_url,
        })
    }
}
