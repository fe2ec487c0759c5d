//! The life of sessions, in two processes.

use std::time::{Duration, Instant};

use mt_paas_axum::http::Method;
use mt_paas_core::StandardAPIHandler;
use mt_paas_core::standard_api::{DeactivateReason, DeactivateRequest};
use serde_json::{Value, json};

use super::{Ask, OTHER, PASSWORD, Somebody, Stand};

/// Within this time every process knows that a session is over.
const EFFECT: Duration = Duration::from_secs(1);

impl Stand {
    async fn me(&self, token: &str) -> u16 {
        self.send(Ask::new(Method::GET, "/auth/me").bearer(token)).await.status
    }

    /// Keeps using a session until it is refused; it has to be within a second of `since`.
    async fn ends(&self, token: &str, since: Instant, why: &str) {
        while self.me(token).await == 200 {
            assert!(since.elapsed() < EFFECT, "open {:?} after {why}", since.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.me(token).await, 401, "{why}");
    }
}

#[tokio::test]
async fn whatever_ends_a_session_ends_it_in_every_process_within_a_second() {
    let (one, why) = (
        Stand::new().await,
        [
            "logout",
            "logout everywhere",
            "ended from the list",
            "password",
            "logged out by an administrator",
            "disabled",
            "demoted",
            "removed",
            "tenant closed",
        ],
    );
    let two = one.second().await;
    let root = one.operator().await;
    for (number, why) in why.into_iter().enumerate() {
        let who = one.somebody(&root, "t2", &format!("kim{number}"), "viewer").await;
        let open = Somebody::of(&one.log_in(&who, PASSWORD).await.body);
        let person = format!("/admin/tenants/t2/people/{}", who.id);
        // Both processes remember it.
        assert_eq!((one.me(&open.token).await, two.me(&open.token).await), (200, 200), "{why}");
        let by = |method, path: &str, body: Value, status| {
            let (path, one, root) = (path.to_owned(), &one, &root);
            async move { one.ask(root, method, &path, &body, status).await }
        };
        match why {
            "logout" => drop(one.ask(&open, Method::POST, "/auth/logout", &Value::Null, 204).await),
            "logout everywhere" => {
                one.ask(&who, Method::POST, "/auth/logout-everywhere", &Value::Null, 204).await;
            }
            "ended from the list" => {
                let listed = one.ask(&open, Method::GET, "/auth/sessions", &Value::Null, 200).await;
                let sessions = listed["sessions"].as_array().unwrap();
                let current: Vec<_> = sessions.iter().filter(|session| session["current"] == true).collect();
                assert_eq!((sessions.len(), current.len()), (2, 1));
                let path = format!("/auth/sessions/{}", current[0]["id"].as_str().unwrap());
                one.ask(&who, Method::DELETE, &path, &Value::Null, 204).await;
                assert_eq!(two.me(&who.token).await, 200, "the other one stays");
            }
            "password" => {
                let body = json!({"current_password": PASSWORD, "new_password": OTHER});
                let opened = one.ask(&who, Method::PUT, "/auth/password", &body, 200).await;
                let fresh = Somebody::of(&opened);
                assert!(fresh.token != who.token && fresh.token != open.token);
                assert_eq!(two.me(&fresh.token).await, 200);
                assert_eq!((one.log_in(&who, PASSWORD).await.status, one.log_in(&who, OTHER).await.status), (401, 200));
            }
            "logged out by an administrator" => {
                by(Method::POST, &format!("{person}/logout"), Value::Null, 204).await;
            }
            "disabled" => drop(by(Method::PATCH, &person, json!({"status": "inactive"}), 200).await),
            "demoted" => drop(by(Method::PATCH, &person, json!({"access": "user"}), 200).await),
            "removed" => drop(by(Method::DELETE, &person, Value::Null, 204).await),
            _ => {
                let closing = DeactivateRequest { reason: DeactivateReason::AdminRequest, preserve_data: true };
                one.handler().deactivate_tenant(&who.tenant(), closing).await.unwrap();
            }
        }
        let since = Instant::now();
        two.ends(&open.token, since, why).await;
        one.ends(&open.token, since, why).await;
    }
}

#[tokio::test]
async fn a_login_shows_who_came_in_and_a_cookie_is_rotated_in_its_place() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let kim = stand.somebody(&root, "t1", "kim", "user").await;
    let opened = stand.log_in(&kim, PASSWORD).await;
    assert_eq!((opened.status, &opened.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    assert_eq!((&opened.body["token_type"], &opened.body["must_change_password"]), (&json!("Bearer"), &json!(false)));
    assert_eq!(
        opened.body["user"],
        json!({"tenant_id": "t1", "user_id": kim.id, "login_name": "kim", "name": "N", "access": "user", "must_change_password": false})
    );
    let token = Somebody::of(&opened.body).token;
    let by_cookie = |method, path| Ask::new(method, path).cookie(&token).header("sec-fetch-site", "same-origin");
    let body = json!({"current_password": PASSWORD, "new_password": OTHER});
    let changed = stand.send(by_cookie(Method::PUT, "/auth/password").json(&body)).await;
    assert_eq!((changed.status, &changed.body["token"]), (200, &Value::Null), "{}", changed.body);
    let cookie = changed.headers["set-cookie"].to_str().unwrap();
    let (pair, flags) = cookie.split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
    let fresh = pair.strip_prefix("mt_session=").unwrap();
    assert_ne!(fresh, token);
    assert_eq!((stand.me(&token).await, stand.me(fresh).await), (401, 200));
    let out = stand.send(Ask::post("/auth/logout").cookie(fresh).header("sec-fetch-site", "same-origin")).await;
    let cleared = out.headers["set-cookie"].to_str().unwrap();
    assert_eq!((out.status, cleared), (204, "mt_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"));
    assert_eq!(stand.me(fresh).await, 401);
}

#[tokio::test]
async fn wrong_passwords_of_somebody_who_is_logged_in_do_not_log_them_out() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let kim = stand.somebody(&root, "t1", "kim", "user").await;
    for (current, new, status, code, loc) in [
        ("wrong", OTHER, 403, "WRONG_PASSWORD", None),
        (PASSWORD, PASSWORD, 422, "INVALID_REQUEST", Some("new_password")),
        (PASSWORD, "short", 422, "INVALID_REQUEST", Some("new_password")),
    ] {
        let body = json!({"current_password": current, "new_password": new});
        let refused = stand.ask(&kim, Method::PUT, "/auth/password", &body, status).await;
        assert_eq!(refused["error"], code);
        assert_eq!(refused["details"]["fields"][0]["loc"][1].as_str(), loc, "{refused}");
    }
    assert_eq!(stand.me(&kim.token).await, 200);
}

#[tokio::test]
async fn keys_are_shown_once_rotated_and_revoked() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let kim = stand.somebody(&root, "t1", "kim", "user").await;
    let made = stand.key(&kim).await;
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert!(key.starts_with("mtp_live_") && made["scopes"] == json!(["chat"]), "{made}");
    let rotated =
        stand.ask(&kim, Method::POST, &format!("/auth/keys/{id}/rotate"), &json!({"overlap_hours": 1}), 201).await;
    assert_ne!(rotated["key"], made["key"]);
    let works = async |key: &Value| stand.accounts.key(key.as_str().unwrap()).await.is_ok();
    assert!(works(&made["key"]).await && works(&rotated["key"]).await);
    stand.clock.advance(chrono::TimeDelta::hours(2));
    tokio::time::sleep(EFFECT).await;
    assert!(!works(&made["key"]).await && works(&rotated["key"]).await);
    let listed = stand.ask(&kim, Method::GET, "/auth/keys", &Value::Null, 200).await;
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(&key[9..]), "a key is shown once");
    let path = format!("/auth/keys/{}", rotated["id"].as_str().unwrap());
    stand.ask(&kim, Method::DELETE, &path, &Value::Null, 204).await;
    assert!(!works(&rotated["key"]).await);
    stand.ask(&kim, Method::DELETE, &path, &Value::Null, 404).await;
}
