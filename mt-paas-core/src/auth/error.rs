//! Why somebody is not let in, or may not do something.

use chrono::{DateTime, Utc};

use super::{HashingError, InvalidClientKey, PasswordRefused};
use crate::error::{ApiError, FieldError};
use crate::store::StoreError;
use crate::turns::OutOfPatience;

/// The error of every operation of [`Accounts`](super::Accounts). No message holds anything that was typed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No such account, or another password; which of both is not said.
    #[error("the login name or the password is wrong")]
    WrongLogin,
    /// The password of somebody who is logged in is another.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many failures, of this account or from this address.
    #[error("too many failed logins; try again in {} s", seconds(.until, .now))]
    TooManyTries {
        /// When another try is let in.
        until: DateTime<Utc>,
        /// When it was refused.
        now: DateTime<Utc>,
    },
    /// Too many passwords are being checked already.
    #[error("too many logins at once; try again in a moment")]
    Busy,
    /// There is no session, or it has ended.
    #[error("log in first")]
    NotLoggedIn,
    /// Somebody with a password that others know has to take another one before anything else.
    #[error("the password has to be changed first")]
    MustChangePassword,
    /// Their access does not go as far.
    #[error("this needs more access")]
    NotAllowed,
    /// Nobody takes their own access away, closes or removes themselves.
    #[error("this cannot be done to one's own account")]
    Oneself,
    /// There is no such thing where they may look.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The login name or the e-mail address is taken in this tenant.
    #[error("the login name or the e-mail address is taken")]
    Taken,
    /// The tenant holds as many users as it may.
    #[error("the tenant may have at most {0} users")]
    OverQuota(u64),
    /// Nobody would be left who can make administrators.
    #[error("the last super administrator has to stay")]
    LastSuperAdmin,
    /// There is somebody already.
    #[error("there is an administrator already")]
    NotFirst,
    /// The new password is not good enough.
    #[error("{0}")]
    Password(#[from] PasswordRefused),
    /// The new password is the old one.
    #[error("the new password is the old one")]
    SamePassword,
    /// Members of the request break a rule.
    #[error("{}", said(.0))]
    Invalid(Vec<FieldError>),
    /// A one-time link that was used, has ended or never was.
    #[error("the link was used already, has ended or is not complete; ask for another one")]
    LinkEnded,
    /// A client's key that opens nothing.
    #[error("{0}")]
    Key(#[from] KeyRefused),
    /// A user has as many keys as one may have.
    #[error("there are {0} keys already; revoke one first")]
    TooManyKeys(u32),
    /// Others changed the same account at every try.
    #[error("the account changed at every try; try again")]
    Contended,
    /// The password could not be hashed.
    #[error("the password could not be checked")]
    Hashing(#[source] HashingError),
    /// The store could not do its work.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

/// What is wrong with a client's key. Only whoever holds a key learns that it was revoked or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// It cannot be a key.
    #[error("the key is mistyped: {0}")]
    Mistyped(#[from] InvalidClientKey),
    /// It was never made here.
    #[error("the key is unknown here")]
    Unknown,
    /// Somebody revoked it.
    #[error("the key was revoked at {0}")]
    Revoked(DateTime<Utc>),
    /// It has ended.
    #[error("the key ended at {0}")]
    Ended(DateTime<Utc>),
    /// Its owner may not come in.
    #[error("the account of the key is not active")]
    OwnerInactive,
    /// It may not do this.
    #[error("the key lacks the scope that this needs")]
    Scope,
}

impl AuthError {
    /// A rule that one member of the request breaks; `loc` as in [`FieldError`].
    pub(super) fn field(loc: &[&str], message: impl Into<String>) -> Self {
        let loc = loc.iter().map(|part| (*part).to_owned()).collect();
        Self::Invalid(vec![FieldError { loc, message: message.into() }])
    }
}

impl From<HashingError> for AuthError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Overloaded => Self::Busy,
            HashingError::Failed(_) => Self::Hashing(error),
        }
    }
}

impl From<OutOfPatience> for AuthError {
    fn from(_: OutOfPatience) -> Self {
        Self::Busy
    }
}

/// Where the ready-made handler needs accounts, only their store and their hashes can fail.
impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error.into(),
            AuthError::Busy | AuthError::Contended => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

/// Whole seconds, at least one.
fn seconds(until: &DateTime<Utc>, now: &DateTime<Utc>) -> i64 {
    (*until - *now).num_seconds().max(0) + 1
}

fn said(fields: &[FieldError]) -> String {
    fields.iter().map(|fault| format!("{}: {}", fault.loc.join("."), fault.message)).collect::<Vec<_>>().join("; ")
}
