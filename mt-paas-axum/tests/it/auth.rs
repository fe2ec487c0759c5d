//! Accounts at the doors, on a file that several processes share.

mod csrf;
mod extractors;
mod first;
mod forbidden;
mod life;
mod login;
mod matrix;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use chrono::Utc;
use http_body_util::BodyExt;
use mt_paas_axum::StandardApi;
use mt_paas_axum::auth::{Doorkeeper, MarketKeys, SessionCookie, accounts_routes};
use mt_paas_axum::http::{HeaderMap, Method, Request};
use mt_paas_core::audit::{AuditEntry, AuditQuery, AuditStore};
use mt_paas_core::auth::{Access, Accounts, HashAlgorithm, HasherOptions, PasswordHasher};
use mt_paas_core::clock::StillClock;
use mt_paas_core::fields::FromFields;
use mt_paas_core::standard_api::{ActivateRequest, DeactivateReason, DeactivateRequest};
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::{StandardAPIHandler, StoreHandler, TenantId};
use sea_orm::{FromQueryResult, JsonValue, Statement};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::service::activation;

/// Passwords that everybody here has.
const PASSWORD: &str = "a long horse staple";
const OTHER: &str = "another battery of it";

/// A service that people log in to.
struct Stand {
    store: Arc<SqlStore>,
    clock: Arc<StillClock>,
    accounts: Accounts,
    router: Router,
    folder: Arc<tempfile::TempDir>,
}

/// What somebody sends.
struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Body,
    from: IpAddr,
}

/// What they get.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

/// Somebody who can log in.
#[derive(Clone)]
struct Somebody {
    tenant: String,
    id: String,
    name: String,
    token: String,
}

impl Stand {
    /// With the tenants `t1`, `t2` and `gone`, which was deleted.
    async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let stand = Self::on(folder, Arc::new(StillClock::at(Utc::now()))).await;
        let handler = stand.handler();
        for tenant in ["t1", "t2", "gone"] {
            let request = ActivateRequest::from_body(activation(tenant).as_object().unwrap()).unwrap();
            handler.activate_tenant(request).await.unwrap();
        }
        let closing = DeactivateRequest { reason: DeactivateReason::AdminRequest, preserve_data: false };
        handler.deactivate_tenant(&"gone".parse().unwrap(), closing).await.unwrap();
        stand
    }

    /// Another process of the same service.
    async fn second(&self) -> Self {
        Self::on(self.folder.clone(), self.clock.clone()).await
    }

    async fn on(folder: Arc<tempfile::TempDir>, clock: Arc<StillClock>) -> Self {
        let url = format!("sqlite://{}", folder.path().join("auth.db").display());
        let store = Arc::new(SqlStore::open(&url).await.unwrap());
        let hasher = HasherOptions { algorithm: HashAlgorithm::FOR_TESTS, ..HasherOptions::default() };
        let accounts = Accounts::builder(store.clone(), "Stand")
            .hasher(PasswordHasher::new(hasher))
            .clock(clock.clone())
            .scope("chat", Access::User)
            .scope("reports", Access::Viewer)
            .build()
            .unwrap();
        let cookie = SessionCookie::of_site(accounts.public_url(), false).unwrap();
        let keeper = Doorkeeper::new(accounts.clone(), store.clone(), cookie);
        let handler = Arc::new(StoreHandler::builder(store.clone(), "stand", "1").build().unwrap());
        let api = StandardApi::builder(handler).market_keys(MarketKeys::parse("market-key").unwrap()).docs(true);
        let router = api.routes(accounts_routes(&keeper, "t1".parse().unwrap())).build().unwrap();
        Self { store, clock, accounts, router, folder }
    }

    fn handler(&self) -> StoreHandler {
        StoreHandler::builder(self.store.clone(), "stand", "1").clock(self.clock.clone()).build().unwrap()
    }

    async fn send(&self, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(ask.body).unwrap();
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::new(ask.from, 1)));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends something with a token, and expects a status.
    async fn ask(&self, who: &Somebody, method: Method, path: &str, body: &Value, status: u16) -> Value {
        let answer = self.send(Ask::new(method.clone(), path).bearer(&who.token).json(body)).await;
        assert_eq!(answer.status, status, "{method} {path} of {}: {}", who.name, answer.body);
        answer.body
    }

    /// The first operator, a super administrator.
    async fn operator(&self) -> Somebody {
        let token = self.accounts.setup_token().await.unwrap().unwrap();
        let body = json!({"token": token.expose(), "login_name": "root", "name": "Root", "password": PASSWORD});
        let answer = self.send(Ask::post("/auth/first").json(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        Somebody::of(&answer.body)
    }

    /// Somebody new, who has set a password by the link that they were handed.
    async fn somebody(&self, by: &Somebody, tenant: &str, name: &str, access: &str) -> Somebody {
        let path = format!("/admin/tenants/{tenant}/people");
        let body = json!({"login_name": name, "name": "N", "access": access, "hand_over": true});
        let added = self.ask(by, Method::POST, &path, &body, 201).await;
        let token = added["link"].as_str().unwrap().rsplit('/').next().unwrap();
        let body = json!({"token": token, "new_password": PASSWORD});
        let answer = self.send(Ask::post("/auth/set-password").json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Somebody::of(&answer.body)
    }

    /// A fresh session of somebody.
    async fn log_in(&self, who: &Somebody, password: &str) -> Answer {
        let body = json!({"tenant": who.tenant, "login_name": who.name, "password": password});
        self.send(Ask::post("/auth/login").json(&body)).await
    }

    /// A key of somebody.
    async fn key(&self, who: &Somebody) -> Value {
        self.ask(who, Method::POST, "/auth/keys", &json!({"name": "k", "scopes": ["chat"]}), 201).await
    }

    async fn description(&self) -> Value {
        self.send(Ask::new(Method::GET, "/openapi.json")).await.body
    }

    /// Its own description: by operation id, the method, the path and whether it takes a body.
    async fn operations(&self) -> BTreeMap<String, (Method, String, bool)> {
        let api = self.description().await;
        let mut operations = BTreeMap::new();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if path.starts_with("/auth/") || path.starts_with("/admin/tenants/") {
                    let method = method.to_uppercase().parse().unwrap();
                    let id = operation["operationId"].as_str().unwrap().to_owned();
                    operations.insert(id, (method, path.clone(), operation["requestBody"].is_object()));
                }
            }
        }
        operations
    }

    async fn trail(&self) -> Vec<AuditEntry> {
        let query = AuditQuery { limit: 1_000_000, ..AuditQuery::default() };
        self.store.audit_entries(&query).await.unwrap()
    }

    /// All tables but the trail, which tells of refusals too.
    async fn tables(&self) -> BTreeMap<String, Vec<JsonValue>> {
        let rows = async |sql: String| {
            let statement = Statement::from_string(self.store.reader().get_database_backend(), sql);
            JsonValue::find_by_statement(statement).all(self.store.reader()).await.unwrap()
        };
        let mut tables = BTreeMap::new();
        for table in rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name".into()).await {
            let name = table["name"].as_str().unwrap().to_owned();
            if !name.starts_with("mt_audit") {
                let all = rows(format!("SELECT * FROM {name}")).await;
                tables.insert(name, all);
            }
        }
        assert!(tables["mt_users"].len() > 1 && tables.len() > 8, "{:?}", tables.keys());
        tables
    }
}

impl Ask {
    fn new(method: Method, path: &str) -> Self {
        let from = [127, 0, 0, 1].into();
        Self { method, path: path.to_owned(), headers: Vec::new(), body: Body::empty(), from }
    }

    fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    fn cookie(self, token: &str) -> Self {
        self.header("cookie", format!("mt_session={token}"))
    }

    fn from(mut self, address: impl Into<IpAddr>) -> Self {
        self.from = address.into();
        self
    }

    /// `Null` sends no body.
    fn json(mut self, body: &Value) -> Self {
        if !body.is_null() {
            self.body = Body::from(body.to_string());
            return self.header("content-type", "application/json");
        }
        self
    }

    fn text(mut self, kind: &str, body: &str) -> Self {
        self.body = Body::from(body.to_owned());
        self.header("content-type", kind)
    }
}

impl Somebody {
    fn of(opened: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let user = &opened["user"];
        let (tenant, id, name) = (text(&user["tenant_id"]), text(&user["user_id"]), text(&user["login_name"]));
        Self { tenant, id, name, token: text(&opened["token"]) }
    }

    fn tenant(&self) -> TenantId {
        TenantId::of_console(&self.tenant).unwrap()
    }
}
