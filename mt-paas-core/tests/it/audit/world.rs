//! Four chains that were written at once, and what was kept of them outside.

use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta};
use mt_paas_core::audit::{Actor, ActorKind, AuditEvent, AuditHead, Chain, Outcome, RawAuditRow, action};

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// How many of the chains came to their end.
pub(super) const ENDED: usize = 2;

/// What is in the database, and what outside.
pub(super) struct World {
    pub(super) rows: Vec<RawAuditRow>,
    pub(super) heads: Vec<AuditHead>,
    /// In the order in which they began. The first ones came to their [end](ENDED).
    pub(super) writers: Vec<String>,
}

impl World {
    /// Chains that tell of each other now and then, and whose heads were kept now and then.
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self::written(dice, TimeDelta::seconds(40), 8)
    }

    /// Chains whose heads were kept at their beginning and at their end only.
    pub(super) fn calm(dice: &mut Dice) -> Self {
        Self::written(dice, TimeDelta::seconds(1), usize::MAX)
    }

    fn written(dice: &mut Dice, pace: TimeDelta, kept_each: usize) -> Self {
        let mut at = DateTime::UNIX_EPOCH + TimeDelta::days(20_481);
        let mut chains: Vec<Chain> = (0..4).map(|_| Chain::begin()).collect();
        let mut heads: Vec<AuditHead> = chains.iter().map(Chain::head).collect();
        let mut rows = Vec::new();
        for number in 0..48 {
            at += pace;
            let all: Vec<AuditHead> = chains.iter().map(Chain::head).filter(|head| head.seq > 0).collect();
            let chain = &mut chains[dice.below(4)];
            if chain.wants_anchor(at) {
                rows.extend(chain.anchor(&all, at).map(|entry| entry.raw()));
            }
            rows.push(chain.push(event(number, at)).raw());
            if dice.below(kept_each) == 1 {
                heads.push(chain.head());
            }
        }
        let ends = chains.iter().map(Chain::head).enumerate();
        heads.extend(ends.map(|(number, head)| AuditHead { ended: number < ENDED, ..head }));
        let writers = chains.iter().map(|chain| chain.head().writer.to_string()).collect();
        Self { rows, heads, writers }
    }

    /// How long a chain is.
    pub(super) fn length(&self, chain: usize) -> i64 {
        self.rows.iter().filter(|row| row.writer == self.writers[chain]).map(|row| row.seq).max().unwrap()
    }

    /// A row of a chain which nothing outside of the chain tells of, as nothing does of those behind it but the last; and
    /// none of them is an anchor.
    pub(super) fn unkept(&self, chain: usize) -> i64 {
        let (writer, length) = (&self.writers[chain], self.length(chain));
        let told = |seq: &i64| {
            let head = |head: &AuditHead| head.writer.to_string() == *writer && head.seq.cast_signed() == *seq;
            let row = |row: &RawAuditRow| {
                let own = row.writer == *writer && row.seq == *seq;
                row.action == "audit.anchor" && (own || row.details.contains(&format!("\"{writer}\":\"{seq} ")))
            };
            self.heads.iter().any(head) || self.rows.iter().any(row)
        };
        let last_told = (1..length).filter(told).max().unwrap_or(1);
        assert!(last_told + 4 < length, "a chain that nobody tells of");
        last_told + 2
    }

    /// A chain that an anchor of another one tells of.
    pub(super) fn anchored(&self) -> usize {
        let told = |writer: &str| {
            self.rows.iter().any(|row| row.action == "audit.anchor" && row.details.contains(&format!("\"{writer}\"")))
        };
        self.writers.iter().position(|writer| told(writer)).expect("an anchor")
    }

    /// The rows with one of them changed.
    pub(super) fn changed(&self, chain: usize, seq: i64, change: impl FnOnce(&mut RawAuditRow)) -> Vec<RawAuditRow> {
        let mut rows = self.rows.clone();
        let found = rows.iter_mut().find(|row| row.writer == self.writers[chain] && row.seq == seq);
        change(found.unwrap());
        rows
    }

    /// The rows without some of a chain.
    pub(super) fn without(&self, chain: usize, gone: RangeInclusive<i64>) -> Vec<RawAuditRow> {
        let stays = |row: &&RawAuditRow| row.writer != self.writers[chain] || !gone.contains(&row.seq);
        self.rows.iter().filter(stays).cloned().collect()
    }

    /// The rows with two of a chain in each other's place.
    pub(super) fn swapped(&self, chain: usize, one: i64, other: i64) -> Vec<RawAuditRow> {
        let mut rows = self.rows.clone();
        for row in rows.iter_mut().filter(|row| row.writer == self.writers[chain]) {
            row.seq = match row.seq {
                seq if seq == one => other,
                seq if seq == other => one,
                seq => seq,
            };
        }
        rows
    }

    /// The rows with a chain changed from one row on, and all its hashes made anew.
    pub(super) fn rechained(&self, chain: usize, from: i64) -> Vec<RawAuditRow> {
        let mut rows = self.changed(chain, from, |row| row.details = r#"{"forged":"yes"}"#.to_owned());
        rehash(&mut rows, &self.writers[chain]);
        rows
    }

    /// The rows with one more at the end of a chain, as its writer would have written it.
    pub(super) fn continued(&self, chain: usize) -> Vec<RawAuditRow> {
        let mut rows = self.rows.clone();
        let last = self.length(chain);
        let tail = rows.iter().find(|row| row.writer == self.writers[chain] && row.seq == last).unwrap();
        let mut forged = RawAuditRow { seq: last + 1, previous: tail.hash.clone(), ..tail.clone() };
        forged.action = "user.delete".to_owned();
        forged.details = "{}".to_owned();
        forged.hash = forged.computed().0.to_vec();
        rows.push(forged);
        rows
    }

    /// The rows with a whole chain of somebody else's.
    pub(super) fn with_stranger(&self) -> Vec<RawAuditRow> {
        let mut stranger = Chain::begin();
        let at = DateTime::UNIX_EPOCH + TimeDelta::days(20_482);
        let forged = (0..3).map(|number| stranger.push(event(number, at)).raw());
        self.rows.iter().cloned().chain(forged).collect()
    }
}

/// Makes the hashes of a chain anew, from its first row on.
pub(super) fn rehash(rows: &mut [RawAuditRow], writer: &str) {
    let mut own: Vec<&mut RawAuditRow> = rows.iter_mut().filter(|row| row.writer == writer).collect();
    own.sort_by_key(|row| row.seq);
    let mut previous = vec![0; 32];
    for row in own {
        row.previous = previous;
        row.hash = row.computed().0.to_vec();
        previous = row.hash.clone();
    }
}

fn event(number: usize, at: DateTime<chrono::Utc>) -> AuditEvent {
    let kinds = [ActorKind::Operator, ActorKind::MarketKey, ActorKind::System];
    let actor = Actor::new(kinds[number % 3], format!("key-{:02x}", number % 7));
    let event = AuditEvent::new(actor, action::USER_UPDATE, at)
        .of(&"hallym".parse().unwrap())
        .on("user", format!("u{number}"))
        .detail("role", "user");
    let mut event = if number.is_multiple_of(5) { event.with(Outcome::Refused, "user_not_found") } else { event };
    event.request_id = Some(format!("r-{number}").into());
    event.address = "127.0.0.1".parse().ok();
    event
}
