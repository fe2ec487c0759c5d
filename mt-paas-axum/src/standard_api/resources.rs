//! A service's own things.

use axum::extract::State;
use mt_paas_core::standard_api::{ResourceFilters, ResourcesResponse};

use super::Api;
use crate::error::Problem;
use crate::extract::{ContractJson, ContractQuery, PathTenant};
use crate::openapi::{PageParams, ResourceParams, TenantParam};

/// Courses, discussions, documents and sessions of a tenant.
#[utoipa::path(get, path = "/tenant/{tenant_id}/resources", operation_id = "list_resources", tag = "Resources",
    params(TenantParam, ResourceParams, PageParams), responses(
        (status = 200, description = "One page of resources", body = ResourcesResponse),
))]
pub(super) async fn list(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractQuery(filters): ContractQuery<ResourceFilters>,
) -> Result<ContractJson<ResourcesResponse>, Problem> {
    Ok(ContractJson(api.handler.list_resources(&tenant, filters).await?))
}
