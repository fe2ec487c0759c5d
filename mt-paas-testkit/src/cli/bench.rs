//! `mt-paas bench`: benches that judge.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use mt_paas_testkit::Language;
use mt_paas_testkit::bench::key_pool::{BenchError, HoldTimes, KeyPoolBench, Plant, work};

use super::signal::signal;
use super::{exit, print};

/// Which bench.
#[derive(Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    which: Which,
}

#[derive(Subcommand)]
enum Which {
    /// Judge a key pool under many callers in many processes
    ///
    /// Exit codes: 0 sound, 1 a limit was passed, a slot was lost, a lease was granted twice or out of turn, or the run
    /// was interrupted, 2 usage, 3 the store or a process failed.
    KeyPool(Box<KeyPool>),
    /// One of the processes; its judge starts it
    #[command(hide = true)]
    Worker,
}

/// How the pool is put to work.
#[derive(Args)]
struct KeyPool {
    /// Where the pool is kept: memory:, sqlite:FILE, postgres://… or redis://…; nobody else may use it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    store: String,
    /// Callers in all processes together
    #[arg(long, default_value_t = 1000, value_name = "N")]
    callers: u32,
    /// Processes
    #[arg(long, default_value_t = 8, value_name = "N")]
    processes: u32,
    /// Kill a random process more than once a second, and start another in its place
    #[arg(long)]
    kill: bool,
    /// How long the callers call
    #[arg(long, default_value_t = 60, value_name = "S")]
    seconds: u64,
    /// Keys in the pool
    #[arg(long, default_value_t = 8, value_name = "N")]
    keys: u32,
    /// Calls that each key allows at once
    #[arg(long, default_value_t = 4, value_name = "N")]
    slots: u32,
    /// Jobs that may run at once in total; three quarters of what the keys allow unless set
    #[arg(long, value_name = "N")]
    total: Option<u32>,
    /// Jobs that one user may run at once
    #[arg(long, default_value_t = 2, value_name = "N")]
    per_user: u32,
    /// Requests that each key allows in any 60 seconds
    #[arg(long, value_name = "N")]
    rpm: Option<u32>,
    /// Seconds that a lease lives when its process says nothing
    #[arg(long, default_value_t = 3, value_name = "S")]
    ttl: u64,
    /// How long a call takes, in milliseconds
    #[arg(long, default_value_t = 5, value_name = "MS")]
    hold_ms: u64,
    /// Whether all calls take equally long
    #[arg(long, value_enum, default_value_t = Holds::Constant)]
    holds: Holds,
    /// What all keys on Redis begin with
    #[arg(long, default_value = "mt-bench:", value_name = "TEXT")]
    prefix: String,
    /// Form of the judgement on standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// A fault that the judge must find
    #[arg(long, hide = true, value_parser = str::parse::<Plant>)]
    plant: Option<Plant>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Holds {
    Constant,
    Exponential,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Bench {
    pub(super) async fn run(self, language: Language) -> u8 {
        let ended = match self.which {
            Which::KeyPool(bench) => bench.run(language).await,
            Which::Worker => work().await.map(|()| exit::CONFORMANT),
        };
        ended.unwrap_or_else(|error| {
            eprintln!("mt-paas: {}", error.told());
            match error {
                BenchError::InvalidOption { .. } => exit::USAGE,
                _ => exit::UNREACHABLE,
            }
        })
    }
}

impl KeyPool {
    async fn run(self, language: Language) -> Result<u8, BenchError> {
        let format = self.format;
        let judgement = self.bench()?.run(signal()).await?;
        print(&match format {
            Format::Human => judgement.human(language),
            Format::Json => format!("{:#}\n", judgement.json()),
        });
        Ok(if judgement.is_sound() { exit::CONFORMANT } else { exit::NOT_CONFORMANT })
    }

    fn bench(self) -> Result<KeyPoolBench, BenchError> {
        let program = std::env::current_exe()?;
        let most = self.keys.saturating_mul(self.slots);
        Ok(KeyPoolBench {
            store: self.store,
            prefix: self.prefix,
            callers: self.callers,
            processes: self.processes,
            kill: self.kill,
            duration: Duration::from_secs(self.seconds),
            keys: self.keys,
            slots: self.slots,
            total: self.total.unwrap_or(most - most / 4),
            per_user: self.per_user,
            requests_per_minute: self.rpm,
            ttl: Duration::from_secs(self.ttl),
            hold: Duration::from_millis(self.hold_ms),
            hold_times: match self.holds {
                Holds::Constant => HoldTimes::Constant,
                Holds::Exponential => HoldTimes::Exponential,
            },
            plant: self.plant,
            program: (program, vec!["bench".to_owned(), "worker".to_owned()]),
        })
    }
}
