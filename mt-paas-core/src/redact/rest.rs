//! Where a secret ends. It may be longer than what is held of the text, so its end is looked for piece by piece.

use super::window::{NeedMore, Window};

/// How the rest of a secret is told from what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It ends here.
    Ended,
    /// It goes on while the bytes are of one alphabet.
    Run(Alphabet),
    /// To the quotation mark that closes it, or the end of the line.
    Quoted(Quote),
    /// A value without quotation marks: to a blank, or to punctuation that is not part of it.
    Bare,
    /// To the bracket that closes it, or the end of the line.
    Bracketed {
        /// How many are open.
        depth: u16,
        /// The quotation that is open.
        inside: Option<Quote>,
    },
    /// Pairs behind one another, `a=b; c=d`.
    Pairs,
    /// To the end of the line.
    Line,
    /// To the last line of a private key.
    Pem,
}

/// The bytes that a sort of key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `A-Z a-z 0-9`
    Alphanumeric,
    /// `A-Z 0-9`
    Upper,
    /// `A-Z a-z 0-9 _ -`
    Token,
    /// `A-Z a-z 0-9 _ - .`
    Dotted,
    /// What may stand behind a scheme, before the equals signs at its end (RFC 7235).
    Token68,
    /// `A-Z a-z 0-9 + /`
    Base64,
}

/// A quotation mark, with the backslashes before it: none in plain text, 1 inside a JSON text, 3 inside one inside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) mark: u8,
    pub(super) escapes: usize,
}

/// No more backslashes before a quotation mark are counted.
pub(super) const MOST_ESCAPES: usize = 31;
/// How far behind a separator a name is looked for.
const NAME: usize = 64;

impl Alphabet {
    pub(super) fn holds(self, byte: u8) -> bool {
        match self {
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Token => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::Token68 => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b'+' | b'/'),
        }
    }
}

/// How far a search came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The secret ends here.
    End(usize),
    /// It reaches this far at least; what follows is needed to say more. The bytes before are not needed again, but for a few.
    SoFar(usize, Rest),
}

impl Rest {
    /// Looks for the end of the secret that goes on at `from`.
    pub(super) fn reach(self, text: Window<'_>, from: usize) -> Reach {
        match self {
            Self::Ended => Reach::End(from),
            Self::Run(alphabet) => self.ends_at(text, from, |byte| !alphabet.holds(byte)),
            Self::Line => self.ends_at(text, from, |byte| byte == b'\n'),
            Self::Quoted(quote) => self.quoted(text, from, quote),
            Self::Bracketed { depth, inside } => bracketed(text, from, depth, inside),
            Self::Bare => self.punctuated(text, from, bare_ends),
            Self::Pairs => self.punctuated(text, from, pairs_end),
            Self::Pem => self.pem(text, from),
        }
    }

    fn ends_at(self, text: Window<'_>, from: usize, ends: impl Fn(u8) -> bool) -> Reach {
        match text.bytes[from..].iter().position(|&byte| ends(byte)) {
            Some(length) => Reach::End(from + length),
            None => self.out_of_bytes(text, text.bytes.len()),
        }
    }

    fn out_of_bytes(self, text: Window<'_>, at: usize) -> Reach {
        if text.complete { Reach::End(text.bytes.len()) } else { Reach::SoFar(at, self) }
    }

    fn quoted(self, text: Window<'_>, from: usize, quote: Quote) -> Reach {
        for (at, &byte) in text.bytes.iter().enumerate().skip(from) {
            if byte == b'\n' {
                return Reach::End(at);
            }
            if byte == quote.mark {
                let escapes = backslashes(&text.bytes[..at]);
                if quote.closed_by(escapes) {
                    return Reach::End(at - escapes.min(quote.escapes).min(at - from));
                }
            }
        }
        // Backslashes at the end belong to a quotation mark that has not come yet.
        let held = backslashes(text.bytes).min(text.bytes.len() - from);
        self.out_of_bytes(text, text.bytes.len() - held)
    }

    fn punctuated(
        self,
        text: Window<'_>,
        from: usize,
        ends: impl Fn(Window<'_>, usize) -> Result<bool, NeedMore>,
    ) -> Reach {
        for at in from..text.bytes.len() {
            match ends(text, at) {
                Ok(true) => return Reach::End(at),
                Ok(false) => {}
                Err(NeedMore) => return Reach::SoFar(at, self),
            }
        }
        self.out_of_bytes(text, text.bytes.len())
    }

    fn pem(self, text: Window<'_>, from: usize) -> Reach {
        let inside =
            |byte: u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,".contains(&byte);
        let mut at = from;
        while let Some(&byte) = text.bytes.get(at) {
            if byte == b'-' {
                match last_line(text, at) {
                    Ok(Some(end)) => return Reach::End(end),
                    Ok(None) => {}
                    Err(NeedMore) => return Reach::SoFar(at, self),
                }
            } else if !inside(byte) {
                return Reach::End(at);
            }
            at += 1;
        }
        self.out_of_bytes(text, at)
    }
}

impl Quote {
    /// Whether a mark behind so many backslashes closes what this one opened. Each level of nesting doubles the
    /// backslashes and adds one, so an inner mark has more of them and an outer mark fewer.
    fn closed_by(self, escapes: usize) -> bool {
        escapes < self.escapes || (escapes - self.escapes).is_multiple_of(2 * (self.escapes + 1))
    }
}

/// How many backslashes `bytes` ends with.
pub(super) fn backslashes(bytes: &[u8]) -> usize {
    bytes.iter().rev().take(MOST_ESCAPES + 1).take_while(|byte| **byte == b'\\').count()
}

fn is_blank(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// Whether a value without quotation marks ends before `at`. Punctuation ends it where a text would go on behind it, so
/// that `(password=a)b, user=c)` loses neither too little nor too much.
pub(super) fn bare_ends(text: Window<'_>, at: usize) -> Result<bool, NeedMore> {
    let byte = text.bytes[at];
    Ok(match byte {
        _ if is_blank(byte) => true,
        b'&' | b';' | b',' => pair_or_nothing(text, at + 1)?,
        b'"' | b'\'' | b'`' | b')' | b']' | b'}' | b'>' => {
            text.byte(at + 1)?.is_none_or(|next| is_blank(next) || b"\"'`)]}>,;.:\\&<".contains(&next))
        }
        b'\\' => text.byte(at + 1)?.is_some_and(|next| b"nrt\"'\\u".contains(&next)),
        b'<' => text.byte(at + 1)?.is_some_and(|next| next == b'/'),
        _ => false,
    })
}

/// Like [`bare_ends`], but goes on behind `; `.
fn pairs_end(text: Window<'_>, at: usize) -> Result<bool, NeedMore> {
    let byte = text.bytes[at];
    let goes_on = match byte {
        b';' => text.byte(at + 1)? == Some(b' '),
        b' ' => at > 0 && text.bytes[at - 1] == b';',
        _ => false,
    };
    Ok(!goes_on && byte != b',' && bare_ends(text, at)?)
}

/// Whether what begins at `from` is a name with a separator, a blank, or nothing at all.
fn pair_or_nothing(text: Window<'_>, from: usize) -> Result<bool, NeedMore> {
    let Some(first) = text.byte(from)? else { return Ok(true) };
    if is_blank(first) || b"\"'`)]}".contains(&first) {
        return Ok(true);
    }
    let name = text.run(from, NAME, |byte| Alphabet::Dotted.holds(byte) || byte >= 0x80)?;
    Ok(name > from && matches!(text.byte(name)?, Some(b'=' | b':')))
}

fn bracketed(text: Window<'_>, from: usize, mut depth: u16, mut inside: Option<Quote>) -> Reach {
    for (at, &byte) in text.bytes.iter().enumerate().skip(from) {
        match (inside, byte) {
            (_, b'\n') => return Reach::End(at),
            (Some(quote), _) if byte == quote.mark && quote.closed_by(backslashes(&text.bytes[..at])) => inside = None,
            (None, b'"' | b'\'') => {
                inside = Some(Quote { mark: byte, escapes: backslashes(&text.bytes[..at]).min(MOST_ESCAPES) });
            }
            (None, b'(' | b'[' | b'{') => depth = depth.saturating_add(1),
            (None, b')' | b']' | b'}') if depth <= 1 => return Reach::End(at + 1),
            (None, b')' | b']' | b'}') => depth -= 1,
            _ => {}
        }
    }
    Rest::Bracketed { depth, inside }.out_of_bytes(text, text.bytes.len())
}

/// The end of `-----END …-----` at `at`.
fn last_line(text: Window<'_>, at: usize) -> Result<Option<usize>, NeedMore> {
    if !text.says(at, b"-----END ")? {
        return Ok(None);
    }
    let label = text.run(at + 9, 64, |byte| byte != b'-' && byte != b'\n')?;
    Ok(Some(text.run(label, 5, |byte| byte == b'-')?))
}
