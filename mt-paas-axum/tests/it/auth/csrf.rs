//! What other sites make a browser send.

use axum::body::Body;
use mt_paas_axum::http::Method;
use mt_paas_core::auth::SessionToken;
use serde_json::{Value, json};

use super::{Ask, OTHER, PASSWORD, Somebody, Stand};

const OWN: &str = "http://127.0.0.1:8000";

/// What a signed-in administrator would lose.
fn targets(victim: &str, session: &str) -> Vec<(Method, String, Value, u16)> {
    let person = format!("/admin/tenants/t1/people/{victim}");
    vec![
        (Method::POST, "/auth/keys".into(), json!({"name": "k", "scopes": ["chat"]}), 201),
        (Method::POST, "/admin/tenants/t1/people".into(), json!({"login_name": "new", "name": "N"}), 201),
        (Method::PATCH, person.clone(), json!({"status": "inactive"}), 200),
        (Method::POST, format!("{person}/logout"), Value::Null, 204),
        (Method::DELETE, person, Value::Null, 204),
        (Method::DELETE, format!("/auth/sessions/{session}"), Value::Null, 204),
        (Method::PUT, "/auth/password".into(), json!({"current_password": PASSWORD, "new_password": OTHER}), 200),
        (Method::POST, "/auth/logout-everywhere".into(), Value::Null, 204),
    ]
}

/// How a request of another site arrives.
fn attacks(ask: impl Fn() -> Ask, body: &Value, form_token: &str) -> Vec<(&'static str, Ask)> {
    let json = || ask().json(body);
    let form = || format!("csrf_token={form_token}&a=1");
    let other = SessionToken::generate().form_token();
    vec![
        ("another site", json().header("sec-fetch-site", "cross-site").header("origin", "https://evil.example")),
        ("a sibling", json().header("sec-fetch-site", "same-site").header("origin", "http://127.0.0.1:9000")),
        (
            "another site that knows the token",
            json().header("sec-fetch-site", "cross-site").header("x-csrf-token", form_token),
        ),
        ("an old browser", json().header("origin", "https://evil.example")),
        ("a hidden origin", json().header("origin", "null")),
        ("an origin that begins alike", json().header("origin", format!("{OWN}0"))),
        ("nothing said", json()),
        ("text", ask().text("text/plain", &body.to_string())),
        ("a form", ask().text("application/x-www-form-urlencoded", "a=1").header("origin", "https://evil.example")),
        ("a form without origin", ask().text("application/x-www-form-urlencoded", "a=1")),
        ("a form in parts", ask().text("multipart/form-data; boundary=x", "--x--")),
        (
            "a form with a token, from a sibling",
            ask().text("application/x-www-form-urlencoded", &form()).header("sec-fetch-site", "same-site"),
        ),
        ("the token of another session", json().header("x-csrf-token", &other)),
        (
            "our page with the token of another session",
            json().header("sec-fetch-site", "same-origin").header("x-csrf-token", &other),
        ),
        ("two origins", json().header("origin", OWN).header("origin", "https://evil.example")),
        ("two sites", json().header("sec-fetch-site", "same-origin").header("sec-fetch-site", "cross-site")),
        (
            "sites that disagree",
            json().header("sec-fetch-site", "same-origin").header("origin", "https://evil.example"),
        ),
    ]
}

#[tokio::test]
async fn no_other_site_changes_anything() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let admin = stand.somebody(&root, "t1", "admin", "admin").await;
    let victim = stand.somebody(&root, "t1", "victim", "user").await;
    let another = Somebody::of(&stand.log_in(&admin, PASSWORD).await.body);
    let listed = stand.ask(&another, Method::GET, "/auth/sessions", &Value::Null, 200).await;
    let other = listed["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    let form_token = admin.token.parse::<SessionToken>().unwrap().form_token();
    let targets = targets(&victim.id, other["id"].as_str().unwrap());
    let before = stand.tables().await;
    let mut tried = 0;
    for (method, path, body, _) in &targets {
        let ask = || Ask::new(method.clone(), path).cookie(&admin.token);
        for (name, attack) in attacks(ask, body, &form_token) {
            let answer = stand.send(attack).await;
            assert_eq!(
                (answer.status, &answer.body["error"]),
                (403, &json!("CSRF_REFUSED")),
                "{method} {path}: {name}"
            );
            tried += 1;
        }
    }
    // Whoever is made to log in as somebody else writes into somebody else's account.
    let login = "login_name=admin&password=x";
    for (name, attack) in [
        ("a form", Ask::post("/auth/login").text("application/x-www-form-urlencoded", login)),
        (
            "a form of a sibling",
            Ask::post("/auth/login")
                .text("application/x-www-form-urlencoded", login)
                .header("sec-fetch-site", "same-site"),
        ),
        (
            "a form with what a browser remembers",
            Ask::post("/auth/login")
                .text("application/x-www-form-urlencoded", login)
                .header("authorization", "Basic YTpi"),
        ),
        ("text", Ask::post("/auth/login").text("text/plain", "{}").header("origin", "https://evil.example")),
        (
            "a form in parts",
            Ask::post("/auth/login").text("multipart/form-data; boundary=x", "--x--").header("origin", "null"),
        ),
    ] {
        assert_eq!(stand.send(attack).await.status, 403, "{name}");
        tried += 1;
    }
    assert!(tried >= 60, "{tried}");
    assert!(stand.tables().await == before, "another site changed something");
    // The same from pages of the service: each of these would have changed something.
    let ways: [&dyn Fn(Ask) -> Ask; 4] = [
        &|ask| ask.header("sec-fetch-site", "same-origin").header("origin", OWN),
        &|ask| ask.header("origin", "http://localhost:8000"),
        &|ask| ask.header("x-csrf-token", &form_token),
        &|ask| ask.header("sec-fetch-site", "none").header("x-csrf-token", &form_token),
    ];
    let mut state = before;
    for (number, (method, path, body, status)) in targets.iter().enumerate() {
        let token = if number == targets.len() - 1 { root.token.clone() } else { admin.token.clone() };
        let way = if number == targets.len() - 1 { ways[0] } else { ways[number % ways.len()] };
        let answer = stand.send(way(Ask::new(method.clone(), path).cookie(&token).json(body))).await;
        assert_eq!(answer.status, *status, "{method} {path}: {}", answer.body);
        let after = stand.tables().await;
        assert!(after != state, "{method} {path} changes nothing, and so proves nothing");
        state = after;
    }
}

#[tokio::test]
async fn a_form_of_our_pages_comes_through_with_its_body() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let form_token = root.token.parse::<SessionToken>().unwrap().form_token();
    let form =
        |form: &str| Ask::post("/auth/logout").cookie(&root.token).text("application/x-www-form-urlencoded", form);
    for (name, ask, status) in [
        ("a wrong token", form("csrf_token=x").header("sec-fetch-site", "same-origin"), 403),
        ("two tokens", form(&format!("csrf_token={form_token}&csrf_token=x")), 403),
        (
            "a body that is too large",
            {
                let mut ask = form("");
                ask.body = Body::from(vec![b'a'; (1 << 20) + 1]);
                ask
            },
            413,
        ),
        ("its token", form(&format!("a=1&csrf_token={form_token}")), 204),
    ] {
        assert_eq!(stand.send(ask).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_question_changes_nothing() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let victim = stand.somebody(&root, "t1", "victim", "user").await;
    let key = stand.key(&victim).await["id"].as_str().unwrap().to_owned();
    let before = stand.tables().await;
    let mut answered = 0;
    for (operation, (_, pattern, _)) in stand.operations().await {
        for method in [Method::GET, Method::HEAD] {
            let path = pattern.replace("{tenant_id}", "t1").replace("{user_id}", &victim.id).replace("{id}", &key);
            for path in [path.clone(), format!("{path}?_method=DELETE&status=inactive&name=x")] {
                let ask =
                    Ask::new(method.clone(), &path).cookie(&root.token).header("x-http-method-override", "DELETE");
                let answer = stand.send(ask).await;
                assert!(matches!(answer.status, 200 | 405 | 422), "{operation} {method} {path}: {}", answer.status);
                answered += usize::from(answer.status == 200);
            }
        }
    }
    assert!(answered > 12, "{answered}");
    assert!(stand.tables().await == before, "a question changed something");
}
