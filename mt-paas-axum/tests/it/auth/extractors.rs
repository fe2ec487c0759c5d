//! What a service's own handlers learn of who is there.

use axum::Router;
use axum::routing::{get, post};
use mt_paas_axum::audit::AuditLayer;
use mt_paas_axum::auth::{ClientKey, Doorkeeper, RequireRole, Session, SessionCookie};
use mt_paas_axum::error::Problem;
use mt_paas_axum::http::Method;
use mt_paas_axum::request_id::RequestIdLayer;
use mt_paas_core::audit::{Action, AuditContext};
use mt_paas_core::auth::Access;
use serde_json::{Value, json};

use super::{Ask, PASSWORD, Stand};

/// What the service does.
const OWN: Action = Action::named("own.act");

async fn chat(key: ClientKey) -> Result<String, Problem> {
    key.demand("chat")?;
    Ok(json!(AuditContext::current().actor.kind.as_str()).to_string())
}

async fn reports(key: ClientKey) -> Result<(), Problem> {
    Ok(key.demand("reports")?)
}

async fn whoever(session: Option<Session>, key: Option<ClientKey>) -> String {
    json!([session.map(|session| session.principal.login_name.clone()), key.map(|key| key.key.name.clone())])
        .to_string()
}

impl Stand {
    /// The same accounts with a service's own routes.
    fn with_own_routes(mut self) -> Self {
        let console = Router::new().route("/console", get(async || ""));
        let school = Router::new().route("/t/{tenant_id}/admin", get(async || ""));
        let cookie = SessionCookie::of_site(self.accounts.public_url(), false).unwrap();
        let keeper = Doorkeeper::new(self.accounts.clone(), self.store.clone(), cookie);
        self.router = Router::new()
            .route("/chat", post(chat))
            .route("/reports", get(reports))
            .route("/whoever", get(whoever))
            .route(
                "/own",
                post(async |_: Session| "").layer(AuditLayer::for_administrators(self.store.clone()).always(OWN)),
            )
            .merge(console.layer(RequireRole::of_operators(Access::Viewer)))
            .merge(school.layer(RequireRole::of_path(Access::Admin, "tenant_id")))
            .layer(keeper)
            .route("/unguarded", get(async |_: Session| ""))
            .layer(RequestIdLayer);
        self
    }
}

#[tokio::test]
async fn handlers_learn_who_is_there_and_roles_are_asked_for_around_them() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let viewer = stand.somebody(&root, "_operators", "viewer", "viewer").await;
    let admin = stand.somebody(&root, "t1", "admin", "admin").await;
    let user = stand.somebody(&root, "t1", "user", "user").await;
    let key = stand.key(&user).await["key"].as_str().unwrap().to_owned();
    let first = json!({"login_name": "first", "name": "N", "password": PASSWORD});
    stand.ask(&root, Method::POST, "/admin/tenants/t1/people", &first, 201).await;
    let first = stand.send(Ask::post("/auth/login").json(&json!({"login_name": "first", "password": PASSWORD}))).await;
    let first = first.body["token"].as_str().unwrap().to_owned();
    let stand = stand.with_own_routes();
    let ask = |path: &str, token: &str| {
        Ask::new(if path == "/chat" { Method::POST } else { Method::GET }, path).bearer(token)
    };
    let none = |path: &str| Ask::new(Method::GET, path);
    let (most, last) = key.split_at(key.len() - 1);
    let mistyped = format!("{most}{}", if last == "x" { "y" } else { "x" });
    for (ask, status, said) in [
        (none("/console"), 401, json!("UNAUTHORIZED")),
        (ask("/console", &user.token), 403, json!("FORBIDDEN")),
        (ask("/console", &admin.token), 403, json!("FORBIDDEN")),
        (ask("/console", &key), 403, json!("FORBIDDEN")),
        (ask("/console", &viewer.token), 200, Value::Null),
        (ask("/t/t1/admin", &user.token), 403, json!("FORBIDDEN")),
        (ask("/t/t1/admin", &admin.token), 200, Value::Null),
        (ask("/t/t2/admin", &admin.token), 404, json!("TENANT_NOT_FOUND")),
        (ask("/t/never/admin", &admin.token), 404, json!("TENANT_NOT_FOUND")),
        (ask("/t/%00/admin", &admin.token), 404, json!("TENANT_NOT_FOUND")),
        (ask("/t/t2/admin", &viewer.token), 403, json!("FORBIDDEN")),
        (ask("/t/t2/admin", &root.token), 200, Value::Null),
        (ask("/t/t1/admin", &first), 403, json!("PASSWORD_CHANGE_REQUIRED")),
        (ask("/chat", &key), 200, json!("client_key")),
        (none("/reports").header("x-api-key", key.as_str()), 403, json!("INSUFFICIENT_SCOPE")),
        (ask("/chat", &mistyped), 401, json!("INVALID_KEY")),
        (ask("/chat", "sk-other"), 401, json!("INVALID_KEY")),
        (ask("/chat", &user.token), 401, json!("UNAUTHORIZED")),
        (ask("/chat", &key).header("x-api-key", key.as_str()), 401, json!("UNAUTHORIZED")),
        (none("/whoever"), 200, json!([null, null])),
        (ask("/whoever", &user.token), 200, json!(["user", null])),
        (ask("/whoever", &key), 200, json!([null, "k"])),
        (none("/unguarded"), 500, json!("INTERNAL_ERROR")),
    ] {
        let path = ask.path.clone();
        let answer = stand.send(ask).await;
        let body = if status == 200 { answer.body } else { answer.body["error"].clone() };
        assert_eq!((answer.status, body), (status, said), "{path}");
    }
}

#[tokio::test]
async fn an_ended_cookie_is_nobody_where_everybody_may_come() {
    let stand = Stand::new().await.with_own_routes();
    let ended = |path| Ask::new(Method::GET, path).cookie(&"A".repeat(43));
    let whoever = stand.send(ended("/whoever")).await;
    assert_eq!((whoever.status, whoever.body), (200, json!([null, null])));
    assert_eq!(stand.send(ended("/console")).await.status, 401);
}

#[tokio::test]
async fn what_a_service_does_is_told_of_by_whom_it_was_done_for() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let user = stand.somebody(&root, "t1", "user", "user").await;
    let stand = stand.with_own_routes();
    for (who, id) in [(&root, "r-1"), (&user, "r-2")] {
        let ask = Ask::post("/own").bearer(&who.token).header("x-request-id", id).from([10, 0, 0, 8]);
        assert_eq!(stand.send(ask).await.status, 200);
    }
    // Strangers are turned away many times, and do not fill the trail.
    for number in 0..30 {
        let ask = Ask::post("/own").header("x-request-id", format!("s-{number}")).from([10, 0, 0, 9]);
        assert_eq!(stand.send(ask).await.status, 401);
    }
    let trail = stand.trail().await;
    let strangers = trail.iter().filter(|entry| entry.event.address == Some([10, 0, 0, 9].into())).count();
    assert_eq!(strangers, 10);
    for (who, id, kind) in [(&root, "r-1", "operator"), (&user, "r-2", "user")] {
        let told: Vec<_> = trail.iter().filter(|entry| entry.event.request_id.as_deref() == Some(id)).collect();
        let [entry] = told.as_slice() else { panic!("{told:?}") };
        let event = &entry.event;
        assert_eq!((event.action.as_str(), event.actor.kind.as_str()), ("own.act", kind));
        assert_eq!(event.actor.id.as_deref(), Some(&*who.id));
        assert_eq!(event.address.unwrap().to_string(), "10.0.0.8");
    }
}
