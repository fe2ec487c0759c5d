//! Names with values in free text: `password=…`, `"api_key": "…"`, `Cookie: …`, `?token=…`.

use super::hit::Hit;
use super::name::{LONGEST, NEEDS_ANOTHER_WORD, Names, Naming, Sort, in_query};
use super::rest::{MOST_ESCAPES, Quote, Rest, bare_ends};
use super::window::{NeedMore, Window};

/// Words before a credential that say how it is to be used, and stay.
const SCHEMES: &[&str] =
    &["bearer", "basic", "digest", "token", "apikey", "api-key", "negotiate", "aws4-hmac-sha256", "key"];
/// Schemes whose credentials are many pairs.
const LONG_SCHEMES: &[&str] = &["digest", "aws4-hmac-sha256"];
/// Values that say that there is none.
const NOTHING: &[&str] = &["true", "false", "null", "none", "nil", "undefined"];
/// Letters before a quotation mark that say how to read what it quotes.
const LITERALS: &[&[u8]] = &[b"", b"b", b"r", b"br", b"rb", b"u", b"f"];

/// The secret whose name has a stem at `stem`.
pub(super) fn secret(text: Window<'_>, stem: usize, names: &Names) -> Result<Option<Hit>, NeedMore> {
    // The shortest stem is found by what stands before it.
    let stem = if is_name(text.bytes[stem]) { stem } else { stem + 1 };
    let name_end = text.run(stem, LONGEST, is_name)?;
    let Some(separator) = Separator::after(text, name_end)? else { return Ok(None) };
    let name_start = stem - text.before(stem).iter().rev().take(LONGEST).take_while(|byte| is_name(**byte)).count();
    let name_start = name_start + colour(text.before(name_start), &text.bytes[name_start..stem]);
    let Some(sort) = sort(text, name_start, name_end, separator, names)? else { return Ok(None) };
    value(text, separator, sort)
}

/// How many bytes of a scheme and the blanks behind it `value` begins with.
pub(super) fn scheme(text: Window<'_>, from: usize) -> Result<Option<(usize, bool)>, NeedMore> {
    let end = text.run(from, 20, |byte| byte.is_ascii_alphanumeric() || byte == b'-')?;
    let word = &text.bytes[from..end];
    let known = |list: &[&str]| list.iter().any(|scheme| scheme.as_bytes().eq_ignore_ascii_case(word));
    if !known(SCHEMES) {
        return Ok(None);
    }
    let behind = text.run(end, 8, |byte| byte == b' ')?;
    Ok((behind > end && text.byte(behind)?.is_some()).then_some((behind, known(LONG_SCHEMES))))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

/// The bytes at the beginning of `name` that belong to a colour before it.
fn colour(before: &[u8], name: &[u8]) -> usize {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if before.ends_with(b"\x1b[") && name.get(digits) == Some(&b'm') { digits + 1 } else { 0 }
}

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy)]
struct Separator {
    /// Behind it.
    end: usize,
    /// Whether it is a colon and a blank, as in a sentence.
    prose: bool,
    colon: bool,
    /// Whether it is an equals sign with a blank behind it alone: another pair may follow instead of a value.
    narrow: bool,
}

impl Separator {
    fn after(text: Window<'_>, name_end: usize) -> Result<Option<Self>, NeedMore> {
        let mut at = skip_colours(text, name_end)?;
        // The end of a quoted name, or of `user[password]`.
        at = text.run(at, MOST_ESCAPES, |byte| byte == b'\\')?;
        let quoted = matches!(text.byte(at)?, Some(b'"' | b'\'' | b'`' | b']'));
        if !quoted && at > name_end && text.bytes[at - 1] == b'\\' {
            return Ok(None);
        }
        at = skip_colours(text, at + usize::from(quoted))?;
        let blank = text.run(at, 4, |byte| byte == b' ')?;
        let wide = blank > at;
        at = blank;
        let (mut end, colon) = match (text.byte(at)?, text.byte(at + 1)) {
            (Some(b':'), Ok(Some(b'='))) | (Some(b'='), Ok(Some(b'>'))) => (at + 2, false),
            // Two of them compare, or name a path.
            (Some(first @ (b':' | b'=')), Ok(next)) if next != Some(first) => (at + 1, first == b':'),
            (Some(b':' | b'='), Err(NeedMore)) => return Err(NeedMore),
            _ => return Ok(None),
        };
        let sign = end;
        end = text.run(skip_colours(text, end)?, 4, |byte| matches!(byte, b' ' | b'\t'))?;
        end = skip_colours(text, end)?;
        let blank = end > sign;
        Ok(Some(Self { end, prose: colon && blank && !quoted, colon, narrow: !colon && blank && !wide }))
    }
}

fn skip_colours(text: Window<'_>, mut at: usize) -> Result<usize, NeedMore> {
    while text.byte(at)? == Some(0x1b) {
        let digits = text.run(at + 1, 14, |byte| matches!(byte, b'[' | b';' | b'0'..=b'9'))?;
        if text.byte(digits)? != Some(b'm') {
            break;
        }
        at = digits + 1;
    }
    Ok(at)
}

/// What sort of secret the name means, if one. A name of two words that says nothing by its last one is looked at whole.
fn sort(
    text: Window<'_>,
    start: usize,
    end: usize,
    separator: Separator,
    names: &Names,
) -> Result<Option<Sort>, NeedMore> {
    let name = String::from_utf8_lossy(&text.bytes[start..end]);
    match names.naming(&name) {
        Naming::Secret(sort) => return Ok(Some(sort)),
        Naming::Neutral => return Ok(None),
        Naming::Ordinary => {}
    }
    let before = text.before(start).last();
    if matches!(before, Some(b'?' | b'&' | b'#')) && in_query(&name) {
        let value = text.run(separator.end, 8, |byte| byte > b' ' && !b"&#\"'<>".contains(&byte))?;
        let digits = text.bytes[separator.end..value].iter().all(u8::is_ascii_digit);
        return Ok((value - separator.end >= 8 && !digits).then_some(Sort::Password));
    }
    if before == Some(&b' ') && NEEDS_ANOTHER_WORD.iter().any(|word| word.eq_ignore_ascii_case(&name)) {
        let word = text.before(start - 1).iter().rev().take(LONGEST).take_while(|byte| is_name(**byte)).count();
        let both = String::from_utf8_lossy(&text.bytes[start - 1 - word..end]);
        if let Naming::Secret(sort) = names.naming(&both) {
            return Ok(Some(sort));
        }
    }
    Ok(None)
}

fn value(text: Window<'_>, separator: Separator, sort: Sort) -> Result<Option<Hit>, NeedMore> {
    let mut start = separator.end;
    let prefix = text.run(start, 3, |byte| byte.is_ascii_alphabetic())?;
    if let Some(quote) = quote(text, prefix)?.filter(|_| LITERALS.contains(&&text.bytes[start..prefix])) {
        return quoted(text, prefix + quote.escapes + 1, quote);
    }
    let mut long = false;
    if let Some((behind, many)) = scheme(text, start)? {
        (start, long) = (behind, many);
        if let Some(quote) = quote(text, start)? {
            return quoted(text, start + quote.escapes + 1, quote);
        }
    }
    let word = text.run(start, 24, |byte| byte.is_ascii_alphanumeric() || byte == b'_')?;
    let next = text.byte(word)?;
    let opened = matches!(next, Some(b'(' | b'[' | b'{'))
        || text.bytes[start..word].first().is_some_and(u8::is_ascii_uppercase)
            && next == Some(b' ')
            && text.byte(word + 1)? == Some(b'{');
    if opened {
        return Ok(Some(hit(start, Rest::Bracketed { depth: 0, inside: None })));
    }
    let Some(first) = text.byte(start)? else { return Ok(None) };
    // A private key goes on over the ends of lines; another rule finds it.
    if first <= b' ' || bare_ends(text, start)? || text.says(start, b"-----BEGIN ")? {
        return Ok(None);
    }
    if separator.narrow && text.byte(name_behind(text, start)?)? == Some(b'=') {
        return Ok(None);
    }
    let alone =
        next.is_none_or(|byte| !(byte.is_ascii_graphic() || byte >= 0x80) || b",;&\"'`)]}>.:!\\<".contains(&byte));
    let said = &text.bytes[start..word];
    let nothing = NOTHING.iter().any(|nothing| nothing.as_bytes().eq_ignore_ascii_case(said));
    let counted = sort == Sort::Several && said.iter().all(u8::is_ascii_digit);
    let sentence = separator.prose && sort != Sort::Password && !long && start == separator.end && is_plain(said);
    if said.len() < 24 && !said.is_empty() && alone && (nothing || counted || sentence) {
        return Ok(None);
    }
    let rest = match sort {
        _ if long => Rest::Line,
        Sort::Cookie if separator.colon => Rest::Line,
        Sort::Cookie => Rest::Pairs,
        _ => Rest::Bare,
    };
    Ok(Some(hit(start, rest)))
}

fn hit(start: usize, rest: Rest) -> Hit {
    Hit { start, resume: start, rest }
}

/// The end of what may be a name at `start`.
fn name_behind(text: Window<'_>, start: usize) -> Result<usize, NeedMore> {
    text.run(start, LONGEST, is_name)
}

/// The quotation mark at `at`, with its backslashes.
fn quote(text: Window<'_>, at: usize) -> Result<Option<Quote>, NeedMore> {
    let mark = text.run(at, MOST_ESCAPES, |byte| byte == b'\\')?;
    Ok(text.byte(mark)?.filter(|byte| b"\"'`".contains(byte)).map(|byte| Quote { mark: byte, escapes: mark - at }))
}

fn quoted(text: Window<'_>, start: usize, quote: Quote) -> Result<Option<Hit>, NeedMore> {
    // A private key goes on over the ends of lines.
    if text.says(start, b"-----BEGIN ")? {
        return Ok(None);
    }
    let empty = text.run(start, MOST_ESCAPES + 1, |byte| byte == b'\\')?;
    if text.byte(empty)? == Some(quote.mark) && empty - start <= quote.escapes {
        return Ok(None);
    }
    let start = scheme(text, start)?.map_or(start, |(behind, _)| behind);
    Ok(Some(hit(start, Rest::Quoted(quote))))
}

/// A word of a sentence.
fn is_plain(word: &[u8]) -> bool {
    word.split_first().is_some_and(|(_, rest)| rest.iter().all(u8::is_ascii_lowercase)) && word[0].is_ascii_alphabetic()
}
