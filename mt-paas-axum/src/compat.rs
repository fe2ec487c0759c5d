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
use utoipa::openapi::{Deprecated, OpenApi, SecurityRequirement};
use utoipa_axum::routes;

use crate::deprecation::{AliasPhase, AliasSchedule};
use crate::standard_api::{Api, mount};

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

    /// The routes; `standard` is where the routes of the contract begin.
    pub(crate) fn router(self, standard: &str, clock: Arc<dyn Clock>, described: &mut OpenApi) -> Router<Api> {
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
        let phase = Phase { schedule: self.schedule, clock, standard: standard.to_owned() };
        let router = mount(table, ALIAS_PREFIX, described);
        let old = described.paths.paths.iter_mut().filter(|(path, _)| path.starts_with(ALIAS_PREFIX));
        for operation in old.flat_map(|(_, item)| [&mut item.get, &mut item.post]).flatten() {
            operation.deprecated = Some(Deprecated::True);
            operation.security = Some(vec![SecurityRequirement::new(ALIAS_KEY, Vec::<String>::new())]);
        }
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(self.key_header.as_str())));
        described.components.get_or_insert_default().add_security_scheme(ALIAS_KEY, key);
        router.route_layer(middleware::from_fn_with_state(phase, by_phase))
    }
}

/// The webhook of old markets as a route of its own, for a service that took applications under another path. It needs
/// a [`MarketKeyLayer`](crate::auth::MarketKeyLayer) and a [`deprecated`](crate::deprecation::deprecated) layer around it.
pub fn applications(handler: Arc<dyn StandardAPIHandler>) -> MethodRouter {
    axum::routing::post(service_market::auto_provision).with_state(Api { handler, added: Arc::new([]) })
}

#[derive(Clone)]
struct Phase {
    schedule: AliasSchedule,
    clock: Arc<dyn Clock>,
    standard: String,
}

/// Passes, marks or refuses a request by the phase of today.
async fn by_phase(State(phase): State<Phase>, request: Request, next: Next) -> Response {
    let now = phase.clock.now();
    let successor = service_market::successor(request.uri().path(), &phase.standard);
    let deprecation = phase.schedule.deprecation(&successor);
    match phase.schedule.phase(now) {
        AliasPhase::Parallel => next.run(request).await,
        AliasPhase::Removed => deprecation.gone(),
        AliasPhase::Deprecated => {
            let mut response = next.run(request).await;
            deprecation.apply(response.headers_mut());
            response
        }
    }
}

/// The clock of a webhook that is not part of a builder's router.
pub(crate) fn now() -> chrono::DateTime<chrono::Utc> {
    SystemClock.now()
}
