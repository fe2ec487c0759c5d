//! How the router is put together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use mt_paas_core::StandardAPIHandler;
use mt_paas_core::audit::{ActorKind, AuditStore, action};
use mt_paas_core::clock::{Clock, SystemClock};
use mt_paas_core::standard_api::Capability;
use mt_paas_core::store::Store;
use tower::ServiceBuilder;
use tower::util::{MapResponseLayer, option_layer};
use utoipa::openapi::{OpenApi, PathItem};
use utoipa_axum::router::OpenApiRouter;

use super::{Api, Route, table};
use crate::audit::{AuditLayer, Refusals};
use crate::auth::{MarketKeyLayer, MarketKeys};
use crate::compat::{ALIAS_PREFIX, Aliases, announced};
use crate::cors::OriginsLayer;
use crate::error::Problem;
use crate::idempotency::IdempotencyLayer;
use crate::openapi::{self, Doors};
use crate::request_id::RequestIdLayer;

/// The Standard API of a service, ready to be served.
pub struct StandardApi(());

/// The optional parts of the router.
pub struct StandardApiBuilder {
    handler: Arc<dyn StandardAPIHandler>,
    keys: Option<MarketKeys>,
    header: Result<HeaderName, InvalidApi>,
    prefix: String,
    store: Option<Arc<dyn Store>>,
    audit: Option<Arc<dyn AuditStore>>,
    clock: Arc<dyn Clock>,
    aliases: Option<Aliases>,
    origins: Vec<String>,
    docs: bool,
    own: OpenApiRouter,
}

/// The router cannot be built from what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApi {
    /// No key was given, and nobody said that the router is to be open.
    #[error("no market key is configured; a router without keys has to be asked for by `open()`")]
    NoKeys,
    /// The name is no header name.
    #[error("'{0}' is not a header name")]
    Header(String),
    /// The prefix is no path, or other routes are there.
    #[error("the prefix '{0}' must be like '/mt', of letters, digits and -._~, away from the old paths and the docs")]
    Prefix(String),
    /// A route of the service's own stands where another does: its path, or for one without a description, what axum
    /// says about it.
    #[error("a route of the service's own is taken: {0}")]
    Taken(String),
    /// The origin is none that a browser would send.
    #[error("'{0}' is not an origin such as https://example.com; '*' is not allowed")]
    Origin(String),
}

impl StandardApi {
    /// Starts a router for `handler`, to be given its market keys.
    pub fn builder(handler: Arc<dyn StandardAPIHandler>) -> StandardApiBuilder {
        StandardApiBuilder {
            handler,
            keys: None,
            header: Ok(HeaderName::from_static("x-market-api-key")),
            prefix: "/mt".to_owned(),
            store: None,
            audit: None,
            clock: Arc::new(SystemClock),
            aliases: None,
            origins: Vec::new(),
            docs: false,
            own: OpenApiRouter::new(),
        }
    }
}

impl StandardApiBuilder {
    /// The valid keys. Either these or [`open`](Self::open) must be given.
    #[must_use]
    pub fn market_keys(mut self, keys: MarketKeys) -> Self {
        self.keys = Some(keys).filter(|keys| !keys.is_empty());
        self
    }

    /// Asks nobody for a key: for tests, or where something in front does.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.keys = Some(MarketKeys::default());
        self
    }

    /// The header that carries the key, instead of `X-Market-API-Key`.
    #[must_use]
    pub fn key_header(mut self, name: &str) -> Self {
        self.header = name.parse().map_err(|_| InvalidApi::Header(name.to_owned()));
        self
    }

    /// Where the routes begin, instead of `/mt`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Keeps answers for `Idempotency-Key` in `store`, and says so in the catalogue.
    #[must_use]
    pub fn idempotency(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Tells of every operation in the audit trail of `store`, also of those that were refused; it should be the one that
    /// the handler changes.
    #[must_use]
    pub fn audit(mut self, store: Arc<dyn AuditStore>) -> Self {
        self.audit = Some(store);
        self
    }

    /// Serves the old paths under `/api/tenant` as well, and says so in the catalogue.
    #[must_use]
    pub fn aliases(mut self, aliases: Aliases) -> Self {
        self.aliases = Some(aliases);
        self
    }

    /// The origins whose pages may call with a browser. None by default; never all.
    #[must_use]
    pub fn cors_origins(mut self, origins: Vec<String>) -> Self {
        self.origins = origins;
        self
    }

    /// Serves `/openapi.json` and `/docs`.
    #[must_use]
    pub fn docs(mut self, on: bool) -> Self {
        self.docs = on;
        self
    }

    /// The service's own routes, outside the market key, described beside the contract's.
    #[must_use]
    pub fn routes(mut self, own: OpenApiRouter) -> Self {
        self.own = own;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The router.
    ///
    /// # Errors
    ///
    /// [`InvalidApi`] names the part that cannot be used.
    pub fn build(self) -> Result<Router, InvalidApi> {
        let header = self.header.clone()?;
        let keys = self.keys.clone().ok_or(InvalidApi::NoKeys)?;
        let aliases = self.aliases.is_some().then_some(ALIAS_PREFIX);
        let docs = ["/docs", "/openapi.json"].into_iter().filter(|_| self.docs);
        if !is_prefix(&self.prefix) || docs.chain(aliases).any(|other| overlap(&self.prefix, other)) {
            return Err(InvalidApi::Prefix(self.prefix));
        }
        let origins = (!self.origins.is_empty()).then(|| OriginsLayer::new(&self.origins)).transpose()?;
        let api = Api { handler: self.handler.clone(), added: self.added() };
        let catalog = self.handler.catalog();
        let mut described = openapi::description(&catalog.service, &catalog.version, header.as_str());

        let idempotency = self.store.clone().map(|store| IdempotencyLayer::new(store, self.clock.clone()));
        let standard = mount(table(), &self.prefix, &mut described).with_state(api.clone());
        let refusals = self.audit.clone().map(|store| Refusals::new(store, action::MARKET_REFUSED));
        let door = |header: &HeaderName| {
            let layer = (!keys.is_empty()).then(|| MarketKeyLayer::new(keys.clone(), header.clone()))?;
            Some(refusals.iter().cloned().fold(layer, MarketKeyLayer::telling))
        };
        let audit = AuditLayer::new(self.audit.clone(), self.clock.clone(), ActorKind::MarketKey);
        let key = door(&header).map(|layer| layer.exclude_paths([format!("{}/health", self.prefix)]));
        let behind_key = ServiceBuilder::new()
            .layer(MapResponseLayer::new(uncached))
            .layer(option_layer(key.clone()))
            .layer(audit.clone())
            .layer(option_layer(idempotency.clone()));
        let mut router = standard.layer(behind_key);
        let mut walled = vec![(self.prefix.clone(), key)];
        let doors =
            Doors { keys: !keys.is_empty(), idempotency: self.store.is_some(), capabilities: catalog.capabilities };

        let mut old_phase = None;
        if let Some(aliases) = self.aliases {
            let key = door(&aliases.key_header);
            let phase = aliases.phase(&self.prefix, self.clock);
            let old = aliases.router(phase.clone(), &mut described).with_state(api);
            let behind_key = ServiceBuilder::new()
                .layer(MapResponseLayer::new(uncached))
                .layer(option_layer(key.clone()))
                .layer(audit)
                .layer(option_layer(idempotency));
            router = router.merge(old.layer(behind_key).layer(from_fn_with_state(phase.clone(), announced)));
            old_phase = Some(phase);
            walled.push((ALIAS_PREFIX.to_owned(), key));
        }
        let (own, own_described) = self.own.split_for_parts();
        if let Some(path) = taken(&described, &own_described) {
            return Err(InvalidApi::Taken(path));
        }
        if self.docs {
            router = router.merge(openapi::router(&described, &own_described, &doors, old_phase));
        }
        router = merge(router, own)?;
        let outside = ServiceBuilder::new().layer(RequestIdLayer).layer(option_layer(origins));
        let nowhere = move |request: Request| nowhere(&walled, &request);
        Ok(router.fallback(nowhere).method_not_allowed_fallback(method_not_allowed).layer(outside))
    }

    fn added(&self) -> Arc<[Capability]> {
        let idempotency = self.store.is_some().then_some(Capability::Idempotency);
        let aliases = self.aliases.is_some().then_some(Capability::Aliases);
        idempotency.into_iter().chain(aliases).collect()
    }
}

/// Puts routes behind a prefix, and their description beside the others.
pub(crate) fn mount<S>(routes: Vec<Route<S>>, prefix: &str, described: &mut OpenApi) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut router = Router::new();
    for (schemas, paths, methods) in routes {
        let components = described.components.get_or_insert_default();
        components.schemas.extend(schemas);
        for (path, item) in paths.paths {
            let path = format!("{prefix}{path}");
            router = router.route(&path, methods.clone().fallback(method_not_allowed));
            described.paths.paths.insert(path, item);
        }
    }
    router
}

/// `/segment`, once or more, of characters that need no escape.
fn is_prefix(prefix: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(unreserved);
    prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment))
}

/// Whether one path is the other or lies under it.
fn overlap(one: &str, other: &str) -> bool {
    let under = |path: &str, above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    one == other || under(one, other) || under(other, one)
}

/// The first path of `own` that no router can hold beside ours: the same method twice, or another name for a parameter.
fn taken(ours: &OpenApi, own: &OpenApi) -> Option<String> {
    let shape = |path: &str| -> Vec<String> {
        path.split('/').map(|part| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() }).collect()
    };
    let methods = |item: &PathItem| {
        [&item.get, &item.head, &item.post, &item.put, &item.delete, &item.patch, &item.options, &item.trace]
            .map(Option::is_some)
    };
    let collide = |path: &str, item: &PathItem| {
        let same = |(known, other): (&String, &PathItem)| {
            let both = methods(item).into_iter().zip(methods(other)).any(|(a, b)| a && b);
            shape(known) == shape(path) && (known != path || both)
        };
        ours.paths.paths.iter().any(same)
    };
    own.paths.paths.iter().find(|(path, item)| collide(path, item)).map(|(path, _)| path.clone())
}

/// Adds the service's own routes. axum has no other way to say that one is taken than a panic, and does not show the
/// paths of a router beforehand; both routers are dropped then, so nothing half-merged is left.
fn merge(router: Router, own: Router) -> Result<Router, InvalidApi> {
    catch_unwind(AssertUnwindSafe(|| router.merge(own))).map_err(|panic| {
        let message = panic.downcast::<String>().map(|text| *text);
        InvalidApi::Taken(message.unwrap_or_else(|_| "its path and method exist already".to_owned()))
    })
}

/// What is no route is 404; under a walled prefix the key is asked for first, so that strangers learn nothing.
fn nowhere(
    walled: &[(String, Option<MarketKeyLayer>)],
    request: &Request,
) -> impl Future<Output = Response> + Send + use<> {
    let under = |prefix: &str| {
        let rest = request.uri().path().strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let door = walled.iter().find(|(prefix, _)| under(prefix)).and_then(|(_, door)| door.as_ref());
    let refused = door.and_then(|door| Some(door.refuse(request, door.admit(request).err()?)));
    async move {
        match refused {
            Some(refused) => refused.await,
            None => Problem::not_found().into_response(),
        }
    }
}

pub(crate) async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed()
}

/// Answers about tenants belong in no cache, and are no pages.
pub(crate) fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
