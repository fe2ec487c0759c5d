//! The guards and the desk under schedules that shuttle chooses: whatever ends when, nothing stays lent, nobody waits
//! while something is free for it, and no guard is dropped under the desk's lock.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use chrono::DateTime;
use serde_json::json;
use shuttle::future::block_on;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::AtomicUsize;
use shuttle::thread;
use shuttle::{Config, Runner};

use super::desk::{Delivered, Reply};
use super::op::Op;
use super::sync::scheduled::{PLANTED, Planted};
use super::{AcquireOptions, KeyPool, Lease, NewKey, PoolError, PoolLimits, Provider};
use crate::clock::StillClock;
use crate::secret::Secret;
use crate::store::memory::MemoryKeyPool;

/// Schedules of each kind for each story.
const SCHEDULES: usize = 700;
/// How many switches PCT may place where they hurt.
const DEPTH: usize = 3;

fn provider() -> Provider {
    "openai".parse().unwrap()
}

/// A pool with one key that allows one call.
#[derive(Clone)]
struct Scene {
    pool: KeyPool,
    running: Arc<AtomicUsize>,
    began: Instant,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Memory,
    Shared,
}

impl Scene {
    fn new(place: Place) -> Self {
        let began = Instant::now();
        let limits = PoolLimits { per_user: 100, total: 100, ..PoolLimits::default() };
        let clock = Arc::new(StillClock::at(DateTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
        let pool = match place {
            Place::Memory => KeyPool::in_memory_by(limits, clock),
            Place::Shared => KeyPool::shared(limits, Arc::new(MemoryKeyPool::by(clock))),
        };
        let key = NewKey::new(provider(), "a", Secret::new(json!({})));
        block_on(pool.put_key(key)).unwrap();
        Self { pool, running: Arc::new(AtomicUsize::new(0)), began }
    }

    /// Waits as long as it takes.
    async fn acquire(&self) -> Result<Lease, PoolError> {
        let options = AcquireOptions { patience: Duration::from_secs(3600), ..AcquireOptions::default() };
        self.pool.acquire(&provider(), &"school".parse().unwrap(), &"u".parse().unwrap(), &options).await
    }

    /// Waits with a patience that ends as soon as somebody looks.
    async fn acquire_in_haste(&self) -> Result<Lease, PoolError> {
        let options = AcquireOptions::default();
        let claim = options.claim(Some(provider()), "school".parse().unwrap(), "u".parse().unwrap())?;
        // Before anything that the pool does, so that no pause of the machine changes what happens.
        let until = Some(self.began);
        match self.pool.desk().call(Op::Acquire { claim, until }).await? {
            Reply::Lease(lease) => Ok(lease),
            Reply::Blocked(why) => Err(why),
            Reply::Waits(mut waiting) => match waiting.wait().await? {
                Delivered::Lease(lease) => Ok(lease),
                Delivered::Charged | Delivered::Late(_) => unreachable!("it waited for a lease"),
            },
            Reply::Done => unreachable!("it asked for a lease"),
        }
    }

    /// A call with the key.
    fn call(&self, lease: &Lease) {
        assert!(lease.is_live());
        assert_eq!(self.running.fetch_add(1, Ordering::SeqCst), 0, "two calls run with a key that allows one");
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Nothing is lent and nobody waits.
    fn is_at_rest(&self) {
        // In a store what comes back from somebody who left takes one turn more.
        for _ in 0..4 {
            let view = block_on(self.pool.view()).unwrap();
            if view.leases.is_empty() && view.queue.is_empty() {
                return;
            }
        }
        panic!("something is left: {:?}", block_on(self.pool.view()).unwrap());
    }
}

/// Polls a future a few times and drops it.
async fn leaves_after<F: Future>(polls: usize, future: F) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let ended = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if ended {
            return;
        }
        thread::yield_now();
    }
}

fn spawn(scene: &Scene, act: impl FnOnce(&Scene) + Send + 'static) -> thread::JoinHandle<()> {
    let scene = scene.clone();
    thread::spawn(move || act(&scene))
}

fn everybody(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Three callers take turns.
fn turns(scene: &Scene) {
    let caller = |scene: &Scene| {
        for settles in [true, false] {
            let lease = block_on(scene.acquire()).unwrap();
            scene.call(&lease);
            if settles {
                block_on(lease.settle()).unwrap();
            }
        }
    };
    everybody((0..3).map(|_| spawn(scene, caller)));
    scene.is_at_rest();
}

/// Somebody stops listening while what it waits for arrives; whoever stands behind it gets it.
fn cancel(scene: &Scene) {
    let held = block_on(scene.acquire()).unwrap();
    let holder = spawn(scene, move |_| drop(held));
    let leaver = |polls| spawn(scene, move |scene| block_on(leaves_after(polls, scene.acquire())));
    let stays = spawn(scene, |scene| {
        let lease = block_on(scene.acquire()).unwrap();
        scene.call(&lease);
    });
    everybody([holder, leaver(1), leaver(3), stays]);
    scene.is_at_rest();
}

/// A lease is given back by somebody who does not stay to hear of it.
fn settle(scene: &Scene) {
    let held = block_on(scene.acquire()).unwrap();
    let settles = spawn(scene, move |_| block_on(leaves_after(1, held.settle())));
    let waits = spawn(scene, |scene| scene.call(&block_on(scene.acquire()).unwrap()));
    everybody([settles, waits]);
    scene.is_at_rest();
}

/// A patience ends while the grant arrives.
fn deadline(scene: &Scene) {
    let held = block_on(scene.acquire()).unwrap();
    let holder = spawn(scene, move |_| drop(held));
    let hastes = spawn(scene, |scene| match block_on(scene.acquire_in_haste()) {
        Ok(lease) => scene.call(&lease),
        Err(why) => assert!(matches!(why, PoolError::Busy { .. }), "{why}"),
    });
    let waits = spawn(scene, |scene| scene.call(&block_on(scene.acquire()).unwrap()));
    everybody([holder, hastes, waits]);
    scene.is_at_rest();
}

/// While nothing is free: who left has no place any more, and who has no patience is told so.
fn full(scene: &Scene) {
    let held = block_on(scene.acquire()).unwrap();
    let leaves = spawn(scene, |scene| block_on(leaves_after(2, scene.acquire())));
    let hastes = |scene: &Scene| {
        let why = block_on(scene.acquire_in_haste()).expect_err("the key is lent");
        assert!(matches!(why, PoolError::Busy { .. }), "{why}");
    };
    everybody([leaves, spawn(scene, hastes), spawn(scene, hastes)]);
    let view = block_on(scene.pool.view()).unwrap();
    assert!(view.queue.is_empty(), "somebody waits who left: {view:?}");
    drop(held);
    scene.is_at_rest();
}

/// The pool is closed in the middle: everybody is told, and what is lent comes back.
fn close(scene: &Scene) {
    let held = block_on(scene.acquire()).unwrap();
    let holder = spawn(scene, move |_| drop(held));
    let closes = spawn(scene, |scene| scene.pool.close());
    let waits = spawn(scene, |scene| match block_on(scene.acquire()) {
        Ok(lease) => scene.call(&lease),
        Err(why) => assert!(matches!(why, PoolError::Closed), "{why}"),
    });
    everybody([holder, closes, waits]);
    // A closed pool answers nobody, so this looks over its shoulder.
    for _ in 0..200 {
        let inner = scene.pool.desk().inner();
        if inner.engine.state.loans.is_empty() && inner.engine.state.queue.is_empty() && inner.waiting.is_empty() {
            return;
        }
        drop(inner);
        thread::yield_now();
    }
    panic!("something is left in a closed pool");
}

fn run(place: Place, story: fn(&Scene), planted: Planted) {
    let config = || {
        let mut config = Config::new();
        config.stack_size = 1 << 17;
        config.failure_persistence = shuttle::FailurePersistence::Print;
        config
    };
    let schedule = move || {
        PLANTED.set(planted);
        story(&Scene::new(place));
    };
    Runner::new(PctScheduler::new_from_seed(1, DEPTH, SCHEDULES), config()).run(schedule);
    Runner::new(RandomScheduler::new_from_seed(1, SCHEDULES), config()).run(schedule);
}

const PLACES: [Place; 2] = [Place::Memory, Place::Shared];
const STORIES: [fn(&Scene); 6] = [turns, cancel, settle, deadline, full, close];

fn holds(story: fn(&Scene)) {
    for place in PLACES {
        run(place, story, Planted::Nothing);
    }
}

#[test]
fn callers_take_turns_and_nobody_is_forgotten() {
    holds(turns);
}

#[test]
fn what_arrives_for_somebody_who_left_goes_on_to_the_next() {
    holds(cancel);
}

#[test]
fn a_lease_comes_back_although_nobody_waits_to_hear_of_it() {
    holds(settle);
}

#[test]
fn a_deadline_and_a_grant_never_both_count() {
    holds(deadline);
}

#[test]
fn who_leaves_or_loses_patience_keeps_no_place() {
    holds(full);
}

#[test]
fn a_pool_closed_in_the_middle_keeps_nothing() {
    holds(close);
}

/// Whether a planted fault is found by some story.
fn is_found(planted: Planted) -> bool {
    PLACES.into_iter().any(|place| {
        STORIES.into_iter().any(|story| std::thread::spawn(move || run(place, story, planted)).join().is_err())
    })
}

#[test]
fn planted_faults_are_found() {
    for fault in [Planted::ValueKept, Planted::CallForgotten] {
        assert!(is_found(fault), "{fault:?} was not found");
    }
}
