#![doc = include_str!("../README.md")]

pub use self::check::{Check, Level, Weight};
pub use self::in_process::serve_and_test;
pub use self::outcome::{Failure, Outcome};
pub use self::report::{CheckResult, Language, Report};
pub use self::run_error::RunError;
pub use self::suites::{Suite, UnknownSuite};
pub use self::target::{Target, TargetError};
pub use self::tester::Tester;

mod check;
mod client;
mod in_process;
mod lab;
mod outcome;
mod report;
mod route;
mod run_error;
mod suites;
mod target;
mod tester;

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "stores")]
pub mod stores;
