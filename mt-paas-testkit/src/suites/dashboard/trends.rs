//! The daily rows of the stats.

use chrono::{NaiveDate, TimeDelta, Utc};
use serde_json::Value;

use super::stats::stats;
use crate::check::Level::{A, R};
use crate::check::{Check, reading};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{NO_USAGE, Stop, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "DSH-11", "GET stats", "trends.daily rows have date, users, messages, tokens", reading!(rows)),
    Check::new(
        A,
        "DSH-12",
        "GET stats for 7d and 30d",
        "dates are unique, YYYY-MM-DD, newest first, none in the future or before the window",
        reading!(dates),
    ),
    Check::new(A, "DSH-13", "GET stats for 1d, 7d and 30d", "at most N rows for Nd", reading!(at_most)),
    Check::new(A, "DSH-14", "GET stats", "the days add up to no more than the totals", reading!(sums)),
];

fn daily(answer: &Answer) -> Result<&[Value], Stop> {
    match answer.rows_at("/trends/daily")? {
        [] => Err(skip(NO_USAGE)),
        rows => Ok(rows),
    }
}

async fn rows(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "30d").await?;
    for row in 0..daily(&answer)?.len() {
        let row = format!("/trends/daily/{row}");
        answer.text_at(&format!("{row}/date"))?;
        for name in ["users", "messages", "tokens"] {
            answer.count_at(&format!("{row}/{name}"))?;
        }
    }
    Ok(())
}

async fn dates(lab: &Lab, tenant: &str) -> Verdict {
    let settings = lab.get(format!("/tenant/{tenant}/settings")).await?;
    // In another zone than UTC today may be UTC's yesterday or tomorrow.
    let slack = TimeDelta::days(i64::from(settings.at("/config/timezone").as_str().is_some_and(|zone| zone != "UTC")));
    for days in [7, 30] {
        let oldest = Utc::now().date_naive() - TimeDelta::days(days - 1) - slack;
        let answer = stats(lab, tenant, &format!("{days}d")).await?;
        let costs = super::costs::costs(lab, tenant, &format!("{days}d")).await?;
        // Looked at last: midnight may have passed since.
        let newest = Utc::now().date_naive() + slack;
        in_window(&answer, "/trends/daily", daily(&answer)?, oldest, newest)?;
        in_window(&costs, "/daily_trend", costs.rows_at("/daily_trend")?, oldest, newest)?;
    }
    Ok(())
}

fn in_window(answer: &Answer, list: &str, rows: &[Value], oldest: NaiveDate, newest: NaiveDate) -> Verdict {
    let mut previous: Option<NaiveDate> = None;
    for (at, row) in rows.iter().enumerate() {
        let text = answer.text_at(&format!("{list}/{at}/date"))?;
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        let Some(date) = date else { return Err(answer.miss("a date YYYY-MM-DD", text)) };
        answer.demand((oldest..=newest).contains(&date), format!("a date from {oldest} to {newest}"), row)?;
        let falls = previous.is_none_or(|previous| previous > date);
        answer.demand(falls, "each date once, newest first", format!("{date} after {previous:?}"))?;
        previous = Some(date);
    }
    Ok(())
}

async fn at_most(lab: &Lab, tenant: &str) -> Verdict {
    let mut any = false;
    for days in [1, 7, 30] {
        let answer = stats(lab, tenant, &format!("{days}d")).await?;
        let rows = answer.rows_at("/trends/daily")?.len();
        answer.demand(rows <= days, format!("at most {days} rows"), rows)?;
        any |= rows > 0;
    }
    if any { Ok(()) } else { Err(skip(NO_USAGE)) }
}

async fn sums(lab: &Lab, tenant: &str) -> Verdict {
    let answer = stats(lab, tenant, "30d").await?;
    let rows = daily(&answer)?;
    for (name, total) in [("messages", "/summary/total_messages"), ("tokens", "/summary/total_tokens")] {
        let sum: u64 = rows.iter().filter_map(|row| row[name].as_u64()).sum();
        let total = answer.count_at(total)?;
        answer.demand(sum <= total, format!("{name} of all days ≤ {total}"), sum)?;
    }
    Ok(())
}
