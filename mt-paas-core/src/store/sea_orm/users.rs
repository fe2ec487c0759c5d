//! Users in tables.

mod list;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, QueryResult};

use super::SqlStore;
use super::audit;
use super::auth;
use super::connect::Database;
use super::fault::{Fault, again};
use super::outbox;
use super::sql;
use super::tenants::{lock_at, parse};
use crate::audit::AuditEvent;
use crate::auth::{Credential, NewAccount};
use crate::ids::{TenantId, UserId};
use crate::outbox::OutboxEvent;
use crate::standard_api::{Role, UpdateUserRequest, UserStatus, UserUsage};
use crate::store::StoreError;
use crate::tenants::Revision;
use crate::users::{Changed, Inserted, User, UserList, UserSearch, UserStore};

#[async_trait]
impl UserStore for SqlStore {
    async fn insert_user(
        &self,
        revision: Revision,
        user: &User,
        max_users: u64,
        event: &OutboxEvent,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        let (credential, link, only_first) = (&Credential::NONE, None, false);
        let account = NewAccount { user, credential, link, event: Some(event), max_users, only_first };
        again!(insert(&self.db, revision, account, audit))
    }

    async fn user(&self, tenant: &TenantId, user: &UserId) -> Result<Option<(User, UserUsage)>, StoreError> {
        again!(find(&self.db.reader, tenant, user))
    }

    async fn users(&self, tenant: &TenantId, search: &UserSearch) -> Result<UserList, StoreError> {
        again!(list::page(&self.db, tenant, search))
    }

    async fn count_users(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        again!(list::count(&self.db.reader, tenant, None, None))
    }

    async fn update_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        change: &UpdateUserRequest,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Changed<(User, UserUsage)>, StoreError> {
        again!(update(&self.db, tenant, revision, user, change, at, audit))
    }

    async fn delete_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        audit: &[AuditEvent],
    ) -> Result<Changed<()>, StoreError> {
        again!(delete(&self.db, tenant, revision, user, audit))
    }
}

/// Removes all users of a tenant, whose row is locked. What they used stays.
pub(super) async fn purge(tx: &DatabaseTransaction, tenant: &TenantId) -> Result<(), Fault> {
    sql::run(tx, "DELETE FROM mt_users WHERE tenant_id = $1", [tenant.as_str().into()]).await?;
    sql::run(tx, "DELETE FROM mt_user_counts WHERE tenant_id = $1", [tenant.as_str().into()]).await?;
    Ok(())
}

pub(super) use list::count;

/// The columns of a [`UserRow`], from `mt_users u` beside `mt_usage_users s`.
const COLUMNS: &str = "u.tenant_id, u.user_id, u.login_name, u.email, u.name, u.role, u.status, u.created_at, \
    u.updated_at, u.last_login, s.sessions, s.messages, s.tokens";

pub(super) async fn insert(
    db: &Database,
    revision: Revision,
    account: NewAccount<'_>,
    audit: &[AuditEvent],
) -> Result<Inserted, Fault> {
    let NewAccount { user, credential, link, event, max_users, only_first } = account;
    let tx = db.write().await?;
    if !lock_at(&tx, &user.tenant, revision).await? {
        return Ok(Inserted::Stale);
    }
    let (tenant, id, login, email_key) =
        (user.tenant.as_str(), user.id.as_str(), user.login_name.as_str(), user.email_key());
    // Everyone who writes users holds the tenant's row, so that what is free here stays free.
    let taken = "SELECT 1 FROM mt_users WHERE tenant_id = $1 AND (user_id = $2 OR login_name = $3 OR email_key = $4) \
        UNION ALL SELECT 1 FROM mt_usage_users WHERE tenant_id = $1 AND user_id = $2";
    let values = [tenant.into(), id.into(), login.into(), email_key.clone().into()];
    if sql::row(&tx, taken, values).await?.is_some() {
        return Ok(Inserted::Taken);
    }
    let users = count(&tx, &user.tenant, None, None).await?;
    if only_first && users > 0 {
        return Ok(Inserted::NotFirst);
    }
    if users >= max_users {
        return Ok(Inserted::OverQuota);
    }
    let values = [
        tenant.into(),
        id.into(),
        login.into(),
        user.email.clone().into(),
        email_key.into(),
        user.name.as_str().into(),
        user.role.as_str().into(),
        user.status.as_str().into(),
        user.search_key().into(),
        sql::micros(user.created_at).into(),
        sql::micros(user.updated_at).into(),
        user.last_login.map(sql::micros).into(),
    ];
    let insert = "INSERT INTO mt_users (tenant_id, user_id, login_name, email, email_key, name, role, status, \
        search_key, created_at, updated_at, last_login) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sql::run(&tx, insert, values).await?;
    add_to_count(&tx, &user.tenant, user.role, user.status, 1).await?;
    if *credential != Credential::NONE {
        auth::write(&tx, user, credential, 0).await?;
    }
    if let Some(link) = link {
        auth::insert_link(&tx, link).await?;
    }
    outbox::queue(&tx, event.map(std::slice::from_ref).unwrap_or_default()).await?;
    audit::commit(db, tx, audit).await?;
    Ok(Inserted::Done)
}

async fn find(on: &impl ConnectionTrait, tenant: &TenantId, user: &UserId) -> Result<Option<(User, UserUsage)>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mt_users u \
         LEFT JOIN mt_usage_users s ON s.tenant_id = u.tenant_id AND s.user_id = u.user_id \
         WHERE u.tenant_id = $1 AND u.user_id = $2"
    );
    let row = sql::row(on, &sql, [tenant.as_str().into(), user.as_str().into()]).await?;
    row.map(|row| UserRow::from_query_result(&row, "")?.user()).transpose()
}

async fn update(
    db: &Database,
    tenant: &TenantId,
    revision: Revision,
    user: &UserId,
    change: &UpdateUserRequest,
    at: DateTime<Utc>,
    audit: &[AuditEvent],
) -> Result<Changed<(User, UserUsage)>, Fault> {
    let tx = db.write().await?;
    if !lock_at(&tx, tenant, revision).await? {
        return Ok(Changed::Stale);
    }
    let Some((mut found, usage)) = find(&tx, tenant, user).await? else { return Ok(Changed::Missing) };
    let before = (found.role, found.status);
    let stops = found.status == UserStatus::Active && change.status.is_some_and(|to| to != UserStatus::Active);
    if stops && auth::is_last_super_admin(&tx, &found).await? {
        return Ok(Changed::LastSuperAdmin);
    }
    found.apply(change.clone(), at);
    let sql = "UPDATE mt_users SET name = $3, role = $4, status = $5, search_key = $6, updated_at = $7 \
        WHERE tenant_id = $1 AND user_id = $2";
    let values = [
        tenant.as_str().into(),
        user.as_str().into(),
        found.name.as_str().into(),
        found.role.as_str().into(),
        found.status.as_str().into(),
        found.search_key().into(),
        sql::micros(found.updated_at).into(),
    ];
    sql::run(&tx, sql, values).await?;
    if stops {
        auth::end_sessions(&tx, tenant, user).await?;
    }
    if before != (found.role, found.status) {
        add_to_count(&tx, tenant, before.0, before.1, -1).await?;
        add_to_count(&tx, tenant, found.role, found.status, 1).await?;
    }
    audit::commit(db, tx, audit).await?;
    Ok(Changed::Done((found, usage)))
}

async fn delete(
    db: &Database,
    tenant: &TenantId,
    revision: Revision,
    user: &UserId,
    audit: &[AuditEvent],
) -> Result<Changed<()>, Fault> {
    let tx = db.write().await?;
    if !lock_at(&tx, tenant, revision).await? {
        return Ok(Changed::Stale);
    }
    let Some((found, _)) = find(&tx, tenant, user).await? else { return Ok(Changed::Missing) };
    if auth::is_last_super_admin(&tx, &found).await? {
        return Ok(Changed::LastSuperAdmin);
    }
    // What hangs on the user goes with it.
    let sql = "DELETE FROM mt_users WHERE tenant_id = $1 AND user_id = $2";
    sql::run(&tx, sql, [tenant.as_str().into(), user.as_str().into()]).await?;
    add_to_count(&tx, tenant, found.role, found.status, -1).await?;
    audit::commit(db, tx, audit).await?;
    Ok(Changed::Done(()))
}

async fn add_to_count(
    tx: &DatabaseTransaction,
    tenant: &TenantId,
    role: Role,
    status: UserStatus,
    by: i64,
) -> Result<(), Fault> {
    let sql = "INSERT INTO mt_user_counts AS t (tenant_id, role, status, users) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (tenant_id, role, status) DO UPDATE SET users = t.users + excluded.users";
    sql::run(tx, sql, [tenant.as_str().into(), role.as_str().into(), status.as_str().into(), by.into()]).await?;
    Ok(())
}

#[derive(FromQueryResult)]
pub(super) struct UserRow {
    tenant_id: String,
    user_id: String,
    login_name: String,
    email: Option<String>,
    name: String,
    role: String,
    status: String,
    created_at: i64,
    updated_at: i64,
    last_login: Option<i64>,
    sessions: Option<i64>,
    messages: Option<i64>,
    tokens: Option<i64>,
}

impl UserRow {
    /// The user of a row that has all columns.
    pub(super) fn read(row: &QueryResult) -> Result<(User, UserUsage), Fault> {
        Self::from_query_result(row, "")?.user()
    }

    fn user(self) -> Result<(User, UserUsage), Fault> {
        let usage = UserUsage {
            sessions: sql::count(self.sessions.unwrap_or(0))?,
            messages: sql::count(self.messages.unwrap_or(0))?,
            tokens: sql::count(self.tokens.unwrap_or(0))?,
        };
        let user = User {
            tenant: TenantId::stored(&self.tenant_id).map_err(Fault::corrupt("tenant id"))?,
            id: parse("user id", &self.user_id)?,
            login_name: self.login_name,
            email: self.email,
            name: self.name,
            role: parse("role", &self.role)?,
            status: parse("user status", &self.status)?,
            created_at: sql::time(self.created_at)?,
            updated_at: sql::time(self.updated_at)?,
            last_login: self.last_login.map(sql::time).transpose()?,
        };
        Ok((user, usage))
    }
}
