//! One-time links: asked for, and used.

use axum::extract::State;
use http::StatusCode;
use mt_paas_core::auth::{AuthError, OneTimeToken};
use mt_paas_core::fields::{Fields, FromFields, text};
use mt_paas_core::{Secret, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use super::bodies::{NAME, console, nullable, secret};
use super::opened::OpenedSession;
use super::refusals::{BodyRefusals, LinkRefusals, Refusals, TriesRefusals};
use crate::auth::FromWhere;
use crate::error::Problem;
use crate::extract::ContractJson;

/// Who forgot their password.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct Forgot {
    /// `_operators` for those who run the service; without one the service's own tenant is meant.
    tenant: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    login_name: String,
}

pub(super) struct Forgetful {
    tenant: Option<TenantId>,
    login_name: String,
}

impl FromFields for Forgetful {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let tenant = nullable(fields, "tenant", console);
        let login_name = fields.required("login_name", text(1, NAME));
        Some(Self { tenant: tenant?, login_name: login_name? })
    }
}

/// A password by a link.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct SetPassword {
    /// The last part of the link.
    token: String,
    /// At least 8 characters (operators: 15), and not what others would guess.
    #[schema(format = Password)]
    new_password: String,
}

pub(super) struct ByLink {
    /// `None`: what was sent can be no token, and so belongs to no link.
    token: Option<OneTimeToken>,
    new: Secret<String>,
}

impl FromFields for ByLink {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", secret).map(|token| token.expose().parse().ok());
        let new = fields.required("new_password", secret);
        Some(Self { token: token?, new: new? })
    }
}

/// Sends a link to whoever forgot their password, if there is such an account with an e-mail address. The answer is the same
/// in any case.
#[utoipa::path(post, path = "/auth/forgot", operation_id = "forgot_password", tag = "Account", security(()),
    request_body = Forgot, responses((status = 202, description = "A link is sent, if there is such an account"), Refusals, BodyRefusals, TriesRefusals))]
pub(super) async fn forgot(
    State(doors): State<Doors>,
    FromWhere(visitor): FromWhere,
    ContractJson(Forgetful { tenant, login_name }): ContractJson<Forgetful>,
) -> Result<StatusCode, Problem> {
    let tenant = tenant.unwrap_or_else(|| doors.default_tenant.clone());
    doors.accounts.forgot(&tenant, &login_name, &visitor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a password by a link, which is used up, and opens a session. All earlier sessions end.
#[utoipa::path(post, path = "/auth/set-password", operation_id = "set_password", tag = "Account", security(()),
    request_body = SetPassword, responses((status = 200, description = "The session", body = OpenedSession), Refusals, BodyRefusals, LinkRefusals))]
pub(super) async fn set_password(
    State(doors): State<Doors>,
    FromWhere(visitor): FromWhere,
    ContractJson(ByLink { token, new }): ContractJson<ByLink>,
) -> Result<ContractJson<OpenedSession>, Problem> {
    let token = token.ok_or(AuthError::LinkEnded)?;
    let opened = doors.accounts.set_password(&token, &new, &visitor).await?;
    Ok(doors.opened(&opened))
}
