//! Hand-overs by the plainest means of each kind, to hold those of a pool against.
//!
//! Bare, one end calls and the other has it when it hears the call. With turns, each of them also does what a pool does
//! at a store: it reads what is new and writes one row, which is two messages to the store, the calling end before and in
//! its call, the other after it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{Client, Script};
use sea_orm::sqlx::postgres::{PgConnection, PgListener};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::hand_over::{End, Ends};
use super::place::{Failure, Place};

/// Two ends that use what a place offers.
pub(crate) async fn two(place: &Place, turns: bool) -> Result<Ends, Failure> {
    Ok(match place {
        Place::Process | Place::Memory(_) => {
            let calls = [Arc::new(Notify::new()), Arc::new(Notify::new())];
            let end = |own: usize| Notified { own: calls[own].clone(), other: calls[1 - own].clone() };
            [Box::new(end(0)), Box::new(end(1))]
        }
        Place::Sqlite(folder) => {
            let file = SqliteConnectOptions::new().filename(folder.path().join("bare.db")).create_if_missing(true);
            let file = file.pragma("journal_mode", "WAL").synchronous(SqliteSynchronous::Normal);
            let file = file.disable_statement_logging();
            [Box::new(Looking::new(&file, turns).await?), Box::new(Looking::new(&file, turns).await?)]
        }
        Place::Postgres { .. } => {
            let (url, names) = (place.url(), [format!("one_{turns}"), format!("other_{turns}")]);
            let [one, other] = [0, 1].map(|own| Listening::new(&url, &names[own], &names[1 - own], turns));
            [Box::new(one.await?), Box::new(other.await?)]
        }
        Place::Redis { server, prefix } => {
            let names = ["one", "other"].map(|name| format!("{{{prefix}}}key-pool:bare:{name}"));
            let list = format!("{{{prefix}}}key-pool:bare");
            let end = |own: usize| Subscribed::new(server, &names[own], &names[1 - own], &list, turns);
            let (one, other) = (end(0), end(1));
            [Box::new(one.await?), Box::new(other.await?)]
        }
    })
}

/// By a call inside of the process.
struct Notified {
    own: Arc<Notify>,
    other: Arc<Notify>,
}

#[async_trait]
impl End for Notified {
    async fn take(&mut self, waits: &Notify) -> Result<(), Failure> {
        waits.notify_one();
        self.own.notified().await;
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        self.other.notify_one();
        Ok(())
    }
}

/// By a row in a file, for which the other end looks with growing pauses: SQLite calls nobody.
struct Looking {
    writer: SqliteConnection,
    reader: SqliteConnection,
    seen: i64,
    turns: bool,
}

/// The pauses between looks: the first and the longest.
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

impl Looking {
    async fn new(file: &SqliteConnectOptions, turns: bool) -> Result<Self, Failure> {
        let mut writer = file.connect().await?;
        writer.execute("CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, data TEXT)").await?;
        let reader = file.clone().read_only(true).connect().await?;
        let mut end = Self { writer, reader, seen: 0, turns };
        end.seen = end.last().await?;
        Ok(end)
    }

    async fn last(&mut self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM calls").fetch_one(&mut self.reader).await
    }

    async fn turn(&mut self) -> Result<(), sqlx::Error> {
        let begin = sqlx::query("BEGIN IMMEDIATE; SELECT id, data FROM calls WHERE id > $1").bind(self.seen);
        begin.fetch_all(&mut self.writer).await?;
        let end = sqlx::query("INSERT INTO calls (data) VALUES ($1); COMMIT").bind("a call");
        end.execute(&mut self.writer).await?;
        Ok(())
    }
}

#[async_trait]
impl End for Looking {
    async fn take(&mut self, waits: &Notify) -> Result<(), Failure> {
        self.seen = self.last().await?;
        waits.notify_one();
        let mut pause = LOOKS.0;
        while self.last().await? == self.seen {
            sleep(pause).await;
            pause = (pause * 2).min(LOOKS.1);
        }
        if self.turns {
            self.turn().await?;
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        if self.turns {
            self.turn().await?;
        } else {
            self.writer.execute("INSERT INTO calls (data) VALUES ('a call')").await?;
        }
        Ok(())
    }
}

/// By `NOTIFY`.
struct Listening {
    line: PgConnection,
    listener: PgListener,
    other: String,
    turns: bool,
}

impl Listening {
    async fn new(url: &str, own: &str, other: &str, turns: bool) -> Result<Self, Failure> {
        let mut line = PgConnection::connect(url).await?;
        line.execute("CREATE TABLE IF NOT EXISTS calls (id BIGSERIAL PRIMARY KEY, data TEXT)").await?;
        let mut listener = PgListener::connect(url).await?;
        // Channels are the database's, so the name of the schema is part of theirs.
        let schema: String = sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut line).await?;
        listener.listen(&format!("{schema}_{own}")).await?;
        Ok(Self { line, listener, other: format!("{schema}_{other}"), turns })
    }

    async fn turn(&mut self, call: &str) -> Result<(), sqlx::Error> {
        let begin = "BEGIN; SELECT pg_advisory_xact_lock(hashtext(current_schema()))::text; SELECT clock_timestamp()::text; \
            SELECT max(id)::text FROM calls";
        sqlx::raw_sql(begin).fetch_all(&mut self.line).await?;
        let end = format!("INSERT INTO calls (data) VALUES ('a call') RETURNING id; {call}; COMMIT");
        sqlx::raw_sql(AssertSqlSafe(end)).fetch_all(&mut self.line).await?;
        Ok(())
    }
}

#[async_trait]
impl End for Listening {
    async fn take(&mut self, waits: &Notify) -> Result<(), Failure> {
        waits.notify_one();
        self.listener.recv().await?;
        if self.turns {
            self.turn("SELECT 1").await?;
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        let call = format!("SELECT pg_notify('{}', '1')::text", self.other);
        if self.turns {
            self.turn(&call).await?;
        } else {
            sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut self.line).await?;
        }
        Ok(())
    }
}

/// By `PUBLISH`.
struct Subscribed {
    line: MultiplexedConnection,
    hears: PubSub,
    other: String,
    list: String,
    turns: bool,
    read: Script,
    write: Script,
}

const READ: &str = "local now = redis.call('TIME') return redis.call('LRANGE', KEYS[1], -1, -1)";
const WRITE: &str = "
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -64, -1)
if ARGV[2] ~= '' then redis.call('PUBLISH', ARGV[2], 1) end
return 1";

impl Subscribed {
    async fn new(server: &str, own: &str, other: &str, list: &str, turns: bool) -> Result<Self, Failure> {
        let client = Client::open(server)?;
        let mut hears = client.get_async_pubsub().await?;
        hears.subscribe(format!("{own}:{turns}")).await?;
        let line = client.get_multiplexed_async_connection().await?;
        let (other, list) = (format!("{other}:{turns}"), list.to_owned());
        Ok(Self { line, hears, other, list, turns, read: Script::new(READ), write: Script::new(WRITE) })
    }

    async fn turn(&mut self, call: &str) -> Result<(), redis::RedisError> {
        let _: Vec<String> = self.read.key(&self.list).invoke_async(&mut self.line).await?;
        self.write.key(&self.list).arg("a call").arg(call).invoke_async(&mut self.line).await
    }
}

#[async_trait]
impl End for Subscribed {
    async fn take(&mut self, waits: &Notify) -> Result<(), Failure> {
        waits.notify_one();
        self.hears.on_message().next().await.ok_or("the server hung up")?;
        if self.turns {
            self.turn("").await?;
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        let other = self.other.clone();
        if self.turns {
            self.turn(&other).await?;
        } else {
            redis::cmd("PUBLISH").arg(other).arg(1).exec_async(&mut self.line).await?;
        }
        Ok(())
    }
}
