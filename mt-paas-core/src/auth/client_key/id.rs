//! Names of keys, for lists and routes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of an id: 96 bits, of which 10⁷ keys share one with a chance below 10⁻¹⁴.
const LENGTH: usize = 24;

/// The public name of a key: 24 lower-case hexadecimal digits that follow from the key, as a digest of their own.
///
/// It lets people revoke a key without showing it, and logs name it. It proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{24}$"))]
pub struct ClientKeyId(String);

impl ClientKeyId {
    /// The id of a key.
    pub(super) fn of(key: &str) -> Self {
        // Not the beginning of the digest that stores look keys up by, so that an id gives none of it away.
        let digest = Sha256::new().chain_update(b"client key id\0").chain_update(key).finalize();
        Self(hex::encode(&digest[..LENGTH / 2]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientKeyId {
    type Error = InvalidClientKeyId;

    fn try_from(id: String) -> Result<Self, InvalidClientKeyId> {
        let legal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (id.len() == LENGTH && id.bytes().all(legal)).then_some(Self(id)).ok_or(InvalidClientKeyId)
    }
}

impl FromStr for ClientKeyId {
    type Err = InvalidClientKeyId;

    fn from_str(id: &str) -> Result<Self, InvalidClientKeyId> {
        Self::try_from(id.to_owned())
    }
}

impl From<ClientKeyId> for String {
    fn from(id: ClientKeyId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the id of a key. It is not repeated: it may be the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a key is {LENGTH} digits and letters from a to f")]
pub struct InvalidClientKeyId;
