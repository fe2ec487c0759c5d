//! A key pool's doors for administrators: keys, leases, the queue, and all that happens, as JSON below
//! `/admin/key-pool`.
//!
//! Every route asks for a key of the administrators in `X-Admin-Key`. None of them shows what a key of the pool is made
//! of: payloads go in and do not come out.

mod events;
mod health;
mod keys;
mod leases;
mod queue;
pub(crate) mod refusals;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use http::HeaderName;
use mt_paas_core::audit::{AuditStore, action};
use mt_paas_core::key_pool::KeyPool;
use tower::ServiceBuilder;
use tower::util::MapResponseLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::{AuditLayer, Refusals, Trail};
use crate::auth::{InvalidMarketKeys, MarketKeyLayer, MarketKeys};
use crate::standard_api::{Route, mount, uncached};

/// Where the routes begin.
pub const PREFIX: &str = "/admin/key-pool";

/// The header with an administrator's key.
pub const ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");

/// The routes for administrators of `pool`, with their description; for
/// [`StandardApiBuilder::routes`](crate::standard_api::StandardApiBuilder::routes). Every change, and every request that
/// was refused, is told of in the audit trail of `store`; nothing is changed that cannot be.
///
/// # Errors
///
/// [`InvalidMarketKeys::None`] without a key: there are no open doors to keys.
pub fn admin_routes(
    pool: KeyPool,
    keys: MarketKeys,
    store: Arc<dyn AuditStore>,
) -> Result<OpenApiRouter, InvalidMarketKeys> {
    let mut described = OpenApiBuilder::new().tags(Some([TagBuilder::new().name("Key pool").build()])).build();
    let doors = Doors { pool, trail: Trail::new(store.clone()) };
    let router = mount(table(), PREFIX, &mut described).with_state(doors);
    behind_admin_key(router, described, store, keys)
}

/// Routes that are opened by the keys of administrators, and tell of what they do.
pub(crate) fn behind_admin_key(
    router: Router,
    mut described: OpenApi,
    store: Arc<dyn AuditStore>,
    keys: MarketKeys,
) -> Result<OpenApiRouter, InvalidMarketKeys> {
    if keys.is_empty() {
        return Err(InvalidMarketKeys::None);
    }
    let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Admin-Key")));
    described.components.get_or_insert_default().add_security_scheme("adminKey", scheme);
    let refusals = Refusals::new(store.clone(), action::ADMIN_REFUSED);
    let behind_key = ServiceBuilder::new()
        .layer(MapResponseLayer::new(uncached))
        .layer(MarketKeyLayer::new(keys, ADMIN_KEY).telling(refusals))
        .layer(AuditLayer::for_administrators(store));
    Ok(OpenApiRouter::with_openapi(described).merge(OpenApiRouter::from(router.layer(behind_key))))
}

/// What every route works with.
#[derive(Clone)]
struct Doors {
    pool: KeyPool,
    trail: Trail,
}

impl FromRef<Doors> for KeyPool {
    fn from_ref(doors: &Doors) -> Self {
        doors.pool.clone()
    }
}

impl FromRef<Doors> for Trail {
    fn from_ref(doors: &Doors) -> Self {
        doors.trail.clone()
    }
}

/// Every route, without prefix.
fn table() -> Vec<Route<Doors>> {
    vec![
        routes!(health::show),
        routes!(keys::list, keys::add),
        routes!(keys::show, keys::change, keys::remove),
        routes!(keys::release),
        routes!(leases::list),
        routes!(queue::list),
        routes!(events::stream),
    ]
}
