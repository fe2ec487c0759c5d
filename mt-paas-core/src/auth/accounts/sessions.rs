//! Sessions in use.

use std::sync::Arc;

use chrono::TimeDelta;
use uuid::Uuid;

use super::Accounts;
use crate::audit::action;
use crate::auth::{AuthError, CredentialChange, Principal, Session, SessionToken};

/// How exactly the last use of sessions and keys is known.
pub(super) const TOUCHED: TimeDelta = TimeDelta::minutes(1);

/// Somebody with an open session.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub principal: Principal,
}

impl Accounts {
    /// Whose token this is. What is found is at most [`FRESH`](Self::FRESH) old.
    ///
    /// # Errors
    ///
    /// [`AuthError::NotLoggedIn`]. Whether the password has to be changed first is [asked](Principal::ready) separately,
    /// because changing it must be possible.
    pub async fn session(&self, token: &SessionToken) -> Result<Arc<LoggedIn>, AuthError> {
        let digest = token.digest();
        let found = self.0.sessions.get(digest, || async move {
            let now = self.now();
            let Some((session, principal)) = self.0.store.session(&digest, now).await? else { return Ok(None) };
            if now - session.seen_at >= TOUCHED {
                self.0.store.touch_session(session.id, now).await?;
            }
            Ok(Some(Arc::new(LoggedIn { session, principal })))
        });
        let found = found.await?.ok_or(AuthError::NotLoggedIn)?;
        // The session may have ended since it was read.
        if found.session.is_over(self.now()) { Err(AuthError::NotLoggedIn) } else { Ok(found) }
    }

    /// Ends the session that somebody uses.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn log_out(&self, by: &LoggedIn) -> Result<(), AuthError> {
        let LoggedIn { session, principal } = by;
        let told = self.told(principal, action::LOGOUT, &session.tenant).on("session", session.id.to_string());
        self.0.store.end_session(&session.tenant, &session.user, session.id, &[told]).await?;
        self.0.sessions.forget(&session.digest).await;
        Ok(())
    }

    /// Ends all sessions of somebody, the one in use too, and all links that they were sent.
    ///
    /// # Errors
    ///
    /// [`AuthError::Contended`], and those of the store.
    pub async fn log_out_everywhere(&self, by: &LoggedIn) -> Result<(), AuthError> {
        let Principal { tenant, user, .. } = &by.principal;
        let told = self.told(&by.principal, action::LOGOUT_EVERYWHERE, tenant).on("user", user.as_str());
        self.change_credential(tenant, user, &CredentialChange::EndSessions, &told).await?;
        self.0.sessions.forget(&by.session.digest).await;
        Ok(())
    }

    /// Somebody's own open sessions, the one used last first.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn sessions(&self, by: &LoggedIn) -> Result<Vec<Session>, AuthError> {
        Ok(self.0.store.sessions(&by.principal.tenant, &by.principal.user, self.now()).await?)
    }

    /// Ends one of somebody's own sessions.
    ///
    /// # Errors
    ///
    /// [`AuthError::Missing`] if it is none of theirs.
    pub async fn end_session(&self, by: &LoggedIn, id: Uuid) -> Result<(), AuthError> {
        let Principal { tenant, user, .. } = &by.principal;
        let digest = self
            .0
            .store
            .sessions(tenant, user, self.now())
            .await?
            .iter()
            .find(|other| other.id == id)
            .map(|other| other.digest);
        let told = self.told(&by.principal, action::SESSION_END, tenant).on("session", id.to_string());
        if !self.0.store.end_session(tenant, user, id, &[told]).await? {
            return Err(AuthError::Missing("session"));
        }
        if let Some(digest) = digest {
            self.0.sessions.forget(&digest).await;
        }
        Ok(())
    }
}
