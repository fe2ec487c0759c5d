//! A reference service of the Standard API, in memory, and the faults that can be planted in it.
//!
//! The tester is examined against it: it must find nothing in the plain service and something in every faulty one.
//! It reads the contract a second time and on purpose shares no code with the SDK, so that a misunderstanding on
//! one side shows up as a quarrel between the two.

mod alias;
mod call;
mod catalog;
mod clock;
mod dashboard;
mod door;
mod faults;
mod fields;
mod history;
mod json;
mod key;
mod ledger;
mod lifecycle;
mod page;
mod pretence;
mod replay;
mod reply;
mod resources;
mod rivalry;
mod routes;
mod settings;
mod usage;
mod users;
mod walk;
mod webhook;
mod world;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use self::faults::{FAULTS, Fault, Planted};
use self::world::House;

/// The market key of every reference service.
pub(crate) const KEY: &str = "mk_Reference_7f3a91c4";
/// A second key, equally valid.
pub(crate) const SECOND_KEY: &str = "mk_Reserve_20be55d8";

/// How far the old paths have been withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Old and new paths side by side, nothing said.
    Parallel,
    /// The old paths work and say that they will go.
    Deprecated,
    /// The old paths answer 410.
    Removed,
}

/// A running reference service; it ends when this is dropped.
pub(crate) struct Service {
    /// `http://127.0.0.1:port`, no slash at the end.
    pub(crate) url: String,
    /// A valid market key.
    pub(crate) key: String,
    /// Another valid market key.
    pub(crate) second_key: String,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the service on a free loopback port, old paths in the first phase.
pub(crate) async fn spawn(fault: Option<Fault>) -> Service {
    spawn_in(Phase::Parallel, fault).await
}

/// The same with the old paths in the given phase.
pub(crate) async fn spawn_in(phase: Phase, faults: impl IntoIterator<Item = Fault>) -> Service {
    let faults: Vec<Fault> = faults.into_iter().collect();
    listening("", |listener| async move { serve_in(listener, phase, &faults).await }).await
}

/// The sound service below a path, with something else that feels well beside it.
pub(crate) async fn spawn_below(path: &'static str) -> Service {
    let app = |listener: TcpListener| async move {
        let health = async || axum::Json(serde_json::json!({"status": "healthy", "version": "0.0.1"}));
        let outside = axum::Router::new().route("/mt/health", axum::routing::get(health));
        let app = outside.nest(path, router(&listener, Phase::Parallel, &[]));
        axum::serve(listener, app).await.expect("the listener stays open");
    };
    listening(path, app).await
}

async fn listening<S: Future<Output = ()> + Send + 'static>(
    path: &str,
    serve: impl FnOnce(TcpListener) -> S,
) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let url = format!("http://{}{path}", listener.local_addr().expect("a bound listener has an address"));
    Service { url, key: KEY.into(), second_key: SECOND_KEY.into(), task: tokio::spawn(serve(listener)) }
}

/// Serves until the future is dropped, old paths in the first phase.
pub(crate) async fn serve(listener: TcpListener, faults: &[Fault]) {
    serve_in(listener, Phase::Parallel, faults).await;
}

async fn serve_in(listener: TcpListener, phase: Phase, faults: &[Fault]) {
    let app = router(&listener, phase, faults);
    axum::serve(listener, app).await.expect("the listener stays open");
}

fn router(listener: &TcpListener, phase: Phase, faults: &[Fault]) -> axum::Router {
    let address = listener.local_addr().expect("a bound listener has an address");
    let house = Arc::new(House::new(format!("http://{address}"), phase, faults));
    axum::Router::new().fallback(door::enter).with_state(house)
}
