//! What time it is.

use chrono::{DateTime, SubsecRound, Utc};

/// A source of the current time, in UTC.
///
/// Times are whole microseconds: the coarsest of the stores keeps no more, and a time must read back as it was written.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;

    /// The current time in microseconds since 1970, for callers who count time and need no date.
    fn micros(&self) -> i64 {
        self.now().timestamp_micros()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// A clock that shows the machine's time when it was made and then goes on evenly, whatever happens to that of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    /// Microseconds since 1970 when it was made.
    began: i64,
    since: std::time::Instant,
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self { began: Utc::now().timestamp_micros(), since: std::time::Instant::now() }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros()).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn micros(&self) -> i64 {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.began.saturating_add(passed)
    }
}

/// A clock that stands still until it is set, for tests.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub struct StillClock(std::sync::Mutex<DateTime<Utc>>);

#[cfg(any(test, feature = "testing"))]
impl StillClock {
    /// A clock that shows `at`.
    pub fn at(at: DateTime<Utc>) -> Self {
        Self(std::sync::Mutex::new(at.trunc_subsecs(6)))
    }

    /// Sets the clock.
    pub fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at.trunc_subsecs(6);
    }

    /// Moves the clock on (or back).
    pub fn advance(&self, by: chrono::TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
