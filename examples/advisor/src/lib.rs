//! The smallest service that conforms to the Standard API: the ready-made handler, with resources of its own.

mod demo;
mod handler;
mod pages;

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use chrono::{DateTime, Utc};
use mt_paas_axum::audit::AuditLayer;
use mt_paas_axum::auth::accounts_routes;
use mt_paas_axum::compat::applications;
use mt_paas_axum::deprecation::{AliasSchedule, deprecated};
use mt_paas_axum::http::HeaderName;
use mt_paas_axum::service::{About, Context};
use mt_paas_core::audit::action;

use web_kit::{Site, Text, account_pages};

use crate::demo::Demo;
use crate::handler::Advisor;

/// Who this service is.
pub const ABOUT: About = About { name: "advisor", version: env!("CARGO_PKG_VERSION"), port: 8000 };

/// When the paths from before the Standard API began to go, unless `MARKET_ALIASES_SINCE` says otherwise.
const OLD_PATHS_SINCE: DateTime<Utc> = DateTime::from_timestamp(1_793_491_200, 0).expect("2026-11-01");

/// The whole service as a router.
///
/// # Errors
///
/// A sentence that names the setting that cannot be used.
pub fn app(context: &Context) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let accounts = web_kit::service_accounts(context, |accounts| accounts)?;
    let keeper = context.doorkeeper(&accounts)?;
    let ready_made = || context.store_handler().plans(handler::plans()).accounts(accounts.clone());
    let store = ready_made().hooks(Demo::new(ready_made().build()?)).build()?;
    let advisor = Arc::new(Advisor::new(store));

    // What markets called before the Standard API; see the migration guide.
    let schedule = match context.settings.aliases {
        AliasSchedule { since: None, .. } => AliasSchedule { since: Some(OLD_PATHS_SINCE), ..AliasSchedule::default() },
        told => told,
    };
    let end = schedule.deprecation("/mt/tenant");
    let old = Router::new()
        .route("/api/marketplace/demo/request", applications(advisor.clone()))
        .route("/api/marketplace/demo/provision", applications(advisor.clone()))
        .layer(AuditLayer::for_markets(context.store.clone()).always(action::TENANT_ACTIVATE))
        .layer(context.market_key(HeaderName::from_static("x-marketplace-key")))
        .layer(deprecated(end.reason, end.since, end.sunset, end.successor));
    let desk = Router::new()
        .route("/", get(pages::start))
        .route("/t/{tenant}", get(pages::tenant))
        .route("/style.css", get(pages::style))
        .with_state(Arc::new((context.clone(), advisor.clone())));
    let people = account_pages(&keeper, &Site::new(Text::new("Advisor", "상담 서비스")).home("/"));
    let json = accounts_routes(&keeper, context.settings.accounts.default_tenant.clone());
    let own = context.audit_routes().merge(json).merge(old.merge(desk).merge(people).into());
    Ok(context.standard_api(advisor).routes(own).build()?)
}
