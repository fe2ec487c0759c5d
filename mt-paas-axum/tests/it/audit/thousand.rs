//! A thousand operations of all kinds, and an account of each.

use std::collections::BTreeMap;

use mt_paas_axum::http::{Method, StatusCode};
use mt_paas_core::audit::{AuditEntry, Outcome};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Stand;
use crate::service::activation;

/// What a request must be told as, and how it ended.
struct Asked {
    action: &'static str,
    status: StatusCode,
    body: Value,
}

#[tokio::test]
async fn each_of_a_thousand_operations_is_told_of_once_with_its_end() {
    let told = run(Stand::new()).await;
    assert_eq!(told, Vec::<String>::new());
    let blind = run(Stand::with(false)).await;
    assert!(blind.len() > 100, "nobody misses what nobody told: {}", blind.len());
}

/// Does a thousand operations, eight at a time, and says of which the trail tells something else.
async fn run(stand: Stand) -> Vec<String> {
    let mut running = JoinSet::new();
    let mut asked = BTreeMap::new();
    let stand = std::sync::Arc::new(stand);
    for number in 0..1000_usize {
        let (method, path, action, body) = operation(number);
        let stand = stand.clone();
        running.spawn(async move {
            let (status, said) = stand.send(method, &path, &format!("r-{number}"), &body).await;
            let body = serde_json::from_str(&said).unwrap_or(Value::Null);
            (number, Asked { action, status, body })
        });
        if running.len() >= 8 {
            let (number, done) = running.join_next().await.unwrap().unwrap();
            asked.insert(format!("r-{number}"), done);
        }
    }
    while let Some(done) = running.join_next().await {
        let (number, done) = done.unwrap();
        asked.insert(format!("r-{number}"), done);
    }
    let mut by_request: BTreeMap<String, Vec<AuditEntry>> = BTreeMap::new();
    for entry in stand.trail().await {
        by_request.entry(entry.event.request_id.as_ref().unwrap().to_string()).or_default().push(entry);
    }
    assert!(by_request.keys().all(|request| asked.contains_key(request)), "an entry of no operation");
    let failed = asked.values().filter(|asked| !asked.status.is_success()).count();
    assert!((150..850).contains(&failed), "{failed} of 1000 failed");
    let wrong = |(request, asked): (&String, &Asked)| {
        let entries = by_request.get(request).map(Vec::as_slice).unwrap_or_default();
        fault(asked, entries).map(|fault| format!("{request} {} {}: {fault}", asked.action, asked.status))
    };
    asked.iter().filter_map(wrong).collect()
}

/// What is wrong with the entries of an operation.
fn fault(asked: &Asked, entries: &[AuditEntry]) -> Option<String> {
    let (begun, ended): (Vec<&AuditEntry>, Vec<&AuditEntry>) =
        entries.iter().partition(|entry| entry.event.outcome == Outcome::Begun);
    let [end] = ended.as_slice() else { return Some(format!("{} ends", ended.len())) };
    let pool = asked.action.starts_with("pool.");
    // A change of the pool is told of before, unless it was refused before it could begin.
    if begun.len() > usize::from(pool) || (pool && asked.status.is_success() && begun.is_empty()) {
        return Some(format!("{} beginnings", begun.len()));
    }
    if begun.iter().any(|begun| begun.seq > end.seq) {
        return Some("told of after it had ended".to_owned());
    }
    let event = &end.event;
    let reason = event.reason.as_deref();
    let code = asked.body["error"].as_str().map(str::to_lowercase);
    let agrees = match asked.status.as_u16() {
        200..300 => event.outcome == Outcome::Done && reason.is_none_or(|reason| reason == "unchanged"),
        400..500 => event.outcome == Outcome::Refused && reason == code.as_deref(),
        _ => event.outcome == Outcome::Failed && reason == code.as_deref(),
    };
    let actor = event.actor.id.as_deref().is_some_and(|id| id.starts_with("key-"));
    (event.action.as_str() != asked.action || !agrees || !actor).then(|| format!("{event:?}"))
}

/// Operations of every kind, some of which cannot be done.
fn operation(number: usize) -> (Method, String, &'static str, Value) {
    let tenant = ["one", "two", "three", "a b", "none"][number % 5];
    let under = |rest: &str| format!("/mt/tenant/{}/{rest}", tenant.replace(' ', "%20"));
    let user = format!("users/u{}", number % 3);
    let body = |good: Value| match number % 11 {
        0 => json!("{broken"),
        1 => json!({}),
        2 => json!([1]),
        _ => good,
    };
    match number / 5 % 9 {
        0 | 1 => (Method::POST, under("activate"), "tenant.activate", body(activation(tenant))),
        2 => {
            let closing = json!({"reason": "admin_request", "preserve_data": number.is_multiple_of(2)});
            (Method::POST, under("deactivate"), "tenant.deactivate", body(closing))
        }
        3 | 4 => {
            let person = json!({"email": format!("p{}@b.kr", number % 40), "name": "N"});
            (Method::POST, under("users"), "user.create", body(person))
        }
        5 if number.is_multiple_of(2) => (Method::PUT, under(&user), "user.update", body(json!({"name": "M"}))),
        5 => (Method::DELETE, under(&user), "user.delete", Value::Null),
        6 => {
            let settings = json!({"limits": {"max_users": 5 + number % 3}});
            (Method::PUT, under("settings"), "settings.update", body(settings))
        }
        7 => {
            let key = json!({"provider": "openai", "name": format!("k{}", number % 20), "api_key": "hidden"});
            (Method::POST, "/admin/key-pool/keys".to_owned(), "pool.key.add", body(key))
        }
        _ => {
            let key = number % 15;
            let path = format!("/admin/key-pool/keys/{key}");
            match number % 3 {
                0 => (Method::PUT, path, "pool.key.change", body(json!({"rpm_limit": 5 + number % 9}))),
                1 => (Method::DELETE, path, "pool.key.remove", Value::Null),
                _ => (Method::POST, format!("{path}/release"), "pool.key.release", Value::Null),
            }
        }
    }
}
