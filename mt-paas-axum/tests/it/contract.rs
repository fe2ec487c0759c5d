//! The contract's rules as they leave the doors: every 4xx row, the order of checks, idempotency, headers.

use std::sync::Arc;

use async_trait::async_trait;
use axum::routing::{get, post};
use mt_paas_axum::StandardApi;
use mt_paas_axum::auth::MarketKeys;
use mt_paas_axum::compat::Aliases;
use mt_paas_axum::deprecation::{AliasPhase, AliasSchedule};
use mt_paas_axum::standard_api::{InvalidApi, StandardApiBuilder};
use mt_paas_core::standard_api::{ResourceFilters, ResourcesResponse};
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::{ApiError, StandardAPIHandler, StoreHandler, TenantId, delegate_standard_api};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::{KEY, Service, activation};

/// The ready-made handler, with resources that fail in every way a service of ours could.
struct Faulty {
    store: StoreHandler,
}

#[async_trait]
impl StandardAPIHandler for Faulty {
    delegate_standard_api!(store, except[list_resources]);

    async fn list_resources(&self, _: &TenantId, filters: ResourceFilters) -> Result<ResourcesResponse, ApiError> {
        match filters.search.as_deref() {
            Some("panic") => panic!("a canary that belongs on no wire"),
            Some("internal") => Err(ApiError::internal("a canary that belongs on no wire")),
            Some("unavailable") => Err(ApiError::unavailable("a canary that belongs on no wire")),
            Some("rate") => Err(ApiError::rate_limited(7)),
            Some("missing") => Err(ApiError::resource_not_found("r_1")),
            _ => Err(ApiError::not_supported("resources")),
        }
    }
}

async fn start(change: impl FnOnce(StandardApiBuilder) -> StandardApiBuilder) -> Service {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handler = StoreHandler::builder(store.clone(), "test", "1.2.3").build().unwrap();
    Service::start(Faulty { store: handler }, |api| change(api.idempotency(store))).await
}

async fn with_tenant() -> Service {
    let service = start(|api| api).await;
    assert_eq!(service.post("/mt/tenant/t1/activate", &activation("t1")).await.status(), 200);
    service
}

/// The answer is an error in the contract's envelope, with the request id of its header; returns the code.
async fn refused(answer: Response, status: u16) -> (String, Value) {
    assert_eq!(answer.status(), status, "{}", answer.url());
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = answer.text().await.unwrap();
    assert!(!text.contains("canary") && !text.contains(KEY), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&body["success"], &body["request_id"]), (&json!(false), &json!(id)));
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()) && body.get("details").is_some());
    (body["error"].as_str().unwrap().to_owned(), body)
}

#[tokio::test]
async fn every_row_of_refused_paths_and_queries() {
    let service = with_tenant().await;
    for (path, status, code) in [
        ("/mt/tenant/t1/usage?period=2026-13", 400, "INVALID_REQUEST"),
        ("/mt/tenant/t1/usage?period=", 400, "INVALID_REQUEST"),
        ("/mt/tenant/t1/usage", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/stats?period=banana", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/stats?period=7d&period=8d", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/stats/top-users?limit=51", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?limit=0", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?limit=101", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?offset=-1", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?offset=9223372036854775808", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?role=root", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?search=a%00b", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/users?search=%ff", 422, "INVALID_REQUEST"),
        ("/mt/tenant/_x/status", 422, "INVALID_REQUEST"),
        ("/mt/tenant/a%20b/status", 422, "INVALID_REQUEST"),
        ("/mt/tenant/%ff/status", 422, "INVALID_REQUEST"),
        ("/mt/tenant/unknown/status", 404, "TENANT_NOT_FOUND"),
        ("/mt/tenant/unknown/users/u1", 404, "TENANT_NOT_FOUND"),
        ("/mt/tenant/unknown/users/a%2Fb", 404, "TENANT_NOT_FOUND"),
        ("/mt/tenant/t1/users/u1", 404, "USER_NOT_FOUND"),
        ("/mt/tenant/t1/users/a%2Fb", 404, "USER_NOT_FOUND"),
        ("/mt/tenant/t1/users/%ff", 404, "USER_NOT_FOUND"),
        ("/mt/tenant/unknown/users/%ff", 404, "TENANT_NOT_FOUND"),
        ("/mt/tenant/%ff/users/%ff", 422, "INVALID_REQUEST"),
        ("/mt/tenant/t1/resources?search=missing", 404, "RESOURCE_NOT_FOUND"),
        ("/mt/tenant/t1/nothing", 404, "NOT_FOUND"),
        ("/mt/tenant/t1/status/", 404, "NOT_FOUND"),
        ("/mt", 404, "NOT_FOUND"),
        ("/mt/", 404, "NOT_FOUND"),
        ("/elsewhere", 404, "NOT_FOUND"),
        ("/mt/tenant/t1/resources?search=rate", 429, "RATE_LIMITED"),
        ("/mt/tenant/t1/resources?search=internal", 500, "INTERNAL_ERROR"),
        ("/mt/tenant/t1/resources?search=panic", 500, "INTERNAL_ERROR"),
        ("/mt/tenant/t1/resources?search=unavailable", 503, "SERVICE_UNAVAILABLE"),
        ("/mt/tenant/t1/resources", 501, "NOT_SUPPORTED"),
    ] {
        assert_eq!(refused(service.get(path).await, status).await.0, code, "{path}");
    }
    assert_eq!(service.get("/mt/tenant/t1/resources?search=rate").await.headers()["retry-after"], "7");
}

#[tokio::test]
async fn every_row_of_refused_bodies() {
    let service = with_tenant().await;
    let users = "/mt/tenant/t1/users";
    let send = |body: &'static [u8], kind: Option<&'static str>| {
        let request = service.request(Method::POST, users).body(body);
        kind.map_or(service.request(Method::POST, users).body(body), |kind| request.header("Content-Type", kind)).send()
    };
    let json_type = Some("application/json");
    for (body, kind, status, code) in [
        (&b"{"[..], json_type, 400, "INVALID_REQUEST"),
        (b"", json_type, 400, "INVALID_REQUEST"),
        (b"{\"email\":\"a\",\"email\":\"b\"}", json_type, 400, "INVALID_REQUEST"),
        (b"{\"email\":\"\xff\"}", json_type, 400, "INVALID_REQUEST"),
        (b"[]", json_type, 422, "INVALID_REQUEST"),
        (b"null", json_type, 422, "INVALID_REQUEST"),
        (b"{\"unknown\":1e999}", json_type, 422, "INVALID_REQUEST"),
        (b"{}", Some("application/json; charset=UTF-8"), 422, "INVALID_REQUEST"),
        (b"{}", None, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", Some("text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", Some("application/json; charset=euc-kr"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        assert_eq!(refused(send(body, kind).await.unwrap(), status).await.0, code, "{body:?}");
    }
    let large = service.request(Method::POST, users).header("Content-Type", "application/json");
    let answer = large.body(vec![b' '; (1 << 20) + 1]).send().await.unwrap();
    assert_eq!(refused(answer, 413).await.0, "BODY_TOO_LARGE");

    let all = service.post(users, &json!({"email": "x", "name": " ", "role": "root", "password": "short"})).await;
    let (_, body) = refused(all, 422).await;
    let fields: Vec<&str> =
        body["details"]["fields"].as_array().unwrap().iter().map(|field| field["loc"][1].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "name", "role", "password"]);
}

#[tokio::test]
async fn every_row_of_refused_changes() {
    let service = with_tenant().await;
    let mismatch = service.post("/mt/tenant/t2/activate", &activation("t1")).await;
    assert_eq!(refused(mismatch, 400).await.0, "INVALID_REQUEST");
    let mut other = activation("t1");
    other["plan"] = json!("premium");
    assert_eq!(refused(service.post("/mt/tenant/t1/activate", &other).await, 409).await.0, "TENANT_EXISTS");
    assert_eq!(service.post("/mt/tenant/t1/activate", &activation("t1")).await.status(), 200);

    let put = |body: Value| service.request(Method::PUT, "/mt/tenant/t1/settings").json(&body).send();
    assert_eq!(refused(put(json!({"features": {"quiz": true}})).await.unwrap(), 403).await.0, "FEATURE_DISABLED");
    assert_eq!(put(json!({"limits": {"max_users": 1}})).await.unwrap().status(), 200);
    let user = json!({"email": "u@b.kr", "name": "U"});
    assert_eq!(service.post("/mt/tenant/t1/users", &user).await.status(), 201);
    // A taken address is reported before the quota.
    assert_eq!(refused(service.post("/mt/tenant/t1/users", &user).await, 409).await.0, "USER_EXISTS");
    let second = json!({"email": "v@b.kr", "name": "V"});
    assert_eq!(refused(service.post("/mt/tenant/t1/users", &second).await, 429).await.0, "QUOTA_EXCEEDED");

    let close = json!({"reason": "admin_request"});
    assert_eq!(service.post("/mt/tenant/t1/deactivate", &close).await.status(), 200);
    for path in ["users", "users/a%2Fb", "settings", "limits", "stats", "stats/costs", "stats/usage-patterns"] {
        assert_eq!(refused(service.get(&format!("/mt/tenant/t1/{path}")).await, 403).await.0, "TENANT_INACTIVE");
    }
    assert_eq!(service.get("/mt/tenant/t1/usage?period=2026-01").await.status(), 200);
}

#[tokio::test]
async fn without_a_key_nobody_learns_anything() {
    let service = with_tenant().await;
    let bare = |method: Method, path: &str| service.http.request(method, format!("{}{path}", service.base));
    let mut seen = Vec::new();
    for (method, path) in [
        (Method::GET, "/mt/tenant/t1/status"),
        (Method::GET, "/mt/tenant/unknown/status"),
        (Method::GET, "/mt/tenant/_x/status"),
        (Method::GET, "/mt/nothing"),
        (Method::GET, "/mt"),
        (Method::GET, "/mt/healthz"),
        (Method::GET, "/mt/health/"),
        (Method::POST, "/mt/health"),
        (Method::DELETE, "/mt/catalog"),
        (Method::POST, "/mt/tenant/t1/users"),
    ] {
        let answer = bare(method, path).body("{broken").send().await.unwrap();
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("x-market-api-key"));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let (_, mut body) = refused(answer, 401).await;
        body["request_id"] = Value::Null;
        seen.push(body);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    for key in ["", "market_key_12", "market_key_1234", "MARKET_KEY_123"] {
        let answer = bare(Method::GET, "/mt/catalog").header("X-Market-API-Key", key).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{key}");
    }
    let twice = bare(Method::GET, "/mt/catalog").header("X-Market-API-Key", KEY).header("X-Market-API-Key", "x");
    assert_eq!(twice.send().await.unwrap().status(), 401);
    let second = bare(Method::GET, "/mt/catalog").header("X-Market-API-Key", "market_key_456");
    assert_eq!(second.send().await.unwrap().status(), 200);
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(bare(method, "/mt/health").send().await.unwrap().status(), 200);
    }
    assert_eq!(service.request(Method::POST, "/mt/health").send().await.unwrap().headers()["allow"], "GET,HEAD");
}

#[tokio::test]
async fn a_repeat_with_the_same_key_gets_the_same_answer() {
    let service = with_tenant().await;
    let post = |path: &'static str, key: &'static str, body: Value| {
        service.request(Method::POST, path).header("Idempotency-Key", key).json(&body).send()
    };
    let user = json!({"email": "u@b.kr", "name": "U"});
    let first = post("/mt/tenant/t1/users", "k1", user.clone()).await.unwrap();
    assert_eq!((first.status().as_u16(), first.headers().get("idempotent-replayed")), (201, None));
    let first: Value = first.json().await.unwrap();
    let again = post("/mt/tenant/t1/users", "k1", user.clone()).await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["idempotent-replayed"]), (201, &"true".parse().unwrap()));
    assert_eq!(again.json::<Value>().await.unwrap(), first);

    let other = post("/mt/tenant/t1/users", "k1", json!({"email": "v@b.kr", "name": "V"})).await.unwrap();
    assert_eq!(refused(other, 422).await.0, "IDEMPOTENCY_MISMATCH");
    // A refusal is not kept: the same key may bring a better body.
    assert_eq!(post("/mt/tenant/t1/users", "k2", json!({"email": "x"})).await.unwrap().status(), 422);
    assert_eq!(post("/mt/tenant/t1/users", "k2", json!({"email": "w@b.kr", "name": "W"})).await.unwrap().status(), 201);
    // Another route is another scope.
    assert_eq!(post("/mt/tenant/t1/deactivate", "k1", json!({"reason": "violation"})).await.unwrap().status(), 200);
    let long = service.request(Method::POST, "/mt/tenant/t1/users").header("Idempotency-Key", "x".repeat(256));
    assert_eq!(refused(long.json(&user).send().await.unwrap(), 422).await.0, "INVALID_REQUEST");
}

#[tokio::test]
async fn request_ids_are_kept_if_they_are_harmless() {
    let service = with_tenant().await;
    let with =
        |id: &'static str| service.request(Method::GET, "/mt/tenant/t1/status").header("X-Request-Id", id).send();
    assert_eq!(with("abc-123").await.unwrap().headers()["x-request-id"], "abc-123");
    for odd in ["a b", "a\"b", "a\\b", ""] {
        assert_eq!(with(odd).await.unwrap().headers()["x-request-id"].len(), 36, "{odd}");
    }
    let answer = service.get("/mt/tenant/t1/settings").await;
    assert_eq!(
        (&answer.headers()["cache-control"], &answer.headers()["x-content-type-options"]),
        (&"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
    );
}

#[tokio::test]
async fn an_alias_goes_through_its_phases() {
    for (phase, status) in [(AliasPhase::Parallel, 200), (AliasPhase::Deprecated, 200), (AliasPhase::Removed, 410)] {
        let schedule = AliasSchedule { phase: Some(phase), ..AliasSchedule::default() };
        let service = start(|api| api.aliases(Aliases::new(schedule))).await;
        assert_eq!(service.post("/mt/tenant/t1/activate", &activation("t1")).await.status(), 200);
        let old =
            |path: &str, key: &str| service.http.get(format!("{}{path}", service.base)).header("X-API-Key", key).send();
        let answer = old("/api/tenant/stats/t1", KEY).await.unwrap();
        assert_eq!(answer.status(), status);
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let expected = "</mt/tenant/t1/stats>; rel=\"successor-version\"";
        assert_eq!(link.as_deref(), (phase != AliasPhase::Parallel).then_some(expected));
        assert_eq!(answer.headers().contains_key("deprecation"), phase != AliasPhase::Parallel);
        assert_eq!(answer.headers().contains_key("sunset"), phase != AliasPhase::Parallel);
        // Removed or not, nobody is told without a key, and an error is announced like an answer.
        let stranger = old("/api/tenant/stats/t1", "x").await.unwrap();
        assert_eq!(stranger.headers().contains_key("deprecation"), phase == AliasPhase::Deprecated);
        assert_eq!(refused(stranger, 401).await.0, "UNAUTHORIZED");
        if phase == AliasPhase::Deprecated {
            let missing = old("/api/tenant/users/unknown", KEY).await.unwrap();
            assert!(missing.headers().contains_key("deprecation"));
            assert_eq!(refused(missing, 404).await.0, "TENANT_NOT_FOUND");
        }
        if phase != AliasPhase::Parallel {
            let hook = service.http.post(format!("{}/api/tenant/webhook/auto-provision", service.base)).send();
            let hook = hook.await.unwrap().headers().get("link").cloned();
            let expected = (phase == AliasPhase::Deprecated).then_some("</mt/tenant>; rel=\"successor-version\"");
            assert_eq!(hook.as_ref().map(|link| link.to_str().unwrap()), expected);
        }
        if phase == AliasPhase::Removed {
            assert_eq!(refused(old("/api/tenant/stats/t1", KEY).await.unwrap(), 410).await.0, "GONE");
        }
    }
}

#[tokio::test]
async fn an_application_in_each_of_its_spellings_makes_one_tenant() {
    let service = start(|api| api.aliases(Aliases::new(AliasSchedule::default()))).await;
    let send = |body: Value| {
        let url = format!("{}/api/tenant/webhook/auto-provision", service.base);
        service.http.post(url).header("X-API-Key", KEY).json(&body).send()
    };
    let applicant = json!({"id": 1, "name": "김철수", "email": "kim@b.kr", "university_name": "한림대학교"});
    let flat = json!({"application_id": 9001, "kind": "demo", "contact": "02-000-0000", "applicant": applicant,
        "service": {"id": 1, "slug": "x", "title": "X"}});
    let nested = json!({"application": {"id": 9002, "kind": "service", "contact": "02"}, "applicant": applicant,
        "service": {"id": 1}});
    let first: Value = send(flat.clone()).await.unwrap().json().await.unwrap();
    assert_eq!((&first["success"], &first["status"]), (&json!(true), &json!("approved")));
    assert_eq!(first["tenant_url"], first["access_url"]);
    let day = chrono::Utc::now().date_naive() + chrono::Days::new(30);
    assert_eq!(first["expires_at"], format!("{day}T23:59:59Z"));
    let tenant = first["tenant_id"].as_str().unwrap();
    let settings = service.request(Method::PUT, &format!("/mt/tenant/{tenant}/settings"));
    assert_eq!(settings.json(&json!({"timezone": "Asia/Seoul"})).send().await.unwrap().status(), 200);
    let again: Value = send(flat.clone()).await.unwrap().json().await.unwrap();
    assert_eq!(again["expires_at"], format!("{day}T14:59:59Z"));
    let second: Value = send(nested).await.unwrap().json().await.unwrap();
    assert_eq!(second["tenant_id"], first["tenant_id"]);
    let mut named = flat.clone();
    named["tenant_id"] = json!("our_school");
    assert_eq!(send(named).await.unwrap().json::<Value>().await.unwrap()["tenant_id"], "our_school");
    assert_eq!(send(activation("t9")).await.unwrap().json::<Value>().await.unwrap()["tenant_id"], "t9");
    let mut without = activation("t10");
    (without["application_id"], without["application"]) = (Value::Null, Value::Null);
    assert_eq!(send(without).await.unwrap().json::<Value>().await.unwrap()["tenant_id"], "t10");
    for (member, value) in [
        ("kind", json!("trial")),
        ("applicant", json!({"name": "x"})),
        ("end_date", json!("31.12.2026")),
        ("callback_url", json!("http://127.0.0.1:9000/callback")),
        ("callback_url", json!("http://169.254.169.254/latest")),
        ("callback_url", json!("http://simulator:9000/callback")),
        ("tenant_id", json!("../x")),
    ] {
        let mut bad = flat.clone();
        bad[member] = value;
        let (code, body) = refused(send(bad).await.unwrap(), 422).await;
        assert_eq!((code.as_str(), &body["details"]["fields"][0]["loc"][1]), ("INVALID_REQUEST", &json!(member)));
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_call_and_others_may_not() {
    let service = start(|api| api.cors_origins(vec!["https://market.example".to_owned()])).await;
    let preflight = |origin: &'static str| {
        let request = service.http.request(Method::OPTIONS, format!("{}/mt/catalog", service.base));
        request.header("Origin", origin).header("Access-Control-Request-Method", "GET").send()
    };
    assert_eq!(
        preflight("https://market.example").await.unwrap().headers()["access-control-allow-origin"],
        "https://market.example"
    );
    assert!(!preflight("https://evil.example").await.unwrap().headers().contains_key("access-control-allow-origin"));
    let answer = service.request(Method::GET, "/mt/catalog").header("Origin", "https://market.example").send();
    let answer = answer.await.unwrap();
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    for name in ["x-request-id", "idempotent-replayed", "retry-after", "link", "deprecation", "sunset"] {
        assert!(exposed.split(',').any(|exposed| exposed.trim() == name), "{name}: {exposed}");
    }
    // Not even a preflight is answered without a key then.
    assert_eq!(preflight("https://evil.example").await.unwrap().status(), 401);
}

#[utoipa::path(get, path = "/mt/health")]
async fn second_health() {}

#[utoipa::path(get, path = "/mt/tenant/{id}/status")]
async fn other_name() {}

#[utoipa::path(get, path = "/elsewhere/{id}")]
async fn elsewhere() {}

#[test]
fn a_router_that_cannot_be_meant_is_not_built() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handler: Arc<dyn StandardAPIHandler> = Arc::new(StoreHandler::builder(store, "test", "1").build().unwrap());
    let build = |change: fn(StandardApiBuilder) -> StandardApiBuilder| {
        change(StandardApi::builder(handler.clone())).build().map(|_| ())
    };
    assert_eq!(build(|api| api), Err(InvalidApi::NoKeys));
    assert_eq!(build(|api| api.market_keys(MarketKeys::default())), Err(InvalidApi::NoKeys));
    assert_eq!(build(StandardApiBuilder::open), Ok(()));
    for prefix in
        ["", "/", "mt", "/mt/", "//mt", "/mt//x", "/.", "/mt/..", "/m t", "/{x}", "/*x", "/:x", "/m?x", "/m%74", "/한"]
    {
        let built = StandardApi::builder(handler.clone()).open().prefix(prefix).build().map(|_| ());
        assert_eq!(built, Err(InvalidApi::Prefix(prefix.to_owned())));
    }
    for prefix in ["/api", "/api/tenant", "/api/tenant/stats", "/docs", "/docs/x", "/openapi.json"] {
        let api = || StandardApi::builder(handler.clone()).open().prefix(prefix);
        assert!(api().build().is_ok(), "{prefix}");
        let full = api().aliases(Aliases::new(AliasSchedule::default())).docs(true).build().map(|_| ());
        assert_eq!(full, Err(InvalidApi::Prefix(prefix.to_owned())));
    }
    for prefix in ["/v1/mt", "/api/tenants", "/api-2", "/docs.v1", "/~x_y"] {
        let api = StandardApi::builder(handler.clone()).open().prefix(prefix).docs(true);
        assert!(api.aliases(Aliases::new(AliasSchedule::default())).build().is_ok(), "{prefix}");
    }
    assert!(matches!(build(|api| api.open().key_header("a b")), Err(InvalidApi::Header(_))));
    assert!(matches!(build(|api| api.open().cors_origins(vec!["*".into()])), Err(InvalidApi::Origin(_))));

    let taken = |own: OpenApiRouter| {
        let api = StandardApi::builder(handler.clone()).open().aliases(Aliases::new(AliasSchedule::default()));
        match api.docs(true).routes(own).build() {
            Ok(_) => None,
            Err(InvalidApi::Taken(path)) => Some(path),
            Err(other) => panic!("{other}"),
        }
    };
    // With a description the path is named; without one, axum's own words hold it.
    assert_eq!(taken(OpenApiRouter::new().routes(routes!(second_health))).as_deref(), Some("/mt/health"));
    assert_eq!(taken(OpenApiRouter::new().routes(routes!(other_name))).as_deref(), Some("/mt/tenant/{id}/status"));
    assert_eq!(taken(OpenApiRouter::new().routes(routes!(elsewhere))), None);
    for path in ["/mt/health", "/mt/tenant/{id}/status", "/api/tenant/stats/{tenant_id}", "/openapi.json"] {
        let message = taken(OpenApiRouter::new().route(path, get(elsewhere)));
        assert!(message.as_deref().is_some_and(|message| message.contains(path)), "{path}: {message:?}");
    }
    assert_eq!(taken(OpenApiRouter::new().route("/mt/health", post(elsewhere))), None);
}
