//! Changes that a market is told of. A row is written in the same transaction as its change, so that neither exists
//! without the other; sending is at least once, with a stable id.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ids::TenantId;
use crate::store::StoreError;
use crate::tenants::Tenant;
use crate::users::User;
use crate::wire::wire_enum;

wire_enum! {
    /// What a market is told.
    EventKind {
        /// A tenant became active.
        TenantActivated = "tenant.activated",
        /// A tenant was closed.
        TenantDeactivated = "tenant.deactivated",
        /// A user was added.
        UserCreated = "user.created",
        /// A limit of the tenant refused something.
        QuotaExceeded = "quota.exceeded",
    }
}

/// One message to the market, waiting to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEvent {
    /// Stable over all tries of sending it.
    pub id: Uuid,
    /// The tenant that it is about.
    pub tenant: TenantId,
    /// What happened.
    pub kind: EventKind,
    /// What is said about it.
    pub data: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Where else, beside the market's own address, it is sent.
    pub callback_url: Option<String>,
}

impl OutboxEvent {
    /// A tenant became active.
    pub fn tenant_activated(tenant: &Tenant, at: DateTime<Utc>) -> Self {
        Self::new(tenant, EventKind::TenantActivated, at, json!({ "plan": tenant.plan }))
    }

    /// A tenant was closed.
    pub fn tenant_deactivated(tenant: &Tenant, reason: &str, at: DateTime<Utc>) -> Self {
        let data = json!({ "reason": reason, "data_preserved": tenant.data_preserved });
        Self::new(tenant, EventKind::TenantDeactivated, at, data)
    }

    /// A user was added.
    pub fn user_created(tenant: &Tenant, user: &User, at: DateTime<Utc>) -> Self {
        let data = json!({ "user_id": user.id, "email": user.email, "role": user.role });
        Self::new(tenant, EventKind::UserCreated, at, data)
    }

    /// A limit refused something.
    pub fn quota_exceeded(tenant: &Tenant, resource: &str, limit: u64, at: DateTime<Utc>) -> Self {
        Self::new(tenant, EventKind::QuotaExceeded, at, json!({ "resource": resource, "limit": limit }))
    }

    fn new(tenant: &Tenant, kind: EventKind, at: DateTime<Utc>, data: Value) -> Self {
        let (id, callback_url) = (Uuid::now_v7(), tenant.callback_url.clone());
        Self { id, tenant: tenant.id.clone(), kind, data, at, callback_url }
    }
}

/// Keeps messages until they are sent. Most are written by [`TenantStore`](crate::tenants::TenantStore) and
/// [`UserStore`](crate::users::UserStore) beside their changes.
#[async_trait]
pub trait OutboxStore: Send + Sync + 'static {
    /// Writes a message that belongs to no change, unless one of the same kind and tenant was written at or after
    /// `since`: a market that is told once an hour need not be told a thousand times.
    async fn queue_unless_recent(&self, event: &OutboxEvent, since: DateTime<Utc>) -> Result<bool, StoreError>;

    /// At most `limit` messages that are not sent yet, oldest first (by time, then id).
    async fn unsent_events(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError>;
}
