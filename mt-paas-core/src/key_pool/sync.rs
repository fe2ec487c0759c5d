//! What the desk, the tasks behind it and its guards are made of.
//!
//! In unit tests of this crate these are shuttle's, or stand where shuttle may switch, so that the very code of the guards
//! runs under schedules that shuttle chooses (schedules.rs). Tests of a pool that want a Tokio runtime
//! stand in `tests/it`.

#[cfg(not(test))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use tokio::spawn;
    pub(crate) use tokio::sync::{Notify, oneshot};
    pub(crate) use tokio::task::yield_now;
    pub(crate) use tokio::time::{sleep, timeout};
}

#[cfg(test)]
pub(crate) mod scheduled;

#[cfg(not(test))]
pub(crate) use self::real::*;
#[cfg(test)]
pub(crate) use self::scheduled::*;
