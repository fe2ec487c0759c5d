//! This program again, as a service with a fault that must be found.

use std::error::Error;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use mt_paas_axum::request_id::RequestIdLayer;
use mt_paas_axum::service::{Context, Make};
use mt_paas_core::audit::{Actor, AuditEvent, action};
use mt_paas_core::store::Store;

use super::canary::canaries;
use super::variable;

/// Names the fault.
pub(super) const PLANT: &str = "MT_PAAS_TEST_PLANT";

/// The service that this program is to be, if it is to be one.
pub(crate) fn planted() -> Option<Make> {
    match variable(PLANT)?.as_str() {
        "targets" => Some(logs_targets),
        "kept" => Some(keeps),
        "panic" => Some(panics),
        "fail" => Some(|_| Err(message().into())),
        _ => None,
    }
}

/// Logs what X13 names as its control.
fn logs_targets(context: &Context) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let log = |request: Request, next: Next| async {
        tracing::warn!(target = %request.uri(), "a request came");
        next.run(request).await
    };
    Ok(advisor::app(context)?.layer(from_fn(log)))
}

/// Writes targets of requests into the audit trail as they are.
fn keeps(context: &Context) -> Result<Router, Box<dyn Error + Send + Sync>> {
    async fn keep(State(store): State<std::sync::Arc<dyn Store>>, request: Request, next: Next) -> Response {
        let event = AuditEvent::new(Actor::ANONYMOUS, action::MARKET_REFUSED, chrono::Utc::now());
        let event = event.detail("target", request.uri().to_string());
        store.record_audit(&[event]).await.expect("the store takes it");
        next.run(request).await
    }
    Ok(advisor::app(context)?.layer(from_fn_with_state(context.store.clone(), keep)))
}

fn panics(context: &Context) -> Result<Router, Box<dyn Error + Send + Sync>> {
    async fn panic() {
        panic!("{}", message());
    }
    Ok(advisor::app(context)?.merge(Router::new().route("/panic", get(panic)).layer(RequestIdLayer)))
}

/// A secret of the settings, and one that is known by its shape.
fn message() -> String {
    format!("no {}\r\nforged {} end", canaries(1, 1)[0].secret, canaries(8, 1000)[0].text)
}
