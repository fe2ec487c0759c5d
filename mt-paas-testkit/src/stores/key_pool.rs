//! What a key pool promises, and the list that its processes share, as tests that anybody can run on a store of their own.
//!
//! ```
//! use std::sync::Arc;
//! use mt_paas_core::key_pool::KeyPoolStore;
//! use mt_paas_core::store::memory::MemoryKeyPool;
//! use mt_paas_testkit::stores::key_pool::{Ground, suite};
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
//! for test in suite().iter().filter(|test| test.name.starts_with("list")) {
//!     let place = MemoryKeyPool::new();
//!     // Each call opens the same place once more, as another process would.
//!     let ground = Ground::shared(move || {
//!         let store: Arc<dyn KeyPoolStore> = Arc::new(place.clone());
//!         async { Ok(store) }
//!     });
//!     runtime.block_on((test.run)(ground)).unwrap();
//! }
//! ```

mod busy;
mod charges;
mod differential;
mod fairness;
mod ground;
mod health;
mod keys;
mod leaks;
mod leases;
mod lender;
mod limits;
mod list;
mod member;
mod order;
mod outages;
mod processes;
mod time;
mod waiting;
mod wish;

use super::Run;

pub use differential::same_as_alone;
pub use ground::Ground;
pub use lender::{Lender, Lent};

/// One promise of a key pool, or of the list that it is kept in.
#[derive(Clone, Copy)]
pub struct KeyPoolTest {
    /// The part, and the promise in words.
    pub name: &'static str,
    /// Whether it is about processes that share a store, and says nothing of a pool in memory.
    pub needs_store: bool,
    /// Tries the promise out on empty ground, which is of no use afterwards. Needs a runtime of tokio, best one with
    /// several threads.
    pub run: fn(Ground) -> Run,
}

/// Every test, by part.
pub fn suite() -> Vec<KeyPoolTest> {
    [
        list::TESTS,
        limits::TESTS,
        order::TESTS,
        fairness::TESTS,
        waiting::TESTS,
        charges::TESTS,
        leases::TESTS,
        health::TESTS,
        keys::TESTS,
        leaks::TESTS,
        processes::TESTS,
        outages::TESTS,
        differential::TESTS,
    ]
    .concat()
}

/// A list of tests; each is named after its function.
macro_rules! tests {
    ($group:literal, $needs_store:literal: $($name:ident),+ $(,)?) => {
        pub(super) const TESTS: &[super::KeyPoolTest] = &[$(super::KeyPoolTest {
            name: concat!($group, "::", stringify!($name)),
            needs_store: $needs_store,
            run: |ground| Box::pin($name(ground)),
        }),+];
    };
}

use tests;
