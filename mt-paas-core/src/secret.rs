//! Values that must not be seen.

use std::fmt;

use subtle::ConstantTimeEq;

/// A value that is never printed, serialised or compared in variable time.
///
/// ```
/// let key = mt_paas_core::Secret::new("market-key".to_owned());
/// assert_eq!(format!("{key:?}"), "[redacted]");
/// assert!(key.matches(b"market-key"));
/// ```
#[derive(Clone)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that has to use it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: AsRef<[u8]>> Secret<T> {
    /// Whether `candidate` is the secret, in a time that depends on the lengths alone.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_ref().ct_eq(candidate).into()
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::redact::MARK)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}
