//! An entry with its place in a chain, and what is hashed of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::event::{Actor, AuditEvent, Target};
use super::line::Line;
use crate::ids::TenantId;

/// The name of a chain, and so of the process that writes it. Later ones sort behind earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WriterId(Uuid);

/// SHA-256 of an entry and, through it, of all before it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuditHash(pub [u8; 32]);

/// An event in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The chain.
    pub writer: WriterId,
    /// The place in it, from 1.
    pub seq: u64,
    /// What happened.
    pub event: AuditEvent,
    /// The hash of the entry before; zeros in the first.
    pub previous: AuditHash,
    /// Its own.
    pub hash: AuditHash,
}

/// An entry as it is stored, column by column, whether or not it can be read. What is hashed is this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawAuditRow {
    /// The chain.
    pub writer: String,
    /// The place in it.
    pub seq: i64,
    /// The event's id.
    pub id: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// The tenant.
    pub tenant: Option<String>,
    /// Who: the kind.
    pub actor_kind: String,
    /// Who.
    pub actor_id: Option<String>,
    /// What.
    pub action: String,
    /// To what: the kind.
    pub target_kind: Option<String>,
    /// To what.
    pub target_id: Option<String>,
    /// What came of it.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// Where it came from.
    pub address: Option<String>,
    /// A JSON object of texts.
    pub details: String,
    /// The hash of the entry before.
    pub previous: Vec<u8>,
    /// Its own.
    pub hash: Vec<u8>,
}

/// The row holds something that is no entry; names the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the column {0} cannot be read")]
pub struct InvalidAuditRow(pub &'static str);

impl WriterId {
    /// A name that nobody else has.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for WriterId {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditHash {
    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        (digits.len() == 64).then_some(Self(hash))
    }
}

impl AuditEntry {
    /// The event at its place, with its hash.
    pub(super) fn at(writer: WriterId, seq: u64, previous: AuditHash, event: AuditEvent) -> Self {
        let mut entry = Self { writer, seq, event, previous, hash: AuditHash::default() };
        entry.hash = entry.raw().computed();
        entry
    }

    /// The entry as it is stored.
    pub fn raw(&self) -> RawAuditRow {
        let event = &self.event;
        let text = |line: &Line| line.as_str().to_owned();
        RawAuditRow {
            writer: self.writer.to_string(),
            // A process does not live to write 2^63 entries.
            seq: i64::try_from(self.seq).unwrap_or(i64::MAX),
            id: event.id.to_string(),
            at: event.at.timestamp_micros(),
            tenant: event.tenant.as_ref().map(ToString::to_string),
            actor_kind: event.actor.kind.as_str().to_owned(),
            actor_id: event.actor.id.as_ref().map(text),
            action: event.action.as_str().to_owned(),
            target_kind: event.target.as_ref().map(|target| text(&target.kind)),
            target_id: event.target.as_ref().map(|target| text(&target.id)),
            outcome: event.outcome.as_str().to_owned(),
            reason: event.reason.as_ref().map(text),
            request_id: event.request_id.as_ref().map(text),
            address: event.address.map(|address| address.to_string()),
            // A map of texts has a JSON form.
            details: serde_json::to_string(&event.details).unwrap_or_default(),
            previous: self.previous.0.to_vec(),
            hash: self.hash.0.to_vec(),
        }
    }
}

impl RawAuditRow {
    /// The hash that the row must have.
    pub fn computed(&self) -> AuditHash {
        let mut encoded = Vec::with_capacity(512);
        self.computed_in(&mut encoded, &self.previous)
    }

    /// The hash that the row would have behind another one; `room` is scratch space.
    pub(super) fn computed_in(&self, room: &mut Vec<u8>, previous: &[u8]) -> AuditHash {
        room.clear();
        // The number of the encoding; another one would have to be told from this by it.
        room.extend_from_slice(b"mt-paas audit 1\n");
        room.extend_from_slice(&self.seq.to_be_bytes());
        room.extend_from_slice(&self.at.to_be_bytes());
        put(room, Some(previous));
        let texts = [
            Some(&self.writer),
            Some(&self.id),
            self.tenant.as_ref(),
            Some(&self.actor_kind),
            self.actor_id.as_ref(),
            Some(&self.action),
            self.target_kind.as_ref(),
            self.target_id.as_ref(),
            Some(&self.outcome),
            self.reason.as_ref(),
            self.request_id.as_ref(),
            self.address.as_ref(),
            Some(&self.details),
        ];
        for text in texts {
            put(room, text.map(String::as_bytes));
        }
        AuditHash(Sha256::digest(room).into())
    }

    /// The entry.
    ///
    /// # Errors
    ///
    /// [`InvalidAuditRow`] names the first column that cannot be read.
    pub fn entry(self) -> Result<AuditEntry, InvalidAuditRow> {
        fn read<T: FromStr>(column: &'static str, text: &str) -> Result<T, InvalidAuditRow> {
            text.parse().map_err(|_| InvalidAuditRow(column))
        }
        fn hash(column: &'static str, bytes: &[u8]) -> Result<AuditHash, InvalidAuditRow> {
            bytes.try_into().map(AuditHash).map_err(|_| InvalidAuditRow(column))
        }
        let tenant = |id: &str| TenantId::of_console(id).map_err(|_| InvalidAuditRow("tenant_id"));
        let details: BTreeMap<Line, Line> =
            serde_json::from_str(&self.details).map_err(|_| InvalidAuditRow("details"))?;
        let target = match (self.target_kind, self.target_id) {
            (Some(kind), Some(id)) => Some(Target { kind: kind.into(), id: id.into() }),
            (None, None) => None,
            _ => return Err(InvalidAuditRow("target_id")),
        };
        let event = AuditEvent {
            id: read("id", &self.id)?,
            at: DateTime::from_timestamp_micros(self.at).ok_or(InvalidAuditRow("at"))?,
            tenant: self.tenant.as_deref().map(tenant).transpose()?,
            actor: Actor { kind: read("actor_kind", &self.actor_kind)?, id: self.actor_id.map(Line::from) },
            action: read("action", &self.action)?,
            target,
            outcome: read("outcome", &self.outcome)?,
            reason: self.reason.map(Line::from),
            request_id: self.request_id.map(Line::from),
            address: self.address.as_deref().map(|address| read("address", address)).transpose()?,
            details,
        };
        Ok(AuditEntry {
            writer: read("writer", &self.writer)?,
            seq: u64::try_from(self.seq).map_err(|_| InvalidAuditRow("seq"))?,
            event,
            previous: hash("previous", &self.previous)?,
            hash: hash("hash", &self.hash)?,
        })
    }
}

/// A field such that no two lists of fields look alike: whether it is there, its length, its bytes.
fn put(room: &mut Vec<u8>, field: Option<&[u8]>) {
    room.push(u8::from(field.is_some()));
    let field = field.unwrap_or_default();
    room.extend_from_slice(&(field.len() as u64).to_be_bytes());
    room.extend_from_slice(field);
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for WriterId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
