//! Ways that people take: in, out, and back in after they forgot.

use chrono::TimeDelta;
use mt_paas_core::Secret;

use crate::stand::{OTHER, PASSWORD, Stand};

#[tokio::test]
async fn a_link_sets_a_password_and_lets_its_owner_in() {
    let stand = Stand::new().await;
    let link = stand.person("sky", None).await.unwrap();
    let mut browser = stand.browser();
    // Programs that read mail look at links first, more than once.
    for _ in 0..3 {
        let page = browser.get(&link).await;
        assert_eq!((page.status, page.header("referrer-policy")), (200, "no-referrer"));
        for text in
            ["sky", "acme", "At least 8 characters", "24 Nov 2026, 06:05 (UTC)", r#"autocomplete="new-password""#]
        {
            page.says(text);
        }
        assert!(!page.body.contains(link.rsplit('/').next().unwrap()), "the token stands in the page");
    }
    let refused = browser.post(&link, &[("new_password", "1234567")]).await;
    assert_eq!(refused.status, 422);
    refused.says("at least 8 characters");
    let set = browser.post(&link, &[("new_password", PASSWORD)]).await;
    assert_eq!((set.status, set.to.as_deref()), (303, Some("/t/acme")), "{}", set.body);
    browser.get("/t/acme").await.says("김하늘");
    let ended = browser.get(&link).await;
    assert_eq!((ended.status, ended.header("referrer-policy")), (410, "no-referrer"));
    ended.says(r#"href="/t/acme/forgot""#);
    assert_eq!(browser.post(&link, &[("new_password", OTHER)]).await.status, 410);
    assert_eq!(browser.get("/set-password/nonsense").await.status, 410);
}

#[tokio::test]
async fn browsers_that_send_no_origin_from_such_a_page_can_set_the_password() {
    let stand = Stand::new().await;
    let link = stand.person("sky", None).await.unwrap();
    let elsewhere = stand.browser().post_from_elsewhere(&link, &[("new_password", PASSWORD)]).await;
    assert_eq!(elsewhere.status, 403);
    elsewhere.says("Load the page again");
    for site in ["cross-site", "same-site"] {
        let framed = stand.browser().post_without_origin(&link, site, &[("new_password", PASSWORD)]).await;
        assert_eq!(framed.status, 403, "{site}");
    }
    let set = stand.browser().post_without_origin(&link, "same-origin", &[("new_password", PASSWORD)]).await;
    assert_eq!(set.status, 303, "{}", set.body);
}

#[tokio::test]
async fn whoever_forgot_gets_a_link_and_nobody_learns_who_exists() {
    let stand = Stand::empty().await;
    let setup = stand.accounts.setup_token().await.unwrap().unwrap();
    let mut browser = stand.browser();
    let path = format!("/setup/{}", setup.expose());
    let first = [("login_name", "boss"), ("name", "Boss"), ("email", "boss@b.kr"), ("new_password", PASSWORD)];
    assert_eq!(browser.get(&path).await.status, 200);
    let weak = browser.post(&path, &[("login_name", "boss"), ("email", "boss@b.kr"), ("new_password", "short")]).await;
    assert_eq!(weak.status, 422);
    weak.says(r#"value="boss@b.kr""#);
    assert_eq!(browser.post(&path, &first).await.to.as_deref(), Some("/home"));
    assert_eq!(browser.post(&path, &first).await.status, 410);

    let mut stranger = stand.browser();
    let known = stranger.post("/forgot", &[("login_name", "boss@b.kr")]).await;
    let link = match stand.mailed().await {
        Some(link) => link,
        // Login is by name; the address is another name of nobody.
        None => {
            stranger.post("/forgot", &[("login_name", "boss")]).await;
            stand.mailed().await.unwrap()
        }
    };
    let unknown = stranger.post("/forgot", &[("login_name", "nobody"), ("organisation", "")]).await;
    assert_eq!((known.status, &known.to, &known.body), (unknown.status, &unknown.to, &unknown.body));
    assert_eq!(known.to.as_deref(), Some("/forgot?done=sent"));
    stranger.get("/forgot?done=sent").await.says("mailbox");
    assert_eq!(stranger.post(&link, &[("new_password", OTHER)]).await.to.as_deref(), Some("/home"));
    // The new password ended the session of the setup.
    stand.clock.advance(TimeDelta::seconds(2));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(browser.get("/home").await.to.as_deref(), Some("/login?why=login&next=%2Fhome"));

    let other = stranger.post("/forgot", &[("login_name", "x"), ("organisation", "acme")]).await;
    assert_eq!(other.to.as_deref(), Some("/t/acme/forgot?done=sent"));
    let wrong = stranger.post("/forgot", &[("login_name", "keep me"), ("organisation", "no such/place")]).await;
    assert_eq!(wrong.status, 422);
    wrong.says(r#"value="keep me""#);
}

#[tokio::test]
async fn a_login_leads_on_and_a_wrong_one_keeps_the_name_but_not_the_password() {
    let stand = Stand::new().await;
    let mut browser = stand.browser();
    let wrong = browser.post("/login", &[("login_name", "boss"), ("password", "not that one")]).await;
    assert_eq!(wrong.status, 401);
    wrong.says("The login name or the password is wrong");
    wrong.says(r#"value="boss""#);
    assert!(!wrong.body.contains("not that one"));
    assert!(wrong.body.contains("<title>Error: Log in"));
    let empty = browser.post("/login", &[]).await;
    assert_eq!((empty.status, empty.all(r#"aria-invalid=""#).len()), (422, 2));

    assert_eq!(browser.get("/account").await.to.as_deref(), Some("/login?why=login&next=%2Faccount"));
    let right = [("login_name", "BOSS"), ("password", PASSWORD)];
    let came = browser.post("/login?why=login&next=%2Faccount", &right).await;
    assert_eq!((came.status, came.to.as_deref()), (303, Some("/account")));
    browser.get("/login").await.says("You are logged in as");
    let token = browser.get("/account").await.all(r#"name="csrf_token" value=""#)[0].to_owned();
    let out = browser.post("/logout", &[("csrf_token", &token)]).await;
    assert_eq!(out.to.as_deref(), Some("/login?done=out"));
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    browser.get("/login?done=out").await.says("You are logged out.");
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let stand = Stand::new().await;
    let tricks = [
        "//a.kr",
        "///a.kr",
        "/\\a.kr",
        "\\/a.kr",
        "https://a.kr",
        "https:a.kr",
        "javascript:alert(1)",
        "/\t/a.kr",
        "/%09/a.kr/../",
        "a.kr",
        " //a.kr",
        "/..//a.kr",
        "/%2e%2e//a.kr",
        "",
        "\r\nSet-Cookie: a=b",
    ];
    for next in tricks {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let path = format!("/login?{query}");
        let answer = stand.browser().post(&path, &[("login_name", "boss"), ("password", PASSWORD)]).await;
        let at = url::Url::parse(&stand.base).unwrap();
        let to = answer.to.unwrap();
        assert_eq!(at.join(&to).unwrap().origin(), at.origin(), "{next:?} led to {to}");
        assert_eq!(to, "/home", "{next:?}");
    }
    let path = "/login?next=/a%3Fb%3D%2F%2Fc%23d";
    let answer = stand.browser().post(path, &[("login_name", "boss"), ("password", PASSWORD)]).await;
    assert_eq!(answer.to.as_deref(), Some("/a?b=//c#d"));
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_page_says_how_long() {
    let stand = Stand::new().await;
    let mut browser = stand.browser();
    let mut last = None;
    for _ in 0..8 {
        last = Some(browser.post("/login", &[("login_name", "boss"), ("password", "a wrong one")]).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").parse::<u32>().unwrap() > 0);
    last.says("Too many tries. Wait");
    last.says(r#"value="boss""#);
}

#[tokio::test]
async fn a_password_that_others_know_has_to_go_first() {
    let stand = Stand::empty().await;
    assert!(stand.accounts.seed_first("admin", &Secret::from("admin"), true).await.unwrap());
    let mut browser = stand.browser();
    browser.post("/login", &[("login_name", "admin"), ("password", "admin")]).await;
    for path in ["/home", "/account"] {
        let to = browser.get(path).await.to.unwrap();
        assert_eq!(to, format!("/account/password?next=%2F{}", &path[1..]));
    }
    let page = browser.get("/account/password?next=%2Fhome").await;
    page.says("Others know your password");
    let token = page.all(r#"name="csrf_token" value=""#)[0].to_owned();
    let send = |current: &'static str, new: &'static str| {
        [("csrf_token", token.clone()), ("current_password", current.into()), ("new_password", new.into())]
    };
    let mut change = async |current: &'static str, new: &'static str| {
        let form = send(current, new);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/account/password?next=%2Fhome", &form).await
    };
    assert_eq!(change("wrong", PASSWORD).await.status, 403);
    assert_eq!(change("", PASSWORD).await.status, 422);
    change("admin", "tooshort").await.says("at least 15 characters");
    change("admin", "administrator admin").await.says("well-known word");
    assert_eq!(change("admin", PASSWORD).await.to.as_deref(), Some("/home"));
    assert_eq!(browser.get("/home").await.status, 200);
}

#[tokio::test]
async fn people_of_a_tenant_find_their_own_login_again() {
    let stand = Stand::new().await;
    let link = stand.person("sky", None).await.unwrap();
    let mut browser = stand.browser();
    browser.post(&link, &[("new_password", PASSWORD)]).await;
    browser.cookies.remove("mt_session");
    let to = browser.get("/account").await.to.unwrap();
    assert_eq!(to, "/t/acme/login?why=login&next=%2Faccount");
    browser.get(&to).await.says("For the people of acme.");
    let came = browser.post(&to, &[("login_name", "sky"), ("password", PASSWORD)]).await;
    assert_eq!(came.to.as_deref(), Some("/account"));
    // An account of a tenant is none of the operators.
    let operators = stand.browser().post("/login", &[("login_name", "sky"), ("password", PASSWORD)]).await;
    assert_eq!(operators.status, 401);
    assert_eq!(stand.browser().get("/t/_operators/login").await.status, 404);
}
