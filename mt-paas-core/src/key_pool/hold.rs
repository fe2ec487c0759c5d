//! How long leases are held, for estimates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The mean and spread of the hold times of a provider's leases, the recent ones weighing more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HoldTimes {
    count: u32,
    /// Seconds.
    mean: f64,
    /// Seconds squared.
    variance: f64,
}

/// After so many the oldest fade.
const MEMORY: u32 = 64;

impl HoldTimes {
    pub(crate) fn add(&mut self, held: Duration) {
        self.count = (self.count + 1).min(MEMORY);
        let weight = 1.0 / f64::from(self.count);
        let off = held.as_secs_f64() - self.mean;
        self.mean += weight * off;
        self.variance = (1.0 - weight) * (self.variance + weight * off * off);
    }

    /// The mean; `None` while nothing is known.
    pub(crate) fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_secs_f64(self.mean.max(0.0)))
    }

    /// 0: all are held equally long. 1: how long one is held tells nothing of how long it still will be.
    pub(crate) fn spread(&self) -> f64 {
        if self.mean > 0.0 { (self.variance / (self.mean * self.mean)).min(1.0) } else { 0.0 }
    }
}
