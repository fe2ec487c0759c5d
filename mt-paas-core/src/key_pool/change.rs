//! What can happen to a pool. A pool is the sum of its changes: stores keep them, and every process adds them up alike.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::claim::{Charge, Generation, Loan, MemberId, Ticket, Waiter};
use super::health::Health;
use super::key::{Key, KeyId, Provider};
use super::moment::Moment;

/// One change. Each says what is so now, not what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A key is there, or is so from now on.
    Key(Arc<Key>),
    /// A key is there no more. Leases on it run on to their end.
    KeyRemoved(KeyId),
    /// The same payload of a key is sealed otherwise. Nothing else of it changed.
    Resealed {
        /// Whose key it is.
        provider: Provider,
        /// Which key.
        key: KeyId,
        /// Its payload from now on.
        sealed_payload: String,
    },
    /// A provider's word changed a key's health.
    Health {
        /// Which key.
        key: KeyId,
        /// Its health.
        health: Health,
    },
    /// Somebody waits.
    Waits(Waiter),
    /// Somebody waits no more, with nothing.
    Left(Ticket),
    /// A lease was granted, to a caller or into the place of a waiter, with its first requests.
    Granted(Loan),
    /// A lease lives until then, and its holder knows of it.
    Renewed {
        /// Which.
        lease: Generation,
        /// Its new end.
        expires_at: Moment,
    },
    /// A lease made more requests.
    Charged {
        /// Which.
        lease: Generation,
        /// How many, and when.
        charge: Charge,
        /// The place in the queue where it waited for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<Ticket>,
        /// Who holds the lease.
        member: MemberId,
    },
    /// The last request of a lease was refused by the provider and does not count.
    Refunded(Generation),
    /// A lease ended.
    Ended {
        /// Which.
        lease: Generation,
        /// Whether it was given back; otherwise nobody renewed it in time.
        given_back: bool,
    },
    /// A member said nothing for too long. Its waiters wait no more.
    Silent(MemberId),
    /// The store's clock stepped back. Nothing that was counted from later times counts longer than from now.
    ClockStepped,
}

/// What one member changed at one moment, all or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The store's time.
    pub now: Moment,
    /// Who.
    pub member: MemberId,
    /// The member's own count of its batches, by which it knows whether one arrived whose answer was lost.
    pub sequence: u64,
    /// What.
    pub changes: Vec<Change>,
}
