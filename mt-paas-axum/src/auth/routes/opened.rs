//! A session that was just opened, as an answer.

use chrono::{DateTime, Utc};
use http::{HeaderMap, header};
use mt_paas_core::auth::{Access, Opened, Principal};
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use crate::auth::AnySession;
use crate::extract::ContractJson;

/// A session that was just opened.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenedSession {
    /// Belongs in `Authorization: Bearer`. It is shown here and never again, and not at all where a cookie carries it.
    token: Option<String>,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When the session ends, whatever happens.
    expires_at: DateTime<Utc>,
    /// Whether everything but `/auth/me`, `/auth/password` and `/auth/logout` is refused until another password is set.
    must_change_password: bool,
    user: Myself,
}

/// Whoever is logged in.
#[derive(Serialize, ToSchema)]
pub(super) struct Myself {
    /// The tenant, or `_operators` for those who run the service.
    tenant_id: String,
    user_id: String,
    login_name: String,
    name: String,
    /// What they may do in consoles.
    access: Access,
    must_change_password: bool,
}

impl Doors {
    /// The answer to somebody who logs in anew.
    pub(super) fn opened(&self, opened: &Opened) -> ContractJson<OpenedSession> {
        let principal = &opened.principal;
        ContractJson(OpenedSession {
            token: Some(opened.token.expose().to_owned()),
            token_type: "Bearer",
            expires_at: opened.session.expires_at,
            must_change_password: principal.must_change,
            user: principal.into(),
        })
    }

    /// The answer to somebody whose session takes the place of `before`: it goes where that was.
    pub(super) fn reopened(&self, before: &AnySession, opened: &Opened) -> (HeaderMap, ContractJson<OpenedSession>) {
        let (mut headers, mut answer) = (HeaderMap::new(), self.opened(opened));
        if before.by_cookie() {
            headers.insert(header::SET_COOKIE, self.cookie.set(opened));
            answer.0.token = None;
        }
        (headers, answer)
    }

    /// What takes the cookie of a session away that has ended.
    pub(super) fn closed(&self, session: &AnySession) -> HeaderMap {
        let clear = session.by_cookie().then(|| (header::SET_COOKIE, self.cookie.clear()));
        clear.into_iter().collect()
    }
}

impl From<&Principal> for Myself {
    fn from(principal: &Principal) -> Self {
        Self {
            tenant_id: principal.tenant.to_string(),
            user_id: principal.user.to_string(),
            login_name: principal.login_name.clone(),
            name: principal.name.clone(),
            access: principal.access,
            must_change_password: principal.must_change,
        }
    }
}
