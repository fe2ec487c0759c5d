//! Names of tenants and users. A value of these types is well formed; it is checked once, when it is parsed. Cloning is
//! cheap.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A marketplace's name for a tenant: 1 to 64 of `A-Z a-z 0-9 _ -`, beginning with a letter or digit. Letter case counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", example = "hallym_univ"))]
pub struct TenantId(Arc<str>);

/// A service's name for a user: 1 to 64 of `A-Z a-z 0-9 . _ ~ -`, so that it needs no escaping in a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,64}$"))]
pub struct UserId(Arc<str>);

const OPERATORS: &str = "_operators";

/// The text is not an id; the message says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

impl TenantId {
    /// The tenant of those who run the service. No market can name it, because no id that is parsed begins with `_`.
    pub fn operators() -> Self {
        Self(OPERATORS.into())
    }

    /// Reads an id where those who run the service may be meant as well, as at a login: of a market's tenant, or
    /// `_operators`.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] says what an id looks like.
    pub fn of_console(id: &str) -> Result<Self, InvalidId> {
        if id == OPERATORS { Ok(Self::operators()) } else { id.parse() }
    }

    /// Reads an id that this crate wrote: of a market's tenant, or of the operators'.
    #[cfg(feature = "sea-orm")]
    pub(crate) fn stored(id: &str) -> Result<Self, InvalidId> {
        Self::of_console(id)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserId {
    /// A new id that nobody can guess.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }

    /// The id that a digest comes to, in the form of a random one.
    pub(crate) fn digested(digest: &[u8; 32]) -> Self {
        Self(digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidId;

    fn try_from(id: String) -> Result<Self, InvalidId> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let starts_well = id.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        (starts_well && id.len() <= 64 && id.bytes().all(legal))
            .then(|| Self(id.into()))
            .ok_or(InvalidId("a tenant id is 1 to 64 letters, digits, '_' or '-', beginning with a letter or digit"))
    }
}

impl TryFrom<String> for UserId {
    type Error = InvalidId;

    fn try_from(id: String) -> Result<Self, InvalidId> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
        // `.` and `..` are path segments that clients resolve away before they send.
        let path_trick = id == "." || id == "..";
        (!id.is_empty() && id.len() <= 64 && !path_trick && id.bytes().all(legal))
            .then(|| Self(id.into()))
            .ok_or(InvalidId("a user id is 1 to 64 letters, digits, '.', '_', '~' or '-'"))
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(id: &str) -> Result<Self, InvalidId> {
                Self::try_from(id.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(TenantId);
text_id!(UserId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_is_what_the_contract_says_and_nothing_else() {
        for good in ["a", "7", "hallym_univ", "A-b_9", &"x".repeat(64)] {
            assert!(good.parse::<TenantId>().is_ok(), "{good}");
        }
        for bad in ["", "_operators", "-a", "a b", "a/b", "..", "a.b", "한림", "a\0", &"x".repeat(65)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_console_names_the_operators_too() {
        assert_eq!(TenantId::of_console("_operators"), Ok(TenantId::operators()));
        assert_eq!(TenantId::of_console("t1"), "t1".parse());
        for bad in ["_Operators", "_operators ", "_other", ""] {
            assert!(TenantId::of_console(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_id_is_safe_in_a_url() {
        assert!(UserId::random().as_str().parse::<UserId>().is_ok());
        for bad in ["", ".", "..", "a/b", "a%2f", "é", "a?b", &"x".repeat(65)] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }
}
