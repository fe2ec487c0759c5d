//! The task behind the desk of a pool in memory: it renews leases and does what time makes due.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::sync::{Notify, timeout};

/// Looks again at the latest after this long while anything is lent or waited for.
const LOOK: Duration = Duration::from_millis(250);

/// Runs until the desk is gone.
pub(crate) async fn keep(desk: Weak<Desk>, work: Arc<Notify>) {
    // Nothing holds the desk while the task sleeps, so that the last lease or handle takes it away.
    while let Some(pause) = desk.upgrade().map(|desk| look(&desk)) {
        match pause {
            Some(pause) => drop(timeout(pause, work.notified()).await),
            None => work.notified().await,
        }
    }
}

/// Does what is due and says when to come again; `None`: when called.
fn look(desk: &Arc<Desk>) -> Option<Duration> {
    let (outgoing, pause) = {
        let mut inner = desk.inner();
        let now = desk.memory_now()?;
        // First of all: whoever holds a lease in this process is alive.
        drop(inner.renew_due(desk.member, now));
        inner.engine.advance(now);
        let late = inner.end_patience();
        let deliveries = inner.take_up();
        let mut outgoing = desk.finish(&mut inner, Vec::new(), deliveries);
        inner.answer_late(late, &mut outgoing);
        let due = [inner.engine.next_due(), inner.next_renewal(desk.member)].into_iter().flatten().min();
        let due = due.map(|due| due.since(now).max(Duration::from_millis(1)));
        let patience = inner.next_deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let busy = !inner.engine.state.queue.is_empty() || !inner.engine.state.loans.is_empty();
        let pause = [due, patience, busy.then_some(LOOK)].into_iter().flatten().min();
        inner.alarm = pause.map(|pause| Instant::now() + pause);
        (outgoing, pause)
    };
    outgoing.send();
    desk.tell_losses();
    pause
}
