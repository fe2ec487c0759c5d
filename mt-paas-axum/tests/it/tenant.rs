//! Where the tenant of a request is looked for, and what names none.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderName, Request, StatusCode};
use http_body_util::BodyExt;
use mt_paas_axum::tenant::{TenantContext, TenantLayer};
use tower::ServiceExt;

/// An application that says which tenant it sees.
fn app(layer: TenantLayer) -> Router {
    let seen = async |context: Option<TenantContext>| match context {
        Some(TenantContext { tenant, source }) => format!("{tenant} {source:?}"),
        None => "none".to_owned(),
    };
    let needed = async |context: TenantContext| context.tenant.to_string();
    Router::new().route("/needed", get(needed)).fallback(seen).layer(layer)
}

async fn ask(app: Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let answer = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_header_comes_first_then_the_path_the_query_and_the_host() {
    let host = ("host", "sub.service.com");
    for (path, headers, expected) in [
        ("/t/path?tenant_id=query", vec![("x-tenant-id", "header"), host], "header Header"),
        ("/t/path?tenant_id=query", vec![host], "path Path"),
        ("/mt/tenant/path/stats?tenant_id=query", vec![host], "path Path"),
        ("/tenant/path", vec![host], "path Path"),
        ("/x?a=b&tenant_id=que%72y", vec![host], "query Query"),
        ("/x", vec![host], "sub Subdomain"),
        ("/x", vec![], "none"),
        ("/t", vec![], "none"),
        ("/t/", vec![], "none"),
        ("/tea/path", vec![], "none"),
        // What is no id names nobody, and the next place is asked.
        ("/t/_operators", vec![("x-tenant-id", "a b"), host], "sub Subdomain"),
        ("/t/%2e%2e?tenant_id=", vec![("x-tenant-id", "")], "none"),
    ] {
        let (_, seen) = ask(app(TenantLayer::default()), path, &headers).await;
        assert_eq!(seen, expected, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn only_a_name_below_a_domain_is_a_sub_domain() {
    let default = TenantLayer::default();
    let own = TenantLayer::default().domain("service.co.kr");
    for (host, by_default, with_domain) in [
        ("hallym.service.com", "hallym Subdomain", "none"),
        ("hallym.service.com:8000", "hallym Subdomain", "none"),
        ("hallym.service.co.kr", "hallym Subdomain", "hallym Subdomain"),
        ("hallym.Service.co.kr:8000", "hallym Subdomain", "hallym Subdomain"),
        ("service.co.kr", "none", "none"),
        ("service.com", "none", "none"),
        ("www.example.com", "none", "none"),
        ("API.service.co.kr", "none", "none"),
        ("localhost:8000", "none", "none"),
        ("10.0.0.5", "none", "none"),
        ("10.0.0.5:8000", "none", "none"),
        ("[::1]:8000", "none", "none"),
        ("[::ffff:10.0.0.5]:80", "none", "none"),
        ("a.evilservice.co.kr", "a Subdomain", "none"),
        ("a.b.service.co.kr", "a Subdomain", "none"),
    ] {
        assert_eq!(ask(app(default.clone()), "/x", &[("host", host)]).await.1, by_default, "{host}");
        assert_eq!(ask(app(own.clone()), "/x", &[("host", host)]).await.1, with_domain, "{host} with a domain");
    }
}

#[tokio::test]
async fn the_places_can_be_chosen_and_paths_are_excluded_exactly() {
    let header = HeaderName::from_static("x-school");
    let layer = TenantLayer::default().header(header).paths(["/schools"]).exclude(["/health"]);
    for (path, name, expected) in [
        ("/schools/a", "x-tenant-id", "a Path"),
        ("/t/a", "x-tenant-id", "none"),
        ("/t/a", "x-school", "h Header"),
        ("/health", "x-school", "none"),
        ("/healthz-probe", "x-school", "h Header"),
        ("/health/", "x-school", "h Header"),
    ] {
        assert_eq!(ask(app(layer.clone()), path, &[(name, "h")]).await.1, expected, "{path} {name}");
    }
}

#[tokio::test]
async fn a_handler_that_needs_a_tenant_refuses_a_request_without() {
    let layer = TenantLayer::default();
    assert_eq!(ask(app(layer.clone()), "/needed", &[("x-tenant-id", "a")]).await, (StatusCode::OK, "a".into()));
    let (status, body) = ask(app(layer), "/needed", &[]).await;
    assert!(status == StatusCode::BAD_REQUEST && body.contains("INVALID_REQUEST"), "{status} {body}");
}
