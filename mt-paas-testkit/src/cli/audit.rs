//! `mt-paas audit`: the audit trail of a service's database, from elsewhere.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mt_paas_core::audit::{AuditStore, HeadFile};
use mt_paas_core::store::sea_orm::{Migrations, SqlStore};

use super::{exit, print};

/// What to do with it.
#[derive(Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say where the trail is not what was written
    ///
    /// Exit codes: 0 as written, 1 it is not, 2 usage, 3 the database cannot be read.
    Verify(Verify),
}

/// Where the trail and its heads are.
#[derive(Args)]
struct Verify {
    /// Address of the database: sqlite:FILE or postgres://…; nothing in it is changed
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database: String,
    /// File with heads that was kept outside of the database; those of all processes are needed
    #[arg(long, value_name = "FILE")]
    heads: Vec<PathBuf>,
}

/// Why the trail cannot be looked at: the exit code and a sentence.
type Failure = (u8, String);

impl Audit {
    pub(super) async fn run(self) -> u8 {
        let What::Verify(verify) = self.what;
        verify.run().await.unwrap_or_else(|(code, message)| {
            eprintln!("mt-paas: {message}");
            code
        })
    }
}

impl Verify {
    async fn run(self) -> Result<u8, Failure> {
        let unreadable = |error: &dyn std::error::Error| (exit::UNREACHABLE, format!("the database: {error}"));
        let known = if self.database == "memory:" { Ok(true) } else { Migrations::in_memory(&self.database) };
        match known {
            Ok(false) => {}
            Ok(true) => return Err((exit::USAGE, "the database: nothing is kept in memory".to_owned())),
            Err(error) => return Err((exit::USAGE, format!("the database: {error}"))),
        }
        let store = SqlStore::connect(&self.database).await.map_err(|error| unreadable(&error))?;
        // Before the rows are read: what is written meanwhile is newer than these.
        let mut heads = Vec::new();
        for file in &self.heads {
            let kept = HeadFile::read(file)
                .map_err(|error| (exit::USAGE, format!("{} cannot be read: {error}", file.display())))?;
            if kept.unreadable > 0 {
                eprintln!("mt-paas: {}: {} lines cannot be read", file.display(), kept.unreadable);
            }
            heads.extend(kept.heads);
        }
        if heads.is_empty() {
            eprintln!("mt-paas: without heads (--heads) an end that was cut off may not be found");
        }
        let verified = store.verify_audit(&heads, &mut |fault| print(&format!("{fault}\n"))).await;
        let verified = verified.map_err(|error| unreadable(&error))?;
        print(&format!("{} entries in {} chains, {} faults\n", verified.rows, verified.chains, verified.faults));
        Ok(if verified.faults == 0 { exit::CONFORMANT } else { exit::NOT_CONFORMANT })
    }
}
