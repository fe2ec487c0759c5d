//! Many callers in many processes on one key pool, and a judge beside them who believes nobody.
//!
//! The judge starts the processes and keeps the truth by itself: callers report to it what they begin and end, and it
//! acknowledges each report, so that the order of what it knows is certain. It never looks into the pool.

mod caller;
mod court;
mod crew;
mod error;
mod figures;
mod judgement;
mod line;
mod options;
mod order;
mod place;
mod plant;
mod requests;
mod run;
mod truth;
mod wire;
mod worker;

pub use error::BenchError;
pub use figures::{Estimates, Waiting};
pub use judgement::Judgement;
pub use options::{HoldTimes, KeyPoolBench};
pub use plant::Plant;
pub use truth::Overshoot;
pub use worker::work;
