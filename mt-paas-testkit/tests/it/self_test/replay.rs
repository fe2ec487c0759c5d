//! Idempotency keys.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use super::call::Call;
use super::faults::{Fault, Faults};
use super::reply::{Answer, Outcome, Refusal};

/// Answers that were given under a key.
#[derive(Default)]
pub(super) struct Replays(Mutex<BTreeMap<String, Stored>>);

struct Stored {
    body: Vec<u8>,
    at: DateTime<Utc>,
    /// `None` while the first request is running.
    answer: Option<Outcome>,
}

/// What a key means for this request.
pub(super) enum Turn {
    /// No key, or one that counts for nothing here: just do it.
    Free,
    /// The first request under this name; report back.
    First(String),
    /// Give this.
    Again(Outcome),
}

impl Replays {
    pub(super) fn begin(&self, call: &Call, faults: &Faults, now: DateTime<Utc>) -> Turn {
        let key = call.header("idempotency-key").filter(|key| !key.is_empty() && call.method == "POST");
        let Some(key) = key.filter(|_| !faults.has(Fault::M36) && !faults.has(Fault::NothingOptional)) else {
            return Turn::Free;
        };
        // The path holds both the tenant and the route.
        let scope = match () {
            () if faults.has(Fault::IdempotencyKeyGlobal) => {
                call.path.rsplit('/').next().unwrap_or_default().to_owned()
            }
            () if faults.has(Fault::IdempotencyKeyOfAnyRoute) => call.path.split('/').take(4).collect(),
            () => call.path.clone(),
        };
        let route = format!("{}\n{scope}\n", call.caller);
        let name = format!("{route}{key}");
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let age = |limit: i64| move |stored: &Stored| now - stored.at > TimeDelta::seconds(limit);
        all.retain(|_, stored| if stored.answer.is_some() { !age(86_400)(stored) } else { !age(60)(stored) });
        if let Some(Stored { answer: Some(stuck), .. }) = all.get(&route) {
            return Turn::Again(stuck.clone());
        }
        match all.get(&name) {
            Some(stored) if stored.body != call.body && !faults.has(Fault::IdempotencyBodyIgnored) => {
                Turn::Again(Err(Refusal::new(422, "IDEMPOTENCY_MISMATCH", "this key was used with another body")))
            }
            Some(Stored { answer: Some(answer), .. }) => Turn::Again(answer.clone()),
            Some(_) if faults.has(Fault::RunningKeyRunsAgain) => Turn::Free,
            Some(_) => Turn::Again(Err(Refusal::new(409, "IDEMPOTENCY_IN_PROGRESS", "the first request is running"))),
            None => {
                all.insert(name.clone(), Stored { body: call.body.clone(), at: now, answer: None });
                Turn::First(name)
            }
        }
    }

    /// Keeps a success for repetitions, forgets a failure.
    pub(super) fn end(&self, name: &str, outcome: &Outcome, faults: &Faults) {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if outcome.is_ok() {
            all.entry(name.to_owned()).and_modify(|stored| stored.answer = Some(outcome.clone()));
        } else if let Some(mut failed) = all.remove(name).filter(|_| faults.has(Fault::FailureSticks)) {
            failed.answer = Some(outcome.clone());
            let route = name.rfind('\n').map_or(name, |end| &name[..=end]);
            all.insert(route.to_owned(), failed);
        }
    }
}

/// The same user again, but not quite: a replay must be the stored answer itself.
pub(super) fn altered(faults: &Faults, outcome: Outcome) -> Outcome {
    let mut answer: Answer = outcome?;
    if faults.has(Fault::ReplayAnswers200) {
        answer.status = 200;
    }
    Ok(answer)
}
