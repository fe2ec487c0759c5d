//! Changes that people make to keys.

use std::sync::Arc;

use super::change::Change;
use super::health::Health;
use super::key::{InvalidKey, Key, KeyId, KeySpec};
use super::state::State;

/// What an administrator, or the seed, wants of the keys.
#[derive(Debug, Clone)]
pub(crate) enum KeyEdit {
    /// Adds a key, or changes the one with its provider and name.
    Put(KeySpec),
    /// Takes a key out. Leases on it run on.
    Remove(KeyId),
    /// Turns a key on or off.
    SetActive(KeyId, bool),
    /// Ends a quarantine or a rest.
    Release(KeyId),
    /// Makes the seeded keys be these: each with the fingerprint of its entry.
    Seed(Vec<(KeySpec, String)>),
}

/// Why keys were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// No key has this number.
    #[error("there is no key {0}")]
    Unknown(KeyId),
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
            Self::Remove(key) => known(state, *key).map(|_| vec![Change::KeyRemoved(*key)]),
            Self::SetActive(key, active) => {
                let mut changed = known(state, *key)?;
                changed.spec.active = *active;
                Ok(vec![Change::Key(Arc::new(Key { updated_at: state.now, ..changed }))])
            }
            Self::Release(key) => {
                known(state, *key)?;
                Ok(vec![Change::Health { key: *key, health: Health::Well }])
            }
            Self::Seed(entries) => seed(state, entries),
        }
    }
}

fn known(state: &State, key: KeyId) -> Result<Key, KeyRefused> {
    state.key(key).map(|used| (*used.key).clone()).ok_or(KeyRefused::Unknown(key))
}

/// The change that makes `spec` be there; `None` if it is so already.
fn put(state: &State, spec: &KeySpec, seed: Option<&String>, next: u64) -> Option<Change> {
    let same = |key: &Key| key.spec.name == spec.name;
    let old = state.providers.get(&spec.provider).and_then(|keys| keys.iter().find(|used| same(&used.key)));
    let Some(old) = old.map(|used| &used.key) else {
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
    let new = Key { spec: spec.clone(), health, seed: seed.cloned(), updated_at: old.updated_at, ..(**old).clone() };
    (new != **old).then(|| Change::Key(Arc::new(Key { updated_at: state.now, ..new })))
}

/// An entry that did not change since it was last seeded leaves the key to what an administrator made of it; a changed
/// one wins; a key whose entry is gone goes too, unless it was added by hand.
fn seed(state: &State, entries: &[(KeySpec, String)]) -> Result<Vec<Change>, KeyRefused> {
    let mut changes = Vec::new();
    let mut next = state.last_key;
    for (spec, fingerprint) in entries {
        spec.check()?;
        let seeded = |key: &Key| key.spec.name == spec.name && key.seed.as_ref() == Some(fingerprint);
        let keys = state.providers.get(&spec.provider).map(Vec::as_slice).unwrap_or_default();
        if !keys.iter().any(|used| seeded(&used.key)) {
            next += 1;
            changes.extend(put(state, spec, Some(fingerprint), next));
        }
    }
    let listed =
        |key: &Key| entries.iter().any(|(spec, _)| spec.provider == key.spec.provider && spec.name == key.spec.name);
    let gone = state.providers.values().flatten().filter(|used| used.key.seed.is_some() && !listed(&used.key));
    changes.extend(gone.map(|used| Change::KeyRemoved(used.key.id)));
    Ok(changes)
}
