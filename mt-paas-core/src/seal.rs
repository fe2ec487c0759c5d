//! Secrets that are kept sealed: encrypted, and bound to the one place where they stand.
//!
//! A [`Keyring`] seals a value for its [`SealPlace`] and opens it there and nowhere else. What comes out is a text that
//! names its key, so that values sealed under several keys stand side by side while [`reseal`] moves them to a new one.
//!
//! Values are sealed directly by XChaCha20-Poly1305 under the ring's first key, each with 24 random bytes as its nonce.
//! There is no data key for each value: random nonces of this length never run out, values are short, and to seal one
//! again costs no more than it would to wrap its data key again.

mod envelope;
mod kept_keys;
mod key;
mod keyring;
mod place;
mod reseal;
mod rows;
mod weak;

pub use envelope::sealed_under;
pub use kept_keys::{KeptKey, KeptKeysError, SealKeyStore, admit, retire};
pub use key::{InvalidSealKeyId, SealKeyId};
pub use keyring::{InvalidKeyring, KeyFault, Keyring};
pub use place::{RowPlace, SealPlace};
pub use reseal::{Progress, ResealError, reseal};
pub use rows::{Replaced, Resealed, RowPage, SealedRow, SealedRows};
pub use weak::Weakness;

/// A value was not sealed or opened. No message holds any of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is no key, so nothing is sealed and nothing opens.
    #[error("secrets are sealed: there is no key for them")]
    Sealed,
    /// It was sealed under a key that is not on the ring.
    #[error("the value is sealed under the key {0}, which is not there")]
    UnknownKey(SealKeyId),
    /// It was not sealed, was sealed for another place, or was changed.
    #[error("the value was not sealed for this place, or was changed")]
    Foreign,
    /// What the seal needs for its work is not there.
    #[error("the seal cannot work")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
