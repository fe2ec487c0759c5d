//! The audit trail at the doors.

mod doors;
mod shut;
mod thousand;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use mt_paas_axum::StandardApi;
use mt_paas_axum::audit::audit_routes;
use mt_paas_axum::auth::MarketKeys;
use mt_paas_axum::http::{Method, Request, StatusCode};
use mt_paas_axum::key_pool::admin_routes;
use mt_paas_core::StoreHandler;
use mt_paas_core::audit::{AuditEntry, AuditHead, AuditQuery, AuditStore, HeadKeeper};
use mt_paas_core::key_pool::{KeyPool, PoolLimits};
use mt_paas_core::store::memory::MemoryStore;
use serde_json::Value;
use tower::ServiceExt;

/// A service with a key pool and all its doors.
struct Stand {
    store: Arc<MemoryStore>,
    pool: KeyPool,
    router: Router,
}

impl Stand {
    fn new() -> Self {
        Self::with(true)
    }

    /// Without the layer that tells of what no handler told, as a control.
    fn with(telling: bool) -> Self {
        let store = Arc::new(MemoryStore::new());
        let pool = KeyPool::in_memory(PoolLimits::default());
        let handler = Arc::new(StoreHandler::builder(store.clone(), "test", "1").build().unwrap());
        let keys = |list| MarketKeys::parse(list).unwrap();
        let own = admin_routes(pool.clone(), keys("admin-key"), store.clone()).unwrap();
        let own = own.merge(audit_routes(store.clone(), keys("admin-key")).unwrap());
        let api = StandardApi::builder(handler).market_keys(keys("market-key")).idempotency(store.clone());
        let api = if telling { api.audit(store.clone()) } else { api };
        let router = api.routes(own).docs(true).build().unwrap();
        Self { store, pool, router }
    }

    /// Status, body as text. `Value::Null` sends no body.
    async fn send(&self, method: Method, path: &str, id: &str, body: &Value) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path).header("x-request-id", id);
        request = request.header("x-market-api-key", "market-key").header("x-admin-key", "admin-key");
        let body = match body {
            Value::Null => Body::empty(),
            Value::String(text) => Body::from(text.clone()),
            body => Body::from(body.to_string()),
        };
        self.answer(request.header("content-type", "application/json").body(body).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The whole trail, the oldest first.
    async fn trail(&self) -> Vec<AuditEntry> {
        let query = AuditQuery { limit: 1_000_000, ..AuditQuery::default() };
        let mut entries = self.store.audit_entries(&query).await.unwrap();
        entries.sort_by_key(|entry| entry.seq);
        entries
    }
}

/// Lets no chain begin: nothing can be written into the trail.
#[derive(Clone, Default)]
struct Shut(Arc<AtomicBool>);

impl HeadKeeper for Shut {
    fn begins(&self, _: AuditHead) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Ok(()) } else { Err(io::Error::other("planted")) }
    }

    fn moved(&self, _: AuditHead) {}

    fn ended(&self, _: AuditHead) {}
}
