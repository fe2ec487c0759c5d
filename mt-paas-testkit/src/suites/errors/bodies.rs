//! Bodies that cannot be read.

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "ERR-05", "broken and empty JSON to each writing route", "400 INVALID_REQUEST", live!(broken)),
    Check::new(
        A,
        "ERR-06",
        "a body as text/plain, and one without a Content-Type",
        "415 UNSUPPORTED_MEDIA_TYPE",
        live!(media_type),
    ),
    Check::new(
        A,
        "ERR-07",
        "an array, a number, null; nesting over 32; duplicate members",
        "422; 422; 400; each in under 1 s",
        live!(shapes),
    ),
    Check::new(A, "ERR-08", "a body of 2 MiB", "413 or another 4xx in under 2 s", live!(large)),
    Check::new(
        A,
        "ERR-12",
        "POST users with a bad e-mail and a bad role",
        "details.fields names both (rules, errors)",
        live!(fields),
    ),
    Check::new(
        A,
        "ERR-13",
        "a lone surrogate, invalid UTF-8, NUL in a string",
        "4xx, never 5xx; no user comes of it",
        live!(characters),
    ),
];

const JSON: Option<&str> = Some("application/json");

async fn to_users(lab: &Lab, body: impl Into<Bytes>, content_type: Option<&str>) -> Result<Answer, Stop> {
    lab.call(Method::POST, format!("/tenant/{}/users", lab.a().await?)).body(body, content_type).await
}

async fn broken(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, "target").await?;
    for (method, path) in [
        (Method::POST, format!("/tenant/{tenant}/users")),
        (Method::POST, format!("/tenant/{tenant}/activate")),
        (Method::POST, format!("/tenant/{tenant}/deactivate")),
        (Method::PUT, format!("/tenant/{tenant}/settings")),
        (Method::PUT, format!("/tenant/{tenant}/users/{}", user_id(&user))),
    ] {
        for body in [r#"{"name": "#, r#"{"name" "x"}"#, "{'name': 1}", "{} {}", ""] {
            let call = lab.call(method.clone(), &path).body(body, JSON);
            call.await?.refuses(400, "INVALID_REQUEST")?;
        }
    }
    Ok(())
}

async fn media_type(lab: &Lab) -> Verdict {
    let body = json!({"email": lab.email("typed"), "name": "Typed"}).to_string();
    for content_type in [Some("text/plain"), Some("application/x-www-form-urlencoded"), None] {
        to_users(lab, body.clone(), content_type).await?.refuses(415, "UNSUPPORTED_MEDIA_TYPE")?;
    }
    Ok(())
}

async fn shapes(lab: &Lab) -> Verdict {
    let email = lab.email("shapes");
    let person = format!(r#""email": "{email}", "name": "Shapes""#);
    let deep = |levels: usize| format!(r#"{{{person}, "x": {}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let twice = format!(r#"{{{person}, "name": "Twice"}}"#);
    let bodies = [
        ("[]", 422),
        ("[{}]", 422),
        ("7", 422),
        ("null", 422),
        ("\"text\"", 422),
        (&deep(40), 422),
        (&deep(9000), 422),
        (&twice, 400),
    ];
    for (body, status) in bodies {
        let answer = to_users(lab, body.to_owned(), JSON).await?;
        let millis = answer.exchange.millis;
        answer.refuses(status, "INVALID_REQUEST")?.demand(millis < 1000, "under 1 s", format!("{millis} ms"))?;
    }
    let found = lab.get(format!("/tenant/{}/users?search={email}", lab.a().await?)).await?;
    found.has("/total", 0).map(drop)
}

async fn large(lab: &Lab) -> Verdict {
    let body = json!({"email": lab.email("large"), "name": "Large", "x": "x".repeat(2 * 1024 * 1024)}).to_string();
    // A service may answer and close while the body is still under way; the answer can get lost with the connection.
    let mut answer = to_users(lab, body.clone(), JSON).await;
    for _ in 0..2 {
        if answer.is_err() {
            answer = to_users(lab, body.clone(), JSON).await;
        }
    }
    let answer = answer?;
    let millis = answer.exchange.millis;
    answer.is_refused()?.verdict(millis < 2000, "under 2 s", format!("{millis} ms"))
}

async fn fields(lab: &Lab) -> Verdict {
    let body = json!({"email": "not-an-email", "name": "Fields", "role": "root"}).to_string();
    let answer = to_users(lab, body, JSON).await?;
    answer.refuses(422, "INVALID_REQUEST")?;
    let fields = answer.rows_at("/details/fields")?;
    for name in ["email", "role"] {
        let named = |field: &&serde_json::Value| {
            field["loc"].as_array().is_some_and(|loc| loc.contains(&name.into())) && field["message"].is_string()
        };
        answer.demand(
            fields.iter().any(|field| named(&field)),
            format!("a field with loc …{name}"),
            answer.at("/details"),
        )?;
    }
    Ok(())
}

async fn characters(lab: &Lab) -> Verdict {
    let email = lab.email("characters");
    let around = |name: &[u8]| {
        let mut body = format!(r#"{{"email": "{email}", "name": ""#).into_bytes();
        body.extend_from_slice(name);
        body.extend_from_slice(br#""}"#);
        body
    };
    for name in [br"x\ud800y".as_slice(), b"x\xff\xfey", b"x\xc3", br"x\u0000y", br"x\u0007y"] {
        to_users(lab, around(name), JSON).await?.is_refused()?;
    }
    let found = lab.get(format!("/tenant/{}/users?search={email}", lab.a().await?)).await?;
    found.has("/total", 0).map(drop)
}
