//! How the doors refuse, for the description.

use std::collections::BTreeMap;

use mt_paas_core::ErrorKind::{self, Internal, Invalid, Malformed, ResourceExists, ResourceNotFound, Unavailable};
use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use super::ADMIN_KEY;
use crate::error::Problem;

/// How every route can refuse.
pub(crate) struct Refusals;
/// How a route can refuse that names a key.
pub(crate) struct KeyRefusals;
/// How a route can refuse that takes a body.
pub(crate) struct BodyRefusals;
/// How a route can refuse that takes parameters in its query.
pub(crate) struct QueryRefusals;
/// How a route can refuse that adds a key.
pub(crate) struct NameRefusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([
            (of(Malformed), "The request cannot be read"),
            (Problem::unauthorized(&ADMIN_KEY), "No valid key of an administrator came with the request"),
            (of(Internal), "A fault of the service"),
            (of(Unavailable), "The store, or the audit trail, cannot be reached"),
        ])
    }
}

impl IntoResponses for KeyRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([
            (of(ResourceNotFound), "There is no such key"),
            (of(Invalid), "A value breaks the schema or a rule; `details` names all"),
        ])
    }
}

impl IntoResponses for BodyRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([
            (Problem::body_too_large(0), "The body is too large"),
            (Problem::unsupported_media_type(), "The body is not declared to be JSON"),
            (of(Invalid), "A value breaks the schema or a rule; `details` names all"),
        ])
    }
}

impl IntoResponses for QueryRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([(of(Invalid), "A value breaks the schema or a rule; `details` names all")])
    }
}

impl IntoResponses for NameRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([(of(ResourceExists), "The provider has a key with this name")])
    }
}

pub(crate) fn of(kind: ErrorKind) -> Problem {
    Problem::of_kind(kind, "")
}

pub(crate) fn described<const N: usize>(refusals: [(Problem, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    let response = |(problem, text): (Problem, &str)| {
        let envelope = Content::new(Some(Ref::from_schema_name("ErrorEnvelope")));
        let response = ResponseBuilder::new().description(text).content("application/json", envelope).build();
        (problem.status().as_str().to_owned(), response.into())
    };
    refusals.map(response).into()
}
