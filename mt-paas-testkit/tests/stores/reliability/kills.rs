//! Processes on one file that are killed at any moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{
    AcquireOptions, Generation, Happened, KeyPool, Lease, NewKey, PoolError, PoolEvent, PoolLimits, Provider,
};
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::Shared;
use super::child::{Process, now, told};
use super::history::{History, Said};
use super::planted::{Plant, Planted};

pub(super) type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(super) const TRIALS: &[Trial] = &[
    ("r1_200_kills_of_8_processes_break_no_promise", |url| Box::pin(sound(url))),
    ("r1_control_turns_that_let_others_in_are_found", |url| Box::pin(torn(url))),
    ("r1_control_leases_that_end_twice_are_found", |url| Box::pin(ended_twice(url))),
    ("r1_control_leases_that_outlive_their_process_are_found", |url| Box::pin(immortal(url))),
    ("r1_control_a_damaged_file_is_found", |url| Box::pin(damaged(url))),
];

/// A process that takes and gives back until it is killed or its input ends.
pub(super) const WORKER: &str = "worker";

const PROCESSES: usize = 8;
const CALLERS: usize = 3;
/// The calls that each key allows. The first are taken first, so that their limits are reached.
const CAPS: [u32; 7] = [1, 2, 3, 4, 6, 8, 16];
/// The shortest that can be asked for.
const TTL: Duration = Duration::from_secs(1);

fn limits() -> PoolLimits {
    PoolLimits { per_user: 1, total: 36, ..PoolLimits::default() }
}

fn provider() -> Provider {
    "openai".parse().expect("a name")
}

/// What is asked of a run.
struct Plan {
    kills: usize,
    plant: Option<Plant>,
    /// What the workers ask for; the judge demands that nothing outlives [`TTL`].
    ttl: Duration,
}

const SOUND: Plan = Plan { kills: 200, plant: None, ttl: TTL };

/// What was found.
#[derive(Debug)]
struct Found {
    calls: u64,
    most: i64,
    /// Moments above a key's cap.
    overshoot: u64,
    double_grants: u64,
    double_ends: u64,
    /// Leases of dead processes that are older than their time to live and a second.
    outlived: u64,
    /// Of those that there should be in the end.
    lost: i64,
    intact: bool,
    released: usize,
}

async fn sound(url: String) -> Result<(), Failed> {
    let found = run(&url, SOUND).await?;
    let faults = (found.overshoot, found.double_grants, found.double_ends, found.outlived, found.lost, found.intact);
    assert_eq!(faults, (0, 0, 0, 0, 0, true), "{found:?}");
    // They did what could go wrong.
    assert!(found.calls > 500 && found.most > 4 && found.released as u64 > found.calls / 4, "{found:?}");
    Ok(())
}

async fn torn(url: String) -> Result<(), Failed> {
    let found = run(&url, Plan { kills: 10, plant: Some(Plant::LetsOthersIn), ..SOUND }).await?;
    assert!(found.overshoot > 0 && found.double_grants > 0, "{found:?}");
    Ok(())
}

async fn ended_twice(url: String) -> Result<(), Failed> {
    let found = run(&url, Plan { kills: 4, plant: Some(Plant::EndsTwice), ..SOUND }).await?;
    assert!(found.double_ends > 0, "{found:?}");
    Ok(())
}

async fn immortal(url: String) -> Result<(), Failed> {
    let found = run(&url, Plan { kills: 30, ttl: Duration::from_secs(600), ..SOUND }).await?;
    assert!(found.outlived > 0 && found.lost > 0, "{found:?}");
    Ok(())
}

async fn damaged(url: String) -> Result<(), Failed> {
    drop(SqlStore::open(&url).await?);
    let file = file(&url);
    assert!(is_intact(&url).await?);
    let mut bytes = std::fs::read(file)?;
    // The first page says what there is; the headers of all others are lost.
    bytes.chunks_mut(4096).skip(1).for_each(|page| page[..64].fill(0xa5));
    std::fs::write(file, bytes)?;
    assert!(!is_intact(&url).await.unwrap_or(false));
    Ok(())
}

async fn run(url: &str, Plan { kills, plant, ttl }: Plan) -> Result<Found, Failed> {
    let shared = Shared { url: url.to_owned(), prefix: String::new() };
    let pool = shared.pool(limits()).await?;
    for (number, cap) in (0_i32..).zip(CAPS) {
        let key = NewKey::new(provider(), format!("{number}"), Secret::new(serde_json::json!({})));
        pool.put_key(NewKey { concurrency: cap, priority: -number, ..key }).await?;
    }
    let (dead, deaths) = watch::channel(BTreeMap::new());
    let onlooker = tokio::spawn(look_on(pool.clone(), deaths));
    let mut crew = Vec::new();
    for _ in 0..PROCESSES {
        crew.push(Worker::start(&shared, crew.len(), plant, ttl)?);
    }
    let mut history = History::default();
    let mut killed = 0;
    while killed < kills {
        tokio::time::sleep(Duration::from_millis(rand::random_range(40..100))).await;
        // Whoever has not begun holds nothing.
        let ready: Vec<usize> = (0..PROCESSES).filter(|place| *crew[*place].begun.borrow()).collect();
        if ready.is_empty() {
            continue;
        }
        let victim = &mut crew[ready[rand::random_range(0..ready.len())]];
        let next = Worker::start(&shared, PROCESSES + killed, plant, ttl)?;
        let Worker { mut process, number, hears, .. } = std::mem::replace(victim, next);
        let before = now();
        process.kill().await?;
        killed += 1;
        dead.send_modify(|dead| dead.extend([(number, now())]));
        history.add(hears.await?, ttl, before);
    }
    for Worker { mut process, hears, .. } in crew {
        // With a fault planted it may be in no state to come to an end.
        let ended = process.ends().await;
        if plant.is_none() {
            ended?;
        } else {
            process.kill().await?;
        }
        history.add(hears.await?, Duration::ZERO, now());
    }
    // The place of a dead waiter lasts two seconds, and what it is offered a time to live more.
    tokio::time::sleep(Duration::from_secs(2) + TTL + Duration::from_secs(1)).await;
    let lost = if plant.is_none() { lost(&shared).await? } else { 0 };
    drop(dead);
    let seen = onlooker.await??;
    let (overshoot, most) = history.overshoot(&CAPS);
    let (double_grants, calls) = (history.double_grants, history.calls);
    let Seen { double_ends, outlived, ends, .. } = seen;
    drop(pool);
    let intact = is_intact(url).await?;
    Ok(Found { calls, most, overshoot, double_grants, double_ends, outlived, lost, intact, released: ends.len() })
}

/// A process at work.
struct Worker {
    process: Process,
    number: usize,
    hears: JoinHandle<Vec<Said>>,
    begun: watch::Receiver<bool>,
}

impl Worker {
    fn start(shared: &Shared, number: usize, plant: Option<Plant>, ttl: Duration) -> Result<Self, Failed> {
        let plant = plant.map_or_else(|| "none".to_owned(), |plant| format!("{plant:?}"));
        let arguments = [&number.to_string(), &plant, &ttl.as_secs().to_string()];
        let mut process = Process::start(WORKER, shared, &arguments.map(String::as_str))?;
        let mut lines = process.take_output().ok_or("it cannot be heard")?;
        let (begins, begun) = watch::channel(false);
        let hears = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(Some(line)) = lines.next_line().await {
                said.extend(Said::read(&line));
                begins.send_if_modified(|begun| !std::mem::replace(begun, true));
            }
            said
        });
        Ok(Self { process, number, hears, begun })
    }
}

/// What the pool says of itself all the time.
#[derive(Debug, Default)]
struct Seen {
    ends: BTreeMap<Generation, u32>,
    double_ends: u64,
    outlived: u64,
}

impl Seen {
    fn note(&mut self, events: &mut broadcast::Receiver<PoolEvent>) {
        loop {
            match events.try_recv() {
                Ok(PoolEvent { happened: Happened::Released(lease) | Happened::Expired(lease), .. }) => {
                    let ends = self.ends.entry(lease).or_default();
                    *ends += 1;
                    self.double_ends += u64::from(*ends > 1);
                }
                Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                Err(_) => return,
            }
        }
    }
}

/// Looks on until the run is over.
async fn look_on(pool: KeyPool, deaths: watch::Receiver<BTreeMap<usize, i64>>) -> Result<Seen, PoolError> {
    let mut events = pool.events();
    let mut seen = Seen::default();
    let limit = TTL + Duration::from_secs(1);
    while deaths.has_changed().is_ok() {
        let dead = deaths.borrow().clone();
        // A store that is out of order is the fault that is looked for.
        let Ok(view) = pool.view().await else { continue };
        seen.note(&mut events);
        let outlived = view.leases.iter().filter(|lease| {
            let whose = lease.claim.user.as_str().split('-').next().and_then(|number| number.parse().ok());
            let died = whose.and_then(|number: usize| dead.get(&number));
            // What a dead process's waiter was offered since is as old as the offer.
            let age = died.map(|died| view.now.since(lease.granted_at).min(since(*died)));
            age.is_some_and(|age| age > limit)
        });
        seen.outlived += outlived.count() as u64;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    Ok(seen)
}

fn since(earlier: i64) -> Duration {
    Duration::from_micros(u64::try_from(now() - earlier).unwrap_or(0))
}

/// How many leases a newcomer cannot have of those that nobody holds.
async fn lost(shared: &Shared) -> Result<i64, Failed> {
    let pool = shared.pool(limits()).await?;
    let mut taken = Vec::new();
    loop {
        match lease(&pool, &format!("new-{}", taken.len()), Duration::ZERO, TTL * 60).await {
            Ok(lease) => taken.push(lease),
            Err(PoolError::Busy { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let free = i64::try_from(taken.len())?;
    for lease in taken {
        lease.settle().await?;
    }
    Ok(i64::from(limits().total) - free)
}

async fn lease(pool: &KeyPool, user: &str, patience: Duration, ttl: Duration) -> Result<Lease, PoolError> {
    let (tenant, user) = ("school".parse().expect("an id"), user.parse().expect("an id"));
    let options = AcquireOptions { patience, ttl, ..AcquireOptions::default() };
    pool.acquire(&provider(), &tenant, &user, &options).await
}

pub(super) fn file(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    path.split('?').next().unwrap_or(path)
}

pub(super) async fn is_intact(url: &str) -> Result<bool, Failed> {
    let options = SqliteConnectOptions::new().filename(file(url)).disable_statement_logging();
    let mut connection: SqliteConnection = options.connect().await?;
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(said == ["ok"])
}

/// The work of a process: its callers call until its input ends.
pub(super) async fn work(shared: Shared, arguments: Vec<String>) -> Result<(), Failed> {
    let [number, plant, ttl] = &arguments[..] else { return Err("number, fault and time to live".into()) };
    let store = shared.store().await?;
    let pool = match plant.parse::<Plant>() {
        Ok(plant) => KeyPool::shared(limits(), Arc::new(Planted { store, plant })),
        Err(_) => KeyPool::shared(limits(), store),
    };
    let (ttl, rests) = (Duration::from_secs(ttl.parse()?), watch::Sender::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(call(pool.clone(), format!("{number}-{caller}"), ttl, rests.subscribe()));
    }
    let mut input = told();
    while input.recv().await.is_some() {}
    rests.send_replace(true);
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(())
}

async fn call(pool: KeyPool, user: String, ttl: Duration, mut rests: watch::Receiver<bool>) -> Result<(), PoolError> {
    while !*rests.borrow() {
        let asked = now();
        let got = tokio::select! {
            got = lease(&pool, &user, Duration::from_secs(60), ttl) => got,
            _ = rests.wait_for(|rests| *rests) => return Ok(()),
        };
        let lease = match got {
            Ok(lease) => lease,
            Err(PoolError::Store(_)) => continue,
            Err(other) => return Err(other),
        };
        let key = lease.key().and_then(|key| key.spec.name.parse().ok()).unwrap_or_default();
        let generation = lease.generation().0;
        println!("{}", Said::Begins { generation, key, asked, at: now() }.line());
        // Now and then so long that it renews itself.
        let holds = if rand::random_ratio(1, 40) { 500..900 } else { 1..15 };
        tokio::time::sleep(Duration::from_millis(rand::random_range(holds))).await;
        if rand::random_ratio(1, 3) {
            let before = now();
            if lease.renew().await.is_ok() {
                println!("{}", Said::Renewed { generation, before }.line());
            }
        }
        if lease.is_live() {
            println!("{}", Said::Ends { generation, at: now() }.line());
        } else {
            // It does not count on what it does not have, and its time was over no later than that.
            println!("{}", Said::Ends { generation, at: asked }.line());
        }
        match lease.settle().await {
            Ok(()) | Err(PoolError::LeaseEnded | PoolError::Store(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
