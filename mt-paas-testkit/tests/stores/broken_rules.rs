//! Pools with one faulty rule each, as others have them: gateways, the predecessor, first tries.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use mt_paas_core::key_pool::{
    AcquireOptions, KeyPool, Lease, Moment, PoolError, PoolLimits, Provider, Verdict, WaitReason,
};
use mt_paas_core::{TenantId, UserId};
use mt_paas_testkit::stores::key_pool::{Ground, Lender, Lent};

use crate::key_pool::memory;

/// What a faulty rule does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleFault {
    /// R5: the shortest time to live that anybody ever asked for is everybody's.
    EndsLeasesByTheTtlOfOthers,
    /// R6: one queue for a provider, of which only the head is served.
    LetsTheHeadHoldUpAll,
    /// R6: who waits asks again and again, and the quickest wins.
    AsksAgainInsteadOfQueueing,
    /// R6: whoever came last is served first.
    ServesTheLastFirst,
    /// R6: who is next is told that something is free, and asks again.
    TellsInsteadOfGranting,
    /// R7: limits are checked and counted in two steps.
    ChecksLimitsBeforeItCounts,
    /// R7: requests are counted by the minute of the clock.
    CountsByTheMinuteOfTheClock,
    /// R10: a request counts before it is admitted.
    CountsBeforeItAdmits,
    /// R9: a lease is given back only when its call succeeds.
    GivesBackOnlyOnSuccess,
    /// R3: whatever is done in the name of a lease is accepted.
    AcceptsStaleGenerations,
    /// A refused call counts.
    ForgetsToRefund,
    /// What a provider says is forgotten.
    ForgetsVerdicts,
    /// A charge that has to wait is refused.
    RefusesChargesThatWait,
    /// A key that is off is lent when no other is there.
    LendsAKeyThatIsOff,
    /// At the deadline nobody remembers what was waited for.
    ForgetsWhyAtTheDeadline,
    /// What cannot be given back at once is not given back.
    ForgetsWhatItCannotGiveBack,
}

/// Each fault with a test that must catch it.
pub(crate) const FAULTS: &[(RuleFault, &str)] = &[
    (RuleFault::EndsLeasesByTheTtlOfOthers, "leases::r5_a_short_life_ends_no_other"),
    (RuleFault::LetsTheHeadHoldUpAll, "order::heads_that_cannot_be_served_hold_up_nobody"),
    (RuleFault::AsksAgainInsteadOfQueueing, "order::whoever_came_first_is_served_first"),
    (RuleFault::LetsTheHeadHoldUpAll, "fairness::r6_a_thousand_waiters_are_served_in_order_and_alike"),
    (RuleFault::AsksAgainInsteadOfQueueing, "fairness::r6_a_thousand_waiters_are_served_in_order_and_alike"),
    (RuleFault::ServesTheLastFirst, "fairness::r6_a_thousand_waiters_are_served_in_order_and_alike"),
    (RuleFault::TellsInsteadOfGranting, "order::a_newcomer_does_not_pass_those_who_wait"),
    (RuleFault::ChecksLimitsBeforeItCounts, "limits::limits_hold_when_many_come_at_once"),
    (RuleFault::CountsByTheMinuteOfTheClock, "limits::in_no_sixty_seconds_are_more_requests_than_allowed"),
    (RuleFault::CountsBeforeItAdmits, "leaks::r10_refusals_are_free"),
    (RuleFault::GivesBackOnlyOnSuccess, "leaks::r9_nothing_is_held_after_calls_of_every_end"),
    (RuleFault::GivesBackOnlyOnSuccess, "leases::a_lease_that_is_dropped_is_given_back"),
    (RuleFault::AcceptsStaleGenerations, "processes::a_stale_generation_is_refused"),
    (RuleFault::ChecksLimitsBeforeItCounts, "limits::limits_of_zero_hold_everybody_back_and_huge_ones_nobody"),
    (RuleFault::RefusesChargesThatWait, "charges::a_charge_waits_its_turn"),
    (RuleFault::LendsAKeyThatIsOff, "keys::a_key_is_not_lent_after_its_end_or_while_it_is_off"),
    (RuleFault::ForgetsWhyAtTheDeadline, "waiting::at_the_deadline_the_error_says_why_and_until_when"),
    (RuleFault::ForgetsWhatItCannotGiveBack, "outages::a_store_that_comes_back_is_used_again"),
    (RuleFault::ForgetsToRefund, "health::a_refused_call_counts_for_no_limit"),
    (RuleFault::ForgetsVerdicts, "health::a_refused_key_is_quarantined_until_somebody_releases_it"),
];

/// Empty ground with the fault.
pub(crate) fn ground(fault: RuleFault) -> Ground {
    let shared: Arc<Shared> = Arc::default();
    let needs_store = matches!(fault, RuleFault::AcceptsStaleGenerations | RuleFault::ForgetsWhatItCannotGiveBack);
    let ground = if needs_store { memory() } else { Ground::in_memory() };
    ground.through(move |pool| {
        let pool = if fault == RuleFault::ChecksLimitsBeforeItCounts {
            KeyPool::in_memory(PoolLimits { per_user: 1_000, total: 1_000, ..PoolLimits::default() })
        } else {
            pool
        };
        Arc::new(Broken { pool, fault, shared: shared.clone() })
    })
}

/// What all callers of a broken pool know.
#[derive(Default)]
struct Shared {
    leases: Mutex<Vec<Weak<Lease>>>,
    shortest: Mutex<Option<Duration>>,
    /// Callers by arrival.
    pending: Mutex<BTreeSet<u64>>,
    arrived: AtomicU64,
    running: AtomicU32,
    /// The store could not be reached when somebody asked last.
    away: AtomicBool,
    /// Whoever waits, the last on top.
    last: Mutex<Vec<tokio::sync::oneshot::Sender<Lease>>>,
    /// A minute, and its requests.
    minute: Mutex<(i64, u32)>,
}

impl Shared {
    /// Counts requests in a minute where twenty may be.
    fn count(&self, minute: i64, units: u32) -> bool {
        let mut counted = locked(&self.minute);
        if counted.0 != minute {
            *counted = (minute, 0);
        }
        counted.1 += units;
        counted.1 <= 20
    }
}

struct Broken {
    pool: KeyPool,
    fault: RuleFault,
    shared: Arc<Shared>,
}

struct BrokenLease {
    /// `None` once it was settled.
    lease: Option<Arc<Lease>>,
    fault: RuleFault,
    shared: Arc<Shared>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Lender for Broken {
    fn pool(&self) -> &KeyPool {
        &self.pool
    }

    async fn lend(
        &self,
        provider: Option<&Provider>,
        tenant: &TenantId,
        user: &UserId,
        options: &AcquireOptions,
    ) -> Result<Box<dyn Lent>, PoolError> {
        let shared = &self.shared;
        let mut options = options.clone();
        let ask = async |options: &AcquireOptions| match provider {
            Some(provider) => self.pool.acquire(provider, tenant, user, options).await,
            None => self.pool.acquire_place(tenant, user, options).await,
        };
        let lease = match self.fault {
            RuleFault::EndsLeasesByTheTtlOfOthers => {
                let ttl = locked(&shared.shortest).map_or(options.ttl, |shortest| shortest.min(options.ttl));
                *locked(&shared.shortest) = Some(ttl);
                options.ttl = ttl;
                ask(&options).await?
            }
            RuleFault::LetsTheHeadHoldUpAll if !options.patience.is_zero() => {
                let place = shared.arrived.fetch_add(1, Ordering::SeqCst);
                locked(&shared.pending).insert(place);
                let _leaves = Leaves(shared, place);
                let lease = ask(&options).await?;
                while locked(&shared.pending).first() != Some(&place) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                lease
            }
            RuleFault::AsksAgainInsteadOfQueueing if !options.patience.is_zero() => loop {
                options.patience = Duration::from_millis(4);
                match ask(&options).await {
                    Err(PoolError::Busy { .. }) => {
                        tokio::time::sleep(Duration::from_millis(rand::random_range(1..9))).await;
                    }
                    other => break other?,
                }
            },
            RuleFault::TellsInsteadOfGranting if !options.patience.is_zero() => {
                drop(ask(&options).await?);
                tokio::time::sleep(Duration::from_millis(2)).await;
                ask(&options).await?
            }
            RuleFault::ServesTheLastFirst if !options.patience.is_zero() => {
                let (give, gets) = tokio::sync::oneshot::channel();
                locked(&shared.last).push(give);
                let (pool, shared) = (self.pool.clone(), shared.clone());
                let (provider, tenant, user) = (provider.cloned(), tenant.clone(), user.clone());
                let mut serves = Box::pin(async move {
                    let Some(provider) = provider else { return };
                    let Ok(lease) = pool.acquire(&provider, &tenant, &user, &options).await else { return };
                    let last = locked(&shared.last).pop();
                    drop(last.map(|last| last.send(lease)));
                });
                // It has its place in the queue before anybody who comes later.
                let polled = std::future::poll_fn(|context| Poll::Ready(serves.as_mut().poll(context))).await;
                if polled.is_pending() {
                    tokio::spawn(serves);
                }
                gets.await.map_err(|_| PoolError::Closed)?
            }
            RuleFault::ChecksLimitsBeforeItCounts => {
                while shared.running.load(Ordering::SeqCst) >= 5 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                tokio::task::yield_now().await;
                shared.running.fetch_add(1, Ordering::SeqCst);
                ask(&options).await?
            }
            RuleFault::CountsByTheMinuteOfTheClock => {
                let units = std::mem::take(&mut options.units);
                let minute = self.pool.view().await?.now.micros() / 60_000_000;
                if !shared.count(minute, units) {
                    let next_free = Some(Moment::from_micros((minute + 1) * 60_000_000).date());
                    return Err(PoolError::Busy { reason: WaitReason::Rpm, next_free });
                }
                ask(&options).await?
            }
            RuleFault::CountsBeforeItAdmits => match ask(&options).await {
                Err(refused @ PoolError::Busy { .. }) => {
                    let held = locked(&shared.leases).iter().find_map(Weak::upgrade);
                    if let Some(lease) = held {
                        lease.charge(1, Duration::ZERO).await.or_else(|_| Ok::<_, PoolError>(()))?;
                    }
                    return Err(refused);
                }
                other => other?,
            },
            RuleFault::LendsAKeyThatIsOff => match ask(&options).await {
                Err(PoolError::Busy { reason: WaitReason::NoKeyForTenant, .. }) => {
                    let off = self.pool.view().await?.keys.into_iter().find(|used| !used.key.spec.active);
                    let Some(off) = off else { return ask(&options).await.map(|lease| self.lent(lease)) };
                    self.pool.set_key_active(off.key.id, true).await?;
                    let lease = ask(&options).await;
                    self.pool.set_key_active(off.key.id, false).await?;
                    lease?
                }
                other => other?,
            },
            RuleFault::ForgetsWhyAtTheDeadline if !options.patience.is_zero() => match ask(&options).await {
                Err(PoolError::Busy { .. }) => {
                    return Err(PoolError::Busy { reason: WaitReason::Concurrency, next_free: None });
                }
                other => other?,
            },
            _ => {
                let got = ask(&options).await;
                shared.away.store(matches!(got, Err(PoolError::Store(_))), Ordering::SeqCst);
                got?
            }
        };
        Ok(self.lent(lease))
    }
}

impl Broken {
    fn lent(&self, lease: Lease) -> Box<dyn Lent> {
        let lease = Arc::new(lease);
        locked(&self.shared.leases).push(Arc::downgrade(&lease));
        Box::new(BrokenLease { lease: Some(lease), fault: self.fault, shared: self.shared.clone() })
    }
}

/// A caller that waits no more.
struct Leaves<'a>(&'a Shared, u64);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        locked(&self.0.pending).remove(&self.1);
    }
}

impl BrokenLease {
    fn accept(&self, done: Result<(), PoolError>) -> Result<(), PoolError> {
        if self.fault == RuleFault::AcceptsStaleGenerations { Ok(()) } else { done }
    }
}

#[async_trait]
impl Lent for BrokenLease {
    fn lease(&self) -> &Lease {
        self.lease.as_deref().expect("a lease that is settled is gone")
    }

    async fn charge(&self, units: u32, patience: Duration) -> Result<(), PoolError> {
        let patience = if self.fault == RuleFault::RefusesChargesThatWait { Duration::ZERO } else { patience };
        self.accept(self.lease().charge(units, patience).await)
    }

    async fn report(&self, verdict: Verdict) -> Result<(), PoolError> {
        match self.fault {
            RuleFault::ForgetsVerdicts => return Ok(()),
            // The last charge is what comes back.
            RuleFault::ForgetsToRefund => self.lease().charge(0, Duration::ZERO).await?,
            _ => {}
        }
        self.accept(self.lease().report(verdict).await)
    }

    async fn renew(&self) -> Result<(), PoolError> {
        self.accept(self.lease().renew().await)
    }

    async fn settle(mut self: Box<Self>) -> Result<(), PoolError> {
        let settled = match self.lease.take().and_then(Arc::into_inner) {
            Some(lease) => lease.settle().await,
            None => Ok(()),
        };
        self.accept(settled)
    }
}

impl Drop for BrokenLease {
    fn drop(&mut self) {
        if self.fault == RuleFault::ChecksLimitsBeforeItCounts {
            self.shared.running.fetch_sub(1, Ordering::SeqCst);
        }
        let away = self.shared.away.load(Ordering::SeqCst);
        if self.fault == RuleFault::ForgetsWhatItCannotGiveBack && away {
            std::mem::forget(self.lease.take());
        }
        if self.fault == RuleFault::GivesBackOnlyOnSuccess {
            std::mem::forget(self.lease.take());
        }
    }
}
