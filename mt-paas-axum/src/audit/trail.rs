//! Changes that cannot share a transaction with their entry.

use std::sync::Arc;

use mt_paas_core::ApiError;
use mt_paas_core::audit::{Action, AuditContext, AuditEvent, AuditStore};
use mt_paas_core::clock::{Clock, SystemClock};

use super::outcome;

/// Writes what is about to be done before it is, and what came of it after.
#[derive(Clone)]
pub(crate) struct Trail {
    store: Arc<dyn AuditStore>,
    clock: Arc<dyn Clock>,
}

impl Trail {
    pub(crate) fn new(store: Arc<dyn AuditStore>) -> Self {
        Self { store, clock: Arc::new(SystemClock) }
    }

    /// Where it is written.
    pub(crate) fn store(&self) -> &Arc<dyn AuditStore> {
        &self.store
    }

    /// Something that whoever is behind this task does.
    pub(crate) fn event(&self, action: Action) -> AuditEvent {
        AuditContext::current().event(action, self.clock.now())
    }

    /// Does what `event` says, once that stands in the trail. When the outcome cannot be written, the beginning stands
    /// there alone.
    ///
    /// # Errors
    ///
    /// The work's own; [`ErrorKind::Unavailable`](mt_paas_core::ErrorKind::Unavailable) if it was not begun because the
    /// trail cannot be written.
    pub(crate) async fn around<T>(
        &self,
        event: AuditEvent,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        self.store.record_audit(&[event.clone().begun()]).await?;
        let result = work.await;
        let ended = event.later(self.clock.now());
        let ended = match &result {
            Ok(_) => ended,
            Err(error) => {
                let (outcome, reason) = outcome::of_error(error);
                ended.with(outcome, reason)
            }
        };
        AuditContext::current().tell();
        if let Err(error) = self.store.record_audit(&[ended]).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what came of an operation is not in the audit trail"
            );
        }
        result
    }

    /// Writes that something was done that changes nothing, before anybody sees what it gives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](mt_paas_core::ErrorKind::Unavailable) if it cannot be written.
    pub(crate) async fn done(&self, event: AuditEvent) -> Result<(), ApiError> {
        self.store.record_audit(&[event]).await?;
        AuditContext::current().tell();
        Ok(())
    }
}
