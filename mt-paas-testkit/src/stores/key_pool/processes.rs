//! Processes that stand still or die.

use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{PoolLimits, WaitReason};

use super::busy::{busy, ended};
use super::ground::Ground;
use super::lender::Lender;
use super::wish::{LONG, Wish, key, put, until, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("processes", true:
    whoever_joins_late_knows_the_same,
    what_a_dead_process_held_is_free_after_its_time,
    a_stale_generation_is_refused,
    an_offer_that_nobody_takes_up_goes_on,
    whoever_waits_through_a_silent_process_is_dropped_and_joins_again,
    a_clock_that_steps_back_ends_no_lease_and_frees_none,
);

/// Longer than an offer lives and than a member may be silent.
const SILENCE: Duration = Duration::from_millis(2_100);

async fn whoever_joins_late_knows_the_same(ground: Ground) -> Result<(), Violation> {
    let one = ground.member(wide()).await?.pool;
    put(&one, [key("a", 3), key("b", 3)]).await?;
    let mut held = Vec::new();
    for round in 0..200 {
        let lent = Wish::of(&format!("u{}", round % 9)).model("gpt").ask(&one).await?;
        if round % 50 == 0 {
            held.push(lent);
        } else {
            lent.settle().await?;
        }
    }
    let other = ground.member(wide()).await?.pool;
    let (known, found) = (view(&one).await?, view(&other).await?);
    let keys = |view: &mt_paas_core::key_pool::PoolView| -> Vec<_> {
        let used = view.keys.iter();
        used.map(|used| (used.key.clone(), used.held, used.requests_this_minute, used.requests_today.clone())).collect()
    };
    same!(keys(&found), keys(&known), "the keys and their use");
    let leases = |view: &mt_paas_core::key_pool::PoolView| -> Vec<_> {
        view.leases.iter().map(|lease| (lease.generation, lease.claim.clone(), lease.key, lease.granted_at)).collect()
    };
    same!(leases(&found), leases(&known), "the leases");
    let requests: u64 = known.keys.iter().map(|used| used.requests_this_minute).sum();
    same!(requests, 200, "the requests of this minute");
    Ok(())
}

/// A pool in a runtime of its own, which goes as a process does: nothing is given back.
struct Doomed(Option<tokio::runtime::Runtime>);

impl Doomed {
    fn new() -> Result<Self, Violation> {
        Ok(Self(Some(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Violation>> + Send + 'static,
    ) -> Result<T, Violation> {
        let runtime = self.0.as_ref().ok_or_else(|| Violation::new("the process is dead"))?;
        runtime.spawn(work).await?
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn what_a_dead_process_held_is_free_after_its_time(ground: Ground) -> Result<(), Violation> {
    let limits = PoolLimits { per_user: 1, total: 9, ..PoolLimits::default() };
    let pools = [ground.member(limits).await?.pool];
    put(&pools[0], [key("a", 1)]).await?;
    let mut doomed = Doomed::new()?;
    let there = ground.clone();
    let lost = doomed
        .run(async move {
            let pool = there.member(limits).await?.pool;
            let with_key = Wish::of("u1").ttl(Duration::from_secs(20)).ask(&pool).await?;
            let place = Wish::of("u2").place().ttl(Duration::from_secs(40)).ask(&pool).await?;
            Ok((pool, with_key, place))
        })
        .await?;
    doomed.kill();
    drop(lost);
    ground.pass(Duration::from_secs(19), &pools).await?;
    let refused = busy(Wish::of("u3").ask(&pools[0]).await, "the key of a dead process before its time")?;
    same!(refused.0, WaitReason::Concurrency, "why");
    ground.pass(Duration::from_secs(2), &pools).await?;
    Wish::of("u1").ask(&pools[0]).await?.settle().await?;
    let refused = busy(Wish::of("u2").place().ask(&pools[0]).await, "a job beside one of a dead process")?;
    same!(refused.0, WaitReason::UserLimit, "why");
    ground.pass(Duration::from_secs(20), &pools).await?;
    Wish::of("u2").place().ask(&pools[0]).await?.settle().await?;
    Ok(())
}

/// R3.
async fn a_stale_generation_is_refused(ground: Ground) -> Result<(), Violation> {
    let (slow, quick) = (ground.member(wide()).await?, ground.member(wide()).await?);
    put(&quick.pool, [key("a", 1)]).await?;
    let ttl = Duration::from_secs(10);
    let mut stale = Vec::new();
    // One lease for each thing that can be done in its name.
    for round in 0..3 {
        let lent = Wish::of("slow").ttl(ttl).ask(&slow.pool).await?;
        let stands_still = slow.line.hold().await;
        ground.pass(ttl + Duration::from_secs(1), std::slice::from_ref(&quick.pool)).await?;
        let new = Wish::of("quick").ask(&quick.pool).await?;
        holds!(new.lease().generation() > lent.lease().generation(), "a new lease has no higher generation");
        drop(stands_still);
        match round {
            0 => ended(lent.renew().await, "a renewal")?,
            1 => ended(lent.charge(1, Duration::ZERO).await, "a charge")?,
            _ => ended(lent.report(mt_paas_core::key_pool::Verdict::Unauthorized).await, "a report")?,
        }
        holds!(!lent.lease().is_live(), "an ended lease looks live");
        let told = tokio::time::timeout(LONG, lent.lease().lost()).await;
        holds!(told.is_ok(), "the holder of an ended lease was not told");
        // The new holder is not disturbed.
        new.renew().await?;
        new.charge(1, Duration::ZERO).await?;
        new.settle().await?;
        stale.push(lent);
    }
    let new = Wish::of("quick").ask(&quick.pool).await?;
    for lent in stale {
        ended(lent.settle().await, "giving back")?;
    }
    new.renew().await?;
    let view = view(&quick.pool).await?;
    same!(view.keys[0].held, 1, "the calls that run");
    same!(view.keys[0].key.health, mt_paas_core::key_pool::Health::Well, "the health of the key");
    Ok(())
}

async fn an_offer_that_nobody_takes_up_goes_on(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.member(wide()).await?, ground.member(wide()).await?);
    put(&one.pool, [key("a", 1)]).await?;
    let held = Wish::of("holder").ask(&one.pool).await?;
    let (absent, _) = Wish::of("absent").queue(&other.pool).await?;
    let (next, _) = Wish::of("next").queue(&one.pool).await?;
    let stands_still = other.line.hold().await;
    held.settle().await?;
    let offered = view(&one.pool).await?;
    same!(offered.leases.len(), 1, "the offers");
    same!(offered.leases[0].claim.user.to_string(), "absent", "whom the key is offered to");
    holds!(!next.is_over(), "a key was given to two");
    ground.pass(SILENCE, std::slice::from_ref(&one.pool)).await?;
    let lent = next.got().await.map_err(|violation| violation.after("behind an offer that nobody takes up"))?;
    // It comes back and stands last.
    drop(stands_still);
    until(&one.pool, "the absent one in the queue", |view| view.queue.len() == 1).await?;
    lent.settle().await?;
    absent.got().await?.settle().await?;
    Ok(())
}

async fn whoever_waits_through_a_silent_process_is_dropped_and_joins_again(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.member(wide()).await?, ground.member(wide()).await?);
    put(&one.pool, [key("a", 1)]).await?;
    let held = Wish::of("holder").ask(&one.pool).await?;
    let mut silent = Vec::new();
    for number in 0..3 {
        silent.push(Wish::of(&format!("s{number}")).queue(&other.pool).await?.0);
    }
    let stands_still = other.line.hold().await;
    ground.pass(SILENCE, std::slice::from_ref(&one.pool)).await?;
    same!(view(&one.pool).await?.queue.len(), 0, "those who wait through a silent process");
    let (new, _) = Wish::of("new").queue(&one.pool).await?;
    drop(stands_still);
    let view = until(&one.pool, "the silent ones in the queue", |view| view.queue.len() == 4).await?;
    let users: Vec<String> = view.queue.iter().map(|waiter| waiter.claim.user.to_string()).collect();
    same!(users, ["new", "s0", "s1", "s2"].map(str::to_owned).to_vec(), "the queue");
    held.settle().await?;
    new.got().await?.settle().await?;
    for waits in silent {
        waits.got().await?.settle().await?;
    }
    Ok(())
}

async fn a_clock_that_steps_back_ends_no_lease_and_frees_none(ground: Ground) -> Result<(), Violation> {
    let pools: [Arc<dyn Lender>; 2] = [ground.member(wide()).await?.pool, ground.member(wide()).await?.pool];
    let minute = mt_paas_core::key_pool::NewKey { requests_per_minute: Some(3), ..key("a", 1) };
    put(&pools[0], [minute]).await?;
    let held = Wish::of("u").units(3).ttl(Duration::from_secs(600)).ask(&pools[0]).await?;
    ground.time().step_back(Duration::from_secs(3_600));
    for pool in &pools {
        let view = view(pool).await?;
        same!(view.leases.len(), 1, "the leases after a step of the clock");
        let left = view.leases[0].expires_at.since(view.now);
        holds!(left <= Duration::from_secs(600), "after a step of the clock a lease of ten minutes lives {left:?}");
    }
    held.renew().await?;
    held.settle().await?;
    let (reason, next) = busy(Wish::of("u").ask(&pools[1]).await, "a fourth request of a minute")?;
    same!(reason, WaitReason::Rpm, "why");
    let rest = next.map(|next| next.since(mt_paas_core::key_pool::Moment::default()));
    let now = view(&pools[1]).await?.now.since(mt_paas_core::key_pool::Moment::default());
    holds!(rest.is_some_and(|rest| rest <= now + Duration::from_secs(62)), "an hour's step back keeps the key an hour");
    ground.pass(Duration::from_secs(62), &pools).await?;
    Wish::of("u").ask(&pools[1]).await?.settle().await?;
    Ok(())
}
