//! What can be asked of a pool, and what it answers.

use std::sync::Arc;
use std::time::Instant;

use super::claim::{Claim, Generation, Ticket, WaitReason};
use super::edit::{KeyEdit, KeyRefused};
use super::health::Verdict;
use super::moment::Moment;

/// One thing asked for.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A lease; with `until` a place in the queue, kept as long.
    Acquire { claim: Arc<Claim>, until: Option<Instant> },
    /// More requests for a lease.
    Charge { lease: Generation, units: u32, until: Option<Instant> },
    /// A waiter gives up.
    Cancel(Ticket),
    /// A lease is still in use.
    Renew(Generation),
    /// A lease is given back.
    Release(Generation),
    /// What the provider answered to the last request of a lease.
    Report { lease: Generation, verdict: Verdict },
    /// Keys are added, changed, removed or released.
    Keys(Arc<KeyEdit>),
    /// Nothing; but what others did is known afterwards.
    Look,
    /// Nothing; but the store keeps the pool as a whole afterwards, and no change before it.
    Compact,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing more to say.
    Done,
    /// A lease.
    Granted(Generation),
    /// A place in the queue.
    Waits(Ticket),
    /// Not now.
    Blocked { reason: WaitReason, until: Option<Moment> },
    /// Not ever: more requests at once than any key may make.
    TooMany,
    /// The lease, or the place, is there no more.
    Stale,
    /// The lease's key is in the pool no more.
    KeyGone,
    /// The keys stay as they are.
    KeyRefused(KeyRefused),
}

impl Op {
    /// How long whoever asks is ready to wait.
    pub(crate) fn until(&self) -> Option<Instant> {
        match self {
            Self::Acquire { until, .. } | Self::Charge { until, .. } => *until,
            _ => None,
        }
    }

    /// How many requests it asks for.
    pub(crate) fn units(&self) -> u32 {
        match self {
            Self::Acquire { claim, .. } => claim.units,
            Self::Charge { units, .. } => *units,
            _ => 0,
        }
    }
}
