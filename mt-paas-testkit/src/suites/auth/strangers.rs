//! What a caller without a key learns: nothing.

use reqwest::Method;
use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "AUT-11",
        "no key, for a tenant that exists and for one that does not",
        "the same status and body",
        live!(existence),
    ),
    Check::new(
        A,
        "AUT-12",
        "no key and a malformed body",
        "401: the key is asked for before the body is read",
        live!(parsing),
    ),
    Check::new(
        A,
        "AUT-13",
        "a wrong key",
        "the standard envelope with UNAUTHORIZED, and WWW-Authenticate",
        live!(envelope),
    ),
    Check::new(
        A,
        "AUT-15",
        "paths that only begin like an open one, without a key",
        "401 under the prefix, and tenant data nowhere",
        live!(lookalikes),
    ),
    Check::new(A, "AUT-16", "method override headers without a key", "401", live!(override_headers)).advisory(),
    Check::new(A, "AUT-20", "a wrong key", "is not echoed", live!(echo)),
];

async fn existence(lab: &Lab) -> Verdict {
    let (known, unknown) = (lab.a().await?, lab.id("unknown"));
    for path in ["status", "users", "settings", "users/nobody"] {
        let there = lab.get(format!("/tenant/{known}/{path}")).keyless().await?;
        let not_there = lab.get(format!("/tenant/{unknown}/{path}")).keyless().await?;
        there.is(not_there.status())?;
        let (there_body, other_body) = (anonymous(&there, known), anonymous(&not_there, &unknown));
        there.demand(there_body == other_body, format!("as for an unknown tenant: {other_body}"), there_body)?;
    }
    Ok(())
}

/// The answer without what must differ: the request id, and the tenant that the caller named.
fn anonymous(answer: &Answer, tenant: &str) -> String {
    let mut json = answer.json.clone();
    if let Some(members) = json.as_object_mut() {
        members.remove("request_id");
    }
    let text = if json.is_null() { answer.exchange.text().into_owned() } else { json.to_string() };
    text.replace(tenant, "{tenant}")
}

async fn parsing(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for (method, path) in [(Method::POST, "users"), (Method::POST, "activate"), (Method::PUT, "settings")] {
        let call = lab.call(method, format!("/tenant/{tenant}/{path}"));
        call.body("{\"broken", Some("application/json")).keyless().await?.is(401)?;
    }
    Ok(())
}

async fn envelope(lab: &Lab) -> Verdict {
    let path = format!("/tenant/{}/status", lab.a().await?);
    for call in [lab.get(&path).keyless(), lab.get(&path).key("not-the-key", "not-the-key")] {
        let answer = call.await?;
        answer.refuses(401, "UNAUTHORIZED")?.has("/success", false)?.text_at("/message")?;
        let challenge = answer.exchange.header("www-authenticate");
        answer.demand(challenge.is_some(), "a WWW-Authenticate header", "none")?;
    }
    Ok(())
}

async fn lookalikes(lab: &Lab) -> Verdict {
    let (tenant, prefix) = (lab.a().await?, lab.client.target.standard_prefix());
    for path in [
        format!("{prefix}/healthz/tenant/{tenant}/status"),
        format!("{prefix}/health/tenant/{tenant}/status"),
        format!("{prefix}/healthz"),
        format!("{prefix}/tenant/{tenant}/status?x={prefix}/health"),
    ] {
        lab.anywhere(Method::GET, path).keyless().await?.is(401)?;
    }
    for path in [format!("/docsx/{tenant}"), format!("/docs/..{prefix}/tenant/{tenant}/status")] {
        no_data(lab.anywhere(Method::GET, path).keyless().await)?;
    }
    for path in [format!("{prefix}/health/../tenant/{tenant}/status"), format!("/{prefix}/tenant/{tenant}/status")] {
        let answer = lab.anywhere(Method::GET, path).keyless().raw().await;
        if !matches!(answer, Err(crate::outcome::Stop::Skip(_))) {
            no_data(answer)?;
        }
    }
    Ok(())
}

fn no_data(answer: Result<Answer, crate::outcome::Stop>) -> Verdict {
    let answer = answer?;
    let telling = answer.status() < 300 && !answer.at("/plan").is_null();
    answer.verdict(!telling, "no tenant data", answer.exchange.shown())
}

async fn override_headers(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let call = lab.post(format!("/tenant/{tenant}/users"), &json!({})).keyless();
        call.header(name, "GET").await?.is(401)?;
        let call = lab.get(format!("/tenant/{tenant}/users")).keyless();
        call.header(name, "OPTIONS").header("X-Original-URL", "/mt/health").await?.is(401)?;
    }
    Ok(())
}

async fn echo(lab: &Lab) -> Verdict {
    let wrong = lab.word("wrongkey");
    let answer = lab.get(format!("/tenant/{}/status", lab.a().await?)).key(wrong.as_str(), &wrong).await?;
    let headers: String = answer.exchange.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let told = answer.exchange.text().contains(&wrong) || headers.contains(&wrong);
    answer.is(401)?.verdict(!told, "an answer without the key that was sent", answer.exchange.shown())
}
