//! What a run measured beside what it judged.

use std::collections::BTreeMap;

use serde::Serialize;

use super::truth::Record;

/// How long callers waited, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Half of them waited no longer.
    pub p50: u64,
    /// 99 of 100 waited no longer.
    pub p99: u64,
}

impl Waiting {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut waited: Vec<u64> = records.iter().map(|record| record.waited).collect();
        waited.sort_unstable();
        let part = |percent: usize| waited.get((waited.len() * percent / 100).min(waited.len().saturating_sub(1)));
        Self { p50: part(50).copied().unwrap_or(0), p99: part(99).copied().unwrap_or(0) }
    }
}

/// How honest the pool was about the time that callers would wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimates {
    /// Estimates that were judged: those of callers who waited 100 ms at least, or were told so.
    pub judged: u64,
    /// Callers who waited as long and were never told anything.
    pub untold: u64,
    /// The share of them that was off by a tenth of the time at the most.
    pub within_a_tenth: f64,
    /// By what share of the time half of them were off at the most.
    pub median_error: f64,
}

/// Below this, in microseconds, an estimate says more of the machine than of the pool.
const SHORT: u64 = 100_000;

impl Estimates {
    pub(super) fn of(records: &[Record]) -> Self {
        let told = records.iter().filter_map(|record| record.told);
        let long = told.filter(|told| told.estimate.max(told.took) >= SHORT);
        let mut errors: Vec<f64> =
            long.map(|told| told.estimate.abs_diff(told.took) as f64 / told.took.max(1) as f64).collect();
        errors.sort_by(f64::total_cmp);
        let close = errors.iter().filter(|error| **error <= 0.1).count();
        let untold = |record: &&Record| record.queued.is_some() && record.told.is_none() && record.waited >= SHORT;
        Self {
            judged: errors.len() as u64,
            untold: records.iter().filter(untold).count() as u64,
            within_a_tenth: close as f64 / errors.len().max(1) as f64,
            median_error: errors.get(errors.len() / 2).copied().unwrap_or(0.0),
        }
    }
}

/// Jain's index over the leases that lone callers of these numbers got: 1 when all got as many, 1/n when one got all.
pub(super) fn jain(records: &[Record], lone: impl Iterator<Item = u32>) -> f64 {
    let mut got: BTreeMap<u32, f64> = lone.map(|caller| (caller, 0.0)).collect();
    for record in records.iter().filter(|record| record.lone) {
        *got.entry(record.caller).or_default() += 1.0;
    }
    let (sum, squares) = got.values().fold((0.0, 0.0), |(sum, squares), got| (sum + got, squares + got * got));
    if squares > 0.0 { sum * sum / (got.len() as f64 * squares) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::truth::At;
    use super::super::wire::Told;
    use super::*;

    #[test]
    fn waiting_is_told_by_its_ranks() {
        let records: Vec<_> = (1..=200).rev().map(|waited| Record { waited, ..Record::default() }).collect();
        assert_eq!(Waiting::of(&records), Waiting { p50: 101, p99: 199 });
        assert_eq!(Waiting::of(&[]), Waiting { p50: 0, p99: 0 });
    }

    #[test]
    fn estimates_are_judged_by_what_came_of_them() {
        let told = |estimate, took| Record { told: Some(Told { estimate, took }), ..Record::default() };
        let untold = |waited| Record { queued: Some(At::default()), waited, ..Record::default() };
        let long = [told(95_000, 100_000), told(150_000, 100_000), told(300_000, 100_000), untold(100_000)];
        let short = [told(0, 90_000), untold(1_000), Record { waited: 100_000, ..Record::default() }];
        let estimates = Estimates::of(&[&long[..], &short].concat());
        assert_eq!((estimates.judged, estimates.untold, estimates.median_error), (3, 1, 0.5));
        assert!((estimates.within_a_tenth - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn fairness_counts_those_who_got_nothing() {
        let got = |caller| Record { caller, lone: true, ..Record::default() };
        assert!((jain(&[got(1), got(2)], [1, 2].into_iter()) - 1.0).abs() < 1e-9);
        assert!((jain(&[got(1), got(1)], [1, 2].into_iter()) - 0.5).abs() < 1e-9);
    }
}
