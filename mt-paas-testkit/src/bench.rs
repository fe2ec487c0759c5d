//! Benches that judge what they measure.

pub mod key_pool;
