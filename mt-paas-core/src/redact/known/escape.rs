//! One character, escaped in one of many ways.

use crate::redact::filter::WIDTH;
use crate::redact::window::{NeedMore, Window};

/// A character in UTF-8.
pub(super) struct Decoded {
    bytes: [u8; 4],
    length: usize,
}

impl Decoded {
    fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn char(c: char) -> Self {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Self { bytes, length }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// `text` without its escapes; `None` if it has none. A plus sign stays: it may be one.
pub(in crate::redact) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr3(b'%', b'\\', b'&', text)?;
    let (window, mut out, mut at) = (Window::whole(text), Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        match decoded(window, at, true) {
            Ok(Some((character, end))) if text[at] != b'+' => {
                out.extend_from_slice(character.as_bytes());
                at = end;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    (out != text).then_some(out)
}

/// Named references of HTML that escape single characters.
const NAMED: &[(&str, u8)] = &[("quot;", b'"'), ("amp;", b'&'), ("lt;", b'<'), ("gt;", b'>'), ("apos;", b'\'')];
/// No escaping goes deeper.
pub(super) const DEEPEST: usize = 31;

/// What the escape at `at` stands for, and where it ends. One that was escaped again is read as far as it goes if `again`.
pub(super) fn decoded(text: Window<'_>, at: usize, again: bool) -> Result<Option<(Decoded, usize)>, NeedMore> {
    match text.byte(at)? {
        Some(b'%') => percent(text, at + 1, again),
        Some(b'\\') => backslash(text, at),
        Some(b'&') => reference(text, at + 1, again),
        Some(b'+') => Ok(Some((Decoded::byte(b' '), at + 1))),
        _ => Ok(None),
    }
}

/// `%41`, also `%2541`, which was escaped twice.
fn percent(text: Window<'_>, mut at: usize, again: bool) -> Result<Option<(Decoded, usize)>, NeedMore> {
    for _ in 0..DEEPEST {
        if !again || !text.says(at, b"25")? || number(text, at + 2, 2, 2, 16)?.is_none() {
            break;
        }
        at += 2;
    }
    let byte =
        number(text, at, 2, 2, 16)?.and_then(|(value, end)| Some((Decoded::byte(u8::try_from(value).ok()?), end)));
    Ok(byte)
}

/// `\u0041`, `\u{41}`, `\x41`, `\n`, `\"`; behind more than one backslash if it was escaped more than once.
fn backslash(text: Window<'_>, at: usize) -> Result<Option<(Decoded, usize)>, NeedMore> {
    let letter = text.run(at, DEEPEST, |byte| byte == b'\\')?;
    let simple = |byte| Ok(Some((Decoded::byte(byte), letter + 1)));
    match text.byte(letter)? {
        Some(b'u') => unicode(text, letter + 1),
        Some(b'x') => Ok(number(text, letter + 1, 2, 2, 16)?
            .and_then(|(value, end)| Some((Decoded::byte(u8::try_from(value).ok()?), end)))),
        Some(b'n') => simple(b'\n'),
        Some(b'r') => simple(b'\r'),
        Some(b't') => simple(b'\t'),
        Some(byte @ (b'"' | b'\'' | b'/')) => simple(byte),
        _ => Ok(None),
    }
}

fn unicode(text: Window<'_>, at: usize) -> Result<Option<(Decoded, usize)>, NeedMore> {
    if text.byte(at)? == Some(b'{') {
        let Some((value, end)) = number(text, at + 1, 1, 6, 16)? else { return Ok(None) };
        let closed = text.byte(end)? == Some(b'}');
        return Ok(char::from_u32(value).filter(|_| closed).map(|c| (Decoded::char(c), end + 1)));
    }
    let Some((unit, end)) = number(text, at, 4, 4, 16)? else { return Ok(None) };
    if !(0xD800..0xDC00).contains(&unit) {
        return Ok(char::from_u32(unit).map(|c| (Decoded::char(c), end)));
    }
    let second = text.run(end, DEEPEST, |byte| byte == b'\\')?;
    if text.byte(second)? != Some(b'u') {
        return Ok(None);
    }
    let Some((low, end)) = number(text, second + 1, 4, 4, 16)? else { return Ok(None) };
    let c = low.checked_sub(0xDC00).and_then(|low| char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + low));
    Ok(c.map(|c| (Decoded::char(c), end)))
}

/// `&#65;`, `&#x41;`, `&amp;`, also `&amp;#65;`, which was escaped twice.
fn reference(text: Window<'_>, mut at: usize, again: bool) -> Result<Option<(Decoded, usize)>, NeedMore> {
    for _ in 0..DEEPEST {
        let more = again && text.says(at, b"amp;")?;
        let (nested, named) = (text.byte(at + 4), NAMED.iter());
        let goes_on = more
            && match nested? {
                Some(b'#') => true,
                Some(_) => any(named.map(|(name, _)| text.says(at + 4, name.as_bytes())))?,
                None => false,
            };
        if !goes_on {
            break;
        }
        at += 4;
    }
    for (name, byte) in NAMED {
        if text.says(at, name.as_bytes())? {
            return Ok(Some((Decoded::byte(*byte), at + name.len())));
        }
    }
    if text.byte(at)? != Some(b'#') {
        return Ok(None);
    }
    let hex = matches!(text.byte(at + 1)?, Some(b'x' | b'X'));
    let digits = at + 1 + usize::from(hex);
    let Some((value, end)) = number(text, digits, 1, 8, if hex { 16 } else { 10 })? else { return Ok(None) };
    let closed = text.byte(end)? == Some(b';');
    Ok(char::from_u32(value).filter(|_| closed).map(|c| (Decoded::char(c), end + 1)))
}

fn any(answers: impl Iterator<Item = Result<bool, NeedMore>>) -> Result<bool, NeedMore> {
    for answer in answers {
        if answer? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn number(
    text: Window<'_>,
    at: usize,
    least: usize,
    most: usize,
    radix: u32,
) -> Result<Option<(u32, usize)>, NeedMore> {
    let end = text.run(at, most, |byte| char::from(byte).is_digit(radix))?;
    let digits = std::str::from_utf8(&text.bytes[at.min(end)..end]).unwrap_or_default();
    Ok(u32::from_str_radix(digits, radix).ok().filter(|_| digits.len() >= least).map(|value| (value, end)))
}

/// The first four bytes, in lower case, of everything that [`decoded`] reads as `bytes`, or as bytes that begin so. Letters
/// and digits that are escaped behind others that are not are left out: nobody writes so, and they would be many.
pub(super) fn beginnings(bytes: &[u8]) -> Vec<[u8; WIDTH]> {
    let mut found = Vec::new();
    begin(bytes, &[], &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn begin(bytes: &[u8], written: &[u8], found: &mut Vec<[u8; WIDTH]>) {
    if let Some(four) = written.first_chunk::<WIDTH>() {
        found.push(four.map(|byte| byte | 0x20));
        return;
    }
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut with = |escape: &[u8]| begin(rest, &[written, escape].concat(), found);
    with(&[first]);
    if first == b'\\' {
        with(b"\\\\");
        with(b"\\\\\\\\");
    }
    if !first.is_ascii_alphanumeric() || written.first().is_none_or(|byte| b"%\\&".contains(byte)) {
        escapes(first).iter().for_each(|escape| with(escape));
    }
}

/// How an escape of a character that begins with `first` may begin, as far as four bytes tell.
fn escapes(first: u8) -> Vec<Vec<u8>> {
    const HEX: &[u8] = b"0123456789abcdef";
    let two = |digits: &'static [u8]| digits.iter().flat_map(|a| digits.iter().map(|b| [*a, *b]));
    let mut escapes =
        vec![format!("%{first:02x}").into_bytes(), format!("\\x{first:02x}").into_bytes(), b"&amp".to_vec()];
    escapes.extend(
        HEX.iter().flat_map(|digit| ["%25", "&#x", "\\u{"].map(|start| [start.as_bytes(), &[*digit]].concat())),
    );
    escapes.extend(two(HEX).map(|digits| [&b"\\u"[..], &digits].concat()));
    escapes.extend(two(b"0123456789").map(|digits| [&b"&#"[..], &digits].concat()));
    // Escaped twice, or more often.
    escapes.extend(two(b"\\ux\"'/nrt0123456789abcdef{").map(|next| [&b"\\\\"[..], &next].concat()));
    for (byte, letter) in [(b'\n', b'n'), (b'\r', b'r'), (b'\t', b't'), (b'"', b'"'), (b'\'', b'\''), (b'/', b'/')] {
        if byte == first {
            escapes.extend([vec![b'\\', letter], vec![b'\\', b'\\', letter]]);
        }
    }
    escapes.extend(NAMED.iter().filter(|(_, byte)| *byte == first).map(|(name, _)| format!("&{name}").into_bytes()));
    if first == b' ' {
        escapes.push(vec![b'+']);
    }
    escapes
}
