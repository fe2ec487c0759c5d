//! What goes wrong inside an operation, before the caller's kind of error is made of it.

use sea_orm::DbErr;

use super::error::{code, driver_error};
use crate::store::StoreError;

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The database.
    Db(DbErr),
    /// A row that cannot be read.
    Corrupt(&'static str, Box<dyn std::error::Error + Send + Sync>),
    /// A row came and went while it was looked at: another try decides.
    Lost,
}

impl Fault {
    /// A row cannot be read because of `source`.
    pub(super) fn corrupt<E>(what: &'static str) -> impl Fn(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Corrupt(what, source.into())
    }

    /// Whether nothing happened and another try may well succeed: a serialization failure or a deadlock.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Db(error) => {
                driver_error(error).and_then(code).is_some_and(|code| matches!(code.as_str(), "40001" | "40P01"))
            }
            Self::Lost => true,
            Self::Corrupt(..) => false,
        }
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Db(error @ (DbErr::Type(_) | DbErr::TryIntoErr { .. } | DbErr::Json(_))) => {
                Self::Corrupt { what: "row", source: Box::new(error) }
            }
            Fault::Db(error) => Self::Unavailable(Box::new(error)),
            Fault::Corrupt(what, source) => Self::Corrupt { what, source },
            Fault::Lost => Self::Unavailable("a row changed at every try".into()),
        }
    }
}

/// Runs an operation, which is one transaction, again when it lost to another one.
macro_rules! again {
    ($operation:expr) => {{
        let mut tries = 0;
        loop {
            match $operation.await {
                Err(fault) if fault.passes() && tries < 8 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(2 << tries)).await;
                }
                result => break result.map_err(crate::store::StoreError::from),
            }
        }
    }};
}

pub(super) use again;
