//! What each operation takes and answers besides its own parameters and its success, worked out from its description.

use std::collections::BTreeMap;

use http::StatusCode;
use mt_paas_core::standard_api::Capability;
use utoipa::IntoParams;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{
    Content, Deprecated, ObjectBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder, SecurityRequirement,
    Type,
};

use super::refusals::REFUSALS;
use super::{IdempotencyKey, MARKET_KEY, RequestIdParam};
use crate::compat::ALIAS_PREFIX;
use crate::deprecation::AliasPhase;

/// What stands between a caller and the routes.
pub(crate) struct Doors {
    /// Whether a key is asked for.
    pub(crate) keys: bool,
    /// Whether a POST may be repeated.
    pub(crate) idempotency: bool,
    /// What the catalogue lists.
    pub(crate) capabilities: Vec<Capability>,
}

/// What is known of an operation when its refusals are looked up.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The operation id.
    pub(super) id: String,
    /// It asks for a key.
    pub(super) keyed: bool,
    /// Its path names a tenant.
    pub(super) tenant: bool,
    /// Its path names a user.
    pub(super) user: bool,
    /// It takes parameters in its query.
    pub(super) query: bool,
    /// It takes a body.
    pub(super) body: bool,
    /// It may be repeated with an `Idempotency-Key`.
    pub(super) repeatable: bool,
    /// It is an earlier path that ends, or has ended.
    pub(super) ends: bool,
    /// What the catalogue lists.
    pub(super) capabilities: Vec<Capability>,
}

/// The headers of answers, with what they say.
const HEADERS: &[(&str, Type, &str)] = &[
    ("X-Request-Id", Type::String, "The id of the request: the caller's, or a new one"),
    ("Idempotent-Replayed", Type::String, "`true` on an answer that was stored"),
    ("WWW-Authenticate", Type::String, "The header that the key belongs in"),
    ("Retry-After", Type::Integer, "Seconds until another try makes sense"),
    ("Deprecation", Type::String, "Since when the path is deprecated (RFC 9745)"),
    ("Sunset", Type::String, "When the path stops answering (RFC 8594)"),
    ("Link", Type::String, "The path that replaces this one, with `rel=\"successor-version\"`"),
];

/// The description on a day when the earlier paths are in this phase.
pub(super) fn edition(api: &OpenApi, doors: &Doors, phase: AliasPhase) -> OpenApi {
    let mut api = api.clone();
    let components = api.components.get_or_insert_default();
    for (name, kind, text) in HEADERS {
        let schema = ObjectBuilder::new().schema_type(kind.clone()).build();
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(*text)).build();
        components.headers.insert((*name).to_owned(), header.into());
    }
    if !doors.keys {
        components.security_schemes.clear();
    }
    for (path, item) in &mut api.paths.paths {
        let phase = if path.starts_with(ALIAS_PREFIX) { phase } else { AliasPhase::Parallel };
        for (is_post, operation) in operations(item) {
            complete(operation, doors, is_post && doors.idempotency, phase);
        }
    }
    api
}

/// The operations that the contract has, and whether each is a POST.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let all = [(false, &mut item.get), (true, &mut item.post), (false, &mut item.put), (false, &mut item.delete)];
    all.into_iter().filter_map(|(is_post, operation)| Some((is_post, operation.as_mut()?)))
}

fn complete(operation: &mut Operation, doors: &Doors, repeatable: bool, phase: AliasPhase) {
    let mut facts = Facts::of(operation, doors, repeatable);
    // Said of each one, not of all: a service's own routes stand outside of the key.
    let market_key = || vec![SecurityRequirement::new(MARKET_KEY, Vec::<String>::new())];
    let ways = operation.security.take();
    operation.security = doors.keys.then(|| ways.unwrap_or_else(market_key));
    let parameters = operation.parameters.get_or_insert_default();
    if repeatable {
        parameters.extend(IdempotencyKey::into_params(|| None).into_iter().map(RefOr::T));
    }
    parameters.extend(RequestIdParam::into_params(|| None).into_iter().map(RefOr::T));

    facts.ends = phase != AliasPhase::Parallel;
    operation.deprecated = facts.ends.then_some(Deprecated::True);
    let answers = &mut operation.responses.responses;
    if phase == AliasPhase::Removed {
        // Only the doors before the path still look at the request.
        answers.clear();
        facts = Facts { keyed: facts.keyed, repeatable, ends: true, ..Facts::default() };
    }
    for answer in answers.values_mut().filter_map(inline).filter(|_| repeatable) {
        announce(answer, "Idempotent-Replayed");
    }
    for (status, refused) in refusals(&facts) {
        answers.insert(status.as_str().to_owned(), refused.into());
    }
    for answer in answers.values_mut().filter_map(inline) {
        announce(answer, "X-Request-Id");
        for name in ["Deprecation", "Sunset", "Link"].into_iter().filter(|_| facts.ends) {
            announce(answer, name);
        }
    }
}

impl Facts {
    fn of(operation: &Operation, doors: &Doors, repeatable: bool) -> Self {
        let parameters = || {
            operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
                RefOr::T(parameter) => Some(parameter),
                RefOr::Ref(_) => None,
            })
        };
        let in_path =
            |name: &str| parameters().any(|known| known.parameter_in == ParameterIn::Path && known.name == name);
        let open = operation.security.as_ref().is_some_and(|ways| ways.contains(&SecurityRequirement::default()));
        Self {
            id: operation.operation_id.clone().unwrap_or_default(),
            keyed: doors.keys && !open,
            tenant: in_path("tenant_id"),
            user: in_path("user_id"),
            query: parameters().any(|known| known.parameter_in == ParameterIn::Query),
            body: operation.request_body.is_some(),
            repeatable,
            ends: false,
            capabilities: doors.capabilities.clone(),
        }
    }
}

/// The refusals that the facts leave possible: one answer a status, with all its codes.
fn refusals(facts: &Facts) -> BTreeMap<StatusCode, Response> {
    let mut answers: BTreeMap<StatusCode, (Response, Vec<String>)> = BTreeMap::new();
    for refusal in REFUSALS.iter().filter(|refusal| (refusal.applies)(facts)) {
        let (problem, text) = (refusal.example(), refusal.text);
        let (answer, said) = answers.entry(problem.status()).or_insert_with(|| (enveloped(), Vec::new()));
        said.push(format!("`{}`: {text}", problem.code()));
        problem.header_names().for_each(|name| announce(answer, name.as_str()));
    }
    let described = |(status, (mut answer, said)): (StatusCode, (Response, Vec<String>))| {
        answer.description = said.join("; ");
        (status, answer)
    };
    answers.into_iter().map(described).collect()
}

fn enveloped() -> Response {
    let envelope = Content::new(Some(Ref::from_schema_name("ErrorEnvelope")));
    ResponseBuilder::new().content("application/json", envelope).build()
}

/// Says that the answer may carry the header, if it is one of [`HEADERS`].
fn announce(answer: &mut Response, header: &str) {
    if let Some((name, ..)) = HEADERS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(header)) {
        answer.headers.insert((*name).to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
    }
}

fn inline(answer: &mut RefOr<Response>) -> Option<&mut Response> {
    match answer {
        RefOr::T(answer) => Some(answer),
        RefOr::Ref(_) => None,
    }
}
