//! How the end is ordered and announced.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use http::request::Parts;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells a handler that the server is going down, so that a stream of events can say good-bye and end.
///
/// An extractor. Under another server than [`serve`](super::serve()) the end is never announced.
#[derive(Debug, Clone)]
pub struct Shutdown(
    // Every request takes a clone; those of the token itself would meet at one lock.
    Arc<CancellationToken>,
);

impl Shutdown {
    /// Resolves when the shutdown has begun; the drain deadline runs from then on.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Whether the shutdown has begun.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) fn new() -> Self {
        Self(Arc::new(CancellationToken::new()))
    }

    pub(super) fn begin(&self) {
        self.0.cancel();
    }
}

impl<S: Sync> FromRequestParts<S> for Shutdown {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::new))
    }
}

/// Resolves when the process is told to end: SIGTERM, or SIGINT from a terminal. Signals from before the first poll do
/// not count.
pub async fn terminated() {
    LISTENING.store(true, Ordering::Relaxed);
    tokio::select! {
        () = received(SignalKind::terminate()) => {}
        () = received(SignalKind::interrupt()) => {}
    }
}

/// Whether this process listens for signals; from then on they no longer end it by themselves.
static LISTENING: AtomicBool = AtomicBool::new(false);

/// Resolves at a signal during the drain. A process that does not listen is left to the system, which ends it.
pub(super) async fn terminated_again() {
    if LISTENING.load(Ordering::Relaxed) {
        terminated().await;
    } else {
        std::future::pending::<()>().await;
    }
}

async fn received(kind: SignalKind) {
    match signal(kind).as_mut().map(Signal::recv) {
        Ok(signal) => {
            signal.await;
        }
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals");
            std::future::pending::<()>().await;
        }
    }
}
