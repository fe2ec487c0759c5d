//! The ready-made handler on the in-memory store, with a clock that stands still.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod accounts;
mod audit;
mod delegation;
mod hooks;
mod key_pool;
mod key_pool_faults;
mod key_seed;
mod lifecycle;
mod people;
mod pool_seal;
mod seal;
mod stand;
mod usage;
