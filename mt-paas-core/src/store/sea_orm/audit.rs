//! The audit trail in a table.

mod link;
mod log;
mod rows;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;

pub(super) use link::{Link, commit};

use super::SqlStore;
use super::connect::Database;
use super::fault::{Fault, again};
use crate::audit::{
    AuditEntry, AuditEvent, AuditFault, AuditHead, AuditQuery, AuditStore, HeadKeeper, Verified, Verifier,
};
use crate::store::StoreError;

#[async_trait]
impl AuditStore for SqlStore {
    async fn record_audit(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        again!(record(&self.db, events))
    }

    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        again!(log::page(&self.db, query))
    }

    async fn verify_audit(
        &self,
        heads: &[AuditHead],
        found: &mut (dyn FnMut(AuditFault) + Send),
    ) -> Result<Verified, StoreError> {
        Ok(verify::all(&self.db, Verifier::new(heads, found)).await?)
    }

    fn keep_audit_heads(&self, keeper: Arc<dyn HeadKeeper>) {
        self.db.audit.keep_heads(keeper);
    }
}

async fn record(db: &Database, events: &[AuditEvent]) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    commit(db, db.write().await?, events).await
}
