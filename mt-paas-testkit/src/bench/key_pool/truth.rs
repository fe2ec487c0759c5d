//! What the judge knows: who held what, from the reports of the holders alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use serde::Serialize;

use super::options::KeyPoolBench;
use super::wire::{Begin, Report, Told};

/// What the judge knows.
pub(super) struct Truth {
    began: Instant,
    slots: u32,
    per_user: u32,
    total: u32,
    moments: u64,
    wishes: HashMap<(u32, u32), Wish>,
    holds: HashMap<(u32, u64), Hold>,
    by_key: HashMap<u64, u32>,
    by_user: HashMap<String, u32>,
    generations: HashSet<u64>,
    highest: u64,
    pub(super) overshoot: Overshoot,
    /// Generations that were begun twice, or did not rise.
    pub(super) double_grants: u64,
    pub(super) records: Vec<Record>,
    /// Leases that ended under their holders.
    pub(super) stale: u64,
    pub(super) failures: BTreeMap<String, u64>,
}

/// Begins of calls at which a limit was passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Overshoot {
    /// Of a key.
    pub key: u64,
    /// Of a user.
    pub user: u64,
    /// In total.
    pub total: u64,
}

impl Overshoot {
    pub(super) fn sum(self) -> u64 {
        self.key + self.user + self.total
    }
}

/// Somebody who asked for a lease and has not got it.
#[derive(Clone, Copy)]
struct Wish {
    wanted: At,
    queued: Option<At>,
    /// The highest generation that was known then.
    highest: u64,
}

struct Hold {
    key: u64,
    user: String,
}

/// A place in the order of the reports, and the time in microseconds since the judge began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct At {
    pub(super) number: u64,
    pub(super) micros: u64,
}

/// A call that was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) generation: u64,
    pub(super) key: u64,
    pub(super) caller: u32,
    pub(super) lone: bool,
    pub(super) ticket: Option<u64>,
    pub(super) wanted: At,
    pub(super) queued: Option<At>,
    pub(super) begun: At,
    pub(super) waited: u64,
    pub(super) told: Option<Told>,
}

impl Truth {
    pub(super) fn new(bench: &KeyPoolBench) -> Self {
        Self {
            began: Instant::now(),
            slots: bench.slots,
            per_user: bench.per_user,
            total: bench.total,
            moments: 0,
            wishes: HashMap::new(),
            holds: HashMap::new(),
            by_key: HashMap::new(),
            by_user: HashMap::new(),
            generations: HashSet::new(),
            highest: 0,
            overshoot: Overshoot::default(),
            double_grants: 0,
            records: Vec::new(),
            stale: 0,
            failures: BTreeMap::new(),
        }
    }

    /// Hears what a worker says of its callers.
    pub(super) fn hear(&mut self, worker: u32, report: Report) {
        let at = self.now();
        match report {
            Report::Want { caller } => {
                let wish = Wish { wanted: at, queued: None, highest: self.highest };
                self.wishes.insert((worker, caller), wish);
            }
            Report::Queued { caller } => {
                if let Some(wish) = self.wishes.get_mut(&(worker, caller)) {
                    wish.queued = Some(at);
                }
            }
            Report::Begin(begin) => self.begin(worker, at, begin),
            Report::End { generation } => self.end(worker, generation),
            Report::Stale => self.stale += 1,
            Report::Failed { why } => *self.failures.entry(why).or_default() += 1,
            Report::Hello { .. } | Report::Done | Report::Counted { .. } | Report::Broken { .. } => {}
        }
    }

    /// A worker is gone, and all that it held with it.
    pub(super) fn left(&mut self, worker: u32) {
        self.wishes.retain(|(whose, _), _| *whose != worker);
        let held: Vec<u64> = self.holds.keys().filter(|(whose, _)| *whose == worker).map(|(_, held)| *held).collect();
        for generation in held {
            self.end(worker, generation);
        }
    }

    fn begin(&mut self, worker: u32, at: At, begin: Begin) {
        let Begin { caller, user, lone, generation, key, ticket, waited, told } = begin;
        let Some(wish) = self.wishes.remove(&(worker, caller)) else { return };
        // It was granted after it was asked for, so after everything that had begun by then.
        let rises = generation > wish.highest;
        if !self.generations.insert(generation) || !rises {
            self.double_grants += 1;
        }
        self.highest = self.highest.max(generation);
        let of_key = self.by_key.entry(key).or_default();
        *of_key += 1;
        self.overshoot.key += u64::from(*of_key > self.slots);
        let of_user = self.by_user.entry(user.clone()).or_default();
        *of_user += 1;
        self.overshoot.user += u64::from(*of_user > self.per_user);
        self.holds.insert((worker, generation), Hold { key, user });
        self.overshoot.total += u64::from(self.holds.len() > self.total as usize);
        let Wish { wanted, queued, .. } = wish;
        self.records.push(Record { generation, key, caller, lone, ticket, wanted, queued, begun: at, waited, told });
    }

    fn end(&mut self, worker: u32, generation: u64) {
        let Some(Hold { key, user }) = self.holds.remove(&(worker, generation)) else { return };
        if let Some(of_key) = self.by_key.get_mut(&key) {
            *of_key = of_key.saturating_sub(1);
        }
        if let Some(of_user) = self.by_user.get_mut(&user) {
            *of_user -= 1;
            if *of_user == 0 {
                self.by_user.remove(&user);
            }
        }
    }

    fn now(&mut self) -> At {
        self.moments += 1;
        At { number: self.moments, micros: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX) }
    }
}
