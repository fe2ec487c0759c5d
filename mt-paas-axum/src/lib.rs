#![doc = include_str!("../README.md")]

pub mod audit;
pub mod auth;
pub mod compat;
mod cors;
pub mod deprecation;
pub mod error;
pub mod extract;
pub mod idempotency;
mod json;
pub mod key_pool;
pub mod language;
mod openapi;
pub mod request_id;
pub mod serve;
#[cfg(feature = "service")]
pub mod service;
pub mod standard_api;
pub mod tenant;

pub use error::Problem;
pub use http;
pub use standard_api::StandardApi;
