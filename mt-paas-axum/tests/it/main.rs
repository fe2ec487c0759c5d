//! The integration tests of this crate.

mod contract;
mod serve;
mod serve_drain;
mod serve_stalls;
