//! Figures, from the roll-ups only.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::tenants::parse;
use super::super::{sql, users};
use crate::ids::TenantId;
use crate::money::NanoUsd;
use crate::period::DateRange;
use crate::standard_api::{DailyCost, DailyTrend, ModelCost, TopUser, UserCost};
use crate::usage::{CalendarHour, CostFigures, StatsFigures, UsageFigures};

/// The window of a question: `$1` is the tenant, `$2` and `$3` the first and last day.
const WINDOW: &str = "tenant_id = $1 AND day BETWEEN $2 AND $3";

fn window(tenant: &TenantId, days: DateRange) -> [Value; 3] {
    [tenant.as_str().into(), sql::day_number(days.first).into(), sql::day_number(days.last).into()]
}

/// A sum that is a whole number on both databases: on PostgreSQL the sum of whole numbers is a decimal.
macro_rules! sum {
    ($what:literal) => {
        concat!("CAST(SUM(", $what, ") AS BIGINT)")
    };
}

const DAYS: &str = concat!(
    "SELECT day, ",
    sum!("sessions"),
    ", ",
    sum!("messages"),
    ", ",
    sum!("input_tokens + output_tokens"),
    ", ",
    sum!("cost"),
    " FROM mt_usage_daily WHERE tenant_id = $1 AND day BETWEEN $2 AND $3 GROUP BY day ORDER BY day DESC"
);

/// How many users that exist were active on each day, and, without a day, on any. Joins here are cross joins because
/// SQLite keeps the order of those: the few users of the window first, never all users of the tenant.
const PEOPLE: &str = "WITH people AS MATERIALIZED (\
        SELECT d.day, d.user_id \
        FROM (SELECT DISTINCT day, user_id FROM mt_usage_daily WHERE tenant_id = $1 AND day BETWEEN $2 AND $3) d \
        CROSS JOIN mt_users u WHERE u.tenant_id = $1 AND u.user_id = d.user_id) \
    SELECT day, COUNT(*) FROM people GROUP BY day UNION ALL SELECT NULL, COUNT(DISTINCT user_id) FROM people";

pub(super) async fn stats(
    db: &Database,
    tenant: &TenantId,
    days: DateRange,
    new_since: DateTime<Utc>,
) -> Result<StatsFigures, Fault> {
    let tx = db.snapshot().await?;
    let by_day = sql::rows(&tx, DAYS, window(tenant, days)).await?;
    let people = sql::rows(&tx, PEOPLE, window(tenant, days)).await?;
    let total_users = users::count(&tx, tenant, None, None).await?;
    let new = "SELECT COUNT(*) FROM mt_users WHERE tenant_id = $1 AND created_at >= $2";
    let new_users = single(&tx, new, [tenant.as_str().into(), sql::micros(new_since).into()]).await?;
    tx.commit().await?;

    let mut figures = StatsFigures { total_users, new_users, ..StatsFigures::default() };
    for row in &by_day {
        let (messages, tokens) = (count(row, 2)?, count(row, 3)?);
        figures.sessions += count(row, 1)?;
        figures.messages += messages;
        figures.tokens += tokens;
        figures.cost += NanoUsd::new(row.try_get_by_index(4)?);
        figures.daily.push(DailyTrend { date: sql::day(row.try_get_by_index(0)?)?, users: 0, messages, tokens });
    }
    for row in &people {
        let active = count(row, 1)?;
        match row.try_get_by_index::<Option<i64>>(0)?.map(sql::day).transpose()? {
            None => figures.active_users = active,
            Some(date) => {
                if let Some(day) = figures.daily.iter_mut().find(|day| day.date == date) {
                    day.users = active;
                }
            }
        }
    }
    Ok(figures)
}

pub(super) async fn costs(db: &Database, tenant: &TenantId, days: DateRange) -> Result<CostFigures, Fault> {
    let tx = db.snapshot().await?;
    let daily = sql::rows(&tx, DAYS, window(tenant, days)).await?;
    let models = concat!(
        "SELECT model, priced, ",
        sum!("input_tokens"),
        ", ",
        sum!("output_tokens"),
        ", ",
        sum!("cost"),
        " AS spent FROM mt_usage_daily WHERE tenant_id = $1 AND day BETWEEN $2 AND $3 AND model <> '' \
         GROUP BY model, priced ORDER BY spent DESC, model"
    );
    let models = sql::rows(&tx, models, window(tenant, days)).await?;
    let top = concat!(
        "SELECT d.user_id, u.name, d.spent, d.tokens FROM (SELECT user_id, ",
        sum!("cost"),
        " AS spent, ",
        sum!("input_tokens + output_tokens"),
        " AS tokens FROM mt_usage_daily WHERE tenant_id = $1 AND day BETWEEN $2 AND $3 AND user_id <> '' \
         GROUP BY user_id) d \
         CROSS JOIN mt_users u WHERE u.tenant_id = $1 AND u.user_id = d.user_id AND d.spent > 0 \
         ORDER BY d.spent DESC, d.user_id LIMIT 10"
    );
    let top = sql::rows(&tx, top, window(tenant, days)).await?;
    tx.commit().await?;

    let mut figures = CostFigures::default();
    for row in &daily {
        let cost_usd = NanoUsd::new(row.try_get_by_index(4)?);
        figures.daily.push(DailyCost { date: sql::day(row.try_get_by_index(0)?)?, cost_usd });
    }
    for row in &models {
        let model: String = row.try_get_by_index(0)?;
        if row.try_get_by_index::<i64>(1)? == 0 {
            figures.unpriced_models.push(model);
        } else {
            figures.by_model.push(ModelCost {
                model,
                input_tokens: count(row, 2)?,
                output_tokens: count(row, 3)?,
                cost_usd: NanoUsd::new(row.try_get_by_index(4)?),
            });
        }
    }
    figures.unpriced_models.sort();
    for row in &top {
        figures.top_users.push(UserCost {
            user_id: parse("user id", &row.try_get_by_index::<String>(0)?)?,
            name: row.try_get_by_index(1)?,
            cost_usd: NanoUsd::new(row.try_get_by_index(2)?),
            tokens: count(row, 3)?,
        });
    }
    Ok(figures)
}

pub(super) async fn top_users(
    db: &Database,
    tenant: &TenantId,
    days: DateRange,
    limit: u32,
) -> Result<Vec<TopUser>, Fault> {
    let top = concat!(
        "SELECT d.user_id, u.name, u.email, d.sessions, d.messages, d.tokens, d.last_at FROM (SELECT user_id, ",
        sum!("sessions"),
        " AS sessions, ",
        sum!("messages"),
        " AS messages, ",
        sum!("input_tokens + output_tokens"),
        " AS tokens, MAX(last_at) AS last_at FROM mt_usage_daily \
         WHERE tenant_id = $1 AND day BETWEEN $2 AND $3 AND user_id <> '' GROUP BY user_id) d \
         CROSS JOIN mt_users u WHERE u.tenant_id = $1 AND u.user_id = d.user_id \
         ORDER BY d.tokens DESC, d.messages DESC, d.user_id LIMIT $4"
    );
    let mut values = window(tenant, days).to_vec();
    values.push(i64::from(limit).into());
    let rows = sql::rows(&db.reader, top, values).await?;
    rows.iter().map(|row| TopRow::from_query_result(row, "")?.user()).collect()
}

pub(super) async fn hours(db: &Database, tenant: &TenantId, days: DateRange) -> Result<Vec<CalendarHour>, Fault> {
    let sql =
        format!("SELECT day, hour, sessions, messages, tokens FROM mt_usage_hourly WHERE {WINDOW} ORDER BY day, hour");
    let rows = sql::rows(&db.reader, &sql, window(tenant, days)).await?;
    rows.iter()
        .map(|row| {
            Ok(CalendarHour {
                date: sql::day(row.try_get_by_index(0)?)?,
                hour: u8::try_from(row.try_get_by_index::<i64>(1)?).map_err(Fault::corrupt("hour"))?,
                sessions: count(row, 2)?,
                messages: count(row, 3)?,
                tokens: count(row, 4)?,
            })
        })
        .collect()
}

pub(super) async fn usage(db: &Database, tenant: &TenantId, days: DateRange) -> Result<UsageFigures, Fault> {
    let tx = db.snapshot().await?;
    let sums = concat!(
        "SELECT COUNT(DISTINCT NULLIF(user_id, '')), COALESCE(",
        sum!("sessions"),
        ", 0), COALESCE(",
        sum!("events"),
        ", 0), COALESCE(",
        sum!("input_tokens + output_tokens"),
        ", 0) FROM mt_usage_daily WHERE tenant_id = $1 AND day BETWEEN $2 AND $3"
    );
    let sums = sql::row(&tx, sums, window(tenant, days)).await?;
    let storage = format!("SELECT bytes FROM mt_usage_storage WHERE {WINDOW} ORDER BY day DESC LIMIT 1");
    let storage_bytes = single(&tx, &storage, window(tenant, days)).await?;
    tx.commit().await?;
    let Some(row) = sums else { return Ok(UsageFigures::default()) };
    Ok(UsageFigures {
        active_users: count(&row, 0)?,
        sessions: count(&row, 1)?,
        events: count(&row, 2)?,
        tokens: count(&row, 3)?,
        storage_bytes,
    })
}

pub(super) async fn storage_bytes(db: &Database, tenant: &TenantId, day: NaiveDate) -> Result<u64, Fault> {
    let sql = "SELECT bytes FROM mt_usage_storage WHERE tenant_id = $1 AND day <= $2 ORDER BY day DESC LIMIT 1";
    single(&db.reader, sql, [tenant.as_str().into(), sql::day_number(day).into()]).await
}

/// The count in the one row of an answer, 0 without a row.
async fn single(on: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, Fault> {
    sql::row(on, sql, values).await?.map_or(Ok(0), |row| count(&row, 0))
}

fn count(row: &QueryResult, column: usize) -> Result<u64, Fault> {
    sql::count(row.try_get_by_index(column)?)
}

#[derive(FromQueryResult)]
struct TopRow {
    user_id: String,
    name: String,
    email: Option<String>,
    sessions: i64,
    messages: i64,
    tokens: i64,
    last_at: i64,
}

impl TopRow {
    fn user(self) -> Result<TopUser, Fault> {
        Ok(TopUser {
            user_id: parse("user id", &self.user_id)?,
            name: self.name,
            email: self.email.unwrap_or_default(),
            sessions: sql::count(self.sessions)?,
            messages: sql::count(self.messages)?,
            tokens: sql::count(self.tokens)?,
            last_active: sql::time(self.last_at)?,
        })
    }
}
