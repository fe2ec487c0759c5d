//! One-time links.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::super::audit;
use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::parse;
use super::accounts;
use super::sessions::{digest as digest_of, stored_tenant, uuid};
use crate::audit::AuditEvent;
use crate::auth::{CredentialChange, Epoch, OneTimeLink, PasswordHash, TokenDigest};

const COLUMNS: &str = "id, tenant_id, user_id, epoch, purpose, created_at, expires_at, digest, failures, next_try";

pub(super) async fn add(db: &Database, link: &OneTimeLink, audit: &[AuditEvent]) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let account = accounts::locked(&tx, &link.tenant, &link.user).await?;
    if account.is_none_or(|account| account.epoch != link.epoch) {
        return Ok(false);
    }
    let earlier = "DELETE FROM mt_links WHERE tenant_id = $1 AND user_id = $2 AND purpose = $3";
    let values = [link.tenant.as_str().into(), link.user.as_str().into(), link.purpose.as_str().into()];
    sql::run(&tx, earlier, values).await?;
    insert(&tx, link).await?;
    audit::commit(db, tx, audit).await?;
    Ok(true)
}

/// Writes a link of a user whose row is held.
pub(in super::super) async fn insert(on: &impl ConnectionTrait, link: &OneTimeLink) -> Result<(), Fault> {
    let sql = format!("INSERT INTO mt_links ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let values = [
        link.id.as_bytes().to_vec().into(),
        link.tenant.as_str().into(),
        link.user.as_str().into(),
        link.epoch.into(),
        link.purpose.as_str().into(),
        sql::micros(link.created_at).into(),
        sql::micros(link.expires_at).into(),
        link.digest.as_ref().map(|digest| digest.as_bytes().to_vec()).into(),
        i64::from(link.failures).into(),
        link.next_try.map(sql::micros).into(),
    ];
    sql::run(on, &sql, values).await?;
    Ok(())
}

pub(super) async fn due(
    db: &Database,
    now: DateTime<Utc>,
    busy_until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<OneTimeLink>, Fault> {
    let tx = db.write().await?;
    // Two processes take different ones.
    let skip = if tx.get_database_backend() == DbBackend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM mt_links WHERE next_try <= $1 AND expires_at > $1 ORDER BY next_try, id LIMIT $2{skip}"
    );
    let rows = sql::rows(&tx, &sql, [sql::micros(now).into(), i64::from(limit).into()]).await?;
    let mut links = rows.iter().map(read).collect::<Result<Vec<OneTimeLink>, Fault>>()?;
    for link in &mut links {
        link.next_try = Some(busy_until);
        let mark = "UPDATE mt_links SET next_try = $2 WHERE id = $1";
        sql::run(&tx, mark, [link.id.as_bytes().to_vec().into(), sql::micros(busy_until).into()]).await?;
    }
    tx.commit().await?;
    Ok(links)
}

pub(super) async fn arm(db: &Database, id: Uuid, digest: &TokenDigest) -> Result<bool, Fault> {
    let sql = "UPDATE mt_links SET digest = $2 WHERE id = $1";
    let armed = sql::run(&db.writer, sql, [id.as_bytes().to_vec().into(), digest.as_bytes().to_vec().into()]).await?;
    Ok(armed > 0)
}

pub(super) async fn sent(db: &Database, id: Uuid, next_try: Option<DateTime<Utc>>) -> Result<(), Fault> {
    let sql = "UPDATE mt_links SET next_try = $2, failures = failures + $3 WHERE id = $1";
    let failed = i64::from(next_try.is_some());
    sql::run(&db.writer, sql, [id.as_bytes().to_vec().into(), next_try.map(sql::micros).into(), failed.into()]).await?;
    Ok(())
}

pub(super) async fn find(
    on: &impl ConnectionTrait,
    digest: &TokenDigest,
    now: DateTime<Utc>,
) -> Result<Option<OneTimeLink>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM mt_links WHERE digest = $1 AND expires_at > $2");
    let row = sql::row(on, &sql, [digest.as_bytes().to_vec().into(), sql::micros(now).into()]).await?;
    let Some(link) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    let who = accounts::principal(on, &link.tenant, &link.user, now).await?;
    Ok(who.filter(|(_, epoch)| *epoch == link.epoch).map(|_| link))
}

pub(super) async fn redeem(
    db: &Database,
    digest: &TokenDigest,
    password: &PasswordHash,
    now: DateTime<Utc>,
    audit: &[AuditEvent],
) -> Result<Option<Epoch>, Fault> {
    let tx = db.write().await?;
    let Some(link) = find(&tx, digest, now).await? else { return Ok(None) };
    let account = accounts::locked(&tx, &link.tenant, &link.user).await?;
    // Whoever came first with the same link began another epoch.
    let Some(mut account) = account.filter(|account| account.epoch == link.epoch) else { return Ok(None) };
    CredentialChange::Password { password: password.clone(), must_change: false }.apply(&mut account);
    accounts::put(&tx, &account).await?;
    audit::commit(db, tx, audit).await?;
    Ok(Some(account.epoch))
}

fn read(row: &QueryResult) -> Result<OneTimeLink, Fault> {
    let digest: Option<Vec<u8>> = row.try_get("", "digest")?;
    let next_try: Option<i64> = row.try_get("", "next_try")?;
    Ok(OneTimeLink {
        id: uuid(row, "id")?,
        tenant: stored_tenant(row)?,
        user: parse("user id", &row.try_get::<String>("", "user_id")?)?,
        epoch: row.try_get("", "epoch")?,
        purpose: parse("purpose of a link", &row.try_get::<String>("", "purpose")?)?,
        created_at: sql::time(row.try_get("", "created_at")?)?,
        expires_at: sql::time(row.try_get("", "expires_at")?)?,
        digest: digest.map(digest_of).transpose()?,
        failures: u32::try_from(row.try_get::<i64>("", "failures")?).unwrap_or(u32::MAX),
        next_try: next_try.map(sql::time).transpose()?,
    })
}
