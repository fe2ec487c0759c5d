//! What the description says of every operation, and of the earlier paths on the day.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use mt_paas_axum::StandardApi;
use mt_paas_axum::auth::MarketKeys;
use mt_paas_axum::compat::Aliases;
use mt_paas_axum::deprecation::{AliasPhase, AliasSchedule};
use mt_paas_axum::standard_api::StandardApiBuilder;
use mt_paas_core::StoreHandler;
use mt_paas_core::clock::StillClock;
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::{KEY, description, operations, statuses};

/// The ready-made handler behind everything that the builder has.
fn full(change: impl FnOnce(StandardApiBuilder) -> StandardApiBuilder) -> Router {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handler = StoreHandler::builder(store.clone(), "test", "1.2.3").build().unwrap();
    let api = StandardApi::builder(Arc::new(handler)).market_keys(MarketKeys::parse(KEY).unwrap());
    change(api.idempotency(store).aliases(Aliases::new(AliasSchedule::default())).docs(true)).build().unwrap()
}

fn parameters(operation: &Value) -> BTreeSet<&str> {
    operation["parameters"].as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test]
async fn an_activation_is_described_as_it_is_read() {
    let api = description(&full(|api| api)).await;
    let members = &api["components"]["schemas"]["ActivateRequest"]["properties"];
    // A feature may be named twice, and earlier clients send `null` for no configuration.
    assert_eq!((&members["features"]["type"], members["features"].get("uniqueItems")), (&json!("array"), None));
    assert!(members["config"].to_string().contains("\"null\""), "{}", members["config"]);
}

#[tokio::test]
async fn every_operation_is_described_in_full() {
    let api = description(&full(|api| api)).await;
    let operations = operations(&api);
    let ids: BTreeSet<_> = operations.values().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!((operations.len(), ids.len()), (29, 29));
    for ((method, path), operation) in operations {
        let name = format!("{method} {path}");
        assert!(is_text(&operation["summary"]) && is_text(&operation["tags"][0]), "{name}");
        let key = if path.starts_with("/api/tenant") { "aliasKey" } else { "marketKey" };
        let open = path == "/mt/health";
        assert_eq!(operation["security"], if open { json!([{}]) } else { json!([{key: []}]) }, "{name}");
        assert!(api["components"]["securitySchemes"][key].is_object());
        let parameters = parameters(operation);
        assert!(parameters.contains("X-Request-Id"), "{name}");
        assert_eq!(parameters.contains("Idempotency-Key"), method == "POST", "{name}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let headers = |wanted: &str| answer["headers"].get(wanted).is_some();
            assert!(is_text(&answer["description"]) && headers("X-Request-Id"), "{name} {status}");
            let refused = status.starts_with(['4', '5']);
            let envelope =
                answer["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/ErrorEnvelope";
            assert_eq!(refused, envelope, "{name} {status}");
            assert_eq!(headers("Idempotent-Replayed"), !refused && method == "POST", "{name} {status}");
            assert_eq!(headers("WWW-Authenticate"), status == "401", "{name} {status}");
            assert!(headers("Retry-After") || status != "503", "{name}");
            assert!(!headers("Deprecation"), "{name} {status}");
        }
    }
}

#[tokio::test]
async fn what_the_router_does_not_have_is_not_described() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handler = StoreHandler::builder(store, "test", "1").build().unwrap();
    let bare = StandardApi::builder(Arc::new(handler)).open().docs(true).build().unwrap();
    let api = description(&bare).await;
    assert!(api["components"].get("securitySchemes").is_none_or(|schemes| schemes == &json!({})));
    for ((method, path), operation) in operations(&api) {
        assert!(path.starts_with("/mt/") && operation.get("security").is_none(), "{method} {path}");
        assert!(operation["responses"].get("401").is_none(), "{method} {path}");
        assert!(!parameters(operation).contains("Idempotency-Key"), "{method} {path}");
    }
    let deactivate = &statuses(&api)[&("POST".to_owned(), "/mt/tenant/{tenant_id}/deactivate".to_owned())];
    assert!(!deactivate.contains(&409), "{deactivate:?}");
}

#[tokio::test]
async fn on_each_day_the_earlier_paths_are_described_as_they_are() {
    let start: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().unwrap();
    let clock = Arc::new(StillClock::at(start));
    let schedule = AliasSchedule { since: Some(start), ..AliasSchedule::default() };
    let router = full(|api| api.aliases(Aliases::new(schedule)).clock(clock.clone()));
    let standard = |api: &Value| {
        let of_contract = operations(api).into_iter().filter(|((_, path), _)| path.starts_with("/mt/"));
        of_contract.map(|(name, operation)| (name, operation.clone())).collect::<Vec<_>>()
    };
    let first = description(&router).await;
    for (weeks, phase) in [(0, AliasPhase::Parallel), (2, AliasPhase::Deprecated), (4, AliasPhase::Removed)] {
        clock.set(start + TimeDelta::weeks(weeks));
        let api = description(&router).await;
        assert_eq!(standard(&api), standard(&first), "the end of the earlier paths is no matter of the others");
        let earlier = operations(&api).into_iter().filter(|((_, path), _)| path.starts_with("/api/tenant/"));
        let earlier: Vec<_> = earlier.collect();
        assert_eq!(earlier.len(), 9);
        for (name, operation) in earlier {
            let ends = phase != AliasPhase::Parallel;
            assert_eq!(operation.get("deprecated"), ends.then_some(&json!(true)), "{name:?}");
            let answers = operation["responses"].as_object().unwrap();
            assert_eq!(answers.contains_key("410"), ends, "{name:?}");
            assert_eq!(answers.contains_key("200"), phase != AliasPhase::Removed, "{name:?}");
            for (status, answer) in answers {
                let announced = ["Deprecation", "Sunset", "Link"].map(|header| answer["headers"].get(header).is_some());
                assert_eq!(announced, [ends; 3], "{name:?} {status}");
            }
        }
    }
}

#[utoipa::path(get, path = "/pages/{page}", responses((status = 200, description = "A page")))]
async fn page() {}

#[tokio::test]
async fn what_a_service_says_of_its_own_routes_stays_as_it_is() {
    let api = description(&full(|api| api.routes(OpenApiRouter::new().routes(routes!(page))))).await;
    let own = &api["paths"]["/pages/{page}"]["get"];
    assert_eq!(own["responses"], json!({"200": {"description": "A page"}}));
    // It stands outside of the key, and so nothing may say the contrary of all.
    assert!(own.get("security").is_none() && api.get("security").is_none());
}
