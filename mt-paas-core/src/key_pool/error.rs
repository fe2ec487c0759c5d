//! Why the pool did not do what it was asked for.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::claim::WaitReason;
use super::edit::KeyRefused;
use super::moment::Moment;
use crate::error::ApiError;
use crate::seal::SealError;
use crate::store::StoreError;

/// Why the pool did not do what it was asked for. No message holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Nothing became free in time.
    #[error("nothing free in time: {reason}{}", next(*next_free))]
    Busy {
        /// What it waited for.
        reason: WaitReason,
        /// When something may be free at the earliest, if that can be known.
        next_free: Option<DateTime<Utc>>,
    },
    /// More requests at once than any key for the claim may make in a minute or a day.
    #[error("{units} requests at once are more than any key may make in a minute or a day")]
    TooMany {
        /// How many were asked for.
        units: u32,
    },
    /// The lease ended: it was given back, or nobody renewed it in time. Nothing more may be done in its name.
    #[error("the lease has ended")]
    LeaseEnded,
    /// The lease's key was taken out of the pool. The lease itself runs on.
    #[error("the key of the lease was taken out of the pool")]
    KeyGone,
    /// The keys were not changed.
    #[error(transparent)]
    KeyRefused(#[from] KeyRefused),
    /// The payload of a key cannot be sealed, so nothing was kept.
    #[error("the key '{name}' cannot be sealed")]
    NotSealed {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Arc<SealError>,
    },
    /// The payload of a key cannot be opened.
    #[error("the key '{name}' cannot be opened")]
    Sealed {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Arc<SealError>,
    },
    /// An option is out of its range.
    #[error("{option} {demand}")]
    InvalidOption {
        /// Which.
        option: &'static str,
        /// What it must be.
        demand: &'static str,
    },
    /// The pool was closed.
    #[error("the pool is closed")]
    Closed,
    /// The store could not do its work.
    #[error("the pool's store failed")]
    Store(#[source] Arc<StoreError>),
}

impl PoolError {
    pub(crate) fn busy(reason: WaitReason, until: Option<Moment>) -> Self {
        Self::Busy { reason, next_free: until.map(Moment::date) }
    }
}

fn next(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| format!("; free at {} at the earliest", at.format("%FT%TZ"))).unwrap_or_default()
}

impl From<PoolError> for ApiError {
    fn from(error: PoolError) -> Self {
        match &error {
            PoolError::TooMany { .. } | PoolError::InvalidOption { .. } => Self::invalid(error.to_string()),
            PoolError::KeyRefused(KeyRefused::Invalid(fault)) => Self::invalid_field(&[&fault.field], fault.demand),
            PoolError::KeyRefused(KeyRefused::Unknown(key)) => Self::resource_not_found(&key.to_string()),
            PoolError::KeyRefused(KeyRefused::Taken { .. }) => Self::resource_exists(error.to_string()),
            PoolError::Sealed { source, .. } | PoolError::NotSealed { source, .. } => match **source {
                SealError::Sealed => Self::unavailable(error),
                _ => Self::internal(error),
            },
            _ => Self::unavailable(error),
        }
    }
}
