//! The Standard API as an axum router.

mod builder;
mod dashboard;
mod health;
mod lifecycle;
mod resources;
mod settings;
mod users;

use std::sync::Arc;

use axum::routing::MethodRouter;
use mt_paas_core::StandardAPIHandler;
use utoipa::openapi::path::Paths;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::routes;

pub use builder::{InvalidApi, StandardApi, StandardApiBuilder};
pub(crate) use builder::{method_not_allowed, mount, uncached};
pub(crate) use lifecycle::status as tenant_status;
pub(crate) use users::list as list_users;

/// What every route works with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) handler: Arc<dyn StandardAPIHandler>,
    /// What the doors add to the handler's own capabilities.
    pub(crate) added: Arc<[mt_paas_core::standard_api::Capability]>,
}

/// A path of the contract with its methods and its documentation.
pub(crate) type Route<S = Api> = (Vec<(String, RefOr<Schema>)>, Paths, MethodRouter<S>);

/// Every route of the contract, without prefix: the one table, for the router and the documentation.
fn table() -> Vec<Route> {
    vec![
        routes!(health::health),
        routes!(health::catalog),
        routes!(lifecycle::activate),
        routes!(lifecycle::deactivate),
        routes!(lifecycle::status),
        routes!(dashboard::usage),
        routes!(dashboard::stats),
        routes!(dashboard::usage_patterns),
        routes!(dashboard::costs),
        routes!(dashboard::costs_short),
        routes!(dashboard::top_users),
        routes!(users::list, users::create),
        routes!(users::show, users::update, users::delete),
        routes!(resources::list),
        routes!(settings::show, settings::update),
        routes!(settings::limits),
    ]
}
