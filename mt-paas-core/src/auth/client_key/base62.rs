//! Digits, capitals and small letters: text that a double click selects as a whole.

use crate::auth::random;

/// The characters, in the order of their values.
pub(super) const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Adds `count` characters, each equally likely.
pub(super) fn push_random(text: &mut String, count: usize) {
    let wanted = text.len() + count;
    while text.len() < wanted {
        // 248 is 4 × 62: bytes from there on would make the first characters likelier than the others.
        let fair = random::bytes::<48>().into_iter().filter(|byte| *byte < 248);
        let missing = wanted - text.len();
        text.extend(fair.take(missing).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
}
