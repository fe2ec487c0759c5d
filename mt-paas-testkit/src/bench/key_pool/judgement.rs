//! What the judge says in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::figures::{Estimates, Waiting, jain};
use super::options::{HoldTimes, KeyPoolBench};
use super::order::inversions;
use super::requests;
use super::run::Counted;
use super::truth::{Overshoot, Truth};

mod human;

/// What the judge says in the end.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// The kind of the store.
    pub store: String,
    /// Callers in all processes.
    pub callers: u32,
    /// Processes.
    pub processes: u32,
    /// How long the callers called, in seconds.
    pub seconds: f64,
    /// Processes that were killed.
    pub kills: u64,
    /// Leases that could be had at once.
    pub capacity: u32,
    /// Calls that began while as many ran as may.
    pub overshoot: Overshoot,
    /// Requests above the limit in a minute; `None`: there was no limit.
    pub requests_above: Option<u64>,
    /// Leases that nobody held and nobody could have, a second after the time to live; `None`: the run was stopped.
    pub lost_slots: Option<u32>,
    /// Leases beyond what there may be, which could be had then.
    pub slots_beyond: u32,
    /// Generations that were granted twice, or did not rise.
    pub double_grants: u64,
    /// Leases that were granted out of turn.
    pub inversions: u64,
    /// Calls that were made.
    pub grants: u64,
    /// Calls a second.
    pub grants_per_second: f64,
    /// How long callers waited.
    pub waiting: Waiting,
    /// Jain's index over the leases of callers whose user called for nobody else.
    pub jain: f64,
    /// How honest the pool was about the time to wait.
    pub estimates: Estimates,
    /// Whether calls took equally long.
    pub constant_holds: bool,
    /// Leases that ended under their holders.
    pub stale: u64,
    /// Why the pool refused what it should have done, and how often.
    pub failures: BTreeMap<String, u64>,
}

impl Judgement {
    pub(super) fn of(
        bench: &KeyPoolBench,
        truth: &Truth,
        counted: Option<Counted>,
        kills: u64,
        called: Duration,
    ) -> Self {
        let (records, seconds) = (&truth.records, called.as_secs_f64());
        let lone = (0..bench.callers).filter(|caller| bench.user_of(*caller, 0).1);
        Self {
            store: bench.scheme().to_owned(),
            callers: bench.callers,
            processes: bench.processes,
            seconds,
            kills,
            capacity: bench.capacity(),
            overshoot: truth.overshoot,
            requests_above: bench.requests_per_minute.map(|limit| requests::above(records, limit)),
            lost_slots: counted.map(|counted| bench.capacity() - counted.free),
            slots_beyond: counted.map_or(0, |counted| u32::from(counted.beyond)),
            double_grants: truth.double_grants,
            inversions: inversions(records),
            grants: records.len() as u64,
            grants_per_second: if seconds > 0.0 { records.len() as f64 / seconds } else { 0.0 },
            waiting: Waiting::of(records),
            jain: jain(records, lone),
            estimates: Estimates::of(records),
            constant_holds: bench.hold_times == HoldTimes::Constant,
            stale: truth.stale,
            failures: truth.failures.clone(),
        }
    }

    /// Whether the run came to its end, calls were made, and nothing was lost, doubled, out of turn or above a limit.
    pub fn is_sound(&self) -> bool {
        let above = self.overshoot.sum() + self.requests_above.unwrap_or(0) + u64::from(self.slots_beyond);
        self.grants > 0 && above + self.double_grants + self.inversions == 0 && self.lost_slots == Some(0)
    }

    /// The judgement for programs.
    pub fn json(&self) -> serde_json::Value {
        let mut value = serde_json::json!(self);
        value["sound"] = self.is_sound().into();
        value
    }
}
