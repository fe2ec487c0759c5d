//! Somebody who is logged in, as handlers ask for them.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::StatusCode;
use http::request::Parts;
use mt_paas_core::auth::{LoggedIn, SessionToken};

use super::doorkeeper::Caller;
use crate::error::Problem;

/// An open session of somebody who has nothing to do before: 401 without one, 403 while the password has to be changed.
/// `Option<Session>` is for pages that show something to everybody.
///
/// It works in every handler below a [`Doorkeeper`](super::Doorkeeper).
#[derive(Debug, Clone)]
pub struct Session(AnySession);

/// An open session, also of somebody who has to change their password first: for what they need to do that.
#[derive(Debug, Clone)]
pub struct AnySession {
    who: Arc<LoggedIn>,
    token: SessionToken,
    by_cookie: bool,
}

impl AnySession {
    pub(super) fn new(who: Arc<LoggedIn>, token: SessionToken, by_cookie: bool) -> Self {
        Self { who, token, by_cookie }
    }

    /// What the forms on pages of this session hold in their member [`FORM_TOKEN`](super::FORM_TOKEN).
    pub fn form_token(&self) -> String {
        self.token.form_token()
    }

    /// Whether a cookie carried it, so that a new token belongs into one as well.
    pub fn by_cookie(&self) -> bool {
        self.by_cookie
    }
}

impl Deref for AnySession {
    type Target = LoggedIn;

    fn deref(&self) -> &LoggedIn {
        &self.who
    }
}

impl Deref for Session {
    type Target = AnySession;

    fn deref(&self) -> &AnySession {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for AnySession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Caller::of(&parts.extensions)? {
            Caller::Session(session) => Ok(session.clone()),
            Caller::Nobody => Err(Problem::not_logged_in()),
            // A key never does what people do by themselves.
            Caller::Key(_) => Err(Problem::not_for_keys()),
            Caller::Refused(refused) if refused.status() == StatusCode::UNAUTHORIZED => Err(Problem::not_logged_in()),
            Caller::Refused(refused) => Err(refused.clone()),
        }
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for AnySession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        match Caller::of(&parts.extensions)? {
            Caller::Session(session) => Ok(Some(session.clone())),
            Caller::Nobody | Caller::Key(_) => Ok(None),
            Caller::Refused(refused) if refused.status() == StatusCode::UNAUTHORIZED => Ok(None),
            Caller::Refused(refused) => Err(refused.clone()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let session = <AnySession as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        session.principal.ready()?;
        Ok(Self(session))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        let Some(session) = <AnySession as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await? else {
            return Ok(None);
        };
        session.principal.ready()?;
        Ok(Some(Self(session)))
    }
}
