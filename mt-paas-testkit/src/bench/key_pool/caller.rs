//! A caller: it asks for a lease, makes a call that does nothing, gives the lease back, and begins again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, Lease, PoolError, Standing};
use mt_paas_core::{TenantId, UserId};
use tokio::sync::watch;

use super::error::told;
use super::options::HoldTimes;
use super::place::provider;
use super::plant::Plant;
use super::wire::{Begin, Report, Told};
use super::worker::Workplace;

/// Every so many times a caller listens to what the pool says of its place.
const LISTENS: u32 = 8;
/// With the fault planted, one of so many leases is kept.
const LEAKS: u64 = 64;

pub(super) struct Caller {
    place: Arc<Workplace>,
    number: u32,
    user: UserId,
    lone: bool,
}

/// What a caller heard of its place in the queue: that it has one, and, first or later, how long it will wait.
#[derive(Default)]
struct Heard {
    queued: bool,
    estimate: Option<(Instant, Duration)>,
}

impl Caller {
    pub(super) fn new(place: Arc<Workplace>, number: u32) -> Self {
        let (user, lone) = place.briefing.bench.user_of(number, place.briefing.worker);
        let user = user.parse().expect("it is a legal id");
        Self { place, number, user, lone }
    }

    /// Calls until it shall rest. Whoever holds a lease then comes to an end with it.
    pub(super) async fn call(self, mut rests: watch::Receiver<bool>) {
        let line = &self.place.line;
        let mut before = None;
        for round in self.number.. {
            if *rests.borrow() {
                return;
            }
            line.report(Report::Want { caller: self.number }).await;
            let (asked, heard) = (Instant::now(), Mutex::new(Heard::default()));
            let got = tokio::select! {
                got = self.lease(round.is_multiple_of(LISTENS), &heard) => got,
                _ = rests.wait_for(|rests| *rests) => return,
            };
            match got {
                Ok(lease) => {
                    let begin = self.begin(&lease, asked, &heard, before);
                    let generation = begin.generation;
                    line.report(Report::Begin(begin)).await;
                    tokio::time::sleep(self.hold()).await;
                    line.report(Report::End { generation }).await;
                    before = Some(generation);
                    self.give_back(lease).await;
                }
                Err(error) => self.failed(&error).await,
            }
        }
    }

    async fn lease(&self, listens: bool, heard: &Mutex<Heard>) -> Result<Lease, PoolError> {
        if self.place.briefing.bench.plant == Some(Plant::LastFirst) {
            let gets = self.place.last_first.come();
            let (place, user) = (self.place.clone(), self.user.clone());
            tokio::spawn(async move {
                if let Ok(lease) = place.pool.acquire(&provider(), &tenant(), &user, &options(&place)).await {
                    place.last_first.serve(lease);
                }
            });
            self.place.line.say(Report::Queued { caller: self.number });
            return gets.await.map_err(|_| PoolError::Closed);
        }
        let (pool, options) = (&self.place.pool, options(&self.place));
        if !listens {
            return pool.acquire(&provider(), &tenant(), &self.user, &options).await;
        }
        let tell = |standing: Standing| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            if !heard.queued {
                self.place.line.say(Report::Queued { caller: self.number });
                heard.queued = true;
            }
            heard.estimate = heard.estimate.or_else(|| Some((Instant::now(), standing.estimate?)));
        };
        pool.acquire_and_tell(&provider(), &tenant(), &self.user, &options, &tell).await
    }

    fn begin(&self, lease: &Lease, asked: Instant, heard: &Mutex<Heard>, before: Option<u64>) -> Begin {
        let estimate = heard.lock().unwrap_or_else(PoisonError::into_inner).estimate;
        let told =
            |(at, estimate): (Instant, Duration)| Told { estimate: micros(estimate), took: micros(at.elapsed()) };
        let generation = lease.generation().0;
        let twice = self.place.briefing.bench.plant == Some(Plant::Twice) && generation.is_multiple_of(LEAKS);
        Begin {
            caller: self.number,
            user: self.user.as_str().to_owned(),
            lone: self.lone,
            generation: before.filter(|_| twice).unwrap_or(generation),
            key: lease.key().map_or(0, |key| key.id.0),
            ticket: lease.ticket().map(|ticket| ticket.0),
            waited: micros(asked.elapsed()),
            told: estimate.map(told),
        }
    }

    fn hold(&self) -> Duration {
        let bench = &self.place.briefing.bench;
        match bench.hold_times {
            HoldTimes::Constant => bench.hold,
            HoldTimes::Exponential => bench.hold.mul_f64(-(1.0 - rand::random::<f64>()).ln()),
        }
    }

    async fn give_back(&self, lease: Lease) {
        if self.place.briefing.bench.plant == Some(Plant::Leak) && lease.generation().0.is_multiple_of(LEAKS) {
            std::mem::forget(lease);
            return;
        }
        match lease.settle().await {
            Ok(()) => {}
            Err(PoolError::LeaseEnded) => self.place.line.say(Report::Stale),
            Err(error) => self.failed(&error).await,
        }
    }

    async fn failed(&self, error: &PoolError) {
        self.place.line.say(Report::Failed { why: told(error) });
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) fn tenant() -> TenantId {
    "bench".parse().expect("it is a legal id")
}

fn options(place: &Workplace) -> AcquireOptions {
    let bench = &place.briefing.bench;
    // Longer than the run and the wait for a key that has made the requests of its minute.
    AcquireOptions { patience: bench.duration + Duration::from_secs(120), ttl: bench.ttl, ..AcquireOptions::default() }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
