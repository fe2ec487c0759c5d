//! What a token of JSON means where it stands.

use std::collections::HashMap;

use super::scalar::{hidden_string, is_scalar, redacted_string, stays};
use crate::redact::MARK;
use crate::redact::filter::NAME;
use crate::redact::name::{LONGEST, Naming, Sort};
use crate::redact::rules::Rules;

use super::escape::unescaped;

/// A piece of JSON text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'p> {
    Blank(&'p [u8]),
    /// `{ } [ ] , :`
    Mark(u8),
    /// With its quotation marks.
    String(&'p [u8]),
    /// A number, `true`, `false`, `null`, or something that is none of these.
    Scalar(&'p [u8]),
}

/// Whether a value is to be hidden as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    Yes,
    No,
}

/// What is open, and what may come next. What is written stays here until it is certain that it was JSON, so that a text
/// that only began like it is read again as free text, from the last name on.
#[derive(Default)]
pub(super) struct Grammar {
    open: Vec<Open>,
    expected: Expected,
    member: Member,
    /// The tokens since the last comma or bracket, as they came and as they will be written.
    came: Vec<u8>,
    ready: Vec<u8>,
    /// What names mean that were looked at closely and hold no secret themselves: records repeat them.
    seen: HashMap<Box<[u8]>, Naming>,
}

/// No JSON is nested deeper.
const DEEPEST: usize = 1024;
/// No more is held, of which all but two strings can only be blanks.
const MOST_HELD: usize = 4 * 1024 * 1024;
/// So many names are remembered, none of which is longer than a name is.
const MOST_SEEN: usize = 256;

/// An object or a list.
#[derive(Debug, Clone, Copy)]
struct Open {
    object: bool,
    /// The sort of secret that everything inside is.
    hide: Option<Sort>,
    /// The sort of secret that its member `value` is, as its member `name` says.
    named: Option<Sort>,
}

/// The member of an object whose value comes next.
#[derive(Debug, Clone, Copy)]
struct Member {
    naming: Naming,
    role: Role,
}

/// Members that describe one another: `{"name": "password", "value": "…"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redact) enum Role {
    Name,
    Value,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Expected {
    /// A value that stands by itself.
    #[default]
    Document,
    /// A name, or the end of the object.
    FirstName,
    Name,
    Colon,
    /// A value, or the end of the list.
    FirstValue,
    Value,
    CommaOrEnd,
}

impl Default for Member {
    fn default() -> Self {
        Self { naming: Naming::Ordinary, role: Role::Other }
    }
}

impl Role {
    pub(in crate::redact) fn of(name: &[u8]) -> Self {
        match name {
            b"name" | b"key" | b"field" | b"header" | b"Name" | b"Key" => Self::Name,
            b"value" | b"Value" => Self::Value,
            _ => Self::Other,
        }
    }
}

impl Grammar {
    /// Takes the next token; an error says that it is no JSON.
    pub(super) fn token(&mut self, token: Token<'_>, rules: &Rules, nested: u8, out: &mut Vec<u8>) -> Result<(), ()> {
        match token {
            Token::Blank(blank) => self.blank(blank, out),
            Token::Mark(mark) => {
                self.came.push(mark);
                self.mark(mark)?;
                self.ready.push(mark);
                if mark != b':' {
                    self.settle(out);
                }
            }
            Token::String(string) => {
                self.begin_document(out);
                self.came.extend_from_slice(string);
                match self.expected {
                    Expected::FirstName | Expected::Name => self.name(string, rules, nested),
                    _ => self.string(string, rules, nested)?,
                }
            }
            Token::Scalar(scalar) => {
                self.begin_document(out);
                self.came.extend_from_slice(scalar);
                self.scalar(scalar)?;
            }
        }
        Ok(())
    }

    /// Writes what is certain.
    pub(super) fn settle(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ready);
        self.ready.clear();
        self.came.clear();
    }

    /// What has not been written, as it came, and whether it stands inside a secret.
    pub(super) fn broken(self) -> (Vec<u8>, bool) {
        let hidden = self.open.iter().any(|open| open.hide.is_some());
        (self.came, hidden)
    }

    /// A string begins that is too long to be held.
    pub(super) fn long_string(&mut self, out: &mut Vec<u8>) -> Result<Hidden, ()> {
        let hide = self.hide();
        self.value()?;
        self.settle(out);
        out.push(b'"');
        if hide.is_none() {
            return Ok(Hidden::No);
        }
        out.extend_from_slice(MARK.as_bytes());
        Ok(Hidden::Yes)
    }

    /// The text ends inside a string.
    pub(super) fn broken_string(&mut self, out: &mut Vec<u8>) -> Result<(), ()> {
        if self.hide().is_none() || self.value().is_err() {
            return Err(());
        }
        self.settle(out);
        out.push(b'"');
        out.extend_from_slice(MARK.as_bytes());
        Ok(())
    }

    fn blank(&mut self, mut blank: &[u8], out: &mut Vec<u8>) {
        while !blank.is_empty() {
            let (now, later) = blank.split_at(blank.len().min(MOST_HELD.saturating_sub(self.came.len()).max(1)));
            self.came.extend_from_slice(now);
            self.ready.extend_from_slice(now);
            if self.came.len() >= MOST_HELD {
                self.settle(out);
            }
            blank = later;
        }
    }

    /// What stood before a value that stands by itself is done with.
    fn begin_document(&mut self, out: &mut Vec<u8>) {
        if self.expected == Expected::Document {
            self.settle(out);
        }
    }

    fn mark(&mut self, mark: u8) -> Result<(), ()> {
        match (mark, self.expected) {
            (b'{' | b'[', _) => {
                let hide = self.hide();
                self.value()?;
                if self.open.len() == DEEPEST {
                    return Err(());
                }
                let object = mark == b'{';
                self.open.push(Open { object, hide, named: None });
                self.expected = if object { Expected::FirstName } else { Expected::FirstValue };
            }
            (b'}', Expected::FirstName | Expected::CommaOrEnd) => self.close(true)?,
            (b']', Expected::FirstValue | Expected::CommaOrEnd) => self.close(false)?,
            (b',', Expected::CommaOrEnd) => {
                let object = self.open.last().is_some_and(|open| open.object);
                self.expected = if object { Expected::Name } else { Expected::Value };
            }
            (b':', Expected::Colon) => self.expected = Expected::Value,
            _ => return Err(()),
        }
        Ok(())
    }

    fn close(&mut self, object: bool) -> Result<(), ()> {
        self.open.pop().filter(|open| open.object == object).ok_or(())?;
        self.expected = if self.open.is_empty() { Expected::Document } else { Expected::CommaOrEnd };
        Ok(())
    }

    /// A value is read, if one may stand here.
    fn value(&mut self) -> Result<(), ()> {
        self.expected = match self.expected {
            Expected::Document => Expected::Document,
            Expected::FirstValue | Expected::Value => Expected::CommaOrEnd,
            _ => return Err(()),
        };
        Ok(())
    }

    fn name(&mut self, string: &[u8], rules: &Rules, nested: u8) {
        let inside = &string[1..string.len() - 1];
        self.expected = Expected::Colon;
        if let Some(naming) = self.seen.get(inside) {
            self.member = Member { naming: *naming, role: Role::of(inside) };
            self.ready.extend_from_slice(string);
            return;
        }
        let kinds = rules.filter.all(string);
        let hidden = self.open.last().is_some_and(|open| open.hide.is_some());
        let spelled_out = inside.is_ascii() && !inside.contains(&b'\\');
        let naming = if spelled_out && kinds & NAME == 0 && !hidden {
            Naming::Ordinary
        } else {
            rules.names.naming(&String::from_utf8_lossy(&unescaped(inside)))
        };
        self.member = Member { naming, role: Role::of(inside) };
        if spelled_out && kinds == 0 && !rules.may_hold_mail(string) {
            self.ready.extend_from_slice(string);
        } else {
            let before = self.ready.len();
            redacted_string(rules, string, nested, &mut self.ready);
            if self.ready[before..] == *string && inside.len() <= LONGEST && self.seen.len() < MOST_SEEN {
                self.seen.insert(inside.into(), naming);
            }
        }
    }

    fn string(&mut self, string: &[u8], rules: &Rules, nested: u8) -> Result<(), ()> {
        let hide = self.hide();
        self.value()?;
        if let Some(open) = self.open.last_mut().filter(|open| open.object && self.member.role == Role::Name) {
            let named = rules.names.naming(&String::from_utf8_lossy(&unescaped(&string[1..string.len() - 1])));
            open.named = if let Naming::Secret(sort) = named { Some(sort) } else { None };
        }
        match hide {
            Some(_) => hidden_string(string, &mut self.ready),
            None => redacted_string(rules, string, nested, &mut self.ready),
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: &[u8]) -> Result<(), ()> {
        let hide = self.hide();
        self.value()?;
        match hide {
            Some(sort) if !stays(scalar, sort) => self.ready.extend_from_slice(format!("\"{MARK}\"").as_bytes()),
            None if !is_scalar(scalar) => return Err(()),
            _ => self.ready.extend_from_slice(scalar),
        }
        Ok(())
    }

    /// The sort of secret that the next value is.
    fn hide(&self) -> Option<Sort> {
        let open = self.open.last()?;
        match self.member.naming {
            _ if !open.object => open.hide,
            Naming::Secret(sort) => Some(sort),
            Naming::Neutral => None,
            Naming::Ordinary if self.member.role == Role::Value => open.hide.or(open.named),
            Naming::Ordinary => open.hide,
        }
    }
}
