//! What every store promises, as tests that anybody can run on a store of their own.
//!
//! ```
//! # use std::sync::Arc;
//! # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
//! for test in mt_paas_testkit::stores::suite().iter().filter(|test| test.name.starts_with("outbox")) {
//!     let store = Arc::new(mt_paas_core::store::memory::MemoryStore::new());
//!     runtime.block_on((test.run)(store)).unwrap();
//! }
//! ```

mod audit;
mod auth;
mod differential;
mod fixtures;
mod idempotency;
pub mod key_pool;
mod outbox;
mod tenants;
mod usage;
mod users;
mod violation;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use mt_paas_core::store::Store;

pub use differential::same_as_memory;
pub use violation::Violation;

/// One promise of a store.
#[derive(Clone, Copy)]
pub struct StoreTest {
    /// The trait, and the promise in words.
    pub name: &'static str,
    /// Tries the promise out on an empty store, which is of no use afterwards. Needs a runtime of tokio, best one with
    /// several threads.
    pub run: fn(Arc<dyn Store>) -> Run,
}

/// A test that runs: whether the store kept its promise.
pub type Run = BoxFuture<'static, Result<(), Violation>>;

/// Every test, by trait.
pub fn suite() -> Vec<StoreTest> {
    let own = [tenants::TESTS, users::TESTS, usage::TESTS, idempotency::TESTS, outbox::TESTS, audit::TESTS];
    [own.concat(), auth::all(), differential::TESTS.to_vec()].concat()
}

/// A list of tests; each is named after its function.
macro_rules! tests {
    ($group:literal: $($name:ident),+ $(,)?) => {
        pub(super) const TESTS: &[super::StoreTest] = &[$(super::StoreTest {
            name: concat!($group, "::", stringify!($name)),
            run: |store| Box::pin($name(store)),
        }),+];
    };
}

use tests;
