//! Answers that are given again when a request is repeated with the same `Idempotency-Key`.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::UserId;
use crate::store::StoreError;

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// How long a request that never finished, because its process died, blocks its key.
pub const CLAIMED: TimeDelta = TimeDelta::seconds(60);

/// How long a run whose answer was lost is known by what it made. Far shorter than [`KEPT`], so that what is made under
/// a key that was used before is never taken for what the earlier use made.
pub const RESUMED: TimeDelta = TimeDelta::hours(1);

/// Which repeats belong together: the key that was sent, within market key, tenant and route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The name of the market key, never the key itself.
    pub market_key: String,
    /// The request's method and path, which holds the tenant.
    pub route: String,
    /// The value of `Idempotency-Key`.
    pub key: String,
}

impl Scope {
    /// The id that a run at `at` gives to the user it makes, and the one that a run of up to [`RESUMED`] before may have
    /// given. A repeat finds what a run made whose process died before its answer was kept.
    pub fn user_ids(&self, at: DateTime<Utc>) -> [UserId; 2] {
        let span = at.timestamp().div_euclid(RESUMED.num_seconds());
        [span, span - 1].map(|span| {
            let text = [self.market_key.as_str(), &self.route, &self.key, &span.to_string()].join("\n");
            let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
            UserId::digested(&digest)
        })
    }
}

/// A request that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it may be repeated under.
    pub scope: Scope,
    /// Tells this run from one that took the scope over after [`CLAIMED`].
    pub token: Uuid,
    /// SHA-256 of the bytes of the body.
    pub fingerprint: [u8; 32],
    /// When it began.
    pub at: DateTime<Utc>,
}

/// An answer to give again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status code.
    pub status: u16,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// What a repeat finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: the request runs, and ends with `finish` or `abandon`.
    Fresh,
    /// The first answer.
    Replay(StoredAnswer),
    /// The key was used with another body.
    Mismatch,
    /// The first request is still running.
    InProgress,
}

/// Keeps claims and answers.
#[async_trait]
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Claims the scope, unless a claim younger than [`CLAIMED`] or an answer younger than [`KEPT`] holds it: of many
    /// at once exactly one is fresh. The fingerprint is compared first. Sweeps what is older than that away.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError>;

    /// Stores the answer of a claim, unless another run has taken the scope over.
    async fn finish(&self, claim: &Claim, answer: &StoredAnswer) -> Result<(), StoreError>;

    /// Gives the scope back because the answer is not worth repeating, unless another run has taken it over.
    async fn abandon(&self, claim: &Claim) -> Result<(), StoreError>;
}
