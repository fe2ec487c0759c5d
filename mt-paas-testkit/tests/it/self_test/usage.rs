//! The month's bill, and when people work.

use chrono::{Datelike, Timelike};
use serde_json::{Value, json};

use super::clock;
use super::faults::Fault;
use super::ledger::{Event, Sum};
use super::reply::{Answer, Outcome, Refusal};
use super::settings::STORAGE_MB;
use super::world::Room;

impl Room<'_> {
    /// Readable in every state, also when the data is gone.
    pub(super) fn usage(&self, id: &str) -> Outcome {
        let tenant = if self.has(Fault::UsageDies) { self.active(id)? } else { self.known(id)? };
        let Some(period) = self.call.asked("period") else {
            if self.has(Fault::UsageWithoutPeriod) {
                return Ok(Answer::ok(json!({"tenant_id": id, "period": null, "usage": {}})));
            }
            return Err(Refusal::field(&["query", "period"], "is required, as YYYY-MM"));
        };
        let this_month = clock::month(self.now, tenant.zone);
        let month = match clock::month_of(period) {
            None if self.has(Fault::UsageMonth13Accepted) => this_month,
            None if self.has(Fault::ShortMonthAccepted) && period.len() == 6 => this_month,
            None if self.has(Fault::DayIsAMonth) && period.len() == 10 => this_month,
            Some(month) if month > this_month && self.has(Fault::FutureMonthCounts) => this_month,
            Some(month) if month > this_month && self.has(Fault::FutureMonthRefused) => {
                return Err(Refusal::broken("period is still to come"));
            }
            Some(_) if self.has(Fault::M25) => this_month,
            month => month.ok_or_else(|| Refusal::broken("period must be a month, as YYYY-MM"))?,
        };
        let events: Vec<_> =
            tenant.events.iter().filter(|event| clock::month(event.at, tenant.zone) == month).collect();
        let sum = Sum::of(events.iter().copied());
        let stored = if month == this_month { STORAGE_MB } else { 0 };
        let mut body = json!({
            "tenant_id": id,
            "period": if self.has(Fault::UsagePeriodFixed) { "2026-01" } else { period },
            "usage": {
                "active_users": sum.users.len(),
                "total_sessions": sum.sessions,
                "total_messages": sum.messages,
                "api_calls": sum.messages,
                "ai_tokens": sum.tokens(),
                "storage_mb": stored,
            },
        });
        if self.has(Fault::UsageIsFractional) {
            body["usage"]["storage_mb"] = json!(12.5);
        }
        Ok(Answer::ok(body))
    }

    /// Sessions, messages and tokens by hour and by weekday, on the tenant's clock.
    pub(super) fn usage_patterns(&self, id: &str) -> Outcome {
        let tenant = self.active(id)?;
        let (period, window) = self.window(tenant, None)?;
        if self.has(Fault::PatternsNotThere) {
            return Err(Refusal::new(501, "NOT_SUPPORTED", "not offered"));
        }
        let events = self.events_of(tenant, window);
        let hour = |event: &Event| event.at.with_timezone(&tenant.zone).hour();
        let weekday = |event: &Event| event.at.with_timezone(&tenant.zone).weekday().number_from_monday();
        let hours = if self.has(Fault::HoursMissing) { 1..24 } else { 0..24 };
        let by_hour: Vec<_> = hours.map(|at| ("hour", at, sum_where(&events, |event| hour(event) == at))).collect();
        let first = u32::from(!self.has(Fault::WeekdaysFromZero));
        let by_weekday =
            (1..=7).map(|at| ("weekday", at - 1 + first, sum_where(&events, |event| weekday(event) == at)));
        let busy = by_hour.iter().filter(|(.., sum)| sum.messages > 0);
        let peak = if self.has(Fault::PeakIsWrong) {
            by_hour.iter().min_by_key(|(.., sum)| sum.messages) // an hour at rest: the history fills only a few
        } else {
            busy.max_by_key(|(_, at, sum)| (sum.messages, std::cmp::Reverse(*at))) // of equals the earliest
        };
        let mut body = json!({
            "tenant_id": id,
            "period": period,
            "timezone": tenant.zone.name(),
            "peak_hour": peak.map(|(_, at, _)| at),
            "by_hour": by_hour.into_iter().map(bucket).collect::<Vec<_>>(),
            "by_weekday": by_weekday.map(bucket).collect::<Vec<_>>(),
        });
        if self.has(Fault::SessionsOfHoursDoubled) {
            for hour in body["by_hour"].as_array_mut().into_iter().flatten() {
                hour["sessions"] = json!(hour["sessions"].as_u64().unwrap_or_default() * 2);
            }
        }
        Ok(Answer::ok(body))
    }
}

fn sum_where(events: &[Event], belongs: impl Fn(&Event) -> bool) -> Sum {
    Sum::of(events.iter().filter(|event| belongs(event)))
}

fn bucket((unit, at, sum): (&str, u32, Sum)) -> Value {
    json!({unit: at, "sessions": sum.sessions, "messages": sum.messages, "tokens": sum.tokens()})
}
