//! Stats, costs, top users.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::clock::{self, Window, stamp};
use super::faults::Fault;
use super::ledger::{Event, MODELS, Sum, dollars, within};
use super::page;
use super::reply::{Answer, Outcome, Refusal};
use super::world::{Room, Tenant};

impl Room<'_> {
    pub(super) fn stats(&self, id: &str, fixed: Option<&str>) -> Outcome {
        let tenant = self.active(id)?;
        let (period, window) = self.window(tenant, fixed)?;
        let events = self.events_of(tenant, window);
        let sum = Sum::of(&events);
        let users = self.heads(tenant);
        let mut new = tenant.users.iter().filter(|user| window.contains(user.created_at)).count();
        let mut active = tenant.users.iter().filter(|user| sum.users.contains(&user.id)).count();
        let mut messages = sum.messages;
        if self.has(Fault::NewUsersNotCounted) {
            new = 0;
        }
        if self.has(Fault::M22) || self.has(Fault::ActiveUsersDoubled) {
            active = users * 2 + 1;
        }
        if self.has(Fault::StatsMove) {
            messages += self.world.serial;
        }
        let mut body = json!({
            "tenant_id": id,
            "period": period,
            "summary": {
                "total_users": users,
                "active_users": active,
                "new_users_this_period": new,
                "total_sessions": sum.sessions,
                "total_messages": messages,
                "total_tokens": sum.tokens(),
                "estimated_cost_usd": dollars(sum.nano),
            },
            "trends": {"daily": self.daily(tenant, &events)},
            "health": {"status": "healthy", "last_check": stamp(self.now), "response_time_ms": 1},
        });
        self.spoil_stats(&mut body);
        Ok(Answer::ok(body))
    }

    fn spoil_stats(&self, body: &mut Value) {
        let summary = &mut body["summary"];
        if self.has(Fault::CountsAreTexts) {
            summary["total_users"] = json!(summary["total_users"].to_string());
        }
        if self.has(Fault::NegativeCost) {
            summary["estimated_cost_usd"] = json!(-1.5);
        }
        if self.has(Fault::CostRoundedToCents) {
            let cost = summary["estimated_cost_usd"].as_f64().unwrap_or_default();
            summary["estimated_cost_usd"] = json!((cost * 100.0).round() / 100.0);
        }
        if self.has(Fault::StatsLackTenant) {
            body["tenant_id"] = Value::Null;
        }
        if self.has(Fault::HealthMissing) {
            body["health"] = Value::Null;
        }
        if self.has(Fault::HealthCheckedTomorrow) {
            body["health"]["last_check"] = json!(stamp(self.now + TimeDelta::days(1)));
        }
    }

    fn heads(&self, tenant: &Tenant) -> usize {
        match () {
            () if self.has(Fault::M21) => self.world.tenants.values().map(|tenant| tenant.users.len()).sum(),
            () if self.has(Fault::TotalUsersOffByOne) => tenant.users.len() + 1,
            () => tenant.users.len(),
        }
    }

    fn daily(&self, tenant: &Tenant, events: &[Event]) -> Vec<Value> {
        let mut rows: Vec<Value> = by_day(tenant, events)
            .into_iter()
            .rev()
            .map(|(day, sum)| {
                json!({
                    "date": day.to_string(),
                    "users": sum.users.len(),
                    "messages": sum.messages,
                    "tokens": sum.tokens(),
                })
            })
            .collect();
        if self.has(Fault::M23) {
            rows.splice(0..0, rows.first().cloned());
        }
        if self.has(Fault::TomorrowIsThere) {
            let tomorrow = clock::day(self.now + TimeDelta::days(1), tenant.zone).to_string();
            rows.insert(0, json!({"date": tomorrow, "users": 0, "messages": 0, "tokens": 0}));
            rows.pop();
        }
        if self.has(Fault::OldestDayFirst) {
            rows.reverse();
        }
        for row in &mut rows {
            if self.has(Fault::DailyRowsLackTokens) {
                row.as_object_mut().map(|row| row.remove("tokens"));
            }
            if self.has(Fault::DailyTokensDoubled) {
                row["tokens"] = json!(row["tokens"].as_u64().unwrap_or_default() * 2);
            }
            if self.has(Fault::DailyMessagesDoubled) {
                row["messages"] = json!(row["messages"].as_u64().unwrap_or_default() * 2);
            }
        }
        rows
    }

    pub(super) fn costs(&self, id: &str) -> Outcome {
        let tenant = self.active(id)?;
        let (period, window) = self.window(tenant, None)?;
        let events = self.events_of(tenant, window);
        let total = Sum::of(&events).nano;
        let model = |n: usize| {
            let sum = Sum::of(events.iter().filter(|event| event.model == n));
            let output = if self.has(Fault::OutputTokensLeftOut) { 0 } else { sum.output };
            let cost = if self.has(Fault::M20) { sum.nano / 2 } else { sum.nano };
            (sum.sessions > 0).then(|| {
                let (name, input) = (MODELS[n].name, sum.input);
                json!({"model": name, "input_tokens": input, "output_tokens": output, "cost_usd": dollars(cost)})
            })
        };
        let mut body = json!({
            "tenant_id": id,
            "period": period,
            "total_cost_usd": dollars(total),
            "by_model": (0..MODELS.len()).filter_map(model).collect::<Vec<_>>(),
            "by_user_top10": self.dearest(tenant, &events),
            "daily_trend": by_day(tenant, &events)
                .into_iter()
                .rev()
                .map(|(day, sum)| json!({"date": day.to_string(), "cost_usd": dollars(sum.nano)}))
                .collect::<Vec<_>>(),
            "unpriced_models": [],
        });
        if self.has(Fault::CostsDiffer) && !self.call.path.contains("/stats/") {
            body["unpriced_models"] = json!([MODELS[0].name]);
        }
        if self.has(Fault::TrendLosesADay) {
            body["daily_trend"].as_array_mut().map(Vec::pop);
        }
        if self.has(Fault::CostsLackTrend) {
            body.as_object_mut().map(|body| body.remove("daily_trend"));
        }
        if self.has(Fault::NanoDollars) {
            body["total_cost_usd"] = json!(body["total_cost_usd"].as_f64().unwrap_or_default() + 0.000_000_123);
        }
        if self.has(Fault::CostIsText) {
            body["total_cost_usd"] = json!(body["total_cost_usd"].to_string());
        }
        Ok(Answer::ok(body))
    }

    fn dearest(&self, tenant: &Tenant, events: &[Event]) -> Vec<Value> {
        let mut users = by_user(tenant, events);
        users.sort_by_key(|(_, _, _, sum)| std::cmp::Reverse(sum.nano));
        if self.has(Fault::DearestLast) {
            users.reverse();
        }
        if self.has(Fault::DearestTwice) {
            users.splice(0..0, users.first().cloned());
        }
        let most = if self.has(Fault::M24) { 11 } else { 10 };
        let row = |(id, name, _, sum): (String, String, String, Sum)| {
            let id = if self.has(Fault::GhostsInLists) { format!("{id}-gone") } else { id };
            json!({"user_id": id, "name": name, "cost_usd": dollars(sum.nano), "tokens": sum.tokens()})
        };
        users.into_iter().take(most).map(row).collect()
    }

    pub(super) fn top_users(&self, id: &str) -> Outcome {
        let tenant = self.active(id)?;
        let (period, window) = self.window(tenant, None)?;
        let most = if self.has(Fault::FiftyOneAllowed) { 51 } else { 50 };
        let limit = page::number(self.call, "limit", 10, 1, most);
        let loose = self.has(Fault::M35) || self.has(Fault::TopUsersLimitIgnored);
        let limit = if loose { 100 } else { limit? };
        let mut users = by_user(tenant, &self.events_of(tenant, window));
        users.sort_by_key(|(_, _, _, sum)| std::cmp::Reverse(sum.tokens()));
        if self.has(Fault::BusiestLast) {
            users.reverse();
        }
        let row = |(id, name, email, sum): (String, String, String, Sum)| {
            json!({
                "user_id": if self.has(Fault::GhostsAmongBusiest) { format!("{id}-gone") } else { id },
                "name": name,
                "email": email,
                "sessions": sum.sessions,
                "messages": sum.messages,
                "tokens": sum.tokens(),
                "last_active": sum.last.map(stamp).map(|at| at[..if self.has(Fault::LastActiveLocal) { 19 } else { at.len() }].to_owned()),
            })
        };
        let rows: Vec<_> = users.into_iter().take(limit as usize).map(row).collect();
        let mut body = json!({"tenant_id": id, "period": period, "users": rows});
        if self.has(Fault::BusiestMoves) {
            body["users"][0]["messages"] = json!(self.world.serial);
        }
        if self.has(Fault::TopUsersLackPeriod) {
            body.as_object_mut().map(|body| body.remove("period"));
        }
        Ok(Answer::ok(body))
    }

    /// The period to name in the answer and its days.
    pub(super) fn window(&self, tenant: &Tenant, fixed: Option<&str>) -> Result<(String, Window), Refusal> {
        let default = if self.has(Fault::DefaultPeriodIsAWeek) { "7d" } else { "30d" };
        let mut period = fixed.or_else(|| self.call.asked("period")).unwrap_or(default);
        let mut days = match clock::days_of(period) {
            None if self.has(Fault::M18) => {
                period = default;
                30
            }
            None if self.has(Fault::EmptyPeriodAccepted) && period.is_empty() => 30,
            None if self.has(Fault::HugePeriodAccepted) && period.len() > 4 && period.ends_with('d') => 366,
            days => days.ok_or_else(|| Refusal::field(&["query", "period"], "must be 1d to 366d"))?,
        };
        if self.has(Fault::M17) {
            days = 30;
        }
        if self.has(Fault::M19) {
            days += 1;
        }
        if self.has(Fault::LongWindowsAreShort) {
            days = if days > 60 { 2 } else { days };
        }
        let echoed = if self.has(Fault::PeriodNotEchoed) { "30d" } else { period };
        Ok((echoed.to_owned(), Window::ending_today(days, self.now, tenant.zone)))
    }

    pub(super) fn events_of(&self, tenant: &Tenant, window: Window) -> Vec<Event> {
        if self.has(Fault::M21) {
            return self.world.tenants.values().flat_map(|tenant| within(tenant, window)).collect();
        }
        within(tenant, window)
    }
}

fn by_day(tenant: &Tenant, events: &[Event]) -> BTreeMap<NaiveDate, Sum> {
    let mut days: BTreeMap<NaiveDate, Vec<&Event>> = BTreeMap::new();
    for event in events {
        days.entry(clock::day(event.at, tenant.zone)).or_default().push(event);
    }
    days.into_iter().map(|(day, events)| (day, Sum::of(events))).collect()
}

/// Id, name, e-mail and sums of every user who still exists and did something.
fn by_user(tenant: &Tenant, events: &[Event]) -> Vec<(String, String, String, Sum)> {
    let sums = tenant.users.iter().map(|user| {
        let sum = Sum::of(events.iter().filter(|event| event.user_id == user.id));
        (user.id.clone(), user.name.clone(), user.email.clone(), sum)
    });
    sums.filter(|(_, _, _, sum)| sum.sessions > 0).collect()
}
