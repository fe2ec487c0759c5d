//! Where a test makes its pools.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mt_paas_core::key_pool::{KeyPool, KeyPoolStore, PoolLimits};
use mt_paas_core::store::StoreError;

use super::lender::Lender;
use super::list::counted::{Counted, Start};
use super::member::{Distant, Line, Member};
use super::time::{MovedClock, Time};
use crate::stores::Violation;

/// An empty place for pools: a store that any number of processes open, or this process's memory.
#[derive(Clone)]
pub struct Ground {
    open: Option<Arc<Open>>,
    through: Arc<Through>,
    time: Arc<Time>,
    start: Start,
}

type Open = dyn Fn() -> BoxFuture<'static, Result<Arc<dyn KeyPoolStore>, StoreError>> + Send + Sync;
type Through = dyn Fn(KeyPool) -> Arc<dyn Lender> + Send + Sync;

impl Ground {
    /// A place in this process's memory. Whatever number of pools is wanted, they are the same.
    pub fn in_memory() -> Self {
        Self { open: None, through: Arc::new(|pool| Arc::new(pool)), time: Arc::default(), start: Start::default() }
    }

    /// A place that `open` opens as often as it is called, each time as another process would.
    pub fn shared<F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn KeyPoolStore>, StoreError>> + Send + 'static,
    {
        Self { open: Some(Arc::new(move || Box::pin(open()))), ..Self::in_memory() }
    }

    /// The same with something between the suite and each pool: one that lends wrongly must be found.
    #[must_use]
    pub fn through(self, lender: impl Fn(KeyPool) -> Arc<dyn Lender> + Send + Sync + 'static) -> Self {
        Self { through: Arc::new(lender), ..self }
    }

    /// The store, once more, with entries that are counted from one.
    pub(super) async fn store(&self) -> Result<Arc<dyn KeyPoolStore>, Violation> {
        match &self.open {
            Some(open) => Ok(Arc::new(Counted::new(open().await?, &self.start).await?)),
            None => Err(Violation::new("this test needs a store")),
        }
    }

    /// Pools as two processes have them.
    pub(super) async fn two(&self, limits: PoolLimits) -> Result<[Arc<dyn Lender>; 2], Violation> {
        if self.open.is_none() {
            let pool = self.alone(limits);
            return Ok([pool.clone(), pool]);
        }
        Ok([self.member(limits).await?.pool, self.member(limits).await?.pool])
    }

    /// A process of a shared pool.
    pub(super) async fn member(&self, limits: PoolLimits) -> Result<Member, Violation> {
        let line = Arc::new(Line::default());
        let distant = Distant { store: self.store().await?, line: line.clone(), time: self.time.clone() };
        Ok(Member { pool: (self.through)(KeyPool::shared(limits, Arc::new(distant))), line })
    }

    /// A pool in memory with this ground's time.
    pub(super) fn alone(&self, limits: PoolLimits) -> Arc<dyn Lender> {
        let clock = MovedClock { time: self.time.clone(), clock: Default::default() };
        (self.through)(KeyPool::in_memory_by(limits, Arc::new(clock)))
    }

    /// How often a test repeats what is cheap in memory and costs a store's turn elsewhere.
    pub(super) fn times(&self, in_memory: usize, in_a_store: usize) -> usize {
        if self.open.is_none() { in_memory } else { in_a_store }
    }

    pub(super) fn time(&self) -> &Time {
        &self.time
    }

    /// Moves time on, and lets each pool notice, the first first.
    pub(super) async fn pass(&self, by: Duration, pools: &[Arc<dyn Lender>]) -> Result<(), Violation> {
        self.time.pass(by);
        for pool in pools {
            pool.pool().view().await?;
        }
        Ok(())
    }
}
