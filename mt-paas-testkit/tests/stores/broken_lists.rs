//! Lists of a key pool with one fault each.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use mt_paas_core::store::StoreError;
use mt_paas_testkit::stores::key_pool::Ground;
use tokio::sync::{OwnedMutexGuard, watch};

/// What a broken list does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListFault {
    TakesAnOutrunEntry,
    KeepsWhatIsOutrun,
    LosesEveryNinthEntry,
    GivesAnEntryTwice,
    GivesWhatIsKnown,
    ForgetsTheOrder,
    LosesWakeUps,
    WakesOnlyTheFirst,
    WakesOnlyWhoListens,
    KeepsEverything,
    ForgetsThatItIsAWhole,
    DropsTheWholeItself,
    KeepsDroppedTurns,
    AppendsOnPassing,
    CutsLongEntries,
    TimeGoesBack,
    TimeStandsStill,
    TimeInSeconds,
}

/// Each fault with a test that must catch it.
pub(crate) const FAULTS: &[(ListFault, &str)] = &[
    (ListFault::TakesAnOutrunEntry, "list::versions_have_no_gaps_when_many_append"),
    (ListFault::TakesAnOutrunEntry, "list::of_two_turns_at_once_one_is_first"),
    (ListFault::TakesAnOutrunEntry, "list::whoever_is_outrun_leaves_nothing"),
    (ListFault::TakesAnOutrunEntry, "limits::limits_hold_when_many_come_at_once"),
    (ListFault::KeepsWhatIsOutrun, "list::whoever_is_outrun_leaves_nothing"),
    (ListFault::LosesEveryNinthEntry, "list::entries_come_in_order_and_after_what_is_known"),
    (ListFault::LosesEveryNinthEntry, "differential::several_processes_do_what_one_in_memory_does"),
    (ListFault::GivesAnEntryTwice, "list::entries_come_in_order_and_after_what_is_known"),
    (ListFault::GivesWhatIsKnown, "list::entries_come_in_order_and_after_what_is_known"),
    (ListFault::ForgetsTheOrder, "list::entries_come_in_order_and_after_what_is_known"),
    (ListFault::LosesWakeUps, "list::whoever_is_to_be_woken_wakes"),
    (ListFault::LosesWakeUps, "list::an_entry_that_is_there_already_wakes_at_once"),
    (ListFault::WakesOnlyTheFirst, "list::whoever_is_to_be_woken_wakes"),
    (ListFault::WakesOnlyWhoListens, "list::an_entry_that_is_there_already_wakes_at_once"),
    (ListFault::KeepsEverything, "list::wholes_keep_the_list_short"),
    (ListFault::ForgetsThatItIsAWhole, "list::a_whole_stands_for_all_before_it"),
    (ListFault::DropsTheWholeItself, "list::a_whole_stands_for_all_before_it"),
    (ListFault::DropsTheWholeItself, "processes::whoever_joins_late_knows_the_same"),
    (ListFault::KeepsDroppedTurns, "list::a_turn_that_is_dropped_ends"),
    (ListFault::AppendsOnPassing, "list::a_turn_that_passes_leaves_nothing"),
    (ListFault::CutsLongEntries, "list::what_an_entry_says_reads_back_as_written"),
    (ListFault::TimeGoesBack, "list::time_goes_on_and_never_back"),
    (ListFault::TimeStandsStill, "list::time_goes_on_and_never_back"),
    (ListFault::TimeInSeconds, "list::time_goes_on_and_never_back"),
];

/// Empty ground with the fault.
pub(crate) fn ground(fault: ListFault) -> Ground {
    let broken = Broken {
        fault,
        list: Arc::default(),
        turn: Arc::default(),
        appended: Arc::default(),
        woken: watch::Sender::default(),
        began: std::time::Instant::now(),
        jitter: Arc::default(),
    };
    Ground::shared(move || {
        let store: Arc<dyn KeyPoolStore> = Arc::new(broken.clone());
        async { Ok(store) }
    })
}

#[derive(Clone)]
struct Broken {
    fault: ListFault,
    list: Arc<Mutex<Vec<Entry>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
    appended: Arc<AtomicU64>,
    /// The last entry and whom it wakes.
    woken: watch::Sender<(u64, Vec<MemberId>)>,
    began: std::time::Instant,
    jitter: Arc<AtomicI64>,
}

struct BrokenTurn {
    place: Broken,
    entries: Vec<Entry>,
    now: Moment,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Broken {
    fn has(&self, fault: ListFault) -> bool {
        self.fault == fault
    }

    fn list(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        let start = 1_800_000_000_000_000;
        let micros = start + self.began.elapsed().as_micros() as i64;
        Moment::from_micros(match self.fault {
            ListFault::TimeGoesBack => micros - 40_000 * (self.jitter.fetch_add(1, Ordering::SeqCst) % 7),
            ListFault::TimeStandsStill => start,
            ListFault::TimeInSeconds => micros / 1_000_000,
            _ => micros,
        })
    }

    fn read(&self, after: u64) -> Vec<Entry> {
        let after = if self.has(ListFault::GivesWhatIsKnown) { after.saturating_sub(1) } else { after };
        let mut entries: Vec<Entry> = self.list().iter().filter(|entry| entry.version > after).cloned().collect();
        match self.fault {
            ListFault::GivesAnEntryTwice => entries.extend(entries.last().cloned()),
            ListFault::ForgetsTheOrder => entries.reverse(),
            ListFault::ForgetsThatItIsAWhole => entries.iter_mut().for_each(|entry| entry.whole = false),
            _ => {}
        }
        entries
    }
}

#[async_trait]
impl KeyPoolStore for Broken {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let guard = match self.fault {
            ListFault::TakesAnOutrunEntry => None,
            _ => Some(self.turn.clone().lock_owned().await),
        };
        let turn = BrokenTurn { place: self.clone(), entries: self.read(after), now: self.now(), guard };
        if guard_is_missing(&turn) {
            // As a round trip does.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Box::new(turn))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        let mut woken = self.woken.subscribe();
        match self.fault {
            ListFault::LosesWakeUps => std::future::pending().await,
            ListFault::WakesOnlyTheFirst => {
                let first =
                    |(version, members): &(u64, Vec<MemberId>)| *version > after && members.first() == Some(&member);
                drop(woken.wait_for(first).await);
            }
            ListFault::WakesOnlyWhoListens => drop(woken.changed().await),
            _ => drop(woken.wait_for(|(version, _)| *version > after).await),
        }
        Ok(())
    }
}

fn guard_is_missing(turn: &BrokenTurn) -> bool {
    turn.guard.is_none()
}

#[async_trait]
impl Turn for BrokenTurn {
    fn now(&self) -> Moment {
        self.now
    }

    fn anew(&self) -> Option<u64> {
        None
    }

    fn entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    async fn append(mut self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError> {
        let place = &self.place;
        let mut entry = entry;
        let last = place.list().last().map_or(0, |last| last.version);
        let outrun = last >= entry.version;
        match place.fault {
            ListFault::TakesAnOutrunEntry => {}
            ListFault::KeepsWhatIsOutrun if outrun => entry.version = last + 1,
            _ if outrun => return Ok(Appended::Outrun),
            _ => {}
        }
        if place.has(ListFault::CutsLongEntries) {
            entry.data = entry.data.chars().take(65_535).collect();
        }
        let version = entry.version;
        if entry.whole && !place.has(ListFault::KeepsEverything) {
            place.list().clear();
        }
        let count = place.appended.fetch_add(1, Ordering::SeqCst) + 1;
        let lost = match place.fault {
            ListFault::LosesEveryNinthEntry => count.is_multiple_of(9),
            ListFault::DropsTheWholeItself => entry.whole,
            _ => false,
        };
        if !lost {
            place.list().push(entry);
        }
        place.woken.send_replace((version, wake.to_vec()));
        self.guard = None;
        Ok(if outrun && self.place.has(ListFault::KeepsWhatIsOutrun) { Appended::Outrun } else { Appended::Done })
    }

    async fn pass(mut self: Box<Self>) -> Result<(), StoreError> {
        if self.place.has(ListFault::AppendsOnPassing) {
            let version = self.place.list().last().map_or(0, |last| last.version) + 1;
            self.place.list().push(Entry { version, whole: false, data: String::new() });
        }
        self.guard = None;
        Ok(())
    }
}

impl Drop for BrokenTurn {
    fn drop(&mut self) {
        if self.place.has(ListFault::KeepsDroppedTurns)
            && let Some(guard) = self.guard.take()
        {
            std::mem::forget(guard);
        }
    }
}
