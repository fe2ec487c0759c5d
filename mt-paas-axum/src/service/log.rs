//! What a service says on standard error: each event is one line, without secrets.

use std::fmt::Write as _;
use std::io::{Write as _, stderr};
use std::panic::PanicHookInfo;

use chrono::{SecondsFormat, Utc};
use mt_paas_core::Secret;
use mt_paas_core::redact::Redactor;
use tracing_subscriber::EnvFilter;

use super::command::Failure;

/// Logs what `filter` lets through. There are no colours: what moves a terminal's cursor is spelled out, whoever wrote it.
pub(super) fn to_stderr(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("RUST_LOG: {error}"))?;
    let line = || Redactor::installed().log_line(stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(line).init();
    Ok(())
}

/// Says something that is no event of the log.
pub(super) fn say(text: &str) {
    // There is nobody left to tell of a failure.
    let _ = Redactor::installed().log_line(stderr()).write_all(text.as_bytes());
}

/// From now on panics are said here, too: their messages hold whatever was in the way.
pub(super) fn panics() {
    std::panic::set_hook(Box::new(panicked));
}

/// These texts are secrets from now on, wherever they occur.
pub(super) fn hide<'s>(secrets: impl IntoIterator<Item = &'s Secret<String>>) {
    let builder = Redactor::installed().to_builder();
    secrets.into_iter().fold(builder, |builder, secret| builder.secret(secret)).build().install();
}

/// Also where logging is off: a panic is a fault of the program.
fn panicked(panic: &PanicHookInfo<'_>) {
    let (now, thread) = (Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true), std::thread::current());
    let mut said = format!("{now} ERROR thread '{}' ", thread.name().unwrap_or("<unnamed>"));
    // Writing to a text cannot fail. The message stands on a line of its own there.
    let _ = write!(said, "{}", panic.to_string().replacen(":\n", ": ", 1));
    say(&said);
    let trace = std::backtrace::Backtrace::capture();
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        trace.to_string().lines().for_each(say);
    }
}
