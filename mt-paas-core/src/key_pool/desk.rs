//! Where the callers of one process meet its pool: each operation goes through here, and each answer comes back as a
//! guard, so that whoever stops listening at any moment keeps nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};

use super::claim::{Generation, MemberId, Ticket};
use super::engine::{Delivery, Engine};
use super::error::PoolError;
use super::lease::Lease;
use super::moment::Moment;
use super::op::{Op, Outcome};
use super::store::KeyPoolStore;
use crate::clock::Clock;

/// The desk of one pool in one process.
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    pub(crate) place: Place,
    pub(crate) member: MemberId,
    /// Somebody has work for the task behind the desk.
    pub(crate) work: Arc<Notify>,
    /// Raised when leases of this process may have ended without it.
    pub(crate) losses: watch::Sender<u64>,
    closed: AtomicBool,
}

/// Where the pool is kept.
pub(crate) enum Place {
    /// Here: whoever calls does its operation itself.
    Memory(Arc<dyn Clock>),
    /// In a store that processes share: one task does all operations that came together in one turn.
    Store(Arc<dyn KeyPoolStore>),
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    /// The callers of this process that wait.
    pub(crate) waiting: HashMap<Ticket, Spot>,
    pub(crate) inbox: Vec<Job>,
    /// What the store's clock showed, and when.
    pub(crate) clock: (Moment, Instant),
    /// When the task behind the desk wakes by itself.
    pub(crate) alarm: Option<Moment>,
}

/// A caller that waits.
pub(crate) struct Spot {
    /// What it asked for.
    pub(crate) op: Op,
    pub(crate) ticket: Arc<AtomicU64>,
    pub(crate) give: oneshot::Sender<Delivered>,
}

/// What a waiter gets.
pub(crate) enum Delivered {
    Lease(Lease),
    Charged,
}

/// An operation on its way to the store.
pub(crate) struct Job {
    pub(crate) op: Op,
    pub(crate) then: Then,
}

/// Who wants to know what came of it.
pub(crate) enum Then {
    /// This caller.
    Reply(oneshot::Sender<Result<Reply, PoolError>>),
    /// Somebody who waited at a place that the pool gave up, because this process was silent.
    Rejoin(Ticket),
    /// Nobody; but it has to be done.
    Nothing,
    /// A caller that was told that it failed. What it got all the same goes back.
    Told,
}

/// An operation with its outcome.
pub(crate) struct Done {
    pub(crate) job: Job,
    pub(crate) outcome: Outcome,
}

/// What goes out to callers. Nobody's guard is made before it is certain that the store keeps what it stands for.
#[derive(Default)]
pub(crate) struct Outgoing {
    replies: Vec<(oneshot::Sender<Result<Reply, PoolError>>, Result<Reply, PoolError>)>,
    parcels: Vec<(oneshot::Sender<Delivered>, Delivered)>,
}

impl Outgoing {
    /// Not under the desk's lock: whoever stopped listening drops its guard, which gives back what it stands for.
    pub(crate) fn send(self) {
        for (to, reply) in self.replies {
            drop(to.send(reply));
        }
        for (to, delivered) in self.parcels {
            drop(to.send(delivered));
        }
    }
}

/// What an operation came to.
pub(crate) enum Reply {
    Done,
    Lease(Lease),
    Waits(Waiting),
    Blocked(PoolError),
}

/// A place in the queue, given up when it is dropped.
pub(crate) struct Waiting {
    desk: Arc<Desk>,
    ticket: Arc<AtomicU64>,
    pub(crate) gets: oneshot::Receiver<Delivered>,
    over: bool,
}

impl Desk {
    pub(crate) fn new(engine: Engine, place: Place, member: MemberId) -> Arc<Self> {
        let now = match &place {
            Place::Memory(clock) => clock.now().into(),
            Place::Store(_) => Moment::default(),
        };
        let inner =
            Inner { engine, waiting: HashMap::new(), inbox: Vec::new(), clock: (now, Instant::now()), alarm: None };
        let (losses, closed) = (watch::Sender::new(0), AtomicBool::new(false));
        Arc::new(Self { inner: Mutex::new(inner), place, member, work: Arc::new(Notify::new()), losses, closed })
    }

    /// A panic of a caller changes nothing by halves: the rules do not panic, and guards are dropped outside the lock.
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does an operation, or has it done.
    pub(crate) async fn call(self: &Arc<Self>, op: Op) -> Result<Reply, PoolError> {
        if self.is_closed() {
            return Err(PoolError::Closed);
        }
        match &self.place {
            Place::Memory(clock) => self.at_once(clock.now().into(), &op),
            Place::Store(_) => {
                let (reply, answer) = oneshot::channel();
                self.inner().inbox.push(Job { op, then: Then::Reply(reply) });
                self.work.notify_one();
                answer.await.unwrap_or(Err(PoolError::Closed))
            }
        }
    }

    /// Does an operation whose outcome nobody waits for, from anywhere.
    pub(crate) fn leave(self: &Arc<Self>, op: Op) {
        match &self.place {
            Place::Memory(clock) => drop(self.at_once(clock.now().into(), &op)),
            Place::Store(_) => {
                self.inner().inbox.push(Job { op, then: Then::Nothing });
                self.work.notify_one();
            }
        }
    }

    fn at_once(self: &Arc<Self>, now: Moment, op: &Op) -> Result<Reply, PoolError> {
        let mut outgoing = Outgoing::default();
        let (reply, alarm) = {
            let mut inner = self.inner();
            inner.engine.advance(now);
            let outcome = inner.engine.apply(op);
            let due = if matches!(outcome, Outcome::Waits(_)) { inner.engine.state.queue.retry_at() } else { None };
            let reply = self.reply(&mut inner, op, outcome);
            let deliveries = inner.take_up();
            self.deliver(&mut inner, deliveries, &mut outgoing);
            let sleeps = inner.alarm.is_none();
            if sleeps {
                inner.alarm = Some(Moment::from_micros(i64::MAX));
            }
            (reply, sleeps || due.is_some_and(|due| inner.alarm.is_none_or(|alarm| due < alarm)))
        };
        if alarm {
            self.work.notify_one();
        }
        outgoing.send();
        reply
    }

    /// Makes the guards for what was done.
    pub(crate) fn finish(self: &Arc<Self>, inner: &mut Inner, done: Vec<Done>, deliveries: Vec<Delivery>) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for Done { job: Job { op, then }, outcome } in done {
            match then {
                Then::Nothing => (),
                Then::Told => give_back(inner, &outcome),
                Then::Reply(to) => {
                    let reply = self.reply(inner, &op, outcome);
                    outgoing.replies.push((to, reply));
                }
                Then::Rejoin(old) => self.rejoined(inner, old, &outcome, &mut outgoing),
            }
        }
        self.deliver(inner, deliveries, &mut outgoing);
        outgoing
    }

    fn rejoined(self: &Arc<Self>, inner: &mut Inner, old: Ticket, outcome: &Outcome, outgoing: &mut Outgoing) {
        let Some(spot) = inner.waiting.remove(&old) else {
            // The caller left in the meantime, with a ticket that is no longer its own.
            return give_back(inner, outcome);
        };
        match outcome {
            Outcome::Waits(ticket) => {
                spot.ticket.store(ticket.0, Ordering::Relaxed);
                inner.waiting.insert(*ticket, spot);
            }
            Outcome::Granted(lease) => {
                let parcel = Delivered::Lease(self.lease(inner, *lease));
                outgoing.parcels.push((spot.give, parcel));
            }
            Outcome::Done => outgoing.parcels.push((spot.give, Delivered::Charged)),
            // What it waited for cannot come any more; the caller finds the channel closed.
            _ => (),
        }
    }

    fn deliver(self: &Arc<Self>, inner: &mut Inner, deliveries: Vec<Delivery>, outgoing: &mut Outgoing) {
        for Delivery { ticket, lease } in deliveries {
            let Some(spot) = inner.waiting.remove(&ticket) else { continue };
            let delivered = match spot.op {
                Op::Charge { .. } => Delivered::Charged,
                _ => Delivered::Lease(self.lease(inner, lease)),
            };
            outgoing.parcels.push((spot.give, delivered));
        }
    }

    /// An outcome as the caller's guard.
    fn reply(self: &Arc<Self>, inner: &mut Inner, op: &Op, outcome: Outcome) -> Result<Reply, PoolError> {
        Ok(match outcome {
            Outcome::Done => Reply::Done,
            Outcome::Granted(lease) => Reply::Lease(self.lease(inner, lease)),
            Outcome::Waits(ticket) => {
                let (give, gets) = oneshot::channel();
                let shared = Arc::new(AtomicU64::new(ticket.0));
                inner.waiting.insert(ticket, Spot { op: op.clone(), ticket: shared.clone(), give });
                Reply::Waits(Waiting { desk: self.clone(), ticket: shared, gets, over: false })
            }
            Outcome::Blocked { reason, until } => {
                Reply::Blocked(PoolError::Busy { reason, next_free: until.map(Moment::date) })
            }
            Outcome::TooMany => return Err(PoolError::TooMany { units: op.units() }),
            Outcome::Stale => return Err(PoolError::LeaseEnded),
            Outcome::KeyGone => return Err(PoolError::KeyGone),
            Outcome::KeyRefused(refused) => return Err(refused.into()),
        })
    }

    fn lease(self: &Arc<Self>, inner: &Inner, lease: Generation) -> Lease {
        let loan = inner.engine.state.loans.get(&lease);
        let key = loan.and_then(|loan| inner.engine.state.key_of(loan)).map(|used| used.key.clone());
        Lease::new(self.clone(), lease, key)
    }

    /// Whether a lease is live, as far as this process can know.
    pub(crate) fn is_live(&self, lease: Generation) -> bool {
        let inner = self.inner();
        let now = match &self.place {
            Place::Memory(clock) => clock.now().into(),
            Place::Store(_) => inner.now(),
        };
        inner.engine.state.loans.get(&lease).is_some_and(|loan| loan.expires_at > now)
    }

    /// Wakes those who want to know whether their leases ended without them.
    pub(crate) fn tell_losses(&self) {
        if self.inner().engine.take_losses() {
            self.losses.send_modify(|count| *count += 1);
        }
    }

    /// Refuses operations from now on. What is on its way is done, and leases can be given back.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut self.inner().waiting);
        // Their callers find nobody who could give them anything any more, and give up their places.
        drop(waiting);
        self.work.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl Drop for Desk {
    /// The task behind the desk looks up and finds it gone.
    fn drop(&mut self) {
        self.work.notify_one();
    }
}

impl Inner {
    /// The store's time, as well as it is known.
    pub(crate) fn now(&self) -> Moment {
        self.clock.0 + self.clock.1.elapsed()
    }

    /// When the earliest lease of a member should be renewed: after a third of its life.
    pub(crate) fn next_renewal(&self, member: MemberId) -> Option<Moment> {
        let mine = self.engine.state.loans.values().filter(|loan| loan.member == member);
        mine.map(|loan| loan.expires_at - loan.claim.ttl * 2 / 3).min()
    }

    /// What this process's waiters got. They are here, so it counts as taken up.
    pub(crate) fn take_up(&mut self) -> Vec<Delivery> {
        if !self.engine.has_deliveries() {
            return Vec::new();
        }
        let deliveries = self.engine.deliveries();
        for delivery in &deliveries {
            self.engine.apply(&Op::Renew(delivery.lease));
        }
        deliveries
    }

    /// Renews the leases of a member for which it is time.
    pub(crate) fn renew_due(&mut self, member: MemberId, now: Moment) {
        let due = |loan: &&super::claim::Loan| loan.member == member && loan.expires_at - loan.claim.ttl * 2 / 3 <= now;
        let leases: Vec<Generation> =
            self.engine.state.loans.values().filter(due).map(|loan| loan.generation).collect();
        for lease in leases {
            self.engine.apply(&Op::Renew(lease));
        }
    }
}

/// What nobody is there to take.
fn give_back(inner: &mut Inner, outcome: &Outcome) {
    let op = match outcome {
        Outcome::Waits(ticket) => Op::Cancel(*ticket),
        Outcome::Granted(lease) => Op::Release(*lease),
        _ => return,
    };
    inner.inbox.push(Job { op, then: Then::Nothing });
}

impl Waiting {
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.ticket.load(Ordering::Relaxed))
    }

    /// Waits for what was asked for, until `deadline`.
    pub(crate) async fn wait(mut self, deadline: tokio::time::Instant) -> Result<Delivered, PoolError> {
        match tokio::time::timeout_at(deadline, &mut self.gets).await {
            Ok(Ok(delivered)) => {
                self.over = true;
                Ok(delivered)
            }
            Ok(Err(_)) => Err(PoolError::Closed),
            Err(_) => self.give_up().await,
        }
    }

    async fn give_up(mut self) -> Result<Delivered, PoolError> {
        let desk = self.desk.clone();
        match desk.call(Op::Cancel(self.ticket())).await {
            Ok(Reply::Blocked(why)) => {
                self.over = true;
                drop(desk.inner().waiting.remove(&self.ticket()));
                Err(why)
            }
            // Something is on its way after all.
            Err(PoolError::LeaseEnded) => {
                let got = tokio::time::timeout(Duration::from_secs(2), &mut self.gets).await;
                match got {
                    Ok(Ok(delivered)) => {
                        self.over = true;
                        Ok(delivered)
                    }
                    _ => Err(PoolError::Busy { reason: super::claim::WaitReason::Concurrency, next_free: None }),
                }
            }
            Err(error) => Err(error),
            Ok(_) => Err(PoolError::Closed),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            let ticket = self.ticket();
            // A lease that is in the channel already goes back with the channel.
            self.gets.close();
            let spot = self.desk.inner().waiting.remove(&ticket);
            drop(spot);
            self.desk.leave(Op::Cancel(ticket));
        }
    }
}
