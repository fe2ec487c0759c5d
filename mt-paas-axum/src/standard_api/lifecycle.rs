//! Activation, deactivation and status.

use axum::extract::State;
use mt_paas_core::ApiError;
use mt_paas_core::standard_api::{
    ActivateRequest, ActivateResponse, DeactivateRequest, DeactivateResponse, TenantStatusResponse,
};

use super::Api;
use crate::error::Problem;
use crate::extract::{ContractJson, PathTenant};
use crate::openapi::TenantParam;

/// Makes a tenant ready for use.
#[utoipa::path(post, path = "/tenant/{tenant_id}/activate", operation_id = "activate_tenant", tag = "Lifecycle", params(TenantParam),
    request_body = ActivateRequest, responses(
        (status = 200, description = "The tenant is active", body = ActivateResponse),
))]
pub(super) async fn activate(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractJson(request): ContractJson<ActivateRequest>,
) -> Result<ContractJson<ActivateResponse>, Problem> {
    if request.tenant_id != tenant {
        return Err(ApiError::malformed("tenant_id in path and body must match").into());
    }
    Ok(ContractJson(api.handler.activate_tenant(request).await?))
}

/// Closes a tenant.
#[utoipa::path(post, path = "/tenant/{tenant_id}/deactivate", operation_id = "deactivate_tenant", tag = "Lifecycle", params(TenantParam),
    request_body = DeactivateRequest, responses(
        (status = 200, description = "The tenant is closed", body = DeactivateResponse),
))]
pub(super) async fn deactivate(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractJson(request): ContractJson<DeactivateRequest>,
) -> Result<ContractJson<DeactivateResponse>, Problem> {
    Ok(ContractJson(api.handler.deactivate_tenant(&tenant, request).await?))
}

/// The state of a tenant.
#[utoipa::path(get, path = "/tenant/{tenant_id}/status", operation_id = "tenant_status", tag = "Lifecycle", params(TenantParam), responses(
    (status = 200, description = "State, plan and features", body = TenantStatusResponse),
))]
pub(crate) async fn status(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
) -> Result<ContractJson<TenantStatusResponse>, Problem> {
    Ok(ContractJson(api.handler.tenant_status(&tenant).await?))
}
