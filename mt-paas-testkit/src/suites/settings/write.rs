//! Settings that are written stay written, and nothing else moves.

use serde_json::json;

use super::read::settings;
use crate::check::Level::{A, R};
use crate::check::{Check, live};
use crate::lab::Lab;
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "SET-05", "PUT settings", "200 with the new settings", live!(answered)),
    Check::new(A, "SET-06", "GET settings after PUT", "what was written", live!(stored)),
    Check::new(
        A,
        "SET-07",
        "PUT settings with branding alone; with one limit",
        "features and the other limits stay as they were",
        live!(merged),
    ),
    Check::new(
        A,
        "SET-11",
        "PUT settings with subscription, plan, tenant_id and config beside a colour",
        "plan, tenant and max_users stay as they were",
        live!(smuggled),
    ),
];

async fn answered(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("answered").await?;
    let body = json!({"branding": {"primary_color": "#0a0b0c"}});
    let answer = lab.put(format!("/tenant/{tenant}/settings"), &body).await?;
    answer.is(200)?.has("/tenant_id", tenant)?.has("/config/branding/primary_color", "#0a0b0c").map(drop)
}

async fn stored(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("stored").await?;
    let body = json!({
        "branding": {"primary_color": "#a1b2c3", "logo_url": "https://www.example.com/logo.png"},
        "limits": {"daily_tokens": 4321},
        "features": {"rag": false},
    });
    lab.put(format!("/tenant/{tenant}/settings"), &body).await?.is(200)?;
    let read = settings(lab, &tenant).await?;
    read.has("/config/branding/primary_color", "#a1b2c3")?;
    read.has("/config/branding/logo_url", "https://www.example.com/logo.png")?;
    read.has("/config/limits/daily_tokens", 4321)?.has("/config/features/rag", false).map(drop)
}

async fn merged(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("merged").await?;
    let path = format!("/tenant/{tenant}/settings");
    lab.put(&path, &json!({"limits": {"daily_tokens": 777}, "features": {"rag": false}})).await?.is(200)?;
    let before = settings(lab, &tenant).await?;
    lab.put(&path, &json!({"branding": {"primary_color": "#010203"}})).await?.is(200)?;
    let after = settings(lab, &tenant).await?;
    after.has("/config/features", before.at("/config/features").clone())?;
    after.has("/config/limits", before.at("/config/limits").clone())?;

    lab.put(&path, &json!({"limits": {"max_file_size_mb": 9}})).await?.is(200)?;
    let last = settings(lab, &tenant).await?;
    let mut expected = before.at("/config/limits").clone();
    expected["max_file_size_mb"] = 9.into();
    last.has("/config/limits", expected)?.has("/config/branding/primary_color", "#010203")?;
    last.has("/config/features", before.at("/config/features").clone()).map(drop)
}

async fn smuggled(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("smuggled").await?;
    let before = settings(lab, &tenant).await?;
    let body = json!({
        "branding": {"primary_color": "#445566"},
        "subscription": {"plan": "mtt-gold", "max_users": 999_999, "limits": {"max_users": 999_999}},
        "plan": "mtt-gold",
        "tenant_id": lab.id("elsewhere"),
        "config": {"max_users": 999_999},
    });
    let path = format!("/tenant/{tenant}/settings");
    lab.put(&path, &body).await?.is(200)?;
    let after = settings(lab, &tenant).await?;
    after.has("/tenant_id", tenant.as_str())?.has("/subscription", before.at("/subscription").clone())?;
    after.has("/config/limits", before.at("/config/limits").clone())?;
    after.has("/config/max_users", before.at("/config/max_users").clone())?;
    lab.get(format!("/tenant/{tenant}/status")).await?.has("/plan", "mtt-plan").map(drop)
}
