//! Whether all get their share of a pool, and whether the pool is honest about how long they wait.
//!
//! `cargo bench -p mt-paas-core --features sea-orm,redis --bench key_pool_fairness -- [places]`; places are `process`,
//! `memory`, `sqlite`, `postgres`, `redis` and addresses of servers. 64 callers, each alone with its user, ask again as soon as they have given
//! back, for one of eight places on four keys. Shared pools are shared by two. Beside them the same callers share a
//! semaphore, and one whom nobody queues for: they look again every few milliseconds.

#[path = "key_pool/place.rs"]
mod place;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, KeyPool, PoolLimits, Standing};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::place::{Failure, Place, named, provider, stock, tenant, user};

const CALLERS: usize = 64;
const KEYS: u32 = 4;
const SLOTS: u32 = 2;
const HOLD: Duration = Duration::from_millis(200);
/// What is learned, and how the callers fall into step, belongs to the time before.
const WARM_UP: Duration = Duration::from_secs(4);
const TIME: Duration = Duration::from_secs(24);
/// Waits that are shorter say more of the machine than of the pool.
const LONG: Duration = HOLD;

#[derive(Clone, Copy)]
enum Holds {
    Constant,
    Exponential,
}

/// Whom callers ask.
#[derive(Clone)]
enum Lender {
    Pool(KeyPool),
    Semaphore(Arc<Semaphore>),
    Polled(Arc<Semaphore>),
}

/// What callers saw after the warm-up.
#[derive(Default)]
struct Seen {
    leases: Vec<usize>,
    /// What callers were told while they waited, the first word first, and how long it took from then on.
    first: Vec<Told>,
    later: Vec<Told>,
    untold: usize,
}

struct Told {
    estimate: Duration,
    took: Duration,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    for (holds, name) in [(Holds::Constant, "constant"), (Holds::Exponential, "exponential")] {
        println!("holds of {} ms, {name}", HOLD.as_millis());
        let permits = Arc::new(Semaphore::new((KEYS * SLOTS) as usize));
        let queued = measured(&[Lender::Semaphore(permits.clone())], holds).await?;
        println!("  a semaphore            Jain {:.4}", jain(&queued.leases));
        let polled = measured(&[Lender::Polled(permits)], holds).await?;
        println!("  one without a queue    Jain {:.4}", jain(&polled.leases));
        for name in named(&["process", "postgres"]) {
            let place = match Place::new(&name).await {
                Ok(place) => place,
                Err(fault) => {
                    println!("  {name}: not measured, {fault}");
                    continue;
                }
            };
            // The total is wide: it is the keys that are few.
            let limits = PoolLimits { total: 1_000, ..PoolLimits::default() };
            let mut pools = vec![place.pool(limits).await?];
            if !matches!(place, Place::Process) {
                pools.push(place.pool(limits).await?);
            }
            stock(&pools[0], KEYS, SLOTS).await?;
            let lenders: Vec<Lender> = pools.into_iter().map(Lender::Pool).collect();
            let seen = measured(&lenders, holds).await?;
            println!("  the pool, {:<12} Jain {:.4} (wanted 0.95)", place.name(), jain(&seen.leases));
            honesty("first word", &seen.first, holds);
            honesty("later words", &seen.later, holds);
            println!("    told nothing   {:>5}", seen.untold);
            drop(lenders);
            place.remove().await?;
        }
    }
    Ok(())
}

async fn measured(lenders: &[Lender], holds: Holds) -> Result<Seen, Failure> {
    let seen = Arc::new(Mutex::new(Seen { leases: vec![0; CALLERS], ..Seen::default() }));
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (lender, seen) = (lenders[number % lenders.len()].clone(), seen.clone());
        callers.spawn(async move {
            let mut chance = Chance(number as u64 + 1);
            while began.elapsed() < WARM_UP + TIME {
                let (asked, counts) = (Instant::now(), began.elapsed() >= WARM_UP);
                let told = lender.call(number, holds, &mut chance).await?;
                if counts {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).add(number, asked, told);
                }
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(seen)
}

/// What a caller heard, and when it had its lease.
struct Heard {
    told: Vec<(Instant, Option<Duration>)>,
    got: Instant,
}

impl Lender {
    /// One call: waits, holds, gives back.
    async fn call(&self, number: usize, holds: Holds, chance: &mut Chance) -> Result<Heard, Failure> {
        let hold = holds.next(chance);
        let told = Mutex::new(Vec::new());
        let hear = |standing: Standing| {
            told.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), standing.estimate));
        };
        let got = match self {
            Self::Pool(pool) => {
                let options = AcquireOptions::default();
                let lease = pool.acquire_and_tell(&provider(), &tenant(), &user(number), &options, &hear).await?;
                let got = Instant::now();
                tokio::time::sleep(hold).await;
                lease.settle().await?;
                got
            }
            Self::Semaphore(permits) => {
                let permit = permits.acquire().await?;
                let got = Instant::now();
                tokio::time::sleep(hold).await;
                drop(permit);
                got
            }
            Self::Polled(permits) => {
                let permit = loop {
                    match permits.try_acquire() {
                        Ok(permit) => break permit,
                        Err(_) => tokio::time::sleep(Duration::from_micros(1_000 + chance.below(20_000))).await,
                    }
                };
                let got = Instant::now();
                tokio::time::sleep(hold).await;
                drop(permit);
                got
            }
        };
        let told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Heard { told, got })
    }
}

impl Seen {
    fn add(&mut self, caller: usize, asked: Instant, heard: Heard) {
        self.leases[caller] += 1;
        let Heard { told, got } = heard;
        if got.duration_since(asked) >= LONG && told.iter().all(|(_, estimate)| estimate.is_none()) {
            self.untold += 1;
        }
        for (nth, (at, estimate)) in told.into_iter().enumerate() {
            let (Some(estimate), took) = (estimate, got.duration_since(at)) else { continue };
            if took.max(estimate) >= LONG {
                let list = if nth == 0 { &mut self.first } else { &mut self.later };
                list.push(Told { estimate, took });
            }
        }
    }
}

/// Jain's index: 1 when all got as many, 1/n when one got all.
fn jain(leases: &[usize]) -> f64 {
    let (sum, squares) = leases.iter().map(|got| *got as f64).fold((0.0, 0.0), |(s, q), got| (s + got, q + got * got));
    if squares > 0.0 { sum * sum / (leases.len() as f64 * squares) } else { 0.0 }
}

fn honesty(which: &str, told: &[Told], holds: Holds) {
    let off = |told: &Told| told.estimate.abs_diff(told.took).as_secs_f64() / told.took.as_secs_f64().max(1e-6);
    let mut errors: Vec<f64> = told.iter().map(off).collect();
    errors.sort_by(f64::total_cmp);
    let Some(median) = errors.get(errors.len() / 2) else { return println!("    {which}: none") };
    let close = errors.iter().filter(|error| **error <= 0.1).count() as f64 / errors.len() as f64;
    let early = told.iter().filter(|told| told.estimate < told.took).count() as f64 / told.len() as f64;
    let wanted = match holds {
        Holds::Constant => "within 10 %",
        Holds::Exponential => "median within 30 %",
    };
    println!(
        "    {which:<12} {:>5} of {:>4.0} ms at the median: {:.1} % within 10 %, median error {:.1} %, {:.0} % too short (wanted: {wanted})",
        told.len(),
        middle(told).as_secs_f64() * 1e3,
        close * 100.0,
        median * 100.0,
        early * 100.0,
    );
}

fn middle(told: &[Told]) -> Duration {
    let mut took: Vec<Duration> = told.iter().map(|told| told.took).collect();
    took.sort();
    took[took.len() / 2]
}

impl Holds {
    fn next(self, chance: &mut Chance) -> Duration {
        match self {
            Self::Constant => HOLD,
            Self::Exponential => HOLD.mul_f64(-(1.0 - chance.part()).ln()),
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    /// From 0 up to 1.
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.part() * limit as f64) as u64
    }
}
