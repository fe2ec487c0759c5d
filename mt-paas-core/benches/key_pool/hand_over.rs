//! A thing that goes to and fro between two ends, and how long it is on its way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::place::{Failure, provider, tenant, user};

/// One of two who hand something over to each other.
#[async_trait]
pub(crate) trait End: Send {
    /// Waits until the other hands it over; says when it has begun to wait.
    async fn take(&mut self, waits: &Notify) -> Result<(), Failure>;

    /// Hands it over.
    async fn hand_over(&mut self) -> Result<(), Failure>;
}

/// Two ends, of which the first has it.
pub(crate) type Ends = [Box<dyn End>; 2];

/// An end is given up on after this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Hands over so many times, to and fro, and says how long each took: from the order to hand over to the other having it.
/// Who waits has waited for `rest`, and up to twice that, by then.
pub(crate) async fn hand_overs(ends: Ends, count: u32, rest: Duration) -> Result<(Vec<Duration>, Ends), Failure> {
    let [mut holder, mut waiter] = ends;
    let mut took = Vec::new();
    for number in 0..count {
        let waits = Arc::new(Notify::new());
        let told = waits.clone();
        let taken = tokio::spawn(async move {
            waiter.take(&told).await?;
            Ok::<_, Failure>((Instant::now(), waiter))
        });
        timeout(PATIENCE, waits.notified()).await?;
        // Spread evenly, so that no end is always met at the same point of its own pauses.
        sleep(rest.mul_f64(1.0 + (f64::from(number) * 0.618_034).fract())).await;
        let ordered = Instant::now();
        holder.hand_over().await?;
        let (had, new) = timeout(PATIENCE, taken).await???;
        took.push(had.saturating_duration_since(ordered));
        (holder, waiter) = (new, holder);
    }
    Ok((took, [holder, waiter]))
}

/// An end that is a caller of a pool with one place.
pub(crate) struct Caller {
    pool: KeyPool,
    number: usize,
    lease: Option<Lease>,
}

impl Caller {
    /// Two callers, of one pool or of two.
    pub(crate) async fn two(pools: [&KeyPool; 2]) -> Result<Ends, Failure> {
        let [mut first, second] = [0, 1].map(|number| Self { pool: pools[number].clone(), number, lease: None });
        first.take(&Notify::new()).await?;
        Ok([Box::new(first), Box::new(second)])
    }
}

#[async_trait]
impl End for Caller {
    async fn take(&mut self, waits: &Notify) -> Result<(), Failure> {
        let options = AcquireOptions::default();
        let tell = |_| waits.notify_one();
        let lease = self.pool.acquire_and_tell(&provider(), &tenant(), &user(self.number), &options, &tell).await?;
        self.lease = Some(lease);
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        match self.lease.take() {
            Some(lease) => Ok(lease.settle().await?),
            None => Err("it has no lease".into()),
        }
    }
}
