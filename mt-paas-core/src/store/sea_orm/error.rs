//! Why a database could not be opened, one sentence each.

use std::path::PathBuf;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

/// A database could not be opened or migrated; nothing was changed in it. No message holds the address's password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address begins with something else.
    #[error("a database address begins with sqlite: or postgres://")]
    UnknownScheme,
    /// The address cannot be read.
    #[error("the database address cannot be read: {fault}")]
    InvalidUrl {
        /// What is wrong with it.
        fault: &'static str,
        /// The parser's word.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Nobody answers.
    #[error("no PostgreSQL server answers at {at}")]
    Unreachable {
        /// Host and port.
        at: String,
        /// What happened instead.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server does not let the user in.
    #[error("the PostgreSQL server at {at} refuses the user {user}: wrong name or password")]
    Refused {
        /// Host and port.
        at: String,
        /// The user's name.
        user: String,
        /// The server's word.
        #[source]
        source: sqlx::Error,
    },
    /// The server has no such database.
    #[error("the PostgreSQL server at {at} has no database {name}")]
    UnknownDatabase {
        /// Host and port.
        at: String,
        /// The name that was asked for.
        name: String,
        /// The server's word.
        #[source]
        source: sqlx::Error,
    },
    /// A part of the path is a file.
    #[error("{} cannot hold a database: it is not a directory", path.display())]
    NotADirectory {
        /// The part.
        path: PathBuf,
    },
    /// The file is a directory.
    #[error("{} is a directory, not a database file", path.display())]
    IsADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The file or its folder cannot be made or written.
    #[error("the database file {} cannot be made or written", path.display())]
    NotWritable {
        /// The path.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file holds something else.
    #[error("{} is not an SQLite database", path.display())]
    NotSqlite {
        /// The path.
        path: PathBuf,
        /// SQLite's word.
        #[source]
        source: DbErr,
    },
    /// Another process has kept the file for itself for longer than a wait makes sense.
    #[error("the database file {} is kept locked by another process", path.display())]
    Locked {
        /// The path.
        path: PathBuf,
        /// SQLite's word.
        #[source]
        source: DbErr,
    },
    /// This SQLite can lose committed writes of a file in WAL mode.
    #[error("SQLite {found} can lose committed writes; 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A later version of this software has changed the tables.
    #[error("the tables are newer than this program: it does not know the migration {name}")]
    NewerSchema {
        /// The first migration that is not known.
        name: String,
    },
    /// The tables are not there yet, or of an earlier version.
    #[error("the tables are not up to date: run `migrate up` to apply {}", missing.join(", "))]
    MissingMigrations {
        /// What has to be applied, in order.
        missing: Vec<String>,
    },
    /// Somebody else's table, or index, has a name that a migration needs.
    #[error("somebody else's table is in the way; this program needs a database or schema of its own: {database}")]
    InTheWay {
        /// The database's word, which names it.
        database: DbErr,
    },
    /// Something else.
    #[error("the database does not work")]
    Database(#[source] DbErr),
}

impl ConnectError {
    /// What the failure of a migration's statement means.
    pub(super) fn of_migration(error: DbErr) -> Self {
        let taken = driver_error(&error).is_some_and(|driver| match code(driver).as_deref() {
            Some("42P07" | "42710") => true,
            Some("1") => driver.to_string().contains("already exists"),
            _ => false,
        });
        if taken { Self::InTheWay { database: error } } else { Self::Database(error) }
    }
}

impl From<DbErr> for ConnectError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The code that the database gave an error: an SQLSTATE, or SQLite's number.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
}

/// The driver's error in one of sea-orm's.
pub(super) fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// The primary one of SQLite's error numbers.
pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    code(error)?.parse::<u32>().ok().map(|code| code & 0xff)
}
