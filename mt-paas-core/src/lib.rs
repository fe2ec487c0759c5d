#![doc = include_str!("../README.md")]

pub mod address;
pub mod audit;
pub mod auth;
pub mod clock;
pub mod error;
pub mod fields;
pub mod idempotency;
pub mod ids;
pub mod json;
pub mod key_pool;
pub mod money;
pub mod outbox;
pub mod period;
pub mod redact;
pub mod seal;
pub mod secret;
pub mod standard_api;
pub mod store;
pub mod tenants;
pub mod text;
pub mod usage;
pub mod users;

mod delegate;
mod turns;
mod wire;

pub use wire::UnknownName;

pub use error::{ApiError, ErrorKind};
pub use ids::{TenantId, UserId};
pub use money::NanoUsd;
pub use secret::Secret;
pub use standard_api::StandardAPIHandler;
pub use tenants::StoreHandler;

/// What the macros of this crate expand to.
#[doc(hidden)]
pub mod __private {
    /// The future that `#[async_trait]` makes of an operation.
    pub type Answer<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;
}
