//! The escapes of JSON strings.

use std::borrow::Cow;

/// The content of a string without its escapes. Escapes that mean nothing stay as they are.
pub(in crate::redact) fn unescaped(inside: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', inside) else { return Cow::Borrowed(inside) };
    let mut text = Vec::with_capacity(inside.len());
    let (mut rest, mut next) = (inside, Some(first));
    while let Some(at) = next {
        text.extend_from_slice(&rest[..at]);
        let (decoded, length) = escape(&rest[at..]);
        match decoded {
            Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => text.extend_from_slice(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
        next = memchr::memchr(b'\\', rest);
    }
    text.extend_from_slice(rest);
    Cow::Owned(text)
}

/// The content of a string, escaped as far as it must be.
pub(in crate::redact) fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..b' ' => out.extend(format!("\\u{byte:04x}").into_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

/// The character that `text`, a backslash and more, begins with, and the length of its escape.
fn escape(text: &[u8]) -> (Option<char>, usize) {
    let simple = |c| (Some(c), 2);
    match text.get(1) {
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(byte @ (b'"' | b'\\' | b'/')) => simple(char::from(*byte)),
        Some(b'u') => unicode(text),
        Some(_) => (None, 2),
        None => (None, 1),
    }
}

fn unicode(text: &[u8]) -> (Option<char>, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(high @ 0xD800..0xDC00), Some(low @ 0xDC00..0xE000)) => {
            (char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)), 12)
        }
        // Half of a pair is no character.
        (Some(unit), _) => (Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)), 6),
        (None, _) => (None, 2),
    }
}
