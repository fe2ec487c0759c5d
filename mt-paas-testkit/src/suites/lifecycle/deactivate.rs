//! What a deactivation answers, and what still answers afterwards.

use chrono::Utc;
use serde_json::{Value, json};

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};
use crate::route::ROUTES;

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "LIF-18", "POST deactivate", "200", live!(ends)),
    Check::new(
        S,
        "LIF-19",
        "POST deactivate with preserve_data true; false",
        "status deactivated; data_preserved as sent",
        live!(preserved),
    ),
    Check::new(S, "LIF-20", "GET status after deactivate", "deactivated", live!(status)),
    Check::new(
        S,
        "LIF-21",
        "POST deactivate with preserve_data true; false",
        "data_retention_until is RFC 3339 in the future; null",
        live!(retention),
    ),
    Check::new(A, "LIF-22", "POST deactivate without preserve_data", "data_preserved is true", live!(default)),
    Check::new(
        S,
        "LIF-23",
        "POST deactivate with a reason that is not listed",
        "400 or 422; still active",
        live!(reason),
    ),
    Check::new(S, "LIF-24", "POST deactivate of an unknown tenant", "404 TENANT_NOT_FOUND", live!(unknown)),
    Check::new(
        A,
        "LIF-25",
        "POST deactivate twice, the second time with another preserve_data",
        "200, nothing changes (decisions, deactivate)",
        live!(twice),
    ),
    Check::new(
        A,
        "LIF-26",
        "every route of a deactivated tenant",
        "status and usage answer; the others but activate and deactivate are 403 TENANT_INACTIVE",
        live!(closed),
    ),
];

async fn ended(lab: &Lab, name: &str, preserve: bool) -> Result<(String, Answer), Stop> {
    let tenant = lab.fresh(name).await?;
    let answer = lab.deactivate(&tenant, preserve).await?;
    answer.is(200)?;
    Ok((tenant, answer))
}

async fn ends(lab: &Lab) -> Verdict {
    let (tenant, answer) = ended(lab, "ends", false).await?;
    answer.has("/success", true)?.has("/tenant_id", tenant.as_str()).map(drop)
}

async fn preserved(lab: &Lab) -> Verdict {
    for preserve in [true, false] {
        let (_, answer) = ended(lab, if preserve { "kept" } else { "deleted" }, preserve).await?;
        answer.has("/status", "deactivated")?.has("/data_preserved", preserve)?;
    }
    Ok(())
}

async fn status(lab: &Lab) -> Verdict {
    let (tenant, _) = ended(lab, "status", true).await?;
    lab.get(format!("/tenant/{tenant}/status")).await?.is(200)?.has("/status", "deactivated").map(drop)
}

async fn retention(lab: &Lab) -> Verdict {
    let (_, kept) = ended(lab, "retained", true).await?;
    let until = kept.moment_at("/data_retention_until")?;
    kept.demand(until > Utc::now(), "a moment in the future", until)?;
    let (_, deleted) = ended(lab, "not-retained", false).await?;
    deleted.has("/data_retention_until", Value::Null).map(drop)
}

async fn default(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("default").await?;
    let answer = lab.post(format!("/tenant/{tenant}/deactivate"), &json!({"reason": "subscription_expired"})).await?;
    answer.is(200)?.has("/data_preserved", true)?.moment_at("/data_retention_until").map(drop)
}

async fn reason(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for body in [json!({"reason": "because"}), json!({"reason": ""}), json!({})] {
        lab.post(format!("/tenant/{tenant}/deactivate"), &body).await?.is_one_of(&[400, 422])?;
        lab.get(format!("/tenant/{tenant}/status")).await?.has("/status", "active")?;
    }
    Ok(())
}

async fn unknown(lab: &Lab) -> Verdict {
    lab.deactivate(&lab.id("unknown"), true).await?.refuses(404, "TENANT_NOT_FOUND").map(drop)
}

async fn twice(lab: &Lab) -> Verdict {
    let (tenant, first) = ended(lab, "twice", true).await?;
    let before = lab.get(format!("/tenant/{tenant}/status")).await?;
    let second = lab.deactivate(&tenant, false).await?;
    second.is(200)?.has("/data_preserved", true)?;
    second.has("/data_retention_until", first.at("/data_retention_until").clone())?;
    let after = lab.get(format!("/tenant/{tenant}/status")).await?;
    after.verdict(after.json == before.json, format!("status as before: {}", before.json), after.exchange.shown())
}

async fn closed(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("closed").await?;
    let user = lab.user(&tenant, "inside").await?;
    lab.deactivate(&tenant, true).await?.is(200)?;
    lab.get(format!("/tenant/{tenant}/status")).await?.is(200)?;
    lab.get(format!("/tenant/{tenant}/usage?period={}", Utc::now().format("%Y-%m"))).await?.is(200)?;
    for route in ROUTES.iter().filter(|route| !route.outlives) {
        let answer = lab.route(route, &tenant, user_id(&user)).await?;
        if !answer.not_offered {
            answer.refuses(403, "TENANT_INACTIVE")?;
        }
    }
    Ok(())
}
