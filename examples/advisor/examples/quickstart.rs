//! A whole service of the Standard API, on a database of its own.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use mt_paas_axum::service::{About, Context, run};

const ABOUT: About = About { name: "my-service", version: "0.1.0", port: 8000 };

fn main() -> ExitCode {
    run(ABOUT, app)
}

/// The service as a router.
pub fn app(context: &Context) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let handler = context.store_handler().build()?;
    Ok(context.standard_api(Arc::new(handler)).build()?)
}
