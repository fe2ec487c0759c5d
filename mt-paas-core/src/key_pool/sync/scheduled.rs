//! The same under shuttle: its own primitives, and Tokio's with a point before each step at which shuttle may switch.

pub(crate) use shuttle::future::yield_now;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

pub(crate) mod oneshot;

/// A fault that a test has put in, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    Nothing,
    /// What was sent to somebody who left is not dropped.
    ValueKept,
    /// A call that comes while nobody listens is forgotten.
    CallForgotten,
}

thread_local! {
    pub(crate) static PLANTED: Cell<Planted> = const { Cell::new(Planted::Nothing) };
}

fn planted(fault: Planted) -> bool {
    PLANTED.get() == fault
}

/// Shuttle may switch here.
fn point() {
    shuttle::thread::sleep(Duration::ZERO);
}

pub(crate) fn spawn<F>(future: F)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    drop(shuttle::future::spawn(future));
}

#[derive(Debug, Default)]
pub(crate) struct Notify(tokio::sync::Notify);

impl Notify {
    pub(crate) fn notify_one(&self) {
        point();
        if planted(Planted::CallForgotten) {
            self.0.notify_waiters();
        } else {
            self.0.notify_one();
        }
    }

    pub(crate) async fn notified(&self) {
        point();
        self.0.notified().await;
    }
}

/// Time stands still: what is due is due at once, and nothing else ever is. So nobody is helped by a timer to whom a
/// call was lost.
const AT_ONCE: Duration = Duration::from_millis(5);

pub(crate) async fn sleep(pause: Duration) {
    if pause > AT_ONCE {
        std::future::pending::<()>().await;
    }
    yield_now().await;
}

pub(crate) async fn timeout<F: Future>(pause: Duration, future: F) -> Result<F::Output, ()> {
    let (mut future, mut sleep) = (pin!(future), pin!(sleep(pause)));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| Err(())),
    })
    .await
}
