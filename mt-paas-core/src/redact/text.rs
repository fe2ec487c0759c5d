//! Free text, whole or in pieces.

use super::MARK;
use super::rest::{Reach, Rest};
use super::rules::{Found, LOOK_BACK, Rules};
use super::window::Window;

/// `text` without its secrets; `None` if it holds none.
pub(super) fn redacted(rules: &Rules, text: &[u8]) -> Option<Vec<u8>> {
    let Found::Secret(_) = rules.find(Window::whole(text), 0) else { return None };
    let mut out = Vec::with_capacity(text.len());
    let mut place = Place::default();
    place.advance(rules, Window::whole(text), &mut out);
    Some(out)
}

/// A text that comes in pieces. Wherever it is cut, what comes out is the same.
pub(super) struct TextStream {
    /// What is not written yet, behind some of what is.
    held: Vec<u8>,
    place: Place,
}

/// Larger pieces are taken in parts, which stay in the processor's cache.
const PART: usize = 64 * 1024;

impl TextStream {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), place: Place::default() }
    }

    /// Takes the next piece, and writes what is certain by now.
    pub(super) fn feed(&mut self, rules: &Rules, piece: &[u8], out: &mut Vec<u8>) {
        for part in piece.chunks(PART) {
            self.held.extend_from_slice(part);
            self.place.advance(rules, Window { bytes: &self.held, begin: 0, complete: false }, out);
            let done = self.place.at.saturating_sub(LOOK_BACK);
            if done >= LOOK_BACK {
                self.held.drain(..done);
                self.place.shift(done);
            }
        }
    }

    /// Writes the rest.
    pub(super) fn finish(mut self, rules: &Rules, out: &mut Vec<u8>) {
        self.place.advance(rules, Window::whole(&self.held), out);
    }
}

/// How far a text has been written.
#[derive(Debug, Default)]
struct Place {
    /// Up to here.
    at: usize,
    /// Nothing before this place is there any more: the end of the last secret.
    floor: usize,
    /// The secret that goes on here, and where it began.
    secret: Option<(usize, Rest)>,
}

impl Place {
    /// Writes as much of the text as is certain.
    fn advance(&mut self, rules: &Rules, text: Window<'_>, out: &mut Vec<u8>) {
        loop {
            if let Some((start, rest)) = self.secret {
                let text = Window { begin: 0, ..text };
                let reach = match rest.reach(text, self.at) {
                    Reach::End(end) => rules.overhang(text, start, end),
                    so_far => so_far,
                };
                match reach {
                    Reach::End(end) => (self.at, self.floor, self.secret) = (end, end, None),
                    Reach::SoFar(at, rest) => {
                        (self.at, self.floor, self.secret) = (at, at, Some((start, rest)));
                        return;
                    }
                }
            }
            match rules.find(Window { begin: self.floor, ..text }, self.at) {
                Found::Secret(hit) => {
                    out.extend_from_slice(&text.bytes[self.at..hit.start]);
                    out.extend_from_slice(MARK.as_bytes());
                    (self.at, self.floor, self.secret) = (hit.resume, hit.resume, Some((hit.start, hit.rest)));
                }
                Found::Nothing(end) => {
                    let end = end.max(self.at);
                    out.extend_from_slice(&text.bytes[self.at..end]);
                    self.at = end;
                    return;
                }
            }
        }
    }

    /// Some bytes before are gone.
    fn shift(&mut self, done: usize) {
        self.at -= done;
        self.floor = self.floor.saturating_sub(done);
        if let Some((start, _)) = &mut self.secret {
            *start = start.saturating_sub(done);
        }
    }
}
