//! The webhook that makes tenants out of applications.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::client::{Answer, moment};
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        R,
        "CMP-01",
        "POST /api/tenant/webhook/auto-provision with an activation",
        "200; GET /mt/tenant/{id}/status shows the tenant",
        live!(activate_body),
    ),
    Check::new(S, "CMP-02", "the webhook with a flat application", "200; the tenant is there", live!(flat_body)),
    Check::new(S, "CMP-03", "the webhook with a nested application", "200; the tenant is there", live!(nested_body)),
    Check::new(
        S,
        "CMP-04",
        "the webhook with each of the three bodies, by both names",
        "success true, status approved, tenant_id, tenant_url, access_url, message",
        live!(both_vocabularies),
    ),
    Check::new(
        S,
        "CMP-05",
        "the webhook with applications for a demo, and for a service with and without end_date",
        "a known status, tenant_id of at most 50 characters, http(s) URLs; expires_at: 30 days on, end_date, 365 days on",
        live!(values),
    ),
    Check::new(
        S,
        "CMP-06",
        "a second application of the same applicant",
        "200 with the same tenant_id",
        live!(same_applicant),
    ),
    Check::new(
        A,
        "CMP-07",
        "the webhook with unreadable bodies",
        "4xx, never 200 with an error inside",
        live!(unreadable),
    ),
];

const HOOK: &str = "/api/tenant/webhook/auto-provision";

async fn apply(lab: &Lab, path: &str, body: &Value) -> Result<Answer, Stop> {
    lab.living_aliases().await?;
    let answer = lab.anywhere(Method::POST, path).json(body).await?;
    if answer.status() == 200
        && let Some(tenant) = answer.at("/tenant_id").as_str()
    {
        adopt(lab, tenant).await?;
    }
    Ok(answer)
}

/// The run puts away the tenants that came into being for it, and no other, whatever the service answers.
async fn adopt(lab: &Lab, tenant: &str) -> Result<(), Stop> {
    let plain = tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let status = lab.get(format!("/tenant/{}/status", if plain { tenant } else { "none" })).await?;
    let new = moment(status.at("/created_at")).is_some_and(|born| Utc::now() - born < TimeDelta::seconds(120));
    if plain && new {
        lab.roster.note(tenant);
    }
    Ok(())
}

/// As the market's tester and its simulated provisioning send it.
fn flat(lab: &Lab, kind: &str, stem: &str) -> Value {
    json!({
        "application_id": rand::random_range(1_000_000..i32::MAX),
        "kind": kind,
        "contact": "02-000-0000",
        "reason": "conformance",
        "applicant": applicant(lab, stem),
        "service": {"id": 1, "slug": "test-service", "title": "Test Service"},
    })
}

/// As the market's simulator sends it.
fn nested(lab: &Lab, stem: &str) -> Value {
    json!({
        "application": {
            "id": rand::random_range(1_000_000..i32::MAX),
            "kind": "demo",
            "contact": "02-1001-1007",
            "reason": "demo 신청",
        },
        "applicant": applicant(lab, stem),
        "service": {"id": 1, "slug": "test-service", "title": "Test Service"},
    })
}

fn applicant(lab: &Lab, stem: &str) -> Value {
    let university = format!("mtt-{} 한림대학교", lab.roster.run_id());
    json!({"id": 1, "name": "테스트", "email": lab.email(stem), "university_name": university})
}

async fn there(lab: &Lab, answer: &Answer) -> Verdict {
    let tenant = answer.is(200)?.text_at("/tenant_id")?;
    let status = lab.get(format!("/tenant/{tenant}/status")).await?;
    status.is(200)?.has("/tenant_id", tenant)?.has("/status", "active").map(drop)
}

async fn activate_body(lab: &Lab) -> Verdict {
    let tenant = lab.id("webhook");
    let answer = apply(lab, HOOK, &activation(&tenant)).await?;
    answer.is(200)?.has("/tenant_id", tenant)?;
    there(lab, &answer).await
}

async fn flat_body(lab: &Lab) -> Verdict {
    there(lab, &apply(lab, HOOK, &flat(lab, "demo", "flat")).await?).await
}

async fn nested_body(lab: &Lab) -> Verdict {
    there(lab, &apply(lab, HOOK, &nested(lab, "nested")).await?).await
}

async fn both_vocabularies(lab: &Lab) -> Verdict {
    let bodies = [activation(&lab.id("words")), flat(lab, "service", "words-flat"), nested(lab, "words-nested")];
    for body in &bodies {
        for path in [HOOK, "/api/tenant/webhook/application-approved"] {
            let answer = apply(lab, path, body).await?;
            answer.is(200)?.has("/success", true)?.has("/status", "approved")?;
            for member in ["tenant_id", "tenant_url", "access_url", "message"] {
                answer.text_at(&format!("/{member}"))?;
            }
        }
    }
    Ok(())
}

async fn values(lab: &Lab) -> Verdict {
    let mut with_end = flat(lab, "service", "values-end");
    with_end["end_date"] = (Utc::now() + TimeDelta::days(200)).format("%Y-%m-%d").to_string().into();
    for (body, days) in [
        (flat(lab, "demo", "values-flat"), 30),
        (nested(lab, "values-nested"), 30),
        (flat(lab, "service", "values-service"), 365),
        (with_end, 200),
    ] {
        sound(&apply(lab, HOOK, &body).await?, days)?;
    }
    Ok(())
}

/// Ends about so many days on: where a day ends is the time zone's business.
fn sound(answer: &Answer, days: i64) -> Verdict {
    let status = answer.is(200)?.text_at("/status")?;
    let words = ["approved", "processing", "rejected", "error"];
    answer.demand(words.contains(&status), "approved, processing, rejected or error", status)?;
    let tenant = answer.text_at("/tenant_id")?;
    answer.demand(tenant.len() <= 50, "a tenant_id of at most 50 characters", tenant)?;
    for member in ["/tenant_url", "/access_url"] {
        let url = answer.text_at(member)?;
        let web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        answer.demand(web, format!("{member} http(s)"), url)?;
    }
    let expires = answer.text_at("/expires_at")?;
    let Some(until) = date_or_moment(expires) else { return Err(answer.miss("expires_at in ISO 8601", expires)) };
    let apart = (until - Utc::now() - TimeDelta::days(days)).abs();
    answer.verdict(apart <= TimeDelta::days(2), format!("expires_at about {days} days on"), expires)
}

fn date_or_moment(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.with_timezone(&Utc));
    let midnight = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    moment.or_else(midnight)
}

async fn same_applicant(lab: &Lab) -> Verdict {
    let first = apply(lab, HOOK, &flat(lab, "demo", "reuse")).await?;
    let tenant = first.is(200)?.text_at("/tenant_id")?;
    for body in [flat(lab, "service", "reuse"), nested(lab, "reuse")] {
        let again = apply(lab, HOOK, &body).await?;
        again.is(200)?.has("/success", true)?.has("/tenant_id", tenant)?;
    }
    Ok(())
}

async fn unreadable(lab: &Lab) -> Verdict {
    lab.living_aliases().await?;
    let mut no_mail = flat(lab, "demo", "nobody");
    no_mail["applicant"] = json!({});
    let bodies = ["{\"broken", "[]", "7", "{}", r#"{"foo": 1}"#, r#"{"application": 7}"#, &no_mail.to_string()];
    for body in bodies {
        let call = lab.anywhere(Method::POST, HOOK).body(body.to_owned(), Some("application/json"));
        call.await?.is_refused()?;
    }
    Ok(())
}
