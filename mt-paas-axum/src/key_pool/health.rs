//! How a pool is, in a few figures.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, Utc};
use mt_paas_core::ApiError;
use mt_paas_core::key_pool::{Health, Key, KeyPool, Moment, PoolView};
use serde::Serialize;
use utoipa::ToSchema;

use super::refusals::Refusals;
use crate::error::Problem;
use crate::extract::ContractJson;

/// How a pool is.
#[derive(Serialize, ToSchema)]
pub(super) struct PoolHealth {
    /// `degraded` if a provider has no key that may be lent; otherwise `healthy`.
    status: &'static str,
    /// By the clock of the pool's store.
    now: DateTime<Utc>,
    /// Leases that run, also those of jobs that need no key.
    leases: usize,
    /// Who waits, also for no key.
    waiting: usize,
    /// How long the first of them has waited.
    longest_wait_seconds: Option<f64>,
    /// By the provider's name.
    providers: BTreeMap<String, ProviderHealth>,
}

/// How the keys of a provider are. Each key counts once.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct ProviderHealth {
    /// May be lent.
    usable: usize,
    /// Rest until a time, because the provider said so.
    cooling: usize,
    /// Are not lent until somebody releases them.
    quarantined: usize,
    /// Are turned off.
    off: usize,
    /// Have come to their end.
    expired: usize,
    /// Leases that run.
    leases: usize,
    /// Who waits.
    waiting: usize,
}

/// The health of the pool.
#[utoipa::path(get, path = "", operation_id = "pool_health", tag = "Key pool", security(("adminKey" = [])),
    responses((status = 200, description = "The health of the pool", body = PoolHealth), Refusals))]
pub(super) async fn show(State(pool): State<KeyPool>) -> Result<ContractJson<PoolHealth>, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    Ok(ContractJson(PoolHealth::from(&view)))
}

impl From<&PoolView> for PoolHealth {
    fn from(view: &PoolView) -> Self {
        let mut providers: BTreeMap<String, ProviderHealth> = BTreeMap::new();
        for used in &view.keys {
            let counts = providers.entry(used.key.spec.provider.to_string()).or_default();
            *counts.place(&used.key, view.now) += 1;
        }
        let degraded = providers.values().any(|counts| counts.usable == 0);
        for provider in view.leases.iter().filter_map(|lease| lease.claim.provider.as_ref()) {
            providers.entry(provider.to_string()).or_default().leases += 1;
        }
        for provider in view.queue.iter().filter_map(|waiter| waiter.claim.provider.as_ref()) {
            providers.entry(provider.to_string()).or_default().waiting += 1;
        }
        Self {
            status: if degraded { "degraded" } else { "healthy" },
            now: view.now.date(),
            leases: view.leases.len(),
            waiting: view.queue.len(),
            longest_wait_seconds: view.queue.first().map(|waiter| view.now.since(waiter.since).as_secs_f64()),
            providers,
        }
    }
}

impl ProviderHealth {
    /// Where a key counts.
    fn place(&mut self, key: &Key, now: Moment) -> &mut usize {
        let spec = &key.spec;
        match key.health {
            _ if !spec.active => &mut self.off,
            _ if spec.expires_at.is_some_and(|end| end <= now) => &mut self.expired,
            Health::Quarantined { .. } => &mut self.quarantined,
            Health::Cooling { until, .. } if until > now => &mut self.cooling,
            _ => &mut self.usable,
        }
    }
}
