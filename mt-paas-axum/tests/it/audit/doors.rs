//! Refused keys, and the trail as administrators see it.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use mt_paas_axum::http::{Method, Request};
use mt_paas_core::audit::{ActorKind, Outcome};
use serde_json::{Value, json};

use super::Stand;
use crate::service::activation;

async fn get(stand: &Stand, path: &str) -> Value {
    let (status, said) = stand.send(Method::GET, path, "asks", &Value::Null).await;
    assert_eq!(status, 200, "{path}: {said}");
    serde_json::from_str(&said).unwrap()
}

#[tokio::test]
async fn every_key_that_opens_no_door_is_told_of_and_never_repeated() {
    let stand = Stand::new();
    let cases = [
        ("/mt/tenant/t/status", "x-market-api-key", &["hidden-key"][..], "market.refused", "wrong_key"),
        ("/mt/nowhere", "x-market-api-key", &["hidden-key"], "market.refused", "wrong_key"),
        ("/mt/tenant/t/users", "x-market-api-key", &[], "market.refused", "no_key"),
        ("/admin/key-pool/keys", "x-admin-key", &["market-key"], "admin.refused", "wrong_key"),
        ("/admin/audit", "x-admin-key", &["admin-key", "admin-key"], "admin.refused", "several_keys"),
        ("/admin/audit/export", "x-admin-key", &[], "admin.refused", "no_key"),
    ];
    for (path, header, keys, ..) in cases {
        let request = keys.iter().fold(Request::get(path), |request, key| request.header(header, *key));
        let mut request = request.header("x-request-id", path).body(Body::empty()).unwrap();
        let peer: SocketAddr = "[::ffff:10.1.2.3]:9".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let (status, said) = stand.answer(request).await;
        assert_eq!(status, 401, "{path}: {said}");
    }
    let told = stand.trail().await;
    assert_eq!(told.len(), cases.len());
    assert!(!format!("{told:?}").contains("hidden"));
    for (entry, (path, _, _, action, reason)) in told.iter().zip(cases) {
        let event = &entry.event;
        assert_eq!((event.action.as_str(), event.reason.as_deref()), (action, Some(reason)), "{path}");
        assert_eq!((event.outcome, event.actor.kind), (Outcome::Refused, ActorKind::Anonymous), "{path}");
        assert_eq!((event.request_id.as_deref(), event.address.unwrap().to_string()), (Some(path), "10.1.2.3".into()));
        assert_eq!(serde_json::to_value(&event.details).unwrap(), json!({"method": "GET", "path": path}));
    }
}

#[tokio::test]
async fn administrators_read_the_trail_page_by_page_and_filtered() {
    let stand = Stand::new();
    stand.send(Method::POST, "/mt/tenant/t/activate", "r-0", &activation("t")).await;
    for number in 1..=7 {
        let person = json!({"email": format!("p{}@b.kr", number % 5), "name": "N"});
        stand.send(Method::POST, "/mt/tenant/t/users", &format!("r-{number}"), &person).await;
    }
    let mut requests = Vec::new();
    let mut path = "/admin/audit?limit=3".to_owned();
    loop {
        let page = get(&stand, &path).await;
        let entries = page["entries"].as_array().unwrap();
        requests.extend(entries.iter().map(|entry| entry["request_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/admin/audit?limit=3&cursor={cursor}");
    }
    assert_eq!(requests, ["r-7", "r-6", "r-5", "r-4", "r-3", "r-2", "r-1", "r-0"]);
    for (filter, expected) in [
        ("action=user.create", 7),
        ("action=user.create&outcome=refused", 2),
        ("text=user_exists&tenant_id=t", 2),
        ("tenant_id=other", 0),
        ("actor_kind=market_key", 8),
        ("target_kind=tenant&target=t", 1),
        ("request_id=r-3", 1),
        ("from=2099-01-01T00:00:00Z", 0),
        ("until=2099-01-01T00:00:00%2B09:00", 8),
    ] {
        let page = get(&stand, &format!("/admin/audit?{filter}")).await;
        assert_eq!(page["entries"].as_array().unwrap().len(), expected, "{filter}");
    }
    let newest = &get(&stand, "/admin/audit?limit=1").await["entries"][0];
    assert_eq!(newest["actor"]["kind"], "market_key");
    assert_eq!((&newest["reason"], &newest["outcome"]), (&json!("user_exists"), &json!("refused")));
    let wrong = "action=A&outcome=maybe&limit=0&cursor=x&from=yesterday&tenant_id=_x&actor_kind=root&text=";
    let (status, said) = stand.send(Method::GET, &format!("/admin/audit?{wrong}"), "asks", &Value::Null).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status.as_u16(), said["details"]["fields"].as_array().unwrap().len()), (422, 8), "{said}");
    assert!(stand.trail().await.len() == 8, "a look at the trail is no change");
}

#[tokio::test]
async fn an_export_holds_everything_in_lines_and_is_told_of_itself() {
    let stand = Stand::new();
    let hostile = "=cmd()\u{202e}\u{200b} \"x\",";
    let key = json!({"provider": "openai", "name": hostile, "api_key": "hidden"});
    let (status, said) = stand.send(Method::POST, "/admin/key-pool/keys", "r-key", &key).await;
    assert_eq!(status, 201, "{said}");
    for number in 0..1200 {
        stand.send(Method::DELETE, "/mt/tenant/none/users/u", &format!("r-{number}"), &Value::Null).await;
    }
    let (status, lines) = stand.send(Method::GET, "/admin/audit/export", "e-1", &Value::Null).await;
    assert_eq!(status, 200);
    let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let trail = stand.trail().await;
    assert_eq!(entries.len(), 1203, "two of the key, and the export itself");
    assert_eq!((&entries[0]["action"], &entries[0]["request_id"]), (&json!("audit.export"), &json!("e-1")));
    for (line, entry) in entries.iter().rev().zip(&trail) {
        assert_eq!(line["hash"], entry.hash.to_string());
    }
    let (_, table) =
        stand.send(Method::GET, "/admin/audit/export?format=csv&action=pool.key.add", "e-2", &Value::Null).await;
    let rows: Vec<&str> = table.split("\r\n").collect();
    assert_eq!(rows.len(), 4, "a head, two entries and nothing behind them: {table}");
    assert!(rows[1].contains("\"openai/=cmd()\\u{202e}\\u{200b} \"\"x\"\",\""), "{table}");
    assert!(!lines.contains("hidden") && !table.contains("hidden"));
    let (status, _) = stand.send(Method::GET, "/admin/audit/export?format=xml", "e-3", &Value::Null).await;
    assert_eq!(status, 422);
    let last = stand.trail().await.pop().unwrap().event;
    assert_eq!((last.action.as_str(), last.outcome), ("audit.export", Outcome::Refused));
}

#[tokio::test]
async fn the_routes_are_described_with_their_filters() {
    let (_, api) = Stand::new().send(Method::GET, "/openapi.json", "d", &Value::Null).await;
    let api: Value = serde_json::from_str(&api).unwrap();
    for (path, own) in [("/admin/audit", "limit"), ("/admin/audit/export", "format")] {
        let route = &api["paths"][path]["get"];
        assert_eq!(route["security"], json!([{"adminKey": []}]), "{path}");
        let names: Vec<&str> =
            route["parameters"].as_array().unwrap().iter().filter_map(|parameter| parameter["name"].as_str()).collect();
        for name in ["tenant_id", "actor", "action", "target", "outcome", "from", "until", "text", "cursor", own] {
            assert!(names.contains(&name), "{path} {name}");
        }
    }
}
