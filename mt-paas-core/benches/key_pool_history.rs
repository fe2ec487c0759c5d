//! What a grant costs after a million leases have ended, beside one after a thousand.
//!
//! `cargo bench -p mt-paas-core --features sea-orm,redis --bench key_pool_history -- [places] [few] [many]`; places are
//! `process`, `memory`, `sqlite`, `postgres`, `redis` and addresses of servers. In each round a new place with the short
//! history and the one with the long history take turns under the same small load. Nothing but the pool itself removes
//! what has ended.

#[path = "key_pool/place.rs"]
mod place;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, Choice, KeyPool, PoolLimits};
use sea_orm::sqlx::{self, Connection, PgConnection};
use tokio::task::JoinSet;

use self::place::{Failure, Place, named, provider, stock, tenant, user};

/// How many fill the history at once, and how many call when it is measured.
const FILLERS: usize = 512;
const CALLERS: usize = 8;
const ROUNDS: usize = 31;

/// A place with a pool that lent so much.
struct Aged {
    place: Place,
    pool: KeyPool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (numbers, places): (Vec<String>, _) =
        named(&[]).into_iter().partition(|argument| argument.bytes().all(|byte| byte.is_ascii_digit()));
    let number = |index: usize, otherwise: i64| numbers.get(index).map_or(Ok(otherwise), |text| text.parse());
    let (few, many) = (number(0, 1_000)?, number(1, 1_000_000)?);
    let every = ["process", "sqlite", "postgres", "redis"].map(str::to_owned);
    println!("a grant and its release, {CALLERS} callers, after {few} and after {many} ended leases:");
    for name in if places.is_empty() { every.to_vec() } else { places } {
        match Place::new(&name).await {
            Ok(place) => compare(&name, place, few, many).await?,
            Err(fault) => println!("{name}: not measured, {fault}"),
        }
    }
    Ok(())
}

async fn compare(name: &str, place: Place, few: i64, many: i64) -> Result<(), Failure> {
    let (before, began) = (resident(), Instant::now());
    let old = Aged::new(place, many).await?;
    let (filled, grown) = (began.elapsed(), resident().saturating_sub(before));
    let (mut short, mut long, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut short_joins, mut long_joins) = (Vec::new(), Vec::new());
    let mut small = String::new();
    for _ in 0..ROUNDS {
        let young = Aged::new(Place::new(name).await?, few).await?;
        small = young.size().await?;
        let (one, other) = (young.pair().await?, old.pair().await?);
        short.push(one);
        long.push(other);
        ratios.push(other / one);
        if !matches!(old.place, Place::Process) {
            short_joins.push(young.join().await?);
            long_joins.push(old.join().await?);
        }
        drop(young.pool);
        young.place.remove().await?;
    }
    let large = old.size().await?;
    println!("{} (filled in {:.0} s)", old.place.name(), filled.as_secs_f64());
    println!(
        "  {:.1} µs and {:.1} µs: {:.2} times (wanted 1.2)",
        median(&mut short),
        median(&mut long),
        median(&mut ratios)
    );
    if matches!(old.place, Place::Process) {
        println!("  memory of the process grew by {} KiB", grown / 1024);
    } else {
        println!("  kept: {small}, and {large}");
        println!(
            "  first lease of a pool that joins: {:.0} µs and {:.0} µs",
            median(&mut short_joins),
            median(&mut long_joins)
        );
    }
    drop(old.pool);
    old.place.remove().await
}

impl Aged {
    async fn new(place: Place, leases: i64) -> Result<Self, Failure> {
        let pool = place.pool(limits()).await?;
        stock(&pool, 64, 16).await?;
        lend(&pool, FILLERS, leases).await?;
        Ok(Self { place, pool })
    }

    /// Microseconds for a grant and its release.
    async fn pair(&self) -> Result<f64, Failure> {
        let pairs = match self.place {
            Place::Postgres { .. } => 1_000,
            // So many that what SQLite does every thousand pages is part of it: the first time comes late in a new file.
            _ => 8_000,
        };
        Ok(micros(lend(&self.pool, CALLERS, pairs).await?) / pairs as f64)
    }

    /// Microseconds that a pool takes to come to this place and lend for the first time.
    async fn join(&self) -> Result<f64, Failure> {
        let pool = self.place.pool(limits()).await?;
        let began = Instant::now();
        pool.acquire(&provider(), &tenant(), &user(0), &AcquireOptions::default()).await?.settle().await?;
        Ok(micros(began.elapsed()))
    }

    /// What is there, in the words of whoever keeps it.
    async fn size(&self) -> Result<String, Failure> {
        Ok(match &self.place {
            Place::Process | Place::Memory(_) => String::new(),
            Place::Sqlite(folder) => {
                let files = ["pool.db", "pool.db-wal"].map(|file| folder.path().join(file));
                let sizes = files.map(|file| file.metadata().map_or(0, |file| file.len()) / 1024);
                format!("{} KiB and a log of {} KiB", sizes[0], sizes[1])
            }
            Place::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.place.url()).await?;
                let sql = "SELECT count(*), pg_total_relation_size('mt_key_pool') / 1024 FROM mt_key_pool";
                let (rows, size): (i64, i64) = sqlx::query_as(sql).fetch_one(&mut connection).await?;
                format!("{rows} rows in {size} KiB")
            }
            Place::Redis { server, prefix } => {
                let client = redis::Client::open(server.as_str())?;
                let mut connection = client.get_multiplexed_async_connection().await?;
                let list = format!("{{{prefix}}}key-pool:list");
                let entries: u64 = redis::cmd("LLEN").arg(&list).query_async(&mut connection).await?;
                let usage = redis::cmd("MEMORY").arg("USAGE").arg(&list).arg("SAMPLES").arg(0).to_owned();
                let size: Option<u64> = usage.query_async(&mut connection).await?;
                format!("{entries} entries in {} KiB", size.unwrap_or(0) / 1024)
            }
        })
    }
}

/// So wide that nobody waits.
fn limits() -> PoolLimits {
    PoolLimits { per_user: 1_000, total: 1_000, choice: Choice::default() }
}

/// Lends and takes back so often, with so many callers at once.
async fn lend(pool: &KeyPool, callers: usize, leases: i64) -> Result<Duration, Failure> {
    let (left, began) = (Arc::new(AtomicI64::new(leases)), Instant::now());
    let mut tasks = JoinSet::new();
    for number in 0..callers {
        let (pool, left) = (pool.clone(), left.clone());
        tasks.spawn(async move {
            let (provider, tenant, user, options) = (provider(), tenant(), user(number), AcquireOptions::default());
            while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                pool.acquire(&provider, &tenant, &user, &options).await?.settle().await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(began.elapsed())
}

/// Bytes of this process in memory, where the system tells.
fn resident() -> u64 {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
