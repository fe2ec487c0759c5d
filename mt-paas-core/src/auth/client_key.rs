//! Keys of clients: what they look like, so that a mistyped one is refused without asking any store.

mod base62;
mod checksum;
mod error;
mod id;
mod purpose;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use self::checksum::checksum;
use super::token::TokenDigest;
use crate::secret::Secret;

pub use error::InvalidClientKey;
pub use id::{ClientKeyId, InvalidClientKeyId};
pub use purpose::KeyPurpose;

/// A key that a program shows to be let in: a prefix that says [what it is for](KeyPurpose), 32 random characters and a
/// checksum of 6, as in `mtp_live_` followed by 38 of `0-9 A-Z a-z`.
///
/// The random part holds 190 bits. The checksum is the CRC-32 (ISO-HDLC) of all before it, written in base 62; a key with
/// one wrong character, or with two neighbours swapped, is refused offline. It is not a proof: only a store knows which
/// keys exist. [`PATTERN`](Self::PATTERN) finds keys in text. Keys are not comparable: compare [digests](Self::digest).
///
/// ```
/// use mt_paas_core::auth::{ClientKey, KeyPurpose};
///
/// let key = ClientKey::generate(KeyPurpose::Live);
/// let read: ClientKey = key.expose().parse()?;
/// assert!(read.digest() == key.digest());
/// # Ok::<(), mt_paas_core::auth::InvalidClientKey>(())
/// ```
#[derive(Clone)]
pub struct ClientKey {
    purpose: KeyPurpose,
    text: Secret<String>,
}

impl ClientKey {
    /// A regular expression that finds every key, and little else, in any text. It asks for no word boundary, because
    /// Korean writes on right behind a word.
    pub const PATTERN: &'static str = "mtp_(?:live|test|mkt|srv)_[0-9A-Za-z]{38}";

    /// Random characters of a key.
    const RANDOM: usize = 32;

    /// Characters of its checksum.
    const CHECKSUM: usize = checksum::LENGTH;

    /// A new key.
    pub fn generate(purpose: KeyPurpose) -> Self {
        let mut text = purpose.prefix().to_owned();
        base62::push_random(&mut text, Self::RANDOM);
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Self { purpose, text: Secret::new(text) }
    }

    /// What the key is for.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// The whole key, for the one answer that hands it out.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// What a store keeps, and finds it by.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.expose())
    }

    /// The name of the key in lists, routes and logs. Whoever has the key can work it out; it does not lead back.
    pub fn id(&self) -> ClientKeyId {
        ClientKeyId::of(self.expose())
    }

    /// What lists may show, so that people recognise their key: the prefix and the last four characters, which are of the
    /// checksum.
    pub fn shown(&self) -> String {
        let text = self.expose();
        format!("{}…{}", self.purpose.prefix(), &text[text.len() - 4..])
    }
}

impl FromStr for ClientKey {
    type Err = InvalidClientKey;

    fn from_str(text: &str) -> Result<Self, InvalidClientKey> {
        let purpose = KeyPurpose::of(text).ok_or(InvalidClientKey::Prefix)?;
        let expected = purpose.prefix().len() + Self::RANDOM + Self::CHECKSUM;
        // Characters, not bytes: people count those.
        let length = text.chars().count();
        if length != expected {
            return Err(InvalidClientKey::Length { expected, length });
        }
        let body = purpose.prefix().len();
        let foreign = text.chars().skip(body).position(|character| !character.is_ascii_alphanumeric());
        if let Some(position) = foreign {
            return Err(InvalidClientKey::Character { position: body + position + 1 });
        }
        let (summed, sum) = text.as_bytes().split_at(expected - Self::CHECKSUM);
        // The checksum is no secret, so it may be compared as fast as it can be.
        if checksum(summed) != sum {
            return Err(InvalidClientKey::Checksum);
        }
        Ok(Self { purpose, text: Secret::from(text) })
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKey({}[redacted])", self.purpose.prefix())
    }
}
