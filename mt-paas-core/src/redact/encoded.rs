//! Secrets in the usual encodings, in a text that is short enough to be decoded.

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::known;
use super::rules::Rules;
use super::text;

/// Longer texts are read as they are.
const LONGEST: usize = 16 * 1024;
/// A secret of fewer bytes that is known by its shape alone does not exist.
const SHORTEST: usize = 8;
/// How many encodings lie over one another.
const DEPTH: usize = 3;

/// Whether a secret stands in `text`, or in what it says once it is decoded.
pub(super) fn holds_secret(rules: &Rules, text: &[u8]) -> bool {
    let mut texts = vec![text.to_vec()];
    for _ in 0..DEPTH {
        if texts.iter().any(|text| text::redacted(rules, text).is_some()) {
            return true;
        }
        texts.retain(|text| text.len() <= LONGEST);
        texts = texts.iter().flat_map(|text| decodings(text)).collect();
    }
    texts.iter().any(|text| text::redacted(rules, text).is_some())
}

/// Everything that `text` may mean. Chance decodes to anything, so what is no readable text is not meant.
fn decodings(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let in_base64 = |alphabet: &GeneralPurpose| alphabet.decode(&text[..text.len() - padding]).ok();
    let decoded = [
        known::unescaped(text),
        hex::decode(text).ok(),
        in_base64(&STANDARD_NO_PAD),
        in_base64(&URL_SAFE_NO_PAD),
        from_utf16(text),
    ];
    decoded.into_iter().flatten().filter(|text| text.len() >= SHORTEST && readable(text))
}

/// Text in UTF-16, or ready to be read as such.
fn readable(text: &[u8]) -> bool {
    let plain = |c: char| !c.is_control() || c.is_ascii_whitespace();
    let utf8 = std::str::from_utf8(text).is_ok_and(|text| text.chars().all(plain));
    utf8 || from_utf16(text).is_some()
}

/// Of ASCII characters, in either order.
fn from_utf16(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    let all = |high: usize| pairs.iter().all(|pair| pair[high] == 0 && (b' '..0x7f).contains(&pair[1 - high]));
    let high = [1, 0].into_iter().find(|high| all(*high)).filter(|_| rest.is_empty() && !pairs.is_empty())?;
    Some(pairs.iter().map(|pair| pair[1 - high]).collect())
}
