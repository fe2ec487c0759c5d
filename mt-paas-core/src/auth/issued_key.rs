//! Keys of programs as they are stored.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{KeyPurpose, TokenDigest};
use crate::ids::{TenantId, UserId};

/// A key that was handed out. The key itself was shown once, to whoever made it, and is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// Its name in lists, log lines and addresses; no way in.
    pub id: Uuid,
    /// Of the key.
    pub digest: TokenDigest,
    /// In whose name it acts.
    pub tenant: TenantId,
    /// In whose name it acts. It can never do more than this user.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it begins with.
    pub purpose: KeyPurpose,
    /// The last characters of the key, to tell keys apart.
    pub hint: String,
    /// What it may do; a service says what the words mean.
    pub scopes: BTreeSet<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub used_at: Option<DateTime<Utc>>,
    /// Since when it is refused, if it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key that took its place, until whose overlap ends this one still works (see `expires_at`).
    pub replaced_by: Option<Uuid>,
}

impl IssuedKey {
    /// Whether the key is good at `now`, as far as it can tell by itself.
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}
