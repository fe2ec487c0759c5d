//! Payloads of keys, sealed and opened.

use super::key::Provider;
use crate::seal::{Keyring, RowPlace, SealError};
use crate::secret::Secret;

/// Seals the payloads of keys before they go into a store, and opens them for whoever holds a lease.
///
/// # Who this binds
///
/// Implementors promise that a text which was changed, which they did not seal, or which was sealed for another
/// [context](SealContext) is an error and never opens; and that no error repeats a payload. Sealing the same payload
/// twice may give two texts.
pub trait PayloadSeal: Send + Sync + 'static {
    /// Seals a payload for this place and no other.
    ///
    /// # Errors
    ///
    /// [`SealError::Sealed`], [`SealError::Failed`].
    fn seal(&self, plain: &Secret<String>, context: SealContext<'_>) -> Result<String, SealError>;

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    ///
    /// [`SealError::Foreign`], [`SealError::UnknownKey`], [`SealError::Sealed`], [`SealError::Failed`].
    fn open(&self, sealed: &str, context: SealContext<'_>) -> Result<Secret<String>, SealError>;
}

/// Where a payload belongs. It is authenticated with it, so that nobody can put one key's payload into another's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// Whose key it is.
    pub provider: &'a Provider,
    /// The key's name.
    pub name: &'a str,
}

impl SealContext<'_> {
    /// The place, different for every context and the same in every store.
    pub fn place(&self) -> RowPlace {
        RowPlace {
            tenant: None,
            table: "mt_key_pool".to_owned(),
            // The name of a provider holds no slash, so the first one ends it.
            row: format!("{}/{}", self.provider, self.name),
            column: "payload".to_owned(),
        }
    }
}

/// The seal of services.
impl PayloadSeal for Keyring {
    fn seal(&self, plain: &Secret<String>, context: SealContext<'_>) -> Result<String, SealError> {
        Self::seal(self, plain, context.place().place())
    }

    fn open(&self, sealed: &str, context: SealContext<'_>) -> Result<Secret<String>, SealError> {
        Self::open(self, sealed, context.place().place())
    }
}

/// No seal: payloads are kept as clear text, readable for everybody who can read the store. For pools in memory and for
/// tests. A [`reseal`](crate::seal::reseal) of the pool seals what was kept so.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearText;

/// Tells clear text from what a seal made, so that neither is taken for the other.
const CLEAR: &str = "clear:";

impl PayloadSeal for ClearText {
    fn seal(&self, plain: &Secret<String>, _: SealContext<'_>) -> Result<String, SealError> {
        Ok(format!("{CLEAR}{}", plain.expose()))
    }

    fn open(&self, sealed: &str, _: SealContext<'_>) -> Result<Secret<String>, SealError> {
        clear(sealed).ok_or(SealError::Foreign)
    }
}

/// What was kept as clear text; `None`: it was not.
pub(super) fn clear(text: &str) -> Option<Secret<String>> {
    text.strip_prefix(CLEAR).map(Secret::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_foreign_texts_do_not_open() {
        let (one, other) = ("a".parse().unwrap(), "a-b".parse().unwrap());
        let place = |provider, name| SealContext { provider, name };
        assert_ne!(place(&one, "-b/").place(), place(&other, "/").place());
        let sealed = ClearText.seal(&Secret::from("{}"), place(&one, "k")).unwrap();
        assert_eq!(ClearText.open(&sealed, place(&one, "k")).unwrap().expose(), "{}");
        assert!(matches!(ClearText.open("{}", place(&one, "k")), Err(SealError::Foreign)));
    }
}
