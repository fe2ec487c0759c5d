//! The people of a tenant, for its administrators.

use axum::extract::State;
use http::StatusCode;
use mt_paas_core::UserId;
use mt_paas_core::auth::Accounts;
use mt_paas_core::standard_api::UserFilters;

use super::person::{
    AddPerson, Added, Change, ChangePerson, GiveLink, GivenLink, HandOver, Newcomer, PeoplePage, ShownPerson,
    TenantParam,
};
use super::refusals::{
    BodyRefusals, ConflictRefusals, MissingRefusals, QueryRefusals, QuotaRefusals, Refusals, SessionRefusals,
};
use crate::auth::Session;
use crate::error::Problem;
use crate::extract::{ConsoleTenant, ContractJson, ContractQuery, PathUser};
use crate::openapi::{PageParams, UserParam, UserParams};

/// The people of a tenant.
#[utoipa::path(get, path = "/admin/tenants/{tenant_id}/people", operation_id = "people", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, UserParams, PageParams),
    responses((status = 200, description = "One page of people", body = PeoplePage), Refusals, SessionRefusals, MissingRefusals, QueryRefusals))]
pub(super) async fn list(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    ContractQuery(filters): ContractQuery<UserFilters>,
) -> Result<ContractJson<PeoplePage>, Problem> {
    let found = accounts.people(&session.principal, &tenant, &filters.into()).await?;
    let people = found.people.into_iter().map(ShownPerson::from).collect();
    Ok(ContractJson(PeoplePage { total: found.total, people }))
}

/// Adds somebody.
#[utoipa::path(post, path = "/admin/tenants/{tenant_id}/people", operation_id = "add_person", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam), request_body = AddPerson,
    responses((status = 201, description = "The new person", body = Added), Refusals, SessionRefusals, MissingRefusals, BodyRefusals, ConflictRefusals, QuotaRefusals))]
pub(super) async fn add(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    ContractJson(Newcomer(new)): ContractJson<Newcomer>,
) -> Result<(StatusCode, ContractJson<Added>), Problem> {
    let added = accounts.add_person(&session.principal, &tenant, &new).await?;
    Ok((StatusCode::CREATED, ContractJson(added.into())))
}

/// Somebody of a tenant.
#[utoipa::path(get, path = "/admin/tenants/{tenant_id}/people/{user_id}", operation_id = "person", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, UserParam),
    responses((status = 200, description = "The person", body = ShownPerson), Refusals, SessionRefusals, MissingRefusals))]
pub(super) async fn show(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    PathUser(user): PathUser,
) -> Result<ContractJson<ShownPerson>, Problem> {
    let person = accounts.person(&session.principal, &tenant, &possible(user)).await?;
    Ok(ContractJson(person.into()))
}

/// Changes somebody. What takes access away ends their sessions.
#[utoipa::path(patch, path = "/admin/tenants/{tenant_id}/people/{user_id}", operation_id = "change_person", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, UserParam), request_body = ChangePerson,
    responses((status = 200, description = "The changed person", body = ShownPerson), Refusals, SessionRefusals, MissingRefusals, BodyRefusals, ConflictRefusals))]
pub(super) async fn change(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    PathUser(user): PathUser,
    ContractJson(Change(change)): ContractJson<Change>,
) -> Result<ContractJson<ShownPerson>, Problem> {
    let person = accounts.change_person(&session.principal, &tenant, &possible(user), &change).await?;
    Ok(ContractJson(person.into()))
}

/// Removes somebody with everything that hangs on them.
#[utoipa::path(delete, path = "/admin/tenants/{tenant_id}/people/{user_id}", operation_id = "remove_person", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, UserParam),
    responses((status = 204, description = "The person is gone"), Refusals, SessionRefusals, MissingRefusals, ConflictRefusals))]
pub(super) async fn remove(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    PathUser(user): PathUser,
) -> Result<StatusCode, Problem> {
    accounts.remove_person(&session.principal, &tenant, &possible(user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives somebody a link by which they set another password.
#[utoipa::path(post, path = "/admin/tenants/{tenant_id}/people/{user_id}/link", operation_id = "give_link", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, UserParam), request_body = GiveLink,
    responses((status = 200, description = "The link is sent, or is in the answer", body = GivenLink), Refusals, SessionRefusals, MissingRefusals, BodyRefusals))]
pub(super) async fn link(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    PathUser(user): PathUser,
    ContractJson(HandOver(hand_over)): ContractJson<HandOver>,
) -> Result<ContractJson<GivenLink>, Problem> {
    let link = accounts.give_link(&session.principal, &tenant, &possible(user), hand_over).await?;
    Ok(ContractJson(link.into()))
}

/// Ends all sessions and links of somebody.
#[utoipa::path(post, path = "/admin/tenants/{tenant_id}/people/{user_id}/logout", operation_id = "log_person_out", tag = "People",
    security(("session" = []), ("sessionCookie" = [])), params(TenantParam, UserParam),
    responses((status = 204, description = "They are logged out"), Refusals, SessionRefusals, MissingRefusals))]
pub(super) async fn log_out(
    State(accounts): State<Accounts>,
    session: Session,
    ConsoleTenant(tenant): ConsoleTenant,
    PathUser(user): PathUser,
) -> Result<StatusCode, Problem> {
    accounts.end_sessions_of(&session.principal, &tenant, &possible(user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be an id is nobody's, and a new one is nobody's either; so both are answered alike.
fn possible(user: Option<UserId>) -> UserId {
    user.unwrap_or_else(UserId::random)
}
