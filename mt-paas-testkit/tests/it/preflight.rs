//! Runs that end in one sentence before their first check.

use std::process::Output;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use mt_paas_testkit::{Report, RunError, Suite, Target, Tester, serve_and_test};
use serde_json::json;

use crate::cli::{run, text};
use crate::self_test::{KEY, Service, spawn, spawn_below};

async fn test(service: &Service, more: &[&str]) -> Output {
    run(&[&["test", "--target", &service.url, "--key", &service.key, "--progress"], more].concat()).await
}

/// The only line that was written, to standard error: no check has run.
fn sentence(output: &Output) -> String {
    assert_eq!(text(&output.stdout), "");
    let sentence = text(&output.stderr);
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence
}

#[tokio::test]
async fn a_tenant_that_is_not_there_is_a_wrong_command_line() {
    let output = test(&spawn(None).await, &["--tenant", "school-7"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(sentence(&output).contains("school-7"), "{output:?}");
}

#[tokio::test]
async fn a_tenant_that_is_closed_is_a_wrong_command_line() {
    let service = spawn(None).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |verb: &str, body: serde_json::Value| {
        let url = format!("{}/mt/tenant/school-8/{verb}", service.url);
        let sent = http.post(url).header("X-Market-API-Key", &service.key).json(&body).send().await;
        assert_eq!(sent.unwrap().status(), 200);
    };
    let contact = json!({"email": "a@example.com", "name": "A"});
    let body =
        json!({"tenant_id": "school-8", "tenant_name": "S", "plan": "basic", "features": [], "contact": contact});
    post("activate", body).await;
    post("deactivate", json!({"reason": "admin_request"})).await;
    let output = test(&service, &["--tenant", "school-8"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(sentence(&output).contains("school-8 is deactivated"), "{output:?}");
}

#[tokio::test]
async fn a_key_that_opens_nothing_is_a_wrong_command_line() {
    let mut service = spawn(None).await;
    service.key = "mk_wrong_0a1b2c".into();
    for more in [&[][..], &["--tenant", "school-7"]] {
        let output = test(&service, more).await;
        assert_eq!(output.status.code(), Some(2));
        let sentence = sentence(&output);
        assert!(sentence.contains("X-Market-API-Key") && !sentence.contains(&service.key), "{sentence}");
    }
}

#[tokio::test]
async fn a_target_that_ends_in_the_prefix_is_answered_with_the_right_one() {
    let mut service = spawn(None).await;
    for end in ["/mt", "/mt/"] {
        let target = Target::new(&format!("{}{end}", service.url), KEY).unwrap();
        let error = Tester::new(target).run().await.unwrap_err();
        let expected = RunError::PrefixTwice {
            base: format!("{}/mt", service.url),
            prefix: "/mt".into(),
            instead: service.url.clone(),
        };
        assert_eq!(error, expected);
    }
    let right = std::mem::take(&mut service.url);
    service.url = format!("{right}/mt");
    let output = test(&service, &[]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(sentence(&output).contains(&format!("answers at {right},")), "{output:?}");
}

#[tokio::test]
async fn a_service_may_live_below_a_path_of_the_prefix_s_name() {
    for path in ["/svc", "/mt"] {
        let service = spawn_below(path).await;
        let target = Target::new(&service.url, &service.key).unwrap();
        let report = Tester::new(target).suites(&[Suite::Health, Suite::Users]).run().await.unwrap();
        assert!(report.conformant(true), "{path}\n{report}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_from_silence() {
    let service = spawn(None).await;
    let secure = service.url.replacen("http://", "https://", 1);
    let error = Tester::new(Target::new(&secure, KEY).unwrap()).run().await.unwrap_err();
    assert_eq!(error, RunError::NotTls { base: secure });
    let serve = async |listener| {
        let app = Router::new().fallback(async || vec![b'x'; 9 << 20]);
        axum::serve(listener, app).await.expect("the listener stays open");
    };
    let error = serve_and_test(serve, KEY, Tester::new).await.unwrap_err();
    assert!(matches!(error, RunError::TooLarge { .. }), "{error}");
}

/// A run with an existing tenant against a service that answers every call for a tenant in the same way.
async fn with_all_tenants(status: StatusCode, body: &'static str) -> Result<Report, RunError> {
    let health = async || axum::Json(json!({"status": "healthy", "version": "1.0.0"}));
    let serve = move |listener| async move {
        let fixed = Router::new().route("/mt/health", get(health)).route("/mt/catalog", get(async || "{}"));
        let app = fixed.fallback(async move || (status, body));
        axum::serve(listener, app).await.expect("the listener stays open");
    };
    let named =
        |target: Target| Tester::new(target.existing_tenant("school-9").expect("a tenant id")).suites(&[Suite::Health]);
    serve_and_test(serve, KEY, named).await
}

#[tokio::test]
async fn what_the_service_says_of_the_tenant_decides_whether_the_run_begins() {
    let unknown = with_all_tenants(StatusCode::NOT_FOUND, "").await;
    assert!(matches!(unknown, Err(RunError::UnknownTenant { tenant, .. }) if tenant == "school-9"));
    let refused = with_all_tenants(StatusCode::UNAUTHORIZED, "{}").await;
    assert!(matches!(refused, Err(RunError::KeyRefused { .. })));
    let later = with_all_tenants(StatusCode::SERVICE_UNAVAILABLE, "{}").await;
    assert!(matches!(later, Err(RunError::TenantUnavailable { tenant, .. }) if tenant == "school-9"));
    // What makes no sense is no word about the tenant, and the checks find it.
    for (status, body) in [(StatusCode::OK, "<html>"), (StatusCode::INTERNAL_SERVER_ERROR, ""), (StatusCode::OK, "[]")]
    {
        let judged = with_all_tenants(status, body).await.unwrap();
        assert!(!judged.conformant(false), "{judged}");
    }
}
