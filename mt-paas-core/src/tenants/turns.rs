//! Whose turn it is to change a tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::error::ApiError;
use crate::ids::TenantId;

/// How long a caller waits for others.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Lets the callers of this process change a tenant one after the other, in the order of their coming. What it keeps
/// from happening is only waste: between processes the revision decides.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the tenant's turn, which ends when the guard is dropped.
    pub(super) async fn take(&self, tenant: &TenantId) -> Result<OwnedMutexGuard<()>, ApiError> {
        let taken = tokio::time::timeout(PATIENCE, self.turn(tenant).lock_owned()).await;
        taken.map_err(|_| ApiError::unavailable("others kept changing the tenant"))
    }

    /// Takes the tenant's turn if nobody has it.
    pub(super) fn take_free(&self, tenant: &TenantId) -> Option<OwnedMutexGuard<()>> {
        self.turn(tenant).try_lock_owned().ok()
    }

    fn turn(&self, tenant: &TenantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits or works holds a second reference.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(tenant.clone()).or_default().clone()
    }
}

/// Waits a little before another try, longer and longer and never as long as a rival.
pub(super) async fn pause(tries: usize) {
    let most = 1_u128 << tries.min(7);
    let millis = uuid::Uuid::new_v4().as_u128() % most;
    tokio::time::sleep(Duration::from_millis(u64::try_from(millis).unwrap_or(1))).await;
}
