//! What the settings say.

use chrono::NaiveDate;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live, reading};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "SET-01", "GET settings", "200 with tenant_id, config, subscription", reading!(shape)),
    Check::new(R, "SET-02", "GET settings", "features are booleans, limits integers ≥ 0", reading!(config)),
    Check::new(
        R,
        "SET-03",
        "GET settings",
        "subscription: plan, start_date ≤ end_date or null, auto_renew; dates YYYY-MM-DD",
        reading!(subscription),
    ),
    Check::new(A, "SET-04", "GET settings and status", "the same plan", reading!(plan)),
    Check::new(A, "SET-13", "GET limits", "200 with tenant_id, limits, used", reading!(limits)).needs("limits"),
    Check::new(
        A,
        "SET-14",
        "GET limits and settings",
        "limits equals config.limits, which config.max_users and config.max_storage_mb mirror",
        reading!(same_limits),
    ),
    Check::new(A, "SET-15", "GET settings after activate", "the features sent are true", live!(features)),
    Check::new(
        S,
        "SET-16",
        "GET and PUT settings, GET limits of an unknown tenant",
        "404 TENANT_NOT_FOUND",
        live!(unknown),
    ),
];

pub(super) async fn settings(lab: &Lab, tenant: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/settings")).await?;
    answer.is(200)?;
    Ok(answer)
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    let answer = settings(lab, tenant).await?;
    answer.has("/tenant_id", tenant)?;
    let whole = answer.at("/config").is_object() && answer.at("/subscription").is_object();
    answer.verdict(whole, "config and subscription", answer.exchange.shown())
}

async fn config(lab: &Lab, tenant: &str) -> Verdict {
    let answer = settings(lab, tenant).await?;
    let features = answer.at("/config/features").as_object().map(|members| members.values().all(|v| v.is_boolean()));
    answer.demand(features == Some(true), "config.features of booleans", answer.at("/config/features"))?;
    let limits = answer.at("/config/limits").as_object().map(|members| members.values().all(|v| v.is_u64()));
    answer.verdict(limits == Some(true), "config.limits of integers ≥ 0", answer.at("/config/limits"))
}

async fn subscription(lab: &Lab, tenant: &str) -> Verdict {
    let answer = settings(lab, tenant).await?;
    answer.text_at("/subscription/plan")?;
    let date = |text: &str| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        date.ok_or_else(|| answer.miss("a date YYYY-MM-DD", text))
    };
    let start = date(answer.text_at("/subscription/start_date")?)?;
    if !answer.at("/subscription/end_date").is_null() {
        let end = date(answer.text_at("/subscription/end_date")?)?;
        answer.demand(start <= end, "start_date ≤ end_date", format!("{start} and {end}"))?;
    }
    let renews = answer.at("/subscription/auto_renew");
    answer.verdict(renews.is_boolean(), "auto_renew true or false", renews)
}

async fn plan(lab: &Lab, tenant: &str) -> Verdict {
    let status = lab.get(format!("/tenant/{tenant}/status")).await?;
    let plan = status.is(200)?.text_at("/plan")?;
    settings(lab, tenant).await?.has("/subscription/plan", plan).map(drop)
}

async fn limits(lab: &Lab, tenant: &str) -> Verdict {
    let answer = lab.get(format!("/tenant/{tenant}/limits")).await?;
    answer.is(200)?.has("/tenant_id", tenant)?;
    for name in ["users", "storage_mb", "daily_tokens", "monthly_tokens"] {
        answer.count_at(&format!("/used/{name}"))?;
    }
    answer.verdict(answer.at("/limits").is_object(), "limits", answer.exchange.shown())
}

async fn same_limits(lab: &Lab, tenant: &str) -> Verdict {
    let settings = settings(lab, tenant).await?;
    for name in ["max_users", "max_storage_mb"] {
        settings.has(&format!("/config/{name}"), settings.at(&format!("/config/limits/{name}")).clone())?;
    }
    let limits = lab.get(format!("/tenant/{tenant}/limits")).await?;
    limits.is(200)?.has("/limits", settings.at("/config/limits").clone()).map(drop)
}

async fn features(lab: &Lab) -> Verdict {
    let answer = settings(lab, &lab.fresh("features").await?).await?;
    answer.has("/config/features/chat", true)?.has("/config/features/rag", true).map(drop)
}

async fn unknown(lab: &Lab) -> Verdict {
    let tenant = lab.id("unknown");
    lab.get(format!("/tenant/{tenant}/settings")).await?.refuses(404, "TENANT_NOT_FOUND")?;
    let body = serde_json::json!({"branding": {}});
    lab.put(format!("/tenant/{tenant}/settings"), &body).await?.refuses(404, "TENANT_NOT_FOUND")?;
    let limits = lab.get(format!("/tenant/{tenant}/limits")).await?;
    if limits.not_offered { Ok(()) } else { limits.refuses(404, "TENANT_NOT_FOUND").map(drop) }
}
