//! What the earlier Service Market calls.

mod application;

use axum::extract::{RawQuery, State};
use chrono::{DateTime, Utc};
use mt_paas_core::fields::{Fields, FromFields};
use mt_paas_core::period::Period;
use mt_paas_core::standard_api::{
    ActivateRequest, ResourceFilters, ResourceType, ResourcesResponse, StatsResponse, TenantStatusResponse,
    UserFilters, UsersListResponse,
};
use mt_paas_core::{ApiError, ErrorKind, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use self::application::Application;
use crate::error::Problem;
use crate::extract::{ContractJson, ContractQuery, PathTenant, parameters};
use crate::openapi::{PageParams, TenantParam, UserParams};
use crate::standard_api::Api;

/// The answer of the webhook, in the words of both earlier markets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Provisioned {
    /// Always `true`.
    success: bool,
    /// Always `approved`.
    status: &'static str,
    /// The tenant.
    tenant_id: TenantId,
    /// Where its people find the service.
    tenant_url: String,
    /// The same.
    access_url: String,
    /// A sentence for people.
    message: String,
    /// The last second of the subscription's last day, which ends where the tenant lives.
    expires_at: Option<DateTime<Utc>>,
}

/// One of the three bodies that markets send.
pub(crate) enum Provision {
    Activate(Box<ActivateRequest>),
    Application(Box<Application>),
}

impl FromFields for Provision {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        // Some clients send `null` for what they do not have.
        let has = |name| fields.value(name).is_some_and(|value| !value.is_null());
        if has("application") || has("application_id") {
            Application::from_fields(fields).map(|application| Self::Application(Box::new(application)))
        } else {
            ActivateRequest::from_fields(fields).map(|request| Self::Activate(Box::new(request)))
        }
    }
}

/// Makes a tenant from an activation or an application.
#[utoipa::path(post, path = "/webhook/auto-provision", operation_id = "alias_auto_provision", tag = "Earlier paths",
    request_body = Object, responses(
        (status = 200, description = "The tenant is active", body = Provisioned),
))]
pub(super) async fn auto_provision(
    State(api): State<Api>,
    ContractJson(provision): ContractJson<Provision>,
) -> Result<ContractJson<Provisioned>, Problem> {
    Ok(ContractJson(provisioned(&api, provision).await?))
}

/// Makes a tenant from an activation or an application.
#[utoipa::path(post, path = "/webhook/application-approved", operation_id = "alias_application_approved", tag = "Earlier paths",
    request_body = Object, responses(
        (status = 200, description = "The tenant is active", body = Provisioned),
))]
pub(super) async fn application_approved(
    api: State<Api>,
    provision: ContractJson<Provision>,
) -> Result<ContractJson<Provisioned>, Problem> {
    auto_provision(api, provision).await
}

/// The figures of thirty days.
#[utoipa::path(get, path = "/stats/{tenant_id}", operation_id = "alias_stats", tag = "Earlier paths", params(TenantParam), responses(
    (status = 200, description = "The same as …/stats", body = StatsResponse),
))]
pub(super) async fn stats(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
) -> Result<ContractJson<StatsResponse>, Problem> {
    Ok(ContractJson(api.handler.tenant_stats(&tenant, Period::default()).await?))
}

/// The figures of thirty days.
#[utoipa::path(get, path = "/{tenant_id}/stats", operation_id = "alias_stats_of_tenant", tag = "Earlier paths", params(TenantParam), responses(
    (status = 200, description = "The same as …/stats", body = StatsResponse),
))]
pub(super) async fn stats_of(api: State<Api>, tenant: PathTenant) -> Result<ContractJson<StatsResponse>, Problem> {
    stats(api, tenant).await
}

/// The users of a tenant.
#[utoipa::path(get, path = "/users/{tenant_id}", operation_id = "alias_users", tag = "Earlier paths", params(TenantParam, UserParams, PageParams),
    responses((status = 200, description = "The same as …/users", body = UsersListResponse)))]
pub(super) async fn users(
    api: State<Api>,
    tenant: PathTenant,
    filters: ContractQuery<UserFilters>,
) -> Result<ContractJson<UsersListResponse>, Problem> {
    crate::standard_api::list_users(api, tenant, filters).await
}

/// The users of a tenant.
#[utoipa::path(get, path = "/{tenant_id}/users", operation_id = "alias_users_of_tenant", tag = "Earlier paths", params(TenantParam, UserParams, PageParams),
    responses((status = 200, description = "The same as …/users", body = UsersListResponse)))]
pub(super) async fn users_of(
    api: State<Api>,
    tenant: PathTenant,
    filters: ContractQuery<UserFilters>,
) -> Result<ContractJson<UsersListResponse>, Problem> {
    users(api, tenant, filters).await
}

/// The courses of a tenant.
#[utoipa::path(get, path = "/courses/{tenant_id}", operation_id = "alias_courses", tag = "Earlier paths", params(TenantParam, PageParams),
    responses((status = 200, description = "The same as …/resources?type=course", body = ResourcesResponse)))]
pub(super) async fn courses(
    api: State<Api>,
    tenant: PathTenant,
    query: RawQuery,
) -> Result<ContractJson<ResourcesResponse>, Problem> {
    resources(api, tenant, query, ResourceType::Course).await
}

/// The discussions of a tenant.
#[utoipa::path(get, path = "/discussions/{tenant_id}", operation_id = "alias_discussions", tag = "Earlier paths", params(TenantParam, PageParams),
    responses((status = 200, description = "The same as …/resources?type=discussion", body = ResourcesResponse)))]
pub(super) async fn discussions(
    api: State<Api>,
    tenant: PathTenant,
    query: RawQuery,
) -> Result<ContractJson<ResourcesResponse>, Problem> {
    resources(api, tenant, query, ResourceType::Discussion).await
}

/// The state of a tenant.
#[utoipa::path(get, path = "/status/{tenant_id}", operation_id = "alias_status", tag = "Earlier paths", params(TenantParam), responses(
    (status = 200, description = "The same as …/status", body = TenantStatusResponse),
))]
pub(super) async fn status(api: State<Api>, tenant: PathTenant) -> Result<ContractJson<TenantStatusResponse>, Problem> {
    crate::standard_api::tenant_status(api, tenant).await
}

/// The path of the contract that replaces an old path.
pub(super) fn successor(path: &str, standard: &str) -> String {
    let rest: Vec<&str> = path.trim_start_matches(super::ALIAS_PREFIX).trim_start_matches('/').split('/').collect();
    match rest.as_slice() {
        ["courses", tenant] => format!("{standard}/tenant/{tenant}/resources?type=course"),
        ["discussions", tenant] => format!("{standard}/tenant/{tenant}/resources?type=discussion"),
        [what @ ("stats" | "users" | "status"), tenant] | [tenant, what @ ("stats" | "users")] => {
            format!("{standard}/tenant/{tenant}/{what}")
        }
        // The tenant stands in the body, so that there is no address to name but the one above all tenants'.
        _ => format!("{standard}/tenant"),
    }
}

async fn resources(
    State(api): State<Api>,
    PathTenant(tenant): PathTenant,
    RawQuery(query): RawQuery,
    kind: ResourceType,
) -> Result<ContractJson<ResourcesResponse>, Problem> {
    let mut parameters = parameters(query.as_deref().unwrap_or_default())?;
    parameters.insert("type".to_owned(), kind.as_str().into());
    let filters = ResourceFilters::from_query(&parameters)?;
    Ok(ContractJson(api.handler.list_resources(&tenant, filters).await?))
}

/// An application for a tenant that is there already gets that tenant; an activation is as strict as the contract's.
async fn provisioned(api: &Api, provision: Provision) -> Result<Provisioned, ApiError> {
    let (request, reuse) = match provision {
        Provision::Activate(request) => (*request, false),
        Provision::Application(application) => (application.request(&api.handler.catalog()).await?, true),
    };
    let tenant_id = request.tenant_id.clone();
    let message = match api.handler.activate_tenant(request).await {
        Ok(answer) => answer.message,
        Err(error) if reuse && error.kind() == ErrorKind::TenantExists => {
            "the applicant's tenant is active already".into()
        }
        Err(error) => return Err(error),
    };
    let settings = api.handler.settings(&tenant_id).await?;
    let access_url = api.handler.access_url(&tenant_id);
    Ok(Provisioned {
        success: true,
        status: "approved",
        tenant_url: access_url.clone(),
        access_url,
        message,
        expires_at: settings.subscription.end_date.map(|day| settings.config.timezone.last_second_of(day)),
        tenant_id,
    })
}
