//! Which keys a store has values of, so that a start with a wrong key fails at once and not at the first value.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SealError;
use super::key::SealKeyId;
use super::keyring::Keyring;
use super::place::SealPlace;
use crate::secret::Secret;
use crate::store::StoreError;

/// A key that sealed something in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// Its name.
    pub id: SealKeyId,
    /// A value that everybody knows, sealed under it.
    pub check: String,
    /// Since when it seals here.
    pub since: DateTime<Utc>,
}

/// The list of the keys of a store.
///
/// # Who this binds
///
/// Implementors promise that [`add_seal_key`](Self::add_seal_key) compares and adds in one step, also among processes.
#[async_trait]
pub trait SealKeyStore: Send + Sync {
    /// All keys, by their names.
    async fn seal_keys(&self) -> Result<Vec<KeptKey>, StoreError>;

    /// Adds a key if `beside` are all that are there, by their names. Says whether it did.
    async fn add_seal_key(&self, key: &KeptKey, beside: &[SealKeyId]) -> Result<bool, StoreError>;

    /// Takes a key from the list. Says whether it was there.
    async fn forget_seal_key(&self, key: SealKeyId) -> Result<bool, StoreError>;
}

/// A ring does not fit a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptKeysError {
    /// Values are sealed under keys that are not on the ring.
    #[error("values are sealed under the key {}, and given is {}", names(missing), names(given))]
    WrongKey {
        /// The keys that are not there.
        missing: Vec<SealKeyId>,
        /// The keys of the ring.
        given: Vec<SealKeyId>,
    },
    /// Somebody changed the check value of a key.
    #[error("the check value of the key {0} was changed")]
    Changed(SealKeyId),
    /// The ring could not seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The list could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets a ring work on a store: all keys that sealed something there must be on it, and the one that seals is noted before
/// it does. A ring without a key is let in; it does nothing.
///
/// # Errors
///
/// [`KeptKeysError`].
pub async fn admit(keyring: &Keyring, store: &dyn SealKeyStore, now: DateTime<Utc>) -> Result<(), KeptKeysError> {
    let Some(active) = keyring.active() else { return Ok(()) };
    loop {
        let kept = store.seal_keys().await?;
        let given: Vec<SealKeyId> = keyring.ids().collect();
        let missing: Vec<SealKeyId> = kept.iter().map(|key| key.id).filter(|id| !given.contains(id)).collect();
        if !missing.is_empty() {
            return Err(KeptKeysError::WrongKey { missing, given });
        }
        for key in &kept {
            check(keyring, key)?;
        }
        let beside: Vec<SealKeyId> = kept.iter().map(|key| key.id).collect();
        if beside.contains(&active) {
            return Ok(());
        }
        let id = active.to_string();
        let check = keyring.seal(&Secret::from(CHECK), place(&id))?;
        // Otherwise another process was first, maybe with another key.
        if store.add_seal_key(&KeptKey { id: active, check, since: now }, &beside).await? {
            return Ok(());
        }
    }
}

/// Takes keys from the list that have sealed nothing of what is `left`, but never the one that seals. Names them.
///
/// # Errors
///
/// The store's.
pub async fn retire(
    keyring: &Keyring,
    store: &dyn SealKeyStore,
    left: impl Fn(SealKeyId) -> bool + Send,
) -> Result<Vec<SealKeyId>, StoreError> {
    let mut retired = Vec::new();
    for key in store.seal_keys().await? {
        let idle = Some(key.id) != keyring.active() && !left(key.id);
        if idle && store.forget_seal_key(key.id).await? {
            retired.push(key.id);
        }
    }
    Ok(retired)
}

const CHECK: &str = "mt-paas";

fn place(id: &str) -> SealPlace<'_> {
    SealPlace { tenant: None, table: "mt_seal_keys", row: id, column: "check_value" }
}

fn check(keyring: &Keyring, key: &KeptKey) -> Result<(), KeptKeysError> {
    let opened = keyring.open(&key.check, place(&key.id.to_string()));
    let good =
        super::sealed_under(&key.check) == Some(key.id) && opened.is_ok_and(|plain| plain.matches(CHECK.as_bytes()));
    if good { Ok(()) } else { Err(KeptKeysError::Changed(key.id)) }
}

fn names(ids: &[SealKeyId]) -> String {
    ids.iter().map(SealKeyId::to_string).collect::<Vec<_>>().join(", ")
}
