//! Faults that are planted between callers and pool, so that the judge shows that it finds them.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use mt_paas_core::key_pool::Lease;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A fault that the judge must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plant {
    /// Every process has a pool of its own.
    CountInProcess,
    /// Some leases are never given back, and renewed for ever.
    Leak,
    /// Whoever came last is served first.
    LastFirst,
    /// Some calls are reported to be under a lease that another one was made under before.
    Twice,
}

impl FromStr for Plant {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "count-in-process" => Ok(Self::CountInProcess),
            "leak" => Ok(Self::Leak),
            "last-first" => Ok(Self::LastFirst),
            "twice" => Ok(Self::Twice),
            _ => Err("count-in-process, leak, last-first or twice".into()),
        }
    }
}

/// The callers of a process, of whom each lease goes to the last who came.
#[derive(Default)]
pub(super) struct LastFirst(Mutex<Vec<oneshot::Sender<Lease>>>);

impl LastFirst {
    /// Somebody comes.
    pub(super) fn come(&self) -> oneshot::Receiver<Lease> {
        let (give, gets) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(give);
        gets
    }

    /// Serves one.
    pub(super) fn serve(&self, lease: Lease) {
        let mut lease = Some(lease);
        while let Some(given) = lease.take() {
            let Some(last) = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop() else { return };
            // Whoever has left is passed by.
            lease = last.send(given).err();
        }
    }
}
