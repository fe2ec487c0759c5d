//! Sessions.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::super::audit;
use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::parse;
use super::accounts;
use crate::audit::AuditEvent;
use crate::auth::{Principal, Session, TokenDigest};
use crate::ids::{TenantId, UserId};

const COLUMNS: &str = "digest, id, tenant_id, user_id, epoch, created_at, expires_at, idle_limit, seen_at, address, \
    user_agent";

pub(super) async fn open(db: &Database, session: &Session, audit: &[AuditEvent]) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let Session { tenant, user, created_at, .. } = session;
    accounts::locked(&tx, tenant, user).await?;
    let who = accounts::principal(&tx, tenant, user, *created_at).await?;
    if who.is_none_or(|(_, epoch)| epoch != session.epoch) {
        return Ok(false);
    }
    let seen = "UPDATE mt_users SET last_login = $3 WHERE tenant_id = $1 AND user_id = $2";
    sql::run(&tx, seen, [tenant.as_str().into(), user.as_str().into(), sql::micros(*created_at).into()]).await?;
    let sql = format!(
        "INSERT INTO mt_sessions ({COLUMNS}, idle_end) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    let values = [
        session.digest.as_bytes().to_vec().into(),
        session.id.as_bytes().to_vec().into(),
        tenant.as_str().into(),
        user.as_str().into(),
        session.epoch.into(),
        sql::micros(*created_at).into(),
        sql::micros(session.expires_at).into(),
        session.idle_limit.and_then(|limit| limit.num_microseconds()).into(),
        sql::micros(session.seen_at).into(),
        session.address.map(|address| address.to_string()).into(),
        session.user_agent.clone().into(),
        sql::micros(session.ends_at()).into(),
    ];
    sql::run(&tx, &sql, values).await?;
    audit::commit(db, tx, audit).await?;
    Ok(true)
}

pub(super) async fn find(
    db: &Database,
    digest: &TokenDigest,
    now: DateTime<Utc>,
) -> Result<Option<(Session, Principal)>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM mt_sessions WHERE digest = $1");
    let Some(row) = sql::row(&db.reader, &sql, [digest.as_bytes().to_vec().into()]).await? else { return Ok(None) };
    let session = read(&row)?;
    if session.is_over(now) {
        return Ok(None);
    }
    // Read after the session: whoever ended it in between also began another epoch.
    let who = accounts::principal(&db.reader, &session.tenant, &session.user, now).await?;
    Ok(who.filter(|(_, epoch)| *epoch == session.epoch).map(|(who, _)| (session, who)))
}

pub(super) async fn touch(db: &Database, id: Uuid, seen_at: DateTime<Utc>) -> Result<(), Fault> {
    let sql = "UPDATE mt_sessions SET seen_at = $2, \
        idle_end = CASE WHEN idle_limit IS NULL OR $2 + idle_limit > expires_at THEN expires_at ELSE $2 + idle_limit END \
        WHERE id = $1 AND seen_at < $2";
    sql::run(&db.writer, sql, [id.as_bytes().to_vec().into(), sql::micros(seen_at).into()]).await?;
    Ok(())
}

pub(super) async fn list(
    db: &Database,
    tenant: &TenantId,
    user: &UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, Fault> {
    let epoch = accounts::find(&db.reader, tenant, user).await?.map(|account| account.epoch);
    let sql = format!(
        "SELECT {COLUMNS} FROM mt_sessions WHERE tenant_id = $1 AND user_id = $2 ORDER BY seen_at DESC, id LIMIT 1000"
    );
    let rows = sql::rows(&db.reader, &sql, [tenant.as_str().into(), user.as_str().into()]).await?;
    let sessions = rows.iter().map(read).collect::<Result<Vec<Session>, Fault>>()?;
    Ok(sessions.into_iter().filter(|session| Some(session.epoch) == epoch && !session.is_over(now)).collect())
}

pub(super) async fn end(
    db: &Database,
    tenant: &TenantId,
    user: &UserId,
    id: Uuid,
    audit: &[AuditEvent],
) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let sql = "DELETE FROM mt_sessions WHERE tenant_id = $1 AND user_id = $2 AND id = $3";
    let values = [tenant.as_str().into(), user.as_str().into(), id.as_bytes().to_vec().into()];
    if sql::run(&tx, sql, values).await? == 0 {
        return Ok(false);
    }
    audit::commit(db, tx, audit).await?;
    Ok(true)
}

fn read(row: &QueryResult) -> Result<Session, Fault> {
    let idle: Option<i64> = row.try_get("", "idle_limit")?;
    let address: Option<String> = row.try_get("", "address")?;
    Ok(Session {
        id: uuid(row, "id")?,
        digest: digest(row.try_get("", "digest")?)?,
        tenant: stored_tenant(row)?,
        user: parse("user id", &row.try_get::<String>("", "user_id")?)?,
        epoch: row.try_get("", "epoch")?,
        created_at: sql::time(row.try_get("", "created_at")?)?,
        expires_at: sql::time(row.try_get("", "expires_at")?)?,
        idle_limit: idle.map(TimeDelta::microseconds),
        seen_at: sql::time(row.try_get("", "seen_at")?)?,
        address: address.map(|address| parse("address", &address)).transpose()?,
        user_agent: row.try_get("", "user_agent")?,
    })
}

pub(super) fn stored_tenant(row: &QueryResult) -> Result<TenantId, Fault> {
    TenantId::stored(&row.try_get::<String>("", "tenant_id")?).map_err(Fault::corrupt("tenant id"))
}

pub(super) fn uuid(row: &QueryResult, column: &'static str) -> Result<Uuid, Fault> {
    Uuid::from_slice(&row.try_get::<Vec<u8>>("", column)?).map_err(Fault::corrupt("id"))
}

pub(super) fn digest(bytes: Vec<u8>) -> Result<TokenDigest, Fault> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| Fault::Corrupt("digest", "not of 32 bytes".into()))?;
    Ok(TokenDigest::from(bytes))
}
