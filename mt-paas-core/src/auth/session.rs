//! Sessions as they are stored.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Access, Account, Epoch, TokenDigest};
use crate::ids::{TenantId, UserId};

/// A login that is still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What lists and log lines call it; no secret, and no way in.
    pub id: Uuid,
    /// Of the token, which nobody keeps.
    pub digest: TokenDigest,
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose it is.
    pub user: UserId,
    /// The account's when it was opened. In a later one the session is over.
    pub epoch: Epoch,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it ends, whatever happens.
    pub expires_at: DateTime<Utc>,
    /// How long it may stay unused; `None`: as long as it lasts.
    pub idle_limit: Option<TimeDelta>,
    /// When it was used last, to the minute.
    pub seen_at: DateTime<Utc>,
    /// Where it was opened from.
    pub address: Option<IpAddr>,
    /// With what it was opened, at most 200 characters of it.
    pub user_agent: Option<String>,
}

/// Whom a request comes from, as a store knows it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Their tenant.
    pub tenant: TenantId,
    /// Who they are.
    pub user: UserId,
    /// What they log in with.
    pub login_name: String,
    /// What people call them.
    pub name: String,
    /// What they may do in consoles.
    pub access: Access,
    /// Whether they have to change their password before anything else.
    pub must_change: bool,
}

impl Session {
    /// When the session ends if it is not used again.
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.idle_limit.map_or(self.expires_at, |limit| self.expires_at.min(self.seen_at + limit))
    }

    /// Whether the session is over at `now`, as far as it can tell by itself.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.ends_at()
    }
}

impl Principal {
    /// Somebody as their account says.
    pub fn of(account: &Account) -> Self {
        let Account { user, access, must_change, .. } = account;
        Self {
            tenant: user.tenant.clone(),
            user: user.id.clone(),
            login_name: user.login_name.clone(),
            name: user.name.clone(),
            access: *access,
            must_change: *must_change,
        }
    }
}
