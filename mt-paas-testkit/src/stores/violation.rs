//! How a test says that a promise was broken.

use std::fmt;

/// What a store did and should not have done, in a sentence.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation(String);

impl Violation {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same, in a context.
    #[must_use]
    pub(super) fn after(self, context: impl fmt::Display) -> Self {
        Self(format!("{context}: {}", self.0))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An operation that fails breaks a promise too.
impl<E: std::error::Error> From<E> for Violation {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        Self(text)
    }
}

/// Demands that something holds.
macro_rules! holds {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::stores::Violation::new(format!($($text)+)));
        }
    };
}

/// Demands that what was found is what was expected.
macro_rules! same {
    ($found:expr, $expected:expr, $($text:tt)+) => {
        // A match, so that temporaries live until the comparison is over.
        match (&$found, &$expected) {
            (found, expected) => {
                if found != expected {
                    let what = format!($($text)+);
                    return Err($crate::stores::Violation::new(format!(
                        "{what}: expected {expected:?}, found {found:?}"
                    )));
                }
            }
        }
    };
}

pub(super) use {holds, same};
