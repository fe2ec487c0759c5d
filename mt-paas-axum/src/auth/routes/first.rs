//! The first operator.

use axum::extract::State;
use http::StatusCode;
use mt_paas_core::Secret;
use mt_paas_core::auth::{AuthError, FirstOperator, OneTimeToken};
use mt_paas_core::fields::{Fields, FromFields, email, text};
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use super::bodies::{NAME, nullable, secret};
use super::opened::OpenedSession;
use super::refusals::{BodyRefusals, FirstRefusals, LinkRefusals, Refusals, TriesRefusals};
use crate::auth::FromWhere;
use crate::error::Problem;
use crate::extract::ContractJson;

/// Whoever started the service.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct First {
    /// What the start of the service printed.
    token: String,
    #[schema(min_length = 1, max_length = 200)]
    login_name: String,
    #[schema(format = Email)]
    email: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// At least 15 characters, and not what others would guess.
    #[schema(format = Password)]
    password: String,
}

pub(super) struct Claim {
    /// `None`: what was sent can be no token.
    token: Option<OneTimeToken>,
    login_name: String,
    email: Option<String>,
    name: String,
    password: Secret<String>,
}

impl FromFields for Claim {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", secret).map(|token| token.expose().parse().ok());
        let login_name = fields.required("login_name", text(1, NAME));
        let email = nullable(fields, "email", email);
        let name = fields.required("name", text(1, NAME));
        let password = fields.required("password", secret);
        Some(Self { token: token?, login_name: login_name?, email: email?, name: name?, password: password? })
    }
}

/// Makes the first operator, a super administrator, while there is none, and opens a session.
#[utoipa::path(post, path = "/auth/first", operation_id = "first_operator", tag = "Account", security(()),
    request_body = First, responses((status = 201, description = "The session", body = OpenedSession), Refusals, BodyRefusals, LinkRefusals, FirstRefusals, TriesRefusals))]
pub(super) async fn first(
    State(doors): State<Doors>,
    FromWhere(visitor): FromWhere,
    ContractJson(claim): ContractJson<Claim>,
) -> Result<(StatusCode, ContractJson<OpenedSession>), Problem> {
    let Claim { token, login_name, email, name, password } = claim;
    let token = token.ok_or(AuthError::LinkEnded)?;
    let first = FirstOperator { token, login_name, email, name, password, visitor };
    let opened = doors.accounts.first(&first).await.map_err(|error| Problem::of_auth(error, "password"))?;
    Ok((StatusCode::CREATED, doors.opened(&opened)))
}
