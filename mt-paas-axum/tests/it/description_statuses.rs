//! The statuses of the description are the statuses of the service: every one that is described can be provoked, and
//! whatever is provoked is described.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use mt_paas_axum::compat::Aliases;
use mt_paas_axum::deprecation::{AliasPhase, AliasSchedule};
use mt_paas_core::clock::{Clock, SystemClock};
use mt_paas_core::idempotency::{Claim, Scope};
use mt_paas_core::period::Period;
use mt_paas_core::standard_api::{
    Catalog, LimitsResponse, MockStandardAPIHandler, ResourceFilters, ResourcesResponse, TopUsersQuery,
    TopUsersResponse, UsagePatternsResponse,
};
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::{ApiError, StandardAPIHandler, StoreHandler, TenantId, delegate_standard_api};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::service::{KEY, Service, activation, operations};

/// A tenant that is offered nothing optional.
const MODEST: &str = "modest";

/// The ready-made handler, which offers some operations to some, and whose resources fail by order.
struct Plain {
    store: StoreHandler,
}

fn not_for(tenant: &TenantId) -> Result<(), ApiError> {
    if tenant.as_str() == MODEST { Err(ApiError::not_supported("this")) } else { Ok(()) }
}

#[async_trait]
impl StandardAPIHandler for Plain {
    delegate_standard_api!(store, except[catalog, list_resources, top_users, usage_patterns, limits]);

    fn catalog(&self) -> Catalog {
        Catalog { capabilities: Vec::new(), ..self.store.catalog() }
    }

    async fn list_resources(&self, tenant: &TenantId, filters: ResourceFilters) -> Result<ResourcesResponse, ApiError> {
        not_for(tenant)?;
        match filters.search.as_deref() {
            Some("missing") => Err(ApiError::resource_not_found("r_1")),
            Some("rate") => Err(ApiError::rate_limited(7)),
            _ => self.store.list_resources(tenant, filters).await,
        }
    }

    async fn top_users(&self, tenant: &TenantId, query: TopUsersQuery) -> Result<TopUsersResponse, ApiError> {
        not_for(tenant)?;
        self.store.top_users(tenant, query).await
    }

    async fn usage_patterns(&self, tenant: &TenantId, period: Period) -> Result<UsagePatternsResponse, ApiError> {
        not_for(tenant)?;
        self.store.usage_patterns(tenant, period).await
    }

    async fn limits(&self, tenant: &TenantId) -> Result<LimitsResponse, ApiError> {
        not_for(tenant)?;
        self.store.limits(tenant).await
    }
}

/// A service whose handler is asked for its catalogue once, and panics from then on.
async fn panicking(aliases: Aliases) -> Service {
    let mut mock = MockStandardAPIHandler::new();
    mock.expect_catalog().times(1).returning(catalog);
    Service::start(mock, |api| api.aliases(aliases)).await
}

/// A service whose handler reaches nothing.
async fn unavailable(aliases: Aliases) -> Service {
    macro_rules! fail {
        ($mock:ident: $($operation:ident($($argument:pat),*)),+ $(,)?) => {
            $($mock.$operation().returning(|$($argument),*| Err(ApiError::unavailable("nobody there"))));+
        };
    }
    let mut mock = MockStandardAPIHandler::new();
    mock.expect_catalog().returning(catalog);
    fail!(mock: expect_activate_tenant(_), expect_deactivate_tenant(_, _), expect_tenant_status(_),
        expect_tenant_usage(_, _), expect_tenant_stats(_, _), expect_tenant_costs(_, _), expect_top_users(_, _),
        expect_usage_patterns(_, _), expect_list_users(_, _), expect_create_user(_, _), expect_user(_, _),
        expect_update_user(_, _, _), expect_delete_user(_, _), expect_list_resources(_, _), expect_settings(_),
        expect_update_settings(_, _), expect_limits(_));
    Service::start(mock, |api| api.aliases(aliases)).await
}

fn catalog() -> Catalog {
    let store = Arc::new(MemoryStore::new());
    Catalog { capabilities: Vec::new(), ..StoreHandler::builder(store, "mock", "1").build().unwrap().catalog() }
}

/// One operation, and what has been seen of it.
struct Probe<'a> {
    service: &'a Service,
    method: Method,
    path: String,
    tenant: String,
    user: String,
    /// A query and a body that are good.
    query: &'static str,
    body: Option<Value>,
    /// Status and code of each answer.
    seen: BTreeSet<String>,
}

impl Probe<'_> {
    fn url(&self, tenant: &str, user: &str, query: &str) -> String {
        let path = self.path.replace("{tenant_id}", tenant).replace("{user_id}", user);
        format!("{}{path}?{query}", self.service.base)
    }

    fn bare(&self, tenant: &str, user: &str, query: &str) -> RequestBuilder {
        let request = self.service.http.request(self.method.clone(), self.url(tenant, user, query));
        request.header("X-Market-API-Key", KEY).header("X-API-Key", KEY)
    }

    fn good(&self, tenant: &str) -> RequestBuilder {
        let request = self.bare(tenant, &self.user, self.query);
        match &self.body {
            Some(body) => request.json(&named(body, tenant)),
            None => request,
        }
    }

    async fn send(&mut self, request: RequestBuilder) {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        self.seen.insert(format!("{status} {}", body["error"].as_str().unwrap_or_default()));
    }

    /// Everything that can be wrong with any request.
    async fn everything_wrong(&mut self) {
        let (tenant, user) = (self.tenant.clone(), self.user.clone());
        self.send(self.service.http.request(self.method.clone(), self.url(&tenant, &user, self.query))).await;
        self.send(self.bare(&tenant, &user, &"x".repeat(9_000))).await;
        self.send(self.bare(&tenant, "nobody", self.query).json(&self.body)).await;
        for query in ["limit=0&period=x", "search=rate", "search=missing", ""] {
            self.send(self.bare(&tenant, &user, query)).await;
        }
        for tenant in [&format!("{tenant}_unknown"), "_x", MODEST] {
            self.send(self.good(tenant)).await;
        }
        if self.body.is_some() {
            let request = |kind| self.bare(&tenant, &user, "").header(CONTENT_TYPE, kind);
            let sent = ["{", "[]", "{}"].map(|body| request("application/json").body(body));
            let large = request("application/json").body(vec![b' '; (1 << 20) + 1]);
            let all: Vec<_> = sent.into_iter().chain([request("text/plain").body("{}"), large]).collect();
            for request in all {
                self.send(request).await;
            }
        }
    }

    /// A key for another body than before, and one whose first request never ends.
    async fn repeats(&mut self, store: &dyn Store) {
        if self.method != Method::POST {
            return;
        }
        let tenant = self.tenant.clone();
        self.send(self.good(&tenant).header("Idempotency-Key", "used")).await;
        self.send(self.bare(&tenant, "", "").json(&json!({})).header("Idempotency-Key", "used")).await;
        let body = serde_json::to_vec(&named(self.body.as_ref().unwrap(), &tenant)).unwrap();
        let path = self.path.replace("{tenant_id}", &tenant);
        let kept = Sha256::digest(format!("{path}\nrunning"));
        let scope = Scope {
            market_key: "second".to_owned(),
            route: format!("POST {path}"),
            key: kept.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        let fingerprint = Sha256::digest(&body).into();
        let claim = Claim { scope, token: uuid::Uuid::new_v4(), fingerprint, at: SystemClock.now() };
        store.claim(&claim).await.unwrap();
        let request = self.service.http.post(self.url(&tenant, "", "")).header("Idempotency-Key", "running");
        let request = request.header("X-Market-API-Key", "market_key_456").header("X-API-Key", "market_key_456");
        self.send(request.header(CONTENT_TYPE, "application/json").body(body)).await;
    }

    /// What only some operations refuse.
    async fn rules(&mut self) {
        let tenant = self.tenant.clone();
        let bodies = [
            json!({"features": {"quiz": true}}),
            json!({"tenant_id": "another", "tenant_name": "T", "plan": "p", "features": [],
                "contact": {"email": "a@b.kr", "name": "A"}}),
            json!({"tenant_id": tenant, "tenant_name": "T", "plan": "p", "features": [],
                "contact": {"email": "a@b.kr", "name": "A"}}),
        ];
        let takes_a_body = self.body.is_some();
        for body in bodies.into_iter().filter(|_| takes_a_body) {
            self.send(self.bare(&tenant, &self.user, "").json(&body)).await;
        }
        self.send(self.bare(&tenant, &self.user, "period=2026-13")).await;
        let settings = self.service.request(Method::PUT, &format!("/mt/tenant/{tenant}/settings"));
        settings.json(&json!({"limits": {"max_users": 1}})).send().await.unwrap();
        if self.body.as_ref().is_some_and(|body| body.get("email").is_some()) {
            self.send(self.bare(&tenant, "", "").json(&json!({"email": "one.more@b.kr", "name": "M"}))).await;
        }
    }

    async fn closed(&mut self) {
        let tenant = self.tenant.clone();
        let close = json!({"reason": "admin_request"});
        self.service.post(&format!("/mt/tenant/{tenant}/deactivate"), &close).await;
        self.send(self.good(&tenant)).await;
    }
}

/// The body for a tenant, if it names one.
fn named(body: &Value, tenant: &str) -> Value {
    let mut body = body.clone();
    if body.get("tenant_id").is_some() {
        body["tenant_id"] = json!(tenant);
    }
    body
}

/// A request that succeeds: query and body.
fn good(id: &str) -> (&'static str, Option<Value>) {
    match id {
        "tenant_usage" => ("period=2026-01", None),
        "activate_tenant" | "alias_auto_provision" | "alias_application_approved" => ("", Some(activation("t"))),
        "deactivate_tenant" => ("", Some(json!({"reason": "admin_request"}))),
        "create_user" => ("", Some(json!({"email": "new@b.kr", "name": "N"}))),
        "update_user" => ("", Some(json!({"name": "M"}))),
        "update_settings" => ("", Some(json!({}))),
        _ => ("", None),
    }
}

#[tokio::test]
async fn what_is_described_can_be_seen_and_nothing_else_is() {
    let aliases = || Aliases::new(AliasSchedule::default());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handler = Plain { store: StoreHandler::builder(store.clone(), "test", "1").build().unwrap() };
    let service = Service::start(handler, |api| api.idempotency(store.clone()).aliases(aliases())).await;
    let broken = [panicking(aliases()).await, unavailable(aliases()).await];
    assert_eq!(service.post(&format!("/mt/tenant/{MODEST}/activate"), &activation(MODEST)).await.status(), 200);

    let mut seen = BTreeMap::new();
    for (number, ((method, path), operation)) in operations(&service.api).into_iter().enumerate() {
        let tenant = format!("t{number}");
        let tenants = format!("/mt/tenant/{tenant}");
        assert_eq!(service.post(&format!("{tenants}/activate"), &activation(&tenant)).await.status(), 200);
        let user = service.post(&format!("{tenants}/users"), &json!({"email": "u@b.kr", "name": "U"})).await;
        let user: Value = user.json().await.unwrap();
        let (query, body) = good(operation["operationId"].as_str().unwrap());
        let user = user["user_id"].as_str().unwrap().to_owned();
        let method: Method = method.parse().unwrap();
        let mut probe = Probe { service: &service, method, path, tenant, user, query, body, seen: BTreeSet::new() };
        probe.repeats(&*store).await;
        probe.everything_wrong().await;
        probe.rules().await;
        let tenant = probe.tenant.clone();
        for service in &broken {
            probe.service = service;
            probe.send(probe.good(&tenant)).await;
        }
        probe.service = &service;
        probe.send(probe.good(&tenant)).await;
        probe.closed().await;
        seen.insert((probe.method.to_string(), probe.path), probe.seen);
    }
    let mut wrong = Vec::new();
    for (operation, described) in operations(&service.api) {
        let (described, seen) = (codes(described), &seen[&operation]);
        if described != *seen {
            let [unseen, unheard] = [&described - seen, seen - &described];
            wrong.push(format!("{operation:?}: never seen {unseen:?}, not described {unheard:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The statuses of a description, each with the codes that its text names.
fn codes(operation: &Value) -> BTreeSet<String> {
    let answers = operation["responses"].as_object().unwrap().iter();
    let of_one = |(status, answer): (&String, &Value)| -> Vec<String> {
        if status.starts_with('2') {
            return vec![format!("{status} ")];
        }
        let text = answer["description"].as_str().unwrap().to_owned();
        let named = text.split("; ").filter_map(|part| part.strip_prefix('`')?.split_once("`: "));
        named.map(|(code, _)| format!("{status} {code}")).collect()
    };
    answers.flat_map(of_one).collect()
}

#[tokio::test]
async fn a_removed_path_answers_as_described_too() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let schedule = AliasSchedule { phase: Some(AliasPhase::Removed), ..AliasSchedule::default() };
    let handler = StoreHandler::builder(store.clone(), "test", "1").build().unwrap();
    let service = Service::start(handler, |api| api.idempotency(store.clone()).aliases(Aliases::new(schedule))).await;
    for ((method, path), operation) in operations(&service.api) {
        if !path.starts_with("/api/tenant") {
            continue;
        }
        let (query, body) = good(operation["operationId"].as_str().unwrap());
        let (tenant, user, method) = (MODEST.to_owned(), String::new(), method.parse().unwrap());
        let mut probe = Probe { service: &service, method, path, tenant, user, query, body, seen: BTreeSet::new() };
        probe.everything_wrong().await;
        probe.repeats(&*store).await;
        // The service compares what it answered with its description when it goes.
        assert!(probe.seen.contains("410 GONE") && !probe.seen.contains("200 "));
    }
}
