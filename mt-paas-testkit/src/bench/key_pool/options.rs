//! What is asked of a run.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::BenchError;
use super::plant::Plant;

/// A run of the bench. [`run`](Self::run) runs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyPoolBench {
    /// Where the pool is kept: `memory:`, `sqlite:…`, `postgres://…` or `redis://…`. It must hold no pool but this.
    pub store: String,
    /// What all keys on Redis begin with.
    pub prefix: String,
    /// Callers in all processes together.
    pub callers: u32,
    /// Processes.
    pub processes: u32,
    /// Whether a random process is killed, and another put in its place, more than once a second.
    pub kill: bool,
    /// How long the callers call.
    pub duration: Duration,
    /// Keys in the pool.
    pub keys: u32,
    /// Calls that each key allows at once.
    pub slots: u32,
    /// Jobs that may run at once in total.
    pub total: u32,
    /// Jobs that one user may run at once.
    pub per_user: u32,
    /// Requests that each key allows in any 60 seconds.
    pub requests_per_minute: Option<u32>,
    /// How long a lease lives when its process says nothing: at least 1 second.
    pub ttl: Duration,
    /// How long a call takes, on the average.
    pub hold: Duration,
    /// Whether all calls take equally long.
    pub hold_times: HoldTimes,
    /// A fault that the judge must find.
    pub plant: Option<Plant>,
    /// The program that runs [`work`](super::work), with its arguments.
    pub program: (PathBuf, Vec<String>),
}

/// How long calls take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldTimes {
    /// All the same.
    Constant,
    /// Without memory: how long a call has taken tells nothing of how long it still will.
    Exponential,
}

/// Of so many callers one has its user with others, so that the limit of a user holds somebody back. All others are the
/// only ones of their user.
const ONE_IN_A_CROWD: u32 = 8;

impl KeyPoolBench {
    /// How many leases there can be at once.
    pub(super) fn capacity(&self) -> u32 {
        self.total.min(self.keys.saturating_mul(self.slots))
    }

    /// The kind of the store, without its address, which may hold a password.
    pub(super) fn scheme(&self) -> &str {
        self.store.split(':').next().unwrap_or_default()
    }

    /// Whether processes can share the store.
    pub(super) fn is_shared(&self) -> bool {
        self.scheme() != "memory" && !self.store.contains(":memory:")
    }

    /// The callers of a process.
    pub(super) fn callers_of(&self, slot: u32) -> std::ops::Range<u32> {
        let share = |slot: u32| (u64::from(slot) * u64::from(self.callers) / u64::from(self.processes)) as u32;
        share(slot)..share(slot + 1)
    }

    /// The user of a caller, and whether the user is the caller's alone. A process that replaces another has other lone
    /// users, because the leases of the dead one count for its users until they end.
    pub(super) fn user_of(&self, caller: u32, worker: u32) -> (String, bool) {
        if !caller.is_multiple_of(ONE_IN_A_CROWD) {
            return (format!("lone-{caller}-{worker}"), true);
        }
        let crowds = (self.callers / ONE_IN_A_CROWD / (4 * self.per_user)).max(1);
        (format!("crowd-{}", caller / ONE_IN_A_CROWD % crowds), false)
    }

    pub(super) fn check(&self) -> Result<(), BenchError> {
        let fault = |option, demand| Err(BenchError::InvalidOption { option, demand });
        let number = |option, value: u32, most: u32| {
            if (1..=most).contains(&value) { Ok(()) } else { fault(option, format!("must be 1 to {most}")) }
        };
        if !["memory", "sqlite", "postgres", "postgresql", "redis", "rediss"].contains(&self.scheme()) {
            return fault("store", "must begin with memory:, sqlite:, postgres:// or redis://".into());
        }
        number("processes", self.processes, 256)?;
        if self.callers < self.processes || self.callers > 100_000 {
            return fault("callers", "must be 100000 at most, and at least one a process".into());
        }
        if !self.is_shared() && self.processes > 1 {
            return fault("processes", "must be 1: no other process can reach a store in memory".into());
        }
        if !self.is_shared() && self.kill {
            return fault("kill", "needs a store that outlives a process".into());
        }
        number("keys", self.keys, 1_000)?;
        number("slots", self.slots, 100_000)?;
        number("total", self.total, 100_000)?;
        number("per-user", self.per_user, 100_000)?;
        if self.requests_per_minute == Some(0) {
            return fault("rpm", "must be at least 1".into());
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(600)).contains(&self.ttl) {
            return fault("ttl", "must be 1 to 600 seconds".into());
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&self.duration) {
            return fault("seconds", "must be 1 to 86400".into());
        }
        if self.hold > Duration::from_secs(60) {
            return fault("hold-ms", "must be at most 60000".into());
        }
        Ok(())
    }
}
