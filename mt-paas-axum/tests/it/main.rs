//! The integration tests of this crate.

#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

mod audit;
mod auth;
mod contract;
mod deprecation;
mod description;
mod description_statuses;
mod key_pool;
mod serve;
mod serve_cost;
mod serve_drain;
mod serve_framing;
mod serve_process;
mod serve_sizes;
mod serve_stalls;
mod service;
mod tenant;
