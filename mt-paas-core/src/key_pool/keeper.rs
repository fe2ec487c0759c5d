//! The task behind the desk of a pool in memory: it renews leases and does what time makes due.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::desk::{Desk, Place};
use super::moment::Moment;

/// Looks again at the latest after this long while anything is lent or waited for.
const LOOK: Duration = Duration::from_millis(250);

/// Runs until the desk is gone.
pub(crate) async fn keep(desk: Weak<Desk>, work: Arc<Notify>) {
    // Nothing holds the desk while the task sleeps, so that the last lease or handle takes it away.
    while let Some(pause) = desk.upgrade().map(|desk| look(&desk)) {
        match pause {
            Some(pause) => drop(tokio::time::timeout(pause, work.notified()).await),
            None => work.notified().await,
        }
    }
}

/// Does what is due and says when to come again; `None`: when called.
fn look(desk: &Arc<Desk>) -> Option<Duration> {
    let Place::Memory(clock) = &desk.place else { return None };
    let now: Moment = clock.now().into();
    let (outgoing, pause) = {
        let mut inner = desk.inner();
        // First of all: whoever holds a lease in this process is alive.
        inner.renew_due(desk.member, now);
        inner.engine.advance(now);
        let deliveries = inner.take_up();
        let outgoing = desk.finish(&mut inner, Vec::new(), deliveries);
        let due = [inner.engine.next_due(), inner.next_renewal(desk.member)].into_iter().flatten().min();
        let busy = !inner.engine.state.queue.is_empty() || !inner.engine.state.loans.is_empty();
        let pause = due.map(|due| due.since(now).clamp(Duration::from_millis(1), LOOK)).or(busy.then_some(LOOK));
        inner.alarm = pause.map(|pause| now + pause);
        (outgoing, pause)
    };
    outgoing.send();
    desk.tell_losses();
    pause
}
