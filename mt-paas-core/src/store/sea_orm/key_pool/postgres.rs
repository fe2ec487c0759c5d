//! The list on a PostgreSQL server: a turn is one transaction under a lock.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgExecutor, PgRow};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Row};

use super::append;
use super::heard;
use super::listener::Listener;
use super::seat::{Seat, Seated};
use super::{column, entry, unavailable};
use crate::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};
use crate::store::StoreError;
use crate::store::sea_orm::error::code;

/// How long the server may take for an answer; longer than others may keep it waiting.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long others may keep the lock, how long a turn whose process says nothing lasts, and how texts are quoted.
const SETTINGS: [(&str, &str); 3] =
    [("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "3s"), ("standard_conforming_strings", "on")];

/// A list on a server.
pub(super) struct PgKeyPool {
    options: PgConnectOptions,
    seat: Seat<Line>,
    /// Where the process hears whom others wake; from the first wait on.
    listener: OnceLock<Listener>,
}

/// A connection for turns.
struct Line {
    connection: PgConnection,
    room: Room,
}

struct PgTurn {
    line: Line,
    seat: Seated<Line>,
    entries: Vec<Entry>,
    now: Moment,
}

/// The number of a schema's pool. Pools in other schemas of the database have locks and channels of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room(i64);

impl Room {
    pub(super) async fn of(connection: impl PgExecutor<'_>) -> Result<Self, sqlx::Error> {
        let sql = "SELECT hashtextextended('mt_key_pool ' || current_schema(), 0)";
        in_time(sqlx::query_scalar(sql).fetch_one(connection)).await.map(Self)
    }

    pub(super) fn channel(self) -> String {
        format!("mt_key_pool_{:x}", self.0)
    }
}

/// A server that says nothing at all is as good as away.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

impl PgKeyPool {
    pub(super) fn new(options: &PgConnectOptions) -> Self {
        Self { options: options.clone(), seat: Seat::default(), listener: OnceLock::new() }
    }

    async fn connect(&self) -> Result<Line, sqlx::Error> {
        let options = self.options.clone().options(SETTINGS);
        let mut connection = in_time(options.connect()).await?;
        let room = Room::of(&mut connection).await?;
        Ok(Line { connection, room })
    }
}

#[async_trait]
impl KeyPoolStore for PgKeyPool {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let mut seat = self.seat.take().await;
        let kept = match seat.connection() {
            Some(mut line) => match line.begin(after).await {
                Err(fault) if may_have_been_cut(&fault) => None,
                begun => Some(begun.map(|rows| (line, rows))),
            },
            None => None,
        };
        let begun = match kept {
            Some(begun) => begun,
            // A connection that broke while nobody used it is no reason to fail.
            None => self.begin_anew(after).await,
        };
        let (line, rows) = begun.map_err(unavailable)?;
        // The lock's row, the time's, and the entries.
        let now = rows.get(1).ok_or(sqlx::Error::RowNotFound).and_then(|row| row.try_get(0)).map_err(unavailable)?;
        let entries = rows.iter().skip(2).map(entry).collect::<Result<_, _>>()?;
        Ok(Box::new(PgTurn { line, seat, entries, now: Moment::from_micros(now) }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        let listener = self.listener.get_or_init(|| Listener::start(self.options.clone()));
        let mut heard = listener.heard.clone();
        let away = match heard.wait_for(|heard| heard.away || heard.calls(member, after)).await {
            Ok(heard) => heard.away,
            Err(_) => true,
        };
        if away { Err(StoreError::Unavailable("the server sends no notifications".into())) } else { Ok(()) }
    }
}

/// Whether the connection is of no use any more; else the server refused, as when others keep the lock too long.
fn may_have_been_cut(fault: &sqlx::Error) -> bool {
    code(fault).is_none_or(|code| code != LOCK_NOT_AVAILABLE)
}

const LOCK_NOT_AVAILABLE: &str = "55P03";

impl PgKeyPool {
    async fn begin_anew(&self, after: u64) -> Result<(Line, Vec<PgRow>), sqlx::Error> {
        let mut line = self.connect().await?;
        let rows = line.begin(after).await?;
        Ok((line, rows))
    }
}

impl Line {
    /// All in one message. The entries are read after the lock is there, whatever level is the server's default.
    async fn begin(&mut self, after: u64) -> Result<Vec<PgRow>, sqlx::Error> {
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; \
            SELECT pg_advisory_xact_lock({})::text; \
            SELECT round(extract(epoch FROM clock_timestamp()) * 1000000)::bigint; \
            SELECT version, max(whole), string_agg(data, '' ORDER BY part) FROM mt_key_pool WHERE version > {} \
            GROUP BY version ORDER BY version",
            self.room.0,
            column(after),
        );
        self.run(sql).await
    }

    /// Runs statements in one message.
    async fn run(&mut self, sql: String) -> Result<Vec<PgRow>, sqlx::Error> {
        in_time(sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.connection)).await
    }
}

#[async_trait]
impl Turn for PgTurn {
    fn now(&self) -> Moment {
        self.now
    }

    fn anew(&self) -> Option<u64> {
        None
    }

    fn entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    async fn append(mut self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError> {
        let payload = heard::payload(entry.version, wake);
        let call = payload.map(|payload| (self.line.room.channel(), payload));
        for statement in append::statements(&entry, self.now, call.as_ref()) {
            if self.line.run(statement).await.map_err(unavailable)?.is_empty() {
                // The list is not the one that was read: what was there before is restored or gone. What is short was
                // committed already, with nothing in it; PostgreSQL forgives a second end.
                self.pass().await?;
                return Ok(Appended::Outrun);
            }
        }
        self.seat.give_back(self.line);
        Ok(Appended::Done)
    }

    async fn pass(mut self: Box<Self>) -> Result<(), StoreError> {
        self.line.run("ROLLBACK".to_owned()).await.map_err(unavailable)?;
        self.seat.give_back(self.line);
        Ok(())
    }
}
