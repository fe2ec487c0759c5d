//! Payloads of keys, sealed and opened.

use crate::secret::Secret;

use super::key::Provider;

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
    /// [`SealError::Failed`].
    fn seal(&self, plain: &Secret<String>, context: SealContext<'_>) -> Result<String, SealError>;

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    ///
    /// [`SealError::Foreign`], [`SealError::Failed`].
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
    /// The place as bytes, different for every place.
    pub fn bytes(&self) -> Vec<u8> {
        // The name of a provider holds no zero, so the first one ends it.
        [self.provider.as_str().as_bytes(), b"\0", self.name.as_bytes()].concat()
    }
}

/// A payload was not sealed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It was sealed by another seal or for another key, or was changed.
    #[error("the payload was not sealed here for this key")]
    Foreign,
    /// What the seal needs for its work is not there.
    #[error("the seal cannot work")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// No seal: payloads are kept as clear text, readable for everybody who can read the store. For pools in memory, for
/// tests, and until a service has a seal.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearText;

/// Tells clear text from what a seal made, so that neither is taken for the other.
const CLEAR: &str = "clear:";

impl PayloadSeal for ClearText {
    fn seal(&self, plain: &Secret<String>, _: SealContext<'_>) -> Result<String, SealError> {
        Ok(format!("{CLEAR}{}", plain.expose()))
    }

    fn open(&self, sealed: &str, _: SealContext<'_>) -> Result<Secret<String>, SealError> {
        sealed.strip_prefix(CLEAR).map(Secret::from).ok_or(SealError::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_foreign_texts_do_not_open() {
        let (one, other) = ("a".parse().unwrap(), "a-b".parse().unwrap());
        let place = |provider, name| SealContext { provider, name };
        assert_ne!(place(&one, "-b").bytes(), place(&other, "").bytes());
        let sealed = ClearText.seal(&Secret::from("{}"), place(&one, "k")).unwrap();
        assert_eq!(ClearText.open(&sealed, place(&one, "k")).unwrap().expose(), "{}");
        assert!(matches!(ClearText.open("{}", place(&one, "k")), Err(SealError::Foreign)));
    }
}
