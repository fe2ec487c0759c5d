//! What was wrong with what somebody sent, on the page that they sent it from.

use axum::response::{IntoResponse, Response};
use maud::Markup;
use mt_paas_axum::Problem;
use mt_paas_axum::http::header;
use mt_paas_core::ApiError;
use mt_paas_core::auth::AuthError;

use super::said::said;
use crate::{Text, View, error_summary};

/// Why a form was not taken. The status comes from the doors' own table, so that pages and programs get the same.
pub(super) struct Refusal {
    problem: Problem,
    faults: Vec<(Option<String>, String)>,
}

impl Refusal {
    pub(super) fn new(view: &View, error: AuthError) -> Self {
        let faults = said(view, &error);
        Self { problem: error.into(), faults }
    }

    /// Members that were left empty.
    pub(super) fn missing(view: &View, members: &[(&str, Text)]) -> Option<Self> {
        let faults = members.iter().map(|(name, text)| (Some((*name).to_owned()), view.say(*text).to_owned()));
        let problem = ApiError::invalid("something is missing").into();
        (!members.is_empty()).then(|| Self { problem, faults: faults.collect() })
    }

    /// What is wrong with a field.
    pub(super) fn of(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|(known, _)| known.as_deref() == Some(field)).map(|(_, said)| said.as_str())
    }

    /// All of it, for the top of the page.
    pub(super) fn summary(&self, view: &View) -> Markup {
        let faults: Vec<_> = self.faults.iter().map(|(field, said)| (field.as_deref(), said.as_str())).collect();
        error_summary(view, &faults)
    }

    /// The page as the answer to what was refused.
    pub(super) fn answer(self, page: Response) -> Response {
        refused(page, self.problem)
    }
}

/// Gives a page the status of a problem, and what tells the log and the audit trail of it.
pub(super) fn refused(mut page: Response, problem: Problem) -> Response {
    *page.status_mut() = problem.status();
    if let Some(wait) = problem.clone().into_response().headers_mut().remove(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    page.extensions_mut().insert(problem);
    page
}
