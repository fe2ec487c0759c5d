//! In and out.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use mt_paas_core::auth::Login;
use mt_paas_core::fields::{Fields, FromFields, text};
use mt_paas_core::{Secret, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use super::bodies::{NAME, console, nullable, secret};
use super::opened::{Myself, OpenedSession};
use super::refusals::{BodyRefusals, LoginRefusals, Refusals, SessionRefusals};
use crate::auth::{AnySession, FromWhere, Session};
use crate::error::Problem;
use crate::extract::ContractJson;

/// Who wants to come in.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct LogIn {
    /// `_operators` for those who run the service; without one the service's own tenant is meant.
    tenant: Option<String>,
    /// Letter case makes no difference.
    #[schema(min_length = 1, max_length = 200)]
    login_name: String,
    #[schema(format = Password)]
    password: String,
}

pub(super) struct Credentials {
    tenant: Option<TenantId>,
    login_name: String,
    password: Secret<String>,
}

impl FromFields for Credentials {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let tenant = nullable(fields, "tenant", console);
        let login_name = fields.required("login_name", text(1, NAME));
        let password = fields.required("password", secret);
        Some(Self { tenant: tenant?, login_name: login_name?, password: password? })
    }
}

/// Opens a session. Guesses are slowed down: 429 says when to try again.
#[utoipa::path(post, path = "/auth/login", operation_id = "log_in", tag = "Account", security(()),
    request_body = LogIn, responses((status = 200, description = "The session", body = OpenedSession), Refusals, BodyRefusals, LoginRefusals))]
pub(super) async fn log_in(
    State(doors): State<Doors>,
    FromWhere(visitor): FromWhere,
    ContractJson(Credentials { tenant, login_name, password }): ContractJson<Credentials>,
) -> Result<ContractJson<OpenedSession>, Problem> {
    let tenant = tenant.unwrap_or_else(|| doors.default_tenant.clone());
    let opened = doors.accounts.log_in(&Login { tenant, login_name, password, visitor }).await?;
    Ok(doors.opened(&opened))
}

/// Ends the session.
#[utoipa::path(post, path = "/auth/logout", operation_id = "log_out", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])),
    responses((status = 204, description = "The session has ended"), Refusals, SessionRefusals))]
pub(super) async fn log_out(
    State(doors): State<Doors>,
    session: AnySession,
) -> Result<(StatusCode, HeaderMap), Problem> {
    doors.accounts.log_out(&session).await?;
    Ok((StatusCode::NO_CONTENT, doors.closed(&session)))
}

/// Ends all sessions of whoever asks, this one too, and all links that they were sent.
#[utoipa::path(post, path = "/auth/logout-everywhere", operation_id = "log_out_everywhere", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])),
    responses((status = 204, description = "All sessions have ended"), Refusals, SessionRefusals))]
pub(super) async fn log_out_everywhere(
    State(doors): State<Doors>,
    session: Session,
) -> Result<(StatusCode, HeaderMap), Problem> {
    doors.accounts.log_out_everywhere(&session).await?;
    Ok((StatusCode::NO_CONTENT, doors.closed(&session)))
}

/// Who is logged in.
#[utoipa::path(get, path = "/auth/me", operation_id = "me", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "Whoever is logged in", body = Myself), Refusals, SessionRefusals))]
pub(super) async fn me(session: AnySession) -> ContractJson<Myself> {
    ContractJson((&session.principal).into())
}
