//! Which key is lent.

use std::cmp::Ordering;

use super::claim::{Claim, Generation, WaitReason};
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
    /// The last lease on it.
    pub lent: Generation,
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
    /// The highest priority; among these the least loaded, then the one that was lent longest ago.
    #[default]
    Priority,
    /// The least loaded; among these the highest priority, then the one that was lent longest ago.
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
    let mut best: Option<&KeyUse> = None;
    let mut wait = Obstacle::nothing();
    for used in keys {
        // What stands in the way of a key that would not be taken anyway is of no interest.
        if best.is_some_and(|best| !is_better(used, best, choice)) {
            continue;
        }
        match obstacle(used, claim, now) {
            None => best = Some(used),
            Some(found) => wait = wait.or(found),
        }
    }
    match (best, wait) {
        (Some(used), _) => Decision::Grant(Some(used.key.id)),
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

fn is_better(one: &KeyUse, other: &KeyUse, choice: Choice) -> bool {
    let priority = one.key.spec.priority.cmp(&other.key.spec.priority);
    // Held of allowed, compared without a division.
    let share = |used: &KeyUse, of: &KeyUse| u64::from(used.held) * u64::from(of.key.spec.concurrency);
    let idle = share(other, one).cmp(&share(one, other));
    let order = match choice {
        Choice::Priority => priority.then(idle),
        Choice::LeastLoaded => idle.then(priority),
    };
    order.then(other.lent.cmp(&one.lent)).then(other.key.id.cmp(&one.key.id)) == Ordering::Greater
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
