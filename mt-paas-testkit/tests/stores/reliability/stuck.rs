//! A process that stands still in the middle of its turn on a file of SQLite, and so keeps everybody from theirs.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, NewKey, PoolError, PoolLimits, Provider};

use super::Shared;
use super::child::{Process, told};

pub(super) type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(super) const TRIALS: &[Trial] = &[
    ("a_turn_that_is_halted_is_told_and_survived_when_it_goes_on", |url| Box::pin(halted(url, End::GoesOn))),
    ("a_turn_that_is_halted_is_told_and_survived_when_it_is_killed", |url| Box::pin(halted(url, End::IsKilled))),
];

/// A process that begins a turn, and ends it when it is told to.
pub(super) const TURN: &str = "turn";

/// How it ends with the process that has the turn.
enum End {
    GoesOn,
    IsKilled,
}

fn provider() -> Provider {
    "openai".parse().expect("a name")
}

async fn lease(pool: &KeyPool, user: &str) -> Result<Lease, PoolError> {
    let (tenant, user) = ("school".parse().expect("an id"), user.parse().expect("an id"));
    pool.acquire(&provider(), &tenant, &user, &AcquireOptions::default()).await
}

async fn halted(url: String, end: End) -> Result<(), Failed> {
    let shared = Shared { url, prefix: String::new() };
    let pool = shared.pool(PoolLimits::default()).await?;
    let key = NewKey::new(provider(), "a", Secret::new(serde_json::json!({})));
    pool.put_key(NewKey { concurrency: 2, ..key }).await?;
    let held = lease(&pool, "before").await?;
    let mut process = Process::start(TURN, &shared, &[])?;
    assert_eq!(process.hear().await?, "begun");
    process.signal("STOP").await?;
    let asked = Instant::now();
    for _ in 0..2 {
        let told = lease(&pool, "meanwhile").await;
        assert!(matches!(told, Err(PoolError::Store(_))), "{told:?}");
    }
    // Not at once, because turns are short; and not late.
    assert!(asked.elapsed() > Duration::from_secs(1) && asked.elapsed() < Duration::from_secs(20));
    match end {
        End::GoesOn => {
            process.signal("CONT").await?;
            process.ends().await?;
        }
        End::IsKilled => process.kill().await?,
    }
    let freed = Instant::now();
    // The same pool, without a restart. What was under way when the file came free may still be told as failed.
    let after = loop {
        match lease(&pool, "after").await {
            Err(PoolError::Store(_)) if freed.elapsed() < Duration::from_secs(10) => continue,
            got => break got?,
        }
    };
    assert!(held.is_live());
    held.settle().await?;
    after.settle().await?;
    let view = pool.view().await?;
    assert!(view.leases.is_empty() && view.queue.is_empty(), "{view:?}");
    Ok(())
}

/// The work of the process.
pub(super) async fn turn(shared: Shared) -> Result<(), Failed> {
    let store = shared.store().await?;
    let turn = store.begin(0).await?;
    println!("begun");
    let mut input = told();
    while input.recv().await.is_some() {}
    Ok(turn.pass().await?)
}
