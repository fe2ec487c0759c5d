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

impl SessionToken {
    /// What the forms of this session hold, so that no other site can send them: it can be worked out from the token
    /// alone, and neither from what a store keeps nor back to the token.
    pub fn form_token(&self) -> String {
        let digest = Sha256::new().chain_update("mt-paas form\0").chain_update(self.expose()).finalize();
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }

    /// Whether a form that holds `candidate` is of this session, in constant time.
    pub fn made_form(&self, candidate: &str) -> bool {
        Secret::new(self.form_token()).matches(candidate.as_bytes())
    }
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

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn a_token_is_256_random_bits_that_a_cookie_can_hold() {
        let tokens: HashSet<String> = (0..1_000).map(|_| SessionToken::generate().expose().to_owned()).collect();
        assert_eq!(tokens.len(), 1_000);
        for token in &tokens {
            assert!(
                token.len() == LENGTH
                    && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            );
            let read: SessionToken = token.parse().unwrap();
            assert!(read.digest() == token.parse::<OneTimeToken>().unwrap().digest());
        }
        // Each of the 256 bits is set in about half of them; 8 standard deviations leave no room for chance.
        let bytes: Vec<_> = tokens.iter().map(|token| BASE64_URL_SAFE_NO_PAD.decode(token).unwrap()).collect();
        for bit in 0..256 {
            let set = bytes.iter().filter(|bytes| bytes[bit / 8] >> (bit % 8) & 1 == 1).count();
            assert!((374..=626).contains(&set), "bit {bit}: {set} of 1000");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_before_it_is_hashed() {
        let token = SessionToken::generate().expose().to_owned();
        let long = format!("{token}A");
        for bad in
            ["", &token[1..], &long, &token.replace(&token[5..6], "+"), &format!("{}한", &token[..40]), &"=".repeat(43)]
        {
            assert_eq!(bad.parse::<SessionToken>().unwrap_err(), InvalidToken, "{bad}");
        }
    }

    #[test]
    fn a_digest_is_the_sha256_of_the_text() {
        // `hashlib.sha256(b"A" * 43)` of Python 3.11.
        let hex = "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a";
        let digest = "A".repeat(43).parse::<SessionToken>().unwrap().digest();
        assert_eq!(digest.to_hex(), hex);
        assert!(hex.parse::<TokenDigest>().unwrap() == digest && TokenDigest::from(*digest.as_bytes()) == digest);
        for bad in ["", &hex[2..], &hex.replace('f', "g")] {
            assert_eq!(bad.parse::<TokenDigest>().unwrap_err(), InvalidTokenDigest);
        }
    }

    #[test]
    fn neither_a_token_nor_its_digest_is_printed() {
        let token = SessionToken::generate();
        assert_eq!(format!("{token:?}"), "SessionToken([redacted])");
        assert_eq!(format!("{:?}", token.digest()), "TokenDigest([redacted])");
    }

    /// How many of `pairs` lookups with another digest, equal to a kept one in all but one byte, find it.
    fn cross_hits<K: Eq + Hash>(pairs: u64, key: impl Fn([u8; 32]) -> K) -> u64 {
        let mut hits = 0;
        for start in (0..pairs).step_by(10_000) {
            let kept: Vec<[u8; 32]> =
                (start..start + 10_000).map(|pair| Sha256::digest(pair.to_le_bytes()).into()).collect();
            let cache: HashMap<K, u64> = (start..).zip(&kept).map(|(pair, digest)| (key(*digest), pair)).collect();
            for (pair, mut other) in (start..).zip(kept) {
                // Every byte has its turn, the last one too.
                other[(pair % 32) as usize] ^= 1 << (pair / 32 % 8);
                hits += u64::from(cache.contains_key(&key(other)));
            }
        }
        hits
    }

    #[test]
    fn no_two_tokens_share_a_place_in_a_cache() {
        assert_eq!(cross_hits(1_000_000, TokenDigest::from), 0);
        // The control: a cache that looks at the first 20 bytes mistakes whoever differs behind them.
        let short = cross_hits(10_000, |digest| <[u8; 20]>::try_from(&digest[..20]).unwrap());
        assert_eq!(short, (0..10_000).filter(|pair| pair % 32 >= 20).count() as u64);
    }

    #[test]
    fn tokens_that_differ_in_their_last_character_differ() {
        let token = "A".repeat(LENGTH);
        let other: SessionToken = format!("{}E", &token[1..]).parse().unwrap();
        assert!(token.parse::<SessionToken>().unwrap().digest() != other.digest());
    }
}
