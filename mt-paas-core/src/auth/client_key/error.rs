//! What is wrong with a text that should be a key.

use super::KeyPurpose;

/// Why a text is no key of a client. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClientKey {
    /// It begins with none of the prefixes.
    #[error("a key begins with {}", KeyPurpose::PREFIXES)]
    Prefix,
    /// Something is missing or too much.
    #[error("this key has {expected} characters, not {length}: was it copied whole?")]
    Length {
        /// How long a key with this prefix is, in characters.
        expected: usize,
        /// How long the text is.
        length: usize,
    },
    /// A character that no key has.
    #[error("character {position} is neither a digit nor a letter from A to Z")]
    Character {
        /// Where it stands; the first character is 1.
        position: usize,
    },
    /// A character is wrong, or two are swapped.
    #[error("the key is mistyped: its checksum does not fit")]
    Checksum,
}
