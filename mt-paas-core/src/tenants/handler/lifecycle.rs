//! Activation and deactivation: decide, write, call hooks, take back what a hook refuses.

use super::super::state::{Activation, Deactivation, activate, deactivate};
use super::super::{Saved, Tenant};
use super::{StoreHandler, TRIES, contended};
use crate::error::ApiError;
use crate::ids::TenantId;
use crate::outbox::OutboxEvent;
use crate::standard_api::{
    ActivateRequest, ActivateResponse, DeactivateRequest, DeactivateResponse, StandardAPIHandler, TenantStatus,
};

impl StoreHandler {
    pub(super) async fn activate(&self, request: ActivateRequest) -> Result<ActivateResponse, ApiError> {
        let tenant = &request.tenant_id;
        let mut hooked = false;
        for _ in 0..TRIES {
            let before = self.0.store.tenant(tenant).await?;
            let before = before.as_deref();
            match activate(before, &request, self.plan_features(&request.plan), self.0.clock.now()) {
                Activation::Conflict => return Err(ApiError::tenant_exists(tenant)),
                Activation::Repeat => return Ok(self.activated(tenant, "the tenant is active already")),
                Activation::Write { tenant: written, purge, event } => {
                    if !std::mem::replace(&mut hooked, true) {
                        self.0.hooks.before_activate(&request).await?;
                    }
                    let based_on = before.map(|before| before.revision);
                    let events = [event];
                    if let Saved::Done(revision) = self.0.store.save_tenant(&written, based_on, purge, &events).await? {
                        let written = Tenant { revision, ..*written };
                        let hook = self.0.hooks.after_activate(&written, before.is_none()).await;
                        self.keep_if(hook, before, &written, &events).await?;
                        return Ok(self.activated(tenant, "the tenant is active"));
                    }
                }
            }
        }
        Err(contended())
    }

    pub(super) async fn deactivate(
        &self,
        tenant: &TenantId,
        request: DeactivateRequest,
    ) -> Result<DeactivateResponse, ApiError> {
        let mut hooked = false;
        for _ in 0..TRIES {
            let (before, now) = self.known_tenant(tenant).await?;
            match deactivate(&before, &request, self.0.retention, now) {
                Deactivation::Repeat => {
                    // The first try may have died between its commit and the removal of the data.
                    self.purge(&before).await?;
                    return Ok(deactivated(&before));
                }
                Deactivation::Write { tenant: written, event } => {
                    if !std::mem::replace(&mut hooked, true) {
                        self.0.hooks.before_deactivate(tenant, &request).await?;
                    }
                    let (based_on, events) = (Some(before.revision), [event]);
                    if let Saved::Done(revision) = self.0.store.save_tenant(&written, based_on, false, &events).await? {
                        let written = Tenant { revision, ..*written };
                        let hook = self.0.hooks.after_deactivate(&written).await;
                        self.keep_if(hook, Some(&before), &written, &events).await?;
                        self.purge(&written).await?;
                        return Ok(deactivated(&written));
                    }
                }
            }
        }
        Err(contended())
    }

    /// Takes a change back if the hook behind it failed. A change that somebody else has built on already stays.
    async fn keep_if(
        &self,
        hook: Result<(), ApiError>,
        before: Option<&Tenant>,
        written: &Tenant,
        events: &[OutboxEvent],
    ) -> Result<(), ApiError> {
        let Err(refused) = hook else { return Ok(()) };
        let events: Vec<_> = events.iter().map(|event| event.id).collect();
        let restored = self.0.store.restore_tenant(&written.id, before, written.revision, &events).await?;
        if restored == Saved::Stale {
            tracing::error!(tenant = %written.id, "a hook failed and the tenant had changed again: nothing was taken back");
        }
        Err(refused)
    }

    async fn purge(&self, tenant: &Tenant) -> Result<(), ApiError> {
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

fn deactivated(tenant: &Tenant) -> DeactivateResponse {
    DeactivateResponse {
        success: true,
        tenant_id: tenant.id.clone(),
        status: TenantStatus::Deactivated,
        data_preserved: tenant.data_preserved,
        data_retention_until: tenant.data_retention_until,
    }
}
