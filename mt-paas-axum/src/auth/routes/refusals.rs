//! How the doors of accounts refuse, for the description.

use std::collections::BTreeMap;

use mt_paas_core::ErrorKind::{Internal, Malformed, Unavailable};
use mt_paas_core::auth::AuthError;
use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

pub(super) use crate::key_pool::refusals::{BodyRefusals, QueryRefusals};
use crate::key_pool::refusals::{described, of};

/// Describes how routes refuse.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: [$(($problem:expr, $text:literal)),+ $(,)?]),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub(super) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    described([$(($problem.into(), $text)),+])
                }
            }
        )+
    };
}

refusals! {
    /// How every route can refuse.
    Refusals: [
        (of(Malformed), "The request cannot be read"),
        (AuthError::NotAllowed, "`CSRF_REFUSED`: another site made the browser send this"),
        (of(Internal), "A fault of the service"),
        (of(Unavailable), "The store, or the audit trail, cannot be reached"),
    ],
    /// How a route can refuse that asks for a session.
    SessionRefusals: [
        (AuthError::NotLoggedIn, "There is no session, or it has ended"),
        (AuthError::NotAllowed, "`FORBIDDEN`: this needs more access, or is not for keys; `PASSWORD_CHANGE_REQUIRED`; `WRONG_PASSWORD`; `CSRF_REFUSED`"),
    ],
    /// How a login can be refused.
    LoginRefusals: [
        (AuthError::WrongLogin, "The login name or the password is wrong"),
        (AuthError::TooManyKeys(0), "Too many failed logins; `Retry-After` says when to try again"),
    ],
    /// How a route can refuse that slows guesses down.
    TriesRefusals: [(AuthError::TooManyKeys(0), "Too many tries; `Retry-After` says when to try again")],
    /// How a route can refuse that takes a one-time token.
    LinkRefusals: [(AuthError::LinkEnded, "The token was used already, has ended or never was")],
    /// How a route can refuse that makes the first operator.
    FirstRefusals: [(AuthError::NotFirst, "There is an operator already")],
    /// How a route can refuse that names something.
    MissingRefusals: [(AuthError::Missing("user"), "There is no such thing where whoever asks may look")],
    /// How a route can refuse that changes people.
    ConflictRefusals: [(AuthError::Taken, "`USER_EXISTS`: the login name or the e-mail address is taken; `OWN_ACCOUNT`: nobody takes their own access; `LAST_SUPER_ADMIN`: one has to stay")],
    /// How a route can refuse that adds something.
    QuotaRefusals: [(AuthError::TooManyKeys(0), "There are as many as there may be")],
}
