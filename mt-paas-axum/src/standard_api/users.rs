//! Users of a tenant.

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use mt_paas_core::standard_api::{
    CreateUserRequest, CreatedUserResponse, TenantStatus, UpdateUserRequest, UserFilters, UserResponse,
    UsersListResponse,
};
use mt_paas_core::{ApiError, TenantId, UserId};

use super::Api;
use crate::error::Problem;
use crate::extract::{ContractJson, ContractQuery, PathTenant, PathUser};
use crate::idempotency::Run;
use crate::openapi::{PageParams, TenantParam, UserParam, UserParams};

/// The users of a tenant.
#[utoipa::path(get, path = "/tenant/{tenant_id}/users", operation_id = "list_users", tag = "Users",
    params(TenantParam, UserParams, PageParams), responses(
        (status = 200, description = "One page of users", body = UsersListResponse),
))]
pub(crate) async fn list(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractQuery(filters): ContractQuery<UserFilters>,
) -> Result<ContractJson<UsersListResponse>, Problem> {
    Ok(ContractJson(api.handler.list_users(&tenant, filters).await?))
}

/// Adds a user.
#[utoipa::path(post, path = "/tenant/{tenant_id}/users", operation_id = "create_user", tag = "Users", params(TenantParam),
    request_body = CreateUserRequest, responses(
        (status = 201, description = "The new user", body = CreatedUserResponse),
))]
pub(super) async fn create(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    run: Option<Extension<Run>>,
    ContractJson(mut request): ContractJson<CreateUserRequest>,
) -> Result<(StatusCode, ContractJson<CreatedUserResponse>), Problem> {
    request.run = run.map(|Extension(Run(scope))| scope);
    Ok((StatusCode::CREATED, ContractJson(api.handler.create_user(&tenant, request).await?)))
}

/// One user.
#[utoipa::path(get, path = "/tenant/{tenant_id}/users/{user_id}", operation_id = "user", tag = "Users", params(TenantParam, UserParam),
    responses((status = 200, description = "The user", body = UserResponse)))]
pub(super) async fn show(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    PathUser(user): PathUser,
) -> Result<ContractJson<UserResponse>, Problem> {
    let user = possible(&api, &tenant, user).await?;
    Ok(ContractJson(api.handler.user(&tenant, &user).await?))
}

/// Changes a user; members that are not sent keep their values.
#[utoipa::path(put, path = "/tenant/{tenant_id}/users/{user_id}", operation_id = "update_user", tag = "Users", params(TenantParam, UserParam),
    request_body = UpdateUserRequest, responses(
        (status = 200, description = "The changed user", body = UserResponse),
))]
pub(super) async fn update(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    PathUser(user): PathUser,
    ContractJson(request): ContractJson<UpdateUserRequest>,
) -> Result<ContractJson<UserResponse>, Problem> {
    let user = possible(&api, &tenant, user).await?;
    Ok(ContractJson(api.handler.update_user(&tenant, &user, request).await?))
}

/// Removes a user.
#[utoipa::path(delete, path = "/tenant/{tenant_id}/users/{user_id}", operation_id = "delete_user", tag = "Users", params(TenantParam, UserParam),
    responses((status = 204, description = "The user is gone")))]
pub(super) async fn delete(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    PathUser(user): PathUser,
) -> Result<StatusCode, Problem> {
    let user = possible(&api, &tenant, user).await?;
    api.handler.delete_user(&tenant, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be an id belongs to no user; the tenant is looked at first, as it is for every other id.
async fn possible(api: &Api, tenant: &TenantId, user: Option<UserId>) -> Result<UserId, ApiError> {
    if let Some(user) = user {
        return Ok(user);
    }
    match api.handler.tenant_status(tenant).await?.status {
        TenantStatus::Active => Err(ApiError::user_not_found(&UserId::random())),
        _ => Err(ApiError::tenant_inactive(tenant)),
    }
}
