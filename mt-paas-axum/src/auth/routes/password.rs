//! One's own password.

use axum::extract::State;
use http::HeaderMap;
use mt_paas_core::Secret;
use mt_paas_core::fields::{Fields, FromFields};
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use super::bodies::secret;
use super::opened::OpenedSession;
use super::refusals::{BodyRefusals, Refusals, SessionRefusals, TriesRefusals};
use crate::auth::{AnySession, FromWhere};
use crate::error::Problem;
use crate::extract::ContractJson;

/// Another password.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct ChangePassword {
    #[schema(format = Password)]
    current_password: String,
    /// At least 8 characters (operators: 15), and not what others would guess.
    #[schema(format = Password)]
    new_password: String,
}

pub(super) struct Passwords {
    current: Secret<String>,
    new: Secret<String>,
}

impl FromFields for Passwords {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let current = fields.required("current_password", secret);
        let new = fields.required("new_password", secret);
        Some(Self { current: current?, new: new? })
    }
}

/// Takes another password. All sessions end, and a new one is opened for whoever asks.
#[utoipa::path(put, path = "/auth/password", operation_id = "change_password", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])), request_body = ChangePassword,
    responses((status = 200, description = "The new session", body = OpenedSession), Refusals, BodyRefusals, SessionRefusals, TriesRefusals))]
pub(super) async fn change(
    State(doors): State<Doors>,
    session: AnySession,
    FromWhere(visitor): FromWhere,
    ContractJson(Passwords { current, new }): ContractJson<Passwords>,
) -> Result<(HeaderMap, ContractJson<OpenedSession>), Problem> {
    let opened = doors.accounts.change_password(&session, &current, &new, &visitor).await?;
    Ok(doors.reopened(&session, &opened))
}
