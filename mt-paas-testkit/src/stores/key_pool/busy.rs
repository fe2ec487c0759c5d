//! Refusals that tests demand.

use mt_paas_core::key_pool::{Moment, PoolError, WaitReason};

use super::lender::Lent;
use crate::stores::Violation;

/// The reason and the next free moment of a refusal.
pub(super) fn busy<T>(got: Result<T, PoolError>, what: &str) -> Result<(WaitReason, Option<Moment>), Violation> {
    match got {
        Err(PoolError::Busy { reason, next_free }) => Ok((reason, next_free.map(Moment::from))),
        Err(other) => Err(Violation::new(format!("{what}: refused with '{other}'"))),
        Ok(_) => Err(Violation::new(format!("{what}: it was granted"))),
    }
}

/// The name of the key that was lent.
pub(super) fn name(lent: &dyn Lent) -> String {
    lent.lease().key().map(|key| key.spec.name.clone()).unwrap_or_default()
}

/// Demands that a lease is over, whatever is done in its name.
pub(super) fn ended<T>(got: Result<T, PoolError>, what: &str) -> Result<(), Violation> {
    match got {
        Err(PoolError::LeaseEnded) => Ok(()),
        Err(other) => Err(Violation::new(format!("{what} of an ended lease: '{other}'"))),
        Ok(_) => Err(Violation::new(format!("{what} of an ended lease was accepted"))),
    }
}
