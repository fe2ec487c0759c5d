//! Tenants in tables.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::SqlStore;
use super::audit;
use super::connect::Database;
use super::fault::{Fault, again};
use super::sql;
use super::{outbox, usage, users};
use crate::audit::AuditEvent;
use crate::ids::TenantId;
use crate::outbox::OutboxEvent;
use crate::period::Zone;
use crate::store::StoreError;
use crate::tenants::{Revision, Saved, Tenant, TenantStore};

#[async_trait]
impl TenantStore for SqlStore {
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        again!(find(&self.db.reader, tenant))
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Arc<Tenant>>, StoreError> {
        again!(list(&self.db, after, limit))
    }

    async fn save_tenant(
        &self,
        tenant: &Tenant,
        based_on: Option<Revision>,
        purge: bool,
        events: &[OutboxEvent],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError> {
        again!(save(&self.db, tenant, based_on, purge, events, audit))
    }

    async fn restore_tenant(
        &self,
        tenant: &TenantId,
        before: Option<&Tenant>,
        written: Revision,
        events: &[Uuid],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError> {
        again!(restore(&self.db, tenant, before, written, events, audit))
    }

    async fn purge_users(&self, tenant: &TenantId, revision: Revision) -> Result<Saved, StoreError> {
        again!(purge(&self.db, tenant, revision))
    }
}

/// Locks a tenant's row for a change of the tenant or its users, and says whether it is still at `revision`.
pub(super) async fn lock_at(tx: &DatabaseTransaction, tenant: &TenantId, revision: Revision) -> Result<bool, Fault> {
    Ok(lock(tx, tenant).await?.is_some_and(|(found, _)| found == revision))
}

/// Keeps a tenant's row, and so its calendar, as it is until the transaction ends.
pub(super) async fn hold_zone(tx: &DatabaseTransaction, tenant: &TenantId) -> Result<Option<Zone>, Fault> {
    zone(tx, tenant, if tx.get_database_backend() == DbBackend::Sqlite { "" } else { " FOR SHARE" }).await
}

/// Keeps a tenant's row and all its usage as they are until the transaction ends.
pub(super) async fn lock_zone(tx: &DatabaseTransaction, tenant: &TenantId) -> Result<Option<Zone>, Fault> {
    Ok(lock(tx, tenant).await?.map(|(_, zone)| zone))
}

/// The calendar of a tenant, at the moment of the transaction.
pub(super) async fn read_zone(on: &impl ConnectionTrait, tenant: &TenantId) -> Result<Option<Zone>, Fault> {
    zone(on, tenant, "").await
}

const COLUMNS: &str = "tenant_id, revision, status, plan, zone, activation, allowed_features, features, limits, \
    branding, term, callback_url, hook, data_preserved, data_retention_until, created_at, updated_at";

pub(super) async fn find(on: &impl ConnectionTrait, tenant: &TenantId) -> Result<Option<Arc<Tenant>>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM mt_tenants WHERE tenant_id = $1");
    let row = sql::row(on, &sql, [tenant.as_str().into()]).await?;
    row.map(|row| TenantRow::from_query_result(&row, "")?.tenant()).transpose()
}

async fn list(db: &Database, after: Option<&TenantId>, limit: u32) -> Result<Vec<Arc<Tenant>>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mt_tenants WHERE tenant_id > $1 AND tenant_id <> $3 ORDER BY tenant_id LIMIT $2"
    );
    // No id is empty.
    let after = after.map_or("", TenantId::as_str);
    let rows =
        sql::rows(&db.reader, &sql, [after.into(), i64::from(limit).into(), TenantId::operators().as_str().into()])
            .await?;
    rows.iter().map(|row| TenantRow::from_query_result(row, "")?.tenant()).collect()
}

async fn save(
    db: &Database,
    tenant: &Tenant,
    based_on: Option<Revision>,
    purge: bool,
    events: &[OutboxEvent],
    audit: &[AuditEvent],
) -> Result<Saved, Fault> {
    let tx = db.write().await?;
    let before = lock(&tx, &tenant.id).await?;
    if before.map(|(revision, _)| revision) != based_on {
        return Ok(Saved::Stale);
    }
    let Some(revision) = put(&tx, tenant, before).await? else { return Ok(Saved::Stale) };
    if purge {
        users::purge(&tx, &tenant.id).await?;
    }
    outbox::queue(&tx, events).await?;
    audit::commit(db, tx, audit).await?;
    Ok(Saved::Done(revision))
}

async fn restore(
    db: &Database,
    tenant: &TenantId,
    before: Option<&Tenant>,
    written: Revision,
    events: &[Uuid],
    audit: &[AuditEvent],
) -> Result<Saved, Fault> {
    let tx = db.write().await?;
    let found = lock(&tx, tenant).await?;
    if found.map(|(revision, _)| revision) != Some(written) {
        return Ok(Saved::Stale);
    }
    outbox::withdraw(&tx, events).await?;
    let revision = match before {
        Some(before) => put(&tx, before, found).await?,
        None => {
            users::purge(&tx, tenant).await?;
            usage::purge(&tx, tenant).await?;
            sql::run(&tx, "DELETE FROM mt_tenants WHERE tenant_id = $1", [tenant.as_str().into()]).await?;
            Some(written)
        }
    };
    audit::commit(db, tx, audit).await?;
    Ok(revision.map_or(Saved::Stale, Saved::Done))
}

async fn purge(db: &Database, tenant: &TenantId, revision: Revision) -> Result<Saved, Fault> {
    let tx = db.write().await?;
    if !lock_at(&tx, tenant, revision).await? {
        return Ok(Saved::Stale);
    }
    users::purge(&tx, tenant).await?;
    tx.commit().await?;
    Ok(Saved::Done(revision))
}

pub(super) async fn lock(tx: &DatabaseTransaction, tenant: &TenantId) -> Result<Option<(Revision, Zone)>, Fault> {
    let lock = if tx.get_database_backend() == DbBackend::Sqlite { "" } else { " FOR UPDATE" };
    let sql = format!("SELECT revision, zone FROM mt_tenants WHERE tenant_id = $1{lock}");
    let Some(row) = sql::row(tx, &sql, [tenant.as_str().into()]).await? else { return Ok(None) };
    Ok(Some((row.try_get_by_index(0)?, parse("zone", &row.try_get_by_index::<String>(1)?)?)))
}

async fn zone(on: &impl ConnectionTrait, tenant: &TenantId, lock: &str) -> Result<Option<Zone>, Fault> {
    let sql = format!("SELECT zone FROM mt_tenants WHERE tenant_id = $1{lock}");
    let Some(row) = sql::row(on, &sql, [tenant.as_str().into()]).await? else { return Ok(None) };
    parse("zone", &row.try_get_by_index::<String>(0)?).map(Some)
}

/// Writes a row under a new revision. `None`: another transaction made the row in the meantime.
async fn put(
    tx: &DatabaseTransaction,
    tenant: &Tenant,
    before: Option<(Revision, Zone)>,
) -> Result<Option<Revision>, Fault> {
    // A row that is removed and made again does not begin where the old one did: revisions follow the clock.
    let now = sql::micros(Utc::now());
    let revision = before.map_or(now, |(revision, _)| now.max(revision + 1));
    let values = values(tenant, revision)?;
    let written = match before {
        Some(_) => {
            let set: Vec<String> = COLUMNS
                .split(", ")
                .enumerate()
                .skip(1)
                .map(|(index, column)| format!("{column} = ${}", index + 1))
                .collect();
            sql::run(tx, &format!("UPDATE mt_tenants SET {} WHERE tenant_id = $1", set.join(", ")), values).await?
        }
        None => {
            let places: Vec<String> = (1..=values.len()).map(|place| format!("${place}")).collect();
            let places = places.join(", ");
            let sql = format!("INSERT INTO mt_tenants ({COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING");
            sql::run(tx, &sql, values).await?
        }
    };
    if written == 0 {
        return Ok(None);
    }
    if before.is_some_and(|(_, zone)| zone != tenant.zone) {
        usage::recount(tx, &tenant.id, tenant.zone).await?;
    }
    Ok(Some(revision))
}

fn values(tenant: &Tenant, revision: Revision) -> Result<Vec<Value>, Fault> {
    Ok(vec![
        tenant.id.as_str().into(),
        revision.into(),
        tenant.status.as_str().into(),
        tenant.plan.as_str().into(),
        tenant.zone.to_string().into(),
        json(&tenant.activation)?,
        json(&tenant.allowed_features)?,
        json(&tenant.features)?,
        json(&tenant.limits)?,
        json(&tenant.branding)?,
        json(&tenant.term)?,
        tenant.callback_url.clone().into(),
        tenant.hook.as_ref().map(json_text).transpose()?.into(),
        tenant.data_preserved.into(),
        tenant.data_retention_until.map(sql::micros).into(),
        sql::micros(tenant.created_at).into(),
        sql::micros(tenant.updated_at).into(),
    ])
}

#[derive(FromQueryResult)]
struct TenantRow {
    tenant_id: String,
    revision: i64,
    status: String,
    plan: String,
    zone: String,
    activation: String,
    allowed_features: String,
    features: String,
    limits: String,
    branding: String,
    term: String,
    callback_url: Option<String>,
    hook: Option<String>,
    data_preserved: bool,
    data_retention_until: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TenantRow {
    fn tenant(self) -> Result<Arc<Tenant>, Fault> {
        Ok(Arc::new(Tenant {
            id: TenantId::stored(&self.tenant_id).map_err(Fault::corrupt("tenant id"))?,
            revision: self.revision,
            status: parse("tenant status", &self.status)?,
            activation: from_json(&self.activation)?,
            plan: self.plan,
            allowed_features: from_json(&self.allowed_features)?,
            features: from_json(&self.features)?,
            limits: from_json(&self.limits)?,
            branding: from_json(&self.branding)?,
            zone: parse("zone", &self.zone)?,
            term: from_json(&self.term)?,
            callback_url: self.callback_url,
            hook: self.hook.as_deref().map(from_json).transpose()?,
            data_preserved: self.data_preserved,
            data_retention_until: self.data_retention_until.map(sql::time).transpose()?,
            created_at: sql::time(self.created_at)?,
            updated_at: sql::time(self.updated_at)?,
        }))
    }
}

fn json(value: &impl Serialize) -> Result<Value, Fault> {
    json_text(value).map(Value::from)
}

fn json_text(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::corrupt("tenant"))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(Fault::corrupt("tenant"))
}

/// Reads a value that is stored as its text.
pub(super) fn parse<T>(what: &'static str, text: &str) -> Result<T, Fault>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|fault: T::Err| Fault::Corrupt(what, format!("{text:?} {fault}").into()))
}
