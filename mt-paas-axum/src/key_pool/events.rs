//! What happens in a pool, as it happens.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use mt_paas_core::ApiError;
use mt_paas_core::key_pool::{Claim, Happened, KeyPool, PoolError, PoolEvent, PoolView};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::keys::{KeyHealth, KeyInUse, PoolKey};
use super::leases::PoolLease;
use super::queue::PoolWaiter;
use super::refusals::Refusals;
use crate::error::Problem;
use crate::serve::Shutdown;

/// A connection says something this often, so that proxies keep it and a reader knows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What happens in the pool, as server-sent events.
///
/// The first is `snapshot` with keys, leases and queue; after it come `key_changed`, `key_removed`, `key_health`,
/// `waiting`, `left`, `granted`, `released` and `expired` without a gap. A reader that is too slow gets `lagged` with the
/// number of events that it missed, and a new snapshot. The last event is `shutdown`, or `unavailable` when the pool
/// cannot be looked at any more; who connects again begins with a snapshot.
#[utoipa::path(get, path = "/events", operation_id = "pool_events", tag = "Key pool", security(("adminKey" = [])),
    responses((status = 200, description = "A stream of events", body = String, content_type = "text/event-stream"),
        Refusals))]
pub(super) async fn stream(
    State(pool): State<KeyPool>,
    shutdown: Shutdown,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    Ok(live(pool, shutdown, HEARTBEAT).await?)
}

async fn live(
    pool: KeyPool,
    shutdown: Shutdown,
    heartbeat: Duration,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let (view, events) = pool.watch().await?;
    let reader = Reader { pool, shutdown, next: Next::Snapshot(view, events) };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.event().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(heartbeat).text("heartbeat")))
}

/// Somebody who looks on.
struct Reader {
    pool: KeyPool,
    shutdown: Shutdown,
    next: Next,
}

/// What a reader is told next.
enum Next {
    Snapshot(PoolView, Receiver<PoolEvent>),
    Events(Receiver<PoolEvent>),
    /// A snapshot, that has to be made first.
    Again,
    Nothing,
}

impl Reader {
    async fn event(&mut self) -> Option<Event> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Snapshot(view, events) => Some(self.snapshot(&view, events)),
            Next::Events(events) => self.happened(events).await,
            Next::Again => {
                let seen: Result<_, PoolError> = tokio::select! {
                    biased;
                    () = self.shutdown.requested() => return Some(said("shutdown", &json!({}))),
                    seen = self.pool.watch() => seen,
                };
                Some(match seen {
                    Ok((view, events)) => self.snapshot(&view, events),
                    Err(_) => said("unavailable", &json!({})),
                })
            }
            Next::Nothing => None,
        }
    }

    fn snapshot(&mut self, view: &PoolView, events: Receiver<PoolEvent>) -> Event {
        self.next = Next::Events(events);
        said("snapshot", &Snapshot::from(view))
    }

    async fn happened(&mut self, mut events: Receiver<PoolEvent>) -> Option<Event> {
        let happened = tokio::select! {
            biased;
            () = self.shutdown.requested() => return Some(said("shutdown", &json!({}))),
            happened = events.recv() => happened,
        };
        match happened {
            Ok(event) => {
                self.next = Next::Events(events);
                Some(told(&event))
            }
            Err(RecvError::Lagged(missed)) => {
                self.next = Next::Again;
                Some(said("lagged", &json!({ "missed": missed })))
            }
            Err(RecvError::Closed) => Some(said("unavailable", &json!({}))),
        }
    }
}

/// A pool at one moment.
#[derive(Serialize)]
struct Snapshot {
    now: chrono::DateTime<chrono::Utc>,
    keys: Vec<KeyInUse>,
    leases: Vec<PoolLease>,
    queue: Vec<PoolWaiter>,
}

impl From<&PoolView> for Snapshot {
    fn from(view: &PoolView) -> Self {
        Self {
            now: view.now.date(),
            keys: view.keys.iter().map(KeyInUse::from).collect(),
            leases: view.leases.iter().map(PoolLease::from).collect(),
            queue: view.queue.iter().map(PoolWaiter::from).collect(),
        }
    }
}

fn told(event: &PoolEvent) -> Event {
    let (name, mut data) = match &event.happened {
        Happened::KeyChanged(key) => ("key_changed", json!({ "key": PoolKey::from(&**key) })),
        Happened::KeyRemoved(key) => ("key_removed", json!({ "key_id": key })),
        Happened::KeyHealth(key, health) => {
            ("key_health", json!({ "key_id": key, "health": KeyHealth::from(*health) }))
        }
        Happened::Waiting(ticket, claim) => ("waiting", with(json!({ "ticket": ticket }), claim)),
        Happened::Left(ticket) => ("left", json!({ "ticket": ticket })),
        Happened::Granted { lease, claim, key, ticket } => {
            ("granted", with(json!({ "generation": lease, "key_id": key, "ticket": ticket }), claim))
        }
        Happened::Released(lease) => ("released", json!({ "generation": lease })),
        Happened::Expired(lease) => ("expired", json!({ "generation": lease })),
        _ => ("other", json!({})),
    };
    data["at"] = json!(event.at.date());
    said(name, &data)
}

/// Who wants what, beside the numbers.
fn with(mut data: Value, claim: &Claim) -> Value {
    data["provider"] = json!(claim.provider);
    data["tenant_id"] = json!(claim.tenant);
    data["user_id"] = json!(claim.user);
    data["model"] = json!(claim.model);
    data
}

fn said(name: &str, data: &impl Serialize) -> Event {
    // All of it is texts, numbers and maps with names, which have a JSON form.
    Event::default().event(name).json_data(data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http_body_util::BodyExt;
    use mt_paas_core::key_pool::PoolLimits;

    use super::*;

    #[tokio::test]
    async fn a_quiet_stream_gives_signs_of_life() {
        let pool = KeyPool::in_memory(PoolLimits::default());
        let live = live(pool, Shutdown::new(), Duration::from_millis(10)).await.unwrap();
        let mut body = live.into_response().into_body();
        let mut seen = String::new();
        while !seen.contains(": heartbeat\n") {
            let frame = body.frame().await.unwrap().unwrap();
            seen.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        assert!(seen.starts_with("event: snapshot\ndata: {"), "{seen}");
    }

    #[tokio::test]
    async fn a_slow_reader_learns_what_it_missed_and_sees_the_pool_again() {
        let pool = KeyPool::in_memory(PoolLimits::default());
        let live = live(pool.clone(), Shutdown::new(), HEARTBEAT).await.unwrap();
        let (tenant, user) = ("t".parse().unwrap(), "u".parse().unwrap());
        for _ in 0..1000 {
            drop(pool.acquire_place(&tenant, &user, &Default::default()).await.unwrap());
        }
        let mut body = live.into_response().into_body();
        let mut names = Vec::new();
        for _ in 0..3 {
            let frame = body.frame().await.unwrap().unwrap();
            let text = std::str::from_utf8(frame.data_ref().unwrap()).unwrap().to_owned();
            names.push(text.lines().next().unwrap().to_owned());
            assert!(!text.starts_with("event: lagged") || text.contains(r#"{"missed":976}"#), "{text}");
        }
        assert_eq!(names, ["event: snapshot", "event: lagged", "event: snapshot"]);
    }
}
