//! A look at a pool, for administrators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::claim::{Claim, Generation, MemberId, Ticket, WaitReason};
use super::engine::Engine;
use super::estimate::estimates;
use super::key::{Key, Provider};
use super::moment::Moment;

/// Everything that a pool knows, at one moment.
#[derive(Debug, Clone)]
pub struct PoolView {
    /// The moment, by the store's clock.
    pub now: Moment,
    /// The keys, by provider and number.
    pub keys: Vec<KeyView>,
    /// What is lent, the oldest first.
    pub leases: Vec<LeaseView>,
    /// Who waits, in the order of arrival.
    pub queue: Vec<WaiterView>,
}

/// A key and how much of it is in use.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// The key.
    pub key: Arc<Key>,
    /// Calls that run.
    pub held: u32,
    /// Requests of the last minute.
    pub requests_this_minute: u64,
    /// Requests of this UTC day by model.
    pub requests_today: Vec<(String, u32)>,
}

/// A lease.
#[derive(Debug, Clone)]
pub struct LeaseView {
    /// Its number.
    pub generation: Generation,
    /// Who holds it and for what.
    pub claim: Arc<Claim>,
    /// The number of its key.
    pub key: Option<super::key::KeyId>,
    /// The process.
    pub member: MemberId,
    /// When it was granted.
    pub granted_at: Moment,
    /// When it ends unless it is renewed.
    pub expires_at: Moment,
}

/// Somebody who waits.
#[derive(Debug, Clone)]
pub struct WaiterView {
    /// The place.
    pub ticket: Ticket,
    /// What for.
    pub claim: Arc<Claim>,
    /// The lease that wants to make more requests, if it is one.
    pub charges: Option<Generation>,
    /// Since when.
    pub since: Moment,
    /// How it stands.
    pub standing: Standing,
}

/// How it stands with somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// One more than the number of those who came earlier for the same provider.
    pub position: usize,
    /// Why it waits.
    pub reason: WaitReason,
    /// How long it will still wait, as far as can be told from how long leases were held lately.
    pub estimate: Option<Duration>,
}

impl PoolView {
    pub(crate) fn of(engine: &Engine) -> Self {
        let state = &engine.state;
        let (now, today) = (state.now, state.now.day());
        let keys = state.keys().map(|used| KeyView {
            key: used.key.clone(),
            held: used.held,
            requests_this_minute: used.window.units(now),
            requests_today: used
                .days
                .iter()
                .filter(|(_, day, _)| *day == today)
                .map(|(model, _, count)| (model.clone(), *count))
                .collect(),
        });
        let leases = state.loans.values().map(|loan| LeaseView {
            generation: loan.generation,
            claim: loan.claim.clone(),
            key: loan.key,
            member: loan.member,
            granted_at: loan.granted_at,
            expires_at: loan.expires_at,
        });
        let estimates = estimates(engine, now);
        let mut before: BTreeMap<Option<&Provider>, usize> = BTreeMap::new();
        let queue = state.queue.iter().map(|waiter| WaiterView {
            ticket: waiter.ticket,
            claim: waiter.claim.clone(),
            charges: waiter.charges,
            since: waiter.since,
            standing: {
                let before = before.entry(waiter.claim.provider.as_ref()).or_default();
                *before += 1;
                engine.standing(waiter, *before - 1, &estimates)
            },
        });
        Self { now, keys: keys.collect(), leases: leases.collect(), queue: queue.collect() }
    }
}
