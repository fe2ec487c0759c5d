//! The command line: what can be asked for, and what the exit codes mean.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mt_paas_testkit::Language;

#[cfg(feature = "bench")]
mod audit;
#[cfg(feature = "bench")]
mod bench;
mod explain;
mod signal;
mod test;

/// Exit codes.
pub(crate) mod exit {
    /// Conformant.
    pub(crate) const CONFORMANT: u8 = 0;
    /// A required check failed or could not run.
    pub(crate) const NOT_CONFORMANT: u8 = 1;
    /// The command line cannot be used as given.
    pub(crate) const USAGE: u8 = 2;
    /// Nobody answers at the target.
    pub(crate) const UNREACHABLE: u8 = 3;
}

/// Tests services against the Standard API.
#[derive(Parser)]
#[command(name = "mt-paas", version, arg_required_else_help = true)]
struct Arguments {
    /// Language of the command's own words: ko or en
    #[arg(long, global = true, env = "LANG", hide_env = true, value_parser = language, default_value = "en")]
    lang: Language,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put the conformance checks to a running service
    ///
    /// Exit codes: 0 conformant, 1 a required check failed (with --strict an advisory one too) or the run was
    /// interrupted, 2 usage, 3 the target does not answer.
    Test(Box<test::Test>),
    /// Say what a check sends and what it demands
    Explain(explain::Explain),
    /// Put a part of the SDK to work and judge what it does
    #[cfg(feature = "bench")]
    Bench(bench::Bench),
    /// Look at the audit trail of a service
    #[cfg(feature = "bench")]
    Audit(audit::Audit),
}

/// Runs the command line of this process.
pub(crate) async fn run() -> ExitCode {
    // Clap itself ends with 2 on a bad command line.
    let arguments = Arguments::parse();
    let code = match arguments.command {
        Command::Test(test) => test.run(arguments.lang).await,
        Command::Explain(explain) => explain.run(arguments.lang),
        #[cfg(feature = "bench")]
        Command::Bench(bench) => bench.run(arguments.lang).await,
        #[cfg(feature = "bench")]
        Command::Audit(audit) => audit.run().await,
    };
    ExitCode::from(code)
}

/// Writes a result; a reader that went away (`| head`) is no reason to complain.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// `ko`, `en`, or a locale such as `ko_KR.UTF-8`; a locale in another language falls back to English.
fn language(name: &str) -> Result<Language, String> {
    match name.split(['_', '.', '-']).next() {
        Some("ko") => Ok(Language::Ko),
        _ => Ok(Language::En),
    }
}
