//! Where the callers of one process meet its pool: each operation goes through here, and each answer comes back as a
//! guard, so that whoever stops listening at any moment keeps nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::claim::{Generation, MemberId, Ticket, Waiter};
use super::engine::{Delivery, Engine};
use super::error::PoolError;
use super::estimate::Forecast;
use super::lease::Lease;
use super::moment::Moment;
use super::op::{Op, Outcome};
use super::rising::Rising;
use super::state::Held;
use super::sync::{AtomicBool, AtomicU64, Mutex, MutexGuard, Notify, oneshot};
use super::view::Standing;
use super::waiting::Waiting;
use crate::clock::Clock;

/// The desk of one pool in one process.
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    place: Place,
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
    Store,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    /// The callers of this process that wait.
    pub(crate) waiting: Rising<Ticket, Spot>,
    pub(crate) inbox: Vec<Job>,
    /// What the store's clock showed, and when.
    pub(crate) clock: (Moment, Instant),
    /// When the task behind the desk wakes by itself; `None`: not before it is called.
    pub(crate) alarm: Option<Instant>,
    /// A turn at the store is due although nobody asked for anything.
    pub(crate) due: bool,
    /// Leases of a shared pool that have a guard here. Others of this process are nobody's.
    pub(crate) held: BTreeSet<Generation>,
    /// Leases whose renewal the store may not have, with the end that it has for certain.
    pub(crate) renewing: BTreeMap<Generation, Moment>,
    /// How long all who wait will wait.
    forecast: Forecast,
}

/// A caller that waits.
pub(crate) struct Spot {
    /// What it asked for.
    pub(crate) op: Op,
    pub(crate) ticket: Arc<AtomicU64>,
    /// Its patience ends then.
    pub(crate) deadline: Instant,
    /// `None`: it has its answer, and what it gets all the same goes back.
    pub(crate) give: Option<oneshot::Sender<Delivered>>,
}

impl Spot {
    /// Whether somebody is there who would take something.
    pub(crate) fn listens(&self) -> bool {
        self.give.as_ref().is_some_and(|give| !give.is_closed())
    }
}

/// What a waiter gets.
pub(crate) enum Delivered {
    Lease(Lease),
    Charged,
    /// Nothing in time.
    Late(PoolError),
}

/// An operation on its way to the store.
pub(crate) struct Job {
    pub(crate) op: Op,
    pub(crate) then: Then,
}

type ReplyTo = oneshot::Sender<Result<Reply, PoolError>>;

/// Who wants to know what came of it.
pub(crate) enum Then {
    /// This caller.
    Reply(ReplyTo),
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

/// What an operation came to.
pub(crate) enum Reply {
    Done,
    Lease(Lease),
    Waits(Waiting),
    Blocked(PoolError),
}

/// What goes out to callers. Nobody's guard is made before it is certain that the store keeps what it stands for.
#[derive(Default)]
pub(crate) struct Outgoing {
    replies: Vec<(ReplyTo, Result<Reply, PoolError>)>,
    parcels: Vec<(Option<oneshot::Sender<Delivered>>, Delivered)>,
}

impl Outgoing {
    /// Not under the desk's lock: whoever stopped listening drops its guard, which gives back what it stands for.
    pub(crate) fn send(self) {
        for (to, reply) in self.replies {
            drop(to.send(reply));
        }
        for (to, delivered) in self.parcels {
            if let Some(to) = to {
                drop(to.send(delivered));
            }
        }
    }
}

impl Desk {
    pub(crate) fn new(engine: Engine, place: Place, member: MemberId) -> Arc<Self> {
        let inner = Inner {
            engine,
            waiting: Rising::default(),
            inbox: Vec::new(),
            clock: (Moment::default(), Instant::now()),
            alarm: None,
            due: false,
            held: BTreeSet::new(),
            renewing: BTreeMap::new(),
            forecast: Forecast::default(),
        };
        let (losses, closed) = (watch::Sender::new(0), AtomicBool::new(false));
        Arc::new(Self { inner: Mutex::new(inner), place, member, work: Arc::default(), losses, closed })
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
            Place::Memory(clock) => self.at_once(&**clock, op),
            Place::Store => {
                let (reply, answer) = oneshot::channel();
                self.post(Job { op, then: Then::Reply(reply) });
                answer.await.unwrap_or(Err(PoolError::Closed))
            }
        }
    }

    /// Does an operation whose outcome nobody waits for, from anywhere.
    pub(crate) fn leave(self: &Arc<Self>, op: Op) {
        match &self.place {
            Place::Memory(clock) => drop(self.at_once(&**clock, op)),
            Place::Store => self.post(Job { op, then: Then::Nothing }),
        }
    }

    /// Gives a place in the queue up. Its ticket changes under the lock alone.
    pub(crate) fn leave_place(self: &Arc<Self>, ticket: &AtomicU64) {
        let ticket = {
            let _inner = self.inner();
            Ticket(ticket.load(Ordering::Relaxed))
        };
        self.leave(Op::Cancel(ticket));
    }

    fn post(&self, job: Job) {
        self.inner().inbox.push(job);
        self.work.notify_one();
    }

    fn at_once(self: &Arc<Self>, clock: &dyn Clock, op: Op) -> Result<Reply, PoolError> {
        let (reply, outgoing, alarm) = {
            let mut inner = self.inner();
            // Under the lock: whoever read the clock and then waited for it would turn the time back.
            let now = Moment::from_micros(clock.micros());
            inner.engine.advance(now);
            let outcome = inner.engine.apply(&op);
            inner.forget_spot(&op);
            let alarm = inner.should_wake(&outcome, &op, now);
            let reply = self.reply(&mut inner, op, outcome);
            let deliveries = inner.take_up();
            (reply, self.finish(&mut inner, Vec::new(), deliveries), alarm)
        };
        if alarm {
            self.work.notify_one();
        }
        outgoing.send();
        reply
    }

    /// The time of a pool in memory.
    pub(crate) fn memory_now(&self) -> Option<Moment> {
        match &self.place {
            Place::Memory(clock) => Some(Moment::from_micros(clock.micros())),
            Place::Store => None,
        }
    }

    /// Makes the guards for what was done.
    pub(crate) fn finish(self: &Arc<Self>, inner: &mut Inner, done: Vec<Done>, deliveries: Vec<Delivery>) -> Outgoing {
        let mut outgoing = Outgoing::default();
        let mut left = Vec::new();
        for Done { job: Job { op, then }, outcome } in done {
            if let Op::Release(lease) = op {
                inner.held.remove(&lease);
            }
            match then {
                Then::Nothing => left.push(op),
                Then::Told => inner.give_back(&outcome),
                Then::Reply(to) => {
                    let reply = self.reply(inner, op, outcome);
                    outgoing.replies.push((to, reply));
                }
                Then::Rejoin(old) => self.rejoined(inner, old, &outcome, &mut outgoing),
            }
        }
        for Delivery { ticket, lease } in deliveries {
            let spot = inner.waiting.remove(ticket);
            let charged = |loan: &Held| loan.charged_for == Some(ticket);
            let is_charge = match &spot {
                Some(spot) => matches!(spot.op, Op::Charge { .. }),
                None => inner.engine.state.loans.get(lease).is_some_and(charged),
            };
            let delivered = match is_charge {
                true => Delivered::Charged,
                false => Delivered::Lease(self.lease(inner, lease).with_place(ticket)),
            };
            // Nobody is there who gave up in the same turn: what it got goes back with its guard.
            outgoing.parcels.push((spot.and_then(|spot| spot.give), delivered));
        }
        // Not before: what is on its way to whoever left comes back through its place.
        left.iter().for_each(|op| inner.forget_spot(op));
        outgoing
    }

    /// What came of asking again for somebody who had lost its place.
    fn rejoined(self: &Arc<Self>, inner: &mut Inner, old: Ticket, outcome: &Outcome, outgoing: &mut Outgoing) {
        // The caller may have left in the meantime, with a ticket that was no longer its own.
        let Some(spot) = inner.waiting.remove(old).filter(Spot::listens) else { return inner.give_back(outcome) };
        let delivered = match outcome {
            Outcome::Waits(ticket) => {
                spot.ticket.store(ticket.0, Ordering::Relaxed);
                inner.waiting.insert(*ticket, spot);
                return;
            }
            Outcome::Granted(lease) => Delivered::Lease(self.lease(inner, *lease)),
            Outcome::Done => Delivered::Charged,
            Outcome::Blocked { reason, until } => Delivered::Late(PoolError::busy(*reason, *until)),
            Outcome::TooMany => Delivered::Late(PoolError::TooMany { units: spot.op.units() }),
            Outcome::KeyGone => Delivered::Late(PoolError::KeyGone),
            Outcome::Stale | Outcome::KeyRefused(_) => Delivered::Late(PoolError::LeaseEnded),
        };
        outgoing.parcels.push((spot.give, delivered));
    }

    /// An outcome as the caller's guard.
    fn reply(self: &Arc<Self>, inner: &mut Inner, op: Op, outcome: Outcome) -> Result<Reply, PoolError> {
        Ok(match outcome {
            Outcome::Done => Reply::Done,
            Outcome::Granted(lease) => Reply::Lease(self.lease(inner, lease)),
            Outcome::Waits(ticket) => {
                let (give, gets) = oneshot::channel();
                let shared = Arc::new(AtomicU64::new(ticket.0));
                let deadline = op.until().unwrap_or_else(Instant::now);
                let spot = Spot { op, ticket: shared.clone(), deadline, give: Some(give) };
                inner.waiting.insert(ticket, spot);
                Reply::Waits(Waiting::new(self.clone(), shared, gets))
            }
            Outcome::Blocked { reason, until } => Reply::Blocked(PoolError::busy(reason, until)),
            Outcome::TooMany => return Err(PoolError::TooMany { units: op.units() }),
            Outcome::Stale => return Err(PoolError::LeaseEnded),
            Outcome::KeyGone => return Err(PoolError::KeyGone),
            Outcome::KeyRefused(refused) => return Err(refused.into()),
        })
    }

    fn lease(self: &Arc<Self>, inner: &mut Inner, lease: Generation) -> Lease {
        if matches!(self.place, Place::Store) {
            inner.held.insert(lease);
        }
        let loan = inner.engine.state.loans.get(lease);
        let key = loan.and_then(|loan| inner.engine.state.key_of(loan)).map(|used| used.key.clone());
        Lease::new(self.clone(), lease, key)
    }

    /// How it stands with somebody who waits, as far as this process knows.
    pub(crate) fn standing(&self, ticket: Ticket) -> Option<Standing> {
        let mut inner = self.inner();
        let Inner { engine, forecast, clock, .. } = &mut *inner;
        // Of a pool that others share it is known how it was at the last turn.
        let (time, seen) = self.memory_now().map_or((engine.state.now, clock.1), |now| (now, Instant::now()));
        forecast.renew(ticket, engine, time, seen);
        let waiter = engine.state.queue.get(ticket)?;
        let same = |other: &&Waiter| other.claim.provider == waiter.claim.provider;
        let ahead = engine.state.queue.iter().take_while(|other| other.ticket < ticket).filter(same).count();
        let standing = engine.standing(waiter, ahead, &forecast.estimates);
        let age = forecast.age();
        Some(Standing { estimate: standing.estimate.map(|estimate| estimate.saturating_sub(age)), ..standing })
    }

    /// Whether a lease is live, as far as this process can know.
    pub(crate) fn is_live(&self, lease: Generation) -> bool {
        self.lives_for(lease).is_some()
    }

    /// How long a lease lives if nobody renews it, as far as this process can know; `None`: it has ended.
    pub(crate) fn lives_for(&self, lease: Generation) -> Option<Duration> {
        let inner = self.inner();
        let now = self.memory_now().unwrap_or_else(|| inner.now());
        let known = inner.engine.state.loans.get(lease)?.expires_at;
        let certain = inner.renewing.get(&lease).map_or(known, |end| known.min(*end));
        (certain > now).then(|| certain.since(now))
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
        // Their callers find nobody who could give them anything any more, and give up their places.
        let senders: Vec<_> = self.inner().waiting.values_mut().filter_map(|spot| spot.give.take()).collect();
        drop(senders);
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

    /// When the first patience of this process ends.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.values().filter(|spot| spot.give.is_some()).map(|spot| spot.deadline).min()
    }

    /// Renews the leases of a member for which it is time. Says when they would have ended.
    pub(crate) fn renew_due(&mut self, member: MemberId, now: Moment) -> Vec<(Generation, Moment)> {
        let due = |loan: &&Held| loan.member == member && loan.expires_at - loan.claim.ttl * 2 / 3 <= now;
        let leases = self.engine.state.loans.values().filter(due);
        let leases: Vec<_> = leases.map(|loan| (loan.generation, loan.expires_at)).collect();
        for (lease, _) in &leases {
            self.engine.apply(&Op::Renew(*lease));
        }
        leases
    }

    /// Takes those out of the queue whose patience has ended, and says what to tell them.
    pub(crate) fn end_patience(&mut self) -> Vec<(Ticket, PoolError)> {
        let now = Instant::now();
        let late = self.waiting.iter().filter(|(_, spot)| spot.deadline <= now && spot.give.is_some());
        let late: Vec<Ticket> = late.map(|(ticket, _)| ticket).collect();
        let cancel = |ticket: Ticket| match self.engine.apply(&Op::Cancel(ticket)) {
            Outcome::Blocked { reason, until } => Some((ticket, PoolError::busy(reason, until))),
            // What it waited for has just come.
            _ => None,
        };
        late.into_iter().filter_map(cancel).collect()
    }

    /// Answers those whose patience has ended.
    pub(crate) fn answer_late(&mut self, late: Vec<(Ticket, PoolError)>, outgoing: &mut Outgoing) {
        for (ticket, why) in late {
            if let Some(spot) = self.waiting.remove(ticket) {
                outgoing.parcels.push((spot.give, Delivered::Late(why)));
            }
        }
    }

    /// While the store is away: tells those whose patience has ended, and has their places given up once it is back.
    pub(crate) fn give_up_late(&mut self, why: &PoolError, outgoing: &mut Outgoing) {
        let now = Instant::now();
        let late = self.waiting.iter_mut().filter(|(_, spot)| spot.deadline <= now);
        for (ticket, spot) in late {
            if let Some(give) = spot.give.take() {
                outgoing.parcels.push((Some(give), Delivered::Late(why.clone())));
                self.inbox.push(Job { op: Op::Cancel(ticket), then: Then::Nothing });
            }
        }
    }

    /// What this process's waiters got. They are here, so it counts as taken up.
    pub(crate) fn take_up(&mut self) -> Vec<Delivery> {
        if !self.engine.has_deliveries() {
            return Vec::new();
        }
        let deliveries = self.engine.deliveries();
        let loans = &self.engine.state.loans;
        let is_offer = |loan: &Held| loan.expires_at < loan.granted_at + loan.claim.ttl;
        let offers = deliveries.iter().map(|delivery| delivery.lease);
        let offers: Vec<Generation> = offers.filter(|lease| loans.get(*lease).is_some_and(is_offer)).collect();
        for lease in offers {
            self.engine.apply(&Op::Renew(lease));
        }
        deliveries
    }

    /// Whoever gave up waiting waits no more.
    fn forget_spot(&mut self, op: &Op) {
        if let Op::Cancel(ticket) = op {
            self.waiting.remove(*ticket);
        }
    }

    /// Has what nobody is there to take given back.
    fn give_back(&mut self, outcome: &Outcome) {
        let op = match outcome {
            Outcome::Waits(ticket) => Op::Cancel(*ticket),
            Outcome::Granted(lease) => Op::Release(*lease),
            _ => return,
        };
        self.inbox.push(Job { op, then: Then::Nothing });
    }

    /// Whether the task behind the desk of a pool in memory sleeps too long, now that this has happened.
    fn should_wake(&mut self, outcome: &Outcome, op: &Op, now: Moment) -> bool {
        let Some(alarm) = self.alarm else {
            self.alarm = Some(Instant::now() + Duration::from_secs(3600));
            return true;
        };
        if !matches!(outcome, Outcome::Waits(_)) {
            return false;
        }
        let retry = self.engine.state.queue.retry_at().map(|at| Instant::now() + at.since(now));
        [op.until(), retry].into_iter().flatten().any(|due| due < alarm)
    }
}
