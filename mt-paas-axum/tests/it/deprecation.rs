//! What an old route says of its end.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use mt_paas_axum::deprecation::{Deprecation, deprecated};
use tower::ServiceExt;

fn day(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn ask(app: &Router, path: &str) -> Response {
    app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
}

fn announced(answer: &Response) -> bool {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    header("deprecation") == Some("@1794700800")
        && header("sunset") == Some("Sun, 29 Nov 2026 00:00:00 GMT")
        && answer
            .headers()
            .get_all("link")
            .iter()
            .any(|link| link == r#"</mt/tenant/{id}/activate>; rel="successor-version""#)
}

#[tokio::test]
async fn every_answer_under_the_layer_announces_the_end_and_no_other_does() {
    let (since, sunset) = (day("2026-11-15T00:00:00Z"), day("2026-11-29T00:00:00Z"));
    let old = Router::new()
        .route("/old", get(async || "still here"))
        .route("/old/only-post", post(async || ""))
        .route("/old/failing", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/old/linked", get(async || ([("link", "</next>; rel=\"next\"")], "")))
        .layer(deprecated("there is a standard now", since, sunset, "/mt/tenant/{id}/activate"));
    let app = Router::new().route("/new", get(async || "")).merge(old);
    for (path, status) in [("/old", 200), ("/old/only-post", 405), ("/old/failing", 500), ("/old/linked", 200)] {
        let answer = ask(&app, path).await;
        assert!(answer.status() == status && announced(&answer), "{path}: {answer:?}");
        assert!(!format!("{answer:?}").contains("there is a standard now"), "the reason went out: {answer:?}");
    }
    assert_eq!(ask(&app, "/old/linked").await.headers().get_all("link").iter().count(), 2);
    let new = ask(&app, "/new").await;
    assert!(new.status() == 200 && !announced(&new) && !new.headers().contains_key("sunset"));
}

#[tokio::test]
async fn a_removed_route_says_why_and_where_to_go() {
    let answer = Deprecation {
        reason: "use the standard".into(),
        since: day("2026-11-15T00:00:00Z"),
        sunset: day("2026-11-29T00:00:00Z"),
        successor: "/mt/tenant/{id}/activate".into(),
    }
    .gone();
    assert!(answer.status() == 410 && announced(&answer), "{answer:?}");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["error"], &body["message"]), (&"GONE".into(), &"use the standard".into()));
}
