//! A pool as the suite uses it, so that a faulty one can stand in for it.

use async_trait::async_trait;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, PoolError, Provider, Verdict};
use mt_paas_core::{TenantId, UserId};
use std::time::Duration;

/// Somebody who lends. A [`KeyPool`] does; what wraps one can do it wrong, to show that the suite finds it.
#[async_trait]
pub trait Lender: Send + Sync {
    /// The pool itself. Everything about its keys goes there.
    fn pool(&self) -> &KeyPool;

    /// Lends a key of a provider, or a place without one.
    ///
    /// # Errors
    ///
    /// Those of [`KeyPool::acquire`].
    async fn lend(
        &self,
        provider: Option<&Provider>,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
    ) -> Result<Box<dyn Lent>, PoolError>;
}

/// What was lent; see [`Lease`].
#[async_trait]
pub trait Lent: Send + Sync {
    /// The lease itself. What can be asked of it without a store goes there.
    fn lease(&self) -> &Lease;

    /// [`Lease::charge`].
    ///
    /// # Errors
    ///
    /// Those of [`Lease::charge`].
    async fn charge(&self, units: u32, patience: Duration) -> Result<(), PoolError>;

    /// [`Lease::report`].
    ///
    /// # Errors
    ///
    /// Those of [`Lease::report`].
    async fn report(&self, verdict: Verdict) -> Result<(), PoolError>;

    /// [`Lease::renew`].
    ///
    /// # Errors
    ///
    /// Those of [`Lease::renew`].
    async fn renew(&self) -> Result<(), PoolError>;

    /// [`Lease::settle`].
    ///
    /// # Errors
    ///
    /// Those of [`Lease::settle`].
    async fn settle(self: Box<Self>) -> Result<(), PoolError>;
}

#[async_trait]
impl Lender for KeyPool {
    fn pool(&self) -> &KeyPool {
        self
    }

    async fn lend(
        &self,
        provider: Option<&Provider>,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
    ) -> Result<Box<dyn Lent>, PoolError> {
        let lease = match provider {
            Some(provider) => self.acquire(provider, tenant, user, options).await?,
            None => self.acquire_place(tenant, user, options).await?,
        };
        Ok(Box::new(lease))
    }
}

#[async_trait]
impl Lent for Lease {
    fn lease(&self) -> &Lease {
        self
    }

    async fn charge(&self, units: u32, patience: Duration) -> Result<(), PoolError> {
        self.charge(units, patience).await
    }

    async fn report(&self, verdict: Verdict) -> Result<(), PoolError> {
        self.report(verdict).await
    }

    async fn renew(&self) -> Result<(), PoolError> {
        self.renew().await
    }

    async fn settle(self: Box<Self>) -> Result<(), PoolError> {
        (*self).settle().await
    }
}
