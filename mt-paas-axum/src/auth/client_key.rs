//! A program with a key, as handlers ask for it.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use mt_paas_core::auth::KeyHolder;

use super::doorkeeper::Caller;
use crate::error::Problem;

/// A key that a person made for their program: 401 without one, and 401 with what is wrong with it for one that opens
/// nothing. What the key may do is asked separately, by [`demand`](KeyHolder::demand). `Option<ClientKey>` stands beside
/// an `Option<Session>` where both may come in; a wrong key is refused there, too.
///
/// It works in every handler below a [`Doorkeeper`](super::Doorkeeper).
#[derive(Debug, Clone)]
pub struct ClientKey(Arc<KeyHolder>);

impl Deref for ClientKey {
    type Target = KeyHolder;

    fn deref(&self) -> &KeyHolder {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for ClientKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        key.ok_or_else(Problem::no_client_key)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for ClientKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        match Caller::of(&parts.extensions)? {
            Caller::Key(holder) => Ok(Some(Self(holder.clone()))),
            Caller::Nobody | Caller::Session(_) => Ok(None),
            // It was a session's token, or too much at once.
            Caller::Refused(refused) if refused.is_not_logged_in() => Ok(None),
            Caller::Refused(refused) => Err(refused.clone()),
        }
    }
}
