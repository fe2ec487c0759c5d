//! What sealing costs, whether nonces repeat, and what readers notice while all secrets of a table are sealed again by
//! processes that are killed.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench seal -- [rows] [nonces] [kills]`; 100,000 rows, ten million
//! nonces and 20 kills unless told otherwise. The table lies on SQLite in the directory for temporary files.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use mt_paas_core::Secret;
use mt_paas_core::seal::{
    Keyring, Replaced, Resealed, RowPage, RowPlace, SealKeyId, SealPlace, SealedRow, SealedRows, reseal, sealed_under,
};
use mt_paas_core::store::StoreError;
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};

type Failure = Box<dyn Error + Send + Sync>;

/// The first argument of a process that seals again.
const RESEALER: &str = "resealer";
const PLACE: SealPlace<'static> = SealPlace { tenant: None, table: "bench", row: "1", column: "value" };

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [task, url, keys] = arguments.as_slice()
        && task == RESEALER
    {
        let table = Table(SqlStore::connect(url).await?);
        reseal(&Keyring::parse(keys)?, &table, &|progress| println!("{}", progress.resealed)).await?;
        return Ok(());
    }
    let number = |place: usize, standard| arguments.get(place).map_or(Ok(standard), |text| text.parse::<usize>());
    let (rows, nonces, kills) = (number(0, 100_000)?, number(1, 10_000_000)?, number(2, 20)?);
    print_costs()?;
    print_nonces(nonces)?;
    print_rekeying(rows, kills).await
}

fn ring() -> Result<Keyring, Failure> {
    Ok(Keyring::parse(Keyring::new_key()?.expose())?)
}

fn print_costs() -> Result<(), Failure> {
    const TIMES: u32 = 200_000;
    let ring = ring()?;
    let plain = Secret::new("x".repeat(200));
    let sealed = ring.seal(&plain, PLACE)?;
    let began = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(ring.seal(&plain, PLACE)?);
    }
    let seals = began.elapsed() / TIMES;
    let began = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(ring.open(&sealed, PLACE)?);
    }
    println!("200 bytes: sealed in {seals:?}, opened in {:?}", began.elapsed() / TIMES);
    Ok(())
}

fn print_nonces(count: usize) -> Result<(), Failure> {
    let (ring, plain) = (ring()?, Secret::from(""));
    let mut nonces: Vec<[u8; 24]> = Vec::with_capacity(count);
    for _ in 0..count {
        let sealed = ring.seal(&plain, PLACE)?;
        let body = BASE64_URL_SAFE_NO_PAD.decode(sealed.rsplit_once('.').ok_or("no value")?.1)?;
        nonces.push(body[..24].try_into()?);
    }
    nonces.sort_unstable();
    let repeated = nonces.windows(2).filter(|pair| pair[0] == pair[1]).count();
    println!("{count} seals: {repeated} nonces repeated (wanted 0)");
    Ok(())
}

/// Secrets of a service in a table of its own.
#[derive(Clone)]
struct Table(SqlStore);

fn place(id: i64) -> RowPlace {
    RowPlace { tenant: None, table: "bench".to_owned(), row: id.to_string(), column: "sealed".to_owned() }
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

fn failed(error: DbErr) -> StoreError {
    StoreError::Unavailable(error.into())
}

impl Table {
    async fn filled(store: SqlStore, rows: usize, keys: &Keyring) -> Result<Self, Failure> {
        store.writer().execute_unprepared("CREATE TABLE bench (id INTEGER PRIMARY KEY, sealed TEXT NOT NULL)").await?;
        let tx = store.begin().await?;
        for id in 0..rows as i64 {
            let sealed = keys.seal(&Secret::new(format!("canary-{id}")), place(id).place())?;
            tx.execute_raw(statement("INSERT INTO bench VALUES ($1, $2)", [id.into(), sealed.into()])).await?;
        }
        tx.commit().await?;
        Ok(Self(store))
    }

    async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>, StoreError> {
        self.0.reader().query_all_raw(statement(sql, values)).await.map_err(failed)
    }
}

#[async_trait]
impl SealedRows for Table {
    async fn count(&self) -> Result<BTreeMap<Option<SealKeyId>, u64>, StoreError> {
        let sql = "SELECT min(sealed), count(*) FROM bench GROUP BY substr(sealed, 1, 22)";
        let mut counts = BTreeMap::new();
        for row in self.rows(sql, []).await? {
            let (text, count): (String, i64) =
                (row.try_get_by_index(0).map_err(failed)?, row.try_get_by_index(1).map_err(failed)?);
            *counts.entry(sealed_under(&text)).or_default() += count as u64;
        }
        Ok(counts)
    }

    async fn page(&self, key: SealKeyId, after: Option<&str>, limit: usize) -> Result<RowPage, StoreError> {
        let after: i64 = after.and_then(|after| after.parse().ok()).unwrap_or(-1);
        let sql = "SELECT id, sealed FROM bench WHERE id > $1 AND sealed NOT LIKE $2 ORDER BY id LIMIT $3";
        let values = [after.into(), format!("mts1.{key}.%").into(), (limit as i64).into()];
        let mut rows = Vec::new();
        for row in self.rows(sql, values).await? {
            let id: i64 = row.try_get_by_index(0).map_err(failed)?;
            let text = Secret::new(row.try_get_by_index(1).map_err(failed)?);
            rows.push(SealedRow { id: id.to_string(), place: place(id), text, clear: None });
        }
        let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.id.clone());
        Ok(RowPage { rows, next })
    }

    async fn replace(&self, rows: Vec<Resealed>) -> Result<Replaced, StoreError> {
        let tx = self.0.begin().await.map_err(failed)?;
        for Resealed { row, text } in rows {
            let id: i64 = row.id.parse().map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            let sql = "UPDATE bench SET sealed = $1 WHERE id = $2 AND sealed = $3";
            let values = [text.into(), id.into(), row.text.expose().clone().into()];
            let done = tx.execute_raw(statement(sql, values)).await.map_err(failed)?;
            if done.rows_affected() == 0 {
                tx.rollback().await.map_err(failed)?;
                return Ok(Replaced::Changed);
            }
        }
        tx.commit().await.map_err(failed)?;
        Ok(Replaced::Done)
    }
}

/// How long reads took, and how many failed.
#[derive(Default)]
struct Reads {
    took: Vec<Duration>,
    failed: usize,
}

impl Reads {
    fn quantile(&mut self, share: f64) -> Duration {
        self.took.sort_unstable();
        let place = (self.took.len() as f64 * share) as usize;
        self.took.get(place.min(self.took.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Reads secrets until it is told to stop.
async fn read(table: Table, keys: Keyring, count: usize, over: Arc<AtomicBool>) -> Result<Reads, Failure> {
    let mut reads = Reads::default();
    while !over.load(Ordering::Relaxed) {
        let id = (reads.took.len() * 7_919 % count) as i64;
        let began = Instant::now();
        let good = match table.rows("SELECT sealed FROM bench WHERE id = $1", [id.into()]).await.as_deref() {
            Ok([row]) => {
                let opened = keys.open(&row.try_get_by_index::<String>(0)?, place(id).place());
                opened.is_ok_and(|plain| plain.matches(format!("canary-{id}").as_bytes()))
            }
            _ => false,
        };
        reads.took.push(began.elapsed());
        reads.failed += usize::from(!good);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(reads)
}

async fn print_rekeying(rows: usize, kills: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let (old, new) = (Keyring::new_key()?, Keyring::new_key()?);
    let both = format!("{},{}", new.expose(), old.expose());
    let table = Table::filled(SqlStore::open(&url).await?, rows, &Keyring::parse(old.expose())?).await?;
    let keys = Keyring::parse(&both)?;
    let start = |over: &Arc<AtomicBool>| tokio::spawn(read(table.clone(), keys.clone(), rows, over.clone()));
    let over = Arc::new(AtomicBool::new(false));
    let reader = start(&over);
    tokio::time::sleep(Duration::from_secs(10)).await;
    over.store(true, Ordering::Relaxed);
    let quiet = reader.await??;
    over.store(false, Ordering::Relaxed);
    let reader = start(&over);
    let began = Instant::now();
    for process in 0..=kills {
        let mut child =
            Command::new(std::env::current_exe()?).args([RESEALER, &url, &both]).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        // Each in the middle of another page; the last one is left to finish.
        let pages = if process < kills { 2 + process * 7 % 40 } else { usize::MAX };
        let ended = tokio::task::spawn_blocking(move || {
            BufReader::new(output).lines().take(pages).for_each(drop);
            if pages < usize::MAX {
                child.kill()?;
            }
            child.wait()
        });
        let status = ended.await??;
        if process == kills && !status.success() {
            return Err("the last process failed".into());
        }
    }
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let busy = reader.await??;
    let counts = table.count().await?;
    let left: u64 = counts.iter().filter(|(key, _)| **key != keys.active()).map(|(_, count)| count).sum();
    let total: u64 = counts.values().sum();
    println!("{rows} secrets sealed again in {took:.1?} by {} processes, {kills} of them killed", kills + 1);
    println!("left under the old key: {left} (wanted 0), lost: {} (wanted 0)", rows as u64 - total);
    for (when, mut reads) in [("before", quiet), ("meanwhile", busy)] {
        let (median, slow, most) = (reads.quantile(0.5), reads.quantile(0.99), reads.quantile(1.0));
        let (count, failed) = (reads.took.len(), reads.failed);
        println!("{when:>9}: {count} reads, {failed} failed, median {median:.2?}, p99 {slow:.2?}, longest {most:.2?}");
    }
    println!("(wanted: none failed, p99 meanwhile at most twice that before)");
    table.0.close().await?;
    Ok(folder.close()?)
}
