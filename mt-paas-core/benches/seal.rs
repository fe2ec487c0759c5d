//! What sealing costs, whether nonces repeat, and what others notice while all payloads of a pool are sealed again by
//! processes that are killed.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench seal -- [payloads] [nonces] [kills]`; 100,000 payloads, ten
//! million nonces and 20 kills unless told otherwise. The pool lies on SQLite in the directory for temporary files.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, KeySeed, PoolLimits, Provider};
use mt_paas_core::seal::{Keyring, SealPlace, SealedRows, reseal};
use mt_paas_core::store::sea_orm::SqlStore;
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

/// The first argument of a process that seals again.
const RESEALER: &str = "resealer";
const PROVIDERS: usize = 1_000;
const PLACE: SealPlace<'static> = SealPlace { tenant: None, table: "bench", row: "1", column: "value" };

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [task, url, keys] = arguments.as_slice()
        && task == RESEALER
    {
        let (pool, keys) = pool(url, keys).await?;
        println!("ready");
        reseal(&keys, &pool, &|progress| println!("{}", progress.resealed)).await?;
        return Ok(());
    }
    let number = |place: usize, standard| arguments.get(place).map_or(Ok(standard), |text| text.parse::<usize>());
    let (payloads, nonces, kills) = (number(0, 100_000)?, number(1, 10_000_000)?, number(2, 20)?);
    print_costs()?;
    print_nonces(nonces)?;
    print_rekeying(payloads, kills).await
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

async fn pool(url: &str, keys: &str) -> Result<(KeyPool, Keyring), Failure> {
    let keys = Keyring::parse(keys)?;
    let limits = PoolLimits { per_user: 1_000, total: 1_000, ..PoolLimits::default() };
    let pool = KeyPool::shared(limits, SqlStore::open(url).await?.key_pool());
    Ok((pool.sealed_by(Arc::new(keys.clone())), keys))
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

/// Borrows keys and opens their payloads until it is told to stop.
async fn read(pool: KeyPool, over: Arc<AtomicBool>) -> Result<Reads, Failure> {
    let mut reads = Reads::default();
    let (tenant, user) = ("t".parse()?, "u".parse()?);
    while !over.load(Ordering::Relaxed) {
        let provider: Provider = format!("p{}", reads.took.len() * 7 % PROVIDERS).parse()?;
        let began = Instant::now();
        let good = match pool.acquire(&provider, &tenant, &user, &AcquireOptions::default()).await {
            Ok(lease) => pool.open(&lease).is_ok_and(|payload| payload.expose()["api_key"] == "canary"),
            Err(_) => false,
        };
        reads.took.push(began.elapsed());
        reads.failed += usize::from(!good);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(reads)
}

async fn print_rekeying(payloads: usize, kills: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("pool.db").display());
    let (old, new) = (Keyring::new_key()?, Keyring::new_key()?);
    let both = format!("{},{}", new.expose(), old.expose());
    let seed: BTreeMap<String, Vec<_>> = (0..payloads).fold(BTreeMap::new(), |mut seed, number| {
        let entry = json!({"name": format!("k{number}"), "api_key": "canary", "concurrency_limit": 100});
        seed.entry(format!("p{}", number % PROVIDERS)).or_insert_with(Vec::new).push(entry);
        seed
    });
    pool(&url, old.expose()).await?.0.seed(&KeySeed::parse(&json!(seed).to_string())?).await?;

    let (reading, _) = pool(&url, &both).await?;
    reading.count().await?;
    let quiet = {
        let over = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(read(reading.clone(), over.clone()));
        tokio::time::sleep(Duration::from_secs(10)).await;
        over.store(true, Ordering::Relaxed);
        reader.await??
    };
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read(reading.clone(), over.clone()));
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
    let counts = reading.count().await?;
    let left: u64 = counts
        .iter()
        .filter(|(key, _)| **key != Keyring::parse(new.expose()).ok().and_then(|ring| ring.active()))
        .map(|(_, count)| count)
        .sum();
    let total: u64 = counts.values().sum();
    println!("{payloads} payloads sealed again in {took:.1?} by {} processes, {kills} of them killed", kills + 1);
    println!("left under the old key: {left} (wanted 0), lost: {} (wanted 0)", payloads as u64 - total);
    for (when, mut reads) in [("before", quiet), ("meanwhile", busy)] {
        let (median, slow, most) = (reads.quantile(0.5), reads.quantile(0.99), reads.quantile(1.0));
        let (count, failed) = (reads.took.len(), reads.failed);
        println!("{when:>9}: {count} reads, {failed} failed, median {median:.2?}, p99 {slow:.2?}, longest {most:.2?}");
    }
    println!("(wanted: none failed, p99 meanwhile at most twice that before)");
    reading.close();
    Ok(folder.close()?)
}
