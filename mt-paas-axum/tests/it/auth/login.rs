//! How guessing is slowed down, and what is written of it.

use chrono::TimeDelta;
use mt_paas_axum::http::Method;
use mt_paas_core::audit::Outcome;
use serde_json::json;

use super::{Ask, PASSWORD, Stand};

#[tokio::test]
async fn five_wrong_passwords_are_enough_for_a_while() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let kim = stand.somebody(&root, "t1", "kim", "user").await;
    let log_in = async |password: &str, from: [u8; 4]| {
        let body = json!({"login_name": "KIM", "password": password});
        stand.send(Ask::post("/auth/login").json(&body).from(from)).await
    };
    let (here, there) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    for _ in 0..5 {
        let refused = log_in("wrong", here).await;
        assert_eq!((refused.status, refused.body["error"].as_str()), (401, Some("WRONG_LOGIN")), "{}", refused.body);
    }
    let refused = log_in(PASSWORD, here).await;
    assert_eq!((refused.status, refused.body["error"].as_str()), (429, Some("RATE_LIMITED")), "{}", refused.body);
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=13).contains(&wait), "{wait}");
    assert_eq!(log_in(PASSWORD, there).await.status, 200, "strangers lock nobody out");
    stand.clock.advance(TimeDelta::seconds(wait));
    assert_eq!(log_in(PASSWORD, here).await.status, 200, "nobody stays locked out");
    let refusals: Vec<_> =
        stand.trail().await.into_iter().filter(|entry| entry.event.action.as_str() == "login").collect();
    let refused = |reason: &str| refusals.iter().filter(|entry| entry.event.reason.as_deref() == Some(reason)).count();
    assert_eq!((refused("wrong_login"), refused("throttled")), (5, 1));
    assert!(refusals.iter().any(|entry| entry.event.target.as_ref().is_some_and(|on| *on.id == *kim.id)));
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_answered_alike() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    stand.somebody(&root, "t1", "kim", "user").await;
    let mut answers = Vec::new();
    for (tenant, name) in
        [("t1", "kim"), ("t1", "lee"), ("t2", "kim"), ("gone", "kim"), ("never", "kim"), ("_operators", "kim")]
    {
        let body = json!({"tenant": tenant, "login_name": name, "password": "wrong"});
        let mut answer = stand.send(Ask::post("/auth/login").json(&body)).await;
        answer.body["request_id"].take();
        answers.push((answer.status, answer.body));
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    for name in ["kim", "lee"] {
        let forgot = stand.send(Ask::post("/auth/forgot").json(&json!({"login_name": name}))).await;
        assert_eq!((forgot.status, forgot.body), (202, json!(null)));
    }
}

/// Wrong tokens and keys of one address are written one by one up to ten, and then summed up.
#[tokio::test]
async fn what_opens_nothing_is_written_and_does_not_fill_the_trail() {
    let stand = Stand::new().await;
    let before = stand.trail().await.len();
    for number in 0..35 {
        let ask = Ask::new(Method::GET, "/auth/me").from([10, 0, 0, 3]);
        let ask = match number % 5 {
            0 => ask,
            1 => ask.bearer("hidden-token"),
            2 => ask.bearer(&"A".repeat(43)),
            3 => ask.cookie(&"A".repeat(43)).bearer(&"A".repeat(43)),
            _ => ask.header("cookie", "mt_session=a; mt_session=a"),
        };
        let answer = stand.send(ask.header("x-request-id", format!("r-{number}"))).await;
        assert_eq!((answer.status, answer.headers["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let trail = stand.trail().await;
    assert_eq!(trail.len() - before, 10);
    for entry in &trail[..10] {
        let event = &entry.event;
        assert_eq!((event.action.as_str(), event.outcome), ("access.refused", Outcome::Refused));
        assert_eq!(&*event.target.as_ref().unwrap().id, "GET /auth/me");
        assert!(event.request_id.is_some() && event.address.is_some());
    }
    assert!(!format!("{trail:?}").contains("hidden"));
}
