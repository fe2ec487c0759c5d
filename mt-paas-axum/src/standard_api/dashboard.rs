//! Stats, costs, top users, patterns and monthly usage.

use axum::extract::{RawQuery, State};
use mt_paas_core::ApiError;
use mt_paas_core::period::Month;
use mt_paas_core::standard_api::{
    CostsResponse, PeriodQuery, StatsResponse, TopUsersQuery, TopUsersResponse, UsagePatternsResponse, UsageResponse,
};

use super::Api;
use crate::error::Problem;
use crate::extract::{ContractJson, ContractQuery, PathTenant, parameters};
use crate::openapi::{MonthParam, PeriodParam, TenantParam, TopUsersParams};

/// What a tenant used in a month.
#[utoipa::path(get, path = "/tenant/{tenant_id}/usage", operation_id = "tenant_usage", tag = "Dashboard", params(TenantParam, MonthParam), responses(
    (status = 200, description = "The month's figures", body = UsageResponse),
))]
pub(super) async fn usage(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    RawQuery(query): RawQuery,
) -> Result<ContractJson<UsageResponse>, Problem> {
    let month = month(query.as_deref().unwrap_or_default())?;
    Ok(ContractJson(api.handler.tenant_usage(&tenant, month).await?))
}

/// The figures of the dashboard.
#[utoipa::path(get, path = "/tenant/{tenant_id}/stats", operation_id = "tenant_stats", tag = "Dashboard", params(TenantParam, PeriodParam), responses(
    (status = 200, description = "Sums and daily rows", body = StatsResponse),
))]
pub(super) async fn stats(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractQuery(PeriodQuery { period }): ContractQuery<PeriodQuery>,
) -> Result<ContractJson<StatsResponse>, Problem> {
    Ok(ContractJson(api.handler.tenant_stats(&tenant, period).await?))
}

/// Usage by hour of day and day of week.
#[utoipa::path(get, path = "/tenant/{tenant_id}/stats/usage-patterns", operation_id = "usage_patterns", tag = "Dashboard",
    params(TenantParam, PeriodParam), responses(
        (status = 200, description = "24 hours and 7 weekdays", body = UsagePatternsResponse),
))]
pub(super) async fn usage_patterns(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractQuery(PeriodQuery { period }): ContractQuery<PeriodQuery>,
) -> Result<ContractJson<UsagePatternsResponse>, Problem> {
    Ok(ContractJson(api.handler.usage_patterns(&tenant, period).await?))
}

/// What the usage costs.
#[utoipa::path(get, path = "/tenant/{tenant_id}/stats/costs", operation_id = "tenant_costs", tag = "Dashboard", params(TenantParam, PeriodParam),
    responses((status = 200, description = "Costs by model, user and day", body = CostsResponse)))]
pub(super) async fn costs(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractQuery(PeriodQuery { period }): ContractQuery<PeriodQuery>,
) -> Result<ContractJson<CostsResponse>, Problem> {
    Ok(ContractJson(api.handler.tenant_costs(&tenant, period).await?))
}

/// What the usage costs, by its shorter name.
#[utoipa::path(get, path = "/tenant/{tenant_id}/costs", operation_id = "tenant_costs_short", tag = "Dashboard", params(TenantParam, PeriodParam),
    responses((status = 200, description = "The same as …/stats/costs", body = CostsResponse)))]
pub(super) async fn costs_short(
    api: State<Api>,
    tenant: PathTenant,
    query: ContractQuery<PeriodQuery>,
) -> Result<ContractJson<CostsResponse>, Problem> {
    costs(api, tenant, query).await
}

/// The users with most tokens.
#[utoipa::path(get, path = "/tenant/{tenant_id}/stats/top-users", operation_id = "top_users", tag = "Dashboard",
    params(TenantParam, TopUsersParams), responses(
        (status = 200, description = "Most tokens first", body = TopUsersResponse),
))]
pub(super) async fn top_users(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    ContractQuery(query): ContractQuery<TopUsersQuery>,
) -> Result<ContractJson<TopUsersResponse>, Problem> {
    Ok(ContractJson(api.handler.top_users(&tenant, query).await?))
}

/// A missing month breaks the schema; one that cannot be read is a malformed request (the contract tells them apart).
fn month(query: &str) -> Result<Month, ApiError> {
    let parameters = parameters(query)?;
    let text = parameters.get("period").and_then(|period| period.as_str());
    let text = text.ok_or_else(|| ApiError::invalid_field(&["query", "period"], "is required, as YYYY-MM"))?;
    text.parse().map_err(|error| ApiError::malformed(format!("period {error}")))
}
