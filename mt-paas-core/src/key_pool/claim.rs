//! What somebody wants from the pool, and what they got.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::{KeyId, Provider};
use super::moment::Moment;
use crate::ids::{TenantId, UserId};

/// The number of a lease. It rises with every grant of a pool and is never used again: who writes in the name of a lease
/// presents it, and who guards what is written refuses a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in the queue; who came earlier has the lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// One user of the pool's store: a process, or a pool inside of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub u64);

/// Who wants what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose key; `None` for a job that needs none and only takes its user's and the total's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// For which tenant.
    pub tenant: TenantId,
    /// For which user.
    pub user: UserId,
    /// For which model; limits a day are counted by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many requests are charged with the grant.
    pub units: u32,
    /// How long the lease lives without a sign of life.
    pub ttl: Duration,
}

/// Units that were charged last, so that a refused call can have them back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The slot of the key's window.
    pub slot: i64,
    /// The day.
    pub day: i64,
    /// How many.
    pub units: u32,
}

/// A key, or a job's place, on loan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loan {
    /// Its number.
    pub generation: Generation,
    /// Whom it was granted to.
    pub claim: Arc<Claim>,
    /// Which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Who holds it.
    pub member: MemberId,
    /// The place in the queue that it came from, until its holder took it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<Ticket>,
    /// When it was granted.
    pub granted_at: Moment,
    /// When it ends unless it is renewed.
    pub expires_at: Moment,
    /// The last charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// The place in the queue where it last waited for a charge, and got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged_for: Option<Ticket>,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// The place.
    pub ticket: Ticket,
    /// What for.
    pub claim: Arc<Claim>,
    /// The lease that wants to make more requests; `None` for one that wants a lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charges: Option<Generation>,
    /// Through whom.
    pub member: MemberId,
    /// Since when.
    pub since: Moment,
}

/// Why somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitReason {
    /// Every key is in as many calls as it allows.
    Concurrency,
    /// Every key has made the requests of this minute.
    Rpm,
    /// Every key has made the requests of this day with the model.
    Rpd,
    /// Every key rests or is quarantined, by what its provider said.
    Health,
    /// The user runs as many jobs as a user may.
    UserLimit,
    /// As many jobs run as may run in total.
    TotalLimit,
    /// No key of this provider serves the tenant now.
    NoKeyForTenant,
}

impl WaitReason {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::Rpm => "rpm",
            Self::Rpd => "rpd",
            Self::Health => "health",
            Self::UserLimit => "user limit",
            Self::TotalLimit => "total limit",
            Self::NoKeyForTenant => "no key for tenant",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
