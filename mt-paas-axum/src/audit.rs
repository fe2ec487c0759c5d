//! The audit trail at the doors: who is behind a request, what was refused, and the trail itself for administrators.
//!
//! A handler that makes a change says so in the change's own transaction. What the doors see and no handler told, a
//! request that was refused above all, is written by [`AuditLayer`]; keys that open no door are written by [`Refusals`].

mod layer;
mod operation;
mod outcome;
mod refusals;
mod routes;
mod trail;

pub use layer::{AuditLayer, Audited};
pub(crate) use operation::Operation;
pub use refusals::Refusals;
pub use routes::{PREFIX, audit_routes};
pub(crate) use trail::Trail;
