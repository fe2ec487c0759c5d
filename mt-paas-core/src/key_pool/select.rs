//! Which key is lent.

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

/// Where a key stands among others: the lowest is taken first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Priority and load, the weightier one in the upper bits.
    weight: u128,
    lent: Generation,
    pub(crate) key: KeyId,
}

impl KeyUse {
    /// Its rank. It changes with the key, with what is held of it and with its last lease, never with time alone.
    pub fn rank(&self, choice: Choice) -> Rank {
        let spec = &self.key.spec;
        let behind = u128::from(i32::MAX.abs_diff(spec.priority));
        // Held of allowed, so fine that two which are not equal differ by more than one: as long as no key allows more than
        // 2^17 calls, see `MAX_CONCURRENCY`.
        let load = u128::from((u64::from(self.held) << 34) / u64::from(spec.concurrency.max(1)));
        let weight = match choice {
            Choice::Priority => behind << 64 | load,
            Choice::LeastLoaded => load << 32 | behind,
        };
        Rank { weight, lent: self.lent, key: self.key.id }
    }
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

/// Chooses among the keys of a provider, which come in the order of their [ranks](KeyUse::rank): the first that is free
/// for the claim.
///
/// Pure: no clock, no store. The caller passes what it knows and acts on the answer in the same transaction.
pub fn select<'a>(keys: impl IntoIterator<Item = &'a KeyUse>, claim: &Claim, now: Moment) -> Decision {
    let mut wait = Obstacle::nothing();
    for used in keys {
        match obstacle(used, claim, now) {
            None => return Decision::Grant(Some(used.key.id)),
            Some(found) => wait = wait.or(found),
        }
    }
    match wait {
        Obstacle { reason: None, .. } => Decision::TooMany,
        Obstacle { reason: Some(reason), until, .. } => Decision::Wait { reason, until },
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
