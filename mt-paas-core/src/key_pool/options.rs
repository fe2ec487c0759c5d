//! How a lease is wanted.

use std::sync::Arc;
use std::time::Duration;

use super::claim::Claim;
use super::error::PoolError;
use super::key::Provider;
use crate::ids::{TenantId, UserId};

/// How a lease is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireOptions {
    /// How long to wait for it; zero: not at all. 60 seconds unless set.
    pub patience: Duration,
    /// How long it lives when its process says nothing: 1 second to 1 day. 60 seconds unless set. While the process runs
    /// the lease renews itself, so this is only the time after which a crashed process's key goes to others.
    pub ttl: Duration,
    /// How many requests come with it: 0 to 10,000. One unless set.
    pub units: u32,
    /// The model, by which requests a day are counted: at most 100 characters.
    pub model: Option<String>,
}

impl Default for AcquireOptions {
    fn default() -> Self {
        let (patience, ttl) = (Duration::from_secs(60), Duration::from_secs(60));
        Self { patience, ttl, units: 1, model: None }
    }
}

impl AcquireOptions {
    /// The claim that somebody makes with these options.
    pub(crate) fn claim(
        &self,
        provider: Option<Provider>,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Arc<Claim>, PoolError> {
        let fault = |option, demand| Err(PoolError::InvalidOption { option, demand });
        if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&self.ttl) {
            return fault("ttl", "must be 1 second to 1 day");
        }
        if self.patience > Duration::from_secs(7 * 86_400) {
            return fault("patience", "must be at most 7 days");
        }
        if self.units > 10_000 {
            return fault("units", "must be at most 10000");
        }
        if self.model.as_ref().is_some_and(|model| model.is_empty() || model.chars().count() > 100) {
            return fault("model", "must be 1 to 100 characters");
        }
        Ok(Arc::new(Claim { provider, tenant, user, model: self.model.clone(), units: self.units, ttl: self.ttl }))
    }
}
