//! The keys of a tenant's people, for its administrators.

use axum::extract::State;
use http::StatusCode;
use mt_paas_core::auth::{Access, Accounts};

use super::key_bodies::{KeyPage, KeyPageParams, KeyParam, Keys};
use super::person::TenantParam;
use super::refusals::{MissingRefusals, QueryRefusals, Refusals, SessionRefusals};
use crate::auth::Session;
use crate::error::Problem;
use crate::extract::{ConsoleTenant, ContractJson, ContractQuery, PathUuid};

/// The keys of a tenant's people.
#[utoipa::path(get, path = "/admin/tenants/{tenant_id}/keys", operation_id = "tenant_keys", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, KeyPageParams),
    responses((status = 200, description = "The keys", body = Keys), Refusals, SessionRefusals, MissingRefusals, QueryRefusals))]
pub(super) async fn list(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    ContractQuery(KeyPage { limit, after }): ContractQuery<KeyPage>,
) -> Result<ContractJson<Keys>, Problem> {
    let keys = accounts.keys(&session.principal, &tenant, None, after, limit).await?;
    Ok(ContractJson(Keys::of(keys, limit)))
}

/// Revokes a key of somebody at once.
#[utoipa::path(delete, path = "/admin/tenants/{tenant_id}/keys/{id}", operation_id = "revoke_tenant_key", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, KeyParam),
    responses((status = 204, description = "The key opens nothing any more"), Refusals, SessionRefusals, MissingRefusals))]
pub(super) async fn revoke(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    PathUuid(id): PathUuid,
) -> Result<StatusCode, Problem> {
    session.principal.demand(Access::Admin, &tenant)?;
    accounts.revoke_key(&session.principal, &tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
