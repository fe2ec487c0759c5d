//! Hooks behind a change: run once, taken back when they fail, run again when their process died.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{HookAfter, PendingHook, Saved, Tenant, TenantHooks};
use super::lifecycle::whole;
use super::{PATIENCE, StoreHandler};
use crate::audit::{AuditContext, AuditEvent, Outcome};
use crate::error::ApiError;
use crate::ids::TenantId;
use crate::outbox::OutboxEvent;

/// After so long the process that runs a hook is taken for dead.
const ABANDONED: TimeDelta = TimeDelta::seconds(60);

/// How often another process's hook is looked after.
const LOOK: Duration = Duration::from_millis(100);

impl StoreHandler {
    /// The mark of a hook that is about to run; none if the service has no hooks.
    pub(super) fn pending(&self, after: HookAfter) -> Option<PendingHook> {
        let mark = || PendingHook { after, owner: self.0.instance, since: self.0.clock.now() };
        self.0.hooks.is_some().then(mark)
    }

    /// Whether a tenant cannot be used yet. A handler without hooks is one that hooks work with: it need not wait.
    pub(super) fn waits_for_hook(&self, tenant: &Tenant) -> bool {
        self.0.hooks.is_some() && tenant.hook.is_some()
    }

    /// The tenant, once no hook is under way. A hook that was abandoned is run again. The caller holds the turn.
    pub(super) async fn settled(&self, tenant: &TenantId) -> Result<Option<Arc<Tenant>>, ApiError> {
        let began = std::time::Instant::now();
        loop {
            let found = self.0.store.tenant(tenant).await?;
            let Some(row) = found.as_deref().filter(|row| self.waits_for_hook(row)) else { return Ok(found) };
            let now = self.0.clock.now();
            // In this process the turn says that nobody is at it.
            let abandoned = |mark: PendingHook| mark.owner == self.0.instance || now - mark.since > ABANDONED;
            if row.hook.is_some_and(abandoned) {
                let row = Tenant { hook: row.hook.and_then(|mark| self.pending(mark.after)), ..row.clone() };
                let taken = self.0.store.save_tenant(&row, Some(row.revision), false, &[], &[]).await?;
                if let Saved::Done(revision) = taken {
                    self.run(&row).await?;
                    let told = self.told_of(&row, "resumed", "yes");
                    self.clear(Tenant { revision, ..row }, &told).await?;
                }
            } else if began.elapsed() > PATIENCE {
                return Err(ApiError::unavailable("another process has not ended the tenant's hook"));
            } else {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Finishes a hook that was abandoned a while ago, beside the caller: a tenant should not be out of use until its
    /// market asks again. Whoever fails renews the mark, so there is one try a minute.
    pub(super) fn take_over(&self, tenant: &Tenant, now: DateTime<Utc>) {
        let abandoned = self.waits_for_hook(tenant) && tenant.hook.is_some_and(|mark| now - mark.since > ABANDONED);
        // Who has the turn in this process is at it.
        let Some(turn) = abandoned.then(|| self.0.turns.take_free(tenant.id.clone())).flatten() else { return };
        let (handler, tenant) = (self.clone(), tenant.id.clone());
        tokio::spawn(async move {
            let _turn = turn;
            let finished = match handler.settled(&tenant).await {
                Ok(Some(row)) => handler.purge(&row).await,
                result => result.map(drop),
            };
            if let Err(error) = finished {
                tracing::warn!(%tenant, error = &error as &dyn std::error::Error, "an abandoned hook is not finished");
            }
        });
    }

    /// Runs the hook behind a change that was just `written` over `before`, and takes the change back if it fails. What
    /// came of it is `told` in the audit trail.
    pub(super) async fn finish(
        &self,
        before: Option<&Tenant>,
        written: Tenant,
        events: &[OutboxEvent],
        told: &AuditEvent,
    ) -> Result<Tenant, ApiError> {
        let Err(refused) = self.run(&written).await else { return self.clear(written, told).await };
        let told = [told.later(self.0.clock.now()).with(Outcome::Failed, "hook_failed")];
        let events: Vec<_> = events.iter().map(|event| event.id).collect();
        // The hook itself may have changed the row; while it bears the mark it is nobody else's.
        while let Some(row) = self.0.store.tenant(&written.id).await?.filter(|row| row.hook == written.hook) {
            let restored = self.0.store.restore_tenant(&written.id, before, row.revision, &events, &told).await?;
            if matches!(restored, Saved::Done(_)) {
                break;
            }
        }
        Err(refused)
    }

    /// Runs the hook that a row is marked with. A panic in it is a failure like any other.
    async fn run(&self, row: &Tenant) -> Result<(), ApiError> {
        let (Some(hooks), Some(mark)) = (&self.0.hooks, row.hook) else { return Ok(()) };
        let (hooks, row): (Arc<dyn TenantHooks>, Tenant) = (hooks.clone(), row.clone());
        let hook = whole(async move {
            match mark.after {
                HookAfter::FirstActivation => hooks.after_activate(&row, true).await,
                HookAfter::Activation => hooks.after_activate(&row, false).await,
                HookAfter::Deactivation => hooks.after_deactivate(&row).await,
            }
        });
        // What it does is its own to tell.
        AuditContext::current().inside().scope(hook).await
    }

    /// Takes the mark away: the tenant is in use.
    async fn clear(&self, written: Tenant, told: &AuditEvent) -> Result<Tenant, ApiError> {
        let mark = written.hook;
        let told = [told.later(self.0.clock.now())];
        let mut row = written;
        while mark.is_some() && row.hook == mark {
            let settled = Tenant { hook: None, ..row.clone() };
            match self.0.store.save_tenant(&settled, Some(row.revision), false, &[], &told).await? {
                Saved::Done(revision) => return Ok(Tenant { revision, ..settled }),
                Saved::Stale => {
                    let found = self.0.store.tenant(&row.id).await?;
                    row = found.as_deref().cloned().ok_or_else(|| ApiError::tenant_not_found(&row.id))?;
                }
            }
        }
        Ok(row)
    }
}
