//! A list whose entries are counted from one, whatever number it begins with.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use mt_paas_core::store::StoreError;

/// The version before the first entry of a place, once a store was asked for it.
pub(in crate::stores::key_pool) type Start = Arc<Mutex<Option<u64>>>;

/// A store of a place, for tests that count.
pub(in crate::stores::key_pool) struct Counted {
    store: Arc<dyn KeyPoolStore>,
    start: u64,
}

impl Counted {
    /// The first of a place finds it empty, and learns where its numbers begin.
    pub(in crate::stores::key_pool) async fn new(
        store: Arc<dyn KeyPoolStore>,
        start: &Start,
    ) -> Result<Self, StoreError> {
        let known = *start.lock().unwrap_or_else(PoisonError::into_inner);
        let first = match known {
            Some(first) => first,
            None => {
                let turn = store.begin(0).await?;
                let first = turn.anew().unwrap_or(0);
                turn.pass().await?;
                *start.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
                first
            }
        };
        Ok(Self { store, start: first })
    }
}

#[async_trait]
impl KeyPoolStore for Counted {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let turn = self.store.begin(self.start + after).await?;
        Ok(Box::new(CountedTurn { turn, start: self.start }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        self.store.changed(member, self.start + after).await
    }
}

struct CountedTurn {
    turn: Box<dyn Turn>,
    start: u64,
}

#[async_trait]
impl Turn for CountedTurn {
    fn now(&self) -> Moment {
        self.turn.now()
    }

    fn anew(&self) -> Option<u64> {
        self.turn.anew().map(|version| version.saturating_sub(self.start))
    }

    fn entries(&mut self) -> Vec<Entry> {
        let entries = self.turn.entries().into_iter();
        entries.map(|entry| Entry { version: entry.version.saturating_sub(self.start), ..entry }).collect()
    }

    async fn append(self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError> {
        self.turn.append(Entry { version: self.start + entry.version, ..entry }, wake).await
    }

    async fn pass(self: Box<Self>) -> Result<(), StoreError> {
        self.turn.pass().await
    }
}
