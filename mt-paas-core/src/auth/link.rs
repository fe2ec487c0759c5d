//! One-time links, by which somebody sets a password.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Epoch, TokenDigest};
use crate::ids::{TenantId, UserId};
use crate::wire::wire_enum;

wire_enum! {
    /// What a link is for.
    LinkPurpose {
        /// The first password of somebody who was invited.
        Welcome = "welcome",
        /// Another password for somebody who forgot theirs.
        Reset = "reset",
    }
}

/// A link that was promised to somebody. Its token is made when it is sent, so that no store ever holds it: a link that
/// could not be sent, also because the process died, is sent by the next try with another token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLink {
    /// Its name in lists and log lines.
    pub id: Uuid,
    /// Whose password it sets.
    pub tenant: TenantId,
    /// Whose password it sets.
    pub user: UserId,
    /// The account's when it was made. In a later one the link is worth nothing.
    pub epoch: Epoch,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// When it was promised.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Of the token that was sent last; `None` until one was.
    pub digest: Option<TokenDigest>,
    /// How often sending failed.
    pub failures: u32,
    /// When sending is tried next; `None`: it was sent, or is for nobody to send.
    pub next_try: Option<DateTime<Utc>>,
}
