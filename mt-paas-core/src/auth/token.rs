//! Tokens that stand for a login, and what a store keeps of them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::random;
use crate::secret::Secret;

/// Random bytes of a token.
const RANDOM: usize = 32;

/// Characters of a token: its bytes in base64url without padding.
const LENGTH: usize = 43;

macro_rules! token {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        ///
        /// 256 random bits as 43 characters of base64url, which need no escaping in a cookie, a header or a URL. Only its
        /// [digest](Self::digest) is ever stored. Tokens are not comparable: compare digests.
        #[derive(Debug, Clone)]
        pub struct $name(Secret<String>);

        impl $name {
            /// A new token.
            pub fn generate() -> Self {
                Self(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<RANDOM>())))
            }

            /// The text of the token, for the one answer that hands it out.
            pub fn expose(&self) -> &str {
                self.0.expose()
            }

            /// What a store keeps, and finds it by.
            pub fn digest(&self) -> TokenDigest {
                TokenDigest::of(self.expose())
            }
        }

        impl FromStr for $name {
            type Err = InvalidToken;

            fn from_str(text: &str) -> Result<Self, InvalidToken> {
                check(text).map(|()| Self(Secret::from(text)))
            }
        }
    };
}

token! {
    /// Proves that its bearer logged in.
    SessionToken
}

token! {
    /// Lets its bearer do one thing once, such as set a first password.
    OneTimeToken
}

/// The text is not a token. The message never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is {LENGTH} characters of base64url")]
pub struct InvalidToken;

/// Refuses what can be no token before any store is asked, and bounds what is hashed.
fn check(text: &str) -> Result<(), InvalidToken> {
    let mut bytes = [0; RANDOM];
    let read = (text.len() == LENGTH).then(|| BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes));
    if matches!(read, Some(Ok(RANDOM))) { Ok(()) } else { Err(InvalidToken) }
}

/// The SHA-256 of a token or key: all that a store or a cache keeps of one.
///
/// A fast hash is enough because what is hashed cannot be guessed (ASVS 5.0, 6.5.2). Equality takes the same time
/// wherever two digests differ, and `Hash` covers all 32 bytes, so that no two credentials share a place in a map.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The digest as a store keeps it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest as 64 lower-case hexadecimal digits, for stores that keep text.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl From<[u8; 32]> for TokenDigest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for TokenDigest {
    type Err = InvalidTokenDigest;

    fn from_str(text: &str) -> Result<Self, InvalidTokenDigest> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map(|()| Self(bytes)).map_err(|_| InvalidTokenDigest)
    }
}

/// The text is not the digest of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest of a token is 64 hexadecimal digits")]
pub struct InvalidTokenDigest;

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenDigest {}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Says nothing of the digest: whoever reads a log should not be able to find the row.
impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest([redacted])")
    }
}
