//! The old paths: their phases, and how faulty variants let them drift from the standard ones.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::Phase;
use super::clock::http_date;
use super::faults::Fault;
use super::reply::{Answer, Outcome, Refusal};
use super::routes::{Operation, Spot, successor};
use super::world::{House, Room};

/// What every answer on an old path says about its end, that which refuses with a status too.
pub(super) fn farewell(
    house: &House,
    spot: &Spot,
    refused: Option<u16>,
    now: DateTime<Utc>,
) -> Vec<(&'static str, String)> {
    let faults = &house.faults;
    let silent = refused.is_some() && faults.has(Fault::ErrorsSayNothing)
        || refused == Some(401) && faults.has(Fault::StrangersHearNothing);
    if silent {
        return Vec::new();
    }
    let phase = match house.phase {
        Phase::Parallel if faults.has(Fault::FarewellTooEarly) && spot.operation == Operation::Users => {
            Phase::Deprecated
        }
        phase => phase,
    };
    let since = now - TimeDelta::days(1);
    let until =
        if faults.has(Fault::SunsetBeforeDeprecation) { since - TimeDelta::days(9) } else { now + TimeDelta::days(28) };
    let link = ("link", format!("<{}>; rel=\"successor-version\"", successor(spot)));
    match phase {
        Phase::Parallel if faults.has(Fault::SuccessorTooEarly) => vec![link],
        Phase::Parallel => Vec::new(),
        Phase::Removed if faults.has(Fault::RemovedWithoutLink) => Vec::new(),
        Phase::Removed => vec![link],
        Phase::Deprecated if faults.has(Fault::SuccessorMissing) => {
            vec![("deprecation", format!("@{}", since.timestamp())), ("sunset", http_date(until))]
        }
        Phase::Deprecated if faults.has(Fault::SunsetMissing) => {
            vec![("deprecation", format!("@{}", since.timestamp())), link]
        }
        Phase::Deprecated => {
            vec![("deprecation", format!("@{}", since.timestamp())), ("sunset", http_date(until)), link]
        }
    }
}

/// Refuses when the old paths are withdrawn.
pub(super) fn gate(phase: Phase) -> Result<(), Refusal> {
    match phase {
        Phase::Removed => Err(Refusal::new(410, "GONE", "this path was removed, see the link")),
        _ => Ok(()),
    }
}

impl Room<'_> {
    /// Where faulty variants answer other than the standard path does.
    pub(super) fn estrange(&mut self, spot: &Spot, outcome: Outcome) -> Outcome {
        let mut answer = match outcome {
            Err(refusal) if refusal.status == 422 && self.has(Fault::AliasErrorsCrash) => return Err(Refusal::crash()),
            outcome => outcome?,
        };
        let body = answer.body.get_or_insert_default();
        match spot.operation {
            Operation::StatsNow if self.has(Fault::M43) => body["summary"]["total_users"] = json!(0),
            Operation::StatsNow if self.has(Fault::OldSpellingMissing) && self.call.path.ends_with("/stats") => {
                return Err(Refusal::no_route());
            }
            Operation::Users if self.has(Fault::AliasUsersDiffer) => body["users"] = json!([]),
            Operation::Courses if self.has(Fault::AliasCoursesDiffer) => body["resource_type"] = json!("courses"),
            Operation::Discussions if self.has(Fault::AliasDiscussionsDiffer) => body["total"] = json!(1_000),
            _ => {}
        }
        if self.has(Fault::AliasCaches) && spot.operation == Operation::Users {
            let kept = self.world.kept_answers.entry(self.call.path.clone()).or_insert_with(|| body.clone());
            return Ok(Answer::ok(kept.clone()));
        }
        Ok(answer)
    }
}
