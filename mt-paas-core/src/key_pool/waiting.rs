//! A place in the queue.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::claim::Ticket;
use super::desk::{Delivered, Desk};
use super::error::PoolError;
use super::estimate::GOOD_FOR_NEWCOMERS;
use super::sync::{AtomicU64, oneshot, timeout};
use super::view::Standing;

/// A place in the queue, given up when it is dropped.
pub(crate) struct Waiting {
    desk: Arc<Desk>,
    /// The pool may give it another one.
    ticket: Arc<AtomicU64>,
    gets: oneshot::Receiver<Delivered>,
    over: bool,
}

impl Waiting {
    pub(crate) fn new(desk: Arc<Desk>, ticket: Arc<AtomicU64>, gets: oneshot::Receiver<Delivered>) -> Self {
        Self { desk, ticket, gets, over: false }
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.ticket.load(Ordering::Relaxed))
    }

    /// Waits for what was asked for, as long as the caller said.
    pub(crate) async fn wait(&mut self) -> Result<Delivered, PoolError> {
        let got = (&mut self.gets).await;
        match got {
            Ok(Delivered::Late(why)) => {
                self.over = true;
                Err(why)
            }
            Ok(delivered) => {
                self.over = true;
                Ok(delivered)
            }
            Err(_) => Err(PoolError::Closed),
        }
    }
}

/// Somebody who waits is told how it stands this often.
const TELL: Duration = Duration::from_millis(500);
/// And once this soon, when the first word could not say how long.
const TELL_SOON: Duration = GOOD_FOR_NEWCOMERS.saturating_mul(2);

impl Waiting {
    /// As [`wait`](Self::wait), and says how it stands meanwhile.
    pub(crate) async fn wait_and_tell(
        &mut self,
        tell: &(dyn Fn(Standing) + Send + Sync),
    ) -> Result<Delivered, PoolError> {
        let mut soon = Some(TELL_SOON);
        loop {
            let standing = self.desk.standing(self.ticket());
            standing.into_iter().for_each(tell);
            let says_nothing = standing.is_none_or(|standing| standing.estimate.is_none());
            let pause = soon.take().filter(|_| says_nothing).unwrap_or(TELL);
            if let Ok(got) = timeout(pause, self.wait()).await {
                return got;
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            // First of all, so that whoever is about to give it another place finds that it left.
            self.gets.close();
            self.desk.leave_place(&self.ticket);
        }
    }
}
