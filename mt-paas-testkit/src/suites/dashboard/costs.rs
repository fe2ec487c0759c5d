//! What a tenant's usage costs.

use serde_json::Value;

use crate::check::Level::{A, R};
use crate::check::{Check, reading};
use crate::client::Answer;
use crate::lab::{Lab, at_rest};
use crate::outcome::{NO_USAGE, Stop, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        R,
        "DSH-16",
        "GET stats/costs; GET costs",
        "200 with tenant_id, period, total_cost_usd, by_model, by_user_top10, daily_trend; the same by both paths",
        reading!(shape),
    ),
    Check::new(
        A,
        "DSH-17",
        "GET stats/costs",
        "the models add up to the total within 0.000001 a row",
        reading!(models),
    ),
    Check::new(
        A,
        "DSH-18",
        "GET stats/costs",
        "the days add up to the total, the top ten to no more, within 0.000001 a row",
        reading!(days_and_users),
    ),
    Check::new(R, "DSH-19", "GET stats/costs", "by_user_top10 has at most 10 rows", reading!(ten)),
    Check::new(A, "DSH-20", "GET stats/costs", "by_user_top10 is dearest first, each user once", reading!(order)),
    Check::new(A, "DSH-36", "GET stats and stats/costs", "money is a number with at most 6 decimals", reading!(money)),
];

pub(super) async fn costs(lab: &Lab, tenant: &str, period: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/stats/costs?period={period}")).await?;
    answer.is(200)?;
    Ok(answer)
}

/// The costs of 90 days; skipped when there are none.
pub(super) async fn some_costs(lab: &Lab, tenant: &str) -> Result<Answer, Stop> {
    let answer = costs(lab, tenant, "90d").await?;
    let nothing = answer.number_at("/total_cost_usd")? == 0.0 && answer.rows_at("/by_model")?.is_empty();
    if nothing { Err(skip(NO_USAGE)) } else { Ok(answer) }
}

/// Rows are rounded one by one to six decimals; the rest is the arithmetic of this very sum.
fn tolerance(rows: usize) -> f64 {
    0.000_001 * (rows.max(1) as f64) + 1e-9
}

pub(super) fn sum(rows: &[Value], member: &str) -> f64 {
    rows.iter().filter_map(|row| row[member].as_f64()).sum()
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    let mut by_path = Vec::new();
    for path in ["stats/costs", "costs"] {
        let answer = lab.get(format!("/tenant/{tenant}/{path}?period=7d")).await?;
        answer.is(200)?.has("/tenant_id", tenant)?.has("/period", "7d")?.number_at("/total_cost_usd")?;
        for (list, members) in [("by_model", "model"), ("by_user_top10", "user_id"), ("daily_trend", "date")] {
            for row in 0..answer.rows_at(&format!("/{list}"))?.len() {
                answer.text_at(&format!("/{list}/{row}/{members}"))?;
                answer.number_at(&format!("/{list}/{row}/cost_usd"))?;
            }
        }
        by_path.push(answer);
    }
    let (long, short) = (&by_path[0], &by_path[1]);
    let expected = format!("the same as by stats/costs: {}", long.json);
    short.verdict(at_rest(short.json.clone()) == at_rest(long.json.clone()), expected, short.exchange.shown())
}

async fn models(lab: &Lab, tenant: &str) -> Verdict {
    let answer = some_costs(lab, tenant).await?;
    let (rows, total) = (answer.rows_at("/by_model")?, answer.number_at("/total_cost_usd")?);
    let sum = sum(rows, "cost_usd");
    answer.verdict((sum - total).abs() <= tolerance(rows.len()), format!("models that cost {total}"), sum)
}

async fn days_and_users(lab: &Lab, tenant: &str) -> Verdict {
    let answer = some_costs(lab, tenant).await?;
    let total = answer.number_at("/total_cost_usd")?;
    let (days, users) = (answer.rows_at("/daily_trend")?, answer.rows_at("/by_user_top10")?);
    let sum_of_days = sum(days, "cost_usd");
    let agree = (sum_of_days - total).abs() <= tolerance(days.len());
    answer.demand(agree, format!("days that cost {total}"), sum_of_days)?;
    let sum_of_users = sum(users, "cost_usd");
    answer.verdict(
        sum_of_users <= total + tolerance(users.len()),
        format!("users that cost at most {total}"),
        sum_of_users,
    )
}

async fn ten(lab: &Lab, tenant: &str) -> Verdict {
    let answer = some_costs(lab, tenant).await?;
    let rows = answer.rows_at("/by_user_top10")?.len();
    answer.verdict(rows <= 10, "at most 10 rows", rows)
}

async fn order(lab: &Lab, tenant: &str) -> Verdict {
    let answer = some_costs(lab, tenant).await?;
    let rows = answer.rows_at("/by_user_top10")?;
    let falls = rows.windows(2).all(|pair| pair[0]["cost_usd"].as_f64() >= pair[1]["cost_usd"].as_f64());
    answer.demand(falls, "dearest first", answer.at("/by_user_top10"))?;
    let mut ids: Vec<_> = rows.iter().filter_map(|row| row["user_id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    answer.verdict(ids.len() == rows.len(), "each user once", answer.at("/by_user_top10"))
}

async fn money(lab: &Lab, tenant: &str) -> Verdict {
    let costs = costs(lab, tenant, "90d").await?;
    let stats = super::stats::stats(lab, tenant, "90d").await?;
    fine(&stats, stats.at("/summary/estimated_cost_usd"))?;
    fine(&costs, costs.at("/total_cost_usd"))?;
    for list in ["/by_model", "/by_user_top10", "/daily_trend"] {
        costs.rows_at(list)?.iter().try_for_each(|row| fine(&costs, &row["cost_usd"]))?;
    }
    Ok(())
}

fn fine(answer: &Answer, amount: &Value) -> Verdict {
    // The shortest text that reads back as the same number has no more decimals than what was sent.
    let decimals = |amount: f64| format!("{amount}").split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let fine = amount.as_f64().is_some_and(|amount| decimals(amount) <= 6);
    answer.verdict(fine, "a JSON number with at most 6 decimals", amount)
}
