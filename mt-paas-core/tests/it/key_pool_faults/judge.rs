//! Who holds what, as the holders themselves say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use mt_paas_core::key_pool::{Generation, Lease};

/// Counts the calls that run with each key, apart from the pool.
#[derive(Default)]
pub(crate) struct Judge {
    running: Mutex<BTreeMap<String, u32>>,
    seen: Mutex<BTreeSet<Generation>>,
}

/// A call that runs; over when it is dropped.
pub(crate) struct Call {
    judge: Arc<Judge>,
    key: String,
}

impl Judge {
    /// Notes that a call begins, and says what is wrong with that.
    pub(crate) fn begins(self: &Arc<Self>, lease: &Lease, cap: u32) -> Result<Call, String> {
        let key = lease.key().ok_or("a lease without a key")?.spec.name.clone();
        if !self.seen.lock().unwrap().insert(lease.generation()) {
            return Err(format!("generation {} was lent twice", lease.generation()));
        }
        let mut running = self.running.lock().unwrap();
        let count = running.entry(key.clone()).or_insert(0);
        *count += 1;
        if *count > cap {
            return Err(format!("{count} calls run with {key}, which allows {cap}"));
        }
        drop(running);
        Ok(Call { judge: self.clone(), key })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        *self.judge.running.lock().unwrap().get_mut(&self.key).unwrap() -= 1;
    }
}
