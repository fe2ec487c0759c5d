//! Which key is lent.

use std::cmp::Reverse;

use super::claim::{Claim, WaitReason};
use super::key::{Key, KeyId};
use super::moment::Moment;
use super::window::Window;

/// A key with what is in use of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: std::sync::Arc<Key>,
    /// Calls that run.
    pub held: u32,
    /// Requests of the last minute.
    pub window: Window,
    /// Requests of a day by model: the model, the day, how many.
    pub days: Vec<(String, i64, u32)>,
}

impl KeyUse {
    /// Requests with `model` on the day of `now`.
    pub fn requests_today(&self, model: &str, now: Moment) -> u32 {
        let today = now.day();
        self.days.iter().find(|(known, day, _)| known == model && *day == today).map_or(0, |(_, _, count)| *count)
    }
}

/// The order in which free keys are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// The highest priority; among these the least loaded.
    #[default]
    Priority,
    /// The least loaded; among these the highest priority.
    LeastLoaded,
}

/// What can be done for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// This key is free for it; `None`: it needs none.
    Grant(Option<KeyId>),
    /// None is; `until` is when this may change by time alone.
    Wait {
        /// Why.
        reason: WaitReason,
        /// When to look again; `None`: when something is given back or changed.
        until: Option<Moment>,
    },
    /// It asks for more requests at once than any key for it may ever make in a minute or a day.
    TooMany,
}

/// Chooses among the keys of a provider.
///
/// Pure: no clock, no store. The caller passes what it knows and acts on the answer in the same transaction.
pub fn select<'a>(keys: impl IntoIterator<Item = &'a KeyUse>, claim: &Claim, choice: Choice, now: Moment) -> Decision {
    let mut best: Option<(Rank, KeyId)> = None;
    let mut wait = Obstacle::nothing();
    for used in keys {
        match obstacle(used, claim, now) {
            None => {
                let rank = rank(used, choice, now);
                if best.as_ref().is_none_or(|(known, _)| rank > *known) {
                    best = Some((rank, used.key.id));
                }
            }
            Some(found) => wait = wait.or(found),
        }
    }
    match (best, wait) {
        (Some((_, key)), _) => Decision::Grant(Some(key)),
        (None, Obstacle { reason: None, .. }) => Decision::TooMany,
        (None, Obstacle { reason: Some(reason), until, .. }) => Decision::Wait { reason, until },
    }
}

/// Whether one key can make `units` more requests, for the lease that holds it.
pub(crate) fn charge(used: &KeyUse, claim: &Claim, now: Moment) -> Decision {
    let Some(found) = requests(used, claim, now).or_else(|| resting(used, now)) else {
        return Decision::Grant(Some(used.key.id));
    };
    match found {
        Obstacle { reason: Some(reason), until, .. } => Decision::Wait { reason, until },
        Obstacle { reason: None, .. } => Decision::TooMany,
    }
}

/// The greater the better: two measures in the order of the choice, then room in the minute, then age.
type Rank = ((i64, i64), Reverse<u64>, Reverse<KeyId>);

fn rank(used: &KeyUse, choice: Choice, now: Moment) -> Rank {
    let spec = &used.key.spec;
    let load = |used: u64, limit: u32| (used << 20) / u64::from(limit.max(1));
    let priority = i64::from(spec.priority);
    let idle = -i64::try_from(load(u64::from(used.held), spec.concurrency)).unwrap_or(i64::MAX);
    let minute = spec.requests_per_minute.map_or(0, |limit| load(used.window.units(now), limit));
    let first = match choice {
        Choice::Priority => (priority, idle),
        Choice::LeastLoaded => (idle, priority),
    };
    (first, Reverse(minute), Reverse(used.key.id))
}

/// What keeps a key, or all of them, from being lent.
#[derive(Debug, Clone, Copy)]
struct Obstacle {
    /// `None`: it can never be lent for this claim.
    reason: Option<WaitReason>,
    until: Option<Moment>,
    /// How near the key is to being lent; the nearest tells the reason.
    nearness: u8,
}

impl Obstacle {
    /// Before any key was looked at: none serves the tenant.
    fn nothing() -> Self {
        Self { reason: Some(WaitReason::NoKeyForTenant), until: None, nearness: 0 }
    }

    fn new(reason: WaitReason, until: Option<Moment>) -> Self {
        let nearness = match reason {
            WaitReason::NoKeyForTenant | WaitReason::UserLimit | WaitReason::TotalLimit => 0,
            WaitReason::Health => 2,
            WaitReason::Rpd => 3,
            WaitReason::Rpm => 4,
            WaitReason::Concurrency => 5,
        };
        Self { reason: Some(reason), until, nearness }
    }

    fn never() -> Self {
        Self { reason: None, until: None, nearness: 1 }
    }

    fn or(self, other: Self) -> Self {
        let until = match (self.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let nearer = if other.nearness > self.nearness { other } else { self };
        Self { until, ..nearer }
    }
}

fn obstacle(used: &KeyUse, claim: &Claim, now: Moment) -> Option<Obstacle> {
    let spec = &used.key.spec;
    let ended = spec.expires_at.is_some_and(|end| end <= now);
    if !spec.active || ended || !spec.scope.covers(&claim.tenant) {
        return Some(Obstacle::nothing());
    }
    let full = || (used.held >= spec.concurrency).then(|| Obstacle::new(WaitReason::Concurrency, None));
    resting(used, now).or_else(|| requests(used, claim, now)).or_else(full)
}

fn resting(used: &KeyUse, now: Moment) -> Option<Obstacle> {
    match used.key.health.free_at(now) {
        Some(free) if free <= now => None,
        until => Some(Obstacle::new(WaitReason::Health, until)),
    }
}

fn requests(used: &KeyUse, claim: &Claim, now: Moment) -> Option<Obstacle> {
    let spec = &used.key.spec;
    let daily = claim.model.as_deref().and_then(|model| Some((model, *spec.requests_per_day.get(model)?)));
    if let Some((model, limit)) = daily {
        if claim.units > limit {
            return Some(Obstacle::never());
        }
        if used.requests_today(model, now).saturating_add(claim.units) > limit {
            return Some(Obstacle::new(WaitReason::Rpd, Some(now.next_day())));
        }
    }
    let limit = spec.requests_per_minute?;
    match used.window.free_at(claim.units, limit, now) {
        None => Some(Obstacle::never()),
        Some(free) if free > now => Some(Obstacle::new(WaitReason::Rpm, Some(free))),
        Some(_) => None,
    }
}
