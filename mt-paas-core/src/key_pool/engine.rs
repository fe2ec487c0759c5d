//! The rules: what follows from an operation on a pool.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::broadcast;

use super::change::{Batch, Change};
use super::claim::{Generation, Loan, MemberId, Ticket, Waiter};
use super::estimate::Estimates;
use super::event::PoolEvent;
use super::moment::Moment;
use super::select::Choice;
use super::state::{SILENCE, State};
use super::view::Standing;

/// Limits that hold for a pool as a whole. Every process of a pool should have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Jobs that one user may run at once.
    pub per_user: u32,
    /// Jobs that may run at once in total.
    pub total: u32,
    /// Which free key is taken.
    pub choice: Choice,
}

impl Default for PoolLimits {
    /// One for each user, four in total.
    fn default() -> Self {
        Self { per_user: 1, total: 4, choice: Choice::default() }
    }
}

/// A pool's state with its rules, for one member.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) state: State,
    pub(crate) limits: PoolLimits,
    member: MemberId,
    sequence: u64,
    /// It only serves an estimate.
    is_play: bool,
    /// What happened since the last batch; `None` where nobody keeps it.
    record: Option<Vec<Change>>,
    /// What this member's waiters got.
    deliveries: Vec<Delivery>,
    /// Those who look on.
    events: broadcast::Sender<PoolEvent>,
    watched: bool,
    /// What they are told once the store has it.
    untold: Vec<PoolEvent>,
    /// A lease of this member may have ended without it.
    losses: bool,
    /// This member's waiters may have lost their places, or got something that was not noted.
    doubt: bool,
    /// Members whose waiters got something in this batch.
    others: BTreeSet<MemberId>,
    round: u64,
    /// The next batch is to be kept as a whole.
    compact: bool,
}

/// Something for a waiter of this member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) ticket: Ticket,
    pub(crate) lease: Generation,
}

impl Engine {
    pub(crate) fn new(mut state: State, limits: PoolLimits, member: MemberId, recorded: bool) -> Self {
        state.choose(limits.choice);
        let record = recorded.then(Vec::new);
        Self {
            state,
            limits,
            member,
            sequence: 0,
            is_play: false,
            record,
            deliveries: Vec::new(),
            events: broadcast::Sender::new(EVENTS),
            watched: false,
            untold: Vec::new(),
            losses: false,
            doubt: false,
            others: BTreeSet::new(),
            round: 0,
            compact: false,
        }
    }

    /// The same pool, to play with: nothing in it expires, and everybody's waiters are its own.
    pub(crate) fn play(&self) -> Self {
        let mut play = Self::new(self.state.clone(), self.limits, self.member, false);
        play.is_play = true;
        play
    }

    /// Turns the pool's time to `now` and does what time alone makes due.
    pub(crate) fn advance(&mut self, now: Moment) {
        let stepped = now + STEP < self.state.now;
        // A clock that only trembles stands still.
        self.state.now = if stepped { now } else { now.max(self.state.now) };
        if stepped {
            self.put(Change::ClockStepped);
        }
        if !self.is_play {
            self.expire();
        }
        if self.state.queue.retry_at().is_some_and(|at| at <= self.state.now) {
            self.settle();
            self.state.queue.find_retry();
        } else if self.state.unsettled {
            self.settle();
        }
    }

    /// Tells somebody what happens from now on.
    pub(crate) fn watch(&mut self) -> broadcast::Receiver<PoolEvent> {
        self.watched = true;
        self.events.subscribe()
    }

    /// Whether somebody looks on.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched && self.events.receiver_count() > 0
    }

    /// How it stands with somebody who waits, with so many before it.
    pub(crate) fn standing(&self, waiter: &Waiter, ahead: usize, estimates: &Estimates) -> Standing {
        let (reason, _) = self.why(waiter);
        Standing { position: ahead + 1, reason, estimate: estimates.get(&waiter.ticket).copied() }
    }

    /// When time alone makes something due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let others = self.state.queue.members().filter(|id| *id != self.member);
        let silent = others.filter_map(|id| Some(self.state.members.get(&id)?.seen + SILENCE)).min();
        [self.state.queue.retry_at(), self.state.first_expiry, silent].into_iter().flatten().min()
    }

    pub(crate) fn has_deliveries(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// What this member's waiters got since the last call.
    pub(crate) fn deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    /// Notes something for waiters of this member that was found in the state.
    pub(crate) fn set_deliveries(&mut self, deliveries: Vec<Delivery>) {
        self.deliveries = deliveries;
    }

    /// Forgets what waiters of this member got and lost again before they heard of it; they have to be looked for.
    pub(crate) fn forget_dead_deliveries(&mut self) {
        let got = self.deliveries.len();
        self.deliveries.retain(|delivery| self.state.loans.contains_key(delivery.lease));
        self.doubt |= self.deliveries.len() < got;
    }

    /// Whether a lease of this member may have ended without it, since the last call.
    pub(crate) fn take_losses(&mut self) -> bool {
        std::mem::take(&mut self.losses)
    }

    /// Whether this member's waiters have to be looked for in the state, since the last call.
    pub(crate) fn take_doubt(&mut self) -> bool {
        std::mem::take(&mut self.doubt)
    }

    /// Whether somebody wants the next batch to be kept as a whole, since the last call.
    pub(crate) fn take_compact(&mut self) -> bool {
        std::mem::take(&mut self.compact)
    }

    /// Members who have to be told of the batch, since the last call.
    pub(crate) fn take_to_wake(&mut self) -> Vec<MemberId> {
        std::mem::take(&mut self.others).into_iter().collect()
    }

    /// Adds what others did.
    pub(crate) fn replay(&mut self, batch: Batch) {
        self.state.begin(batch.now, batch.member, batch.sequence);
        for change in batch.changes {
            let told = self.told(&change);
            self.tell(told);
            self.note(&change);
            self.state.put(change);
        }
        // Who decided it has told them.
        self.others.clear();
        self.state.unsettled = true;
    }

    /// What this member did since the last batch, to be kept; `None`: nothing.
    pub(crate) fn batch(&mut self, even_if_empty: bool) -> Option<Batch> {
        let changes = std::mem::take(self.record.as_mut()?);
        if changes.is_empty() && !even_if_empty {
            return None;
        }
        self.sequence += 1;
        let now = self.state.now;
        self.state.begin(now, self.member, self.sequence);
        Some(Batch { now, member: self.member, sequence: self.sequence, changes })
    }

    /// Puts another state in place, after the store said that it is so.
    pub(crate) fn reset(&mut self, state: State) {
        self.state = state;
        self.state.choose(self.limits.choice);
        self.deliveries.clear();
        (self.losses, self.doubt) = (true, true);
        if let Some(record) = &mut self.record {
            record.clear();
        }
        self.untold.clear();
    }

    fn put(&mut self, change: Change) {
        let told = self.told(&change);
        match &self.record {
            // Not before the store has it.
            Some(_) => self.untold.extend(told),
            None => self.tell(told),
        }
        self.note(&change);
        if let Some(record) = &mut self.record {
            record.push(change.clone());
        }
        self.state.put(change);
    }

    /// What those who look on are told of a change.
    fn told(&self, change: &Change) -> Option<PoolEvent> {
        if self.watched { PoolEvent::of(change, &self.state) } else { None }
    }

    fn tell(&mut self, events: impl IntoIterator<Item = PoolEvent>) {
        for event in events {
            self.watched = self.events.send(event).is_ok();
        }
    }

    /// The store has this member's last batch.
    pub(crate) fn confirm(&mut self) {
        let untold = std::mem::take(&mut self.untold);
        self.tell(untold);
    }

    /// Keeps in mind what has to be told to a waiter of this member.
    fn note(&mut self, change: &Change) {
        let (ticket, lease, member) = match change {
            Change::Granted(Loan { offered_to: Some(ticket), generation, member, .. }) => {
                (*ticket, *generation, *member)
            }
            Change::Charged { ticket: Some(ticket), lease, member, .. } => (*ticket, *lease, *member),
            Change::Ended { lease, given_back: false } => {
                self.losses |= self.state.loans.get(*lease).is_some_and(|loan| loan.member == self.member);
                return;
            }
            Change::Silent(member) => {
                self.doubt |= *member == self.member;
                return;
            }
            _ => return,
        };
        if member == self.member || self.is_play {
            self.deliveries.push(Delivery { ticket, lease });
        } else {
            self.others.insert(member);
        }
    }
}

/// Somebody who looks on and is further behind than this misses events, and is told so.
const EVENTS: usize = 1024;

/// A clock that is this much behind itself was set back.
const STEP: Duration = Duration::from_secs(1);

mod grants;
mod ops;
#[cfg(test)]
mod tests;
