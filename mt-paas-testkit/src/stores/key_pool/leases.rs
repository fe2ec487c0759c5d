//! How long leases live.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::ground::Ground;
use super::lender::Lent;
use super::wish::{Wish, key, put, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("leases", false:
    r5_a_short_life_ends_no_other,
    a_lease_renews_itself_while_it_is_held,
    generations_rise_and_never_repeat,
    a_lease_that_is_dropped_is_given_back,
);

/// R5: leases of random lives, in random mixes of providers. None ends before its own time.
async fn r5_a_short_life_ends_no_other(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let mut other = key("b", 10_000);
    other.provider = super::wish::named("kling");
    put(&pools[0], [key("a", 10_000), other]).await?;
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    // Each with the moment before which it must not end.
    let mut held: Vec<(Box<dyn Lent>, mt_paas_core::key_pool::Moment, u64)> = Vec::new();
    for step in 0..ground.times(10_000, 250) {
        let pool = &pools[random.random_range(0..2)];
        let ttl = [1, 1, 5, 60, 600, 86_400][random.random_range(0..6)];
        let before = view(pool).await?.now;
        let provider = ["openai", "kling"][random.random_range(0..2)];
        let lent = Wish::of("u").provider(provider).ttl(Duration::from_secs(ttl)).ask(pool).await?;
        held.push((lent, before + Duration::from_secs(ttl), ttl));
        if random.random_bool(0.2) {
            ground.pass(Duration::from_millis(random.random_range(0..4_000)), &pools).await?;
        }
        if held.len() > 12 {
            let chosen = random.random_range(0..held.len());
            let (lent, must_live, ttl) = held.swap_remove(chosen);
            let known = view(&pools[0]).await?;
            let lives = known.leases.iter().any(|lease| lease.generation == lent.lease().generation());
            holds!(
                lives || known.now >= must_live,
                "seed {seed}, step {step}: a lease of {ttl} s ended {:?} before its time",
                must_live.since(known.now)
            );
            drop(lent.settle().await);
        }
    }
    Ok(())
}

async fn a_lease_renews_itself_while_it_is_held(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    let ttl = Duration::from_secs(3);
    let lent = Wish::of("u").ttl(ttl).ask(&pools[0]).await?;
    let began = tokio::time::Instant::now();
    while began.elapsed() < ttl + Duration::from_millis(500) {
        // The other would end it.
        view(&pools[1]).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    holds!(lent.lease().is_live(), "a lease that is held ended");
    lent.settle().await?;
    Ok(())
}

async fn generations_rise_and_never_repeat(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 3)]).await?;
    let mut last = None;
    for round in 0..40 {
        let lent = Wish::of("u").ask(&pools[round % 2]).await?;
        let generation = lent.lease().generation();
        holds!(Some(generation) > last, "generation {generation} came after {last:?}");
        last = Some(generation);
        if round % 3 == 0 {
            drop(lent);
        } else {
            lent.settle().await?;
        }
    }
    Ok(())
}

async fn a_lease_that_is_dropped_is_given_back(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    for round in 0..20 {
        drop(Wish::of("u").ask(&pools[round % 2]).await?);
        // Its own process knows at once.
        let again = Wish::of("v").ask(&pools[round % 2]).await;
        holds!(again.is_ok(), "a key that was given back is not free: {:?}", again.map(drop));
        again?.settle().await?;
    }
    same!(view(&pools[0]).await?.leases.len(), 0, "the leases");
    Ok(())
}
