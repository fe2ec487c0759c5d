//! Keys of programs.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use super::super::audit;
use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::parse;
use super::accounts;
use super::sessions::{digest as digest_of, stored_tenant, uuid};
use crate::audit::AuditEvent;
use crate::auth::{IssuedKey, KeyPurpose, Principal, TokenDigest};
use crate::ids::{TenantId, UserId};

const COLUMNS: &str = "id, digest, tenant_id, user_id, name, purpose, hint, scopes, created_at, expires_at, used_at, \
    revoked_at, replaced_by";

pub(super) async fn add(db: &Database, key: &IssuedKey, most: u32, audit: &[AuditEvent]) -> Result<bool, Fault> {
    let tx = db.write().await?;
    if accounts::locked(&tx, &key.tenant, &key.user).await?.is_none() {
        return Ok(false);
    }
    let sql = "SELECT COUNT(*) AS keys FROM mt_client_keys WHERE tenant_id = $1 AND user_id = $2 \
        AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)";
    let values = [key.tenant.as_str().into(), key.user.as_str().into(), sql::micros(key.created_at).into()];
    let count: i64 = sql::row(&tx, sql, values).await?.map_or(Ok(0), |row| row.try_get("", "keys"))?;
    if count >= i64::from(most) {
        return Ok(false);
    }
    insert(&tx, key).await?;
    audit::commit(db, tx, audit).await?;
    Ok(true)
}

async fn insert(on: &impl ConnectionTrait, key: &IssuedKey) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO mt_client_keys ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    let values = [
        key.id.as_bytes().to_vec().into(),
        key.digest.as_bytes().to_vec().into(),
        key.tenant.as_str().into(),
        key.user.as_str().into(),
        key.name.as_str().into(),
        key.purpose.prefix().into(),
        key.hint.as_str().into(),
        serde_json::to_string(&key.scopes).map_err(Fault::corrupt("scopes"))?.into(),
        sql::micros(key.created_at).into(),
        key.expires_at.map(sql::micros).into(),
        key.used_at.map(sql::micros).into(),
        key.revoked_at.map(sql::micros).into(),
        key.replaced_by.map(|id| id.as_bytes().to_vec()).into(),
    ];
    sql::run(on, &sql, values).await?;
    Ok(())
}

pub(super) async fn find(
    db: &Database,
    digest: &TokenDigest,
    now: DateTime<Utc>,
) -> Result<Option<(IssuedKey, Option<Principal>)>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM mt_client_keys WHERE digest = $1");
    let Some(row) = sql::row(&db.reader, &sql, [digest.as_bytes().to_vec().into()]).await? else { return Ok(None) };
    let key = read(&row)?;
    let who = accounts::principal(&db.reader, &key.tenant, &key.user, now).await?;
    Ok(Some((key, who.map(|(who, _)| who))))
}

pub(super) async fn list(
    db: &Database,
    tenant: &TenantId,
    user: Option<&UserId>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<IssuedKey>, Fault> {
    let mut sql = format!("SELECT {COLUMNS} FROM mt_client_keys WHERE tenant_id = $1");
    let mut values: Vec<Value> = vec![tenant.as_str().into(), i64::from(limit).into()];
    for (column, value) in [
        ("user_id =", user.map(|user| Value::from(user.as_str()))),
        ("id <", after.map(|id| Value::from(id.as_bytes().to_vec()))),
    ] {
        let Some(value) = value else { continue };
        values.push(value);
        sql.push_str(&format!(" AND {column} ${}", values.len()));
    }
    sql.push_str(" ORDER BY id DESC LIMIT $2");
    sql::rows(&db.reader, &sql, values).await?.iter().map(read).collect()
}

pub(super) async fn touch(db: &Database, id: Uuid, used_at: DateTime<Utc>) -> Result<(), Fault> {
    let sql = "UPDATE mt_client_keys SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
    sql::run(&db.writer, sql, [id.as_bytes().to_vec().into(), sql::micros(used_at).into()]).await?;
    Ok(())
}

pub(super) async fn revoke(
    db: &Database,
    tenant: &TenantId,
    user: Option<&UserId>,
    id: Uuid,
    at: DateTime<Utc>,
    audit: &[AuditEvent],
) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let sql = "UPDATE mt_client_keys SET revoked_at = $3 WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL \
        AND (expires_at IS NULL OR expires_at > $3) AND user_id = COALESCE($4, user_id)";
    let values = [
        id.as_bytes().to_vec().into(),
        tenant.as_str().into(),
        sql::micros(at).into(),
        user.map(|user| user.as_str().to_owned()).into(),
    ];
    if sql::run(&tx, sql, values).await? == 0 {
        return Ok(false);
    }
    audit::commit(db, tx, audit).await?;
    Ok(true)
}

pub(super) async fn rotate(
    db: &Database,
    id: Uuid,
    with: &IssuedKey,
    until: DateTime<Utc>,
    audit: &[AuditEvent],
) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let sql = "UPDATE mt_client_keys SET replaced_by = $4, \
        expires_at = CASE WHEN expires_at IS NULL OR expires_at > $5 THEN $5 ELSE expires_at END \
        WHERE id = $1 AND tenant_id = $2 AND user_id = $3 AND revoked_at IS NULL \
        AND (expires_at IS NULL OR expires_at > $6)";
    let values = [
        id.as_bytes().to_vec().into(),
        with.tenant.as_str().into(),
        with.user.as_str().into(),
        with.id.as_bytes().to_vec().into(),
        sql::micros(until).into(),
        sql::micros(with.created_at).into(),
    ];
    if sql::run(&tx, sql, values).await? == 0 {
        return Ok(false);
    }
    insert(&tx, with).await?;
    audit::commit(db, tx, audit).await?;
    Ok(true)
}

fn read(row: &QueryResult) -> Result<IssuedKey, Fault> {
    let time = |column| row.try_get::<Option<i64>>("", column)?.map(sql::time).transpose();
    let replaced: Option<Vec<u8>> = row.try_get("", "replaced_by")?;
    Ok(IssuedKey {
        id: uuid(row, "id")?,
        digest: digest_of(row.try_get("", "digest")?)?,
        tenant: stored_tenant(row)?,
        user: parse("user id", &row.try_get::<String>("", "user_id")?)?,
        name: row.try_get("", "name")?,
        purpose: purpose(&row.try_get::<String>("", "purpose")?)?,
        hint: row.try_get("", "hint")?,
        scopes: serde_json::from_str(&row.try_get::<String>("", "scopes")?).map_err(Fault::corrupt("scopes"))?,
        created_at: sql::time(row.try_get("", "created_at")?)?,
        expires_at: time("expires_at")?,
        used_at: time("used_at")?,
        revoked_at: time("revoked_at")?,
        replaced_by: replaced.map(|id| Uuid::from_slice(&id).map_err(Fault::corrupt("id"))).transpose()?,
    })
}

fn purpose(prefix: &str) -> Result<KeyPurpose, Fault> {
    let known = KeyPurpose::ALL.into_iter().find(|purpose| purpose.prefix() == prefix);
    known.ok_or_else(|| Fault::Corrupt("purpose of a key", prefix.into()))
}
