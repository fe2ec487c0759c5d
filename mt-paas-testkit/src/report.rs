//! What a run found, and the three forms in which it is written.

use std::time::Duration;

use crate::check::{Check, Weight};
use crate::outcome::Outcome;
use crate::suites::Suite;

pub use self::texts::Language;

mod human;
mod json;
mod junit;
mod texts;

/// What a run found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run's name: part of the ids of all tenants that it made.
    pub run_id: String,
    /// The base URL that was tested.
    pub target: String,
    /// The service's version as its catalogue states it.
    pub version: Option<String>,
    /// Whether advisory checks were asked to count.
    pub strict: bool,
    /// The run was ended before all checks had run.
    pub stopped: bool,
    /// Tenants of the run that could not be deactivated.
    pub left_behind: Vec<String>,
    /// How long it took, cleaning up included.
    pub elapsed: Duration,
    /// All results, suite by suite in the order of the checks.
    pub results: Vec<CheckResult>,
}

/// The result of one check, or of one case of it.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// The check.
    pub check: &'static Check,
    /// The route or tenant, for a check that is put to several.
    pub case: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl CheckResult {
    /// The check's id, with the case if there is one.
    pub fn title(&self) -> String {
        match &self.case {
            Some(case) => format!("{} [{case}]", self.check.id),
            None => self.check.id.to_owned(),
        }
    }

    /// Whether this result alone makes the service non-conformant.
    pub fn counts(&self, strict: bool) -> bool {
        let weighs = match self.check.weight {
            Weight::Required => true,
            Weight::Advisory => strict,
            Weight::Figure => false,
        };
        weighs && self.outcome.is_bad()
    }
}

impl Report {
    /// No required check failed or was blocked; with `strict`, no advisory one either.
    pub fn conformant(&self, strict: bool) -> bool {
        !self.stopped && !self.results.iter().any(|result| result.counts(strict))
    }

    /// The results that failed or were blocked, advisory ones included.
    pub fn failures(&self) -> impl Iterator<Item = &CheckResult> {
        self.results.iter().filter(|result| result.outcome.is_bad())
    }

    /// The outcome of a check; of several cases the worst. `None` if its suite did not run.
    pub fn outcome(&self, id: &str) -> Option<&Outcome> {
        let badness = |outcome: &&Outcome| match outcome {
            Outcome::Skip(_) => 0,
            Outcome::Figure(_) => 1,
            Outcome::Pass => 2,
            Outcome::Blocked(_) => 3,
            Outcome::Fail(_) => 4,
        };
        self.results.iter().filter(|result| result.check.id == id).map(|result| &result.outcome).max_by_key(badness)
    }

    /// Required checks that passed, in percent of those that were put and judged; 0 when there are none.
    pub fn score(&self) -> u32 {
        let judged = |result: &&CheckResult| {
            result.check.weight == Weight::Required && !matches!(result.outcome, Outcome::Skip(_) | Outcome::Figure(_))
        };
        let all = self.results.iter().filter(judged).count();
        let passed = self.results.iter().filter(judged).filter(|result| !result.outcome.is_bad()).count();
        u32::try_from(passed * 100 / all.max(1)).unwrap_or_default()
    }

    fn suites(&self) -> impl Iterator<Item = (Suite, Vec<&CheckResult>)> {
        Suite::ALL.into_iter().filter_map(|suite| {
            let mine: Vec<_> = self.results.iter().filter(|result| result.check.suite() == suite).collect();
            (!mine.is_empty()).then_some((suite, mine))
        })
    }
}

/// The report for people, in English and without colours.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.human(Language::En, false))
    }
}
