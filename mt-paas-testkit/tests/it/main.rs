//! The tester against services that are sound, and against services that are not.

mod audit;
mod bench;
mod cli;
mod matrix;
mod preflight;
mod report;
mod self_test;
