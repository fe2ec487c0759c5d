//! Names and passwords in URLs, e-mail addresses, and private keys in PEM.

use super::hit::Hit;
use super::rest::Rest;
use super::window::{NeedMore, Window};

/// How far the end of user information is looked for.
const LONGEST_AUTHORITY: usize = 1024;
/// How long the name of a mailbox is, at most (RFC 5321).
pub(super) const LONGEST_MAILBOX: usize = 64;

/// The user information of the URL whose scheme ends at `at`.
pub(super) fn user_info(text: Window<'_>, at: usize) -> Result<Option<Hit>, NeedMore> {
    if !text.says(at + 1, b"://")? {
        return Ok(None);
    }
    let start = at + 4;
    let end = text.run(start, LONGEST_AUTHORITY, |byte| byte > b' ' && byte != 0x7f && !b"\"'`<>\\".contains(&byte))?;
    let all = &text.bytes[start..end];
    let authority = &all[..all.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(all.len())];
    let last_at = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'@');
    let length = last_at(authority).or_else(|| {
        // A password may hold what ends an authority; a colon before a number is that of a port.
        let colon = authority.iter().position(|byte| *byte == b':')?;
        let port = authority[colon + 1..].iter().all(u8::is_ascii_digit) || authority.starts_with(b"[");
        if port { None } else { last_at(all) }
    });
    Ok(length.filter(|length| *length > 0).map(|length| Hit { start, resume: start + length, rest: Rest::Ended }))
}

/// The private key whose first line has its word BEGIN behind the dash at `at`.
pub(super) fn private_key(text: Window<'_>, at: usize) -> Result<Option<Hit>, NeedMore> {
    if text.before(at).len() < 4 || !text.bytes[..=at].ends_with(b"-----") || !text.says(at + 1, b"BEGIN ")? {
        return Ok(None);
    }
    let label = text.run(at + 7, 64, |byte| byte.is_ascii_uppercase() || byte == b' ' || byte.is_ascii_digit())?;
    let private = text.bytes[at + 7..label].windows(11).any(|words| words == b"PRIVATE KEY");
    let end = text.run(label, 5, |byte| byte == b'-')?;
    Ok(private.then_some(Hit { start: at - 4, resume: end, rest: Rest::Pem }))
}

/// The e-mail address around the `@` at `at`.
pub(super) fn email(text: Window<'_>, at: usize) -> Result<Option<Hit>, NeedMore> {
    let mailbox = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte) || byte >= 0x80;
    let before = text.before(at).iter().rev().take(LONGEST_MAILBOX).take_while(|byte| mailbox(**byte)).count();
    let end = text.run(at + 1, 255, |byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte) || byte >= 0x80)?;
    let domain = text.bytes[at + 1..end].strip_suffix(b".").unwrap_or(&text.bytes[at + 1..end]);
    let top = domain.iter().rposition(|byte| *byte == b'.').map(|dot| &domain[dot + 1..]);
    let good =
        top.is_some_and(|top| top.len() >= 2 && !top.iter().any(u8::is_ascii_digit)) && !domain.starts_with(b".");
    let hit = Hit { start: at - before, resume: at + 1 + domain.len(), rest: Rest::Ended };
    Ok((before > 0 && good).then_some(hit))
}
