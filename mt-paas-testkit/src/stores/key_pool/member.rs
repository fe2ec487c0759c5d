//! One process of a pool, with a hand on the way to its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use mt_paas_core::store::StoreError;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::lender::Lender;
use super::time::Time;

/// One process of a pool.
pub(super) struct Member {
    pub(super) pool: Arc<dyn Lender>,
    pub(super) line: Arc<Line>,
}

/// The way to the store.
#[derive(Default)]
pub(super) struct Line {
    busy: Arc<Mutex<()>>,
    cut: AtomicBool,
    loses_an_answer: AtomicBool,
}

impl Line {
    /// Lets nothing through until what it returns is dropped. No turn is under way when it returns.
    pub(super) async fn hold(&self) -> OwnedMutexGuard<()> {
        self.busy.clone().lock_owned().await
    }

    /// Makes every turn fail, or no more.
    pub(super) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    /// Lets the next entry arrive and its answer be lost.
    pub(super) fn lose_an_answer(&self) {
        self.loses_an_answer.store(true, Ordering::SeqCst);
    }

    /// Whether the answer is lost by now.
    pub(super) fn has_lost_it(&self) -> bool {
        !self.loses_an_answer.load(Ordering::SeqCst)
    }
}

/// A store at the end of a line, with the ground's time.
pub(super) struct Distant {
    pub(super) store: Arc<dyn KeyPoolStore>,
    pub(super) line: Arc<Line>,
    pub(super) time: Arc<Time>,
}

struct DistantTurn {
    turn: Box<dyn Turn>,
    line: Arc<Line>,
    now: Moment,
    _busy: OwnedMutexGuard<()>,
}

fn away() -> StoreError {
    StoreError::Unavailable("the test cut the line".into())
}

#[async_trait]
impl KeyPoolStore for Distant {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let busy = self.line.hold().await;
        if self.line.cut.load(Ordering::SeqCst) {
            return Err(away());
        }
        let turn = self.store.begin(after).await?;
        let now = self.time.show(turn.now());
        Ok(Box::new(DistantTurn { turn, line: self.line.clone(), now, _busy: busy }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        if self.line.cut.load(Ordering::SeqCst) {
            return Err(away());
        }
        self.store.changed(member, after).await
    }
}

#[async_trait]
impl Turn for DistantTurn {
    fn now(&self) -> Moment {
        self.now
    }

    fn anew(&self) -> Option<u64> {
        self.turn.anew()
    }

    fn entries(&mut self) -> Vec<Entry> {
        self.turn.entries()
    }

    async fn append(self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError> {
        let appended = self.turn.append(entry, wake).await?;
        if self.line.loses_an_answer.swap(false, Ordering::SeqCst) {
            return Err(away());
        }
        Ok(appended)
    }

    async fn pass(self: Box<Self>) -> Result<(), StoreError> {
        self.turn.pass().await
    }
}
