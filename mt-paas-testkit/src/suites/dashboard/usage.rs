//! The bill of a month.

use chrono::{DateTime, Datelike, Months, Utc};

use crate::check::Level::{A, R, S};
use crate::check::{Check, reading};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        R,
        "DSH-29",
        "GET usage for this month and the last",
        "200 with tenant_id, the period sent, usage",
        reading!(shape),
    ),
    Check::new(
        S,
        "DSH-30",
        "GET usage without a period; with `2026-13`, `2026-1`, `26-01`, `2026-01-01`",
        "4xx; 400 (values, period of usage)",
        reading!(malformed),
    ),
    Check::new(S, "DSH-31", "GET usage", "the five counts are integers ≥ 0; more may be there", reading!(counts)),
    Check::new(A, "DSH-32", "GET usage of a month two years before the tenant", "200, all counts 0", reading!(before)),
    Check::new(A, "DSH-33", "GET usage of a month to come", "zeros, or 4xx", reading!(to_come)).advisory(),
];

const COUNTS: [&str; 5] = ["active_users", "total_sessions", "api_calls", "ai_tokens", "storage_mb"];

async fn usage(lab: &Lab, tenant: &str, month: DateTime<Utc>) -> Result<(String, Answer), Stop> {
    let month = format!("{:04}-{:02}", month.year(), month.month());
    let answer = lab.get(format!("/tenant/{tenant}/usage?period={month}")).await?;
    Ok((month, answer))
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    for month in [Utc::now(), Utc::now() - Months::new(1)] {
        let (month, answer) = usage(lab, tenant, month).await?;
        answer.is(200)?.has("/tenant_id", tenant)?.has("/period", month)?;
        answer.demand(answer.at("/usage").is_object(), "a usage object", answer.exchange.shown())?;
    }
    Ok(())
}

async fn malformed(lab: &Lab, tenant: &str) -> Verdict {
    lab.get(format!("/tenant/{tenant}/usage")).await?.is_refused()?;
    for period in ["2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", ""] {
        lab.get(format!("/tenant/{tenant}/usage?period={period}")).await?.refuses(400, "INVALID_REQUEST")?;
    }
    Ok(())
}

async fn counts(lab: &Lab, tenant: &str) -> Verdict {
    let (_, answer) = usage(lab, tenant, Utc::now()).await?;
    answer.is(200)?;
    COUNTS.iter().try_for_each(|name| answer.count_at(&format!("/usage/{name}")).map(drop))
}

async fn before(lab: &Lab, tenant: &str) -> Verdict {
    let status = lab.get(format!("/tenant/{tenant}/status")).await?;
    let born = status.is(200)?.moment_at("/created_at")?;
    let (_, answer) = usage(lab, tenant, born - Months::new(24)).await?;
    answer.is(200)?;
    COUNTS.iter().try_for_each(|name| answer.has(&format!("/usage/{name}"), 0).map(drop))
}

async fn to_come(lab: &Lab, tenant: &str) -> Verdict {
    let (_, answer) = usage(lab, tenant, Utc::now() + Months::new(14)).await?;
    if answer.status() != 200 {
        return answer.is_refused().map(drop);
    }
    COUNTS.iter().try_for_each(|name| answer.has(&format!("/usage/{name}"), 0).map(drop))
}
