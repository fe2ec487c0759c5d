//! Secrets in the usual encodings, in a text that is short enough to be decoded.

use base64::Engine;
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
    let shows = |text: &Vec<u8>| text::redacted(rules, text).is_some_and(|hidden| hidden != *text);
    let mut texts = vec![text.to_vec()];
    for _ in 0..DEPTH {
        if texts.iter().any(shows) {
            return true;
        }
        texts.retain(|text| text.len() <= LONGEST);
        texts = texts.iter().flat_map(|text| decodings(text)).collect();
    }
    texts.iter().any(shows)
}

/// Whether all of `text` is base64, and says a secret.
pub(super) fn is_secret_in_base64(rules: &Rules, text: &[u8]) -> bool {
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let decoded = STANDARD_NO_PAD.decode(&text[..text.len() - padding]);
    decoded.is_ok_and(|text| readable(&text) && holds_secret(rules, &text))
}

/// Everything that `text`, or a word of it, may mean. Chance decodes to anything, so what is no readable text is not meant.
fn decodings(text: &[u8]) -> Vec<Vec<u8>> {
    let hex_digits = words(text, |byte| byte.is_ascii_hexdigit()).filter_map(|word| hex::decode(word).ok());
    let standard = words(text, |byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    let for_urls = words(text, |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let standard = standard.filter_map(|word| STANDARD_NO_PAD.decode(word).ok());
    let for_urls = for_urls.filter_map(|word| URL_SAFE_NO_PAD.decode(word).ok());
    let whole = [known::unescaped(text), from_utf16(text)].into_iter().flatten();
    let all = whole.chain(hex_digits).chain(standard).chain(for_urls);
    all.filter(|text| text.len() >= SHORTEST && readable(text)).collect()
}

/// The runs of bytes of an alphabet.
fn words(text: &[u8], alphabet: impl Fn(u8) -> bool) -> impl Iterator<Item = &[u8]> {
    text.split(move |byte| !alphabet(*byte)).filter(|word| word.len() >= SHORTEST)
}

/// Text, also with what UTF-16 puts between its characters.
fn readable(text: &[u8]) -> bool {
    let plain = |c: char| !c.is_control() || c.is_ascii_whitespace() || c == '\0';
    std::str::from_utf8(text).is_ok_and(|text| text.chars().all(plain))
}

/// What ASCII characters in UTF-16 of either order say; `None` if it can be none.
fn from_utf16(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(0, text)?;
    Some(text.iter().copied().filter(|byte| *byte != 0).collect())
}
