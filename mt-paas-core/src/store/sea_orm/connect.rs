//! Opens the pools: on SQLite one connection that writes and a few that only read, on PostgreSQL one pool for all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, SqliteTransactionMode,
    SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};

use super::address::Address;
use super::audit::Link;
use super::error::{ConnectError, code, driver_error, sqlite_code};
use super::home::Home;
use crate::store::memory::MemoryKeyPool;

/// How long a caller waits for a free connection, and a writer of SQLite for another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pools of a store.
#[derive(Debug, Clone)]
pub(super) struct Database {
    pub(super) writer: DatabaseConnection,
    pub(super) reader: DatabaseConnection,
    pub(super) home: Home,
    /// The audit trail of this process.
    pub(super) audit: Arc<Link>,
}

impl Database {
    /// Opens the database; what is missing of a file's path is made.
    pub(super) async fn open(address: &Address) -> Result<Self, ConnectError> {
        match address {
            Address::File(path) => file(path).await,
            Address::Memory => memory().await,
            Address::Server(options) => server(options).await,
        }
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Begins a transaction that writes. On SQLite it holds the write lock from the start: a read that is upgraded
    /// later fails at once when another process wrote in between.
    pub(super) async fn write(&self) -> Result<DatabaseTransaction, DbErr> {
        let immediate = (self.backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
        self.writer.begin_with_options(options).await
    }

    /// Says what a failure means for somebody who wants to open the database.
    pub(super) fn explain(&self, error: DbErr) -> ConnectError {
        match &self.home {
            Home::File(path) => file_error(path, error),
            Home::Memory(_) | Home::Server(_) => ConnectError::Database(error),
        }
    }

    /// Begins a transaction whose reads are all of one moment.
    pub(super) async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                sqlite_transaction_mode: None,
            },
        };
        self.reader.begin_with_options(options).await
    }
}

async fn file(path: &Path) -> Result<Database, ConnectError> {
    make_folder(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .disable_statement_logging();
    let writer = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A crash of the machine may lose the last transactions, never the file; a crash of the process loses nothing.
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", "-65536");
    let reader = options.read_only(true).pragma("cache_size", "-16384");
    first_connection(path, &writer).await?;
    // A connection that is given up takes its cache with it, so none is.
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    Ok(Database {
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(pool().max_connections(1).connect_lazy_with(writer)),
        reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(pool().max_connections(4).connect_lazy_with(reader)),
        home: Home::File(path.to_owned()),
        audit: Arc::default(),
    })
}

fn make_folder(path: &Path) -> Result<(), ConnectError> {
    if path.is_dir() {
        return Err(ConnectError::IsADirectory { path: path.to_owned() });
    }
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    if let Some(part) = folder.ancestors().find(|part| part.is_file()) {
        return Err(ConnectError::NotADirectory { path: part.to_owned() });
    }
    std::fs::create_dir_all(folder)
        .map_err(|fault| ConnectError::NotWritable { path: path.to_owned(), source: Box::new(fault) })
}

/// Opens the file once by hand: a pool would hide why it fails.
async fn first_connection(path: &Path, options: &SqliteConnectOptions) -> Result<(), ConnectError> {
    let mut tries = 0;
    let mut connection = loop {
        match SqliteConnection::connect_with(options).await {
            // Two processes that turn the same new file to WAL are not made to wait for each other by the busy timeout.
            Err(fault) if sqlite_code(&fault) == Some(BUSY) && tries < 50 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => break result.map_err(|fault| file_error(path, driver(fault)))?,
        }
    };
    let version: (String,) = sqlx::query_as("SELECT sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .map_err(|fault| file_error(path, driver(fault)))?;
    connection.close().await.map_err(|fault| file_error(path, driver(fault)))?;
    if safe_with_wal(&version.0) { Ok(()) } else { Err(ConnectError::OldSqlite { found: version.0 }) }
}

const BUSY: u32 = 5;

/// Up to 3.51.2 a checkpoint beside a write could lose committed transactions of a file in WAL mode.
fn safe_with_wal(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    parts.as_slice() >= [3, 51, 3].as_slice()
}

fn file_error(path: &Path, source: DbErr) -> ConnectError {
    let path = PathBuf::from(path);
    match driver_error(&source).and_then(sqlite_code) {
        Some(BUSY | 6) => ConnectError::Locked { path, source },
        // read-only, disk I/O, full, cannot open
        Some(8 | 10 | 13 | 14) => ConnectError::NotWritable { path, source: Box::new(source) },
        Some(26) => ConnectError::NotSqlite { path, source },
        _ => ConnectError::Database(source),
    }
}

/// One connection for all: each further one would see a database of its own.
async fn memory() -> Result<Database, ConnectError> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true).disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(driver)?;
    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
    Ok(Database {
        writer: connection.clone(),
        reader: connection,
        home: Home::Memory(MemoryKeyPool::new()),
        audit: Arc::default(),
    })
}

async fn server(options: &PgConnectOptions) -> Result<Database, ConnectError> {
    let mut options = options.clone().disable_statement_logging();
    if options.get_application_name().is_none() {
        options = options.application_name("mt-paas");
    }
    // What the address sets has the last word.
    let own = options.get_options().map(ToOwned::to_owned);
    if !own.as_deref().is_some_and(|own| own.contains("statement_timeout")) {
        options = options.options([("statement_timeout", "30s")]);
    }
    let first = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
    let connection = first
        .map_err(|late| ConnectError::Unreachable { at: at(&options), source: Box::new(late) })?
        .map_err(|fault| server_error(&options, fault))?;
    connection.close().await.map_err(driver)?;
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // A server that was restarted has closed all of them. Under load they are busy, and need no ping.
                if meta.idle_for > Duration::from_millis(100) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.clone());
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Database {
        writer: connection.clone(),
        reader: connection,
        home: Home::Server(Box::new(options)),
        audit: Arc::default(),
    })
}

fn server_error(options: &PgConnectOptions, source: sqlx::Error) -> ConnectError {
    let at = at(options);
    match (code(&source).as_deref(), &source) {
        (Some("28P01" | "28000"), _) => ConnectError::Refused { at, user: options.get_username().to_owned(), source },
        (Some("3D000"), _) => {
            let name = options.get_database().unwrap_or(options.get_username()).to_owned();
            ConnectError::UnknownDatabase { at, name, source }
        }
        // starting up or going down
        (Some("57P03"), _) | (None, sqlx::Error::Io(_) | sqlx::Error::Tls(_)) => {
            ConnectError::Unreachable { at, source: Box::new(source) }
        }
        _ => ConnectError::Database(driver(source)),
    }
}

fn at(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

fn driver(source: sqlx::Error) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(source.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_the_wal_fault_are_told_from_later_ones() {
        for (version, safe) in [("3.51.3", true), ("3.51.2", false), ("3.40.1", false), ("3.54.0", true), ("4.0", true)]
        {
            assert_eq!(safe_with_wal(version), safe, "{version}");
        }
    }
}
