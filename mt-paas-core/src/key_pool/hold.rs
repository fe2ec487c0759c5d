//! How long leases are held, for estimates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The mean and spread of the hold times of a provider's leases, the recent ones weighing more. Whole numbers of
/// [`TICK`]s, which every process reads back as they were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HoldTimes {
    count: i64,
    mean: i64,
    variance: i64,
    /// What divisions left over of the mean. Without it small differences would never count.
    #[serde(default)]
    rest: i64,
}

const TICK: Duration = Duration::from_micros(TICK_MICROS as u64);
const TICK_MICROS: i64 = 10;
/// After so many the oldest fade.
const MEMORY: i64 = 64;
/// Longer ones count as this long, so that squares have room.
const LONGEST: i64 = 3600 * 100_000;

impl HoldTimes {
    pub(crate) fn add(&mut self, held: Duration) {
        self.count = (self.count + 1).min(MEMORY);
        let held = (i64::try_from(held.as_micros()).unwrap_or(i64::MAX) / TICK_MICROS).min(LONGEST);
        let off = held - self.mean;
        let step = off + self.rest;
        self.mean += step / self.count;
        self.rest = step % self.count;
        self.variance += (off * (held - self.mean) - self.variance) / self.count;
    }

    /// The mean; `None` while nothing is known.
    pub(crate) fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| TICK * u32::try_from(self.mean).unwrap_or(0))
    }

    /// 0: all are held equally long. 1: how long one is held tells nothing of how long it still will be.
    pub(crate) fn spread(&self) -> f64 {
        let (mean, variance) = (self.mean as f64, self.variance as f64);
        if self.mean > 0 { (variance / (mean * mean)).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: impl IntoIterator<Item = u64>) -> HoldTimes {
        let mut holds = HoldTimes::default();
        times.into_iter().for_each(|ms| holds.add(Duration::from_millis(ms)));
        holds
    }

    #[test]
    fn equal_times_have_no_spread_and_a_new_habit_replaces_an_old_one() {
        assert_eq!(of([]).mean(), None);
        let alike = of([20; 100]);
        assert_eq!((alike.mean(), alike.spread()), (Some(Duration::from_millis(20)), 0.0));
        let changed = of([20; 100].into_iter().chain([60; 400])).mean().unwrap();
        assert!(changed > Duration::from_millis(58), "{changed:?}");
    }

    #[test]
    fn small_differences_count() {
        let mut holds = of([5; 100]);
        (0..400).for_each(|_| holds.add(Duration::from_micros(5_500)));
        let mean = holds.mean().unwrap();
        assert!(mean > Duration::from_micros(5_450), "{mean:?}");
    }

    #[test]
    fn times_without_memory_have_the_full_spread() {
        // The quantiles of an exponential distribution with a mean of one second, in an order without a pattern.
        let times =
            (0..500_u64).map(|n| (n * 181) % 500).map(|n| (-(1.0 - (n as f64 + 0.5) / 500.0).ln() * 1000.0) as u64);
        let spread = of(times).spread();
        assert!((0.7..=1.0).contains(&spread), "{spread}");
    }
}
