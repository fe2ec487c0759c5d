//! No limit is ever passed, and none holds back more than it says.

mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mt_paas_core::key_pool::{PoolLimits, WaitReason};
use tokio::task::JoinSet;

use super::busy::{busy, name};
use super::ground::Ground;
use super::wish::{LONG, Wish, key, put, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

use requests::{
    a_day_has_no_more_requests_with_a_model, in_no_sixty_seconds_are_more_requests_than_allowed,
    more_requests_than_any_key_may_make_are_refused_at_once, the_next_free_moment_is_the_first_with_room,
};

super::tests!("limits", false:
    limits_hold_when_many_come_at_once,
    a_refusal_names_the_limit,
    limits_of_zero_hold_everybody_back_and_huge_ones_nobody,
    jobs_without_a_key_take_places_and_free_them,
    in_no_sixty_seconds_are_more_requests_than_allowed,
    the_next_free_moment_is_the_first_with_room,
    a_day_has_no_more_requests_with_a_model,
    more_requests_than_any_key_may_make_are_refused_at_once,
);

/// What runs now, by what is limited, and the most that ever ran.
#[derive(Default)]
struct Running(BTreeMap<String, (AtomicU32, AtomicU32)>);

impl Running {
    fn of(names: impl IntoIterator<Item = String>) -> Arc<Self> {
        Arc::new(Self(names.into_iter().map(|name| (name, Default::default())).collect()))
    }

    fn begin(&self, name: &str) {
        let (now, most) = &self.0[name];
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    }

    fn end(&self, name: &str) {
        self.0[name].0.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self, name: &str) -> u32 {
        self.0[name].1.load(Ordering::SeqCst)
    }
}

async fn limits_hold_when_many_come_at_once(ground: Ground) -> Result<(), Violation> {
    let limits = PoolLimits { per_user: 2, total: 5, ..PoolLimits::default() };
    let pools = ground.two(limits).await?;
    let keys = [("k1", 1), ("k2", 2), ("k3", 1)];
    put(&pools[0], keys.map(|(name, concurrency)| key(name, concurrency))).await?;
    let users: Vec<String> = (0..6).map(|number| format!("u{number}")).collect();
    let names = keys.map(|(name, _)| name.to_owned()).into_iter().chain(users.clone());
    let running = Running::of(names.chain([String::new(), "all".to_owned()]));
    let mut tasks = JoinSet::new();
    for number in 0..ground.times(600, 150) {
        let (pool, running) = (pools[number % 2].clone(), running.clone());
        let user = users[number % users.len()].clone();
        let wish = Wish::of(&user).patience(LONG);
        let wish = if number % 5 == 0 { wish.place() } else { wish };
        tasks.spawn(async move {
            let lent = wish.ask(&pool).await?;
            let key = name(&*lent);
            for limited in [&key, &user, "all"] {
                running.begin(limited);
            }
            for _ in 0..number % 4 {
                tokio::task::yield_now().await;
            }
            for limited in [&key, &user, "all"] {
                running.end(limited);
            }
            lent.settle().await?;
            Ok::<_, Violation>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let users = users.iter().map(|user| (user.as_str(), limits.per_user));
    for (limited, limit) in keys.into_iter().chain(users).chain([("all", limits.total)]) {
        let most = running.most(limited);
        holds!(most <= limit, "{most} ran at once for '{limited}', where {limit} may");
    }
    holds!(running.most("all") >= 3, "never more than {} of 5 ran", running.most("all"));
    let view = view(&pools[1]).await?;
    holds!(view.leases.is_empty() && view.queue.is_empty(), "something is left: {view:?}");
    Ok(())
}

async fn a_refusal_names_the_limit(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(PoolLimits { per_user: 2, total: 3, ..PoolLimits::default() }).await?;
    put(&pools[0], [key("a", 2)]).await?;
    let _first = Wish::of("u1").ask(&pools[0]).await?;
    let second = Wish::of("u1").ask(&pools[1]).await?;
    let refused = busy(Wish::of("u1").ask(&pools[0]).await, "a third job of a user who may run two")?;
    same!(refused, (WaitReason::UserLimit, None), "why");
    let refused = busy(Wish::of("u1").place().ask(&pools[1]).await, "a third job without a key")?;
    same!(refused, (WaitReason::UserLimit, None), "why");
    let refused = busy(Wish::of("u2").ask(&pools[1]).await, "a third call on a key that allows two")?;
    same!(refused, (WaitReason::Concurrency, None), "why");
    // Users of two tenants with one id are two users.
    let _third = Wish::of("u1").tenant("other").place().ask(&pools[0]).await?;
    let refused = busy(Wish::of("u2").place().ask(&pools[1]).await, "a fourth job where three may run")?;
    same!(refused, (WaitReason::TotalLimit, None), "why");
    second.settle().await?;
    Wish::of("u2").ask(&pools[1]).await?.settle().await?;
    Ok(())
}

async fn limits_of_zero_hold_everybody_back_and_huge_ones_nobody(ground: Ground) -> Result<(), Violation> {
    let nobody = PoolLimits { per_user: 0, total: 9, ..PoolLimits::default() };
    let nothing = PoolLimits { per_user: 9, total: 0, ..PoolLimits::default() };
    for (limits, reason) in [(nobody, WaitReason::UserLimit), (nothing, WaitReason::TotalLimit)] {
        let pools = ground.two(limits).await?;
        put(&pools[0], [key("a", 2)]).await?;
        for wish in [Wish::of("u"), Wish::of("u").place()] {
            let refused = busy(wish.ask(&pools[1]).await, "a job where none may run")?;
            same!(refused, (reason, None), "why");
        }
    }
    let huge = PoolLimits { per_user: u32::MAX, total: u32::MAX, ..PoolLimits::default() };
    let pools = ground.two(huge).await?;
    put(&pools[0], [key("a", 2)]).await?;
    let _held = [Wish::of("u").ask(&pools[0]).await?, Wish::of("u").ask(&pools[1]).await?];
    let refused = busy(Wish::of("u").ask(&pools[0]).await, "a third call on a key that allows two")?;
    same!(refused.0, WaitReason::Concurrency, "why");
    Ok(())
}

async fn jobs_without_a_key_take_places_and_free_them(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(PoolLimits { per_user: 1, total: 2, ..PoolLimits::default() }).await?;
    let one = Wish::of("u1").place().ask(&pools[0]).await?;
    holds!(one.lease().key().is_none(), "a job without a key got one");
    let (same_user, _) = Wish::of("u1").place().queue(&pools[1]).await?;
    let two = Wish::of("u2").place().ask(&pools[1]).await?;
    let (third, _) = Wish::of("u3").place().queue(&pools[0]).await?;
    one.charge(1_000, std::time::Duration::ZERO).await?;
    drop(two);
    let third = third.got().await?;
    holds!(!same_user.is_over(), "a user who may run one job got two");
    one.settle().await?;
    same_user.got().await?.settle().await?;
    third.settle().await?;
    Ok(())
}
