//! The audit trail: who did, or tried to do, what to what, and what came of it.
//!
//! An entry is written in the same transaction as the change that it tells of. Each process that writes has a chain of its
//! own: every entry holds the hash of the one before it, so that none can be changed, taken away or put in between
//! unseen. That the end of a chain is still there, and that it was not made anew as a whole, is shown by its
//! [`AuditHead`]s, which are kept outside of the database, and by the heads that other chains hold ([anchors](action::ANCHOR)).

pub mod action;
mod chain;
mod context;
mod event;
mod export;
mod head;
mod head_file;
mod line;
mod query;
mod row;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;

pub use action::Action;
pub use chain::{Chain, MAX_ANCHORED};
pub use context::AuditContext;
pub use event::{Actor, ActorKind, AuditEvent, MAX_DETAILS, Outcome, Target};
pub use export::{CSV_HEADER, csv_line, json_line};
pub use head::{AuditHead, HeadKeeper, InvalidHead};
pub use head_file::{HeadFile, KeptHeads};
pub use line::Line;
pub use query::{AuditCursor, AuditQuery};
pub use row::{AuditEntry, AuditHash, InvalidAuditRow, RawAuditRow, WriterId};
#[cfg(any(test, feature = "testing"))]
pub use verify::Rule;
pub use verify::{AuditFault, FaultKind, Verified, Verifier};

use crate::store::StoreError;

/// Keeps the audit trail. Entries that tell of a change are written by the operation that makes it, such as
/// [`UserStore::insert_user`](crate::users::UserStore::insert_user).
///
/// # Who this binds
///
/// Implementors promise that the entries of an operation are there exactly if its change is; that they stand in the chain
/// of their process in the order of their commits; and that no operation of the trait changes or removes an entry.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Writes entries that belong to no change: refusals, reads of secrets, intents. All of them or none.
    async fn record_audit(&self, events: &[AuditEvent]) -> Result<(), StoreError>;

    /// The entries that a query asks for, newest first (by time, then id), at most [`AuditQuery::limit`].
    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError>;

    /// Looks at all entries, as they were at one moment, and tells every fault. `heads` are those that were kept outside
    /// and must have been read before; without any, an end that was cut off is found by the anchors of other chains only.
    async fn verify_audit(
        &self,
        heads: &[AuditHead],
        found: &mut (dyn FnMut(AuditFault) + Send),
    ) -> Result<Verified, StoreError>;

    /// Tells a keeper outside of the store how far this process's chain is, from its first entry on. Of several keepers
    /// the first one stays.
    fn keep_audit_heads(&self, keeper: Arc<dyn HeadKeeper>);
}
