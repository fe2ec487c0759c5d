//! A store of the key pool that fails by plan.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use mt_paas_core::store::StoreError;
use mt_paas_core::store::memory::MemoryKeyPool;

use super::chance::Chance;

/// What can go wrong in a turn, within what a store may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be reached.
    Away,
    /// The entry is not appended, and an error says so.
    NotAppended,
    /// The entry is appended, and an error comes back.
    Unheard,
    /// An error comes back, and the entry is appended a little later if its number is still free.
    Late,
    /// Somebody else is said to have been first.
    Outrun,
    /// Whoever has read lets others in before it appends.
    LetsOthersIn,
    /// It says nothing when a turn shall begin.
    HangsAtFirst,
    /// It says nothing while it has an entry that is not appended, and lets nobody else in.
    HangsBefore,
    /// It says nothing after it has appended an entry.
    HangsAfter,
}

pub(crate) const FAULTS: [Fault; 6] =
    [Fault::Away, Fault::NotAppended, Fault::Unheard, Fault::Late, Fault::Outrun, Fault::LetsOthersIn];

/// A list in memory, seen by one member through a bad line.
pub(crate) struct FaultyStore {
    list: MemoryKeyPool,
    chance: Mutex<Chance>,
    /// One turn in so many fails.
    one_in: u64,
    kinds: &'static [Fault],
    left: AtomicUsize,
    /// What goes wrong next, and how often.
    next: Mutex<(Option<Fault>, usize)>,
    /// Something went wrong at all.
    pub(crate) failed: AtomicBool,
}

impl FaultyStore {
    /// A line on which about one turn in `one_in` fails, `left` times.
    pub(crate) fn new(list: MemoryKeyPool, seed: u64, kinds: &'static [Fault], one_in: u64, left: usize) -> Self {
        let (chance, next) = (Mutex::new(Chance(seed)), Mutex::new((None, 0)));
        Self { list, chance, one_in, kinds, left: left.into(), next, failed: false.into() }
    }

    /// A good line, until it is told otherwise.
    pub(crate) fn good(list: MemoryKeyPool) -> Self {
        Self::new(list, 0, &[], 1, 0)
    }

    /// The next turns fail like this.
    pub(crate) fn fails(&self, fault: Fault, times: usize) {
        *self.next.lock().unwrap() = (Some(fault), times);
    }

    /// All is well again.
    pub(crate) fn heals(&self) {
        *self.next.lock().unwrap() = (None, 0);
    }

    /// How many of the planned turns have still to come.
    pub(crate) fn still_fails(&self) -> usize {
        self.next.lock().unwrap().1
    }

    fn fault(&self) -> Option<Fault> {
        let mut next = self.next.lock().unwrap();
        if next.1 > 0 {
            next.1 -= 1;
            return next.0;
        }
        let mut chance = self.chance.lock().unwrap();
        if self.left.load(Ordering::Relaxed) == 0 || !chance.one_in(self.one_in) {
            return None;
        }
        self.left.fetch_sub(1, Ordering::Relaxed);
        self.failed.store(true, Ordering::Relaxed);
        Some(self.kinds[chance.below(self.kinds.len() as u64) as usize])
    }
}

fn away() -> StoreError {
    StoreError::Unavailable("by plan".into())
}

struct FaultyTurn {
    list: MemoryKeyPool,
    /// `None`: others were let in.
    turn: Option<Box<dyn Turn>>,
    now: Moment,
    entries: Vec<Entry>,
    fault: Option<Fault>,
}

#[async_trait]
impl KeyPoolStore for FaultyStore {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let fault = self.fault();
        if fault == Some(Fault::Away) {
            return Err(away());
        }
        if fault == Some(Fault::HangsAtFirst) {
            std::future::pending::<()>().await;
        }
        let mut turn = self.list.begin(after).await?;
        let (now, entries, list) = (turn.now(), turn.entries(), self.list.clone());
        let mut turn = Some(turn);
        if fault == Some(Fault::LetsOthersIn) {
            turn = None;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Box::new(FaultyTurn { list, turn, now, entries, fault }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        self.list.changed(member, after).await
    }
}

#[async_trait]
impl Turn for FaultyTurn {
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
        let turn = match self.turn {
            Some(turn) => turn,
            None => self.list.begin(u64::MAX).await?,
        };
        match self.fault {
            Some(Fault::NotAppended) => Err(away()),
            Some(Fault::Unheard) => turn.append(entry, wake).await.and(Err(away())),
            Some(Fault::Late) => {
                drop(turn);
                let list = self.list;
                tokio::spawn(async move {
                    // About when the next try comes.
                    tokio::time::sleep(Duration::from_millis(entry.version % 4 + 49)).await;
                    let turn = list.begin(u64::MAX).await.unwrap();
                    turn.append(entry, &[]).await.unwrap();
                });
                Err(away())
            }
            Some(Fault::Outrun) => Ok(Appended::Outrun),
            Some(Fault::HangsBefore) => {
                let _turn = turn;
                std::future::pending().await
            }
            Some(Fault::HangsAfter) => {
                turn.append(entry, wake).await?;
                std::future::pending().await
            }
            Some(Fault::Away | Fault::LetsOthersIn | Fault::HangsAtFirst) | None => turn.append(entry, wake).await,
        }
    }

    async fn pass(self: Box<Self>) -> Result<(), StoreError> {
        match self.fault {
            Some(Fault::NotAppended | Fault::Unheard | Fault::Late) => Err(away()),
            Some(Fault::HangsBefore | Fault::HangsAfter) => std::future::pending().await,
            _ => Ok(()),
        }
    }
}
