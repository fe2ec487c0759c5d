//! Whether the trail is what was written: one pass over all rows, chain by chain.

mod claims;
mod fault;

pub use fault::{AuditFault, FaultKind};

use self::claims::{Claim, Claims};
use super::action::ANCHOR;
use super::chain::anchored;
use super::head::AuditHead;
use super::row::{AuditHash, RawAuditRow};

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows.
    pub rows: u64,
    /// Chains.
    pub chains: u64,
    /// Faults.
    pub faults: u64,
}

/// One of the rules, for tests that show what the others do not see.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The hash of a row is that of its columns.
    Hash,
    /// No number is missing, and none is below 1.
    Sequence,
    /// A row holds the hash of the one before it.
    Link,
    /// A row whose head was kept has that hash.
    Heads,
    /// A chain is as long as its heads say.
    Length,
    /// Nothing follows the end.
    End,
    /// Every chain was begun by a process that kept heads.
    Writers,
    /// Anchors are heads.
    Anchors,
}

/// Looks at rows one after the other.
///
/// First it is told all rows with the action `audit.anchor` ([`anchor`](Self::anchor)), then all rows, by writer and number
/// ([`row`](Self::row)).
pub struct Verifier<'a> {
    found: &'a mut (dyn FnMut(AuditFault) + Send),
    claims: Claims,
    chain: Option<Place>,
    seen: Verified,
    room: Vec<u8>,
    #[cfg(any(test, feature = "testing"))]
    blind: Option<Rule>,
}

/// Where in a chain the pass is.
struct Place {
    writer: String,
    seq: i64,
    /// What the next row may hold as the hash before it: that which the last row holds as its own, and that of its columns.
    last: [AuditHash; 2],
    /// What was kept of this chain and is still ahead.
    ahead: Vec<Claim>,
    end: Option<i64>,
}

impl<'a> Verifier<'a> {
    /// Compares with `heads` that were kept outside, and tells `found` every fault.
    pub fn new(heads: &[AuditHead], found: &'a mut (dyn FnMut(AuditFault) + Send)) -> Self {
        Self {
            found,
            claims: Claims::of(heads),
            chain: None,
            seen: Verified::default(),
            room: Vec::new(),
            #[cfg(any(test, feature = "testing"))]
            blind: None,
        }
    }

    /// Without one of the rules.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn blind_to(mut self, rule: Rule) -> Self {
        self.blind = Some(rule);
        self
    }

    /// Takes note of the heads that an anchor holds. One that was changed says nothing; it is found later.
    pub fn anchor(&mut self, row: &RawAuditRow) {
        let genuine = row.computed_in(&mut self.room, &row.previous).0[..] == row.hash[..];
        if genuine && row.action == ANCHOR.as_str() && obeyed!(self, Anchors) {
            for head in anchored(&row.details) {
                self.claims.add(&head);
            }
        }
    }

    /// Looks at the next row.
    pub fn row(&mut self, row: &RawAuditRow) {
        self.seen.rows += 1;
        let mut place = match self.chain.take() {
            Some(place) if place.writer == row.writer => place,
            other => {
                self.finish_chain(other);
                self.begin_chain(&row.writer)
            }
        };
        self.check(&mut place, row);
        self.chain = Some(place);
    }

    /// A row whose columns are not even of their types.
    pub fn unreadable(&mut self, writer: &str, seq: i64) {
        let row = RawAuditRow { writer: writer.to_owned(), seq, ..RawAuditRow::default() };
        self.row(&row);
    }

    /// Ends the pass.
    pub fn finish(mut self) -> Verified {
        let last = self.chain.take();
        self.finish_chain(last);
        for (writer, claims) in std::mem::take(&mut self.claims).left() {
            if let Some(last) = claims.iter().map(|claim| claim.seq).max().filter(|_| obeyed!(self, Length)) {
                self.tell(&writer, 1, last, FaultKind::TailCut);
            }
        }
        self.seen
    }

    fn begin_chain(&mut self, writer: &str) -> Place {
        self.seen.chains += 1;
        let known = self.claims.take(writer);
        if !known.from_outside && self.claims.are_from_outside() && obeyed!(self, Writers) {
            self.tell(writer, 1, 1, FaultKind::UnknownWriter);
        }
        Place {
            writer: writer.to_owned(),
            seq: 0,
            last: [AuditHash::default(); 2],
            ahead: known.claims,
            end: known.end,
        }
    }

    fn finish_chain(&mut self, place: Option<Place>) {
        let Some(place) = place else { return };
        let last = place.ahead.iter().map(|claim| claim.seq).max();
        if let Some(last) = last.filter(|last| *last > place.seq && obeyed!(self, Length)) {
            self.tell(&place.writer, place.seq + 1, last, FaultKind::TailCut);
        }
    }

    fn check(&mut self, place: &mut Place, row: &RawAuditRow) {
        if row.seq <= place.seq {
            if obeyed!(self, Sequence) {
                self.tell(&row.writer, row.seq, row.seq, FaultKind::Inserted);
            }
            return;
        }
        let follows = row.seq == place.seq + 1;
        if !follows && obeyed!(self, Sequence) {
            self.tell(&row.writer, place.seq + 1, row.seq - 1, FaultKind::Deleted);
        }
        if place.end.is_some_and(|end| row.seq > end) && obeyed!(self, End) {
            self.tell(&row.writer, row.seq, row.seq, FaultKind::Inserted);
        }
        let computed = row.computed_in(&mut self.room, &row.previous);
        let genuine = computed.0[..] == row.hash[..];
        let linked = !follows || place.last.iter().any(|last| last.0[..] == row.previous[..]);
        if !genuine && obeyed!(self, Hash) {
            // Whoever changed nothing but the hash of the row before has not moved the row.
            let in_place = linked || {
                let [last, _] = place.last;
                row.computed_in(&mut self.room, &last.0).0[..] == row.hash[..]
            };
            let kind = if in_place { FaultKind::Edited } else { FaultKind::Reordered };
            self.tell(&row.writer, row.seq, row.seq, kind);
        } else if !linked && obeyed!(self, Link) {
            self.tell(&row.writer, row.seq, row.seq, FaultKind::Rechained);
        }
        let contradicted = claims::reached(&mut place.ahead, row.seq).any(|kept| kept.0[..] != row.hash[..]);
        // What is told of an edited row is enough.
        if contradicted && genuine && obeyed!(self, Heads) {
            self.tell(&row.writer, row.seq, row.seq, FaultKind::Rechained);
        }
        place.seq = row.seq;
        place.last = [AuditHash(row.hash.as_slice().try_into().unwrap_or_default()), computed];
    }

    fn tell(&mut self, writer: &str, seq: i64, through: i64, kind: FaultKind) {
        self.seen.faults += 1;
        (self.found)(AuditFault { writer: writer.into(), seq, through, kind });
    }
}

/// Whether a rule holds; outside of tests all of them do.
macro_rules! obeyed {
    ($verifier:expr, $rule:ident) => {{
        #[cfg(any(test, feature = "testing"))]
        {
            $verifier.blind != Some(Rule::$rule)
        }
        #[cfg(not(any(test, feature = "testing")))]
        {
            let _ = &$verifier;
            true
        }
    }};
}

use obeyed;
