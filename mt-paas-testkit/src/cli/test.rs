//! `mt-paas test`: the checks against a running service.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use mt_paas_testkit::{Check, Language, Report, RunError, Suite, Target, Tester};

use super::signal::signal;
use super::{exit, explain, print};

/// What to test and how to report it.
#[derive(Args)]
#[command(group(ArgGroup::new("what").args(["full", "suites"])))]
pub(super) struct Test {
    /// Base URL of the service, such as http://127.0.0.1:8000
    #[arg(long, required_unless_present = "list", value_name = "URL")]
    target: Option<String>,
    /// The market key; MT_KEY in the environment, if neither this nor a file is given
    #[arg(long)]
    key: Option<String>,
    /// File that holds the market key; wins over MT_KEY, and goes not with --key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    /// All suites; this is the default
    #[arg(long)]
    full: bool,
    /// Only this suite; may be given several times or as a comma list
    #[arg(long = "suite", value_name = "SUITE", value_delimiter = ',', value_parser = str::parse::<Suite>)]
    suites: Vec<Suite>,
    /// An existing tenant with data, which is read and never written to
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// A second key that the service should accept
    #[arg(long, env = "MT_SECOND_KEY", hide_env_values = true, value_name = "KEY")]
    second_key: Option<String>,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Let advisory checks count
    #[arg(long)]
    strict: bool,
    /// Report progress on standard error even when it is no terminal
    #[arg(long)]
    progress: bool,
    /// Print the checks instead of running them
    #[arg(long)]
    list: bool,
    /// Path of the standard routes
    #[arg(long, default_value = "/mt", value_name = "PATH")]
    prefix: String,
    /// Header that carries the key
    #[arg(long, default_value = "X-Market-API-Key", value_name = "NAME")]
    header: String,
    /// Header that carries the key on the old paths
    #[arg(long, default_value = "X-API-Key", value_name = "NAME")]
    alias_header: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
    Junit,
}

impl Test {
    pub(super) async fn run(self, language: Language) -> u8 {
        if self.list {
            let wanted = |check: &&Check| self.suites.is_empty() || self.suites.contains(&check.suite());
            print(&explain::list(Check::all().filter(wanted)));
            return exit::CONFORMANT;
        }
        let target = match self.target() {
            Ok(target) => target,
            Err(message) => {
                eprintln!("mt-paas: {message}");
                return exit::USAGE;
            }
        };
        let mut tester = Tester::new(target).strict(self.strict);
        if !self.suites.is_empty() {
            tester = tester.suites(&self.suites);
        }
        if self.progress || std::io::stderr().is_terminal() {
            tester = tester.on_progress(move |result| eprintln!("{}", result.line(language)));
        }
        match tester.run_until(told_to_stop()).await {
            Ok(report) => {
                print(&self.written(&report, language));
                if report.conformant(self.strict) { exit::CONFORMANT } else { exit::NOT_CONFORMANT }
            }
            Err(error) => {
                eprintln!("mt-paas: {}", error.sentence(language));
                match error {
                    RunError::Unreachable { .. }
                    | RunError::TooLarge { .. }
                    | RunError::NotTls { .. }
                    | RunError::TenantUnavailable { .. } => exit::UNREACHABLE,
                    _ => exit::USAGE,
                }
            }
        }
    }

    fn target(&self) -> Result<Target, String> {
        let url = self.target.as_deref().unwrap_or_default();
        let mut target = Target::new(url, self.key()?)
            .map_err(|error| error.to_string())?
            .prefix(&self.prefix)
            .header(&self.header)
            .map_err(|error| error.to_string())?
            .alias_header(&self.alias_header)
            .map_err(|error| error.to_string())?;
        if let Some(key) = &self.second_key {
            target = target.second_key(key).map_err(|error| error.to_string())?;
        }
        if let Some(tenant) = &self.tenant {
            target = target.existing_tenant(tenant).map_err(|error| error.to_string())?;
        }
        Ok(target)
    }

    fn key(&self) -> Result<String, String> {
        match (&self.key_file, &self.key) {
            (Some(file), _) => match std::fs::read_to_string(file) {
                Ok(key) => Ok(key.trim().to_owned()),
                Err(error) => Err(format!("the key file {} cannot be read: {error}", file.display())),
            },
            (None, Some(key)) => Ok(key.clone()),
            (None, None) => {
                environment("MT_KEY").ok_or_else(|| "a market key is needed: --key, --key-file or MT_KEY".into())
            }
        }
    }

    fn written(&self, report: &Report, language: Language) -> String {
        match self.format {
            Format::Human => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                report.human(language, std::io::stdout().is_terminal() && !no_color)
            }
            Format::Json => format!("{:#}\n", report.json()),
            Format::Junit => report.junit().unwrap_or_else(|error| format!("<!-- {error} -->")),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Completes at the first signal; the second ends the process, as a service that hangs makes the cleaning up long.
async fn told_to_stop() {
    signal().await;
    eprintln!("mt-paas: stopping and cleaning up; a second signal ends at once");
    tokio::spawn(async {
        signal().await;
        eprintln!("mt-paas: ended at once; tenants named mtt-… may be left active");
        std::process::exit(exit::NOT_CONFORMANT.into());
    });
}
