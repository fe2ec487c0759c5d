//! The list of a key pool's changes in memory: what pools of one process share, and the specification of the others.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::clock::{Clock, SteadyClock};
use crate::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use crate::store::StoreError;

/// A list of entries that is gone when it is dropped. Cloning is cheap; clones are the same list.
#[derive(Clone)]
pub struct MemoryKeyPool {
    list: Arc<Mutex<Vec<Entry>>>,
    clock: Arc<dyn Clock>,
    version: watch::Sender<u64>,
}

impl MemoryKeyPool {
    /// An empty list.
    pub fn new() -> Self {
        Self::by(Arc::new(SteadyClock::default()))
    }

    /// An empty list with a clock of its own, for tests.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self { list: Arc::default(), clock, version: watch::Sender::new(0) }
    }
}

impl Default for MemoryKeyPool {
    fn default() -> Self {
        Self::new()
    }
}

struct MemoryTurn {
    list: OwnedMutexGuard<Vec<Entry>>,
    entries: Vec<Entry>,
    now: Moment,
    version: watch::Sender<u64>,
}

#[async_trait]
impl KeyPoolStore for MemoryKeyPool {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let list = self.list.clone().lock_owned().await;
        let entries = list.iter().filter(|entry| entry.version > after).cloned().collect();
        let (now, version) = (self.clock.now().into(), self.version.clone());
        Ok(Box::new(MemoryTurn { list, entries, now, version }))
    }

    async fn changed(&self, _member: MemberId, after: u64) -> Result<(), StoreError> {
        // The sender is here, so the channel is open.
        drop(self.version.subscribe().wait_for(|version| *version > after).await);
        Ok(())
    }
}

#[async_trait]
impl Turn for MemoryTurn {
    fn now(&self) -> Moment {
        self.now
    }

    fn anew(&self) -> Option<u64> {
        None
    }

    fn entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    async fn append(mut self: Box<Self>, entry: Entry, _wake: &[MemberId]) -> Result<Appended, StoreError> {
        if self.list.last().is_some_and(|last| last.version >= entry.version) {
            return Ok(Appended::Outrun);
        }
        if entry.whole {
            self.list.clear();
        }
        let version = entry.version;
        self.list.push(entry);
        self.version.send_replace(version);
        Ok(Appended::Done)
    }

    async fn pass(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}
