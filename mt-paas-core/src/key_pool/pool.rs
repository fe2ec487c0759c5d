//! The pool as its callers see it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::broadcast;

use super::claim::MemberId;
use super::clerk;
use super::desk::{Delivered, Desk, Place, Reply};
use super::edit::{KeyEdit, KeyRefused, SeedEntry};
use super::engine::{Engine, PoolLimits};
use super::error::PoolError;
use super::event::PoolEvent;
use super::keeper;
use super::key::{KeyId, KeySpec, Provider};
use super::lease::Lease;
use super::new_key::{KeyChange, NewKey, sealed};
use super::op::Op;
use super::options::AcquireOptions;
use super::seal::{ClearText, PayloadSeal, SealContext};
use super::seed::KeySeed;
use super::state::State;
use super::store::KeyPoolStore;
use super::sync::spawn;
use super::view::{PoolView, Standing};
use crate::clock::{Clock, SteadyClock};
use crate::ids::{TenantId, UserId};
use crate::seal::SealError;
use crate::secret::Secret;

/// Lends keys. Cloning is cheap; clones are the same pool.
#[derive(Clone)]
pub struct KeyPool {
    desk: Arc<Desk>,
    seal: Arc<dyn PayloadSeal>,
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
        spawn(keeper::keep(Arc::downgrade(&desk), desk.work.clone()));
        Self { desk, seal: Arc::new(ClearText) }
    }

    /// A pool that processes share through a store. To be called in a Tokio runtime. All of them should have the same
    /// limits.
    ///
    /// The payloads of its keys are kept in the store as clear text, for everybody to read who can read the store, unless
    /// the pool is [`sealed_by`](Self::sealed_by) something before a key is put into it.
    pub fn shared(limits: PoolLimits, store: Arc<dyn KeyPoolStore>) -> Self {
        let member = MemberId(rand_member());
        let engine = Engine::new(State::default(), limits, member, true);
        let desk = Desk::new(engine, Place::Store, member);
        spawn(clerk::work(Arc::downgrade(&desk), desk.work.clone(), store));
        Self { desk, seal: Arc::new(ClearText) }
    }

    /// The pool with another seal than [`ClearText`], such as a [`Keyring`](crate::seal::Keyring). All processes that share
    /// a pool have the same.
    #[must_use]
    pub fn sealed_by(self, seal: Arc<dyn PayloadSeal>) -> Self {
        Self { seal, ..self }
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

    /// Opens the payload of a lease's key; for a job that needs no key it is `null`.
    ///
    /// # Errors
    ///
    /// [`PoolError::Sealed`] names the key.
    pub fn open(&self, lease: &Lease) -> Result<Secret<Value>, PoolError> {
        lease.key().map_or_else(|| Ok(Secret::new(Value::Null)), |key| open(&*self.seal, &key.spec))
    }

    /// Adds a key, or changes the one of its provider with its name. Waiters that it can serve are served at once.
    ///
    /// # Errors
    ///
    /// [`PoolError::KeyRefused`] names the field that cannot be meant; [`PoolError::NotSealed`], [`PoolError::Store`],
    /// [`PoolError::Closed`].
    pub async fn put_key(&self, key: NewKey) -> Result<(), PoolError> {
        let view = self.view().await?;
        let known = named(&view, &key.provider, &key.name);
        self.edit(KeyEdit::Put(self.sealed(&key, known)?)).await
    }

    /// Adds a key whose name is free.
    ///
    /// # Errors
    ///
    /// As [`put_key`](Self::put_key); [`PoolError::KeyRefused`] if its provider has a key with its name.
    pub async fn add_key(&self, key: NewKey) -> Result<(), PoolError> {
        self.edit(KeyEdit::Add(self.sealed(&key, None)?)).await
    }

    /// Changes a key: what the change does not name stays as it is, also what others change meanwhile.
    ///
    /// # Errors
    ///
    /// As [`put_key`](Self::put_key); [`PoolError::KeyRefused`] if there is no such key.
    pub async fn change_key(&self, key: KeyId, change: KeyChange) -> Result<(), PoolError> {
        let payload = match &change.payload {
            Some(payload) => Some(self.resealed(key, payload).await?),
            None => None,
        };
        self.edit(KeyEdit::Change(key, change, payload)).await
    }

    /// Makes the seeded keys be those of `seed`, all or none; see [`KeySeed`].
    ///
    /// # Errors
    ///
    /// As [`put_key`](Self::put_key).
    pub async fn seed(&self, seed: &KeySeed) -> Result<(), PoolError> {
        let Some(keys) = seed.keys() else { return Ok(()) };
        let view = self.view().await?;
        let entry = |key: &NewKey| {
            let known = named(&view, &key.provider, &key.name);
            let unreadable = known.filter(|known| open(&*self.seal, known).is_err());
            Ok(SeedEntry {
                spec: self.sealed(key, known)?,
                fingerprint: key.fingerprint(),
                unreadable: unreadable.map(|known| known.sealed_payload.clone()),
            })
        };
        let entries = keys.iter().map(entry).collect::<Result<_, PoolError>>()?;
        self.edit(KeyEdit::Seed(entries)).await
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

    /// What the pool knows, and all that happens after it: nothing is missing between the two, and nothing is in both.
    ///
    /// # Errors
    ///
    /// As [`view`](Self::view).
    pub async fn watch(&self) -> Result<(PoolView, broadcast::Receiver<PoolEvent>), PoolError> {
        self.desk.call(Op::Look).await?;
        let seen = {
            let mut inner = self.desk.inner();
            (PoolView::of(&inner.engine), inner.engine.watch())
        };
        self.desk.work.notify_one();
        Ok(seen)
    }

    /// Where its callers meet.
    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    fn sealed(&self, key: &NewKey, known: Option<&KeySpec>) -> Result<KeySpec, PoolError> {
        let known = known.map(|known| known.sealed_payload.as_str());
        key.sealed(&*self.seal, known)
            .map_err(|source| PoolError::NotSealed { name: key.name.clone(), source: Arc::new(source) })
    }

    /// Another payload for a key, sealed.
    async fn resealed(&self, key: KeyId, payload: &Secret<Value>) -> Result<String, PoolError> {
        let view = self.view().await?;
        let known = view.keys.iter().find(|known| known.key.id == key).ok_or(KeyRefused::Unknown(key))?;
        let KeySpec { provider, name, sealed_payload, .. } = &known.key.spec;
        sealed(&*self.seal, provider, name, payload, Some(sealed_payload))
            .map_err(|source| PoolError::NotSealed { name: name.clone(), source: Arc::new(source) })
    }

    pub(super) async fn edit(&self, edit: KeyEdit) -> Result<(), PoolError> {
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

/// The key of a provider with a name.
fn named<'a>(view: &'a PoolView, provider: &Provider, name: &str) -> Option<&'a KeySpec> {
    let specs = view.keys.iter().map(|used| &used.key.spec);
    specs.into_iter().find(|spec| spec.provider == *provider && spec.name == name)
}

fn open(seal: &dyn PayloadSeal, spec: &KeySpec) -> Result<Secret<Value>, PoolError> {
    let refused = |source| PoolError::Sealed { name: spec.name.clone(), source: Arc::new(source) };
    let context = SealContext { provider: &spec.provider, name: &spec.name };
    let plain = seal.open(&spec.sealed_payload, context).map_err(refused)?;
    serde_json::from_str(plain.expose()).map(Secret::new).map_err(|_| refused(SealError::Foreign))
}

/// A number that no other member of the pool has. Below 2^53, so that every reader of JSON keeps it.
fn rand_member() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 >> 11
}
