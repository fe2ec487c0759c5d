//! A pool as a whole, to be kept and read again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::claim::{Generation, Loan, MemberId, Waiter};
use super::super::hold::HoldTimes;
use super::super::key::{Key, Provider};
use super::super::moment::Moment;
use super::super::select::KeyUse;
use super::super::window::Window;
use super::{Member, State};

/// The whole of a pool, as stores keep it from time to time instead of all the changes that led to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Whole {
    now: Moment,
    last_generation: u64,
    last_ticket: u64,
    last_key: u64,
    keys: Vec<WholeKey>,
    loans: Vec<Loan>,
    waiters: Vec<Waiter>,
    members: Vec<(MemberId, Member)>,
    holds: Vec<(Option<Provider>, HoldTimes)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WholeKey {
    key: Arc<Key>,
    lent: Generation,
    window: Window,
    days: Vec<(String, i64, u32)>,
}

impl State {
    /// Everything, to be kept.
    pub(crate) fn whole(&mut self) -> Whole {
        self.forget_members();
        let (now, today) = (self.now, self.now.day());
        let forget = |used: &mut KeyUse| {
            used.window.forget(now);
            used.days.retain(|(_, day, _)| *day >= today);
        };
        self.providers.values_mut().for_each(|stock| stock.change_all(forget));
        let keys = self.keys().map(|used| WholeKey {
            key: used.key.clone(),
            lent: used.lent,
            window: used.window.clone(),
            days: used.days.clone(),
        });
        Whole {
            now,
            last_generation: self.last_generation,
            last_ticket: self.last_ticket,
            last_key: self.last_key,
            keys: keys.collect(),
            loans: self.loans.values().map(|held| held.loan.clone()).collect(),
            waiters: self.queue.iter().cloned().collect(),
            members: self.members.iter().map(|(id, member)| (*id, *member)).collect(),
            holds: self.holds.iter().map(|(provider, times)| (provider.clone(), *times)).collect(),
        }
    }
}

impl State {
    /// Forgets processes that ended long ago: who says nothing, holds nothing and waits for nothing.
    fn forget_members(&mut self) {
        let holders = self.loans.values().map(|loan| loan.member);
        let here: BTreeSet<MemberId> = holders.chain(self.queue.members()).collect();
        let now = self.now;
        self.members.retain(|id, member| now.since(member.seen) < FORGOTTEN || here.contains(id));
    }
}

impl From<Whole> for State {
    fn from(whole: Whole) -> Self {
        let mut state = Self {
            now: whole.now,
            last_generation: whole.last_generation,
            last_ticket: whole.last_ticket,
            last_key: whole.last_key,
            members: whole.members.into_iter().collect(),
            holds: whole.holds.into_iter().collect(),
            unsettled: true,
            ..Self::default()
        };
        let mut usage = Vec::new();
        for WholeKey { key, lent, window, days } in whole.keys {
            usage.push((key.id, lent, window, days));
            state.put_key(key);
        }
        for loan in whole.loans {
            // What it was charged is in the windows already.
            state.occupy(Loan { charge: None, ..loan.clone() });
            if let Some(kept) = state.loans.get_mut(loan.generation) {
                kept.charge = loan.charge;
            }
        }
        for (key, lent, window, days) in usage {
            let _ = state.change_key(key, |used| (used.lent, used.window, used.days) = (lent, window, days));
        }
        for waiter in whole.waiters {
            state.queue.insert(waiter, &mut state.roster);
        }
        state
    }
}

/// After so long nobody asks any more whether a member's last batch arrived.
const FORGOTTEN: Duration = Duration::from_secs(3600);
