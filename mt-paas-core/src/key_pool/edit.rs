//! Changes that people make to keys.

use std::sync::Arc;

use super::change::Change;
use super::health::Health;
use super::key::{InvalidKey, Key, KeyId, KeySpec, Provider};
use super::new_key::KeyChange;
use super::state::State;

/// What an administrator, or the seed, wants of the keys.
#[derive(Debug, Clone)]
pub(crate) enum KeyEdit {
    /// Adds a key, or changes the one with its provider and name.
    Put(KeySpec),
    /// Adds a key whose name is free.
    Add(KeySpec),
    /// Changes a key; with another sealed payload, if there is one.
    Change(KeyId, KeyChange, Option<String>),
    /// Takes a key out. Leases on it run on.
    Remove(KeyId),
    /// Turns a key on or off.
    SetActive(KeyId, bool),
    /// Ends a quarantine or a rest.
    Release(KeyId),
    /// Makes the seeded keys be these.
    Seed(Vec<SeedEntry>),
    /// Puts payloads in place that say the same, all or none.
    Reseal(Vec<ResealedKey>),
}

/// The payload of a key, sealed again.
#[derive(Debug, Clone)]
pub(crate) struct ResealedKey {
    pub(crate) provider: Provider,
    pub(crate) key: KeyId,
    /// What it was when it was read.
    pub(crate) former: String,
    pub(crate) sealed_payload: String,
}

/// A key of the seed.
#[derive(Debug, Clone)]
pub(crate) struct SeedEntry {
    pub(crate) spec: KeySpec,
    /// Of the whole entry, its secret included.
    pub(crate) fingerprint: String,
    /// The sealed payload of the key as it is, if nobody can open it any more.
    pub(crate) unreadable: Option<String>,
}

/// Why keys were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// No key has this number.
    #[error("there is no key {0}")]
    Unknown(KeyId),
    /// Another key has the name.
    #[error("the provider {provider} has a key '{name}' already")]
    Taken {
        /// Whose key it is.
        provider: Provider,
        /// Its name.
        name: String,
    },
    /// Its payload is not what it was when it was read.
    #[error("the payload of the key {0} was changed meanwhile")]
    PayloadChanged(KeyId),
    /// A field cannot be meant.
    #[error(transparent)]
    Invalid(#[from] InvalidKey),
}

impl KeyEdit {
    /// The changes that it comes to.
    pub(crate) fn changes(&self, state: &State) -> Result<Vec<Change>, KeyRefused> {
        match self {
            Self::Put(spec) => {
                spec.check()?;
                Ok(put(state, spec, None, state.last_key + 1).into_iter().collect())
            }
            Self::Add(spec) => {
                spec.check()?;
                match named(state, spec) {
                    Some(_) => Err(KeyRefused::Taken { provider: spec.provider.clone(), name: spec.name.clone() }),
                    None => Ok(put(state, spec, None, state.last_key + 1).into_iter().collect()),
                }
            }
            Self::Change(key, change, sealed_payload) => {
                let spec = changed(known(state, *key)?.spec, change, sealed_payload.as_ref());
                spec.check()?;
                Ok(put(state, &spec, None, 0).into_iter().collect())
            }
            Self::Remove(key) => known(state, *key).map(|_| vec![Change::KeyRemoved(*key)]),
            Self::SetActive(key, active) => {
                let spec = KeySpec { active: *active, ..known(state, *key)?.spec };
                Ok(put(state, &spec, None, 0).into_iter().collect())
            }
            Self::Release(key) => {
                let well = known(state, *key)?.health == Health::Well;
                Ok((!well).then_some(Change::Health { key: *key, health: Health::Well }).into_iter().collect())
            }
            Self::Seed(entries) => seed(state, entries),
            Self::Reseal(keys) => keys.iter().map(|key| resealed(state, key)).collect(),
        }
    }
}

fn resealed(state: &State, again: &ResealedKey) -> Result<Change, KeyRefused> {
    let ResealedKey { provider, key, former, sealed_payload } = again;
    let used = state.providers.get(provider).and_then(|stock| stock.get(*key));
    if used.is_none_or(|used| used.key.spec.sealed_payload != *former) {
        return Err(KeyRefused::PayloadChanged(*key));
    }
    Ok(Change::Resealed { provider: provider.clone(), key: *key, sealed_payload: sealed_payload.clone() })
}

fn known(state: &State, key: KeyId) -> Result<Key, KeyRefused> {
    state.key(key).map(|used| (*used.key).clone()).ok_or(KeyRefused::Unknown(key))
}

/// The key with the provider and the name of `spec`.
fn named<'a>(state: &'a State, spec: &KeySpec) -> Option<&'a Arc<Key>> {
    let stock = state.providers.get(&spec.provider)?;
    stock.keys().iter().map(|used| &used.key).find(|key| key.spec.name == spec.name)
}

/// The change that makes `spec` be there; `None` if it is so already. A key that came from the seed remains one of it
/// when it is changed by hand, so that the next start does not take the change back.
fn put(state: &State, spec: &KeySpec, seed: Option<&String>, next: u64) -> Option<Change> {
    let Some(old) = named(state, spec) else {
        return Some(Change::Key(Arc::new(Key {
            id: KeyId(next),
            spec: spec.clone(),
            health: Health::Well,
            seed: seed.cloned(),
            created_at: state.now,
            updated_at: state.now,
        })));
    };
    // Whoever puts another secret in place has dealt with what was wrong with the old one.
    let health = if old.spec.sealed_payload == spec.sealed_payload { old.health } else { Health::Well };
    let seed = seed.or(old.seed.as_ref()).cloned();
    let new = Key { spec: spec.clone(), health, seed, updated_at: old.updated_at, ..(**old).clone() };
    (new != **old).then(|| Change::Key(Arc::new(Key { updated_at: state.now, ..new })))
}

fn changed(spec: KeySpec, change: &KeyChange, sealed_payload: Option<&String>) -> KeySpec {
    KeySpec {
        sealed_payload: sealed_payload.cloned().unwrap_or(spec.sealed_payload),
        concurrency: change.concurrency.unwrap_or(spec.concurrency),
        requests_per_minute: change.requests_per_minute.unwrap_or(spec.requests_per_minute),
        requests_per_day: change.requests_per_day.clone().unwrap_or(spec.requests_per_day),
        scope: change.scope.clone().unwrap_or(spec.scope),
        priority: change.priority.unwrap_or(spec.priority),
        active: change.active.unwrap_or(spec.active),
        expires_at: change.expires_at.unwrap_or(spec.expires_at),
        ..spec
    }
}

/// An entry that did not change since it was last seeded leaves the key to what an administrator made of it; a changed
/// one wins; a key whose entry is gone goes too, unless it was added by hand.
fn seed(state: &State, entries: &[SeedEntry]) -> Result<Vec<Change>, KeyRefused> {
    let mut changes = Vec::new();
    let mut next = state.last_key;
    for SeedEntry { spec, fingerprint, unreadable } in entries {
        spec.check()?;
        match named(state, spec).filter(|key| key.seed.as_ref() == Some(fingerprint)) {
            // The seal was changed. The secret that the entry holds is as good as the lost one.
            Some(key) if unreadable.as_ref() == Some(&key.spec.sealed_payload) => {
                let spec = KeySpec { sealed_payload: spec.sealed_payload.clone(), ..key.spec.clone() };
                changes.push(Change::Key(Arc::new(Key { spec, updated_at: state.now, ..(**key).clone() })));
            }
            Some(_) => {}
            None => {
                next += 1;
                changes.extend(put(state, spec, Some(fingerprint), next));
            }
        }
    }
    let listed = |key: &Key| {
        entries.iter().any(|entry| entry.spec.provider == key.spec.provider && entry.spec.name == key.spec.name)
    };
    let gone = state.keys().filter(|used| used.key.seed.is_some() && !listed(&used.key));
    changes.extend(gone.map(|used| Change::KeyRemoved(used.key.id)));
    Ok(changes)
}
