//! Activation and deactivation: decide, write, and let hooks have their part.

use std::future::Future;
use std::sync::Arc;

use super::super::state::{Activation, Deactivation, activate, deactivate};
use super::super::{HookAfter, Saved, Tenant};
use super::{StoreHandler, TRIES, contended};
use crate::audit::{AuditContext, AuditEvent, action};
use crate::error::ApiError;
use crate::ids::TenantId;
use crate::standard_api::{
    ActivateRequest, ActivateResponse, DeactivateRequest, DeactivateResponse, StandardAPIHandler, TenantStatus,
};
use crate::turns::pause;

impl StoreHandler {
    pub(super) async fn activate(&self, request: ActivateRequest) -> Result<ActivateResponse, ApiError> {
        let handler = self.clone();
        whole(async move { handler.activate_in_turn(&request).await }).await
    }

    pub(super) async fn deactivate(
        &self,
        tenant: &TenantId,
        request: DeactivateRequest,
    ) -> Result<DeactivateResponse, ApiError> {
        let (handler, tenant) = (self.clone(), tenant.clone());
        whole(async move { handler.deactivate_in_turn(&tenant, &request).await }).await
    }

    async fn activate_in_turn(&self, request: &ActivateRequest) -> Result<ActivateResponse, ApiError> {
        let tenant = &request.tenant_id;
        let _turn = self.turn(tenant).await?;
        let mut announced = false;
        for tries in 0..TRIES {
            let before = self.settled(tenant).await?;
            let before = before.as_deref();
            match activate(before, request, self.plan_features(&request.plan), self.0.clock.now()) {
                Activation::Conflict => return Err(ApiError::tenant_exists(tenant)),
                Activation::Repeat => return Ok(self.activated(tenant, "the tenant is active already")),
                Activation::Write { tenant: mut written, purge, event } => {
                    if let Some(hooks) = self.0.hooks.as_ref().filter(|_| !std::mem::replace(&mut announced, true)) {
                        AuditContext::current().inside().scope(hooks.before_activate(request)).await?;
                    }
                    let first = if before.is_none() { HookAfter::FirstActivation } else { HookAfter::Activation };
                    written.hook = self.pending(first);
                    let (based_on, events) = (before.map(|before| before.revision), [event]);
                    let told = self.told_of(&written, "plan", &written.plan);
                    let begun = [begun(&told, &written)];
                    let saved = self.0.store.save_tenant(&written, based_on, purge, &events, &begun).await?;
                    if let Saved::Done(revision) = saved {
                        AuditContext::current().tell();
                        self.finish(before, Tenant { revision, ..*written }, &events, &told).await?;
                        return Ok(self.activated(tenant, "the tenant is active"));
                    }
                }
            }
            pause(tries).await;
        }
        Err(contended())
    }

    async fn deactivate_in_turn(
        &self,
        tenant: &TenantId,
        request: &DeactivateRequest,
    ) -> Result<DeactivateResponse, ApiError> {
        let _turn = self.turn(tenant).await?;
        let mut announced = false;
        for tries in 0..TRIES {
            let before: Arc<Tenant> = self.settled(tenant).await?.ok_or_else(|| ApiError::tenant_not_found(tenant))?;
            match deactivate(&before, request, self.0.retention, self.0.clock.now()) {
                Deactivation::Repeat => {
                    // The first try may have died between its commit and the removal of the data.
                    self.purge(&before).await?;
                    return Ok(deactivated(&before));
                }
                Deactivation::Write { tenant: mut written, event } => {
                    if let Some(hooks) = self.0.hooks.as_ref().filter(|_| !std::mem::replace(&mut announced, true)) {
                        AuditContext::current().inside().scope(hooks.before_deactivate(tenant, request)).await?;
                    }
                    written.hook = self.pending(HookAfter::Deactivation);
                    let (based_on, events) = (Some(before.revision), [event]);
                    let told = self.told_of(&written, "reason", request.reason.as_str());
                    let begun = [begun(&told, &written)];
                    let saved = self.0.store.save_tenant(&written, based_on, false, &events, &begun).await?;
                    if let Saved::Done(revision) = saved {
                        AuditContext::current().tell();
                        let closed =
                            self.finish(Some(&before), Tenant { revision, ..*written }, &events, &told).await?;
                        self.purge(&closed).await?;
                        return Ok(deactivated(&closed));
                    }
                }
            }
            pause(tries).await;
        }
        Err(contended())
    }

    /// What is said in the audit trail about a tenant that became active or was closed.
    pub(super) fn told_of(&self, written: &Tenant, detail: &str, value: &str) -> AuditEvent {
        let action = match written.status {
            TenantStatus::Deactivated => action::TENANT_DEACTIVATE,
            TenantStatus::Active | TenantStatus::Suspended => action::TENANT_ACTIVATE,
        };
        let (_, told) = self.told(action, &written.id);
        let kept = if written.data_preserved { "kept" } else { "removed" };
        told.on("tenant", written.id.as_str()).detail(detail, value).detail("data", kept)
    }

    pub(super) async fn purge(&self, tenant: &Tenant) -> Result<(), ApiError> {
        if tenant.status == TenantStatus::Deactivated && !tenant.data_preserved {
            self.0.store.purge_users(&tenant.id, tenant.revision).await?;
        }
        Ok(())
    }

    fn plan_features(&self, plan: &str) -> &[String] {
        self.0.plans.iter().find(|known| known.name == plan).map_or(&[], |known| &known.features)
    }

    fn activated(&self, tenant: &TenantId, message: &str) -> ActivateResponse {
        ActivateResponse {
            success: true,
            tenant_id: tenant.clone(),
            access_url: self.access_url(tenant),
            message: message.to_owned(),
        }
    }
}

/// Where a hook has to follow, the change is only begun.
fn begun(told: &AuditEvent, written: &Tenant) -> AuditEvent {
    if written.hook.is_some() { told.clone().begun() } else { told.clone() }
}

/// Runs work in a task of its own: a caller who hangs up in the middle leaves all of the change behind, or none.
pub(super) async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    // What is left to fail here is a panic.
    tokio::spawn(AuditContext::current().scope(work)).await.map_err(ApiError::internal)?
}

fn deactivated(tenant: &Tenant) -> DeactivateResponse {
    DeactivateResponse {
        success: true,
        tenant_id: tenant.id.clone(),
        status: TenantStatus::Deactivated,
        data_preserved: tenant.data_preserved,
        data_retention_until: tenant.data_retention_until,
    }
}
