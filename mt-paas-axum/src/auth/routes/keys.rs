//! One's own keys of programs.

use axum::extract::State;
use http::StatusCode;
use mt_paas_core::auth::Accounts;

use super::key_bodies::{KeyPage, KeyPageParams, KeyParam, Keys, MadeKey, MakeKey, Overlap, RotateKey, Wanted};
use super::refusals::{BodyRefusals, MissingRefusals, QueryRefusals, QuotaRefusals, Refusals, SessionRefusals};
use crate::auth::Session;
use crate::error::Problem;
use crate::extract::{ContractJson, ContractQuery, PathUuid};

/// The keys of whoever asks.
#[utoipa::path(get, path = "/auth/keys", operation_id = "my_keys", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])), params(KeyPageParams),
    responses((status = 200, description = "The keys", body = Keys), Refusals, SessionRefusals, QueryRefusals))]
pub(super) async fn list(
    State(accounts): State<Accounts>,
    session: Session,
    ContractQuery(KeyPage { limit, after }): ContractQuery<KeyPage>,
) -> Result<ContractJson<Keys>, Problem> {
    let own = &session.principal;
    let keys = accounts.keys(own, &own.tenant, Some(&own.user), after, limit).await?;
    Ok(ContractJson(Keys::of(keys, limit)))
}

/// Makes a key. It acts in the name of whoever asks, and can never do more than they may.
#[utoipa::path(post, path = "/auth/keys", operation_id = "make_key", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])), request_body = MakeKey,
    responses((status = 201, description = "The key", body = MadeKey), Refusals, SessionRefusals, BodyRefusals, QuotaRefusals))]
pub(super) async fn make(
    State(accounts): State<Accounts>,
    session: Session,
    ContractJson(Wanted(new)): ContractJson<Wanted>,
) -> Result<(StatusCode, ContractJson<MadeKey>), Problem> {
    let made = accounts.make_key(&session, &new).await?;
    Ok((StatusCode::CREATED, ContractJson(MadeKey::of(made))))
}

/// Puts a new key in the place of one, which goes on working for a while.
#[utoipa::path(post, path = "/auth/keys/{id}/rotate", operation_id = "rotate_key", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])), params(KeyParam), request_body = RotateKey,
    responses((status = 201, description = "The new key", body = MadeKey), Refusals, SessionRefusals, BodyRefusals, MissingRefusals))]
pub(super) async fn rotate(
    State(accounts): State<Accounts>,
    session: Session,
    PathUuid(id): PathUuid,
    ContractJson(Overlap(overlap)): ContractJson<Overlap>,
) -> Result<(StatusCode, ContractJson<MadeKey>), Problem> {
    let made = accounts.rotate_key(&session, id, overlap).await?;
    Ok((StatusCode::CREATED, ContractJson(MadeKey::of(made))))
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/auth/keys/{id}", operation_id = "revoke_key", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])), params(KeyParam),
    responses((status = 204, description = "The key opens nothing any more"), Refusals, SessionRefusals, MissingRefusals))]
pub(super) async fn revoke(
    State(accounts): State<Accounts>,
    session: Session,
    PathUuid(id): PathUuid,
) -> Result<StatusCode, Problem> {
    accounts.revoke_key(&session.principal, &session.principal.tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
