//! Where benches keep their pools.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{KeyPool, NewKey, PoolLimits, Provider};
use mt_paas_core::store::memory::MemoryKeyPool;
use mt_paas_core::store::redis::{RedisKeyPool, RedisOptions};
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::{Secret, TenantId, UserId};
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor};
use serde_json::json;
use tempfile::TempDir;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A place for one pool, of which nothing is left when it is [removed](Place::remove).
pub(crate) enum Place {
    /// This process, with one pool that nobody shares.
    Process,
    /// A list in memory that pools of this process share.
    Memory(MemoryKeyPool),
    /// A file, in a directory for itself.
    Sqlite(TempDir),
    /// A schema of its own on a server.
    Postgres { server: String, schema: String },
    /// A prefix of its own on a server.
    Redis { server: String, prefix: String },
}

impl Place {
    /// A new place, by its name or by the address of a server; servers have the names of their kinds on this machine.
    pub(crate) async fn new(name: &str) -> Result<Self, Failure> {
        let unique = uuid::Uuid::new_v4().simple();
        let name = match name {
            "postgres" => "postgres://postgres@127.0.0.1:5432/postgres",
            "redis" => "redis://127.0.0.1:6379",
            other => other,
        };
        Ok(match name {
            "process" => Self::Process,
            "memory" => Self::Memory(MemoryKeyPool::new()),
            "sqlite" => Self::Sqlite(tempfile::tempdir()?),
            server if server.starts_with("postgres://") => {
                let place = Self::Postgres { server: server.to_owned(), schema: format!("mt_bench_{unique}") };
                place.run_on_server("CREATE SCHEMA").await?;
                place
            }
            server if server.starts_with("redis://") => {
                Self::Redis { server: server.to_owned(), prefix: format!("mt-bench-{unique}:") }
            }
            other => {
                return Err(format!(
                    "'{other}' is none of process, memory, sqlite, postgres, redis and addresses of servers"
                )
                .into());
            }
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Process => "memory",
            Self::Memory(_) => "memory, shared",
            Self::Sqlite(_) => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
            Self::Redis { .. } => "Redis",
        }
    }

    /// A pool in this place, with connections of its own.
    pub(crate) async fn pool(&self, limits: PoolLimits) -> Result<KeyPool, Failure> {
        Ok(match self {
            Self::Process => KeyPool::in_memory(limits),
            Self::Memory(list) => KeyPool::shared(limits, Arc::new(list.clone())),
            Self::Sqlite(_) | Self::Postgres { .. } => {
                KeyPool::shared(limits, SqlStore::open(&self.url()).await?.key_pool())
            }
            Self::Redis { server, prefix } => {
                let list = RedisKeyPool::connect(server, &RedisOptions { prefix: prefix.clone() }).await?;
                KeyPool::shared(limits, Arc::new(list))
            }
        })
    }

    /// Where a driver finds what is kept here; empty for what is kept in this process.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Process | Self::Memory(_) => String::new(),
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("pool.db").display()),
            Self::Postgres { server, schema } => format!("{server}?options[search_path]={schema}"),
            Self::Redis { server, .. } => server.clone(),
        }
    }

    /// To be called when its pools are dropped.
    pub(crate) async fn remove(self) -> Result<(), Failure> {
        // What they had on its way to the store would bring the place back.
        tokio::time::sleep(Duration::from_millis(100)).await;
        match &self {
            Self::Process | Self::Memory(_) => {}
            Self::Postgres { .. } => self.run_on_server("DROP SCHEMA").await?,
            Self::Redis { server, prefix } => {
                let mut connection = redis::Client::open(server.as_str())?.get_multiplexed_async_connection().await?;
                let keys = ["turn", "list", "token", "bare"].map(|key| format!("{{{prefix}}}key-pool:{key}"));
                redis::cmd("DEL").arg(&keys).exec_async(&mut connection).await?;
            }
            Self::Sqlite(_) => {
                if let Self::Sqlite(folder) = self {
                    folder.close()?;
                }
            }
        }
        Ok(())
    }

    async fn run_on_server(&self, what: &str) -> Result<(), Failure> {
        let Self::Postgres { server, schema } = self else { return Ok(()) };
        let cascade = if what == "DROP SCHEMA" { " CASCADE" } else { "" };
        let mut connection = PgConnection::connect(server).await?;
        connection.execute(AssertSqlSafe(format!("{what} {schema}{cascade}"))).await?;
        Ok(connection.close().await?)
    }
}

/// Gives a pool so many keys for so many calls at once each.
pub(crate) async fn stock(pool: &KeyPool, keys: u32, concurrency: u32) -> Result<(), Failure> {
    for number in 0..keys {
        let key = NewKey { concurrency, ..NewKey::new(provider(), format!("key-{number}"), Secret::new(json!({}))) };
        pool.put_key(key).await?;
    }
    Ok(())
}

pub(crate) fn provider() -> Provider {
    "openai".parse().expect("a good name")
}

pub(crate) fn tenant() -> TenantId {
    "school".parse().expect("a good id")
}

pub(crate) fn user(number: usize) -> UserId {
    format!("user-{number}").parse().expect("a good id")
}

/// What the command line names, or `otherwise`. What begins with dashes is meant for cargo's harness.
pub(crate) fn named(otherwise: &[&str]) -> Vec<String> {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if named.is_empty() { otherwise.iter().map(ToString::to_string).collect() } else { named }
}
