//! The tables and how they came to be. Every step is text of its own, so that no later change of the code can change it.

mod m0001_tenants;
mod m0002_usage;
mod m0003_messages;
mod m0004_key_pool;
mod m0005_seal_keys;
mod m0006_audit;
mod m0007_accounts;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};

use super::address::Address;
use super::connect::Database;
use super::error::ConnectError;
use super::fault::Fault;
use super::sql;

/// One step of the schema.
struct Migration {
    name: &'static str,
    up: fn(Dialect) -> Vec<String>,
    down: &'static [&'static str],
}

/// All steps, in order. A step that was released is never edited.
const ALL: &[Migration] = &[
    m0001_tenants::MIGRATION,
    m0002_usage::MIGRATION,
    m0003_messages::MIGRATION,
    m0004_key_pool::MIGRATION,
    m0005_seal_keys::MIGRATION,
    m0006_audit::MIGRATION,
    m0007_accounts::MIGRATION,
];

/// Serializes migrations of a PostgreSQL database; the number has no meaning.
const LOCK: i64 = 0x6d74_7061_6173;

/// A step and when it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name.
    pub name: String,
    /// When it was applied; `None` if it was not.
    pub applied_at: Option<DateTime<Utc>>,
    /// Whether this program knows it; a later one may have applied more.
    pub known: bool,
}

/// Moves the tables of a database from version to version, for the command line of a service.
///
/// A run is one transaction under a lock, so that processes that start together apply each step once, and a failure
/// leaves everything as it was. What is applied stands in the table `mt_migrations`, beside a service's own.
#[derive(Debug, Clone)]
pub struct Migrations {
    db: Database,
}

impl Migrations {
    /// Opens the database at `url` (see [`SqlStore::open`](super::SqlStore::open)) without looking at its tables.
    ///
    /// # Errors
    ///
    /// Any [`ConnectError`] but those about tables.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let address: Address = url.parse()?;
        Ok(Self { db: Database::open(&address).await? })
    }

    /// The path of the file at `url`, if that is an SQLite file that is not there. [`connect`](Self::connect) would make
    /// it, which whoever only looks does not want.
    ///
    /// # Errors
    ///
    /// [`ConnectError::UnknownScheme`], [`ConnectError::InvalidUrl`].
    pub fn missing_file(url: &str) -> Result<Option<PathBuf>, ConnectError> {
        Ok(match url.parse()? {
            Address::File(path) if !path.exists() => Some(path),
            Address::File(_) | Address::Memory | Address::Server(_) => None,
        })
    }

    /// Whether `url` names a database that is gone with the process that opened it.
    ///
    /// # Errors
    ///
    /// [`ConnectError::UnknownScheme`], [`ConnectError::InvalidUrl`].
    pub fn in_memory(url: &str) -> Result<bool, ConnectError> {
        Ok(matches!(url.parse()?, Address::Memory))
    }

    /// The names of all steps that this program knows, in order.
    pub fn known() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|step| step.name)
    }

    pub(super) fn of(db: &Database) -> Self {
        Self { db: db.clone() }
    }

    /// Applies every step that is missing and names them.
    ///
    /// # Errors
    ///
    /// [`ConnectError::NewerSchema`]; [`ConnectError::InTheWay`]; [`ConnectError::Database`].
    pub async fn up(&self) -> Result<Vec<String>, ConnectError> {
        let tx = self.locked().await?;
        tx.execute_unprepared(TABLE).await?;
        let applied = known_only(applied(&tx).await?)?;
        let missing: Vec<&Migration> =
            ALL.iter().filter(|step| applied.iter().all(|(name, _)| name != step.name)).collect();
        for step in &missing {
            for statement in (step.up)(Dialect(tx.get_database_backend())) {
                tx.execute_unprepared(&statement).await.map_err(ConnectError::of_migration)?;
            }
            let values = [step.name.into(), sql::micros(Utc::now()).into()];
            sql::run(&tx, "INSERT INTO mt_migrations (name, applied_at) VALUES ($1, $2)", values).await?;
        }
        tx.commit().await?;
        Ok(missing.iter().map(|step| step.name.to_owned()).collect())
    }

    /// Takes the last step back, with the data of its tables, and names it. `None`: there is none.
    ///
    /// # Errors
    ///
    /// [`ConnectError::NewerSchema`]; [`ConnectError::Database`].
    pub async fn down(&self) -> Result<Option<String>, ConnectError> {
        let tx = self.locked().await?;
        let applied = known_only(applied(&tx).await?)?;
        let Some(step) = ALL.iter().rev().find(|step| applied.iter().any(|(name, _)| name == step.name)) else {
            return Ok(None);
        };
        for statement in step.down {
            tx.execute_unprepared(statement).await?;
        }
        sql::run(&tx, "DELETE FROM mt_migrations WHERE name = $1", [step.name.into()]).await?;
        tx.commit().await?;
        Ok(Some(step.name.to_owned()))
    }

    /// Every step, in order, with those that this program does not know at the end.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Database`].
    pub async fn status(&self) -> Result<Vec<MigrationState>, ConnectError> {
        let applied = applied(&self.db.reader).await?;
        let known = ALL.iter().map(|step| MigrationState {
            name: step.name.to_owned(),
            applied_at: applied.iter().find(|(name, _)| name == step.name).map(|(_, at)| *at),
            known: true,
        });
        let unknown = applied.iter().filter(|(name, _)| !is_known(name)).map(state);
        Ok(known.chain(unknown).collect())
    }

    /// The steps that were applied, in the order in which that happened.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Database`].
    pub async fn history(&self) -> Result<Vec<MigrationState>, ConnectError> {
        Ok(applied(&self.db.reader).await?.iter().map(state).collect())
    }

    /// Refuses tables of another version.
    pub(super) async fn expect_current(&self) -> Result<(), ConnectError> {
        let status = self.status().await?;
        if let Some(newer) = status.iter().find(|step| !step.known) {
            return Err(ConnectError::NewerSchema { name: newer.name.clone() });
        }
        let missing: Vec<String> =
            status.into_iter().filter(|step| step.applied_at.is_none()).map(|step| step.name).collect();
        if missing.is_empty() { Ok(()) } else { Err(ConnectError::MissingMigrations { missing }) }
    }

    async fn locked(&self) -> Result<DatabaseTransaction, ConnectError> {
        // On SQLite every transaction that writes has the file for itself.
        let tx = self.db.write().await.map_err(|error| self.db.explain(error))?;
        if self.db.backend() == DbBackend::Postgres {
            tx.execute_unprepared("SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning").await?;
            sql::row(&tx, "SELECT pg_advisory_xact_lock($1)::text", [LOCK.into()]).await?;
        }
        Ok(tx)
    }
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS mt_migrations (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)";

/// The steps in the table, in the order of their application.
async fn applied(on: &impl ConnectionTrait) -> Result<Vec<(String, DateTime<Utc>)>, ConnectError> {
    let there = match on.get_database_backend() {
        DbBackend::Sqlite => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'mt_migrations'",
        _ => "SELECT 1 WHERE to_regclass('mt_migrations') IS NOT NULL",
    };
    if sql::row(on, there, []).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = sql::rows(on, "SELECT name, applied_at FROM mt_migrations ORDER BY applied_at, name", []).await?;
    rows.iter()
        .map(|row| {
            let at = sql::time(row.try_get_by_index(1)?).map_err(|fault| match fault {
                Fault::Db(error) => error,
                Fault::Corrupt(..) | Fault::Lost => DbErr::Type("applied_at is no time".to_owned()),
            })?;
            Ok((row.try_get_by_index(0)?, at))
        })
        .collect()
}

fn known_only(applied: Vec<(String, DateTime<Utc>)>) -> Result<Vec<(String, DateTime<Utc>)>, ConnectError> {
    match applied.iter().find(|(name, _)| !is_known(name)) {
        Some((name, _)) => Err(ConnectError::NewerSchema { name: name.clone() }),
        None => Ok(applied),
    }
}

fn is_known(name: &str) -> bool {
    ALL.iter().any(|step| step.name == name)
}

fn state((name, at): &(String, DateTime<Utc>)) -> MigrationState {
    MigrationState { name: name.clone(), applied_at: Some(*at), known: is_known(name) }
}

/// What differs between the databases in the definition of a table.
#[derive(Clone, Copy)]
struct Dialect(DbBackend);

impl Dialect {
    /// Text that sorts by its bytes, as it does in Rust.
    fn text(self) -> &'static str {
        if self.0 == DbBackend::Sqlite { "TEXT" } else { "TEXT COLLATE \"C\"" }
    }

    /// Bytes.
    fn bytes(self) -> &'static str {
        if self.0 == DbBackend::Sqlite { "BLOB" } else { "BYTEA" }
    }

    /// Keeps the rows in the tree of the primary key instead of a second one.
    fn rowless(self) -> &'static str {
        if self.0 == DbBackend::Sqlite { " WITHOUT ROWID" } else { "" }
    }
}

/// The answer for a database that is not there.
pub(super) fn all_missing() -> ConnectError {
    ConnectError::MissingMigrations { missing: ALL.iter().map(|step| step.name.to_owned()).collect() }
}
