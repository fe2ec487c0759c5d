//! When a tenant is busy.

use serde_json::Value;

use super::stats::stats;
use crate::check::Level::A;
use crate::check::Probe::Undeclarable;
use crate::check::{Check, reading};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "DSH-27", "GET stats/usage-patterns", "200 with tenant_id, period, timezone", reading!(shape))
        .needs("usage-patterns"),
    Check::new(
        A,
        "DSH-28",
        "GET stats/usage-patterns and stats",
        "hours 0–23, weekdays 1–7, both adding up to the period's totals; the peak is the hour with most messages",
        reading!(buckets),
    ),
    Check::new(
        A,
        "DSH-37",
        "the same usage event twice; one beyond the window",
        "counts once; is refused",
        Undeclarable,
    )
    .needs("metering"),
];

async fn patterns(lab: &Lab, tenant: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/stats/usage-patterns?period=30d")).await?;
    answer.is(200)?;
    Ok(answer)
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    let answer = patterns(lab, tenant).await?;
    answer.has("/tenant_id", tenant)?.has("/period", "30d")?.text_at("/timezone").map(drop)
}

async fn buckets(lab: &Lab, tenant: &str) -> Verdict {
    let answer = patterns(lab, tenant).await?;
    let totals = stats(lab, tenant, "30d").await?;
    for (list, member, numbers) in [("/by_hour", "hour", 0..24_u64), ("/by_weekday", "weekday", 1..8)] {
        let rows = answer.rows_at(list)?;
        let mut seen: Vec<_> = rows.iter().filter_map(|row| row[member].as_u64()).collect();
        seen.sort_unstable();
        answer.demand(
            seen.iter().copied().eq(numbers.clone()),
            format!("{member} {numbers:?} once each"),
            answer.at(list),
        )?;
        for figure in ["sessions", "messages", "tokens"] {
            let sum: u64 = rows.iter().filter_map(|row| row[figure].as_u64()).sum();
            let total = totals.count_at(&format!("/summary/total_{figure}"))?;
            answer.demand(sum == total, format!("{figure} of {list} adding up to {total}, as in stats"), sum)?;
        }
    }
    peak(&answer)
}

fn peak(answer: &Answer) -> Verdict {
    let rows = answer.rows_at("/by_hour")?;
    let most = rows.iter().filter_map(|row| row["messages"].as_u64()).max().unwrap_or(0);
    let peaks: Vec<&Value> = rows.iter().filter(|row| row["messages"] == most).map(|row| &row["hour"]).collect();
    let stated = answer.at("/peak_hour");
    let right = if most == 0 { stated.is_null() } else { peaks.contains(&stated) };
    answer.verdict(right, if most == 0 { "null without messages".into() } else { format!("one of {peaks:?}") }, stated)
}
