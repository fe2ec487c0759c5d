//! One side of a comparison: pools, and the callers that hold or want something of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{Claim, KeyPool, PoolError, PoolView, Verdict};
use tokio::task::JoinHandle;

use super::super::busy::name;
use super::super::lender::{Lender, Lent};
use super::super::wish::{LONG, Waiting, Wish, until, view};
use crate::stores::Violation;

pub(super) struct Side {
    pools: [Arc<dyn Lender>; 3],
    held: BTreeMap<u64, Arc<Box<dyn Lent>>>,
    waiting: BTreeMap<u64, Waiting>,
    charging: BTreeMap<u64, JoinHandle<Result<(), PoolError>>>,
    /// What waiting came to, when it was not a lease.
    told: Vec<String>,
}

/// Lives of leases are told apart by their seconds beyond this.
const LIFE: u64 = 10_000;

impl Side {
    pub(super) fn new(pools: [Arc<dyn Lender>; 3]) -> Self {
        let (held, waiting, charging) = Default::default();
        Self { pools, held, waiting, charging, told: Vec::new() }
    }

    /// How long the leases of a caller live.
    pub(super) fn life(caller: u64) -> Duration {
        Duration::from_secs(LIFE + caller)
    }

    pub(super) fn pool(&self, by: usize) -> &KeyPool {
        self.pools[by].pool()
    }

    pub(super) fn text<T>(&self, got: Result<T, PoolError>) -> String {
        got.map_or_else(|error| error.to_string(), |_| "done".to_owned())
    }

    /// Who holds a lease and does not wait for a charge.
    pub(super) fn holders(&self) -> Vec<u64> {
        self.held.keys().copied().filter(|caller| !self.charging.contains_key(caller)).collect()
    }

    /// Who waits for anything.
    pub(super) fn waiters(&self) -> Vec<u64> {
        self.waiting.keys().chain(self.charging.keys()).copied().collect()
    }

    pub(super) async fn ask(&mut self, caller: u64, wish: &Wish, by: usize) -> String {
        let got = wish.ask(&self.pools[by]).await;
        self.take(caller, got)
    }

    fn take(&mut self, caller: u64, got: Result<Box<dyn Lent>, PoolError>) -> String {
        match got {
            Ok(lent) => {
                let text = format!("{} of lease {}", name(&*lent), lent.lease().generation());
                self.held.insert(caller, Arc::new(lent));
                text
            }
            Err(error) => error.to_string(),
        }
    }

    pub(super) async fn wait(&mut self, caller: u64, wish: &Wish, by: usize) -> Result<(), Violation> {
        let waiting = wish.start(&self.pools[by]);
        until(&self.pools[by], "an answer", |view| waiting.is_over() || is_known(view, caller)).await?;
        self.waiting.insert(caller, waiting);
        Ok(())
    }

    pub(super) async fn settle(&mut self, caller: u64) -> Result<String, Violation> {
        let held = self.held.remove(&caller).and_then(Arc::into_inner);
        let lent = held.ok_or_else(|| Violation::new("nobody has the lease"))?;
        Ok(self.text(lent.settle().await))
    }

    pub(super) async fn drop(&mut self, caller: u64) -> Result<(), Violation> {
        drop(self.held.remove(&caller));
        until(&self.pools[0], "an end of a lease", |view| !is_known(view, caller)).await.map(drop)
    }

    pub(super) async fn charge(&mut self, caller: u64, units: u32, waits: bool) -> Result<String, Violation> {
        let lent = self.held.get(&caller).ok_or_else(|| Violation::new("nobody has the lease"))?.clone();
        if !waits {
            return Ok(self.text(lent.charge(units, Duration::ZERO).await));
        }
        let charging = tokio::spawn(async move { lent.charge(units, LONG * 4).await });
        until(&self.pools[0], "an answer", |view| charging.is_finished() || waits_in(view, caller)).await?;
        self.charging.insert(caller, charging);
        Ok(String::new())
    }

    pub(super) async fn report(&mut self, caller: u64, verdict: Verdict) -> String {
        match self.held.get(&caller) {
            Some(lent) => self.text(lent.report(verdict).await),
            None => "nobody has the lease".to_owned(),
        }
    }

    pub(super) async fn give_up(&mut self, caller: u64) -> Result<(), Violation> {
        if let Some(charging) = self.charging.remove(&caller) {
            charging.abort();
            // The task had its hand on the lease.
            drop(charging.await);
        }
        drop(self.waiting.remove(&caller));
        until(&self.pools[0], "an end of waiting", |view| !waits_in(view, caller)).await.map(drop)
    }

    /// Everything that can be seen, through one of the pools.
    pub(super) async fn picture(&mut self, by: usize) -> Result<String, Violation> {
        self.harvest().await?;
        let view = view(&self.pools[by]).await?;
        let mut text = String::new();
        for used in &view.keys {
            let (key, held, minute, today) = (&used.key, used.held, used.requests_this_minute, &used.requests_today);
            let (id, spec, health) = (key.id, &key.spec, key.health);
            let day: Vec<_> = today.iter().filter(|(_, count)| *count > 0).collect();
            writeln!(text, "key {id} {spec:?}: {health:?}, {held} run, {minute} a minute, {day:?} today")?;
        }
        for lease in &view.leases {
            writeln!(text, "lease {} of {}: key {:?}", lease.generation, number(&lease.claim), lease.key)?;
        }
        for waiter in &view.queue {
            let (ticket, standing) = (waiter.ticket, waiter.standing);
            let at = (standing.position, standing.reason);
            writeln!(text, "{ticket:?} of {}: {at:?}, charges {:?}", number(&waiter.claim), waiter.charges)?;
        }
        let held: Vec<_> =
            self.held.iter().map(|(caller, lent)| (caller, lent.lease().generation(), name(&***lent))).collect();
        let (waiting, charging): (Vec<_>, Vec<_>) = (self.waiting.keys().collect(), self.charging.keys().collect());
        write!(text, "held {held:?}, waiting {waiting:?}, charging {charging:?}, told {:?}", self.told)?;
        Ok(text)
    }

    /// Takes what those who waited got.
    async fn harvest(&mut self) -> Result<(), Violation> {
        let over: Vec<u64> =
            self.waiting.iter().filter(|(_, waiting)| waiting.is_over()).map(|(caller, _)| *caller).collect();
        for caller in over {
            if let Some(mut waiting) = self.waiting.remove(&caller) {
                let got = (&mut waiting.0).await?;
                let text = self.take(caller, got);
                self.told.push(format!("{caller}: {text}"));
            }
        }
        let over: Vec<u64> =
            self.charging.iter().filter(|(_, charging)| charging.is_finished()).map(|(caller, _)| *caller).collect();
        for caller in over {
            if let Some(charging) = self.charging.remove(&caller) {
                let text = self.text(charging.await?);
                self.told.push(format!("{caller}: {text}"));
            }
        }
        // Those who are served at once come in any order.
        self.told.sort_unstable();
        Ok(())
    }
}

fn number(claim: &Claim) -> u64 {
    claim.ttl.as_secs() - LIFE
}

fn is_known(view: &PoolView, caller: u64) -> bool {
    waits_in(view, caller) || view.leases.iter().any(|lease| number(&lease.claim) == caller)
}

fn waits_in(view: &PoolView, caller: u64) -> bool {
    view.queue.iter().any(|waiter| number(&waiter.claim) == caller)
}
