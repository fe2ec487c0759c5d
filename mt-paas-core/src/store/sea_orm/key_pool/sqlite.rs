//! The list in a file of SQLite: a turn is one transaction that has the file's write lock from its start.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions};
use tokio::sync::OnceCell;

use super::boot_clock::BootClock;
use super::seat::{Seat, Seated};
use super::{column, entry, unavailable, version, wake};
use crate::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use crate::store::StoreError;
use crate::store::sea_orm::error::sqlite_code;

/// How long others may keep the file.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pauses between looks for what others appended: the first and the longest.
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// A list in a file.
pub(super) struct SqliteKeyPool {
    turns: SqliteConnectOptions,
    looks: SqliteConnectOptions,
    seat: Seat<SqliteConnection>,
    clock: OnceCell<BootClock>,
    /// Connections that look for what others appended: as many as there were looks at once.
    windows: Mutex<Vec<SqliteConnection>>,
}

struct SqliteTurn {
    connection: SqliteConnection,
    seat: Seated<SqliteConnection>,
    entries: Vec<Entry>,
    now: Moment,
}

impl SqliteKeyPool {
    pub(super) fn new(path: &Path, synchronous: SqliteSynchronous) -> Self {
        // SQLite's own pauses grow to 100 ms, in which others come first again and again.
        let options =
            SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO).disable_statement_logging();
        let looks = options.clone().read_only(true).busy_timeout(PATIENCE);
        let turns = options.synchronous(synchronous);
        Self { turns, looks, seat: Seat::default(), clock: OnceCell::new(), windows: Mutex::default() }
    }

    /// A connection, and the clock when it is the first.
    async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let mut connection = patiently!(self.turns.connect()).map_err(unavailable)?;
        let clock = self.clock.get_or_try_init(async || patiently!(BootClock::of(&mut connection)));
        clock.await.map_err(unavailable)?;
        Ok(connection)
    }

    fn now(&self) -> Moment {
        self.clock.get().copied().unwrap_or(BootClock::Wall).now()
    }
}

/// Tries again while others keep the file.
macro_rules! patiently {
    ($operation:expr) => {{
        let began = Instant::now();
        loop {
            match $operation.await {
                Err(fault) if is_busy(&fault) && began.elapsed() < PATIENCE => pause().await,
                result => break result,
            }
        }
    }};
}
use patiently;

fn is_busy(fault: &sqlx::Error) -> bool {
    sqlite_code(fault) == Some(5)
}

/// Short, so that the turn of a process comes soon after it becomes free, and random, so that no process is always late.
async fn pause() {
    let random = uuid::Uuid::new_v4().as_u64_pair().0;
    tokio::time::sleep(Duration::from_micros(200 + random % 1_800)).await;
}

#[async_trait]
impl KeyPoolStore for SqliteKeyPool {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let mut seat = self.seat.take().await;
        let mut connection = match seat.connection() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let rows: Vec<SqliteRow> =
            patiently!(sqlx::query(BEGIN).bind(column(after)).fetch_all(&mut connection)).map_err(unavailable)?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Box::new(SqliteTurn { connection, seat, entries, now: self.now() }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        let (mut seen, mut pause) = (after, LOOKS.0);
        loop {
            for (number, wakes) in self.look(seen).await? {
                let number = version(number)?;
                // Where numbers are missing a whole took the place of entries that may have named the member.
                if number != seen + 1 || wake::names(&wakes, member) {
                    return Ok(());
                }
                seen = number;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOKS.1);
        }
    }
}

impl SqliteKeyPool {
    /// The numbers of later entries, and whom they wake. No lock is held meanwhile: nobody need go on with a look.
    async fn look(&self, after: u64) -> Result<Vec<(i64, String)>, StoreError> {
        let free = self.windows().pop();
        let mut connection = match free {
            Some(connection) => connection,
            None => self.looks.connect().await.map_err(unavailable)?,
        };
        let sql = "SELECT version, wakes FROM mt_key_pool WHERE version > $1 ORDER BY version";
        let rows = sqlx::query_as(sql).bind(column(after)).fetch_all(&mut connection).await.map_err(unavailable)?;
        self.windows().push(connection);
        Ok(rows)
    }

    fn windows(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Turn for SqliteTurn {
    fn now(&self) -> Moment {
        self.now
    }

    fn anew(&self) -> Option<u64> {
        None
    }

    fn entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    async fn append(mut self: Box<Self>, entry: Entry, wakes: &[MemberId]) -> Result<Appended, StoreError> {
        let Entry { version, whole, data } = entry;
        let insert = sqlx::query(if whole { INSERT } else { INSERT_AND_COMMIT })
            .bind(column(version))
            .bind(i64::from(whole))
            .bind(self.now.micros())
            .bind(wake::list(wakes))
            .bind(data);
        let inserted = insert.fetch_all(&mut self.connection).await.map_err(unavailable)?;
        if inserted.is_empty() {
            // The list is not the one that was read: what was there before is restored or gone.
            if whole {
                self.pass().await?;
            } else {
                self.seat.give_back(self.connection);
            }
            return Ok(Appended::Outrun);
        }
        if whole {
            let rest = sqlx::query("DELETE FROM mt_key_pool WHERE version < $1; COMMIT").bind(column(version));
            rest.execute(&mut self.connection).await.map_err(unavailable)?;
        }
        self.seat.give_back(self.connection);
        Ok(Appended::Done)
    }

    async fn pass(mut self: Box<Self>) -> Result<(), StoreError> {
        sqlx::query("ROLLBACK").execute(&mut self.connection).await.map_err(unavailable)?;
        self.seat.give_back(self.connection);
        Ok(())
    }
}

const BEGIN: &str = "BEGIN IMMEDIATE; SELECT version, whole, data FROM mt_key_pool WHERE version > $1 ORDER BY version";

const INSERT: &str = "INSERT INTO mt_key_pool (version, whole, at, wakes, data) SELECT $1, $2, $3, $4, $5 \
    WHERE $1 = (SELECT coalesce(max(version), 0) + 1 FROM mt_key_pool) RETURNING version";

/// At once, because each statement is a way to the thread of the connection and back.
const INSERT_AND_COMMIT: &str = "INSERT INTO mt_key_pool (version, whole, at, wakes, data) SELECT $1, $2, $3, $4, $5 \
    WHERE $1 = (SELECT coalesce(max(version), 0) + 1 FROM mt_key_pool) RETURNING version; COMMIT";
