//! Sealed secrets on real databases: what stands in their files, which keys they know, and re-keying by processes that are
//! killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Utc;
use libtest_mimic::Failed;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{
    AcquireOptions, ClearText, KeyChange, KeyId, KeyPool, KeyPoolStore, NewKey, PayloadSeal, PoolLimits, Provider,
};
use mt_paas_core::seal::{KeptKeysError, Keyring, SealKeyStore, SealedRows, admit, reseal, retire, sealed_under};
use mt_paas_core::store::redis::{RedisKeyPool, RedisOptions};
use mt_paas_core::store::sea_orm::SqlStore;
use serde_json::json;

use super::sql_key_pool::Trial;

pub(crate) const TRIALS: &[Trial] = &[
    ("payloads_are_sealed_again_by_processes_that_are_killed", |url| Box::pin(killed_on(vec![url]))),
    ("a_payload_that_a_killed_process_lost_is_missed", |url| Box::pin(loses(url))),
    ("a_store_knows_the_keys_of_its_values", |url| Box::pin(kept_keys(url))),
    ("of_two_first_keys_at_once_one_is_let_in", |url| Box::pin(first_keys(url))),
];

pub(crate) const ON_FILES: &[Trial] =
    &[("no_payload_stands_in_the_files_of_a_database", |url| Box::pin(no_plain_text(url)))];

/// The first argument of a process that seals again; then where the keys are, which keys seal, and how.
pub(crate) const RESEALER: &str = "resealer";

/// How a process seals again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As it should.
    Careful,
    /// The fault that is looked for: it takes each key out and puts it in again.
    InTwoSteps,
}

const KEYS: usize = 3_000;
const PROVIDERS: usize = 30;
const KILLS: usize = 5;

fn ring(text: &str) -> Result<Keyring, Failed> {
    Ok(Keyring::parse(text)?)
}

fn provider(number: usize) -> Provider {
    format!("p{}", number % PROVIDERS).parse().expect("a name")
}

fn key(number: usize) -> NewKey {
    let payload = Secret::new(json!({"api_key": format!("sk-canary-{number:05}")}));
    NewKey { concurrency: 100, ..NewKey::new(provider(number), format!("k{number}"), payload) }
}

/// A pool at an address, or at an address and a prefix of Redis.
async fn pool(place: &[String], seal: Arc<dyn PayloadSeal>) -> Result<KeyPool, Failed> {
    let store: Arc<dyn KeyPoolStore> = match place {
        [url, prefix] => Arc::new(RedisKeyPool::connect(url, &RedisOptions { prefix: prefix.clone() }).await?),
        [url] => SqlStore::open(url).await?.key_pool(),
        _ => return Err("no such place".into()),
    };
    let limits = PoolLimits { per_user: 1_000, total: 1_000, ..PoolLimits::default() };
    Ok(KeyPool::shared(limits, store).sealed_by(seal))
}

/// The work of a process of its own: seals every payload again, and says so after each page.
pub(crate) async fn reseal_in_a_process(mut arguments: Vec<String>) -> Result<(), Failed> {
    let way = arguments.pop();
    let keys = ring(&arguments.pop().ok_or("no keys")?)?;
    let pool = pool(&arguments, Arc::new(keys.clone())).await?;
    if way == Some(format!("{:?}", Way::InTwoSteps)) {
        for number in 0..KILLS {
            let view = pool.view().await?;
            let known = view.keys.iter().find(|known| known.key.spec.name == format!("k{number}")).ok_or("gone")?;
            pool.remove_key(known.key.id).await?;
            println!("{number}");
            tokio::time::sleep(Duration::from_millis(300)).await;
            pool.put_key(key(number)).await?;
        }
    }
    reseal(&keys, &pool, &|progress| println!("{}", progress.resealed)).await?;
    Ok(())
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processes seal thousands of payloads again, each killed after a few pages but the last, while others read them and
/// hold leases. Nothing is lost, and every read succeeds.
pub(crate) async fn killed_on(place: Vec<String>) -> Result<(), Failed> {
    sealed_again(&place, KEYS, Way::Careful).await
}

async fn loses(url: String) -> Result<(), Failed> {
    let said =
        sealed_again(&[url], 300, Way::InTwoSteps).await.err().and_then(|failed| Some(failed.message()?.to_owned()));
    assert_eq!(said.as_deref(), Some("keys were lost"));
    Ok(())
}

async fn sealed_again(place: &[String], keys: usize, way: Way) -> Result<(), Failed> {
    let (old, new) = (Keyring::new_key()?, Keyring::new_key()?);
    let both = format!("{},{}", new.expose(), old.expose());
    let (old, new) = (ring(old.expose())?, ring(new.expose())?);
    let first = pool(place, Arc::new(old.clone())).await?;
    let seed: BTreeMap<String, Vec<_>> = (0..keys).fold(BTreeMap::new(), |mut seed, number| {
        let entry = json!({"name": format!("k{number}"), "api_key": format!("sk-canary-{number:05}"),
            "concurrency_limit": 100});
        seed.entry(provider(number).to_string()).or_insert_with(Vec::new).push(entry);
        seed
    });
    first.seed(&mt_paas_core::key_pool::KeySeed::parse(&json!(seed).to_string())?).await?;
    let before = first.view().await?;
    drop(first);

    let reading = pool(place, Arc::new(ring(&both)?)).await?;
    let (over, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let reader = {
        let (pool, over, reads) = (reading.clone(), over.clone(), reads.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let number = reads.fetch_add(1, Ordering::Relaxed);
                let options = AcquireOptions { patience: Duration::from_secs(10), ..AcquireOptions::default() };
                let (tenant, user) = ("t".parse().expect("an id"), "u".parse().expect("an id"));
                let lease = pool.acquire(&provider(number), &tenant, &user, &options).await?;
                let payload = pool.open(&lease)?;
                let good = payload.expose()["api_key"].as_str().is_some_and(|key| key.starts_with("sk-canary-"));
                assert!(good, "a read gave something else");
            }
            Ok::<(), mt_paas_core::key_pool::PoolError>(())
        })
    };
    let mut left = Vec::new();
    for process in 0..=KILLS {
        let mut command = Command::new(std::env::current_exe()?);
        let child =
            command.arg(RESEALER).args(place).arg(&both).arg(format!("{way:?}")).stdout(Stdio::piped()).spawn()?;
        let mut child = Process(child);
        let output = child.0.stdout.take().ok_or("no output")?;
        let killed = process < KILLS;
        let ended = tokio::task::spawn_blocking(move || {
            use std::io::BufRead;
            // Killed at another page each time, in the middle of whatever comes after it.
            let lines = std::io::BufReader::new(output).lines();
            let pages = match (killed, way) {
                (false, _) => usize::MAX,
                (true, Way::Careful) => 2 + process,
                (true, Way::InTwoSteps) => 1,
            };
            let pages = lines.take(pages).map_while(Result::ok).count();
            if killed {
                child.0.kill()?;
            }
            child.0.wait().map(|status| (status, pages))
        });
        let (status, pages) = ended.await??;
        assert!(killed != status.success() && pages > 0, "process {process}: {status}");
        if way == Way::InTwoSteps {
            break;
        }
        left.push(reading.count().await?.get(&old.active()).copied().unwrap_or_default());
    }
    over.store(true, Ordering::Relaxed);
    reader.await??;
    if reading.view().await?.keys.len() < keys {
        return Err("keys were lost".into());
    }
    assert!(reads.load(Ordering::Relaxed) > 10, "nobody read meanwhile");
    assert!(left.is_sorted_by(|one, next| one > next), "no progress, or it began anew: {left:?}");
    assert_eq!(left.last(), Some(&0));
    assert_eq!(reading.count().await?, [(new.active(), keys as u64)].into());

    // All of it opens without the old key, and is what it was.
    let after = pool(place, Arc::new(new.clone())).await?.view().await?;
    for (before, after) in before.keys.iter().zip(&after.keys) {
        let spec = &after.key.spec;
        let place = mt_paas_core::key_pool::SealContext { provider: &spec.provider, name: &spec.name }.place();
        let plain = new.open(&spec.sealed_payload, place.place())?;
        let number: usize = spec.name[1..].parse()?;
        assert_eq!(plain.expose(), &format!("{{\"api_key\":\"sk-canary-{number:05}\"}}"));
        assert_eq!((before.key.updated_at, &before.key.seed), (after.key.updated_at, &after.key.seed));
    }
    Ok(())
}

async fn kept_keys(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let (old, new) = (Keyring::new_key()?, Keyring::new_key()?);
    let both = ring(&format!("{},{}", new.expose(), old.expose()))?;
    let (old, new) = (ring(old.expose())?, ring(new.expose())?);
    admit(&Keyring::default(), &store, Utc::now()).await?;
    assert!(store.seal_keys().await?.is_empty(), "a ring without a key leaves nothing");
    admit(&old, &store, Utc::now()).await?;
    admit(&old, &store, Utc::now()).await?;
    let wrong = admit(&new, &store, Utc::now()).await;
    let Err(KeptKeysError::WrongKey { missing, given }) = wrong else { return Err("a wrong key was let in".into()) };
    assert_eq!((missing, given), (vec![old.active().ok_or("none")?], vec![new.active().ok_or("none")?]));
    admit(&both, &store, Utc::now()).await?;
    let kept = store.seal_keys().await?;
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|key| sealed_under(&key.check) == Some(key.id)));
    assert_eq!(retire(&both, &store, |_| false).await?, [old.active().ok_or("none")?]);
    admit(&new, &store, Utc::now()).await?;

    // A check value that was put there by somebody without the key.
    let [key] = <[_; 1]>::try_from(store.seal_keys().await?).map_err(|_| "not one key")?;
    assert!(store.forget_seal_key(key.id).await? && !store.forget_seal_key(key.id).await?);
    let mut check = key.check.clone().into_bytes();
    let last = check.len() - 5;
    check[last] = if check[last] == b'A' { b'B' } else { b'A' };
    let forged = mt_paas_core::seal::KeptKey { check: String::from_utf8(check)?, ..key };
    assert!(store.add_seal_key(&forged, &[]).await?);
    assert!(!store.add_seal_key(&forged, &[]).await?, "the list is not what it was taken for");
    assert!(matches!(admit(&new, &store, Utc::now()).await, Err(KeptKeysError::Changed(id)) if id == forged.id));
    Ok(store.close().await?)
}

/// Processes that start together with different keys on an empty database.
async fn first_keys(url: String) -> Result<(), Failed> {
    SqlStore::open(&url).await?.close().await?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        tasks.spawn(async move {
            let store = SqlStore::open(&url).await?;
            let let_in = admit(&ring(Keyring::new_key()?.expose())?, &store, Utc::now()).await;
            store.close().await?;
            match let_in {
                Ok(()) => Ok(1),
                Err(KeptKeysError::WrongKey { .. }) => Ok(0),
                Err(error) => Err(Failed::from(error)),
            }
        });
    }
    let mut let_in = 0;
    while let Some(ended) = tasks.join_next().await {
        let_in += ended??;
    }
    assert_eq!(let_in, 1);
    Ok(())
}

/// Whether a payload can be read in the file of a database, its log or its index of the log, after all that is done
/// with keys.
async fn shows_payloads(url: &str, seal: Arc<dyn PayloadSeal>) -> Result<bool, Failed> {
    let pool = pool(&[url.to_owned()], seal).await?;
    for number in 0..300 {
        pool.put_key(key(number)).await?;
    }
    let payload = Some(Secret::new(json!({"api_key": "sk-canary-changed"})));
    pool.change_key(KeyId(1), KeyChange { payload, ..KeyChange::default() }).await?;
    pool.set_key_active(KeyId(2), false).await?;
    pool.remove_key(KeyId(3)).await?;
    let (tenant, user) = ("t".parse()?, "u".parse()?);
    for number in 0..100 {
        let lease = pool.acquire(&provider(number), &tenant, &user, &AcquireOptions::default()).await?;
        pool.open(&lease)?;
        lease.settle().await?;
    }
    let path = url.trim_start_matches("sqlite:").trim_end_matches("?mode=rwc");
    let mut seen = Vec::new();
    for end in ["", "-wal", "-shm"] {
        let path = format!("{path}{end}");
        assert!(Path::new(&path).is_file(), "{path} is not there");
        seen.extend(std::fs::read(path)?);
    }
    let holds = |text: &str| seen.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("k299"), "the search finds not even what is there");
    Ok(holds("canary"))
}

async fn no_plain_text(url: String) -> Result<(), Failed> {
    let keys = ring(Keyring::new_key()?.expose())?;
    assert!(!shows_payloads(&url, Arc::new(keys)).await?);
    let clear = url.replace("test.db", "clear.db");
    assert!(shows_payloads(&clear, Arc::new(ClearText)).await?, "clear text is not found");
    Ok(())
}
