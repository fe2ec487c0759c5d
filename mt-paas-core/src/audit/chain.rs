//! The chain of one writer, as a value.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::action::ANCHOR;
use super::event::{Actor, AuditEvent};
use super::head::AuditHead;
use super::line::Line;
use super::row::{AuditEntry, AuditHash, WriterId};

/// How many chains an anchor holds at most: those that were written to last.
pub const MAX_ANCHORED: usize = 64;

/// An anchor is due after so many entries.
const ANCHOR_ENTRIES: u64 = 256;
/// Or after so long, with the next entry.
const ANCHOR_AGE: TimeDelta = TimeDelta::minutes(10);

/// A chain that grows at its end.
///
/// A store keeps one for its process and works on a copy: it takes the copy's place when the transaction that holds the
/// entries is committed, and is thrown away when that is rolled back. When nobody knows, both are, and another chain begins.
#[derive(Debug, Clone)]
pub struct Chain {
    head: AuditHead,
    /// What stood in its last anchor.
    anchored: BTreeMap<WriterId, u64>,
    anchored_at: Option<(u64, DateTime<Utc>)>,
}

impl Chain {
    /// A chain without entries.
    pub fn begin() -> Self {
        let head = AuditHead { writer: WriterId::new(), seq: 0, hash: AuditHash::default(), ended: false };
        Self { head, anchored: BTreeMap::new(), anchored_at: None }
    }

    /// Its end.
    pub fn head(&self) -> AuditHead {
        self.head
    }

    /// Puts an event at the end.
    pub fn push(&mut self, event: AuditEvent) -> AuditEntry {
        let entry = AuditEntry::at(self.head.writer, self.head.seq + 1, self.head.hash, event);
        (self.head.seq, self.head.hash) = (entry.seq, entry.hash);
        entry
    }

    /// Whether the heads of other chains should be written down before the next event.
    pub fn wants_anchor(&self, now: DateTime<Utc>) -> bool {
        self.anchored_at.is_none_or(|(seq, at)| {
            let age = now - at;
            self.head.seq >= seq + ANCHOR_ENTRIES || age >= ANCHOR_AGE || age < TimeDelta::zero()
        })
    }

    /// Writes down those of `heads`, the one that was written to last first, that have moved since the last time.
    pub fn anchor(&mut self, heads: &[AuditHead], now: DateTime<Utc>) -> Option<AuditEntry> {
        let moved = |head: &&AuditHead| {
            head.writer != self.head.writer && self.anchored.get(&head.writer).is_none_or(|seq| *seq < head.seq)
        };
        let moved: Vec<&AuditHead> = heads.iter().filter(moved).take(MAX_ANCHORED).collect();
        self.anchored_at = Some((self.head.seq, now));
        if moved.is_empty() {
            return None;
        }
        self.anchored.extend(moved.iter().map(|head| (head.writer, head.seq)));
        let mut event = AuditEvent::new(Actor::SYSTEM, ANCHOR, now);
        let detail =
            |head: &AuditHead| (Line::from(head.writer.to_string()), Line::from(format!("{} {}", head.seq, head.hash)));
        event.details = moved.into_iter().map(detail).collect();
        Some(self.push(event))
    }
}

/// The heads that an anchor's details hold. What cannot be read is left out: an anchor that was tampered with is found by
/// its own hash.
pub(super) fn anchored(details: &str) -> Vec<AuditHead> {
    let details: BTreeMap<String, String> = serde_json::from_str(details).unwrap_or_default();
    details.iter().filter_map(|(writer, place)| format!("{writer} {place}").parse().ok()).collect()
}
