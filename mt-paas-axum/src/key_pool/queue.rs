//! Who waits.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mt_paas_core::ApiError;
use mt_paas_core::key_pool::{KeyPool, WaiterView};
use serde::Serialize;
use utoipa::ToSchema;

use super::refusals::Refusals;
use crate::error::Problem;
use crate::extract::ContractJson;

/// Somebody who waits.
#[derive(Serialize, ToSchema)]
pub(super) struct PoolWaiter {
    /// The place: who came earlier has a lower one.
    ticket: u64,
    /// The lease that wants to make more requests; `null` for one that wants a lease.
    lease: Option<u64>,
    provider: Option<String>,
    tenant_id: String,
    user_id: String,
    model: Option<String>,
    /// How many requests it wants to make.
    units: u32,
    since: DateTime<Utc>,
    /// One more than the number of those who came earlier for the same provider.
    position: usize,
    /// `concurrency`, `rpm`, `rpd`, `health`, `user limit`, `total limit` or `no key for tenant`.
    reason: &'static str,
    /// How long it will still wait, as far as can be told from how long leases were held lately.
    estimate_seconds: Option<f64>,
}

/// Everybody who waits.
#[derive(Serialize, ToSchema)]
pub(super) struct WaiterList {
    /// In the order of arrival.
    queue: Vec<PoolWaiter>,
}

/// The queue, with positions, reasons and estimates.
#[utoipa::path(get, path = "/queue", operation_id = "pool_queue", tag = "Key pool", security(("adminKey" = [])),
    responses((status = 200, description = "The queue", body = WaiterList), Refusals))]
pub(super) async fn list(State(pool): State<KeyPool>) -> Result<ContractJson<WaiterList>, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    Ok(ContractJson(WaiterList { queue: view.queue.iter().map(PoolWaiter::from).collect() }))
}

impl From<&WaiterView> for PoolWaiter {
    fn from(view: &WaiterView) -> Self {
        let (claim, standing) = (&view.claim, view.standing);
        Self {
            ticket: view.ticket.0,
            lease: view.charges.map(|lease| lease.0),
            provider: claim.provider.as_ref().map(ToString::to_string),
            tenant_id: claim.tenant.to_string(),
            user_id: claim.user.to_string(),
            model: claim.model.clone(),
            units: claim.units,
            since: view.since.date(),
            position: standing.position,
            reason: standing.reason.as_str(),
            estimate_seconds: standing.estimate.map(|estimate| estimate.as_secs_f64()),
        }
    }
}
