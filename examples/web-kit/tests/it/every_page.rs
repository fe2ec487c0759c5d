//! What all pages have in common, in both languages.

use crate::browser::Answer;
use crate::stand::{PASSWORD, Stand};

/// Every page there is, also those that say that something did not work.
async fn all(stand: &Stand, korean: bool) -> Vec<(String, Answer)> {
    let spoken = |browser: crate::browser::Browser| if korean { browser.korean() } else { browser };
    let mut pages = Vec::new();
    let mut stranger = spoken(stand.browser());
    let login_name = format!("sky{}", u8::from(korean));
    let link = stand.person(&login_name, None).await.unwrap();
    let setup = "/setup/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for path in [
        "/login",
        "/t/acme/login",
        "/login?done=out",
        "/login?why=login",
        "/forgot",
        "/t/acme/forgot",
        "/forgot?done=sent",
        link.as_str(),
        setup,
        "/set-password/x",
        "/setup/x",
        "/login/nothing/here",
        "/logout",
    ] {
        pages.push((path.to_owned(), stranger.get(path).await));
    }
    for (path, form) in [
        ("/login", vec![]),
        ("/login", vec![("login_name", "nobody"), ("password", "wrong")]),
        ("/forgot", vec![("organisation", "?")]),
        (link.as_str(), vec![("new_password", "password")]),
        (setup, vec![("login_name", "a"), ("new_password", PASSWORD)]),
    ] {
        pages.push((format!("POST {path} {form:?}"), stranger.post(path, &form).await));
    }
    let mut somebody = spoken(stand.operator().await);
    let csrf = somebody.get("/account").await.all(r#"name="csrf_token" value=""#)[0].to_owned();
    let key = somebody.post("/account/keys", &[("csrf_token", &csrf), ("name", "a & <b>"), ("scopes", "chat")]).await;
    pages.push(("a new key".to_owned(), key));
    pages.push(("a refused key".to_owned(), somebody.post("/account/keys", &[("csrf_token", &csrf)]).await));
    pages.push(("another site".to_owned(), somebody.post_from_elsewhere("/account/keys", &[]).await));
    for path in ["/account", "/account?done=password", "/account/password", "/login"] {
        pages.push((path.to_owned(), somebody.get(path).await));
    }
    let wrong = [("csrf_token", csrf.as_str()), ("current_password", "x"), ("new_password", "y")];
    pages.push(("a refused change".to_owned(), somebody.post("/account/password", &wrong).await));
    pages
}

/// What is wrong with a page; empty for a good one.
fn faults(page: &Answer, tag: &str) -> Vec<String> {
    let body = &page.body;
    let mut faults = Vec::new();
    let mut demand = |good: bool, what: &str| {
        if !good {
            faults.push(what.to_owned());
        }
    };
    demand(page.header("content-type") == "text/html; charset=utf-8", "content type");
    demand(body.contains(&format!("<html lang=\"{tag}\">")), "lang");
    demand(body.matches("<h1>").count() == 1, "one h1");
    demand(body.split("<title>").nth(1).is_some_and(|rest| !rest.starts_with('<')), "title");
    demand(body.contains("<main") && body.contains("name=\"viewport\""), "main and viewport");
    demand(!body.contains("<script") && !has_handler(body), "script");
    demand(!body.contains("style=") && !body.contains("<style"), "inline style");
    demand(!body.contains("http://") && !body.contains("https://"), "other addresses");
    let policy = page.header("content-security-policy");
    demand(
        policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && !policy.contains("unsafe"),
        "policy",
    );
    demand(page.header("x-content-type-options") == "nosniff", "nosniff");
    demand(page.header("cache-control") == "no-store", "no-store");
    demand(matches!(page.header("referrer-policy"), "no-referrer" | "same-origin"), "referrer");
    let ids = page.all(" id=\"");
    for (n, id) in ids.iter().enumerate() {
        demand(!ids[..n].contains(id), &format!("id {id} twice"));
    }
    for label in page.all("<label for=\"") {
        demand(ids.contains(&label), &format!("label for nothing: {label}"));
    }
    for tag in body.split('<').filter(|tag| tag.starts_with("input ") || tag.starts_with("select ")) {
        let tag = tag.split('>').next().unwrap_or_default();
        let kind = ["hidden", "radio", "checkbox"].into_iter().find(|kind| tag.contains(&format!("type=\"{kind}\"")));
        let id = tag
            .split(" id=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .or_else(|| tag.split("id=\"").nth(1)?.split('"').next());
        let labelled = id.is_some_and(|id| body.contains(&format!("<label for=\"{id}\"")));
        // Radio buttons and boxes stand inside of their labels.
        demand(kind.is_some() || labelled || tag.contains("aria-hidden=\"true\""), &format!("no label: {tag}"));
    }
    for form in body.split("<form").skip(1) {
        demand(form.contains("method=\"post\""), "a form that does not post");
    }
    faults
}

fn has_handler(body: &str) -> bool {
    ["onclick=", "onload=", "onsubmit=", "onerror=", "onchange=", "javascript:"].iter().any(|on| body.contains(on))
}

#[tokio::test]
async fn every_page_is_whole_safe_and_labelled() {
    let stand = Stand::new().await;
    for (korean, tag) in [(false, "en"), (true, "ko")] {
        for (name, page) in all(&stand, korean).await {
            assert_eq!(faults(&page, tag), Vec::<String>::new(), "{name}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn the_control_finds_what_is_wrong_with_a_page() {
    let stand = Stand::new().await;
    let page = stand.browser().get("/login").await;
    assert!(faults(&page, "en").is_empty());
    for (from, to) in [
        ("<html lang=\"en\">", "<html>"),
        ("<h1>", "<h1></h1><h1>"),
        ("<label for=\"password\"", "<label for=\"nothing\""),
        ("<main", "<main style=\"color:red\""),
        ("</main>", "<script></script></main>"),
        ("<title>", "<title></title><b>"),
        ("method=\"post\"", "method=\"get\""),
        ("</main>", "<p id=\"main\"></p></main>"),
        ("href=\"/forgot\"", "href=\"https://a.kr\""),
    ] {
        assert!(page.body.contains(from), "{from}");
        let body = page.body.replacen(from, to, 1);
        let headers = page.headers.clone();
        assert!(!faults(&Answer { body, headers, status: 200, to: None }, "en").is_empty(), "{from} → {to}");
    }
    for name in ["content-security-policy", "x-content-type-options", "cache-control", "referrer-policy"] {
        let mut headers = page.headers.clone();
        headers.remove(name);
        let bare = Answer { body: page.body.clone(), headers, status: 200, to: None };
        assert!(!faults(&bare, "en").is_empty(), "{name}");
    }
}

/// Words in Latin letters that people read on a page.
fn latin_words(body: &str) -> Vec<String> {
    let mut text = String::new();
    let mut outside = true;
    let body = body.split("<body").nth(1).unwrap_or_default();
    // Keys and scopes are the same in all languages, and what is marked as English is meant to be.
    let body: String =
        body.split("<code").map(|part| part.split_once("</code>").map_or(part, |(_, rest)| rest)).collect();
    let body = body.replace("lang=\"en\" hreflang=\"en\">English</a>", "></a>");
    for part in body.split_inclusive(['<', '>']) {
        if outside {
            text.push_str(part.trim_end_matches('<'));
            text.push(' ');
        }
        outside = part.ends_with('>');
    }
    text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1).map(str::to_owned).collect()
}

#[tokio::test]
async fn no_english_is_left_on_korean_pages() {
    let stand = Stand::new().await;
    // Names of things, people, keys and units.
    let names = [
        "acme", "boss", "sky", "Chrome", "Windows", "UTC", "API", "ID", "Caps", "Lock", "chat", "people", "read",
        "live", "mtp", "Ctrl", "Mac", "amp", "lt", "gt", "time",
    ];
    for (name, page) in all(&stand, true).await {
        let mut words = latin_words(&page.body);
        words.retain(|word| !names.contains(&word.as_str()));
        assert_eq!(words, Vec::<String>::new(), "{name}");
    }
    // The control: an English page is full of them.
    let english = stand.browser().get("/login").await;
    assert!(latin_words(&english.body).contains(&"Forgot".to_owned()));
}

#[tokio::test]
async fn the_switch_of_languages_keeps_the_place_and_is_remembered() {
    let stand = Stand::new().await;
    let mut browser = stand.browser();
    let english = browser.get("/login?next=%2Faccount").await;
    let switch = english
        .body
        .split("hreflang")
        .next()
        .unwrap()
        .rsplit("href=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    assert_eq!(switch, "?next=%2Faccount&lang=ko");
    let korean = browser.get(&format!("/login{switch}")).await;
    korean.says("로그인");
    korean.says("?next=%2Faccount&amp;lang=en");
    browser.get("/forgot").await.says("비밀번호 찾기");
    let failed = browser.post("/login?next=%2Faccount", &[("login_name", "boss"), ("password", "x")]).await;
    failed.says("아이디 또는 비밀번호가 맞지 않습니다");
    let came = browser.post("/login?next=%2Faccount&lang=ko", &[("login_name", "boss"), ("password", PASSWORD)]).await;
    assert_eq!(came.to.as_deref(), Some("/account"));
    browser.get("/account").await.says("2026. 11. 21. 오후 3:05 (UTC+9)");
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_good_and_asks_nobody_else() {
    let stand = Stand::new().await;
    let mut browser = stand.browser();
    let page = browser.get("/login").await;
    let address = page.all("rel=\"stylesheet\" href=\"")[0];
    assert_eq!(address, web_kit::style_address());
    let style = browser.get(address).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
    let tag = style.header("etag").to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let known = client.get(format!("{}{address}", stand.base)).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(known.status(), 304);
    assert_eq!(browser.get("/kit/style-0.css").await.status, 404);
}

/// The contrast of two colours (WCAG 2.2, 1.4.3).
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let digits: String =
            if colour.len() == 4 { colour[1..].chars().flat_map(|c| [c, c]).collect() } else { colour[1..].to_owned() };
        let linear = |part: &str| {
            let value = f64::from(u8::from_str_radix(part, 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(&digits[..2]) + 0.7152 * linear(&digits[2..4]) + 0.0722 * linear(&digits[4..])
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_can_be_read_in_both_schemes() {
    let style = include_str!("../../src/style.css");
    let (light, dark) = style.split_once("@media (prefers-color-scheme: dark)").unwrap();
    assert!((contrast("#000", "#fff") - 21.0).abs() < 0.01 && contrast("#9ba6b5", "#fff") < 4.5);
    for scheme in [light, dark] {
        let colour = |name: &str| scheme.split(&format!("--{name}: ")).nth(1).unwrap().split(';').next().unwrap();
        for ground in ["ground", "surface"] {
            for text in ["text", "muted", "accent", "good", "warn", "bad"] {
                let found = contrast(colour(text), colour(ground));
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
            let found = contrast(colour("control"), colour(ground));
            assert!(found >= 3.0, "control on {ground}: {found:.2}");
        }
        for (text, ground) in [("on-accent", "accent"), ("on-bad", "bad")] {
            assert!(contrast(colour(text), colour(ground)) >= 4.5, "{text}");
        }
    }
}
