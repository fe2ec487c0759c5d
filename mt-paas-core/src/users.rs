//! Users as they are stored, and what a store of users promises.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::audit::AuditEvent;
use crate::ids::{TenantId, UserId};
use crate::outbox::OutboxEvent;
use crate::standard_api::{Page, Role, UpdateUserRequest, UserFilters, UserResponse, UserStatus, UserUsage};
use crate::store::StoreError;
use crate::tenants::Revision;
use crate::text;

/// A person of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The tenant.
    pub tenant: TenantId,
    /// Opaque.
    pub id: UserId,
    /// What the person logs in with; unique in the tenant.
    pub login_name: String,
    /// E-mail address, as sent. People of some services have none.
    pub email: Option<String>,
    /// Name, as sent.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person may come in.
    pub status: UserStatus,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
    /// When the person came in last.
    pub last_login: Option<DateTime<Utc>>,
}

/// Which users a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSearch {
    /// Only this role.
    pub role: Option<Role>,
    /// Only this status.
    pub status: Option<UserStatus>,
    /// Only users whose [`User::search_key`] holds this folded text.
    pub folded: Option<String>,
    /// Which part.
    pub page: Page,
}

impl From<UserFilters> for UserSearch {
    fn from(filters: UserFilters) -> Self {
        let UserFilters { role, status, search, page } = filters;
        Self { role, status, folded: search.as_deref().map(text::fold), page }
    }
}

/// A part of the users of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserList {
    /// How many match, on all pages.
    pub total: u64,
    /// By creation, then id.
    pub users: Vec<(User, UserUsage)>,
}

/// What became of a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is there, and so is its message to the market.
    Done,
    /// The address, the login name or the id is taken, the id also by what a deleted user used: nobody inherits that.
    /// Found out before the quota.
    Taken,
    /// The tenant holds `max_users` already.
    OverQuota,
    /// Only the first user of the tenant was to be added, and it has one.
    NotFirst,
    /// The tenant has another revision by now: read it again and decide again.
    Stale,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed<T> {
    /// It is done.
    Done(T),
    /// There is no such user in the tenant.
    Missing,
    /// Nobody would be left who can make administrators.
    LastSuperAdmin,
    /// The tenant has another revision by now: read it again and decide again.
    Stale,
}

impl User {
    /// The form of the e-mail address that is unique in the tenant.
    pub fn email_key(&self) -> Option<String> {
        self.email.as_deref().map(text::email_key)
    }

    /// What a search looks in: name and address, folded. They are kept apart by a control character, which no search
    /// text can hold.
    pub fn search_key(&self) -> String {
        let email = self.email.as_deref().unwrap_or_default();
        format!("{}\u{1f}{}", text::fold(&self.name), text::fold(email))
    }

    /// Merges a change in.
    pub fn apply(&mut self, change: UpdateUserRequest, at: DateTime<Utc>) {
        if let Some(name) = change.name {
            self.name = name;
        }
        self.role = change.role.unwrap_or(self.role);
        self.status = change.status.unwrap_or(self.status);
        self.updated_at = at;
    }

    /// The user as the contract shows one.
    pub fn response(self, usage: UserUsage) -> UserResponse {
        UserResponse {
            user_id: self.id,
            email: self.email.unwrap_or_default(),
            name: self.name,
            role: self.role,
            status: self.status,
            created_at: self.created_at,
            last_login: self.last_login,
            usage: Some(usage),
        }
    }
}

impl UpdateUserRequest {
    /// Says in the audit trail what is asked for. Names are personal data and of no use there.
    pub(crate) fn told(&self, event: AuditEvent) -> AuditEvent {
        let details = [
            ("name", self.name.as_ref().map(|_| "changed")),
            ("role", self.role.map(Role::as_str)),
            ("status", self.status.map(UserStatus::as_str)),
        ];
        let said = details.into_iter().filter_map(|(name, value)| Some((name, value?)));
        said.fold(event, |event, (name, value)| event.detail(name, value))
    }
}

/// Keeps users. Every write presents the tenant's revision and is refused in the same transaction when it is stale, so
/// that no decision outlives the tenant's state that it was based on. What a write is to say in the audit trail, `audit`, is
/// written with it, and not at all when it came to nothing.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Adds a user together with its message, at most up to `max_users` in the tenant.
    async fn insert_user(
        &self,
        revision: Revision,
        user: &User,
        max_users: u64,
        event: &OutboxEvent,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError>;

    /// One user and what it used so far.
    async fn user(&self, tenant: &TenantId, user: &UserId) -> Result<Option<(User, UserUsage)>, StoreError>;

    /// A part of the users.
    async fn users(&self, tenant: &TenantId, search: &UserSearch) -> Result<UserList, StoreError>;

    /// How many users the tenant has.
    async fn count_users(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// Merges a change into a user; concurrent changes of different members all land.
    async fn update_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        change: &UpdateUserRequest,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Changed<(User, UserUsage)>, StoreError>;

    /// Removes a user. What it used stays in the totals.
    async fn delete_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        audit: &[AuditEvent],
    ) -> Result<Changed<()>, StoreError>;
}
