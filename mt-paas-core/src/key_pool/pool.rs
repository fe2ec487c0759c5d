//! The pool as its callers see it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::broadcast;

use super::claim::MemberId;
use super::clerk;
use super::desk::{Delivered, Desk, Place, Reply};
use super::edit::KeyEdit;
use super::engine::{Engine, PoolLimits};
use super::error::PoolError;
use super::event::PoolEvent;
use super::keeper;
use super::key::{KeyId, KeySpec, Provider};
use super::lease::Lease;
use super::op::Op;
use super::options::AcquireOptions;
use super::state::State;
use super::store::KeyPoolStore;
use super::view::{PoolView, Standing};
use crate::clock::{Clock, SteadyClock};
use crate::ids::{TenantId, UserId};

/// Lends keys. Cloning is cheap; clones are the same pool.
#[derive(Clone)]
pub struct KeyPool {
    desk: Arc<Desk>,
}

impl KeyPool {
    /// A pool of this process alone, gone with it. To be called in a Tokio runtime.
    pub fn in_memory(limits: PoolLimits) -> Self {
        Self::in_memory_by(limits, Arc::new(SteadyClock::default()))
    }

    /// A pool in memory with a clock of its own, for tests.
    pub fn in_memory_by(limits: PoolLimits, clock: Arc<dyn Clock>) -> Self {
        let member = MemberId(0);
        let engine = Engine::new(State::default(), limits, member, false);
        let desk = Desk::new(engine, Place::Memory(clock), member);
        tokio::spawn(keeper::keep(Arc::downgrade(&desk), desk.work.clone()));
        Self { desk }
    }

    /// A pool that processes share through a store. To be called in a Tokio runtime. All of them should have the same
    /// limits.
    pub fn shared(limits: PoolLimits, store: Arc<dyn KeyPoolStore>) -> Self {
        let member = MemberId(rand_member());
        let engine = Engine::new(State::default(), limits, member, true);
        let desk = Desk::new(engine, Place::Store, member);
        tokio::spawn(clerk::work(Arc::downgrade(&desk), desk.work.clone(), store));
        Self { desk }
    }

    /// Lends a key of `provider` for a job of a user, waiting for one if none is free.
    ///
    /// # Errors
    ///
    /// [`PoolError::Busy`] when nothing became free in time, [`PoolError::TooMany`], [`PoolError::InvalidOption`],
    /// [`PoolError::Closed`], [`PoolError::Store`].
    pub async fn acquire(
        &self,
        provider: &Provider,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
    ) -> Result<Lease, PoolError> {
        self.lend(Some(provider), tenant, user, options, None).await
    }

    /// As [`acquire`](Self::acquire), and says about twice a second how it stands while it waits.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_and_tell(
        &self,
        provider: &Provider,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
        tell: &(dyn Fn(Standing) + Send + Sync),
    ) -> Result<Lease, PoolError> {
        self.lend(Some(provider), tenant, user, options, Some(tell)).await
    }

    /// Lends a place for a job of a user that needs no key. It counts for the limits of its user and in total.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_place(
        &self,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
    ) -> Result<Lease, PoolError> {
        self.lend(None, tenant, user, options, None).await
    }

    async fn lend(
        &self,
        provider: Option<&Provider>,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
        tell: Option<&(dyn Fn(Standing) + Send + Sync)>,
    ) -> Result<Lease, PoolError> {
        let claim = options.claim(provider.cloned(), tenant.clone(), user.clone())?;
        let until = (!options.patience.is_zero()).then(|| Instant::now() + options.patience);
        match self.desk.call(Op::Acquire { claim, until }).await? {
            Reply::Lease(lease) => Ok(lease),
            Reply::Blocked(why) => Err(why),
            Reply::Waits(mut waiting) => {
                let got = match tell {
                    Some(tell) => waiting.wait_and_tell(tell).await?,
                    None => waiting.wait().await?,
                };
                match got {
                    Delivered::Lease(lease) => Ok(lease),
                    Delivered::Charged | Delivered::Late(_) => Err(PoolError::Closed),
                }
            }
            Reply::Done => Err(PoolError::Closed),
        }
    }

    /// Adds a key, or changes the one of its provider with its name. Waiters that it can serve are served at once.
    ///
    /// # Errors
    ///
    /// [`PoolError::KeyRefused`] names the field that cannot be meant; [`PoolError::Store`], [`PoolError::Closed`].
    pub async fn put_key(&self, spec: KeySpec) -> Result<(), PoolError> {
        self.edit(KeyEdit::Put(spec)).await
    }

    /// Takes a key out of the pool. Leases on it run on, and can make no more requests.
    ///
    /// # Errors
    ///
    /// [`PoolError::KeyRefused`] if there is no such key; [`PoolError::Store`], [`PoolError::Closed`].
    pub async fn remove_key(&self, key: KeyId) -> Result<(), PoolError> {
        self.edit(KeyEdit::Remove(key)).await
    }

    /// Turns a key on or off.
    ///
    /// # Errors
    ///
    /// As [`remove_key`](Self::remove_key).
    pub async fn set_key_active(&self, key: KeyId, active: bool) -> Result<(), PoolError> {
        self.edit(KeyEdit::SetActive(key, active)).await
    }

    /// Ends a key's quarantine or rest.
    ///
    /// # Errors
    ///
    /// As [`remove_key`](Self::remove_key).
    pub async fn release_key(&self, key: KeyId) -> Result<(), PoolError> {
        self.edit(KeyEdit::Release(key)).await
    }

    /// Everything that the pool knows.
    ///
    /// # Errors
    ///
    /// [`PoolError::Store`], [`PoolError::Closed`].
    pub async fn view(&self) -> Result<PoolView, PoolError> {
        self.desk.call(Op::Look).await?;
        Ok(PoolView::of(&self.desk.inner().engine))
    }

    /// What happens in the pool from now on, in all its processes. Who reads too slowly is told how much was missed.
    pub fn events(&self) -> broadcast::Receiver<PoolEvent> {
        let events = self.desk.inner().engine.watch();
        self.desk.work.notify_one();
        events
    }

    async fn edit(&self, edit: KeyEdit) -> Result<(), PoolError> {
        self.desk.call(Op::Keys(Arc::new(edit))).await.map(drop)
    }

    /// Ends the pool in this process: who waits gets [`PoolError::Closed`], and nothing more is lent. Leases can still be
    /// given back.
    pub fn close(&self) {
        self.desk.close();
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPool").field("member", &self.desk.member).finish_non_exhaustive()
    }
}

/// A number that no other member of the pool has. Below 2^53, so that every reader of JSON keeps it.
fn rand_member() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 >> 11
}
