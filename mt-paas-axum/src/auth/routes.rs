//! Accounts as JSON: what people do about themselves below `/auth`, and what administrators do about the people of a
//! tenant below `/admin/tenants`.

mod bodies;
mod first;
mod key_bodies;
mod keys;
mod links;
mod login;
mod opened;
mod password;
mod people;
mod person;
mod refusals;
mod sessions;
mod tenant_keys;

use axum::extract::FromRef;
use mt_paas_core::TenantId;
use mt_paas_core::auth::Accounts;
use tower::ServiceBuilder;
use tower::util::MapResponseLayer;
use utoipa::openapi::OpenApiBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Doorkeeper, SessionCookie};
use crate::standard_api::{Route, mount, uncached};

/// The routes of the accounts that `keeper` lets in, with their description; for
/// [`StandardApiBuilder::routes`](crate::standard_api::StandardApiBuilder::routes). Who names no tenant means
/// `default_tenant`.
///
/// Answers hold a session's token only where it came, or will come, as a bearer's: one that lives in a cookie stays there.
pub fn accounts_routes(keeper: &Doorkeeper, default_tenant: TenantId) -> OpenApiRouter {
    let tags = ["Account", "People"].map(|name| TagBuilder::new().name(name).build());
    let mut described = OpenApiBuilder::new().tags(Some(tags)).build();
    let doors = Doors { accounts: keeper.accounts().clone(), cookie: keeper.cookie(), default_tenant };
    let router = mount(table(), "", &mut described).with_state(doors);
    let components = described.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components.add_security_scheme("session", bearer);
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(keeper.cookie().name())));
    components.add_security_scheme("sessionCookie", cookie);
    let layers = ServiceBuilder::new().layer(MapResponseLayer::new(uncached)).layer(keeper.clone());
    OpenApiRouter::with_openapi(described).merge(OpenApiRouter::from(router.layer(layers)))
}

/// What every route works with.
#[derive(Clone)]
struct Doors {
    accounts: Accounts,
    cookie: SessionCookie,
    default_tenant: TenantId,
}

impl FromRef<Doors> for Accounts {
    fn from_ref(doors: &Doors) -> Self {
        doors.accounts.clone()
    }
}

/// Every route.
fn table() -> Vec<Route<Doors>> {
    vec![
        routes!(login::log_in),
        routes!(login::log_out),
        routes!(login::log_out_everywhere),
        routes!(login::me),
        routes!(sessions::list),
        routes!(sessions::end),
        routes!(password::change),
        routes!(links::forgot),
        routes!(links::set_password),
        routes!(first::first),
        routes!(keys::list, keys::make),
        routes!(keys::revoke),
        routes!(keys::rotate),
        routes!(people::list, people::add),
        routes!(people::show, people::change, people::remove),
        routes!(people::link),
        routes!(people::log_out),
        routes!(tenant_keys::list),
        routes!(tenant_keys::revoke),
    ]
}
