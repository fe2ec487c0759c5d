//! The audit trail in memory.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::MemoryStore;
use crate::audit::{
    AuditCursor, AuditEntry, AuditEvent, AuditFault, AuditHead, AuditQuery, AuditStore, Chain, HeadKeeper, Verified,
    Verifier,
};
use crate::store::StoreError;

/// The one chain that such a store has.
#[derive(Default)]
pub(super) struct Trail {
    chain: Option<Chain>,
    entries: Vec<AuditEntry>,
    keeper: Option<Arc<dyn HeadKeeper>>,
}

impl Trail {
    /// Adds entries, all or none. To be called before the change is made, which nothing can keep from happening after.
    pub(super) fn add(&mut self, events: &[AuditEvent]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut chain = match self.chain.take() {
            Some(chain) => chain,
            None => self.begin()?,
        };
        self.entries.extend(events.iter().map(|event| chain.push(event.clone())));
        if let Some(keeper) = &self.keeper {
            keeper.moved(chain.head());
        }
        self.chain = Some(chain);
        Ok(())
    }

    fn begin(&self) -> Result<Chain, StoreError> {
        let chain = Chain::begin();
        if let Some(keeper) = &self.keeper {
            keeper.begins(chain.head()).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        }
        Ok(chain)
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn record_audit(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        self.state().audit.add(events)
    }

    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state();
        let behind = |entry: &&AuditEntry| query.after.is_none_or(|after| AuditCursor::from(*entry) < after);
        let mut found: Vec<&AuditEntry> =
            state.audit.entries.iter().filter(behind).filter(|entry| query.matches(entry)).collect();
        found.sort_by_key(|entry| std::cmp::Reverse(AuditCursor::from(*entry)));
        Ok(found.into_iter().take(query.limit as usize).cloned().collect())
    }

    async fn verify_audit(
        &self,
        heads: &[AuditHead],
        found: &mut (dyn FnMut(AuditFault) + Send),
    ) -> Result<Verified, StoreError> {
        let entries = self.state().audit.entries.clone();
        let mut verifier = Verifier::new(heads, found);
        entries.iter().for_each(|entry| verifier.row(&entry.raw()));
        Ok(verifier.finish())
    }

    fn keep_audit_heads(&self, keeper: Arc<dyn HeadKeeper>) {
        self.state().audit.keeper.get_or_insert(keeper);
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}
