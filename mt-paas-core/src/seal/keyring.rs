//! The keys of a service.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;

use super::SealError;
use super::envelope::{Envelope, associated};
use super::key::{KEY, NONCE, SealKey, SealKeyId};
use super::place::SealPlace;
use super::weak::{Weakness, weakness};
use crate::secret::Secret;

/// The keys that seal and open. The first seals; all of them open. Cloning is cheap; clones are the same ring.
///
/// A ring without a key is what [`Default`] makes: it neither seals nor opens, and every try is
/// [`SealError::Sealed`].
///
/// ```
/// use mt_paas_core::Secret;
/// use mt_paas_core::seal::{Keyring, SealPlace};
///
/// let ring = Keyring::parse(Keyring::new_key()?.expose())?;
/// let place = SealPlace { tenant: None, table: "accounts", row: "7", column: "token" };
/// let sealed = ring.seal(&Secret::from("the token"), place)?;
/// assert_eq!(ring.open(&sealed, place)?.expose(), "the token");
/// assert!(ring.open(&sealed, SealPlace { row: "8", ..place }).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Keyring {
    keys: Arc<[SealKey]>,
}

/// A list of keys cannot be used. The message names the place in the list and never the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key {place} {fault}")]
pub struct InvalidKeyring {
    /// Its place in the list, counted from 1.
    pub place: usize,
    /// What is wrong with it.
    pub fault: KeyFault,
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// There is none.
    #[error("is missing")]
    Missing,
    /// It is something else.
    #[error("is not 32 bytes in base64, as `openssl rand -base64 32` prints them")]
    NotAKey,
    /// Somebody could guess it.
    #[error("{0}; `openssl rand -base64 32` makes a better one")]
    Weak(Weakness),
    /// It stands in the list twice.
    #[error("stands in the list before")]
    Repeated,
}

impl Keyring {
    /// Reads keys of 32 bytes in base64, separated by commas or blanks: the first seals, all of them open.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`]: also a key that somebody could guess, or that the whole world knows, is refused.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyring> {
        let mut keys: Vec<SealKey> = Vec::new();
        let words = text.split(|letter: char| letter == ',' || letter.is_whitespace());
        for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
            let refused = |fault| InvalidKeyring { place: at + 1, fault };
            let key = decode(word).ok_or(refused(KeyFault::NotAKey))?;
            if let Some(weakness) = weakness(word, &key) {
                return Err(refused(KeyFault::Weak(weakness)));
            }
            let key = SealKey::new(&key);
            if keys.iter().any(|known| known.id == key.id) {
                return Err(refused(KeyFault::Repeated));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(InvalidKeyring { place: 1, fault: KeyFault::Missing });
        }
        Ok(Self { keys: keys.into() })
    }

    /// A new key by chance, as text for [`parse`](Self::parse).
    ///
    /// # Errors
    ///
    /// [`SealError::Failed`] if the system has no random numbers.
    pub fn new_key() -> Result<Secret<String>, SealError> {
        loop {
            let key: [u8; KEY] = random()?;
            let text = BASE64_STANDARD.encode(key);
            // One in some millions spells a word.
            if weakness(&text, &key).is_none() {
                return Ok(Secret::new(text));
            }
        }
    }

    /// The key that seals; `None`: there is none.
    pub fn active(&self) -> Option<SealKeyId> {
        self.keys.first().map(|key| key.id)
    }

    /// All keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = SealKeyId> + '_ {
        self.keys.iter().map(|key| key.id)
    }

    /// Seals a value for this place and no other. Sealing it twice gives two texts.
    ///
    /// # Errors
    ///
    /// [`SealError::Sealed`], [`SealError::Failed`].
    pub fn seal(&self, plain: &Secret<String>, place: SealPlace<'_>) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::Sealed)?;
        // From the system each time, so that neither a fork nor a restored machine gives one twice.
        let nonce: [u8; NONCE] = random()?;
        let mut ciphertext = plain.expose().as_bytes().to_owned();
        let sealed = key.encrypt(nonce, &associated(key.id, place), &mut ciphertext);
        sealed.ok_or_else(|| SealError::Failed("the value is too long".into()))?;
        Ok(Envelope { key: key.id, nonce, ciphertext }.text())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    ///
    /// [`SealError::Sealed`], [`SealError::UnknownKey`], [`SealError::Foreign`].
    pub fn open(&self, sealed: &str, place: SealPlace<'_>) -> Result<Secret<String>, SealError> {
        if self.keys.is_empty() {
            return Err(SealError::Sealed);
        }
        let Envelope { key: id, nonce, ciphertext: mut buffer } = Envelope::read(sealed).ok_or(SealError::Foreign)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey(id))?;
        key.decrypt(nonce, &associated(id, place), &mut buffer).ok_or(SealError::Foreign)?;
        String::from_utf8(buffer).map(Secret::new).map_err(|_| SealError::Foreign)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ids().map(|id| id.to_string())).finish()
    }
}

/// Both alphabets, with or without padding.
fn decode(word: &str) -> Option<[u8; KEY]> {
    let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabets = [STANDARD, URL_SAFE];
    let key = alphabets.iter().find_map(|alphabet| GeneralPurpose::new(alphabet, padding).decode(word).ok())?;
    key.try_into().ok()
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| SealError::Failed(Box::new(error)))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> KeyFault {
        Keyring::parse(text).unwrap_err().fault
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let (one, other) = (Keyring::new_key().unwrap(), Keyring::new_key().unwrap());
        let place = SealPlace { tenant: None, table: "t", row: "r", column: "c" };
        let old = Keyring::parse(one.expose()).unwrap();
        let both = Keyring::parse(&format!("{}, {}\n", other.expose(), one.expose())).unwrap();
        assert_eq!(both.ids().count(), 2);
        let sealed = old.seal(&Secret::from("비밀"), place).unwrap();
        assert_eq!(both.open(&sealed, place).unwrap().expose(), "비밀");
        let newer = both.seal(&Secret::from("x"), place).unwrap();
        assert!(matches!(old.open(&newer, place), Err(SealError::UnknownKey(id)) if Some(id) == both.active()));
        assert!(!format!("{both:?}").contains(&other.expose()[..8]));
    }

    #[test]
    fn a_million_nonces_are_a_million() {
        let nonces = |count: usize| -> std::collections::HashSet<[u8; NONCE]> {
            (0..count).map(|_| random().unwrap()).collect()
        };
        assert_eq!(nonces(1_000_000).len(), 1_000_000);
        let short: std::collections::HashSet<[u8; 3]> = (0..20_000).map(|_| random().unwrap()).collect();
        assert!(short.len() < 20_000, "three bytes repeat");
    }

    #[test]
    fn a_ring_without_a_key_does_nothing() {
        let place = SealPlace { tenant: None, table: "t", row: "r", column: "c" };
        assert!(matches!(Keyring::default().seal(&Secret::from("x"), place), Err(SealError::Sealed)));
        assert!(matches!(Keyring::default().open("x", place), Err(SealError::Sealed)));
    }

    #[test]
    fn keys_come_in_both_alphabets_and_nothing_else_is_one() {
        let key = [251, 239, 190, 7, 91, 33, 180, 66, 9, 12, 201, 77, 54, 128, 39, 240, 1, 88, 143, 170, 222, 61, 99];
        let key = [&key[..], &[14, 117, 203, 46, 250, 83, 131, 29, 216]].concat();
        let standard = BASE64_STANDARD.encode(&key);
        assert!(standard.contains('+') && standard.ends_with('='));
        let url = standard.replace('+', "-").replace('/', "_");
        for text in [&standard, &url, url.trim_end_matches('='), &format!(" {standard},\n")] {
            assert_eq!(Keyring::parse(text).unwrap().ids().count(), 1, "{text}");
        }
        for text in ["hidden", &standard[4..], &format!("{standard}{standard}"), &"0123456789abcdef".repeat(4)] {
            assert_eq!(fault(text), KeyFault::NotAKey, "{text}");
        }
        assert_eq!((fault(""), fault(" ,")), (KeyFault::Missing, KeyFault::Missing));
        let twice = Keyring::parse(&format!("{standard},{url}")).unwrap_err();
        assert_eq!((twice.place, twice.fault), (2, KeyFault::Repeated));
    }
}
