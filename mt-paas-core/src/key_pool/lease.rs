//! A key on loan.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::claim::{Generation, Ticket};
use super::desk::{Desk, Reply};
use super::error::PoolError;
use super::health::Verdict;
use super::key::Key;
use super::op::Op;
use super::sync::sleep;

/// A key, or a job's place, on loan. It renews itself while it is held and goes back when it is dropped, also when its
/// future is cancelled or its task panics.
///
/// If its process dies, stands still or loses the store for longer than the lease's time to live, the lease ends and the
/// key goes to others. From then on everything that is done in its name is refused, because its [generation] is stale:
/// who writes outside of the pool in its name stores the generation with what it writes and refuses lower ones.
///
/// [generation]: Self::generation
#[must_use = "a lease that is dropped is given back"]
pub struct Lease {
    desk: Arc<Desk>,
    generation: Generation,
    key: Option<Arc<Key>>,
    ticket: Option<Ticket>,
    over: bool,
}

impl Lease {
    pub(crate) fn new(desk: Arc<Desk>, generation: Generation, key: Option<Arc<Key>>) -> Self {
        Self { desk, generation, key, ticket: None, over: false }
    }

    pub(crate) fn with_place(mut self, ticket: Ticket) -> Self {
        self.ticket = Some(ticket);
        self
    }

    /// The rising number that every write made under this lease presents.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The key as it was when it was lent; `None` for a job that needs none. Its payload is opened by
    /// [`KeyPool::open`](super::KeyPool::open).
    pub fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }

    /// The place in the queue that it came from; `None` if it was lent at once.
    pub fn ticket(&self) -> Option<Ticket> {
        self.ticket
    }

    /// Makes room for `units` more requests, waiting for it up to `patience`.
    ///
    /// # Errors
    ///
    /// [`PoolError::Busy`] when there was no room in time, [`PoolError::TooMany`] when there never will be,
    /// [`PoolError::LeaseEnded`], [`PoolError::KeyGone`], [`PoolError::Store`].
    pub async fn charge(&self, units: u32, patience: Duration) -> Result<(), PoolError> {
        let until = (!patience.is_zero()).then(|| Instant::now() + patience);
        let op = Op::Charge { lease: self.generation, units, until };
        match self.desk.call(op).await? {
            Reply::Blocked(why) => Err(why),
            Reply::Waits(mut waiting) => tokio::select! {
                got = waiting.wait() => got.map(drop),
                () = self.lost() => Err(PoolError::LeaseEnded),
            },
            Reply::Done | Reply::Lease(_) => Ok(()),
        }
    }

    /// Tells what the provider answered to the last request. A refused request counts for no limit, and the key may rest
    /// or be quarantined.
    ///
    /// # Errors
    ///
    /// [`PoolError::LeaseEnded`], [`PoolError::Store`].
    pub async fn report(&self, verdict: Verdict) -> Result<(), PoolError> {
        if !verdict.is_refusal() {
            return if self.is_live() { Ok(()) } else { Err(PoolError::LeaseEnded) };
        }
        self.desk.call(Op::Report { lease: self.generation, verdict }).await.map(drop)
    }

    /// Presents the lease to the store: whether it may still be worked in its name. It lives its full time from now on.
    ///
    /// # Errors
    ///
    /// [`PoolError::LeaseEnded`], [`PoolError::Store`].
    pub async fn renew(&self) -> Result<(), PoolError> {
        self.desk.call(Op::Renew(self.generation)).await.map(drop)
    }

    /// Gives the lease back and says whether it held to the end.
    ///
    /// # Errors
    ///
    /// [`PoolError::LeaseEnded`] if it had ended before: somebody else may have had the key meanwhile.
    pub async fn settle(mut self) -> Result<(), PoolError> {
        let settled = self.desk.call(Op::Release(self.generation)).await;
        // Whoever stops listening drops the lease meanwhile, which gives it back again. A closed or unreachable store still learns of it as soon as it can.
        self.over = settled.is_ok() || matches!(settled, Err(PoolError::LeaseEnded));
        settled.map(drop)
    }

    /// Whether the lease is live, as far as this process can know without asking.
    pub fn is_live(&self) -> bool {
        self.desk.is_live(self.generation)
    }

    /// Returns when the lease has ended without being given back.
    pub async fn lost(&self) {
        let mut losses = self.desk.losses.subscribe();
        while let Some(left) = self.desk.lives_for(self.generation) {
            tokio::select! {
                changed = losses.changed() => if changed.is_err() { return },
                // The task behind the desk may be waiting for the store.
                () = sleep(left) => (),
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.over {
            self.desk.leave(Op::Release(self.generation));
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("generation", &self.generation)
            .field("key", &self.key.as_ref().map(|key| &key.spec.name))
            .finish_non_exhaustive()
    }
}
