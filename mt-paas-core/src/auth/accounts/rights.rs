//! Who may do what to whom.

use super::super::{Access, AuthError, Principal};
use crate::audit::{Actor, ActorKind};
use crate::ids::TenantId;

impl Principal {
    /// Whether this is somebody who runs the service.
    pub fn is_operator(&self) -> bool {
        self.tenant == TenantId::operators()
    }

    /// The same as the audit trail calls them.
    pub fn actor(&self) -> Actor {
        let kind = if self.is_operator() { ActorKind::Operator } else { ActorKind::User };
        Actor::new(kind, self.user.as_str())
    }

    /// What they may do in a tenant: operators have the same access everywhere, anybody else in their own tenant only.
    pub fn access_in(&self, tenant: &TenantId) -> Option<Access> {
        (self.is_operator() || self.tenant == *tenant).then_some(self.access)
    }

    /// Lets pass whoever has at least this access in a tenant.
    ///
    /// # Errors
    ///
    /// [`AuthError::MustChangePassword`] first of all; [`AuthError::Missing`] for a tenant that they cannot see, so that
    /// they do not learn whether it exists; [`AuthError::NotAllowed`].
    pub fn demand(&self, needs: Access, tenant: &TenantId) -> Result<(), AuthError> {
        self.ready()?;
        match self.access_in(tenant) {
            None => Err(AuthError::Missing("tenant")),
            Some(access) if access < needs => Err(AuthError::NotAllowed),
            Some(_) => Ok(()),
        }
    }

    /// Lets pass whoever has taken a password of their own.
    ///
    /// # Errors
    ///
    /// [`AuthError::MustChangePassword`].
    pub fn ready(&self) -> Result<(), AuthError> {
        if self.must_change { Err(AuthError::MustChangePassword) } else { Ok(()) }
    }

    /// Lets pass whoever may give and take `access` in a tenant: administrators, and what is above users only super
    /// administrators.
    pub(super) fn may_give(&self, access: Access, tenant: &TenantId) -> Result<(), AuthError> {
        let needs = if access >= Access::Admin { Access::SuperAdmin } else { Access::Admin };
        self.demand(needs, tenant)
    }
}
