//! Holders that stand still for longer than their lease lives, and go on.

use std::time::Duration;

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{
    AcquireOptions, Generation, Health, KeyPool, Lease, NewKey, PoolError, PoolLimits, Provider, Verdict,
};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions};
use tokio::task::JoinSet;

use super::Shared;
use super::child::{Process, told};
use crate::place::variable;

pub(super) type Trial = (&'static str, fn(Shared) -> BoxFuture<'static, Result<(), Failed>>);

pub(super) const TRIALS: &[Trial] =
    &[("r3_whoever_stood_still_is_refused_and_disturbs_nobody", |shared| Box::pin(sound(shared)))];

pub(super) const CONTROLS: &[Trial] = &[
    ("r3_control_writes_without_their_generation_are_found", |shared| Box::pin(unguarded(shared))),
    ("r3_control_a_holder_that_is_believed_is_found", |shared| Box::pin(believed(shared))),
];

/// A process that holds a lease, and tells what it could do with it.
pub(super) const HOLDER: &str = "holder";

/// The shortest that can be asked for.
const TTL: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(1_500);
/// Pauses at a time, and altogether unless `MT_TEST_R3_PAUSES` says another number.
const AT_ONCE: usize = 16;
const PAUSES: usize = 32;

fn limits() -> PoolLimits {
    PoolLimits { per_user: 100, total: 100, ..PoolLimits::default() }
}

/// Whose one key a holder has.
fn provider(number: usize) -> Provider {
    format!("p{number}").parse().expect("a name")
}

async fn lease(pool: &KeyPool, number: usize, user: &str, patience: Duration) -> Result<Lease, PoolError> {
    let (tenant, user) = ("school".parse().expect("an id"), user.parse().expect("an id"));
    pool.acquire(&provider(number), &tenant, &user, &AcquireOptions { patience, ttl: TTL, ..Default::default() }).await
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    /// Pauses in which somebody else got the key.
    succeeded: usize,
    /// What was done in the name of a lease that another had followed.
    accepted: Vec<String>,
}

async fn sound(shared: Shared) -> Result<(), Failed> {
    let pauses = variable("MT_TEST_R3_PAUSES").map_or(Ok(PAUSES), |pauses| pauses.parse())?;
    let found = run(shared, pauses, "none").await?;
    assert_eq!(found.accepted, [""; 0], "{found:?}");
    // One that stands still in the middle of a turn keeps the key from everybody, and itself in the right.
    assert!(found.succeeded * 10 >= pauses * 8, "{found:?}");
    Ok(())
}

async fn unguarded(shared: Shared) -> Result<(), Failed> {
    let found = run(shared, AT_ONCE / 4, "unguarded").await?;
    assert!(!found.accepted.is_empty() && found.accepted.iter().all(|what| what == "write"), "{found:?}");
    Ok(())
}

async fn believed(shared: Shared) -> Result<(), Failed> {
    let found = run(shared, AT_ONCE / 4, "believed").await?;
    let believed = |what| found.accepted.iter().any(|done| done == what);
    assert!(["renew", "charge", "report", "settle"].into_iter().all(believed), "{found:?}");
    Ok(())
}

async fn run(shared: Shared, pauses: usize, plant: &'static str) -> Result<Found, Failed> {
    let folder = tempfile::tempdir()?;
    let runs = folder.path().join("runs.db").display().to_string();
    let mut table = runs_in(&runs).await?;
    sqlx::query("CREATE TABLE runs (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, by TEXT NOT NULL)")
        .execute(&mut table)
        .await?;
    let pool = shared.pool(limits()).await?;
    let at_once = pauses.min(AT_ONCE);
    for number in 0..at_once {
        sqlx::query("INSERT INTO runs VALUES ($1, 0, 'nobody')").bind(number as i64).execute(&mut table).await?;
        let key = NewKey::new(provider(number), "a", Secret::new(serde_json::json!({})));
        pool.put_key(NewKey { concurrency: 1, ..key }).await?;
    }
    let mut places = JoinSet::new();
    for number in 0..at_once {
        let (shared, pool, runs) = (shared.clone(), pool.clone(), runs.clone());
        let rounds = pauses / at_once + usize::from(number < pauses % at_once);
        places.spawn(async move {
            let mut holder = Process::start(HOLDER, &shared, &[&runs, &number.to_string(), plant])?;
            let mut found = Found::default();
            for round in 0..rounds {
                pause(&pool, &mut holder, number, round, &runs, &mut found).await?;
            }
            holder.ends().await?;
            Ok::<_, Failed>(found)
        });
    }
    let mut all = Found::default();
    while let Some(ended) = places.join_next().await {
        let Found { succeeded, accepted } = ended??;
        all.succeeded += succeeded;
        all.accepted.extend(accepted);
    }
    Ok(all)
}

/// One pause of one holder.
async fn pause(
    pool: &KeyPool,
    holder: &mut Process,
    number: usize,
    round: usize,
    runs: &str,
    found: &mut Found,
) -> Result<(), Failed> {
    holder.tell("hold").await?;
    let held = Generation(holder.hear().await?.parse()?);
    holder.signal("STOP").await?;
    let since = tokio::time::Instant::now();
    // It will find this when it goes on, and begin with another thing in each round.
    holder.tell(&format!("act {}", round + number)).await?;
    let successor = tokio::time::timeout(PAUSE, lease(pool, number, "next", PAUSE * 20)).await;
    let new = match successor {
        Ok(new) => Some(new?),
        Err(_) => None,
    };
    if let Some(new) = &new {
        assert!(new.generation() > held, "a new lease has no higher generation");
        assert!(write(runs, number, new.generation(), "next", true).await?, "the new holder's write was refused");
    }
    tokio::time::sleep_until(since + PAUSE).await;
    holder.signal("CONT").await?;
    let done = holder.hear().await?;
    let Some(new) = new else { return Ok(()) };
    found.succeeded += 1;
    found.accepted.extend(done.split_whitespace().map(str::to_owned));
    // The new holder is not disturbed.
    new.renew().await?;
    new.charge(1, Duration::ZERO).await?;
    let view = pool.view().await?;
    let used = view.keys.iter().find(|used| used.key.spec.provider == provider(number)).ok_or("the key is gone")?;
    assert_eq!((used.held, used.key.health), (1, Health::Well));
    let sql = "SELECT by FROM runs WHERE id = $1";
    let by: String = sqlx::query_scalar(sql).bind(number as i64).fetch_one(&mut runs_in(runs).await?).await?;
    assert!(by == "next" || found.accepted.iter().any(|what| what == "write"), "{by} wrote and was not heard of");
    Ok(new.settle().await?)
}

/// The work of a holder.
pub(super) async fn hold(shared: Shared, arguments: Vec<String>) -> Result<(), Failed> {
    let [runs, number, plant] = &arguments[..] else { return Err("a file, number and fault".into()) };
    let (number, pool) = (number.parse()?, shared.pool(limits()).await?);
    let (guarded, believed) = (plant != "unguarded", plant == "believed");
    let (mut lines, mut held) = (told(), None);
    while let Some(line) = lines.recv().await {
        let Some(first) = line.strip_prefix("act ") else {
            let lease = lease(&pool, number, "slow", Duration::from_secs(60)).await?;
            println!("{}", lease.generation());
            held = Some(lease);
            continue;
        };
        let lease: Lease = held.take().ok_or("it holds nothing")?;
        let (first, generation, mut done) = (first.parse::<usize>()?, lease.generation(), Vec::new());
        let mut note = |what, accepted| {
            if accepted {
                done.push(what);
            }
        };
        for step in 0..4 {
            match (first + step) % 4 {
                0 => note("renew", is_accepted(lease.renew().await, believed)?),
                1 => note("charge", is_accepted(lease.charge(1, Duration::ZERO).await, believed)?),
                2 => note("report", is_accepted(lease.report(Verdict::Unauthorized).await, believed)?),
                _ => note("write", write(runs, number, generation, "slow", guarded).await?),
            }
            // Now and then it is the first thing to be given back.
            if first % 5 == 4 {
                break;
            }
        }
        note("settle", is_accepted(lease.settle().await, believed)?);
        println!("{}", done.join(" "));
    }
    Ok(())
}

fn is_accepted(done: Result<(), PoolError>, believed: bool) -> Result<bool, PoolError> {
    match done {
        Ok(()) => Ok(true),
        Err(PoolError::LeaseEnded) => Ok(believed),
        Err(other) => Err(other),
    }
}

/// A write elsewhere in the name of a lease, as the pool's documentation shows it; or without its guard.
async fn write(runs: &str, number: usize, lease: Generation, by: &str, guarded: bool) -> Result<bool, Failed> {
    let sql = if guarded {
        "UPDATE runs SET by = $1, generation = $2 WHERE id = $3 AND generation <= $2"
    } else {
        "UPDATE runs SET by = $1, generation = $2 WHERE id = $3"
    };
    let update = sqlx::query(sql).bind(by).bind(i64::try_from(lease.0)?).bind(number as i64);
    Ok(update.execute(&mut runs_in(runs).await?).await?.rows_affected() == 1)
}

async fn runs_in(file: &str) -> Result<SqliteConnection, Failed> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).disable_statement_logging();
    Ok(options.busy_timeout(Duration::from_secs(20)).connect().await?)
}
