//! Settings and limits.

use axum::extract::State;
use mt_paas_core::standard_api::{LimitsResponse, SettingsResponse, UpdateSettingsRequest};

use super::Api;
use crate::error::Problem;
use crate::extract::{ContractJson, PathTenant};
use crate::openapi::TenantParam;

/// The configuration and subscription of a tenant.
#[utoipa::path(get, path = "/tenant/{tenant_id}/settings", operation_id = "settings", tag = "Settings", params(TenantParam), responses(
    (status = 200, description = "The settings", body = SettingsResponse),
))]
pub(super) async fn show(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
) -> Result<ContractJson<SettingsResponse>, Problem> {
    Ok(ContractJson(api.handler.settings(&tenant).await?))
}

/// Changes settings, member by member.
#[utoipa::path(put, path = "/tenant/{tenant_id}/settings", operation_id = "update_settings", tag = "Settings", params(TenantParam),
    request_body = UpdateSettingsRequest, responses(
        (status = 200, description = "The changed settings", body = SettingsResponse),
))]
pub(super) async fn update(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractJson(request): ContractJson<UpdateSettingsRequest>,
) -> Result<ContractJson<SettingsResponse>, Problem> {
    Ok(ContractJson(api.handler.update_settings(&tenant, request).await?))
}

/// Limits beside what is used of them.
#[utoipa::path(get, path = "/tenant/{tenant_id}/limits", operation_id = "limits", tag = "Settings", params(TenantParam), responses(
    (status = 200, description = "Limits and use", body = LimitsResponse),
))]
pub(super) async fn limits(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
) -> Result<ContractJson<LimitsResponse>, Problem> {
    Ok(ContractJson(api.handler.limits(&tenant).await?))
}
