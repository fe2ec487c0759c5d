//! JSON text in pieces, without a tree.

mod escape;
mod grammar;
mod scalar;

use memchr::memchr2;

use super::MARK;
use super::rules::Rules;
use super::text::TextStream;
use grammar::{Grammar, Hidden, Token};

pub(super) use grammar::Role;
pub(super) use scalar::{hidden_text, redacted_text};

/// A JSON text that comes in pieces, or several behind one another. What is no JSON is free text from there on.
pub(super) struct JsonStream {
    mode: Mode,
    /// How many JSON texts it stands inside.
    nested: u8,
}

enum Mode {
    Json(Box<Reader>),
    Text(TextStream),
    /// It broke off inside a secret: nothing of the rest may be seen.
    Nothing,
}

/// Longer strings are not decoded, and their JSON is read as free text.
pub(super) const LONGEST_STRING: usize = 1024 * 1024;
/// No number or name such as `true` is longer.
const LONGEST_SCALAR: usize = 1024;

/// Reads tokens.
#[derive(Default)]
struct Reader {
    grammar: Grammar,
    /// The string or scalar that is not complete yet.
    token: Vec<u8>,
    /// Whether the next byte of the string is escaped.
    escaped: bool,
    /// The string that is too long to be held.
    long: Option<Long>,
}

enum Long {
    Hidden,
    Open(TextStream),
}

impl JsonStream {
    pub(super) fn new(nested: u8) -> Self {
        Self { mode: Mode::Json(Box::default()), nested }
    }

    /// Takes the next piece, and writes what is certain by now.
    pub(super) fn feed(&mut self, rules: &Rules, piece: &[u8], out: &mut Vec<u8>) {
        let rest = match &mut self.mode {
            Mode::Json(reader) => match reader.read(rules, piece, self.nested, out) {
                Ok(()) => return,
                Err(Broken(rest)) => rest,
            },
            Mode::Text(text) => return text.feed(rules, piece, out),
            Mode::Nothing => return,
        };
        self.fall_back(rules, &piece[piece.len() - rest..], out);
    }

    /// Writes the rest.
    pub(super) fn finish(mut self, rules: &Rules, out: &mut Vec<u8>) {
        if let Mode::Json(reader) = &mut self.mode
            && reader.finish(rules, self.nested, out).is_err()
        {
            self.fall_back(rules, &[], out);
        }
        match self.mode {
            Mode::Json(mut reader) => reader.grammar.settle(out),
            Mode::Text(text) => text.finish(rules, out),
            Mode::Nothing => {}
        }
    }

    /// Goes on in free text, with what was read last.
    fn fall_back(&mut self, rules: &Rules, rest: &[u8], out: &mut Vec<u8>) {
        let Mode::Json(reader) = std::mem::replace(&mut self.mode, Mode::Nothing) else { return };
        let (unsettled, hidden) = reader.grammar.broken();
        if hidden {
            out.extend_from_slice(MARK.as_bytes());
            return;
        }
        let mut text = TextStream::new();
        text.feed(rules, &unsettled, out);
        text.feed(rules, &reader.token, out);
        text.feed(rules, rest, out);
        self.mode = Mode::Text(text);
    }
}

/// It is no JSON; so many bytes of the piece have not been read.
struct Broken(usize);

impl Reader {
    fn read(&mut self, rules: &Rules, piece: &[u8], nested: u8, out: &mut Vec<u8>) -> Result<(), Broken> {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if self.long.is_some() {
                rest = self.read_long(rules, rest, out);
            } else if let Some(b'"') = self.token.first() {
                rest = self.read_string(rules, rest, nested, out)?;
            } else if !self.token.is_empty() || !ends_scalar(first) {
                rest = self.read_scalar(rules, rest, nested, out)?;
            } else if first == b'"' {
                // Most strings are there as a whole, and need not be held.
                match string_end(&rest[1..], &mut false) {
                    Some(end) if end < LONGEST_STRING => {
                        self.grammar
                            .token(Token::String(&rest[..=end]), rules, nested, out)
                            .map_err(|()| Broken(rest.len() - end - 1))?;
                        rest = &rest[end + 1..];
                    }
                    _ => {
                        self.token.push(b'"');
                        rest = &rest[1..];
                    }
                }
            } else {
                let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
                let (token, length) = match blank {
                    0 => (Token::Mark(first), 1),
                    _ => (Token::Blank(&rest[..blank]), blank),
                };
                self.grammar.token(token, rules, nested, out).map_err(|()| Broken(rest.len() - length))?;
                rest = &rest[length..];
            }
        }
        Ok(())
    }

    /// Goes on with the string that is held.
    fn read_string<'p>(
        &mut self,
        rules: &Rules,
        rest: &'p [u8],
        nested: u8,
        out: &mut Vec<u8>,
    ) -> Result<&'p [u8], Broken> {
        let escaped_before = self.escaped;
        let end = string_end(rest, &mut self.escaped);
        let length = end.unwrap_or(rest.len());
        if self.token.len() + length > LONGEST_STRING {
            return self.begin_long(rules, rest, escaped_before, out);
        }
        self.token.extend_from_slice(&rest[..length]);
        if end.is_some() {
            let token = std::mem::take(&mut self.token);
            self.grammar.token(Token::String(&token), rules, nested, out).map_err(|()| Broken(rest.len() - length))?;
            self.token = token;
            self.token.clear();
        }
        Ok(&rest[length..])
    }

    /// Goes over to reading a string that is not held.
    fn begin_long<'p>(
        &mut self,
        rules: &Rules,
        rest: &'p [u8],
        escaped: bool,
        out: &mut Vec<u8>,
    ) -> Result<&'p [u8], Broken> {
        self.escaped = escaped;
        self.long = Some(match self.grammar.long_string(out).map_err(|()| Broken(rest.len()))? {
            Hidden::Yes => Long::Hidden,
            Hidden::No => {
                let mut text = TextStream::new();
                text.feed(rules, &self.token[1..], out);
                Long::Open(text)
            }
        });
        self.token.clear();
        Ok(rest)
    }

    fn read_long<'p>(&mut self, rules: &Rules, rest: &'p [u8], out: &mut Vec<u8>) -> &'p [u8] {
        let end = string_end(rest, &mut self.escaped);
        let content = end.map_or(rest, |end| &rest[..end - 1]);
        if let Some(Long::Open(text)) = &mut self.long {
            text.feed(rules, content, out);
        }
        let Some(end) = end else { return &[] };
        if let Some(Long::Open(text)) = self.long.take() {
            text.finish(rules, out);
        }
        out.push(b'"');
        &rest[end..]
    }

    fn read_scalar<'p>(
        &mut self,
        rules: &Rules,
        rest: &'p [u8],
        nested: u8,
        out: &mut Vec<u8>,
    ) -> Result<&'p [u8], Broken> {
        let end = rest.iter().position(|byte| ends_scalar(*byte));
        let length = end.unwrap_or(rest.len());
        if self.token.is_empty() && end.is_some() && length <= LONGEST_SCALAR {
            self.grammar
                .token(Token::Scalar(&rest[..length]), rules, nested, out)
                .map_err(|()| Broken(rest.len() - length))?;
            return Ok(&rest[length..]);
        }
        let room = length.min(LONGEST_SCALAR + 1 - self.token.len().min(LONGEST_SCALAR));
        self.token.extend_from_slice(&rest[..room]);
        if end.is_some() || self.token.len() > LONGEST_SCALAR {
            let token = std::mem::take(&mut self.token);
            self.grammar.token(Token::Scalar(&token), rules, nested, out).map_err(|()| Broken(rest.len() - room))?;
        }
        Ok(&rest[room..])
    }

    fn finish(&mut self, rules: &Rules, nested: u8, out: &mut Vec<u8>) -> Result<(), ()> {
        match self.long.take() {
            Some(Long::Open(text)) => text.finish(rules, out),
            Some(Long::Hidden) | None => {}
        }
        match self.token.first() {
            None => Ok(()),
            Some(b'"') => self.grammar.broken_string(out),
            Some(_) => {
                let token = std::mem::take(&mut self.token);
                self.grammar.token(Token::Scalar(&token), rules, nested, out)
            }
        }
    }
}

/// Behind the mark that closes a string of which `bytes` is a part.
fn string_end(bytes: &[u8], escaped: &mut bool) -> Option<usize> {
    let mut at = usize::from(*escaped);
    *escaped = *escaped && bytes.is_empty();
    while let Some(length) = memchr2(b'"', b'\\', bytes.get(at..)?) {
        at += length + 1;
        if bytes[at - 1] == b'"' {
            return Some(at);
        }
        if at == bytes.len() {
            *escaped = true;
            return None;
        }
        at += 1;
    }
    None
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"')
}
