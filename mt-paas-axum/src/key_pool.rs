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
mod refusals;

use http::HeaderName;
use mt_paas_core::key_pool::KeyPool;
use tower::ServiceBuilder;
use tower::util::MapResponseLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{InvalidMarketKeys, MarketKeyLayer, MarketKeys};
use crate::standard_api::{Route, mount, uncached};

/// Where the routes begin.
pub const PREFIX: &str = "/admin/key-pool";

/// The header with an administrator's key.
pub const ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");

/// The routes for administrators of `pool`, with their description; for
/// [`StandardApiBuilder::routes`](crate::standard_api::StandardApiBuilder::routes).
///
/// # Errors
///
/// [`InvalidMarketKeys::None`] without a key: there are no open doors to keys.
pub fn admin_routes(pool: KeyPool, keys: MarketKeys) -> Result<OpenApiRouter, InvalidMarketKeys> {
    if keys.is_empty() {
        return Err(InvalidMarketKeys::None);
    }
    let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Admin-Key")));
    let mut described = OpenApiBuilder::new()
        .components(Some(ComponentsBuilder::new().security_scheme("adminKey", scheme).build()))
        .tags(Some([TagBuilder::new().name("Key pool").build()]))
        .build();
    let behind_key =
        ServiceBuilder::new().layer(MapResponseLayer::new(uncached)).layer(MarketKeyLayer::new(keys, ADMIN_KEY));
    let router = mount(table(), PREFIX, &mut described).with_state(pool).layer(behind_key);
    Ok(OpenApiRouter::with_openapi(described).merge(OpenApiRouter::from(router)))
}

/// Every route, without prefix.
fn table() -> Vec<Route<KeyPool>> {
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
