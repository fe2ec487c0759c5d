//! The shared key pool on SQLite and PostgreSQL beside the statements that one would write by hand, in one run.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench key_pool_sql -- [seconds] [address of a PostgreSQL server]`;
//! each figure is the median of five rounds, in which all take turns. Limits are so wide that nobody waits for a key.
//! The file lies in the directory for temporary files; on the server a schema is made, and removed at the end.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, KeyPool, KeyPoolStore, NewKey, PoolLimits, Provider};
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::{Secret, TenantId};
use sea_orm::sqlx::postgres::{PgPool, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Executor};
use serde_json::json;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const CALLERS: u64 = 64;
const CONNECTIONS: u32 = 32;
const KEYS: u64 = 64;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let time = Duration::from_secs(arguments.next().map_or(Ok(2), |text| text.parse())?);
    let server = arguments.next().unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    sqlite("NORMAL", SqliteSynchronous::Normal, 3.0, time).await?;
    sqlite("FULL", SqliteSynchronous::Full, 10.0, time).await?;
    postgres(&server, time).await
}

async fn sqlite(name: &str, synchronous: SqliteSynchronous, wanted: f64, time: Duration) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let store = SqlStore::open(&format!("sqlite:{}", folder.path().join("pool.db").display())).await?;
    let list = if name == "FULL" { store.durable_key_pool() } else { store.key_pool() };
    let pool = pool(list).await?;
    let file = SqliteConnectOptions::new().filename(folder.path().join("raw.db")).create_if_missing(true);
    let file = file.pragma("journal_mode", "WAL").synchronous(synchronous).disable_statement_logging();
    let mut raw = Raw { connection: file.connect().await? };
    raw.prepare().await?;
    let (mut statements, mut messages, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        statements.push(raw.rate(time, false).await?);
        ours.push(callers(&pool, time).await?);
        messages.push(raw.rate(time, true).await?);
    }
    println!("SQLite, synchronous = {name}, pairs of grant and release a second:");
    println!("  raw statements on one connection    {:>8.0}", median(&mut statements));
    println!("  the same, a transaction at a time   {:>8.0}", median(&mut messages));
    verdict(&mut ours, &mut statements, wanted);
    Ok(())
}

/// What one would write for one process.
struct Raw {
    connection: SqliteConnection,
}

impl Raw {
    async fn prepare(&mut self) -> Result<(), sqlx::Error> {
        let tables = "CREATE TABLE leases (id INTEGER PRIMARY KEY, key INTEGER, user TEXT, expires_at INTEGER); \
            CREATE TABLE counters (key INTEGER PRIMARY KEY, held INTEGER NOT NULL)";
        self.connection.execute(tables).await?;
        for key in 0..KEYS {
            sqlx::query("INSERT INTO counters VALUES ($1, 0)").bind(key as i64).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn rate(&mut self, time: Duration, at_once: bool) -> Result<f64, sqlx::Error> {
        let (began, mut pairs) = (Instant::now(), 0_u32);
        while began.elapsed() < time {
            for transaction in [GRANT, RELEASE] {
                let whole = transaction.join("; ");
                let steps = if at_once { vec![whole.as_str()] } else { transaction.to_vec() };
                for sql in steps {
                    let statement = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(pairs)).bind("user");
                    statement.execute(&mut self.connection).await?;
                }
            }
            pairs += 1;
        }
        Ok(f64::from(pairs) / began.elapsed().as_secs_f64())
    }
}

const GRANT: [&str; 4] = [
    "BEGIN IMMEDIATE",
    "INSERT INTO leases VALUES ($1, $1 % 64, $2, $1 + 60000000)",
    "UPDATE counters SET held = held + 1 WHERE key = $1 % 64",
    "COMMIT",
];
const RELEASE: [&str; 4] = [
    "BEGIN IMMEDIATE",
    "DELETE FROM leases WHERE id = $1",
    "UPDATE counters SET held = held - 1 WHERE key = $1 % 64",
    "COMMIT",
];

async fn postgres(server: &str, time: Duration) -> Result<(), Failure> {
    let schema = format!("mt_bench_{}", uuid::Uuid::new_v4().simple());
    let url = format!("{server}?options[search_path]={schema}");
    let control = match PgPoolOptions::new().max_connections(CONNECTIONS).connect(&url).await {
        Ok(control) => control,
        Err(fault) => {
            println!("PostgreSQL: not measured, {fault}");
            return Ok(());
        }
    };
    control.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await?;
    for table in TABLES {
        control.execute(table).await?;
    }
    let pool = pool(SqlStore::open(&url).await?.key_pool()).await?;
    let (mut by_hand, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_hand.push(by_ctes(&control, time).await?);
        ours.push(callers(&pool, time).await?);
    }
    drop(pool);
    control.execute(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).await?;
    println!("PostgreSQL, pairs of grant and release a second:");
    println!("  one CTE and one statement, {CONNECTIONS} connections {:>6.0}", median(&mut by_hand));
    verdict(&mut ours, &mut by_hand, 2.0);
    Ok(())
}

const TABLES: [&str; 3] = [
    "CREATE TABLE keys (id BIGINT PRIMARY KEY, held BIGINT NOT NULL, max BIGINT NOT NULL)",
    "CREATE TABLE leases (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key BIGINT, holder TEXT, ends BIGINT)",
    "INSERT INTO keys SELECT id, 0, 16 FROM generate_series(0, 63) AS id",
];

/// Weaker than the pool: it knows no limit of a user or in total, and nobody waits in order.
const CTE: &str = "WITH free AS (
        SELECT id FROM keys WHERE held < max ORDER BY held LIMIT 1 FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE keys SET held = held + 1 FROM free WHERE keys.id = free.id RETURNING keys.id
    )
    INSERT INTO leases (key, holder, ends) SELECT id, $1, 60000000 FROM taken RETURNING id";
const GIVEN_BACK: &str = "WITH gone AS (DELETE FROM leases WHERE id = $1 RETURNING key)
    UPDATE keys SET held = held - 1 FROM gone WHERE id = key";

async fn by_ctes(control: &PgPool, time: Duration) -> Result<f64, Failure> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(control.acquire().await?);
    }
    let (pairs, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = JoinSet::new();
    for (number, mut connection) in connections.into_iter().enumerate() {
        let (pairs, over) = (pairs.clone(), over.clone());
        tasks.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let grant = sqlx::query_scalar(CTE).bind(format!("user-{number}"));
                let Some(lease): Option<i64> = grant.fetch_optional(&mut *connection).await? else { continue };
                sqlx::query(GIVEN_BACK).bind(lease).execute(&mut *connection).await?;
                pairs.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
    }
    measured(tasks, &pairs, &over, time).await
}

async fn pool(list: Arc<dyn KeyPoolStore>) -> Result<KeyPool, Failure> {
    let pool = KeyPool::shared(PoolLimits { per_user: 1_000, total: 1_000, ..PoolLimits::default() }, list);
    for number in 0..KEYS {
        let payload = Secret::new(json!({}));
        let key = NewKey { concurrency: 16, ..NewKey::new(provider(), format!("key-{number}"), payload) };
        pool.put_key(key).await?;
    }
    Ok(pool)
}

fn provider() -> Provider {
    "openai".parse().expect("a good name")
}

async fn callers(pool: &KeyPool, time: Duration) -> Result<f64, Failure> {
    let (pairs, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = JoinSet::new();
    for number in 0..CALLERS {
        let (pool, pairs, over) = (pool.clone(), pairs.clone(), over.clone());
        tasks.spawn(async move {
            let (provider, options) = (provider(), AcquireOptions::default());
            let (tenant, user): (TenantId, _) = ("school".parse()?, format!("user-{number}").parse()?);
            while !over.load(Ordering::Relaxed) {
                pool.acquire(&provider, &tenant, &user, &options).await?.settle().await?;
                pairs.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
    }
    measured(tasks, &pairs, &over, time).await
}

async fn measured(
    mut tasks: JoinSet<Result<(), Failure>>,
    pairs: &AtomicU64,
    over: &AtomicBool,
    time: Duration,
) -> Result<f64, Failure> {
    let began = Instant::now();
    tokio::time::sleep(time).await;
    over.store(true, Ordering::Relaxed);
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(pairs.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

fn verdict(ours: &mut [f64], control: &mut [f64], wanted: f64) {
    let (ours, control) = (median(ours), median(control));
    println!(
        "  the pool, {CALLERS} callers                {ours:>8.0}   {:.1} times (wanted {wanted})",
        ours / control
    );
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
