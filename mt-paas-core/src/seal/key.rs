//! One key, and its name.

use std::fmt;
use std::str::FromStr;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// How many bytes a key has.
pub(super) const KEY: usize = 32;
/// How many bytes a nonce has.
pub(super) const NONCE: usize = 24;

/// A key's name: eight bytes of its hash, as 16 hexadecimal digits. It tells keys apart and says nothing else of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealKeyId([u8; 8]);

/// The text names no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a key is 16 hexadecimal digits in lower case")]
pub struct InvalidSealKeyId;

impl SealKeyId {
    pub(super) fn of(key: &[u8; KEY]) -> Self {
        let digest = Sha256::new().chain_update(b"mt-paas seal key id\0").chain_update(key).finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SealKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for SealKeyId {
    type Err = InvalidSealKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidSealKeyId> {
        let legal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 16 || !text.bytes().all(legal) {
            return Err(InvalidSealKeyId);
        }
        u64::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| InvalidSealKeyId)
    }
}

/// A key. Its bytes are wiped when it is dropped.
pub(super) struct SealKey {
    pub(super) id: SealKeyId,
    cipher: XChaCha20Poly1305,
}

impl SealKey {
    pub(super) fn new(key: &[u8; KEY]) -> Self {
        Self { id: SealKeyId::of(key), cipher: XChaCha20Poly1305::new(&(*key).into()) }
    }

    /// Encrypts `buffer` where it is and appends the tag. `None`: it is longer than the cipher allows (256 GiB).
    pub(super) fn encrypt(&self, nonce: [u8; NONCE], data: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
        self.cipher.encrypt_in_place(&XNonce::from(nonce), data, buffer).ok()
    }

    /// Decrypts `buffer` where it is. `None`: that is not what was encrypted with this key and this data.
    pub(super) fn decrypt(&self, nonce: [u8; NONCE], data: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
        self.cipher.decrypt_in_place(&XNonce::from(nonce), data, buffer).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_in_no_other_way() {
        let id = SealKeyId::of(&[7; KEY]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(SealKeyId::of(&[8; KEY]), id);
        for text in ["", "0123456789abcde", "0123456789ABCDEF", "+123456789abcdef", "0123456789abcdef0"] {
            assert_eq!(text.parse::<SealKeyId>(), Err(InvalidSealKeyId), "{text}");
        }
    }
}
