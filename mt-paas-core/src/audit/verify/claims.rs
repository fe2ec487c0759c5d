//! What is known about chains from elsewhere: heads that were kept outside, and those that anchors hold.

use std::collections::{BTreeMap, HashMap};

use crate::audit::head::AuditHead;
use crate::audit::row::AuditHash;

/// What is known about all chains.
#[derive(Default)]
pub(super) struct Claims {
    by_writer: HashMap<String, Known>,
    from_outside: bool,
}

/// What is known about one chain.
#[derive(Default)]
pub(super) struct Known {
    /// By number, the highest first.
    pub(super) claims: Vec<Claim>,
    pub(super) end: Option<i64>,
    pub(super) from_outside: bool,
}

/// A row that is there, and its hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) seq: i64,
    pub(super) hash: AuditHash,
}

impl Claims {
    pub(super) fn of(heads: &[AuditHead]) -> Self {
        let mut claims = Self { from_outside: !heads.is_empty(), ..Self::default() };
        for head in heads {
            let known = claims.add(head);
            known.from_outside = true;
            if head.ended {
                known.end = i64::try_from(head.seq).ok();
            }
        }
        claims
    }

    pub(super) fn add(&mut self, head: &AuditHead) -> &mut Known {
        let known = self.by_writer.entry(head.writer.to_string()).or_default();
        let seq = i64::try_from(head.seq).unwrap_or(i64::MAX);
        // Before the first row there is nothing that could be compared.
        known.claims.extend((seq > 0).then_some(Claim { seq, hash: head.hash }));
        known
    }

    pub(super) fn are_from_outside(&self) -> bool {
        self.from_outside
    }

    /// Takes what is known about one chain.
    pub(super) fn take(&mut self, writer: &str) -> Known {
        let mut known = self.by_writer.remove(writer).unwrap_or_default();
        known.claims.sort_unstable_by(|a, b| b.cmp(a));
        known.claims.dedup();
        known
    }

    /// What is left, by writer: chains that are not there.
    pub(super) fn left(self) -> BTreeMap<String, Vec<Claim>> {
        self.by_writer.into_iter().map(|(writer, known)| (writer, known.claims)).collect()
    }
}

/// Takes what is known about rows up to `seq`, and gives the hashes of that one.
pub(super) fn reached(ahead: &mut Vec<Claim>, seq: i64) -> impl Iterator<Item = AuditHash> {
    let first = ahead.partition_point(|claim| claim.seq > seq);
    ahead.split_off(first).into_iter().filter(move |claim| claim.seq == seq).map(|claim| claim.hash)
}
