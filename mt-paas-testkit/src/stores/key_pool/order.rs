//! Who is served first, and with which key.

use std::sync::{Arc, Mutex, PoisonError};

use mt_paas_core::key_pool::{Choice, NewKey, PoolLimits, TenantScope, WaitReason};

use super::busy::{busy, name};
use super::ground::Ground;
use super::wish::{LONG, Wish, key, put, tenant, until, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("order", false:
    whoever_came_first_is_served_first,
    a_newcomer_does_not_pass_those_who_wait,
    heads_that_cannot_be_served_hold_up_nobody,
    the_highest_priority_is_taken_first,
    the_least_loaded_is_taken_first_by_choice,
    position_and_reason_are_those_of_the_moment,
);

async fn whoever_came_first_is_served_first(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 2)]).await?;
    let held = [Wish::of("h1").ask(&pools[0]).await?, Wish::of("h2").ask(&pools[1]).await?];
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for number in 0..12_usize {
        let (queued, _) = Wish::of(&format!("w{number}")).queue(&pools[number / 2 % 2]).await?;
        waiting.push((number, queued));
    }
    drop(held);
    let mut running = tokio::task::JoinSet::new();
    for (number, queued) in waiting {
        let served = served.clone();
        running.spawn(async move {
            let lent = queued.got().await?;
            note(&served, (lent.lease().generation(), number));
            lent.settle().await?;
            Ok::<_, Violation>(())
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let mut order = std::mem::take(&mut *served.lock().unwrap_or_else(PoisonError::into_inner));
    // Two are served at a time; which of them runs first is the runtime's. Generations tell who was granted first.
    order.sort_unstable();
    let order: Vec<usize> = order.into_iter().map(|(_, number)| number).collect();
    same!(order, (0..12).collect::<Vec<_>>(), "the order of grants to those who came one after the other");
    Ok(())
}

fn note<T>(list: &Mutex<Vec<T>>, item: T) {
    list.lock().unwrap_or_else(PoisonError::into_inner).push(item);
}

async fn a_newcomer_does_not_pass_those_who_wait(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    for round in 0..ground.times(50, 10) {
        let held = Wish::of("h").ask(&pools[0]).await?;
        let (first, _) = Wish::of("first").queue(&pools[1]).await?;
        held.settle().await?;
        // The key is free for nobody but the first, and then in use.
        loop {
            let is_over = first.is_over();
            let refused = busy(Wish::of("newcomer").ask(&pools[0]).await, &format!("a newcomer in round {round}"))?;
            same!(refused.0, WaitReason::Concurrency, "why");
            if is_over {
                break;
            }
        }
        first.got().await?.settle().await?;
    }
    Ok(())
}

async fn heads_that_cannot_be_served_hold_up_nobody(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(PoolLimits { per_user: 1, ..wide() }).await?;
    let only = TenantScope::Only([tenant("school")].into());
    let scoped = NewKey { scope: only, requests_per_minute: Some(8), ..key("a", 2) };
    put(&pools[0], [scoped]).await?;
    let first = Wish::of("u1").ask(&pools[0]).await?;
    let second = Wish::of("u2").ask(&pools[1]).await?;
    // Nobody of these can be served when a call ends.
    let heads = [
        Wish::of("w1").tenant("no-key-for-me"),
        Wish::of("u1").patience(LONG * 4),
        Wish::of("w3").units(7),
        Wish::of("w4").provider("nobody"),
    ];
    let mut held_up = Vec::new();
    for (number, wish) in heads.iter().enumerate() {
        held_up.push(wish.start(&pools[number % 2]));
        until(&pools[number % 2], "a head in the queue", |view| view.queue.len() == number + 1).await?;
    }
    let (behind, _) = Wish::of("w5").queue(&pools[1]).await?;
    second.settle().await?;
    let got = behind.got().await.map_err(|violation| violation.after("behind heads that cannot be served"))?;
    got.settle().await?;
    // A newcomer too, where something is free.
    Wish::of("w6").ask(&pools[0]).await?.settle().await?;
    holds!(held_up.iter().all(|head| !head.is_over()), "a head that nobody can serve was served");
    let waits = view(&pools[0]).await?.queue.len();
    same!(waits, 4, "those who wait");
    first.settle().await?;
    held_up.remove(1).got().await?;
    Ok(())
}

async fn the_highest_priority_is_taken_first(ground: Ground) -> Result<(), Violation> {
    taken(ground, Choice::Priority, ["high", "high", "low", "low"]).await
}

async fn the_least_loaded_is_taken_first_by_choice(ground: Ground) -> Result<(), Violation> {
    taken(ground, Choice::LeastLoaded, ["high", "low", "high", "low"]).await
}

async fn taken(ground: Ground, choice: Choice, expected: [&str; 4]) -> Result<(), Violation> {
    let pools = ground.two(PoolLimits { choice, ..wide() }).await?;
    let with = |name, priority| NewKey { priority, ..key(name, 2) };
    put(&pools[0], [with("low", 1), with("high", 9)]).await?;
    let mut held = Vec::new();
    for number in 0..4 {
        held.push(Wish::of("u").ask(&pools[number % 2]).await?);
    }
    let names: Vec<String> = held.iter().map(|lent| name(&**lent)).collect();
    same!(names, expected, "the keys in turn");
    let refused = busy(Wish::of("u").ask(&pools[0]).await, "a fifth call where four may be")?;
    same!(refused.0, WaitReason::Concurrency, "why");
    Ok(())
}

async fn position_and_reason_are_those_of_the_moment(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(PoolLimits { per_user: 2, total: 3, ..PoolLimits::default() }).await?;
    put(&pools[0], [NewKey { requests_per_minute: Some(9), ..key("a", 2) }]).await?;
    let _one = Wish::of("u1").ask(&pools[0]).await?;
    let two = Wish::of("u1").ask(&pools[1]).await?;
    let wishes = [
        (Wish::of("w1"), 1, WaitReason::Concurrency),
        (Wish::of("u1"), 2, WaitReason::UserLimit),
        (Wish::of("w3").units(8), 3, WaitReason::Rpm),
        (Wish::of("w4").provider("other"), 1, WaitReason::NoKeyForTenant),
        (Wish::of("w5"), 4, WaitReason::Concurrency),
    ];
    let mut waiting = Vec::new();
    for (number, (wish, ..)) in wishes.iter().enumerate() {
        waiting.push(wish.queue(&pools[number % 2]).await?.0);
    }
    for pool in &pools {
        let found: Vec<_> =
            view(pool).await?.queue.iter().map(|waiter| (waiter.standing.position, waiter.standing.reason)).collect();
        let expected: Vec<_> = wishes.iter().map(|(_, position, reason)| (*position, *reason)).collect();
        same!(found, expected, "positions and reasons");
    }
    let _place = Wish::of("u9").place().ask(&pools[0]).await?;
    let reasons =
        view(&pools[1]).await?.queue.iter().filter(|waiter| waiter.standing.reason == WaitReason::TotalLimit).count();
    same!(reasons, 5, "those whom the total limit holds back");
    two.settle().await?;
    let _first = waiting.remove(0).got().await?;
    let view = until(&pools[1], "one less in the queue", |view| view.queue.len() == 4).await?;
    same!(view.queue[0].standing.position, 1, "the position of who was second");
    Ok(())
}
