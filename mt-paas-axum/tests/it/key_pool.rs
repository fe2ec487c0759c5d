//! The doors of a key pool, over a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use mt_paas_axum::auth::{InvalidMarketKeys, MarketKeys};
use mt_paas_axum::key_pool::admin_routes;
use mt_paas_axum::request_id::RequestIdLayer;
use mt_paas_axum::serve::{ServeOptions, serve};
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, PoolError, PoolLimits, Verdict};
use mt_paas_core::store::memory::MemoryStore;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::serve::local;

/// An audit trail that nobody looks at.
fn trail() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new())
}

struct Stand {
    pool: KeyPool,
    address: SocketAddr,
    http: Client,
    stop: Option<oneshot::Sender<()>>,
}

impl Stand {
    async fn start() -> Self {
        let pool = KeyPool::in_memory(PoolLimits { per_user: 1, total: 9, ..PoolLimits::default() });
        let keys = MarketKeys::parse("admin-one,admin-two").unwrap();
        let router = Router::from(admin_routes(pool.clone(), keys, trail()).unwrap()).layer(RequestIdLayer);
        let (listener, address) = local().await;
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, router, ServeOptions::default(), async move {
            let _ = stopped.await;
        }));
        Self { pool, address, http: Client::new(), stop: Some(stop) }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&str>) -> Response {
        let url = format!("http://{}/admin/key-pool{path}", self.address);
        let mut request = self.http.request(method, url).header("x-admin-key", "admin-two");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let answer = self.send(method, path, body.map(Value::to_string).as_deref()).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert!(!text.contains("hidden"), "{path}: {text}");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn add(&self, name: &str) -> u64 {
        let body = json!({"provider": "openai", "name": name, "api_key": "hidden"});
        let (status, key) = self.ask(Method::POST, "/keys", Some(&body)).await;
        assert_eq!(status, 201, "{key}");
        key["id"].as_u64().unwrap()
    }

    async fn lend(&self, user: &str, patience: u64) -> Result<Lease, PoolError> {
        let options = AcquireOptions { patience: Duration::from_millis(patience), ..AcquireOptions::default() };
        let (provider, tenant) = ("openai".parse().unwrap(), "school".parse().unwrap());
        self.pool.acquire(&provider, &tenant, &user.parse().unwrap(), &options).await
    }
}

/// Every route with a method, on a pool whose first key is number 1.
const ROUTES: &[(&str, &str)] = &[
    ("GET", ""),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("GET", "/keys/1"),
    ("PUT", "/keys/1"),
    ("DELETE", "/keys/1"),
    ("POST", "/keys/1/release"),
    ("GET", "/leases"),
    ("GET", "/queue"),
    ("GET", "/events"),
];

#[tokio::test]
async fn strangers_learn_nothing_and_change_nothing() {
    let stand = Stand::start().await;
    stand.add("a").await;
    let url = |path: &str| format!("http://{}/admin/key-pool{path}", stand.address);
    for (method, path) in ROUTES.iter().chain(&[("PATCH", "/keys"), ("GET", "/keys/99"), ("GET", "/keys/x")]) {
        for keys in [vec![], vec!["admin-on"], vec!["admin-one", "admin-one"], vec!["ADMIN-ONE"], vec![""]] {
            let request = stand.http.request(method.parse().unwrap(), url(path));
            let request = keys.iter().fold(request, |request, key| request.header("x-admin-key", *key));
            let answer = request.header("x-market-api-key", "admin-one").send().await.unwrap();
            assert_eq!(answer.status(), 401, "{method} {path} {keys:?}");
            assert_eq!(answer.headers()["www-authenticate"], "ApiKey header=\"x-admin-key\"");
            let body: Value = answer.json().await.unwrap();
            assert_eq!((&body["error"], &body["details"]), (&json!("UNAUTHORIZED"), &Value::Null), "{body}");
        }
    }
    assert_eq!(stand.get("/keys").await["keys"].as_array().unwrap().len(), 1);
    let refused = admin_routes(stand.pool.clone(), MarketKeys::default(), trail()).err();
    assert_eq!(refused, Some(InvalidMarketKeys::None));
}

#[tokio::test]
async fn a_key_is_added_changed_turned_off_and_removed() {
    let stand = Stand::start().await;
    let body = json!({"provider": "kling", "name": "본교", "access_key": "hidden", "secret_key": "hidden",
        "concurrency_limit": 3, "rpm_limit": 60, "rpd_limits": {"m": 5}, "priority": -1, "tenant_scope": "b, a",
        "is_active": true, "expires_at": "2099-01-01T09:00:00+09:00"});
    let (status, added) = stand.ask(Method::POST, "/keys", Some(&body)).await;
    assert_eq!(status, 201, "{added}");
    let id = added["id"].as_u64().unwrap();
    for (field, value) in [
        ("provider", json!("kling")),
        ("name", json!("본교")),
        ("concurrency_limit", json!(3)),
        ("rpm_limit", json!(60)),
        ("rpd_limits", json!({"m": 5})),
        ("priority", json!(-1)),
        ("tenant_scope", json!("a,b")),
        ("is_active", json!(true)),
        ("expires_at", json!("2099-01-01T00:00:00Z")),
        ("seeded", json!(false)),
        ("health", json!({"state": "well", "reason": null, "since": null, "until": null})),
        ("usage", json!({"running": 0, "requests_this_minute": 0, "requests_today": {}})),
    ] {
        assert_eq!(added[field], value, "{field}");
    }
    let (status, twice) = stand.ask(Method::POST, "/keys", Some(&body)).await;
    assert_eq!((status, &twice["error"]), (409, &json!("RESOURCE_EXISTS")));

    let path = format!("/keys/{id}");
    let change = json!({"is_active": false, "rpm_limit": null, "tenant_scope": "*", "expires_at": null});
    let (status, changed) = stand.ask(Method::PUT, &path, Some(&change)).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        (&changed["is_active"], &changed["rpm_limit"], &changed["tenant_scope"]),
        (&json!(false), &Value::Null, &json!("*"))
    );
    assert_eq!((&changed["concurrency_limit"], &changed["expires_at"]), (&json!(3), &Value::Null));
    assert_eq!(stand.get(&path).await, changed);
    assert_eq!(stand.get("").await["providers"]["kling"]["off"], 1);
    assert_eq!(stand.get("").await["status"], "degraded");

    assert_eq!(stand.ask(Method::DELETE, &path, None).await, (204, Value::Null));
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let (status, body) = stand.ask(method, &path, Some(&json!({}))).await;
        assert_eq!((status, &body["error"]), (404, &json!("RESOURCE_NOT_FOUND")));
    }
}

#[tokio::test]
async fn every_faulty_field_is_named_and_nothing_is_kept() {
    let stand = Stand::start().await;
    let id = stand.add("a").await;
    let before = stand.get("/keys").await;
    let places = |body: &Value| -> Vec<String> {
        let fields = body["details"]["fields"].as_array().cloned().unwrap_or_default();
        let place = |field: &Value| {
            let loc: Vec<&str> = field["loc"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            loc.join(".")
        };
        fields.iter().map(place).collect()
    };
    let (status, body) = stand
        .ask(
            Method::POST,
            "/keys",
            Some(&json!({"provider": "a b", "name": " ", "rpm_limit": 0, "is_active": 1, "expires_at": "soon"})),
        )
        .await;
    assert_eq!(status, 422);
    assert_eq!(places(&body), ["body.provider", "body.name", "body.rpm_limit", "body.is_active", "body.expires_at"]);
    for (change, wrong) in [
        (json!({"name": "b"}), vec!["body.name"]),
        (json!({"provider": "openai"}), vec!["body.provider"]),
        (json!({"api_key": ""}), vec!["body.api_key"]),
        (json!({"secret_key": "hidden"}), vec!["body.secret_key", "body.api_key"]),
        (json!({"key_payload": {"x": "hidden"}, "api_key": "hidden"}), vec!["body.key_payload"]),
        (json!({"concurrency_limit": 0, "priority": "x"}), vec!["body.concurrency_limit", "body.priority"]),
        (json!({"rpd_limits": {"m": 0}}), vec!["body.rpd_limits"]),
        (json!({"tenant_scope": "a,,b", "rpm": 1}), vec!["body.rpm", "body.tenant_scope"]),
    ] {
        let (status, body) = stand.ask(Method::PUT, &format!("/keys/{id}"), Some(&change)).await;
        assert_eq!((status, places(&body)), (422, wrong.iter().map(ToString::to_string).collect()), "{change}");
    }
    assert_eq!(stand.get("/keys").await, before);
}

#[tokio::test]
async fn nothing_that_a_client_sends_is_a_fault_of_the_service() {
    let stand = Stand::start().await;
    stand.add("a").await;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(40), "}".repeat(40));
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(2 << 20));
    let bodies = ["", "{", "[]", "null", "1e999", r#"{"name": 1e999}"#, r#"{"a":1,"a":2}"#, "\u{0}", &deep, &large];
    for (method, path) in [("POST", "/keys"), ("PUT", "/keys/1"), ("PUT", "/keys/99"), ("POST", "/keys/1/release")] {
        for body in bodies {
            let answer = stand.send(method.parse().unwrap(), path, Some(body)).await;
            let status = answer.status().as_u16();
            let said = answer.json::<Value>().await.unwrap();
            // The release reads no body.
            let expected = if path.ends_with("release") { 200..201 } else { 400..500 };
            assert!(expected.contains(&status), "{method} {path} {body:.40}: {status} {said}");
            assert!(status == 200 || said["request_id"].is_string(), "{said}");
        }
    }
    for id in ["0", "99", "01", "+1", "-1", "1.0", "x", "%20", "%ff", "18446744073709551616", "1%2f2"] {
        for (method, end) in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/release")] {
            let answer = stand.send(method.parse().unwrap(), &format!("/keys/{id}{end}"), Some("{}")).await;
            assert_eq!(answer.status(), 404, "{method} {id}{end}");
        }
    }
    for (method, path, allow) in [("PATCH", "/keys/1", "GET"), ("POST", "/leases", "GET"), ("PUT", "/queue", "GET")] {
        let answer = stand.send(method.parse().unwrap(), path, None).await;
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert!(answer.headers()["allow"].to_str().unwrap().contains(allow));
    }
    let plain = stand.http.post(format!("http://{}/admin/key-pool/keys", stand.address));
    let plain = plain.header("x-admin-key", "admin-one").body("{}").send().await.unwrap();
    assert_eq!(plain.status(), 415);
}

#[tokio::test]
async fn leases_queue_and_health_show_what_is_so() {
    let stand = Stand::start().await;
    let id = stand.add("a").await;
    let held = stand.lend("kim", 0).await.unwrap();
    let (waits, looks) = tokio::join!(stand.lend("lee", 300), async {
        while stand.get("/queue").await["queue"].as_array().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (stand.get("/leases").await, stand.get("/queue").await, stand.get("").await, stand.get("/keys").await)
    });
    assert!(waits.is_err());
    let (leases, queue, health, keys) = looks;
    let lease = &leases["leases"][0];
    assert_eq!((&lease["generation"], &lease["key_id"]), (&json!(held.generation().0), &json!(id)));
    assert_eq!(
        (&lease["tenant_id"], &lease["user_id"], &lease["provider"]),
        (&json!("school"), &json!("kim"), &json!("openai"))
    );
    let waiter = &queue["queue"][0];
    assert_eq!(
        (&waiter["position"], &waiter["reason"], &waiter["user_id"]),
        (&json!(1), &json!("concurrency"), &json!("lee"))
    );
    assert!(waiter.as_object().unwrap().contains_key("estimate_seconds") && waiter["lease"].is_null());
    assert_eq!((&health["status"], &health["leases"], &health["waiting"]), (&json!("healthy"), &json!(1), &json!(1)));
    assert_eq!(keys["keys"][0]["usage"]["running"], 1);

    held.report(Verdict::Unauthorized).await.unwrap();
    drop(held);
    let path = format!("/keys/{id}");
    let health = &stand.get(&path).await["health"];
    assert_eq!((&health["state"], &health["reason"]), (&json!("quarantined"), &json!("unauthorized")));
    assert_eq!(stand.get("").await["providers"]["openai"]["quarantined"], 1);
    let (status, key) = stand.ask(Method::POST, &format!("{path}/release"), None).await;
    assert_eq!((status, &key["health"]["state"]), (200, &json!("well")));
    assert!(stand.lend("lee", 0).await.is_ok());
}

/// Reads a stream until `enough`; everything up to there.
async fn read_until(stream: &mut Response, text: &mut String, enough: &str) {
    let read = async {
        while !text.contains(enough) {
            let chunk = stream.chunk().await.unwrap().unwrap_or_else(|| panic!("no {enough} in {text}"));
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    timeout(Duration::from_secs(10), read).await.unwrap();
}

#[tokio::test]
async fn the_stream_begins_with_a_snapshot_and_ends_with_the_server() {
    let mut stand = Stand::start().await;
    let id = stand.add("a").await;
    for round in 0..2 {
        let mut stream = stand.send(Method::GET, "/events", None).await;
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        let mut text = String::new();
        read_until(&mut stream, &mut text, "\n\n").await;
        assert!(text.starts_with("event: snapshot\ndata: ") && text.contains(r#""queue":[]"#), "{text}");
        drop(stand.lend(&format!("user-{round}"), 0).await.unwrap());
        let (status, _) = stand.ask(Method::PUT, &format!("/keys/{id}"), Some(&json!({"priority": round + 1}))).await;
        assert_eq!(status, 200);
        read_until(&mut stream, &mut text, "event: key_changed").await;
        let (granted, released) = (text.find("event: granted").unwrap(), text.find("event: released").unwrap());
        assert!(granted < released && text.contains(&format!("\"user_id\":\"user-{round}\"")), "{text}");
        if round == 1 {
            drop(stand.stop.take());
            read_until(&mut stream, &mut text, "event: shutdown\n").await;
            while stream.chunk().await.unwrap().is_some() {}
        }
        assert!(!text.contains("hidden") && !text.contains("payload"), "{text}");
    }
}

#[tokio::test]
async fn a_pool_that_is_closed_is_not_there_for_now() {
    let stand = Stand::start().await;
    stand.add("a").await;
    stand.pool.close();
    for (method, path) in ROUTES {
        let body = (*method == "POST").then(|| json!({"provider": "x", "name": "b", "api_key": "hidden"}));
        let (status, said) = stand.ask(method.parse().unwrap(), path, body.as_ref().or(Some(&json!({})))).await;
        assert_eq!((status, &said["error"]), (503, &json!("SERVICE_UNAVAILABLE")), "{method} {path}");
    }
}

#[tokio::test]
async fn the_routes_are_described_with_their_key_and_without_payloads_in_answers() {
    let pool = KeyPool::in_memory(PoolLimits::default());
    let routes = admin_routes(pool, MarketKeys::parse("x").unwrap(), trail()).unwrap();
    let described = serde_json::to_value(routes.get_openapi()).unwrap();
    for (method, path) in ROUTES {
        let path = format!("/admin/key-pool{}", path.replace('1', "{key_id}"));
        let route = &described["paths"][&path][method.to_lowercase()];
        assert_eq!(route["security"], json!([{"adminKey": []}]), "{method} {path}");
    }
    assert_eq!(described["components"]["securitySchemes"]["adminKey"]["name"], "X-Admin-Key");
    let schemas = described["components"]["schemas"].as_object().unwrap();
    let telling: Vec<&String> =
        schemas.iter().filter(|(_, schema)| schema.to_string().contains("api_key")).map(|(name, _)| name).collect();
    assert_eq!(telling, ["ChangeKey"]);
}
