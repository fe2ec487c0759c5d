//! Credentials.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult};

use super::super::audit;
use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::{self, parse};
use super::super::users::UserRow;
use crate::audit::AuditEvent;
use crate::auth::{Access, Account, Credential, CredentialChange, CredentialChanged, Epoch, PasswordHash, Principal};
use crate::ids::{TenantId, UserId};
use crate::standard_api::{TenantStatus, UserStatus};
use crate::tenants::current;
use crate::users::User;

/// The columns of an account, from `mt_users u` beside `mt_credentials c`. Nobody counts what they used here.
const ACCOUNT: &str = "SELECT u.tenant_id, u.user_id, u.login_name, u.email, u.name, u.role, u.status, u.created_at, \
    u.updated_at, u.last_login, NULL AS sessions, NULL AS messages, NULL AS tokens, \
    c.access, c.password, c.must_change, c.epoch \
    FROM mt_users u LEFT JOIN mt_credentials c ON c.tenant_id = u.tenant_id AND c.user_id = u.user_id";

/// The account with a login name.
pub(super) async fn named(db: &Database, tenant: &TenantId, login_name: &str) -> Result<Option<Account>, Fault> {
    let sql = format!("{ACCOUNT} WHERE u.tenant_id = $1 AND u.login_name = $2");
    let row = sql::row(&db.reader, &sql, [tenant.as_str().into(), login_name.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The account of a user.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Option<Account>, Fault> {
    let sql = format!("{ACCOUNT} WHERE u.tenant_id = $1 AND u.user_id = $2");
    let row = sql::row(on, &sql, [tenant.as_str().into(), user.as_str().into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The account of a user, whose row nobody else changes until the transaction ends.
pub(super) async fn locked(
    tx: &DatabaseTransaction,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Option<Account>, Fault> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = "SELECT 1 FROM mt_users WHERE tenant_id = $1 AND user_id = $2 FOR NO KEY UPDATE";
        sql::row(tx, lock, [tenant.as_str().into(), user.as_str().into()]).await?;
    }
    find(tx, tenant, user).await
}

/// Who may act now: active, in a tenant that is in use.
pub(super) async fn principal(
    on: &impl ConnectionTrait,
    tenant: &TenantId,
    user: &UserId,
    now: DateTime<Utc>,
) -> Result<Option<(Principal, Epoch)>, Fault> {
    let account = find(on, tenant, user).await?;
    let Some(account) = account.filter(|account| account.user.status == UserStatus::Active) else { return Ok(None) };
    let row = tenants::find(on, tenant).await?;
    let in_use = row.is_some_and(|row| current(&row, now).0 == TenantStatus::Active);
    Ok(in_use.then(|| (Principal::of(&account), account.epoch)))
}

pub(super) async fn change(
    db: &Database,
    tenant: &TenantId,
    user: &UserId,
    based_on: Epoch,
    change: &CredentialChange,
    audit: &[AuditEvent],
) -> Result<CredentialChanged, Fault> {
    let tx = db.write().await?;
    if matches!(change, CredentialChange::Access(_)) {
        // Of two who demote each other, one comes second.
        tenants::lock(&tx, tenant).await?;
    }
    let Some(mut account) = locked(&tx, tenant, user).await? else { return Ok(CredentialChanged::Missing) };
    if account.epoch != based_on {
        return Ok(CredentialChanged::Stale);
    }
    if change.demotes(&account) && is_last_super_admin(&tx, &account.user).await? {
        return Ok(CredentialChanged::LastSuperAdmin);
    }
    change.apply(&mut account);
    put(&tx, &account).await?;
    audit::commit(db, tx, audit).await?;
    Ok(CredentialChanged::Done(account.epoch))
}

/// Writes a credential of a new epoch, and ends what was opened in earlier ones.
pub(super) async fn put(tx: &DatabaseTransaction, account: &Account) -> Result<(), Fault> {
    let Account { user, access, password, must_change, epoch } = account;
    let credential = Credential { access: *access, password: password.clone(), must_change: *must_change };
    write(tx, user, &credential, *epoch).await?;
    for table in ["mt_sessions", "mt_links"] {
        let end = format!("DELETE FROM {table} WHERE tenant_id = $1 AND user_id = $2");
        sql::run(tx, &end, [user.tenant.as_str().into(), user.id.as_str().into()]).await?;
    }
    Ok(())
}

/// Writes a credential.
pub(in super::super) async fn write(
    tx: &DatabaseTransaction,
    user: &User,
    credential: &Credential,
    epoch: Epoch,
) -> Result<(), Fault> {
    let sql = "INSERT INTO mt_credentials (tenant_id, user_id, access, password, must_change, epoch) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, user_id) DO UPDATE SET access = excluded.access, \
        password = excluded.password, must_change = excluded.must_change, epoch = excluded.epoch";
    let values = [
        user.tenant.as_str().into(),
        user.id.as_str().into(),
        credential.access.as_str().into(),
        credential.password.as_ref().map(|hash| hash.to_stored()).into(),
        credential.must_change.into(),
        epoch.into(),
    ];
    sql::run(tx, sql, values).await?;
    Ok(())
}

/// Begins a new epoch of a user, whose row is held.
pub(in super::super) async fn end_sessions(
    tx: &DatabaseTransaction,
    tenant: &TenantId,
    user: &UserId,
) -> Result<(), Fault> {
    let Some(mut account) = find(tx, tenant, user).await? else { return Ok(()) };
    CredentialChange::EndSessions.apply(&mut account);
    put(tx, &account).await
}

/// Whether nobody would be left who can make administrators. The tenant's row is held.
pub(in super::super) async fn is_last_super_admin(tx: &DatabaseTransaction, user: &User) -> Result<bool, Fault> {
    let sql = "SELECT c.user_id FROM mt_credentials c \
        JOIN mt_users u ON u.tenant_id = c.tenant_id AND u.user_id = c.user_id \
        WHERE c.tenant_id = $1 AND c.access = $2 AND (u.status = $3 OR u.user_id = $4)";
    let values = [
        user.tenant.as_str().into(),
        Access::SuperAdmin.as_str().into(),
        UserStatus::Active.as_str().into(),
        user.id.as_str().into(),
    ];
    let rows = sql::rows(tx, sql, values).await?;
    let ids: Vec<String> = rows.iter().map(|row| row.try_get("", "user_id")).collect::<Result<_, _>>()?;
    Ok(ids == [user.id.as_str()])
}

pub(super) async fn rehash(
    db: &Database,
    tenant: &TenantId,
    user: &UserId,
    before: &PasswordHash,
    after: &PasswordHash,
) -> Result<(), Fault> {
    let sql = "UPDATE mt_credentials SET password = $4 WHERE tenant_id = $1 AND user_id = $2 AND password = $3";
    let values = [tenant.as_str().into(), user.as_str().into(), before.to_stored().into(), after.to_stored().into()];
    sql::run(&db.writer, sql, values).await?;
    Ok(())
}

fn read(row: &QueryResult) -> Result<Account, Fault> {
    let (user, _) = UserRow::read(row)?;
    let access: Option<String> = row.try_get("", "access")?;
    let password: Option<String> = row.try_get("", "password")?;
    Ok(Account {
        user,
        access: access.as_deref().map_or(Ok(Access::User), |access| parse("access", access))?,
        password: password.map(|hash| PasswordHash::parse(&hash).map_err(Fault::corrupt("password"))).transpose()?,
        must_change: row.try_get::<Option<bool>>("", "must_change")?.unwrap_or(false),
        epoch: row.try_get::<Option<i64>>("", "epoch")?.unwrap_or(0),
    })
}
