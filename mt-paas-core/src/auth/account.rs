//! Accounts: the people of [`users`](crate::users) as far as they can log in.

use super::{Access, OneTimeLink, PasswordHash};
use crate::outbox::OutboxEvent;
use crate::users::User;

/// Rises whenever everything that was opened before must end: with another password, with less access, when the user
/// is made inactive. Sessions and one-time links carry the epoch that they were made in.
pub type Epoch = i64;

/// Somebody who can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub user: User,
    /// What they may do in consoles.
    pub access: Access,
    /// What they log in with; `None` until they have set one.
    pub password: Option<PasswordHash>,
    /// Whether the password has to be changed before anything else is done.
    pub must_change: bool,
    /// See [`Epoch`].
    pub epoch: Epoch,
}

/// How a user begins, written in one transaction with the user's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What they may do in consoles.
    pub access: Access,
    /// Their first password; `None`: they set it by a one-time link.
    pub password: Option<PasswordHash>,
    /// Whether the password has to be changed first.
    pub must_change: bool,
}

impl Credential {
    /// Of a user that was made without one.
    pub const NONE: Self = Self { access: Access::User, password: None, must_change: false };
}

/// A change of what an account logs in with or may do. Every one of them raises the [`Epoch`] and ends all sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialChange {
    /// Another password.
    Password {
        /// Its stored form.
        password: PasswordHash,
        /// Whether it has to be changed at the next login.
        must_change: bool,
    },
    /// Another level of access.
    Access(Access),
    /// Nothing but the end of all sessions and links.
    EndSessions,
}

/// What became of a change of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialChanged {
    /// It is done; this epoch began.
    Done(Epoch),
    /// There is no such user.
    Missing,
    /// The account has another epoch by now: read it again and decide again.
    Stale,
    /// Nobody would be left who can make administrators.
    LastSuperAdmin,
}

/// A user to add together with how they log in.
#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    /// Who.
    pub user: &'a User,
    /// How they begin.
    pub credential: &'a Credential,
    /// The link by which they set their password, if that is how they do.
    pub link: Option<&'a OneTimeLink>,
    /// What the market is told.
    pub event: Option<&'a OutboxEvent>,
    /// How many users the tenant may have.
    pub max_users: u64,
    /// Only if the tenant has nobody yet; otherwise [`Inserted::NotFirst`](crate::users::Inserted::NotFirst).
    pub only_first: bool,
}

impl CredentialChange {
    /// Makes the change.
    pub(crate) fn apply(&self, account: &mut Account) {
        match self {
            Self::Password { password, must_change } => {
                (account.password, account.must_change) = (Some(password.clone()), *must_change);
            }
            Self::Access(access) => account.access = *access,
            Self::EndSessions => {}
        }
        account.epoch += 1;
    }

    /// Whether this takes an account the right to make administrators.
    pub(crate) fn demotes(&self, account: &Account) -> bool {
        account.access == Access::SuperAdmin && matches!(self, Self::Access(access) if *access != Access::SuperAdmin)
    }
}
