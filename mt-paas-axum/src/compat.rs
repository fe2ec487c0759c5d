//! Old paths that go on working while their callers move over.

mod service_market;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::MethodRouter;
use http::HeaderName;
use mt_paas_core::StandardAPIHandler;
use mt_paas_core::clock::{Clock, SystemClock};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::routes;

use crate::deprecation::{AliasPhase, AliasSchedule, Deprecation};
use crate::standard_api::{Api, method_not_allowed, mount};

/// Where the old paths begin.
pub(crate) const ALIAS_PREFIX: &str = "/api/tenant";

/// The name under which the key of the old paths stands in the description.
const ALIAS_KEY: &str = "aliasKey";

/// The old paths under `/api/tenant`, with `X-API-Key`, and when they go.
#[derive(Debug, Clone)]
pub struct Aliases {
    schedule: AliasSchedule,
    pub(crate) key_header: HeaderName,
}

impl Aliases {
    /// Old paths that are deprecated and removed by `schedule`.
    pub fn new(schedule: AliasSchedule) -> Self {
        Self { schedule, key_header: HeaderName::from_static("x-api-key") }
    }

    /// What is said about the paths today; `standard` is where the routes of the contract begin.
    pub(crate) fn phase(&self, standard: &str, clock: Arc<dyn Clock>) -> Phase {
        Phase { schedule: self.schedule, clock, standard: standard.to_owned() }
    }

    /// The routes, to be put behind the key.
    pub(crate) fn router(self, phase: Phase, described: &mut OpenApi) -> Router<Api> {
        let table = vec![
            routes!(service_market::auto_provision),
            routes!(service_market::application_approved),
            routes!(service_market::stats),
            routes!(service_market::stats_of),
            routes!(service_market::users),
            routes!(service_market::users_of),
            routes!(service_market::courses),
            routes!(service_market::discussions),
            routes!(service_market::status),
        ];
        let router = mount(table, ALIAS_PREFIX, described);
        let old = described.paths.paths.iter_mut().filter(|(path, _)| path.starts_with(ALIAS_PREFIX));
        for operation in old.flat_map(|(_, item)| [&mut item.get, &mut item.post]).flatten() {
            operation.security = Some(vec![SecurityRequirement::new(ALIAS_KEY, Vec::<String>::new())]);
        }
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(self.key_header.as_str())));
        described.components.get_or_insert_default().add_security_scheme(ALIAS_KEY, key);
        router.route_layer(middleware::from_fn_with_state(phase, unless_removed))
    }
}

/// The webhook of old markets as a route of its own, for a service that took applications under another path. It needs
/// a [`MarketKeyLayer`](crate::auth::MarketKeyLayer) and a [`deprecated`](crate::deprecation::deprecated) layer around it.
pub fn applications(handler: Arc<dyn StandardAPIHandler>) -> MethodRouter {
    // A fallback of its own, so that layers around the route are around its 405 as well.
    let route = axum::routing::post(service_market::auto_provision).fallback(method_not_allowed);
    route.with_state(Api { handler, added: Arc::new([]) })
}

/// What is said about an old path today.
#[derive(Clone)]
pub(crate) struct Phase {
    schedule: AliasSchedule,
    clock: Arc<dyn Clock>,
    /// Where the routes of the contract begin.
    standard: String,
}

impl Phase {
    /// Where the paths stand on their way out.
    pub(crate) fn today(&self) -> AliasPhase {
        self.schedule.phase(self.clock.now())
    }

    fn deprecation(&self, request: &Request) -> Deprecation {
        self.schedule.deprecation(&service_market::successor(request.uri().path(), &self.standard))
    }
}

/// Outside of the key: every answer of a deprecated path says so, a refusal too.
pub(crate) async fn announced(State(phase): State<Phase>, request: Request, next: Next) -> Response {
    let deprecated = phase.today() == AliasPhase::Deprecated;
    let announcement = deprecated.then(|| phase.deprecation(&request));
    let mut response = next.run(request).await;
    if let Some(announcement) = announcement {
        announcement.apply(response.headers_mut());
    }
    response
}

/// Inside of the key: nobody without one learns that a path was removed.
async fn unless_removed(State(phase): State<Phase>, request: Request, next: Next) -> Response {
    match phase.today() {
        AliasPhase::Removed => phase.deprecation(&request).gone(),
        AliasPhase::Parallel | AliasPhase::Deprecated => next.run(request).await,
    }
}

/// The clock of a webhook that is not part of a builder's router.
pub(crate) fn now() -> chrono::DateTime<chrono::Utc> {
    SystemClock.now()
}
