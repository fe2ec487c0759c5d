//! Lists with a fault between a process and its store.

use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use mt_paas_core::store::StoreError;

/// What is wrong with every turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plant {
    /// It lets others in after it has read, and appends all the same: turns do not exclude each other.
    LetsOthersIn,
    /// It appends twice what ends a lease.
    EndsTwice,
}

impl FromStr for Plant {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, &'static str> {
        match name {
            "LetsOthersIn" => Ok(Self::LetsOthersIn),
            "EndsTwice" => Ok(Self::EndsTwice),
            _ => Err("no such fault"),
        }
    }
}

/// A store with the fault.
pub(super) struct Planted {
    pub(super) store: Arc<dyn KeyPoolStore>,
    pub(super) plant: Plant,
}

struct PlantedTurn {
    store: Arc<dyn KeyPoolStore>,
    plant: Plant,
    /// `None`: others were let in.
    turn: Option<Box<dyn Turn>>,
    now: Moment,
    entries: Vec<Entry>,
}

#[async_trait]
impl KeyPoolStore for Planted {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let mut turn = self.store.begin(after).await?;
        let (now, entries) = (turn.now(), turn.entries());
        let mut turn = Some(turn);
        if self.plant == Plant::LetsOthersIn
            && let Some(turn) = turn.take()
        {
            turn.pass().await?;
        }
        Ok(Box::new(PlantedTurn { store: self.store.clone(), plant: self.plant, turn, now, entries }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        self.store.changed(member, after).await
    }
}

#[async_trait]
impl Turn for PlantedTurn {
    fn now(&self) -> Moment {
        self.now
    }

    fn anew(&self) -> Option<u64> {
        None
    }

    fn entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    async fn append(self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError> {
        let Some(turn) = self.turn else {
            let mut turn = self.store.begin(entry.version - 1).await?;
            let version = turn.entries().last().map_or(entry.version, |last| last.version + 1);
            return turn.append(Entry { version, ..entry }, wake).await;
        };
        let again = (!entry.whole && entry.data.contains("given_back")).then(|| entry.clone());
        let appended = turn.append(entry, wake).await?;
        if let Some(entry) = again.filter(|_| self.plant == Plant::EndsTwice) {
            let mut turn = self.store.begin(entry.version).await?;
            let version = turn.entries().last().map_or(entry.version, |last| last.version) + 1;
            turn.append(Entry { version, ..entry }, &[]).await?;
        }
        Ok(appended)
    }

    async fn pass(self: Box<Self>) -> Result<(), StoreError> {
        match self.turn {
            Some(turn) => turn.pass().await,
            None => Ok(()),
        }
    }
}
