//! What a store is: every trait that the logic of this crate calls, together.

pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sea-orm")]
pub mod sea_orm;

use async_trait::async_trait;

use crate::audit::AuditStore;
use crate::auth::AuthStore;
use crate::error::ApiError;
use crate::idempotency::IdempotencyStore;
use crate::outbox::OutboxStore;
use crate::tenants::TenantStore;
use crate::usage::UsageStore;
use crate::users::UserStore;

/// A place that keeps everything the ready-made handler knows.
///
/// The in-memory store is the executable specification; the suites of mt-paas-testkit hold every other store against it.
#[async_trait]
pub trait Store:
    TenantStore + UserStore + UsageStore + IdempotencyStore + OutboxStore + AuditStore + AuthStore
{
    /// Whether the store can be reached.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Puts everything away before the process ends; operations fail from then on.
    async fn close(&self) -> Result<(), StoreError>;
}

/// The store could not do its work. What it was asked for did not happen, or, where a commit's answer was lost, may have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached or is overloaded; another try may help.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It holds something that this version cannot read.
    #[error("the store holds an unreadable {what}")]
    Corrupt {
        /// What was being read.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}
