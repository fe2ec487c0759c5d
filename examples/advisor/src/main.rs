//! The advisor service: `advisor --help` says what it can do.

use std::process::ExitCode;

fn main() -> ExitCode {
    mt_paas_axum::service::run(advisor::ABOUT, advisor::app)
}
