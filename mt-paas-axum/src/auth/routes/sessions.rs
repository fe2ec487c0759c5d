//! One's own sessions.

use std::net::IpAddr;

use axum::extract::State;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use mt_paas_core::auth::{self, Accounts};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Doors;
use super::refusals::{MissingRefusals, Refusals, SessionRefusals};
use crate::auth::Session;
use crate::error::Problem;
use crate::extract::{ContractJson, PathUuid};

/// A session that is open.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenSession {
    id: Uuid,
    created_at: DateTime<Utc>,
    /// When it was used last, to the minute.
    seen_at: DateTime<Utc>,
    /// When it ends if it is not used again.
    expires_at: DateTime<Utc>,
    /// Where it was opened from.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    /// With what it was opened.
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// All open sessions of somebody.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenSessions {
    /// The one used last first.
    sessions: Vec<OpenSession>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the extractor reads it")]
struct SessionParam {
    /// The id of the session.
    id: Uuid,
}

/// The open sessions of whoever asks.
#[utoipa::path(get, path = "/auth/sessions", operation_id = "my_sessions", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The sessions", body = OpenSessions), Refusals, SessionRefusals))]
pub(super) async fn list(
    State(accounts): State<Accounts>,
    session: Session,
) -> Result<ContractJson<OpenSessions>, Problem> {
    let own = session.session.id;
    let sessions = accounts.sessions(&session).await?;
    Ok(ContractJson(OpenSessions { sessions: sessions.iter().map(|one| OpenSession::of(one, own)).collect() }))
}

/// Ends a session of whoever asks.
#[utoipa::path(delete, path = "/auth/sessions/{id}", operation_id = "end_my_session", tag = "Account",
    security(("session" = []), ("sessionCookie" = [])), params(SessionParam),
    responses((status = 204, description = "The session has ended"), Refusals, SessionRefusals, MissingRefusals))]
pub(super) async fn end(
    State(doors): State<Doors>,
    session: Session,
    PathUuid(id): PathUuid,
) -> Result<(StatusCode, HeaderMap), Problem> {
    doors.accounts.end_session(&session, id).await?;
    let own = session.session.id == id;
    Ok((StatusCode::NO_CONTENT, if own { doors.closed(&session) } else { HeaderMap::new() }))
}

impl OpenSession {
    fn of(session: &auth::Session, own: Uuid) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at,
            seen_at: session.seen_at,
            expires_at: session.ends_at(),
            address: session.address,
            user_agent: session.user_agent.clone(),
            current: session.id == own,
        }
    }
}
