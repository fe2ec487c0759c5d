//! The same operations on two sides.

use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::Secret;
use mt_paas_core::key_pool::{NewKey, TenantScope, Verdict};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::super::lender::Lender;
use super::super::wish::{LONG, Wish, key, named, tenant};
use super::side::Side;
use crate::stores::Violation;
use crate::stores::violation::same;

/// A pool in memory and one that processes share.
pub(super) struct Pair {
    sides: [Side; 2],
    random: StdRng,
    /// The number of the next caller. Its lease lives so many seconds longer, by which it is known in the pool.
    next: u64,
}

/// Does the same on both sides and demands the same answer.
macro_rules! both {
    ($pair:expr, $what:expr, |$side:ident| $operation:expr) => {{
        let [alone, shared] = &mut $pair.sides;
        let expected = {
            let $side = alone;
            $operation
        };
        let found = {
            let $side = shared;
            $operation
        };
        same!(found, expected, "{}", $what);
    }};
}

impl Pair {
    pub(super) fn new(alone: [Arc<dyn Lender>; 3], shared: [Arc<dyn Lender>; 3], seed: u64) -> Self {
        Self { sides: [Side::new(alone), Side::new(shared)], random: StdRng::seed_from_u64(seed), next: 0 }
    }

    /// One operation, and what everybody has and knows after it.
    pub(super) async fn step(&mut self) -> Result<(), Violation> {
        let what = self.operate().await?;
        let by = self.random.random_range(0..3);
        let began = tokio::time::Instant::now();
        loop {
            let [alone, shared] = &mut self.sides;
            let (expected, found) = (alone.picture(by).await?, shared.picture(by).await?);
            if expected == found {
                return Ok(());
            }
            if began.elapsed() > LONG / 2 {
                return Err(Violation::new(format!("after {what}: expected\n{expected}\nfound\n{found}")));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn operate(&mut self) -> Result<String, Violation> {
        let by = self.random.random_range(0..3);
        Ok(match self.random.random_range(0..22) {
            0..=2 => self.put_key(by).await?,
            3 => self.edit_key(by).await?,
            4..=7 => {
                let (caller, wish) = self.wish();
                both!(self, format!("asking {wish:?}"), |side| side.ask(caller, &wish, by).await);
                format!("asking {wish:?}")
            }
            8..=13 => {
                let (caller, wish) = self.wish();
                both!(self, format!("waiting for {wish:?}"), |side| side.wait(caller, &wish, by).await?);
                format!("waiting for {wish:?}")
            }
            14..=16 => match self.holder() {
                Some(caller) => {
                    both!(self, "giving back", |side| side.settle(caller).await?);
                    format!("giving back {caller}")
                }
                None => "nothing".to_owned(),
            },
            17 => match self.holder() {
                Some(caller) => {
                    both!(self, "a drop", |side| side.drop(caller).await?);
                    format!("dropping {caller}")
                }
                None => "nothing".to_owned(),
            },
            18..=19 => match self.holder() {
                Some(caller) => {
                    let (units, waits) = (self.random.random_range(0..5), self.random.random_bool(0.5));
                    both!(self, "a charge", |side| side.charge(caller, units, waits).await?);
                    format!("charging {units} for {caller}")
                }
                None => "nothing".to_owned(),
            },
            20 => match self.holder() {
                Some(caller) => {
                    let status = [200, 401, 402, 429, 429, 500][self.random.random_range(0..6)];
                    let verdict = Verdict::of_status(status, Some(Duration::from_secs(3)));
                    both!(self, "a report", |side| side.report(caller, verdict).await);
                    format!("a report of {status} by {caller}")
                }
                None => "nothing".to_owned(),
            },
            _ => match self.waiter() {
                Some(caller) => {
                    both!(self, "giving up", |side| side.give_up(caller).await?);
                    format!("{caller} giving up")
                }
                None => "nothing".to_owned(),
            },
        })
    }

    fn wish(&mut self) -> (u64, Wish) {
        self.next += 1;
        let random = &mut self.random;
        let wish = Wish::of(["u0", "u1", "u2", "u3", "u4"][random.random_range(0..5)])
            .tenant(["school", "lab"][random.random_range(0..2)])
            .units(random.random_range(0..5))
            .ttl(Side::life(self.next));
        let wish = if random.random_bool(0.3) { wish.model("gpt") } else { wish };
        let wish = match random.random_range(0..10) {
            0 => wish.place(),
            1..=3 => wish.provider("kling"),
            _ => wish,
        };
        (self.next, wish)
    }

    async fn put_key(&mut self, by: usize) -> Result<String, Violation> {
        let random = &mut self.random;
        let spec = NewKey {
            provider: named(["openai", "openai", "kling"][random.random_range(0..3)]),
            requests_per_minute: random.random_bool(0.4).then(|| random.random_range(2..30)),
            requests_per_day: if random.random_bool(0.3) { [("gpt".to_owned(), 6)].into() } else { [].into() },
            scope: if random.random_bool(0.3) { TenantScope::Only([tenant("lab")].into()) } else { TenantScope::All },
            priority: random.random_range(0..3),
            active: random.random_bool(0.9),
            payload: Secret::new(json!(random.random_range(0..2))),
            ..key(["a", "b", "c"][random.random_range(0..3)], random.random_range(1..4))
        };
        both!(self, format!("putting {spec:?}"), |side| side.text(side.pool(by).put_key(spec.clone()).await));
        Ok(format!("putting {spec:?}"))
    }

    async fn edit_key(&mut self, by: usize) -> Result<String, Violation> {
        let (number, what) = (self.random.random_range(1..9), self.random.random_range(0..4));
        let key = mt_paas_core::key_pool::KeyId(number);
        both!(self, format!("edit {what} of key {key}"), |side| {
            let pool = side.pool(by);
            side.text(match what {
                0 => pool.remove_key(key).await,
                1 => pool.set_key_active(key, true).await,
                2 => pool.set_key_active(key, false).await,
                _ => pool.release_key(key).await,
            })
        });
        Ok(format!("edit {what} of key {key}"))
    }

    fn holder(&mut self) -> Option<u64> {
        let holders = self.sides[0].holders();
        (!holders.is_empty()).then(|| holders[self.random.random_range(0..holders.len())])
    }

    fn waiter(&mut self) -> Option<u64> {
        let waiters = self.sides[0].waiters();
        (!waiters.is_empty()).then(|| waiters[self.random.random_range(0..waiters.len())])
    }
}
