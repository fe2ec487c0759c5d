//! Where everything of one pool is in the server.

use super::error::ConnectError;
use crate::key_pool::MemberId;

/// The names of keys and channels. They share a hash tag, so that all keys are in one slot of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Who has the turn, and which entries there are.
    pub(super) turn: String,
    /// The entries.
    pub(super) list: String,
    /// The right to take the turn, while nobody has it.
    pub(super) token: String,
    /// How the channels of members begin.
    pub(super) wake: String,
}

impl Names {
    pub(super) fn under(prefix: &str) -> Result<Self, ConnectError> {
        let legal = |b: u8| b.is_ascii_graphic() && b != b'{' && b != b'}';
        if prefix.is_empty() || prefix.len() > 100 || !prefix.bytes().all(legal) {
            return Err(ConnectError::InvalidPrefix);
        }
        let name = |what| format!("{{{prefix}}}key-pool:{what}");
        Ok(Self { turn: name("turn"), list: name("list"), token: name("token"), wake: name("wake:") })
    }

    pub(super) fn channel(&self, member: MemberId) -> String {
        format!("{}{}", self.wake, member.0)
    }

    /// Whose channel this is.
    pub(super) fn member(&self, channel: &str) -> Option<MemberId> {
        channel.strip_prefix(&self.wake)?.parse().ok().map(MemberId)
    }
}
