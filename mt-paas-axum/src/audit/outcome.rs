//! What came of a request, in the words of the trail.

use axum::response::Response;
use http::StatusCode;
use mt_paas_core::ApiError;
use mt_paas_core::audit::{Line, Outcome};

use crate::error::Problem;

/// Of an answer. The reason is the contract's error code in small letters; of an answer that nobody told of and that is
/// no refusal it is `unchanged` or, where something else than the SDK's own tables was changed, as much as can be known.
pub(super) fn of_answer(answer: &Response) -> (Outcome, Line) {
    match answer.extensions().get::<Problem>() {
        Some(problem) => of_problem(problem),
        None if answer.status().is_success() => (Outcome::Done, "unchanged".into()),
        None => (of_status(answer.status()), format!("http_{}", answer.status().as_u16()).into()),
    }
}

/// Of a failure.
pub(super) fn of_error(error: &ApiError) -> (Outcome, Line) {
    of_problem(&Problem::of_kind(error.kind(), ""))
}

fn of_problem(problem: &Problem) -> (Outcome, Line) {
    (of_status(problem.status()), problem.code().to_ascii_lowercase().into())
}

fn of_status(status: StatusCode) -> Outcome {
    if status.is_server_error() { Outcome::Failed } else { Outcome::Refused }
}
