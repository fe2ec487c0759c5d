//! A trail that cannot be written, handlers that fail, and callers who go away.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use mt_paas_axum::StandardApi;
use mt_paas_axum::audit::AuditLayer;
use mt_paas_axum::http::{Method, Request};
use mt_paas_axum::request_id::RequestIdLayer;
use mt_paas_core::audit::{AuditContext, AuditQuery, AuditStore, Outcome, action};
use mt_paas_core::key_pool::KeySeed;
use mt_paas_core::standard_api::ActivateRequest;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::tenants::{Tenant, TenantHooks};
use mt_paas_core::{ApiError, StoreHandler};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Shut, Stand};
use crate::service::activation;

#[tokio::test]
async fn what_cannot_be_told_of_is_not_done() {
    let stand = Stand::new();
    stand.pool.seed(&KeySeed::parse(r#"{"openai": [{"name": "a", "api_key": "hidden"}]}"#).unwrap()).await.unwrap();
    let before = format!("{:?}", stand.pool.view().await.unwrap().keys);
    let shut = Shut::default();
    stand.store.keep_audit_heads(Arc::new(shut.clone()));
    let key = json!({"provider": "openai", "name": "b", "api_key": "hidden"});
    let person = json!({"email": "a@b.kr", "name": "A"});
    let changes = [
        (Method::POST, "/mt/tenant/t/activate", activation("t")),
        (Method::POST, "/admin/key-pool/keys", key.clone()),
        (Method::PUT, "/admin/key-pool/keys/1", json!({"is_active": false})),
        (Method::POST, "/admin/key-pool/keys/1/release", Value::Null),
        (Method::DELETE, "/admin/key-pool/keys/1", Value::Null),
        (Method::GET, "/admin/audit/export", Value::Null),
    ];
    for (method, path, body) in &changes {
        let (status, said) = stand.send(method.clone(), path, "r", body).await;
        assert_eq!(status, 503, "{method} {path}: {said}");
    }
    assert_eq!(format!("{:?}", stand.pool.view().await.unwrap().keys), before);
    // What is refused stays refused.
    let (status, _) = stand.send(Method::POST, "/mt/tenant/t/users", "r", &person).await;
    assert_eq!(status, 404);
    assert!(stand.trail().await.is_empty());
    shut.0.store(true, Ordering::SeqCst);
    for (method, path, body) in &changes {
        let (status, said) = stand.send(method.clone(), path, "r", body).await;
        assert!(status.is_success(), "{method} {path}: {said}");
    }
    assert_eq!(stand.trail().await.len(), 1 + 4 * 2 + 1);
}

/// Takes its time, and may panic.
struct Slow(bool);

#[async_trait]
impl TenantHooks for Slow {
    async fn before_activate(&self, _: &ActivateRequest) -> Result<(), ApiError> {
        // As if it had done something of its own, which is told of by itself.
        AuditContext::current().tell();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!self.0, "planted");
        Ok(())
    }

    async fn after_activate(&self, _: &Tenant, _: bool) -> Result<(), ApiError> {
        Ok(())
    }
}

fn post(path: &str, body: &Value) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

#[tokio::test]
async fn an_operation_ends_and_is_told_of_when_its_caller_has_gone_or_its_handler_panics() {
    for panics in [false, true] {
        let store = Arc::new(MemoryStore::new());
        let handler = StoreHandler::builder(store.clone(), "test", "1").hooks(Slow(panics)).build().unwrap();
        let router = StandardApi::builder(Arc::new(handler)).open().audit(store.clone()).build().unwrap();
        let answer = router.oneshot(post("/mt/tenant/t/activate", &activation("t")));
        let gone = tokio::time::timeout(Duration::from_millis(10), answer).await;
        assert!(gone.is_err(), "answered before the hook has ended");
        let all = AuditQuery::default();
        let expected = if panics { vec![Outcome::Failed] } else { vec![Outcome::Done, Outcome::Begun] };
        for round in 0.. {
            let told: Vec<Outcome> =
                store.audit_entries(&all).await.unwrap().iter().map(|entry| entry.event.outcome).collect();
            if told == expected {
                break;
            }
            assert!(round < 500, "{told:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_handler_of_a_services_own_is_told_of_and_answered() {
    let store = Arc::new(MemoryStore::new());
    let always = AuditLayer::for_markets(store.clone()).always(action::TENANT_ACTIVATE);
    let fails = || async {
        if true {
            panic!("planted")
        }
    };
    let route = axum::routing::post(fails).get(|| async { "a question" });
    let router = axum::Router::new().route("/own", route).layer(always).layer(RequestIdLayer);
    let answer = router.clone().oneshot(post("/own", &Value::Null)).await.unwrap();
    assert_eq!(answer.status(), 500);
    let question = Request::get("/own").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(question).await.unwrap().status(), 200);
    let told = store.audit_entries(&AuditQuery::default()).await.unwrap();
    let [entry] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((entry.event.outcome, entry.event.reason.as_deref()), (Outcome::Failed, Some("panic")));
}
