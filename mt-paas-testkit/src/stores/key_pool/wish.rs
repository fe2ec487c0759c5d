//! Keys and callers of the tests.

use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{
    AcquireOptions, KeyId, KeyView, NewKey, PoolError, PoolLimits, PoolView, Provider, Ticket,
};
use mt_paas_core::{Secret, TenantId, UserId};
use serde_json::json;
use tokio::task::JoinHandle;

use super::lender::{Lender, Lent};
use crate::stores::Violation;

/// Longer than anything takes on the slowest machine.
pub(super) const LONG: Duration = Duration::from_secs(8);
/// A day, so that time that a test moves on ends no lease.
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// What most tests lend.
pub(super) fn provider() -> Provider {
    named("openai")
}

pub(super) fn named(provider: &str) -> Provider {
    provider.parse().expect("the names in tests are legal")
}

pub(super) fn tenant(id: &str) -> TenantId {
    id.parse().expect("the ids in tests are legal")
}

pub(super) fn user(id: &str) -> UserId {
    id.parse().expect("the ids in tests are legal")
}

/// A key for everybody that allows `concurrency` calls at once and any number of requests.
pub(super) fn key(name: &str, concurrency: u32) -> NewKey {
    NewKey { concurrency, ..NewKey::new(provider(), name, Secret::new(json!({}))) }
}

/// Limits that hold nobody back.
pub(super) fn wide() -> PoolLimits {
    PoolLimits { per_user: 10_000, total: 100_000, ..PoolLimits::default() }
}

/// Puts keys into a pool.
pub(super) async fn put(pool: &Arc<dyn Lender>, keys: impl IntoIterator<Item = NewKey>) -> Result<(), Violation> {
    for key in keys {
        pool.pool().put_key(key).await?;
    }
    Ok(())
}

/// Everything that a pool knows.
pub(super) async fn view(pool: &Arc<dyn Lender>) -> Result<PoolView, Violation> {
    Ok(pool.pool().view().await?)
}

/// What is known of a key.
pub(super) async fn used(pool: &Arc<dyn Lender>, name: &str) -> Result<KeyView, Violation> {
    let found = view(pool).await?.keys.into_iter().find(|used| used.key.spec.name == name);
    found.ok_or_else(|| Violation::new(format!("the key {name} is not there")))
}

/// The number of a key.
pub(super) async fn id(pool: &Arc<dyn Lender>, name: &str) -> Result<KeyId, Violation> {
    Ok(used(pool, name).await?.key.id)
}

/// Looks at a pool until it is as it has to become.
pub(super) async fn until(
    pool: &Arc<dyn Lender>,
    what: &str,
    holds: impl Fn(&PoolView) -> bool,
) -> Result<PoolView, Violation> {
    let began = tokio::time::Instant::now();
    loop {
        let view = view(pool).await?;
        if holds(&view) {
            return Ok(view);
        }
        if began.elapsed() > LONG {
            let held: Vec<_> = view.leases.iter().map(|lease| lease.claim.user.to_string()).collect();
            let queue: Vec<_> = view.queue.iter().map(|waiter| waiter.claim.user.to_string()).collect();
            return Err(Violation::new(format!("{what} did not come: leases of {held:?}, queue {queue:?}")));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Somebody who wants something.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    provider: Option<Provider>,
    tenant: TenantId,
    user: UserId,
    options: AcquireOptions,
}

impl Wish {
    /// A user of the school who wants one request of a key now, and holds it for a day.
    pub(super) fn of(name: &str) -> Self {
        let options = AcquireOptions { patience: Duration::ZERO, ttl: DAY, ..AcquireOptions::default() };
        Self { provider: Some(provider()), tenant: tenant("school"), user: user(name), options }
    }

    /// A job that needs no key.
    pub(super) fn place(self) -> Self {
        Self { provider: None, ..self }
    }

    pub(super) fn provider(self, name: &str) -> Self {
        Self { provider: Some(named(name)), ..self }
    }

    pub(super) fn tenant(self, id: &str) -> Self {
        Self { tenant: tenant(id), ..self }
    }

    pub(super) fn units(mut self, units: u32) -> Self {
        self.options.units = units;
        self
    }

    pub(super) fn model(mut self, model: &str) -> Self {
        self.options.model = Some(model.to_owned());
        self
    }

    pub(super) fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = ttl;
        self
    }

    pub(super) fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Asks for it.
    pub(super) async fn ask(&self, pool: &Arc<dyn Lender>) -> Result<Box<dyn Lent>, PoolError> {
        pool.lend(self.provider.as_ref(), &self.tenant, &self.user, &self.options).await
    }

    /// Asks for it with patience, elsewhere.
    pub(super) fn start(&self, pool: &Arc<dyn Lender>) -> Waiting {
        let mut wish = self.clone();
        if wish.options.patience.is_zero() {
            wish.options.patience = LONG * 4;
        }
        let pool = pool.clone();
        Waiting(tokio::spawn(async move { wish.ask(&pool).await }))
    }

    /// Asks for it with patience, and returns as soon as it stands in the queue.
    pub(super) async fn queue(&self, pool: &Arc<dyn Lender>) -> Result<(Waiting, Ticket), Violation> {
        let waiting = self.start(pool);
        let stands = |view: &PoolView| {
            view.queue.iter().find(|waiter| waiter.claim.user == self.user).map(|waiter| waiter.ticket)
        };
        let view = until(pool, &format!("{} in the queue", self.user), |view| stands(view).is_some()).await?;
        let ticket = stands(&view).ok_or_else(|| Violation::new("the queue changed"))?;
        Ok((waiting, ticket))
    }
}

/// Somebody who waits, and gives up when it is dropped.
pub(super) struct Waiting(pub(super) JoinHandle<Result<Box<dyn Lent>, PoolError>>);

impl Waiting {
    /// What it got.
    pub(super) async fn got(mut self) -> Result<Box<dyn Lent>, Violation> {
        match tokio::time::timeout(LONG, &mut self.0).await {
            Ok(got) => Ok(got??),
            Err(_) => Err(Violation::new("somebody waited in vain for what was free")),
        }
    }

    /// Whether it waits no more.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abort();
    }
}
