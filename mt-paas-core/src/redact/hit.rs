//! What the rules found.

use super::rest::Rest;

/// A secret, from its first byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// Where the secret begins.
    pub(super) start: usize,
    /// Up to where it certainly reaches.
    pub(super) resume: usize,
    /// How to find its end.
    pub(super) rest: Rest,
}
