//! A store that goes away and comes back.

use mt_paas_core::key_pool::PoolError;

use super::ground::Ground;
use super::member::Member;
use super::wish::{LONG, Wish, key, put, until, used, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("outages", true:
    a_store_that_comes_back_is_used_again,
    a_lost_answer_neither_loses_nor_doubles,
);

async fn a_store_that_comes_back_is_used_again(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.member(wide()).await?, ground.member(wide()).await?);
    put(&one.pool, [key("a", 2)]).await?;
    let held = Wish::of("holder").ask(&one.pool).await?;
    let given_back = Wish::of("dropped").ask(&one.pool).await?;
    let (waits, _) = Wish::of("waiter").queue(&one.pool).await?;
    one.line.cut(true);
    let failed = Wish::of("u").ask(&one.pool).await.map(drop);
    holds!(matches!(failed, Err(PoolError::Store(_))), "without its store a pool answered {failed:?}");
    drop(given_back);
    let failed = held.renew().await;
    holds!(matches!(failed, Err(PoolError::Store(_))), "without its store a renewal came to {failed:?}");
    // What was given back meanwhile is given back as soon as the store is there.
    one.line.cut(false);
    let waits = waits.got().await.map_err(|violation| violation.after("after the store came back"))?;
    held.renew().await?;
    same!(used(&other.pool, "a").await?.held, 2, "the calls that run");
    held.settle().await?;
    waits.settle().await?;
    until(&other.pool, "an end of all leases", |view| view.leases.is_empty() && view.queue.is_empty()).await?;
    Ok(())
}

/// Asks for a lease whose entry arrives and whose answer is lost.
async fn ask_without_an_answer(member: &Member) -> Result<(), Violation> {
    member.line.lose_an_answer();
    let told = Wish::of("u").ask(&member.pool).await.map(drop);
    holds!(matches!(told, Err(PoolError::Store(_))), "a grant whose answer was lost came to {told:?}");
    holds!(member.line.has_lost_it(), "nothing was appended");
    Ok(())
}

async fn a_lost_answer_neither_loses_nor_doubles(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.member(wide()).await?, ground.member(wide()).await?);
    put(&one.pool, [key("a", 3)]).await?;
    for round in 1..=5_u64 {
        // Whoever was told of a failure keeps nothing.
        ask_without_an_answer(&one).await?;
        let view = until(&other.pool, "an end of a lease of nobody", |view| view.leases.is_empty()).await?;
        same!(view.keys[0].requests_this_minute, 3 * round - 2, "the requests of this minute in round {round}");
        // What is given back is given back once.
        let held = Wish::of("u").ask(&one.pool).await?;
        let dropped = Wish::of("v").ask(&one.pool).await?;
        one.line.lose_an_answer();
        drop(dropped);
        until(&other.pool, "one lease", |view| view.leases.len() == 1).await?;
        held.renew().await.or_else(|error| if matches!(error, PoolError::Store(_)) { Ok(()) } else { Err(error) })?;
        let used = used(&other.pool, "a").await?;
        same!((used.held, used.requests_this_minute), (1, 3 * round), "the calls and requests in round {round}");
        let settled = tokio::time::timeout(LONG, held.settle()).await;
        holds!(matches!(settled, Ok(Ok(()) | Err(PoolError::Store(_)))), "giving back came to {settled:?}");
        until(&other.pool, "an end of all leases", |view| view.leases.is_empty()).await?;
    }
    Ok(())
}
