//! All rules together: what is looked for, and what is found first.

use super::address;
use super::filter::{ADDRESS, Filter, KNOWN, Kinds, MAIL, NAME, PEM, SCHEME, SHAPE, WIDTH};
use super::hit::Hit;
use super::known::Known;
use super::name::{self, Names};
use super::pair;
use super::rest::{Reach, Rest};
use super::shape::{self, SHAPES, Shape};
use super::window::{NeedMore, Window};

/// The compiled rules.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) filter: Filter,
    pub(super) names: Names,
    pub(super) emails: bool,
    pub(super) known: Known,
    /// The shapes that begin with a byte.
    shapes: Vec<Vec<&'static Shape>>,
}

/// What is found first in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A secret.
    Secret(Hit),
    /// None begins before this place; what follows is needed to say more.
    Nothing(usize),
}

/// No rule looks further back than this.
pub(super) const LOOK_BACK: usize = 256;
/// How far before the place that gives it away a secret may begin.
const HELD: usize = 4;

impl Default for Rules {
    fn default() -> Self {
        Self::new(Names::default(), false, Known::default())
    }
}

impl Rules {
    pub(super) fn new(names: Names, emails: bool, known: Known) -> Self {
        let filter = Filter::new(built_in().chain(added(&names)).chain(known.beginnings().map(|four| (four, KNOWN))));
        let mut shapes = vec![Vec::new(); 256];
        for shape in SHAPES {
            shapes[usize::from(shape.beginning.as_bytes()[0])].push(shape);
        }
        Self { filter, names, emails, known, shapes }
    }

    /// The secret that begins first, of those that are found at or behind `from`.
    pub(super) fn find(&self, text: Window<'_>, from: usize) -> Found {
        let mut at = from;
        let mut mail = self.next_mail(text.bytes, at);
        let mut first: Option<Hit> = None;
        // Where the first hit was given away: up to here everything is decided, whatever follows.
        let mut decided = usize::MAX;
        while let Some((place, kinds)) = self.candidate(text.bytes, at, &mut mail) {
            // A value stands behind its name; other secrets may stand between them.
            if first.is_some_and(|first| first.start < place) {
                return first.map_or(Found::Nothing(place), Found::Secret);
            }
            match self.look(text, place, kinds) {
                Ok(Some(hit)) => {
                    first = first.filter(|first| first.start <= hit.start).or(Some(hit));
                    decided = decided.min(place);
                }
                Ok(None) => {}
                Err(NeedMore) => return Found::Nothing(self.held_before(text, decided.min(place))),
            }
            at = place + 1;
        }
        let looked_at = text.bytes.len().saturating_sub(WIDTH - 1);
        match first {
            Some(hit) if text.complete || hit.start < looked_at => Found::Secret(hit),
            _ if text.complete => Found::Nothing(text.bytes.len()),
            _ => Found::Nothing(self.held_before(text, decided.min(looked_at))),
        }
    }

    /// The next place that is worth a closer look.
    fn candidate(&self, bytes: &[u8], at: usize, mail: &mut Option<usize>) -> Option<(usize, Kinds)> {
        if mail.is_some_and(|place| place < at) {
            *mail = self.next_mail(bytes, at);
        }
        match (self.filter.find(bytes, at), *mail) {
            (Some((place, kinds)), Some(mail)) if place == mail => Some((place, kinds | MAIL)),
            (Some((place, kinds)), mail) if mail.is_none_or(|mail| place < mail) => Some((place, kinds)),
            (_, mail) => mail.map(|mail| (mail, MAIL)),
        }
    }

    /// Where the secrets end that begin in another one, which lies from `start` to `end`, and reach beyond it.
    pub(super) fn overhang(&self, text: Window<'_>, start: usize, mut end: usize) -> Reach {
        let mut at = start.max(end.saturating_sub(LOOK_BACK));
        while let Some((place, kinds)) = self.filter.find(text.bytes, at).filter(|(place, _)| *place < end) {
            match self.look(text, place, kinds & (SHAPE | KNOWN)) {
                Ok(Some(hit)) => match hit.rest.reach(text, hit.resume) {
                    Reach::End(reached) => end = end.max(reached),
                    so_far => return so_far,
                },
                Ok(None) => {}
                Err(NeedMore) => return Reach::SoFar(end, Rest::Ended),
            }
            at = place + 1;
        }
        // The last bytes are too few to tell.
        let undecided = !text.complete && end + WIDTH > text.bytes.len() + 1;
        if undecided { Reach::SoFar(end, Rest::Ended) } else { Reach::End(end) }
    }

    fn look(&self, text: Window<'_>, at: usize, kinds: Kinds) -> Result<Option<Hit>, NeedMore> {
        let mut first: Option<Hit> = None;
        let mut keep = |hit: Option<Hit>| {
            if let Some(hit) = hit.filter(|hit| hit.start >= text.begin) {
                first = first.filter(|first| first.start <= hit.start).or(Some(hit));
            }
        };
        if kinds & SHAPE != 0 {
            keep(shape::key(text, at, &self.shapes[usize::from(text.bytes[at])])?);
            keep(shape::jwt(text, at)?);
        }
        if kinds & PEM != 0 {
            keep(address::private_key(text, at)?);
        }
        if kinds & ADDRESS != 0 {
            keep(address::user_info(text, at)?);
        }
        if kinds & SCHEME != 0 {
            keep(shape::after_scheme(text, at)?);
        }
        if kinds & NAME != 0 {
            keep(pair::secret(text, at, &self.names)?);
        }
        if kinds & MAIL != 0 {
            keep(address::email(text, at)?);
        }
        // Last: what reaches beyond the end that another rule finds is taken care of there.
        if kinds & KNOWN != 0 {
            keep(self.known.secret(text, at)?);
        }
        Ok(first)
    }

    /// Whether an e-mail address that is to be hidden may stand in `bytes`.
    pub(super) fn may_hold_mail(&self, bytes: &[u8]) -> bool {
        self.next_mail(bytes, 0).is_some()
    }

    fn next_mail(&self, bytes: &[u8], from: usize) -> Option<usize> {
        if !self.emails {
            return None;
        }
        memchr::memchr(b'@', bytes.get(from..)?).map(|length| from + length)
    }

    /// Up to where all is decided if what begins at `place` is not.
    fn held_before(&self, text: Window<'_>, place: usize) -> usize {
        let held = if self.emails { address::LONGEST_MAILBOX + HELD } else { HELD };
        place.saturating_sub(held).max(text.begin)
    }
}

fn built_in() -> impl Iterator<Item = ([u8; WIDTH], Kinds)> {
    let token = || (b'0'..=b'9').chain(b'a'..=b'z').chain(*b"_-");
    let shapes = SHAPES.iter().map(|shape| shape.beginning).flat_map(move |beginning| grown(beginning, token()));
    let jwt = grown("eyJ", token());
    let urls = token().map(|byte| [byte, b':', b'/', b'/']);
    let stems = name::STEMS.iter().chain(name::KOREAN_STEMS).flat_map(|stem| grown(stem, []));
    let short = name::SHORT_STEMS.iter().flat_map(|stem| grown(stem, name::AFTER.iter().copied()));
    let around = |byte: u8| name::AFTER.contains(&byte) || byte.is_ascii_lowercase() || b"?&{,(['".contains(&byte);
    let shortest = (0..=u8::MAX).filter(move |byte| around(*byte)).flat_map(|before| {
        let [p, w] = [name::SHORTEST_STEM.as_bytes()[0], name::SHORTEST_STEM.as_bytes()[1]];
        b"=:\"' ]".iter().map(move |after| [before, p, w, *after])
    });
    shapes
        .chain(jwt)
        .map(|four| (four, SHAPE))
        .chain(urls.map(|four| (four, ADDRESS)))
        .chain(stems.chain(short).chain(shortest).map(|four| (four, NAME)))
        .chain([(*b"bear", SCHEME), (*b"basi", SCHEME), (*b"-beg", PEM)])
        .map(|(four, kinds)| (four.map(|byte| byte | 0x20), kinds))
}

/// The first four bytes of a beginning. One that is shorter is written out with all that may follow it.
fn grown(beginning: &str, next: impl IntoIterator<Item = u8>) -> Vec<[u8; WIDTH]> {
    let bytes = beginning.as_bytes();
    match (bytes.first_chunk(), bytes) {
        (Some(four), _) => vec![*four],
        (None, [first, second, third]) => next.into_iter().map(|byte| [*first, *second, *third, byte]).collect(),
        _ => Vec::new(),
    }
}

/// The beginnings of an application's own names in every spelling.
fn added(names: &Names) -> impl Iterator<Item = ([u8; WIDTH], Kinds)> {
    names.added.iter().flat_map(|words| ["", "_", "-", " ", "."].map(|between| words.join(between))).flat_map(|name| {
        let next = name::AFTER.iter().copied();
        grown(&name, next).into_iter().map(|four| (four.map(|byte| byte | 0x20), NAME))
    })
}
