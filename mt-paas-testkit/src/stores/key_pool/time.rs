//! The time of a ground: that of its store, which a test can move on, or one that stands still.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mt_paas_core::clock::{Clock, SteadyClock};
use mt_paas_core::key_pool::Moment;

/// How far a ground's time is from its store's.
#[derive(Debug, Default)]
pub(super) struct Time {
    /// Microseconds.
    ahead: AtomicI64,
    /// Microseconds since 1970; 0: it goes on.
    stands_at: AtomicI64,
}

impl Time {
    /// Moves time on.
    pub(super) fn pass(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("tests do not last that long");
        match self.stands_at.load(Ordering::SeqCst) {
            0 => self.ahead.fetch_add(micros, Ordering::SeqCst),
            _ => self.stands_at.fetch_add(micros, Ordering::SeqCst),
        };
    }

    /// Moves time back.
    pub(super) fn step_back(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("tests do not last that long");
        self.ahead.fetch_sub(micros, Ordering::SeqCst);
    }

    /// Stops it.
    pub(super) fn stop(&self, at: Moment) {
        self.stands_at.store(at.micros(), Ordering::SeqCst);
    }

    /// What the ground shows when its store shows `now`.
    pub(super) fn show(&self, now: Moment) -> Moment {
        match self.stands_at.load(Ordering::SeqCst) {
            0 => Moment::from_micros(now.micros() + self.ahead.load(Ordering::SeqCst)),
            at => Moment::from_micros(at),
        }
    }
}

/// The clock of a pool in memory.
pub(super) struct MovedClock {
    pub(super) time: std::sync::Arc<Time>,
    pub(super) clock: SteadyClock,
}

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        self.time.show(self.clock.now().into()).date()
    }
}
