//! The protected routes of the contract, for checks that go through all of them.

use reqwest::Method;
use serde_json::{Value, json};

/// A protected route with a verb.
pub(crate) struct Route {
    pub(crate) verb: &'static str,
    /// The path under the prefix, with `{id}` and `{user}`.
    path: &'static str,
    query: &'static str,
    body: Option<fn(&str) -> Value>,
    /// Answers for a deactivated tenant too.
    pub(crate) outlives: bool,
}

/// Every protected route of the contract.
pub(crate) const ROUTES: &[Route] = &[
    Route { outlives: true, ..get("/catalog") },
    Route { verb: "POST", body: Some(activation), outlives: true, ..get("/tenant/{id}/activate") },
    Route { verb: "POST", body: Some(|_| farewell()), outlives: true, ..get("/tenant/{id}/deactivate") },
    Route { outlives: true, ..get("/tenant/{id}/status") },
    Route { query: "?period=2026-01", outlives: true, ..get("/tenant/{id}/usage") },
    get("/tenant/{id}/stats"),
    get("/tenant/{id}/stats/usage-patterns"),
    get("/tenant/{id}/stats/costs"),
    get("/tenant/{id}/costs"),
    get("/tenant/{id}/stats/top-users"),
    get("/tenant/{id}/users"),
    Route { verb: "POST", body: Some(newcomer), ..get("/tenant/{id}/users") },
    get("/tenant/{id}/users/{user}"),
    Route { verb: "PUT", body: Some(|_| json!({"name": "renamed"})), ..get("/tenant/{id}/users/{user}") },
    Route { verb: "DELETE", ..get("/tenant/{id}/users/{user}") },
    get("/tenant/{id}/resources"),
    get("/tenant/{id}/settings"),
    Route { verb: "PUT", body: Some(|_| json!({"branding": {}})), ..get("/tenant/{id}/settings") },
    get("/tenant/{id}/limits"),
];

const fn get(path: &'static str) -> Route {
    Route { verb: "GET", path, query: "", body: None, outlives: false }
}

impl Route {
    /// Verb and path, as reports name it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.verb, self.path)
    }

    pub(crate) fn method(&self) -> Method {
        Method::from_bytes(self.verb.as_bytes()).expect("the table above holds plain verbs")
    }

    /// The path under the prefix, for that tenant and user.
    pub(crate) fn path(&self, tenant: &str, user: &str) -> String {
        format!("{}{}", self.path.replace("{id}", tenant).replace("{user}", user), self.query)
    }

    /// A well-formed body, if the route takes one.
    pub(crate) fn body(&self, tenant: &str) -> Option<Value> {
        self.body.map(|make| make(tenant))
    }
}

/// The body with which the run activates a tenant.
pub(crate) fn activation(tenant: &str) -> Value {
    json!({
        "tenant_id": tenant,
        "tenant_name": format!("Conformance {tenant}"),
        "plan": "mtt-plan",
        "features": ["chat", "rag"],
        "contact": {"email": format!("{tenant}@example.com").to_lowercase(), "name": "Conformance Tester"},
    })
}

/// The body with which the run ends a tenant.
pub(crate) fn farewell() -> Value {
    json!({"reason": "admin_request", "preserve_data": false})
}

fn newcomer(tenant: &str) -> Value {
    json!({"email": format!("newcomer@{tenant}.example.com").to_lowercase(), "name": "Newcomer"})
}
