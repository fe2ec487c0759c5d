//! The summary, its period and its health.

use chrono::{TimeDelta, Utc};
use serde_json::Value;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live, reading};
use crate::client::Answer;
use crate::lab::{Lab, at_rest};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "DSH-01", "GET stats?period=30d", "200 with tenant_id, period and summary", reading!(shape)),
    Check::new(R, "DSH-02", "GET stats", "the summary's seven figures are numbers", reading!(seven)),
    Check::new(R, "DSH-03", "GET stats for 7d, 30d, 90d", "the period is echoed", reading!(echoed)),
    Check::new(S, "DSH-04", "GET stats without a period", "30d", reading!(default)),
    Check::new(
        A,
        "DSH-05",
        "GET stats with `banana`, `0d`, `-1d`, `30`, `30D `, `99999999d`, `367d` and an empty period",
        "400 or 422 INVALID_REQUEST (values, period)",
        reading!(nonsense),
    ),
    Check::new(A, "DSH-06", "GET stats", "all figures are ≥ 0, counts are integers", reading!(sane)),
    Check::new(A, "DSH-07", "GET stats", "active_users and new users ≤ total_users", reading!(bounded)),
    Check::new(A, "DSH-08", "GET stats and users", "total_users equals the list's total", reading!(total)),
    Check::new(
        A,
        "DSH-09",
        "GET stats of A and B, POST a user to A, GET both again",
        "total and new users grow by one in A, not in B",
        live!(counted),
    ),
    Check::new(
        A,
        "DSH-10",
        "GET stats for 7d, 30d, 90d",
        "additive figures never fall with a longer period",
        reading!(additive),
    ),
    Check::new(
        R,
        "DSH-15",
        "GET stats",
        "health: status, last_check not in the future, response_time_ms ≥ 0",
        reading!(health),
    ),
    Check::new(A, "DSH-35", "GET each of the figures twice", "equal but for health's moment", live!(steady)).advisory(),
];

const SEVEN: [&str; 7] = [
    "total_users",
    "active_users",
    "new_users_this_period",
    "total_sessions",
    "total_messages",
    "total_tokens",
    "estimated_cost_usd",
];

pub(super) async fn stats(lab: &Lab, tenant: &str, period: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/stats?period={period}")).await?;
    answer.is(200)?;
    Ok(answer)
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "30d").await?;
    answer.has("/tenant_id", tenant)?.has("/period", "30d")?;
    answer.verdict(answer.at("/summary").is_object(), "a summary", answer.exchange.shown())
}

async fn seven(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "30d").await?;
    SEVEN.iter().try_for_each(|name| answer.number_at(&format!("/summary/{name}")).map(drop))
}

async fn echoed(lab: &Lab, tenant: &str) -> Verdict {
    for period in ["7d", "30d", "90d"] {
        stats(lab, tenant, period).await?.has("/period", period)?;
    }
    Ok(())
}

async fn default(lab: &Lab, tenant: &str) -> Verdict {
    lab.get(format!("/tenant/{tenant}/stats")).await?.is(200)?.has("/period", "30d").map(drop)
}

async fn nonsense(lab: &Lab, tenant: &str) -> Verdict {
    for route in ["stats", "stats/costs"] {
        for period in ["banana", "0d", "-1d", "30", "30D%20", "30d%20", "99999999d", "367d", ""] {
            let answer = lab.get(format!("/tenant/{tenant}/{route}?period={period}")).await?;
            answer.is_one_of(&[400, 422])?.has("/error", "INVALID_REQUEST")?;
        }
    }
    Ok(())
}

async fn sane(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "90d").await?;
    for name in &SEVEN[..6] {
        answer.count_at(&format!("/summary/{name}"))?;
    }
    let cost = answer.number_at("/summary/estimated_cost_usd")?;
    answer.demand(cost >= 0.0, "estimated_cost_usd ≥ 0", cost)?;
    for row in 0..answer.rows_at("/trends/daily")?.len() {
        for name in ["users", "messages", "tokens"] {
            answer.count_at(&format!("/trends/daily/{row}/{name}"))?;
        }
    }
    let costs = super::costs::costs(lab, tenant, "90d").await?;
    for (list, members) in [("by_model", &["input_tokens", "output_tokens"][..]), ("by_user_top10", &["tokens"])] {
        for row in 0..costs.rows_at(&format!("/{list}"))?.len() {
            for member in members {
                costs.count_at(&format!("/{list}/{row}/{member}"))?;
            }
            let cost = costs.number_at(&format!("/{list}/{row}/cost_usd"))?;
            costs.demand(cost >= 0.0, "a cost ≥ 0", cost)?;
        }
    }
    Ok(())
}

async fn bounded(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "30d").await?;
    let total = answer.count_at("/summary/total_users")?;
    for name in ["active_users", "new_users_this_period"] {
        let part = answer.count_at(&format!("/summary/{name}"))?;
        answer.demand(part <= total, format!("{name} ≤ {total}"), part)?;
    }
    Ok(())
}

async fn total(lab: &Lab, tenant: &str) -> Verdict {
    let listed = lab.get(format!("/tenant/{tenant}/users?limit=1")).await?;
    let listed = listed.is(200)?.count_at("/total")?;
    stats(lab, tenant, "30d").await?.has("/summary/total_users", listed).map(drop)
}

async fn counted(lab: &Lab) -> Verdict {
    let (a, b) = (lab.a().await?, lab.b().await?);
    let (before_a, before_b) = (stats(lab, a, "30d").await?, stats(lab, b, "30d").await?);
    lab.user(a, "counted").await?;
    let (after_a, after_b) = (stats(lab, a, "30d").await?, stats(lab, b, "30d").await?);
    for name in ["total_users", "new_users_this_period"] {
        let name = format!("/summary/{name}");
        after_a.has(&name, before_a.count_at(&name)? + 1)?;
        after_b.has(&name, before_b.at(&name).clone())?;
    }
    Ok(())
}

async fn additive(lab: &Lab, tenant: &str) -> Verdict {
    let mut shorter = stats(lab, tenant, "7d").await?;
    for period in ["30d", "90d"] {
        let longer = stats(lab, tenant, period).await?;
        for name in &SEVEN[1..] {
            let name = format!("/summary/{name}");
            let (less, more) = (shorter.number_at(&name)?, longer.number_at(&name)?);
            longer.demand(less <= more, format!("{name} ≥ {less}, as in the shorter period"), more)?;
        }
        shorter = longer;
    }
    Ok(())
}

async fn health(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "30d").await?;
    let status = answer.text_at("/health/status")?;
    answer.demand(["healthy", "degraded", "unhealthy"].contains(&status), "healthy, degraded or unhealthy", status)?;
    let checked = answer.moment_at("/health/last_check")?;
    // Two machines' clocks may be as far apart as for the health route.
    answer.demand(checked <= Utc::now() + TimeDelta::seconds(120), "a moment not in the future", checked)?;
    let took = answer.number_at("/health/response_time_ms")?;
    answer.verdict(took >= 0.0, "response_time_ms ≥ 0", took)
}

async fn steady(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let usage = format!("usage?period={}", Utc::now().format("%Y-%m"));
    for path in ["stats", "stats/costs", "stats/top-users", "stats/usage-patterns", &usage] {
        let first: Value = at_rest(lab.get(format!("/tenant/{tenant}/{path}")).await?.json);
        let second = lab.get(format!("/tenant/{tenant}/{path}")).await?;
        second.demand(at_rest(second.json.clone()) == first, format!("as before: {first}"), second.exchange.shown())?;
    }
    Ok(())
}
