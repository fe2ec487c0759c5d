//! Keys that open no door.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderName, Request};
use mt_paas_core::audit::{Action, ActorKind, AuditEvent, AuditStore};
use mt_paas_core::clock::{Clock, SystemClock};
use mt_paas_core::redact::Redactor;

use super::layer::context;

/// How many refusals from one address are written one by one in a minute.
const ROWS: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// How many addresses are told apart.
const ADDRESSES: usize = 1024;

/// Writes down requests that came without a valid key. From one address (of IPv6: one network of 64 bits) the first ten of
/// a minute have entries of their own, and the others one together, with their number: whoever has no key must not be able
/// to fill the disk.
#[derive(Clone)]
pub struct Refusals(Arc<Shared>);

struct Shared {
    store: Arc<dyn AuditStore>,
    clock: Arc<dyn Clock>,
    action: Action,
    /// The first refusals of each are written one by one, the rest of them is summed up at its end.
    minute: Duration,
    windows: Mutex<HashMap<Source, Window>>,
}

/// Whom a refusal is counted to. `None`: an unknown address, and all addresses beyond those that are told apart.
type Source = Option<IpAddr>;

#[derive(Clone, Copy)]
struct Window {
    began: Instant,
    rows: u32,
    more: u64,
}

/// What is done with a refusal.
enum Place {
    Row,
    First(Duration),
    Counted,
}

impl Refusals {
    /// Writes them as `action` into `store`.
    pub fn new(store: Arc<dyn AuditStore>, action: Action) -> Self {
        Self::each(MINUTE, store, action)
    }

    fn each(minute: Duration, store: Arc<dyn AuditStore>, action: Action) -> Self {
        Self(Arc::new(Shared { store, clock: Arc::new(SystemClock), action, minute, windows: Mutex::default() }))
    }

    /// What is to be written about a request whose key in `header` was refused; `None` if that is summed up later.
    pub(crate) fn note<B>(&self, request: &Request<B>, header: &HeaderName) -> Option<Note> {
        // Nobody is behind a key that is none.
        let event = context(request, ActorKind::Anonymous).event(self.0.action.clone(), self.0.clock.now());
        let sent = request.headers().get_all(header).iter().count();
        let reason = ["no_key", "wrong_key"].get(sent).copied().unwrap_or("several_keys");
        let event = event
            .with(mt_paas_core::audit::Outcome::Refused, reason)
            .detail("method", request.method().as_str())
            .detail("path", Redactor::installed().url(request.uri().path()));
        self.note_of(event)
    }

    /// The same for a refusal that is told of in other words.
    pub(crate) fn note_of(&self, event: AuditEvent) -> Option<Note> {
        let (source, place) = self.0.place(event.address);
        match place {
            Place::Row => Some(Note { refusals: self.clone(), event }),
            Place::First(rest) => {
                let refusals = self.0.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(rest).await;
                    refusals.sum_up(source, event).await;
                });
                None
            }
            Place::Counted => None,
        }
    }
}

/// A refusal that is to be written.
pub(crate) struct Note {
    refusals: Refusals,
    event: AuditEvent,
}

impl Note {
    /// Writes it, before the caller is told.
    pub(crate) async fn write(self) {
        self.refusals.0.write(self.event).await;
    }
}

impl Shared {
    fn place(&self, address: Option<IpAddr>) -> (Source, Place) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let old = |window: &Window| now - window.began >= self.minute;
        let mut source = address.map(network);
        if !windows.contains_key(&source) && windows.len() >= ADDRESSES {
            // One with a sum ahead stays until that is written.
            windows.retain(|_, window| !old(window) || window.more > 0);
            if windows.len() >= ADDRESSES {
                source = None;
            }
        }
        let fresh = Window { began: now, rows: 0, more: 0 };
        let window = windows.entry(source).or_insert(fresh);
        if old(window) && window.more == 0 {
            *window = fresh;
        }
        let place = if window.rows < ROWS && window.more == 0 {
            window.rows += 1;
            Place::Row
        } else {
            window.more += 1;
            let rest = (window.began + self.minute).saturating_duration_since(now);
            if window.more == 1 { Place::First(rest) } else { Place::Counted }
        };
        (source, place)
    }

    /// Writes how many there were beyond those with entries of their own.
    async fn sum_up(&self, source: Source, event: AuditEvent) {
        let window = self.windows.lock().unwrap_or_else(PoisonError::into_inner).remove(&source);
        let more = window.map_or(0, |window| window.more);
        let mut event = event.later(self.clock.now()).detail("more", more.to_string());
        // They may have come by different ways.
        event.details.retain(|name, _| name.as_str() == "more");
        (event.request_id, event.reason) = (None, Some("many".into()));
        (event.action, event.tenant, event.target) = (self.action.clone(), None, None);
        event.address = source;
        self.write(event).await;
    }

    async fn write(&self, event: AuditEvent) {
        if let Err(error) = self.store.record_audit(&[event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a refused key is not in the audit trail");
        }
    }
}

/// An address, or the network that one customer has.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("action", &self.0.action).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use mt_paas_core::audit::{AuditQuery, action};
    use mt_paas_core::store::memory::MemoryStore;

    use super::*;

    fn knock(address: &str) -> Request<Body> {
        let mut request = Request::post("/mt/x").header("x-key", "hidden").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::new(address.parse().unwrap(), 4)));
        request
    }

    #[tokio::test]
    async fn of_many_refusals_ten_a_minute_are_written_and_the_others_counted() {
        let store = Arc::new(MemoryStore::new());
        let refusals = Refusals::each(Duration::from_secs(2), store.clone(), action::MARKET_REFUSED);
        let header = HeaderName::from_static("x-key");
        for address in ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"] {
            for _ in 0..35 {
                if let Some(note) = refusals.note(&knock(address), &header) {
                    note.write().await;
                }
            }
        }
        let all = AuditQuery { limit: 1000, ..AuditQuery::default() };
        let one_by_one = store.audit_entries(&all).await.unwrap();
        assert_eq!(one_by_one.len(), 40, "ten of each network");
        assert!(one_by_one.iter().all(|entry| entry.event.reason.as_deref() == Some("wrong_key")));
        assert!(!format!("{one_by_one:?}").contains("hidden"));
        while store.audit_entries(&all).await.unwrap().len() < 44 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let all = store.audit_entries(&all).await.unwrap();
        let mut sums: Vec<(String, String)> = all
            .iter()
            .filter_map(|entry| {
                let more = entry.event.details.get(&"more".into())?;
                Some((entry.event.address?.to_string(), more.as_str().to_owned()))
            })
            .collect();
        sums.sort();
        let expected = [("10.0.0.1", "25"), ("10.0.0.2", "25"), ("2001:db8:0:1::", "25"), ("2001:db8::", "60")];
        assert_eq!(sums, expected.map(|(address, more)| (address.to_owned(), more.to_owned())));
    }

    #[tokio::test]
    async fn more_addresses_than_are_told_apart_share_one_window() {
        let store = Arc::new(MemoryStore::new());
        let refusals = Refusals::new(store.clone(), action::MARKET_REFUSED);
        let header = HeaderName::from_static("x-key");
        let mut written = 0;
        for number in 0..5000_u32 {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
            written += usize::from(refusals.note(&knock(&address), &header).is_some());
        }
        assert_eq!(written, ADDRESSES + ROWS as usize);
    }
}
