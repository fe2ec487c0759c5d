//! What is lent.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mt_paas_core::ApiError;
use mt_paas_core::key_pool::{KeyPool, LeaseView};
use serde::Serialize;
use utoipa::ToSchema;

use super::refusals::Refusals;
use crate::error::Problem;
use crate::extract::ContractJson;

/// A key, or a job's place, on loan.
#[derive(Serialize, ToSchema)]
pub(super) struct PoolLease {
    /// The number of the lease, which rises with every grant.
    generation: u64,
    /// The number of its key; `null` for a job that needs none.
    key_id: Option<u64>,
    provider: Option<String>,
    tenant_id: String,
    user_id: String,
    model: Option<String>,
    /// The process that holds it.
    process: u64,
    granted_at: DateTime<Utc>,
    /// When it ends unless it is renewed.
    expires_at: DateTime<Utc>,
}

/// All that is lent.
#[derive(Serialize, ToSchema)]
pub(super) struct LeaseList {
    /// The oldest first.
    leases: Vec<PoolLease>,
}

/// The leases that run.
#[utoipa::path(get, path = "/leases", operation_id = "pool_leases", tag = "Key pool", security(("adminKey" = [])),
    responses((status = 200, description = "The leases", body = LeaseList), Refusals))]
pub(super) async fn list(State(pool): State<KeyPool>) -> Result<ContractJson<LeaseList>, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    Ok(ContractJson(LeaseList { leases: view.leases.iter().map(PoolLease::from).collect() }))
}

impl From<&LeaseView> for PoolLease {
    fn from(view: &LeaseView) -> Self {
        let claim = &view.claim;
        Self {
            generation: view.generation.0,
            key_id: view.key.map(|key| key.0),
            provider: claim.provider.as_ref().map(ToString::to_string),
            tenant_id: claim.tenant.to_string(),
            user_id: claim.user.to_string(),
            model: claim.model.clone(),
            process: view.member.0,
            granted_at: view.granted_at.date(),
            expires_at: view.expires_at.date(),
        }
    }
}
