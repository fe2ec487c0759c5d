//! Members of bodies that nobody may set, or not so high.

use mt_paas_axum::http::Method;
use mt_paas_core::TenantId;
use mt_paas_core::auth::{Access, AuthStore};
use mt_paas_core::standard_api::{Role, UserStatus};
use mt_paas_core::users::{UserSearch, UserStore};
use serde_json::{Value, json};

use super::{Ask, OTHER, PASSWORD, Somebody, Stand};

/// What an attacker adds to every body.
fn extras() -> Value {
    json!({
        "id": "x", "user_id": "x", "tenant_id": "t2", "owner": "x", "created_at": "2000-01-01T00:00:00Z", "epoch": 9,
        "password_hash": "pbkdf2_sha256$1$eA==$eA==", "has_password": true, "must_change": false,
        "must_change_password": false, "is_active": true, "is_admin": true, "user_role": "admin", "allowed_routes": ["*"],
        "budget": 1e9, "limits": {"max_users": 9}, "expires_in": 9, "max_age": 9, "digest": "x", "revoked_at": null,
        "purposes": ["srv"], "key": "mtp_live_x", "token_type": "x"
    })
}

/// These are members of some bodies; in all others they are nothing.
fn rights() -> Value {
    json!({"access": "super_admin", "role": "admin", "status": "active", "scopes": ["reports"], "tenant": "t2"})
}

/// A body with more members than it has; its own stay.
fn with(body: &Value, more: &[Value]) -> Value {
    let mut members = body.as_object().unwrap().clone();
    for more in more {
        for (name, value) in more.as_object().unwrap() {
            members.entry(name.clone()).or_insert(value.clone());
        }
    }
    Value::Object(members)
}

impl Stand {
    /// Everybody there is, by tenant and login name, with what they may do.
    async fn everybody(&self) -> Vec<(String, String, Access, Role, UserStatus)> {
        let mut all = Vec::new();
        for tenant in [TenantId::operators(), "t1".parse().unwrap(), "t2".parse().unwrap()] {
            let mut search = UserSearch::default();
            search.page.limit = 100;
            for (user, _) in self.store.users(&tenant, &search).await.unwrap().users {
                let account = self.store.account_of(&tenant, &user.id).await.unwrap().unwrap();
                all.push((tenant.to_string(), user.login_name, account.access, user.role, user.status));
            }
        }
        all.sort();
        all
    }
}

#[tokio::test]
async fn no_body_raises_anybody() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let user = stand.somebody(&root, "t1", "user", "user").await;
    let admin = stand.somebody(&root, "t1", "admin", "admin").await;
    let victim = stand.somebody(&root, "t1", "victim", "user").await;
    let before = stand.everybody().await;
    let key = stand.key(&user).await["id"].as_str().unwrap().to_owned();
    let mut sent = Vec::new();
    for (operation, (method, pattern, takes_body)) in stand.operations().await {
        if !takes_body {
            continue;
        }
        let (body, rights) = match operation.as_str() {
            "log_in" => (json!({"login_name": "user", "password": PASSWORD, "tenant": "t1"}), rights()),
            "forgot_password" => (json!({"login_name": "user", "tenant": "t1"}), rights()),
            "set_password" => (json!({"token": "x", "new_password": OTHER}), rights()),
            "first_operator" => (json!({"token": "x", "login_name": "me", "name": "N", "password": OTHER}), rights()),
            "change_password" => (json!({"current_password": PASSWORD, "new_password": OTHER}), rights()),
            // What is theirs to set is tried in the tests below.
            "make_key" => (json!({"name": "k", "scopes": ["chat"]}), rights()),
            "rotate_key" => (json!({}), rights()),
            "add_person" => (json!({"login_name": "new", "name": "N", "access": "user", "role": "user"}), rights()),
            "change_person" => (json!({"name": "N", "access": "user", "role": "user", "status": "active"}), rights()),
            "give_link" => (json!({}), rights()),
            other => panic!("{other} takes a body that nobody tries to abuse"),
        };
        let who = if pattern.starts_with("/admin/") { &admin } else { &user };
        let token = Somebody::of(&stand.log_in(who, PASSWORD).await.body).token;
        let path = pattern.replace("{tenant_id}", "t1").replace("{user_id}", &victim.id).replace("{id}", &key);
        let ask = Ask::new(method, &path).bearer(&token).json(&with(&body, &[extras(), rights]));
        let answer = stand.send(ask).await;
        assert!(answer.status < 300 || answer.status == 410, "{operation}: {} {}", answer.status, answer.body);
        if answer.body["scopes"].is_array() {
            assert_eq!(answer.body["scopes"], json!(["chat"]), "{operation}");
        }
        if operation == "change_password" {
            let back = Somebody::of(&answer.body);
            let body = json!({"current_password": OTHER, "new_password": PASSWORD});
            stand.ask(&back, Method::PUT, "/auth/password", &body, 200).await;
        }
        sent.push(operation);
    }
    assert_eq!(sent.len(), 10, "{sent:?}");
    let after: Vec<_> = stand.everybody().await.into_iter().filter(|(_, name, ..)| name != "new").collect();
    assert_eq!(after, before);
    let new = stand.everybody().await.into_iter().find(|(_, name, ..)| name == "new").unwrap();
    assert_eq!(new, ("t1".into(), "new".into(), Access::User, Role::User, UserStatus::Active));
}

#[tokio::test]
async fn nobody_gives_what_they_may_not_give() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let admin = stand.somebody(&root, "t1", "admin", "admin").await;
    let operator = stand.somebody(&root, "_operators", "operator", "admin").await;
    let user = stand.somebody(&root, "t1", "user", "user").await;
    let before = stand.everybody().await;
    let person = |name: &str, access: &str| json!({"login_name": name, "name": "N", "access": access});
    let at = |who: &Somebody| format!("/admin/tenants/{}/people/{}", who.tenant, who.id);
    let (people, operators) = ("/admin/tenants/t1/people".to_owned(), "/admin/tenants/_operators/people".to_owned());
    let rows = [
        (&admin, Method::POST, people.clone(), person("a", "admin"), 403),
        (&admin, Method::POST, people.clone(), person("a", "super_admin"), 403),
        (&operator, Method::POST, people.clone(), person("a", "admin"), 403),
        (&operator, Method::POST, operators.clone(), person("a", "super_admin"), 403),
        (&root, Method::POST, people, person("a", "super_admin"), 422),
        (&admin, Method::PATCH, at(&user), json!({"access": "admin"}), 403),
        (&admin, Method::PATCH, at(&admin), json!({"access": "super_admin"}), 409),
        (&admin, Method::PATCH, at(&admin), json!({"status": "inactive"}), 409),
        (&operator, Method::PATCH, at(&root), json!({"access": "user"}), 403),
        (&operator, Method::PATCH, at(&root), json!({"name": "Me"}), 403),
        (&operator, Method::DELETE, at(&root), Value::Null, 403),
        (&operator, Method::POST, format!("{}/link", at(&root)), json!({"hand_over": true}), 403),
        (&operator, Method::POST, format!("{}/logout", at(&root)), Value::Null, 403),
        (&root, Method::PATCH, at(&root), json!({"access": "admin"}), 409),
        (&root, Method::DELETE, at(&root), Value::Null, 409),
        (&user, Method::POST, "/auth/keys".into(), json!({"name": "k", "scopes": ["reports"]}), 403),
        (&user, Method::POST, "/auth/keys".into(), json!({"name": "k", "scopes": ["admin"]}), 422),
        (&user, Method::POST, "/auth/keys".into(), json!({"name": "k", "purpose": "srv"}), 422),
    ];
    for (who, method, path, body, status) in rows {
        stand.ask(who, method, &path, &body, status).await;
    }
    assert_eq!(stand.everybody().await, before);
    assert!(stand.store.keys(&user.tenant(), None, None, 10).await.unwrap().is_empty());
}
