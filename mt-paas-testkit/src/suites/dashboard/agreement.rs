//! Figures of different routes agree.

use serde_json::Value;

use super::costs::some_costs;
use super::stats::stats;
use crate::check::Level::{A, S};
use crate::check::{Check, live, reading};
use crate::lab::Lab;
use crate::outcome::{NO_USAGE, Stop, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "DSH-21",
        "GET users/{id} for every user in by_user_top10 and top-users",
        "200 in the same tenant",
        reading!(resolved),
    ),
    Check::new(
        A,
        "DSH-22",
        "GET stats and stats/costs",
        "estimated_cost_usd equals total_cost_usd",
        reading!(one_total),
    ),
    Check::new(
        A,
        "DSH-23",
        "GET stats and stats/costs",
        "the models' tokens add up to total_tokens when no model is unpriced",
        reading!(tokens),
    ),
    Check::new(S, "DSH-34", "GET the five routes for an unknown tenant", "404 TENANT_NOT_FOUND", live!(unknown_tenant)),
];

async fn resolved(lab: &Lab, tenant: &str) -> Verdict {
    let costs = some_costs(lab, tenant).await?;
    let top = lab.get(format!("/tenant/{tenant}/stats/top-users?period=90d")).await?;
    let listed = top.at("/users").as_array().map(Vec::as_slice).unwrap_or_default();
    let mut any = false;
    for id in costs.rows_at("/by_user_top10")?.iter().chain(listed).filter_map(|row| row["user_id"].as_str()) {
        lab.get(format!("/tenant/{tenant}/users/{id}")).await?.is(200)?;
        any = true;
    }
    if any { Ok(()) } else { Err(skip(NO_USAGE)) }
}

async fn one_total(lab: &Lab, tenant: &str) -> Verdict {
    for period in ["7d", "30d", "90d"] {
        let costs = super::costs::costs(lab, tenant, period).await?;
        let total = costs.number_at("/total_cost_usd")?;
        let stats = stats(lab, tenant, period).await?;
        let estimate = stats.number_at("/summary/estimated_cost_usd")?;
        stats.demand((estimate - total).abs() < 1e-9, format!("estimated_cost_usd {total}, as in costs"), estimate)?;
    }
    Ok(())
}

async fn tokens(lab: &Lab, tenant: &str) -> Verdict {
    let costs = some_costs(lab, tenant).await?;
    if costs.at("/unpriced_models").as_array().is_some_and(|models| !models.is_empty()) {
        return Err(skip("there are unpriced models"));
    }
    let of = |row: &Value| row["input_tokens"].as_u64().unwrap_or(0) + row["output_tokens"].as_u64().unwrap_or(0);
    let sum: u64 = costs.rows_at("/by_model")?.iter().map(of).sum();
    stats(lab, tenant, "90d").await?.has("/summary/total_tokens", sum).map(drop)
}

async fn unknown_tenant(lab: &Lab) -> Result<(), Stop> {
    let tenant = lab.id("unknown");
    for path in ["stats", "stats/costs", "costs", "stats/top-users", "stats/usage-patterns", "usage?period=2026-01"] {
        let answer = lab.get(format!("/tenant/{tenant}/{path}")).await?;
        if !answer.not_offered {
            answer.refuses(404, "TENANT_NOT_FOUND")?;
        }
    }
    Ok(())
}
