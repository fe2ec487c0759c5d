//! How far a chain is, as it is kept outside of the database.

use std::fmt;
use std::str::FromStr;

use super::row::{AuditHash, WriterId};

/// The end of a chain at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The chain.
    pub writer: WriterId,
    /// Its last entry; 0 before the first one.
    pub seq: u64,
    /// The hash of that entry; zeros before the first one.
    pub hash: AuditHash,
    /// Whether the writer said that nothing follows.
    pub ended: bool,
}

/// Keeps heads where whoever can write to the database cannot.
pub trait HeadKeeper: Send + Sync + 'static {
    /// A chain begins. It has no entry before this has returned, so that a chain of somebody else's is told from one whose
    /// process died early.
    ///
    /// # Errors
    ///
    /// Whatever hinders it. Nothing is written then, neither the entry nor the change that it tells of.
    fn begins(&self, head: AuditHead) -> std::io::Result<()>;

    /// A chain has grown. Called after each commit and never waits; what is kept may be a little behind.
    fn moved(&self, head: AuditHead);

    /// A chain is at its end.
    fn ended(&self, head: AuditHead);
}

/// The text is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head is a writer, a number and a hash, and perhaps the word end")]
pub struct InvalidHead;

/// `writer number hash`, and `end` where nothing follows.
impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.ended { " end" } else { "" };
        write!(f, "{} {} {}{end}", self.writer, self.seq, self.hash)
    }
}

impl FromStr for AuditHead {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(InvalidHead);
        let writer = word()?.parse().map_err(|_| InvalidHead)?;
        let seq = word()?.parse().map_err(|_| InvalidHead)?;
        let hash = AuditHash::from_hex(word()?).ok_or(InvalidHead)?;
        match (words.next(), words.next()) {
            (None, _) => Ok(Self { writer, seq, hash, ended: false }),
            (Some("end"), None) => Ok(Self { writer, seq, hash, ended: true }),
            _ => Err(InvalidHead),
        }
    }
}
