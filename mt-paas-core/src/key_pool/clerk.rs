//! The task behind the desk of a pool that processes share: it takes all operations that came together to the store in
//! one turn, adds what others did, renews leases, and does what time makes due.

use std::mem::take;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::change::Batch;
use super::claim::{Generation, MemberId, Ticket};
use super::desk::{Desk, Done, Inner, Job, Outgoing, Then};
use super::engine::Delivery;
use super::error::PoolError;
use super::op::Op;
use super::state::{Held, State, Whole};
use super::store::{Appended, Entry, KeyPoolStore, Turn};
use super::sync::{Notify, sleep, timeout, yield_now};
use crate::store::StoreError;

/// A member with waiters shows itself this often: three times before it would be thought silent.
const SIGN_OF_LIFE: Duration = Duration::from_millis(600);
/// While somebody looks on, what others did is read this often.
const GLANCE: Duration = Duration::from_millis(500);
/// So often others may be first in a row.
const OUTRUNS: u32 = 8;
/// The pauses between tries while the store is away: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// No step at the store takes longer. Stores have limits of their own, and this is for one that forgets itself.
const STEP: Duration = Duration::from_secs(20);
/// An entry that was taken for lost is looked out for so long.
const WARY: Duration = Duration::from_secs(5);
/// A whole is kept instead of changes after so many entries, if these take more room than a few wholes.
const ENTRIES: u64 = 64;

/// What the clerk remembers between turns.
struct Clerk {
    store: Arc<dyn KeyPoolStore>,
    version: u64,
    /// What is known of the pool cannot be relied on: it is read anew from the last whole.
    lost_track: bool,
    /// An entry of this process was read that it took for lost.
    surprised: bool,
    /// An entry that was taken for lost may still come until then.
    wary_until: Option<Instant>,
    kept: Kept,
    last_batch: Option<Instant>,
    unsure: Option<Unsure>,
    failures: u32,
    /// How often in a row others were first.
    outruns: u32,
}

/// How much there is to read for somebody who joins.
#[derive(Default)]
struct Kept {
    entries: u64,
    bytes: usize,
    whole: usize,
}

/// A turn's work, before the store has it.
struct Work {
    sequence: u64,
    done: Vec<Done>,
    late: Vec<(Ticket, PoolError)>,
    deliveries: Vec<Delivery>,
}

impl Work {
    /// Tells everybody what came of it.
    fn finish(self, desk: &Arc<Desk>, inner: &mut Inner) -> Outgoing {
        let mut outgoing = desk.finish(inner, self.done, self.deliveries);
        inner.answer_late(self.late, &mut outgoing);
        outgoing
    }
}

/// Work whose fate is unknown, because the store failed while it was appended.
struct Unsure(Work);

/// Runs until the desk is gone.
pub(crate) async fn work(desk: Weak<Desk>, bell: Arc<Notify>, store: Arc<dyn KeyPoolStore>) {
    let mut clerk = Clerk::new(store.clone());
    while let Some(alive) = desk.upgrade() {
        if clerk.failures > 0 || alive.has_work() {
            match clerk.turn(&alive).await {
                Ok(()) => clerk.failures = 0,
                Err(error) => clerk.failed(&alive, error),
            }
        }
        let rest = clerk.rest(&alive);
        let member = alive.member;
        // Nothing holds the desk while the clerk rests, so that the last lease or handle takes it away.
        drop(alive);
        match rest {
            Rest::Not => yield_now().await,
            Rest::For(pause) => sleep(pause).await,
            Rest::Until { due, listens } => {
                let called = tokio::select! {
                    () = bell.notified() => false,
                    () = asleep(due) => true,
                    () = listen(&*store, member, clerk.version), if listens => true,
                };
                if let Some(alive) = desk.upgrade().filter(|_| called) {
                    alive.inner().due = true;
                }
            }
        }
    }
}

/// What the clerk does between turns.
enum Rest {
    /// There is more to do.
    Not,
    /// The store is away; everybody waits so long.
    For(Duration),
    /// Until it is called, or `due`, or others did something.
    Until { due: Option<Duration>, listens: bool },
}

async fn asleep(due: Option<Duration>) {
    match due {
        Some(due) => sleep(due).await,
        None => std::future::pending().await,
    }
}

async fn listen(store: &dyn KeyPoolStore, member: MemberId, version: u64) {
    if store.changed(member, version).await.is_err() {
        // The turn that follows finds out what is wrong.
        sleep(PAUSES.0).await;
    }
}

/// Gives up a step that takes too long. What it does all the same is found later, as after any other failure.
async fn in_time<T>(step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::Unavailable(format!("it said nothing for {} seconds", STEP.as_secs()).into()));
    timeout(STEP, step).await.unwrap_or_else(late)
}

impl Desk {
    fn has_work(&self) -> bool {
        let inner = self.inner();
        !inner.inbox.is_empty() || inner.due
    }
}

impl Clerk {
    fn new(store: Arc<dyn KeyPoolStore>) -> Self {
        let (version, failures, outruns) = (0, 0, 0);
        let (lost_track, surprised, kept) = (false, false, Kept::default());
        let (wary_until, last_batch, unsure) = (None, None, None);
        Self { store, version, lost_track, surprised, wary_until, kept, last_batch, unsure, failures, outruns }
    }

    fn rest(&self, desk: &Desk) -> Rest {
        if self.failures > 0 {
            let pause = PAUSES.0 * 2_u32.saturating_pow(self.failures.min(8) - 1);
            return Rest::For(pause.min(PAUSES.1));
        }
        let inner = desk.inner();
        if !inner.inbox.is_empty() || self.unsure.is_some() || self.lost_track {
            return Rest::Not;
        }
        let now = inner.now();
        let waits = !inner.waiting.is_empty();
        let watched = inner.engine.is_watched() || self.wary_until.is_some_and(|until| until > Instant::now());
        let due = if waits { inner.engine.next_due() } else { None };
        let watch = watched.then_some(GLANCE);
        let sign = self.last_batch.filter(|_| waits).map(|last| SIGN_OF_LIFE.saturating_sub(last.elapsed()));
        let due = [due, inner.next_renewal(desk.member)].into_iter().flatten().min();
        // A moment later than due, so that rounding never makes it a moment too early.
        let due = due.map(|due| due.since(now) + Duration::from_millis(1));
        let patience = inner.next_deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        Rest::Until { due: [due, sign, watch, patience].into_iter().flatten().min(), listens: waits }
    }

    /// One turn at the store.
    async fn turn(&mut self, desk: &Arc<Desk>) -> Result<(), StoreError> {
        let after = if self.lost_track { 0 } else { self.version };
        let mut turn = in_time(self.store.begin(after)).await?;
        let began = Instant::now();
        let (now, anew, entries) = (turn.now(), turn.anew(), turn.entries());
        let (batch, work, wake, outgoing) = {
            let mut inner = desk.inner();
            self.read(&mut inner, anew, entries, desk.member)?;
            inner.clock = (now, began);
            inner.due = false;
            let outgoing = self.settle_unsure(desk, &mut inner);
            inner.engine.forget_dead_deliveries();
            if inner.engine.take_doubt() | take(&mut self.surprised) {
                // Before anything is renewed: an offer that was taken up names no waiter any more.
                rejoin(&mut inner, desk.member);
            }
            let renewed = inner.renew_due(desk.member, now);
            inner.renewing.extend(renewed);
            inner.engine.advance(now);
            let done = do_jobs(&mut inner);
            let late = inner.end_patience();
            let deliveries = inner.take_up();
            let sign = !inner.waiting.is_empty() && self.last_batch.is_none_or(|last| last.elapsed() >= SIGN_OF_LIFE);
            let compact = inner.engine.take_compact();
            let batch = inner.engine.batch(sign || compact);
            let sequence = batch.as_ref().map_or(0, |batch| batch.sequence);
            let work = Work { sequence, done, late, deliveries };
            (batch.map(|batch| (batch, compact)), work, inner.engine.take_to_wake(), outgoing)
        };
        outgoing.send();
        let ended = match batch {
            None => in_time(turn.pass()).await.map(|()| Appended::Done),
            Some((batch, compact)) => self.append(desk, turn, &batch, compact, &wake).await,
        };
        match ended {
            Ok(Appended::Done) => {
                self.outruns = 0;
                let outgoing = {
                    let mut inner = desk.inner();
                    inner.engine.confirm();
                    inner.renewing.clear();
                    work.finish(desk, &mut inner)
                };
                outgoing.send();
                desk.tell_losses();
                Ok(())
            }
            Ok(Appended::Outrun) => {
                self.lost_track = true;
                self.outruns += 1;
                let mut inner = desk.inner();
                // Also when nobody had asked for anything: what waiters got is still to be told.
                inner.due = true;
                do_again(&mut inner, work.done);
                // Turns exclude each other, so that this is rare; a store where it is the rule must not be run hot.
                let lost = (self.outruns > OUTRUNS).then(|| "others were first at every try".into());
                lost.map_or(Ok(()), |why| Err(StoreError::Unavailable(why)))
            }
            Err(error) => {
                self.lost_track = true;
                self.unsure = Some(Unsure(work));
                Err(error)
            }
        }
    }

    async fn append(
        &mut self,
        desk: &Desk,
        turn: Box<dyn Turn>,
        batch: &Batch,
        compact: bool,
        wake: &[MemberId],
    ) -> Result<Appended, StoreError> {
        let whole = compact || self.kept.is_worth_a_whole();
        let data = if whole { encode(&desk.inner().engine.state.whole()) } else { encode(batch) }?;
        let size = data.len();
        let entry = Entry { version: self.version + 1, whole, data };
        let appended = in_time(turn.append(entry, wake)).await?;
        if appended == Appended::Done {
            self.version += 1;
            self.kept.add(whole, size);
            self.last_batch = Some(Instant::now());
        }
        Ok(appended)
    }

    /// Adds what others did, or begins anew with the last whole.
    fn read(
        &mut self,
        inner: &mut Inner,
        anew: Option<u64>,
        entries: Vec<Entry>,
        member: MemberId,
    ) -> Result<(), StoreError> {
        if take(&mut self.lost_track) || anew.is_some() {
            (self.version, self.kept) = (anew.unwrap_or(0), Kept::default());
            inner.engine.reset(State::default());
            inner.renewing.clear();
        }
        for Entry { version, whole, data } in entries {
            self.kept.add(whole, data.len());
            if whole {
                let whole: Whole = decode(&data)?;
                inner.engine.reset(whole.into());
            } else {
                let batch: Batch = decode(&data)?;
                self.surprised |= batch.member == member;
                inner.engine.replay(batch);
            }
            self.version = version;
        }
        Ok(())
    }
}

impl Clerk {
    /// Finds out what became of work whose answer was lost.
    fn settle_unsure(&mut self, desk: &Arc<Desk>, inner: &mut Inner) -> Outgoing {
        let Some(Unsure(work)) = self.unsure.take() else { return Outgoing::default() };
        let known = inner.engine.state.members.get(&desk.member);
        if known.is_some_and(|member| member.sequence >= work.sequence) {
            work.finish(desk, inner)
        } else {
            self.wary_until = Some(Instant::now() + WARY);
            do_again(inner, work.done);
            Outgoing::default()
        }
    }

    /// Tells the callers of this process that the store failed. What has to be done is tried again.
    fn failed(&mut self, desk: &Desk, error: StoreError) {
        self.failures += 1;
        self.lost_track = true;
        if self.failures == 1 {
            tracing::warn!(error = &error as &dyn std::error::Error, "the store of the key pool failed");
        }
        let told = PoolError::Store(Arc::new(error));
        let tell = |job: &mut Job| {
            if let Then::Reply(to) = std::mem::replace(&mut job.then, Then::Told) {
                drop(to.send(Err(told.clone())));
            }
        };
        let is_reply = |job: &&mut Job| matches!(job.then, Then::Reply(_));
        let mut inner = desk.inner();
        inner.inbox.iter_mut().filter(is_reply).for_each(tell);
        // Nothing was done for these.
        inner.inbox.retain(|job| !matches!(job.then, Then::Told));
        let unsure = self.unsure.iter_mut().flat_map(|Unsure(work)| &mut work.done).map(|done| &mut done.job);
        unsure.filter(is_reply).for_each(tell);
        let mut outgoing = Outgoing::default();
        inner.give_up_late(&told, &mut outgoing);
        drop(inner);
        outgoing.send();
        // Leases run out by themselves if this lasts.
        desk.losses.send_modify(|count| *count += 1);
    }
}

impl Kept {
    fn add(&mut self, whole: bool, size: usize) {
        if whole {
            *self = Self { entries: 0, bytes: 0, whole: size };
        } else {
            self.entries += 1;
            self.bytes += size;
        }
    }

    fn is_worth_a_whole(&self) -> bool {
        self.entries >= ENTRIES && self.bytes > 4 * self.whole
    }
}

/// Does all that was asked for, in the order in which it came.
fn do_jobs(inner: &mut Inner) -> Vec<Done> {
    let listens = |job: &Job| !matches!(&job.then, Then::Reply(to) if to.is_closed());
    let jobs = take(&mut inner.inbox).into_iter().filter(listens);
    let apply = |job: Job| {
        if let Op::Renew(lease) = job.op {
            let ends = inner.engine.state.loans.get(lease).map(|loan| loan.expires_at);
            inner.renewing.extend(ends.map(|ends| (lease, ends)));
        }
        Done { outcome: inner.engine.apply(&job.op), job }
    };
    jobs.map(apply).collect()
}

/// Puts work back that was not done after all, before what came since.
fn do_again(inner: &mut Inner, done: Vec<Done>) {
    let jobs = done.into_iter().map(|done| done.job).filter(|job| !matches!(job.then, Then::Told));
    let later = take(&mut inner.inbox);
    inner.inbox = jobs.chain(later).collect();
}

/// After the pool took this process for silent, or was read anew: finds what its waiters got meanwhile, asks again for
/// those whose places are gone, and gives back what is nobody's.
fn rejoin(inner: &mut Inner, member: MemberId) {
    let state = &inner.engine.state;
    let mut got = Vec::new();
    let mut again = Vec::new();
    for (ticket, spot) in inner.waiting.iter() {
        let given = |loan: &&Held| loan.offered_to == Some(ticket) || loan.charged_for == Some(ticket);
        match state.loans.values().find(given) {
            Some(loan) => got.push(Delivery { ticket, lease: loan.generation }),
            None if spot.listens() && state.queue.get(ticket).is_none() => again.push((ticket, spot.op.clone())),
            None => (),
        }
    }
    // Granted in an entry that was taken for lost: their callers were told that it failed.
    let is_got = |lease: Generation| got.iter().any(|delivery| delivery.lease == lease);
    let loans = state.loans.values().filter(|loan| loan.member == member).map(|loan| loan.generation);
    let loans = loans.filter(|lease| !inner.held.contains(lease) && !is_got(*lease)).map(Op::Release);
    let places = state.queue.iter().filter(|waiter| waiter.member == member).map(|waiter| waiter.ticket);
    let places = places.filter(|ticket| !inner.waiting.contains_key(*ticket)).map(Op::Cancel);
    let nobodys: Vec<Job> = loans.chain(places).map(|op| Job { op, then: Then::Nothing }).collect();
    // In the order in which they had come.
    again.sort_by_key(|(ticket, _)| *ticket);
    let again = again.into_iter().map(|(ticket, op)| Job { op, then: Then::Rejoin(ticket) });
    // Whoever asked again in a turn that failed does so now.
    let later = take(&mut inner.inbox).into_iter().filter(|job| !matches!(job.then, Then::Rejoin(_)));
    inner.inbox = nobodys.into_iter().chain(again).chain(later).collect();
    inner.engine.set_deliveries(got);
}

fn encode<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Corrupt { what: "key pool", source: source.into() })
}

fn decode<T: serde::de::DeserializeOwned>(data: &str) -> Result<T, StoreError> {
    serde_json::from_str(data).map_err(|source| StoreError::Corrupt { what: "key pool", source: source.into() })
}
