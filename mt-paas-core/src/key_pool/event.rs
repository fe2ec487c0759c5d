//! What happens in a pool, as it happens.

use std::sync::Arc;

use super::change::Change;
use super::claim::{Claim, Generation, Ticket};
use super::health::Health;
use super::key::{Key, KeyId};
use super::moment::Moment;
use super::state::State;

/// Something that happened, with the store's time of it.
#[derive(Debug, Clone)]
pub struct PoolEvent {
    /// When.
    pub at: Moment,
    /// What.
    pub happened: Happened,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Happened {
    /// A key was added or changed.
    KeyChanged(Arc<Key>),
    /// A key was taken out.
    KeyRemoved(KeyId),
    /// A key's health changed.
    KeyHealth(KeyId, Health),
    /// Somebody waits.
    Waiting(Ticket, Arc<Claim>),
    /// Somebody waits no more, with nothing.
    Left(Ticket),
    /// A lease was granted, maybe to somebody who waited.
    Granted {
        /// Its number.
        lease: Generation,
        /// Who holds it and for what.
        claim: Arc<Claim>,
        /// Its key.
        key: Option<KeyId>,
        /// The place of the waiter.
        ticket: Option<Ticket>,
    },
    /// A lease was given back.
    Released(Generation),
    /// A lease ended because nobody renewed it.
    Expired(Generation),
}

impl PoolEvent {
    /// What a change means to somebody who looks on; `None` for what is of no interest.
    pub(crate) fn of(change: &Change, state: &State) -> Option<Self> {
        let happened = match change {
            Change::Key(key) => Happened::KeyChanged(key.clone()),
            Change::KeyRemoved(key) => Happened::KeyRemoved(*key),
            Change::Health { key, health } => Happened::KeyHealth(*key, *health),
            Change::Waits(waiter) => Happened::Waiting(waiter.ticket, waiter.claim.clone()),
            Change::Left(ticket) => Happened::Left(*ticket),
            Change::Granted(loan) => Happened::Granted {
                lease: loan.generation,
                claim: loan.claim.clone(),
                key: loan.key,
                ticket: loan.offered_to,
            },
            Change::Ended { lease, given_back: true } => Happened::Released(*lease),
            Change::Ended { lease, given_back: false } => Happened::Expired(*lease),
            Change::Resealed { .. }
            | Change::Renewed { .. }
            | Change::Charged { .. }
            | Change::Refunded(_)
            | Change::Silent(_)
            | Change::ClockStepped => return None,
        };
        Some(Self { at: state.now, happened })
    }
}
