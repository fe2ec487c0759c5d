//! An HTTP/1.1 server that stays up among bad clients and goes down in good order.
//!
//! The server that comes with axum waits for ever for a request that never ends. This one has a time limit for every
//! wait, a limit of connections, refuses requests whose meaning is open to doubt, and drains with a deadline.
//! There is no TLS, no HTTP/2 and no `Upgrade`: those belong to the proxy in front.

mod connection;
mod framing;
mod options;
mod shutdown;
mod stream;
mod strict;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use options::ServeOptions;
pub use shutdown::{Shutdown, terminated};

use connection::Connections;
use shutdown::terminated_again;

/// How long to wait after `accept` has failed, most often for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(50);

/// How long tasks that were ended by force may take to put things away.
const AFTER_ABORT: Duration = Duration::from_millis(250);

/// Serves `router` on `listener` until `shutdown` resolves, and then until what is running has ended.
///
/// Handlers find the peer's address as `ConnectInfo<SocketAddr>` and the beginning of the end as [`Shutdown`].
/// Requests that are refused before routing get 400 with the contract's envelope; what the parser refuses is an empty
/// 4xx; the connection is closed after both (section 1 of the contract).
///
/// When `shutdown` resolves the listener and all idle connections are closed, running requests finish, and after
/// [`ServeOptions::drain_deadline`] the rest is ended by force. If `shutdown` is [`terminated`], a second signal ends
/// the drain at once.
///
/// How many new connections the kernel queues while the server is full is a matter of the listener
/// ([`TcpSocket::listen`](tokio::net::TcpSocket::listen)).
///
/// # Errors
///
/// [`io::ErrorKind::Interrupted`] if a second signal cut the drain short: `main` passes it on and so exits with a failure.
/// A failing `accept` is no error; it is tried again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let ending = Shutdown::new();
    let connections = Arc::new(Connections::new(router, options, ending.clone()));
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        while open.try_join_next().is_some() {}
        let room = open.len() < options.max_connections.max(1);
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = open.join_next(), if !room => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, peer)) => {
                    open.spawn(connections.clone().run(stream, peer));
                }
                Err(error) if is_about_one_peer(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, open = open.len(), "cannot accept connections");
                    sleep(BACK_OFF).await;
                }
            },
        }
    }
    drop(listener);
    ending.begin();
    drain(open, options.drain_deadline).await
}

/// Waits for the open connections to end, up to the deadline or a signal, and ends the rest.
async fn drain(mut open: JoinSet<()>, deadline: Duration) -> io::Result<()> {
    tracing::info!(open = open.len(), ?deadline, "shutting down");
    let cut_short = tokio::select! {
        biased;
        () = all_ended(&mut open) => return Ok(()),
        () = sleep(deadline) => false,
        () = terminated_again() => true,
    };
    tracing::warn!(open = open.len(), "connections are ended by force");
    open.abort_all();
    // A handler that blocks its thread cannot be ended; it must not keep the process either.
    let _ = timeout(AFTER_ABORT, all_ended(&mut open)).await;
    if cut_short {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "a second signal cut the shutdown short"));
    }
    Ok(())
}

async fn all_ended(open: &mut JoinSet<()>) {
    while open.join_next().await.is_some() {}
}

/// The peer was gone before it was accepted; the next one is as good as ever.
fn is_about_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
