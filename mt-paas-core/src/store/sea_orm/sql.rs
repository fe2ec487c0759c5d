//! Statements as they are written in this store. Parameters are `$1`, `$2`, … on both databases.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};

use super::fault::Fault;

/// All rows of a query.
pub(super) async fn rows(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    on.query_all_raw(Statement::from_sql_and_values(on.get_database_backend(), sql, values)).await
}

/// The first row of a query.
pub(super) async fn row(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>, DbErr> {
    on.query_one_raw(Statement::from_sql_and_values(on.get_database_backend(), sql, values)).await
}

/// Executes a statement and says how many rows it changed.
pub(super) async fn run(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    let done = on.execute_raw(Statement::from_sql_and_values(on.get_database_backend(), sql, values)).await?;
    Ok(done.rows_affected())
}

/// How many rows a statement takes at once. A few fixed sizes keep the statements prepared, and the largest stays
/// below the parameters that SQLite (32766) and PostgreSQL (65535) allow for 100 columns.
const STEPS: [usize; 4] = [256, 32, 4, 1];

/// Runs `{head} {list of rows} {tail}` over `values`, `columns` to a row, and collects what it returns.
pub(super) async fn for_rows(
    on: &impl ConnectionTrait,
    head: &str,
    columns: usize,
    mut values: Vec<Value>,
    tail: &str,
) -> Result<Vec<QueryResult>, DbErr> {
    let backend = on.get_database_backend();
    let mut returned = Vec::new();
    while !values.is_empty() {
        let left = values.len() / columns;
        let step = STEPS.into_iter().find(|step| *step <= left).unwrap_or(1);
        let later = values.split_off(step * columns);
        let sql = format!("{head} {} {tail}", placeholders(backend, step, columns));
        let statement = Statement::from_sql_and_values(backend, sql, std::mem::replace(&mut values, later));
        returned.extend(on.query_all_raw(statement).await?);
    }
    Ok(returned)
}

/// `($1, $2), ($3, $4)`. SQLite finds a numbered parameter by searching all names, so there they have none.
fn placeholders(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mut list = String::with_capacity(rows * columns * 4);
    for row in 0..rows {
        list.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                list.push_str(", ");
            }
            if backend == DbBackend::Sqlite {
                list.push('?');
            } else {
                list.push('$');
                list.push_str(&(row * columns + column + 1).to_string());
            }
        }
        list.push(')');
    }
    list
}

/// A time as it is stored: microseconds since 1970, UTC.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// A stored time.
pub(super) fn time(micros: i64) -> Result<DateTime<Utc>, Fault> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| Fault::Corrupt("time", "out of range".into()))
}

/// A day as it is stored: days since 1970-01-01.
pub(super) fn day_number(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_days()
}

/// A stored day.
pub(super) fn day(number: i64) -> Result<NaiveDate, Fault> {
    TimeDelta::try_days(number)
        .and_then(|days| NaiveDate::default().checked_add_signed(days))
        .ok_or_else(|| Fault::Corrupt("day", "out of range".into()))
}

/// A stored count.
pub(super) fn count(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(Fault::corrupt("count"))
}

/// A count as it is stored. The values of the contract stay far below.
pub(super) fn number(count: u64) -> Result<i64, Fault> {
    i64::try_from(count).map_err(|_| Fault::Db(DbErr::Custom("a count is above 2^63".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_and_after_1970_come_back() {
        for text in ["0001-01-01", "1969-12-31", "1970-01-01", "2026-02-28", "9999-12-31"] {
            let date: NaiveDate = text.parse().unwrap();
            assert_eq!(day(day_number(date)).unwrap(), date);
        }
    }

    #[test]
    fn the_largest_step_stays_below_the_parameters_of_sqlite() {
        assert!(STEPS[0] * 100 < 32_766);
        assert_eq!(placeholders(DbBackend::Sqlite, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(placeholders(DbBackend::Postgres, 2, 2), "($1, $2), ($3, $4)");
    }
}
