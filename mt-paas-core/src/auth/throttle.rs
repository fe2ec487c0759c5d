//! Slows guessing down, for an account and for an address, and never locks anybody out for long.

use chrono::{DateTime, TimeDelta, Utc};

/// When everything that was tried will have been paid for, at one try in each interval. This is all that has to be kept.
pub type PaidUntil = DateTime<Utc>;

/// A limit on how often something may be tried: `burst` times at once, and then once every `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tries at once.
    pub burst: u32,
    /// After that, one in each.
    pub interval: TimeDelta,
}

/// What is counted together, such as all logins to one account. The text is a name, never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Which one.
    pub subject: String,
    /// How often.
    pub rate: Rate,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It counts in every bucket.
    Yes,
    /// It counts in none. This moment is worth another try.
    NotBefore(DateTime<Utc>),
}

impl Rate {
    /// Counts a try on top of what was counted before, if there is room; otherwise says when there will be.
    ///
    /// # Errors
    ///
    /// The moment from which on another try is let in.
    pub fn admit(&self, before: Option<PaidUntil>, now: DateTime<Utc>) -> Result<PaidUntil, DateTime<Utc>> {
        let until = before.map_or(now, |before| before.max(now)) + self.interval;
        let earliest = until - self.interval * i32::try_from(self.burst).unwrap_or(i32::MAX);
        if earliest <= now { Ok(until) } else { Err(earliest) }
    }

    /// Takes one try back.
    pub fn refund(&self, before: PaidUntil) -> PaidUntil {
        before - self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: TimeDelta::seconds(10) };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_burst_and_then_one_in_each_interval() {
        let mut paid = None;
        for _ in 0..3 {
            paid = Some(RATE.admit(paid, at(100)).unwrap());
        }
        assert_eq!(RATE.admit(paid, at(100)), Err(at(110)));
        assert_eq!(RATE.admit(paid, at(109)), Err(at(110)));
        paid = Some(RATE.admit(paid, at(110)).unwrap());
        assert_eq!(RATE.admit(paid, at(110)), Err(at(120)));
        assert!(RATE.admit(paid, at(10_000)).is_ok());
    }

    #[test]
    fn what_is_taken_back_makes_room() {
        let full = (0..3).fold(None, |paid, _| Some(RATE.admit(paid, at(0)).unwrap())).unwrap();
        assert!(RATE.admit(Some(full), at(0)).is_err());
        assert!(RATE.admit(Some(RATE.refund(full)), at(0)).is_ok());
    }
}
