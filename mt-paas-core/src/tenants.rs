//! Tenants: their state machine, their hooks, and the ready-made handler on top of a store.

mod handler;
mod hooks;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use handler::{InvalidHandler, StoreHandler, StoreHandlerBuilder};
pub use hooks::TenantHooks;
pub use state::{Activation, Deactivation, activate, current, deactivate};

use crate::audit::AuditEvent;
use crate::ids::TenantId;
use crate::outbox::OutboxEvent;
use crate::period::Zone;
use crate::standard_api::{ActivationConfig, Branding, Contact, FeatureMap, Limits, TenantStatus};
use crate::store::StoreError;

/// Counts the changes of a tenant's row. A write that was decided on an older one is refused.
pub type Revision = i64;

/// A tenant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The market's name for it.
    pub id: TenantId,
    /// Rises with every change; set by the store.
    pub revision: Revision,
    /// The state as it was written; [`current`] says what it has become since.
    pub status: TenantStatus,
    /// What it was activated with last, to tell a repeat from a conflict.
    pub activation: ActivationRecord,
    /// The plan.
    pub plan: String,
    /// The features that the plan allows: the catalogue's list joined with the list of the activation.
    pub allowed_features: BTreeSet<String>,
    /// Features by name.
    pub features: FeatureMap,
    /// What it may use.
    pub limits: Limits,
    /// How it looks.
    pub branding: Branding,
    /// Where its days begin and end.
    pub zone: Zone,
    /// What it has bought.
    pub term: SubscriptionTerm,
    /// Where, beside the market's own address, it wants changes to be told.
    pub callback_url: Option<String>,
    /// The hook that has not ended yet: the tenant is not in use until it has.
    pub hook: Option<PendingHook>,
    /// Whether users and data outlive a deactivation.
    pub data_preserved: bool,
    /// Until when at least they are kept after a deactivation.
    pub data_retention_until: Option<DateTime<Utc>>,
    /// When it was activated for the first time.
    pub created_at: DateTime<Utc>,
    /// When its state or settings changed last.
    pub updated_at: DateTime<Utc>,
}

/// A hook that was begun. If its process dies it is run again, so that a tenant is never left half made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingHook {
    /// Which one.
    pub after: HookAfter,
    /// The process that runs it.
    pub owner: Uuid,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The hooks that stand behind a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookAfter {
    /// `after_activate` of a tenant that was never known before.
    FirstActivation,
    /// `after_activate` of any other.
    Activation,
    /// `after_deactivate`.
    Deactivation,
}

/// The content of an activation, as it is compared with a repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationRecord {
    /// What people call the tenant.
    pub tenant_name: String,
    /// The plan.
    pub plan: String,
    /// The features, as a set.
    pub features: BTreeSet<String>,
    /// The members of the configuration that are applied.
    pub config: ActivationConfig,
    /// Who speaks for the tenant.
    pub contact: Contact,
}

/// When a subscription runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionTerm {
    /// The first day.
    pub start: NaiveDate,
    /// The last day.
    pub end: NaiveDate,
    /// Whether it goes on for another [`SUBSCRIPTION_DAYS`](SubscriptionTerm::DAYS) after the last day.
    pub auto_renew: bool,
}

impl SubscriptionTerm {
    /// How long a subscription lasts unless something else is said.
    pub const DAYS: u64 = 365;
}

/// What became of a change of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is done; the row has this revision now.
    Done(Revision),
    /// The row has another revision, or exists, or does not: read it again and decide again.
    Stale,
}

/// Keeps tenants.
#[async_trait]
pub trait TenantStore: Send + Sync + 'static {
    /// One tenant.
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError>;

    /// At most `limit` tenants after `after`, by id.
    async fn tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Arc<Tenant>>, StoreError>;

    /// Writes a tenant over the row of revision `based_on` (`None`: over no row) together with its messages and what is to
    /// be said in the audit trail, and gives it a new revision.
    ///
    /// `purge` removes the tenant's users in the same transaction. If the time zone differs from the row's, usage is
    /// counted again by the new calendar in the same transaction.
    async fn save_tenant(
        &self,
        tenant: &Tenant,
        based_on: Option<Revision>,
        purge: bool,
        events: &[OutboxEvent],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError>;

    /// Takes a change back because what had to follow it failed: puts `before` (`None`: no row) in the place of
    /// revision `written` and withdraws the messages `events` that are not sent yet. The audit trail keeps what it has;
    /// `audit` is added.
    async fn restore_tenant(
        &self,
        tenant: &TenantId,
        before: Option<&Tenant>,
        written: Revision,
        events: &[Uuid],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError>;

    /// Removes the users of a tenant that is still at `revision`. Usage stays, for the last bill.
    async fn purge_users(&self, tenant: &TenantId, revision: Revision) -> Result<Saved, StoreError>;
}
