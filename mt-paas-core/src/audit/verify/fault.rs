//! What can be wrong with the trail.

use std::fmt;

use crate::audit::line::Line;
use crate::wire::wire_enum;

wire_enum! {
    /// What was done to a row or a chain, as far as can be told.
    FaultKind {
        /// A row does not say what was written.
        Edited = "edited",
        /// Rows are missing in the middle or at the beginning.
        Deleted = "deleted",
        /// A row stands where none was written.
        Inserted = "inserted",
        /// A row does not stand where it was written.
        Reordered = "reordered",
        /// Rows are missing at the end.
        TailCut = "tail_cut",
        /// Hashes were made anew: a row does not follow the one before it, or is not the one whose hash was kept.
        Rechained = "rechained",
        /// No process that kept heads has begun the chain.
        UnknownWriter = "unknown_writer",
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFault {
    /// The chain.
    pub writer: Line,
    /// The row, or the first of several.
    pub seq: i64,
    /// The last of several rows.
    pub through: i64,
    /// What is wrong.
    pub kind: FaultKind,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.kind {
            FaultKind::Edited => "the row was edited",
            FaultKind::Deleted => "rows were deleted",
            FaultKind::Inserted => "a row was inserted",
            FaultKind::Reordered => "the row was moved or replaced",
            FaultKind::TailCut => "the end of the chain was cut off",
            FaultKind::Rechained => "the hashes were made anew",
            FaultKind::UnknownWriter => "nobody who kept heads began this chain",
        };
        write!(f, "{} {}", self.writer, self.seq)?;
        if self.through > self.seq {
            write!(f, "-{}", self.through)?;
        }
        write!(f, " {}: {said}", self.kind)
    }
}
