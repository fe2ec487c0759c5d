//! Suite `health`: the one open route, and the catalogue.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use reqwest::Method;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::lab::Lab;
use crate::outcome::Verdict;

mod capabilities;

pub(super) const LISTS: &[&[Check]] = &[CHECKS, capabilities::CHECKS];

const CHECKS: &[Check] = &[
    Check::new(R, "HLT-01", "GET /mt/health without a key", "200 with a JSON object (routes, health)", live!(open)),
    Check::new(
        S,
        "HLT-02",
        "GET /mt/health",
        "status is healthy, degraded or unhealthy; version; timestamp",
        live!(body),
    ),
    Check::new(S, "HLT-03", "GET /mt/health", "the timestamp is RFC 3339 in UTC and within 120 s of now", live!(clock)),
    Check::new(A, "HLT-04", "GET /mt/health with a wrong key", "still 200: the route is open", live!(wrong_key)),
    Check::new(A, "HLT-05", "HEAD /mt/health", "200 without a body", live!(head)),
    Check::new(A, "HLT-06", "POST /mt/health with the key", "405 METHOD_NOT_ALLOWED with Allow", live!(wrong_verb)),
    Check::new(
        A,
        "HLT-07",
        "GET /mt/health and /mt/catalog",
        "the version is semantic and the same in both",
        live!(version),
    )
    .advisory(),
    Check::new(A, "HLT-08", "GET /mt/health", "no tenant id, host name, DSN or number of tenants", live!(discreet))
        .advisory(),
    Check::new(A, "HLT-09", "20 × GET /mt/health at once", "all 200 within 1 s", live!(parallel)).advisory(),
    Check::new(A, "HLT-10", "GET /mt/health", "Cache-Control: no-store", live!(uncached)).advisory(),
    Check::new(
        A,
        "CAT-01",
        "GET /mt/catalog",
        "service, version, api_version 2.0, capabilities, plans with name, features and limits (routes, catalog)",
        live!(catalogue),
    ),
];

async fn open(lab: &Lab) -> Verdict {
    let answer = lab.get("/health").keyless().await?;
    answer.is(200)?;
    answer.verdict(answer.json.is_object(), "a JSON object", answer.exchange.shown())
}

async fn body(lab: &Lab) -> Verdict {
    let answer = lab.get("/health").keyless().await?;
    answer.is(200)?.text_at("/version")?;
    answer.text_at("/timestamp")?;
    let status = answer.text_at("/status")?;
    answer.verdict(["healthy", "degraded", "unhealthy"].contains(&status), "healthy, degraded or unhealthy", status)
}

async fn clock(lab: &Lab) -> Verdict {
    let answer = lab.get("/health").keyless().await?;
    let stated = answer.is(200)?.moment_at("/timestamp")?;
    let near = |other: DateTime<Utc>| (stated - other).num_seconds().abs() <= 120;
    let date = answer.exchange.header("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let cross = match date.map(|date| near(date.with_timezone(&Utc))) {
        Some(true) => "; the Date header agrees with it, so one of the two clocks is wrong",
        Some(false) => "; the Date header says otherwise",
        None => "",
    };
    answer.verdict(near(Utc::now()), "a timestamp within 120 s of now", format!("{stated}{cross}"))
}

async fn wrong_key(lab: &Lab) -> Verdict {
    lab.get("/health").key("not-the-key", "not-the-key").await?.is(200).map(drop)
}

async fn head(lab: &Lab) -> Verdict {
    let call = lab.call(Method::HEAD, "/health").keyless();
    // A pooled client never looks for a body after HEAD.
    let plain = lab.client.target.plain_http_address().is_some();
    let answer = if plain { call.raw().await? } else { call.await? };
    answer.is(200)?;
    answer.verdict(answer.body.is_empty(), "no body", answer.exchange.shown())
}

async fn wrong_verb(lab: &Lab) -> Verdict {
    let answer = lab.post("/health", &serde_json::json!({})).await?;
    answer.refuses(405, "METHOD_NOT_ALLOWED")?;
    answer.verdict(answer.exchange.header("allow").is_some(), "an Allow header", "none")
}

async fn version(lab: &Lab) -> Verdict {
    let answer = lab.get("/health").keyless().await?;
    let version = answer.is(200)?.text_at("/version")?;
    answer.demand(is_semantic(version), "a semantic version", version)?;
    match lab.client.catalogue()["version"].as_str() {
        Some(other) => answer.verdict(version == other, format!("{other}, as in the catalogue"), version),
        None => Ok(()),
    }
}

fn is_semantic(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<_> = core.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u64>().is_ok())
}

async fn discreet(lab: &Lab) -> Verdict {
    let answer = lab.get("/health").keyless().await?;
    let text = answer.is(200)?.exchange.text().to_lowercase();
    let telling = ["mtt-", "://", "\"host", "\"tenant", "\"dsn\"", "tenants\"", "database_url", "tenant_count"];
    let found = telling.into_iter().find(|word| text.contains(word));
    answer.verdict(found.is_none(), "nothing about tenants, hosts or databases", found.unwrap_or_default())
}

async fn parallel(lab: &Lab) -> Verdict {
    let started = Instant::now();
    let answers = join_all((0..20).map(|_| lab.get("/health").keyless().into_future())).await;
    let took = started.elapsed();
    for answer in answers {
        answer?.is(200)?.demand(took < Duration::from_secs(1), "20 answers within 1 s", format!("{took:?}"))?;
    }
    Ok(())
}

async fn uncached(lab: &Lab) -> Verdict {
    let answer = lab.get("/health").keyless().await?;
    let control = answer.exchange.header("cache-control").unwrap_or("no Cache-Control");
    answer.verdict(control.contains("no-store"), "no-store", control)
}

async fn catalogue(lab: &Lab) -> Verdict {
    let answer = lab.get("/catalog").await?;
    answer.is(200)?.text_at("/service")?;
    answer.text_at("/version")?;
    answer.has("/api_version", "2.0")?;
    let names = answer.rows_at("/capabilities")?;
    answer.demand(
        names.iter().all(serde_json::Value::is_string),
        "capabilities by name",
        answer.at("/capabilities"),
    )?;
    for (at, plan) in answer.rows_at("/plans")?.iter().enumerate() {
        answer.text_at(&format!("/plans/{at}/name"))?;
        let features = answer.rows_at(&format!("/plans/{at}/features"))?;
        answer.demand(features.iter().all(serde_json::Value::is_string), "features by name", plan)?;
        answer.demand(plan["limits"].is_object(), "limits of each plan", plan)?;
    }
    Ok(())
}
