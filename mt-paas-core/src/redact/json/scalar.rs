//! Strings and numbers of JSON.

use super::escape::{escaped, unescaped};
use super::{JsonStream, MARK};
use crate::redact::name::Sort;
use crate::redact::pair::scheme;
use crate::redact::rules::Rules;
use crate::redact::text;
use crate::redact::window::Window;

/// JSON is read inside strings of JSON, but no further in than this; there it is free text.
const MOST_NESTED: u8 = 4;

/// `text` without its secrets, read as JSON if it looks like it; `None` if it holds none.
pub(in crate::redact) fn redacted_text(rules: &Rules, text: &[u8], nested: u8) -> Option<Vec<u8>> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if nested >= MOST_NESTED || !matches!(first, Some(b'{' | b'[')) {
        return text::redacted(rules, text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut json = JsonStream::new(nested + 1);
    json.feed(rules, text, &mut out);
    json.finish(rules, &mut out);
    (out != text).then_some(out)
}

/// What is shown of a secret text: the scheme before a credential, and whether there is anything at all.
pub(in crate::redact) fn hidden_text(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let scheme = scheme(Window::whole(text), 0).ok().flatten().map_or(0, |(behind, _)| behind);
    [&text[..scheme], MARK.as_bytes()].concat()
}

/// Writes a string, with its quotation marks, without its secrets.
pub(super) fn redacted_string(rules: &Rules, string: &[u8], nested: u8, out: &mut Vec<u8>) {
    let inside = &string[1..string.len() - 1];
    let redacted = if inside.contains(&b'\\') {
        redacted_text(rules, &unescaped(inside), nested).map(|text| escaped(&text))
    } else {
        redacted_text(rules, inside, nested).map(|text| escaped(&text))
    };
    match redacted {
        Some(text) => [b"\"", text.as_slice(), b"\""].iter().for_each(|part| out.extend_from_slice(part)),
        None => out.extend_from_slice(string),
    }
}

/// Writes a mark in place of a string.
pub(super) fn hidden_string(string: &[u8], out: &mut Vec<u8>) {
    let text = hidden_text(&unescaped(&string[1..string.len() - 1]));
    [b"\"", text.as_slice(), b"\""].iter().for_each(|part| out.extend_from_slice(part));
}

/// Whether a scalar may be seen under the name of a secret: it says whether there is one, or how many.
pub(super) fn stays(scalar: &[u8], sort: Sort) -> bool {
    matches!(scalar, b"true" | b"false" | b"null") || sort == Sort::Several && is_scalar(scalar)
}

/// Whether a token is a number or one of the names of JSON; those that Python and JavaScript add are accepted.
pub(super) fn is_scalar(scalar: &[u8]) -> bool {
    matches!(scalar, b"true" | b"false" | b"null" | b"NaN" | b"Infinity" | b"-Infinity") || is_number(scalar)
}

fn is_number(scalar: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = scalar.strip_prefix(b"-").unwrap_or(scalar);
    let whole = digits(rest);
    let rest = &rest[whole..];
    let fraction = rest.strip_prefix(b".").map_or(0, |rest| 1 + digits(rest));
    let rest = &rest[fraction..];
    let exponent = rest.strip_prefix(b"e").or(rest.strip_prefix(b"E"));
    let power = exponent.map(|rest| rest.strip_prefix(b"+").or(rest.strip_prefix(b"-")).unwrap_or(rest));
    whole > 0
        && fraction != 1
        && power.map_or(rest.is_empty(), |power| !power.is_empty() && digits(power) == power.len())
}
