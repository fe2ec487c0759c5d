//! What a service does around the activation and deactivation of a tenant.

use async_trait::async_trait;

use super::Tenant;
use crate::error::ApiError;
use crate::ids::TenantId;
use crate::standard_api::{ActivateRequest, DeactivateRequest};

/// A service's own part in the life of a tenant. A repeat that changes nothing calls no hook.
///
/// Hooks run outside any transaction: a before-hook ahead of the change, an after-hook behind its commit. The failure
/// of a before-hook is the answer, and nothing has changed. The failure of an after-hook takes the change back, and is
/// the answer; data is removed after the last hook, so that nothing is lost then. Until an after-hook has ended the
/// tenant is not in use. If its process dies in the middle, the next activation or deactivation runs it again first, and
/// after a minute any request does: after-hooks must bear to be repeated, and to meet themselves when they take longer.
#[async_trait]
pub trait TenantHooks: Send + Sync + 'static {
    /// A tenant is about to become active.
    async fn before_activate(&self, _request: &ActivateRequest) -> Result<(), ApiError> {
        Ok(())
    }

    /// A tenant became active; `first` if it was never known before.
    async fn after_activate(&self, _tenant: &Tenant, _first: bool) -> Result<(), ApiError> {
        Ok(())
    }

    /// A tenant is about to be closed.
    async fn before_deactivate(&self, _tenant: &TenantId, _request: &DeactivateRequest) -> Result<(), ApiError> {
        Ok(())
    }

    /// A tenant was closed; without `data_preserved` the service removes what it holds for it.
    async fn after_deactivate(&self, _tenant: &Tenant) -> Result<(), ApiError> {
        Ok(())
    }
}
