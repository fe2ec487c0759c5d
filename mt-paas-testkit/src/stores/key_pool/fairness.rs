//! Many waiters of many tenants, in a time that the test moves: order, fairness, places and estimates.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use mt_paas_core::key_pool::{Generation, Moment, NewKey, PoolError, PoolLimits, Ticket, WaitReason};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::busy::name;
use super::ground::Ground;
use super::lender::{Lender, Lent};
use super::wish::{LONG, Waiting, Wish, key, put, tenant, until, view};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("fairness", false: r6_a_thousand_waiters_are_served_in_order_and_alike);

const TENANTS: usize = 50;
/// Each call takes as long, and a group of calls ends at a time.
const HOLD: Duration = Duration::from_millis(400);
const GROUPS: usize = 4;
/// Keys for all tenants, for those with even numbers and for the others, with the calls that each allows.
const KEYS: [(&str, u32, Serves); 3] = [
    ("all", 8, |_| true),
    ("even", 4, |tenant| tenant.is_multiple_of(2)),
    ("odd", 4, |tenant| !tenant.is_multiple_of(2)),
];
type Serves = fn(usize) -> bool;
const SLOTS: usize = 16;
/// Those at the head of the queue whom no key serves, and those whom their user's limit holds back.
const HEADS: [(usize, WaitReason); 2] = [(12, WaitReason::NoKeyForTenant), (4, WaitReason::UserLimit)];

async fn r6_a_thousand_waiters_are_served_in_order_and_alike(ground: Ground) -> Result<(), Violation> {
    let waiters = ground.times(1_000, 300);
    ground.time().stop(Moment::from_micros(1_800_000_000_000_000));
    let pools = ground.two(PoolLimits { per_user: 1, total: 100_000, ..PoolLimits::default() }).await?;
    for (name, slots, serves) in KEYS {
        let tenants = (0..TENANTS).filter(|number| serves(*number)).map(|number| tenant(&format!("t{number}")));
        let scope = mt_paas_core::key_pool::TenantScope::Only(tenants.collect());
        put(&pools[0], [NewKey { scope, ..key(name, slots) }]).await?;
    }
    let mut crowd = Crowd::new(pools.clone());
    // All calls run before anybody waits, and end in groups, so that the pool knows how long they take.
    for first in 0..GROUPS {
        for number in 0..SLOTS / GROUPS {
            crowd.asks(first + number * GROUPS).await?;
        }
        crowd.granted(SLOTS / GROUPS).await?;
        crowd.next(&ground);
    }
    for _ in 0..GROUPS {
        crowd.end_a_group(&ground).await?;
    }
    let _at_its_limit = Wish::of("busy").tenant("t0").place().ask(&pools[0]).await?;
    let heads = crowd.queue_heads().await?;
    for number in SLOTS..SLOTS + waiters {
        crowd.asks(number).await?;
    }
    let all = heads.len() + waiters;
    let queue = until(&pools[1], "everybody in the queue", |view| view.queue.len() == all).await?.queue;
    let came = Moment::from_micros(queue[0].since.micros());
    // Where everybody is of one process, the order is known for certain.
    let users: Vec<&str> = queue[heads.len()..].iter().map(|waiter| waiter.claim.user.as_str()).collect();
    if Arc::ptr_eq(&pools[0], &pools[1]) {
        let expected: Vec<String> = (SLOTS..SLOTS + waiters).map(|number| format!("u{number}")).collect();
        let wrong = users.iter().zip(&expected).position(|(user, expected)| user != expected);
        same!(wrong, None, "the first place in the queue that is not that of its arrival");
    }
    let mut estimates = BTreeMap::new();
    for (place, waiter) in queue.iter().enumerate() {
        let standing = &waiter.standing;
        let head = HEADS.iter().flat_map(|(count, reason)| std::iter::repeat_n(*reason, *count)).nth(place);
        same!(standing.position, place + 1, "the position of {}", waiter.claim.user);
        same!(standing.reason, head.unwrap_or(WaitReason::Concurrency), "the reason of {}", waiter.claim.user);
        estimates.insert(waiter.ticket, standing.estimate);
    }
    // Whoever was served asks again, until all have been served twice on the average.
    for _ in 0..2 * waiters * GROUPS / SLOTS {
        crowd.end_a_group(&ground).await?;
    }
    for head in &heads {
        holds!(!head.is_over(), "a head that nobody can serve was served");
    }
    let left = view(&pools[0]).await?.queue;
    let waiting = left.iter().filter_map(|waiter| crowd.came(waiter.claim.user.as_str(), waiter.ticket)).collect();
    same!(inversions(&crowd.grants, waiting), 0, "grants to whoever came later than another whom they could serve");
    let fair = jain(&crowd.by_tenant());
    let is_fair = fair >= 0.95;
    holds!(is_fair, "Jain's index over {TENANTS} tenants is {fair:.3}");
    let worst = worst_estimate(&crowd.grants, &estimates, came);
    holds!(
        worst.is_some_and(|worst| worst <= 0.1),
        "an estimate was off by {worst:?} of the wait; None: there was none"
    );
    Ok(())
}

/// How somebody came who waits or waited.
#[derive(Debug, Clone, Copy)]
struct Came {
    tenant: usize,
    /// Through which process, and as which of its callers: of one process the order is known for certain.
    process: usize,
    number: u64,
    /// Of two processes the pool's word is taken. `None`: it did not wait.
    ticket: Option<Ticket>,
}

impl Came {
    fn before(&self, other: &Self) -> bool {
        if self.process == other.process { self.number < other.number } else { self.ticket < other.ticket }
    }
}

/// A grant, as its holder has it.
#[derive(Debug, Clone)]
struct Grant {
    generation: Generation,
    came: Came,
    key: String,
    at: Moment,
}

/// A caller with what it got.
type Got = (usize, Result<Box<dyn Lent>, PoolError>);

/// Callers who ask again as soon as they were served.
struct Crowd {
    pools: [Arc<dyn Lender>; 2],
    gives: mpsc::UnboundedSender<Got>,
    gets: mpsc::UnboundedReceiver<Got>,
    /// Calls that run, those of a group together.
    running: VecDeque<Vec<(usize, Box<dyn Lent>)>>,
    grants: Vec<Grant>,
    /// How often somebody asked, and as which of these each caller did last.
    asked: u64,
    last: BTreeMap<usize, u64>,
    tasks: JoinSet<()>,
    now: Moment,
}

impl Crowd {
    fn new(pools: [Arc<dyn Lender>; 2]) -> Self {
        let (gives, gets) = mpsc::unbounded_channel();
        let now = Moment::from_micros(1_800_000_000_000_000);
        let (grants, last, tasks) = (Vec::new(), BTreeMap::new(), JoinSet::new());
        Self { pools, gives, gets, running: VecDeque::new(), grants, asked: 0, last, tasks, now }
    }

    /// A caller asks, before this returns.
    async fn asks(&mut self, number: usize) -> Result<(), Violation> {
        let (pool, gives) = (self.pools[number % 2].clone(), self.gives.clone());
        let wish = Wish::of(&format!("u{number}")).tenant(&format!("t{}", number % TENANTS)).patience(LONG * 12);
        let mut asks = Box::pin(async move { wish.ask(&pool).await });
        self.asked += 1;
        self.last.insert(number, self.asked);
        let polled = std::future::poll_fn(|context| Poll::Ready(asks.as_mut().poll(context))).await;
        match polled {
            Poll::Ready(got) => drop(gives.send((number, got))),
            Poll::Pending => drop(self.tasks.spawn(async move { drop(gives.send((number, asks.await))) })),
        }
        Ok(())
    }

    /// Waits until so many have got something.
    async fn granted(&mut self, count: usize) -> Result<(), Violation> {
        let mut group: Vec<(usize, Box<dyn Lent>)> = Vec::new();
        while group.len() < count {
            let got = tokio::time::timeout(LONG, self.gets.recv()).await;
            let in_vain = || Violation::new(format!("{} calls ended and {} were granted", count, group.len()));
            let (number, got) = got.ok().flatten().ok_or_else(in_vain)?;
            let lent = got?;
            let lease = lent.lease();
            let (generation, ticket) = (lease.generation(), lease.ticket());
            let came = self.came_as(number, ticket);
            self.grants.push(Grant { generation, came, key: name(&*lent), at: self.now });
            group.push((number, lent));
        }
        // In the order in which they were granted: which of several calls ends first decides who gets which key.
        group.sort_by_key(|(_, lent)| lent.lease().generation());
        self.running.push_back(group);
        Ok(())
    }

    /// Time goes on to the end of the next group.
    fn next(&mut self, ground: &Ground) {
        let step = HOLD / u32::try_from(GROUPS).unwrap_or(1);
        ground.time().pass(step);
        self.now = self.now + step;
    }

    /// The calls that run longest end, their callers ask again, and others get what is free.
    async fn end_a_group(&mut self, ground: &Ground) -> Result<(), Violation> {
        let group = self.running.pop_front().unwrap_or_default();
        let count = group.len();
        for (number, lent) in group {
            lent.settle().await?;
            self.asks(number).await?;
        }
        self.granted(count).await?;
        self.next(ground);
        Ok(())
    }

    /// Some whom nothing that ends can serve.
    async fn queue_heads(&self) -> Result<Vec<Waiting>, Violation> {
        let mut heads = Vec::new();
        for (count, reason) in HEADS {
            for number in 0..count {
                let wish = match reason {
                    WaitReason::UserLimit => Wish::of("busy").tenant("t0"),
                    _ => Wish::of(&format!("nobody{number}")).tenant("none"),
                };
                heads.push(wish.patience(LONG * 12).start(&self.pools[number % 2]));
                let stand = heads.len();
                until(&self.pools[0], "a head in the queue", |view| view.queue.len() == stand).await?;
            }
        }
        Ok(heads)
    }

    fn came_as(&self, number: usize, ticket: Option<Ticket>) -> Came {
        let process = if Arc::ptr_eq(&self.pools[0], &self.pools[1]) { 0 } else { number % 2 };
        let asked = self.last.get(&number).copied().unwrap_or(0);
        Came { tenant: number % TENANTS, process, number: asked, ticket }
    }

    /// How a user came who still waits; `None`: it is none of the callers.
    fn came(&self, user: &str, ticket: Ticket) -> Option<Came> {
        let number = user.strip_prefix('u')?.parse().ok()?;
        Some(self.came_as(number, Some(ticket)))
    }

    fn by_tenant(&self) -> Vec<f64> {
        let mut got = vec![0.0; TENANTS];
        self.grants.iter().for_each(|grant| got[grant.came.tenant] += 1.0);
        got
    }
}

/// How often somebody was served while another waited who had come earlier and could have used the same key.
fn inversions(grants: &[Grant], waiting: Vec<Came>) -> usize {
    let serves = |key: &str, tenant: usize| KEYS.iter().any(|(name, _, serves)| *name == key && serves(tenant));
    let mut order: Vec<&Grant> = grants.iter().collect();
    order.sort_by_key(|grant| grant.generation);
    // From the last to the first, so that those who came before and were served later are known.
    let (mut later, mut found) = (waiting, 0);
    for grant in order.into_iter().rev() {
        let precedes = |other: &Came| other.before(&grant.came) && serves(&grant.key, other.tenant);
        found += usize::from(later.iter().any(precedes));
        later.push(grant.came);
    }
    found
}

/// 1 when all got as much, 1/n when one got all.
fn jain(got: &[f64]) -> f64 {
    let (sum, squares) = (got.iter().sum::<f64>(), got.iter().map(|got| got * got).sum::<f64>());
    sum * sum / (got.len() as f64 * squares)
}

/// How far the worst estimate was off, as a part of the wait, over those who were served; `None`: somebody had none.
fn worst_estimate(grants: &[Grant], told: &BTreeMap<Ticket, Option<Duration>>, came: Moment) -> Option<f64> {
    let served = grants.iter().filter_map(|grant| Some((told.get(&grant.came.ticket?)?, grant.at.since(came))));
    let off = |(told, waited): (&Option<Duration>, Duration)| {
        let (told, waited) = ((*told)?.as_secs_f64(), waited.as_secs_f64());
        Some((told - waited).abs() / waited.max(HOLD.as_secs_f64()))
    };
    served.map(off).try_fold(0.0, |worst, off| Some(f64::max(worst, off?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(number: u64, tenant: usize) -> Came {
        Came { tenant, process: 0, number, ticket: Some(Ticket(number)) }
    }

    fn grant(generation: u64, number: u64, key: &str, tenant: usize) -> Grant {
        let at = Moment::from_micros(i64::try_from(generation).unwrap() * 1_000_000);
        Grant { generation: Generation(generation), came: came(number, tenant), key: key.to_owned(), at }
    }

    #[test]
    fn whoever_is_overtaken_is_counted_if_the_key_could_serve_it() {
        let ordered = [grant(1, 1, "all", 0), grant(2, 2, "all", 1)];
        assert_eq!(inversions(&ordered, vec![came(3, 0)]), 0);
        let passed = [grant(1, 2, "all", 0), grant(2, 1, "all", 1)];
        assert_eq!(inversions(&passed, Vec::new()), 1);
        let other_key = [grant(1, 2, "even", 0), grant(2, 1, "all", 1)];
        assert_eq!(inversions(&other_key, Vec::new()), 0);
        assert_eq!(inversions(&ordered, vec![came(0, 4)]), 2);
    }

    #[test]
    fn one_who_gets_all_is_unfair() {
        assert!((jain(&[2.0, 2.0]) - 1.0).abs() < 1e-9 && (jain(&[4.0, 0.0]) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn the_worst_estimate_counts_and_none_is_missing() {
        let grants = [grant(10, 1, "all", 0), grant(20, 2, "all", 0)];
        let told = |second| [(Ticket(1), Some(Duration::from_secs(10))), (Ticket(2), second)].into();
        let worst = |second| worst_estimate(&grants, &told(second), Moment::from_micros(0));
        assert_eq!(worst(Some(Duration::from_secs(20))), Some(0.0));
        assert_eq!(worst(Some(Duration::from_secs(15))), Some(0.25));
        assert_eq!(worst(None), None);
    }
}
