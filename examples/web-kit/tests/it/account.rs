//! The page of one's own account.

use crate::browser::Browser;
use crate::stand::{PASSWORD, Stand};

async fn token(browser: &mut Browser) -> String {
    browser.get("/account").await.all(r#"name="csrf_token" value=""#)[0].to_owned()
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let stand = Stand::new().await;
    let (mut here, mut there) = (stand.operator().await, stand.operator().await);
    let page = here.get("/account").await;
    page.says("Chrome · Windows");
    page.says("127.0.0.1");
    assert_eq!(page.body.matches("this device").count(), 1);
    let csrf = token(&mut here).await;
    let mine = page.body.split("<li>").find(|row| row.contains("this device")).unwrap().to_owned();
    let other =
        page.all(r#"action="/account/sessions/"#).into_iter().find(|end| !mine.contains(*end)).unwrap().to_owned();
    let path = format!("/account/sessions/{other}");
    let ended = here.post(&path, &[("csrf_token", &csrf)]).await;
    assert_eq!(ended.to.as_deref(), Some("/account?done=session#sessions"));
    assert_eq!(there.get("/account").await.status, 303);
    let again = here.post(&path, &[("csrf_token", &csrf)]).await;
    assert_eq!(again.status, 404);
    again.says("already");
    let everywhere = here.post("/account/logout-everywhere", &[("csrf_token", &csrf)]).await;
    assert_eq!(everywhere.to.as_deref(), Some("/login?done=everywhere"));
    assert_eq!(here.get("/account").await.status, 303);
}

#[tokio::test]
async fn a_key_is_shown_once_replaced_and_revoked() {
    let stand = Stand::new().await;
    let mut browser = stand.operator().await;
    let csrf = token(&mut browser).await;
    browser.get("/account").await.says("No keys yet");
    let refused = browser
        .post("/account/keys", &[("csrf_token", &csrf), ("name", ""), ("purpose", "test"), ("days", "30")])
        .await;
    assert_eq!(refused.status, 422);
    refused.says(r#"value="test" checked"#);
    refused.says(r#"value="30" selected"#);
    let foreign =
        browser.post("/account/keys", &[("csrf_token", &csrf), ("name", "a"), ("scopes", "everything")]).await;
    assert_eq!(foreign.status, 422);

    let form = [
        ("csrf_token", csrf.as_str()),
        ("name", "월요일 보고서"),
        ("purpose", "live"),
        ("scopes", "chat"),
        ("days", ""),
    ];
    let made = browser.post("/account/keys", &form).await;
    assert_eq!(made.status, 201);
    let key = key_of(&made.body);
    assert!(stand.accounts.key(&key).await.unwrap().scopes.contains("chat"));
    let page = browser.get("/account").await;
    page.says("월요일 보고서");
    assert!(!page.body.contains(&key), "the key is shown again");

    let rotate =
        page.all(r#"action="/account/keys/"#).into_iter().find(|path| path.ends_with("/rotate")).unwrap().to_owned();
    let path = format!("/account/keys/{rotate}");
    let replaced = browser.post(&path, &[("csrf_token", &csrf), ("overlap_hours", "24")]).await;
    assert_eq!(replaced.status, 201);
    let newer = key_of(&replaced.body);
    assert!(newer != key && stand.accounts.key(&newer).await.is_ok() && stand.accounts.key(&key).await.is_ok());
    let revoke = format!("/account/keys/{}", rotate.replace("rotate", "revoke"));
    let revoked = browser.post(&revoke, &[("csrf_token", &csrf)]).await;
    assert_eq!(revoked.to.as_deref(), Some("/account?done=revoked#keys"));
    assert!(stand.accounts.key(&key).await.is_err() && stand.accounts.key(&newer).await.is_ok());
    assert_eq!(browser.post(&revoke, &[("csrf_token", &csrf)]).await.status, 404);
}

#[tokio::test]
async fn other_sites_can_do_nothing_in_somebodys_name() {
    let stand = Stand::new().await;
    let mut browser = stand.operator().await;
    for path in ["/logout", "/account/keys", "/account/logout-everywhere", "/account/password"] {
        let answer = browser.post_from_elsewhere(path, &[("name", "x")]).await;
        assert_eq!((answer.status, answer.header("content-type")), (403, "text/html; charset=utf-8"), "{path}");
    }
    assert_eq!(browser.get("/account").await.status, 200);
    let login = stand.browser().post_from_elsewhere("/login", &[("login_name", "boss"), ("password", PASSWORD)]).await;
    assert_eq!(login.status, 403);
}

#[tokio::test]
async fn many_keys_are_shown_in_pages() {
    let stand = Stand::new().await;
    let mut browser = stand.operator().await;
    let csrf = token(&mut browser).await;
    for n in 0..25 {
        let name = format!("key number {n:02}");
        assert_eq!(browser.post("/account/keys", &[("csrf_token", &csrf), ("name", &name)]).await.status, 201);
    }
    let first = browser.get("/account").await;
    let next = first.all(r#"href="/account?after="#)[0].split('#').next().unwrap().to_owned();
    let second = browser.get(&format!("/account?after={next}")).await;
    for n in 0..25 {
        let name = format!("<strong>key number {n:02}");
        assert_eq!(first.body.matches(&name).count() + second.body.matches(&name).count(), 1, "{name}");
    }
    assert_eq!(second.body.matches("key number 00</strong>").count(), 1);
}

fn key_of(body: &str) -> String {
    let start = body.find("mtp_live_").unwrap();
    body[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
