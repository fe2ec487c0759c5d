//! A worker process: it calls as its judge orders.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, PoolError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::caller::{Caller, tenant};
use super::error::{BenchError, told};
use super::line::Line;
use super::place::provider;
use super::plant::LastFirst;
use super::wire::{Briefing, Order, Report};

/// Runs a worker process of a bench. It ends when its judge is gone.
///
/// # Errors
///
/// [`BenchError::Message`] when its standard input holds no briefing, [`BenchError::Io`] when it cannot be read or the
/// judge cannot be reached.
pub async fn work() -> Result<(), BenchError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let briefing: Briefing = serde_json::from_str(&line)?;
    let (line, mut orders) = Line::to(briefing.judge).await?;
    line.say(Report::Hello { token: briefing.token.clone(), worker: briefing.worker });
    let pool = match briefing.bench.pool().await {
        Ok(pool) => pool,
        Err(error) => {
            line.report(Report::Broken { why: told(&*error) }).await;
            return Ok(());
        }
    };
    line.say(Report::Done);
    let place = Arc::new(Workplace { briefing, line, pool, last_first: LastFirst::default() });
    let mut callers = JoinSet::new();
    let rests = watch::Sender::new(false);
    let mut counted = Vec::<Lease>::new();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Heard(_) => {}
            Order::Prepare => place.line.say(match place.briefing.bench.prepare(&place.pool).await {
                Ok(()) => Report::Done,
                Err(error) => Report::Broken { why: told(&*error) },
            }),
            Order::Call => {
                let Briefing { bench, slot, .. } = &place.briefing;
                for number in bench.callers_of(*slot) {
                    callers.spawn(Caller::new(place.clone(), number).call(rests.subscribe()));
                }
            }
            Order::Rest => {
                rests.send_replace(true);
                while callers.join_next().await.is_some() {}
                for lease in counted.drain(..) {
                    // What cannot be given back ends by itself.
                    drop(lease.settle().await);
                }
                place.line.say(Report::Done);
            }
            Order::Count => place.line.say(match place.count(&mut counted).await {
                Ok(beyond) => Report::Counted { free: u32::try_from(counted.len()).unwrap_or(u32::MAX), beyond },
                Err(error) => Report::Broken { why: told(&error) },
            }),
        }
    }
    Ok(())
}

/// What the callers of a process share.
pub(super) struct Workplace {
    pub(super) briefing: Briefing,
    pub(super) line: Line,
    pub(super) pool: KeyPool,
    pub(super) last_first: LastFirst,
}

impl Workplace {
    /// Takes every lease there is to have without waiting, and tries whether there is one too many.
    async fn count(&self, taken: &mut Vec<Lease>) -> Result<bool, PoolError> {
        // No request is charged, because those of the last minute may be all there are.
        let (patience, ttl) = (Duration::ZERO, self.briefing.bench.ttl);
        let options = AcquireOptions { patience, ttl, units: 0, ..AcquireOptions::default() };
        for number in 0..=self.briefing.bench.capacity() {
            let user = format!("counter-{number}").parse().expect("it is a legal id");
            match self.pool.acquire(&provider(), &tenant(), &user, &options).await {
                Ok(_) if number == self.briefing.bench.capacity() => return Ok(true),
                Ok(lease) => taken.push(lease),
                Err(PoolError::Busy { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}
