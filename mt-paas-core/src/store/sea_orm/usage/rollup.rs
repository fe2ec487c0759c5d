//! The tables of the roll-ups: what is in a row, and how a row takes in more of a ledger.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};

use super::super::fault::Fault;
use super::super::sql;
use crate::ids::{TenantId, UserId};
use crate::usage::{Calendar, Counter, RowKey};

/// A table of a roll-up. Its key is the tenant and `keys`.
pub(super) struct RollUp {
    pub(super) name: &'static str,
    pub(super) keys: &'static [Column],
    pub(super) figures: &'static [Column],
    merge: Merge,
}

pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Day,
    /// The later one stays when rows are added up.
    Latest,
}

/// How a row takes in another one of its key.
enum Merge {
    Add,
    KeepLater,
    KeepEarlier,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Number(i64),
    Text(String),
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

pub(super) const DAILY: RollUp = RollUp {
    name: "daily",
    keys: &[
        column("day", Kind::Day),
        column("user_id", Kind::Text),
        column("model", Kind::Text),
        column("priced", Kind::Number),
    ],
    figures: &[
        column("sessions", Kind::Number),
        column("events", Kind::Number),
        column("messages", Kind::Number),
        column("input_tokens", Kind::Number),
        column("output_tokens", Kind::Number),
        column("cost", Kind::Number),
        column("last_at", Kind::Latest),
    ],
    merge: Merge::Add,
};

pub(super) const HOURLY: RollUp = RollUp {
    name: "hourly",
    keys: &[column("day", Kind::Day), column("hour", Kind::Number)],
    figures: &[column("sessions", Kind::Number), column("messages", Kind::Number), column("tokens", Kind::Number)],
    merge: Merge::Add,
};

pub(super) const STORAGE: RollUp = RollUp {
    name: "storage",
    keys: &[column("day", Kind::Day)],
    figures: &[column("at", Kind::Number), column("event_id", Kind::Text), column("bytes", Kind::Number)],
    merge: Merge::KeepLater,
};

pub(super) const USERS: RollUp = RollUp {
    name: "users",
    keys: &[column("user_id", Kind::Text)],
    figures: &[column("sessions", Kind::Number), column("messages", Kind::Number), column("tokens", Kind::Number)],
    merge: Merge::Add,
};

pub(super) const SESSIONS: RollUp = RollUp {
    name: "sessions",
    keys: &[column("session_id", Kind::Text)],
    figures: &[
        column("at", Kind::Number),
        column("event_id", Kind::Text),
        column("user_id", Kind::Text),
        column("model", Kind::Text),
        column("priced", Kind::Number),
    ],
    merge: Merge::KeepEarlier,
};

pub(super) const ALL: [&RollUp; 5] = [&SESSIONS, &DAILY, &HOURLY, &STORAGE, &USERS];

/// A session's first event: when it was, its id, and the row that the session counts in.
pub(super) type FirstEvent = (DateTime<Utc>, String, RowKey);

/// What a ledger, or new entries of one, add to the roll-ups.
pub(super) struct Change {
    pub(super) calendar: Calendar,
    /// In order, as everything that is locked.
    pub(super) sessions: BTreeMap<String, FirstEvent>,
    /// Where sessions are counted that belong elsewhere: the row and the hour.
    pub(super) moved: Vec<(RowKey, u8)>,
    gauges: BTreeMap<NaiveDate, (DateTime<Utc>, String)>,
}

impl Change {
    pub(super) fn of(counter: Counter) -> Self {
        let sessions = counter.first_events().iter().map(|(session, first)| (session.clone(), first.clone())).collect();
        let gauges = counter.last_gauges().clone();
        Self { calendar: counter.finish(), sessions, moved: Vec::new(), gauges }
    }

    /// The rows of a table: keys, then figures.
    pub(super) fn rows(&self, table: &RollUp) -> Result<Vec<Vec<Cell>>, Fault> {
        match table.name {
            "daily" => self.daily(),
            "hourly" => self.hourly(),
            "users" => self.users(),
            "storage" => self.storage(),
            _ => Ok(self.sessions.iter().map(|(session, first)| session_row(session, first)).collect()),
        }
    }

    fn daily(&self) -> Result<Vec<Vec<Cell>>, Fault> {
        let mut rows: BTreeMap<&RowKey, [i64; 7]> = BTreeMap::new();
        for (row, sums) in &self.calendar.rows {
            let figures = [
                sql::number(sums.sessions)?,
                sql::number(sums.events)?,
                sql::number(sums.messages)?,
                sql::number(sums.input_tokens)?,
                sql::number(sums.output_tokens)?,
                sums.cost.nanos(),
                sql::micros(sums.last_at),
            ];
            rows.insert(row, figures);
        }
        for (row, _) in &self.moved {
            rows.entry(row).or_default()[0] -= 1;
        }
        let cells = |(row, figures): (&RowKey, [i64; 7])| {
            let mut cells = vec![Cell::Number(sql::day_number(row.date))];
            cells.extend(origin(row));
            cells.extend(figures.map(Cell::Number));
            cells
        };
        Ok(rows.into_iter().map(cells).collect())
    }

    fn hourly(&self) -> Result<Vec<Vec<Cell>>, Fault> {
        let mut rows: BTreeMap<(NaiveDate, u8), [i64; 3]> = BTreeMap::new();
        for (key, hour) in &self.calendar.hours {
            let figures = [sql::number(hour.sessions)?, sql::number(hour.messages)?, sql::number(hour.tokens)?];
            rows.insert(*key, figures);
        }
        for (row, hour) in &self.moved {
            rows.entry((row.date, *hour)).or_default()[0] -= 1;
        }
        let cells = |((date, hour), figures): ((NaiveDate, u8), [i64; 3])| {
            [sql::day_number(date), i64::from(hour)].into_iter().chain(figures).map(Cell::Number).collect()
        };
        Ok(rows.into_iter().map(cells).collect())
    }

    fn users(&self) -> Result<Vec<Vec<Cell>>, Fault> {
        let mut rows: BTreeMap<&UserId, [i64; 3]> = BTreeMap::new();
        for (user, used) in &self.calendar.users {
            let figures = [sql::number(used.sessions)?, sql::number(used.messages)?, sql::number(used.tokens)?];
            rows.insert(user, figures);
        }
        for (row, _) in &self.moved {
            if let Some(user) = &row.user {
                rows.entry(user).or_default()[0] -= 1;
            }
        }
        let cells = |(user, figures): (&UserId, [i64; 3])| {
            std::iter::once(Cell::Text(user.to_string())).chain(figures.map(Cell::Number)).collect()
        };
        Ok(rows.into_iter().map(cells).collect())
    }

    fn storage(&self) -> Result<Vec<Vec<Cell>>, Fault> {
        let gauges = self.gauges.iter().filter_map(|(day, event)| Some((day, event, self.calendar.storage.get(day)?)));
        gauges
            .map(|(day, (at, id), bytes)| {
                Ok(vec![
                    Cell::Number(sql::day_number(*day)),
                    Cell::Number(sql::micros(*at)),
                    Cell::Text(id.clone()),
                    Cell::Number(sql::number(*bytes)?),
                ])
            })
            .collect()
    }
}

impl RollUp {
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.keys.iter().chain(self.figures)
    }

    /// The names of all columns but the tenant, with commas.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.columns().map(|column| column.name).collect();
        names.join(", ")
    }

    /// Takes rows in.
    pub(super) async fn write(
        &self,
        tx: &DatabaseTransaction,
        tenant: &TenantId,
        rows: Vec<Vec<Cell>>,
    ) -> Result<(), Fault> {
        let tail = format!("ON CONFLICT ({}) DO UPDATE SET {}", self.key(), self.merge());
        sql::for_rows(tx, &self.insert(), self.columns().count() + 1, values(tenant, rows), &tail).await?;
        Ok(())
    }

    /// Adds the rows whose key is free and answers the first key column of those.
    pub(super) async fn write_new(
        &self,
        tx: &DatabaseTransaction,
        tenant: &TenantId,
        rows: Vec<Vec<Cell>>,
    ) -> Result<Vec<String>, Fault> {
        let tail = format!("ON CONFLICT ({}) DO NOTHING RETURNING {}", self.key(), self.keys[0].name);
        let added = sql::for_rows(tx, &self.insert(), self.columns().count() + 1, values(tenant, rows), &tail).await?;
        Ok(added.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// The rows of a tenant.
    pub(super) async fn read(&self, on: &impl ConnectionTrait, tenant: &TenantId) -> Result<Vec<Vec<Cell>>, Fault> {
        let sql = format!("SELECT {} FROM mt_usage_{} WHERE tenant_id = $1", self.names(), self.name);
        let rows = sql::rows(on, &sql, [tenant.as_str().into()]).await?;
        rows.iter()
            .map(|row| {
                self.columns()
                    .enumerate()
                    .map(|(index, column)| match column.kind {
                        Kind::Text => Ok(Cell::Text(row.try_get_by_index(index)?)),
                        Kind::Number | Kind::Day | Kind::Latest => Ok(Cell::Number(row.try_get_by_index(index)?)),
                    })
                    .collect()
            })
            .collect()
    }

    fn insert(&self) -> String {
        format!("INSERT INTO mt_usage_{} AS t (tenant_id, {}) VALUES", self.name, self.names())
    }

    fn key(&self) -> String {
        let keys: Vec<&str> = std::iter::once("tenant_id").chain(self.keys.iter().map(|key| key.name)).collect();
        keys.join(", ")
    }

    fn merge(&self) -> String {
        let merged = self.figures.iter().map(|Column { name, kind }| match (&self.merge, kind) {
            (Merge::Add, Kind::Latest) => {
                format!("{name} = CASE WHEN excluded.{name} > t.{name} THEN excluded.{name} ELSE t.{name} END")
            }
            (Merge::Add, _) => format!("{name} = t.{name} + excluded.{name}"),
            (Merge::KeepLater | Merge::KeepEarlier, _) => format!("{name} = excluded.{name}"),
        });
        let merged = merged.collect::<Vec<_>>().join(", ");
        match self.merge {
            Merge::Add => merged,
            Merge::KeepLater => format!("{merged} WHERE (excluded.at, excluded.event_id) > (t.at, t.event_id)"),
            Merge::KeepEarlier => format!("{merged} WHERE (excluded.at, excluded.event_id) < (t.at, t.event_id)"),
        }
    }
}

/// Puts `change` in the place of all roll-ups of a tenant.
pub(super) async fn replace(tx: &DatabaseTransaction, tenant: &TenantId, change: &Change) -> Result<(), Fault> {
    clear(tx, tenant).await?;
    for table in ALL {
        table.write(tx, tenant, change.rows(table)?).await?;
    }
    Ok(())
}

/// Removes all roll-ups of a tenant.
pub(super) async fn clear(tx: &DatabaseTransaction, tenant: &TenantId) -> Result<(), Fault> {
    for table in ALL {
        let sql = format!("DELETE FROM mt_usage_{} WHERE tenant_id = $1", table.name);
        sql::run(tx, &sql, [tenant.as_str().into()]).await?;
    }
    Ok(())
}

/// The row of a session.
pub(super) fn session_row(session: &str, (at, id, row): &FirstEvent) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(session.to_owned()), Cell::Number(sql::micros(*at)), Cell::Text(id.clone())];
    cells.extend(origin(row));
    cells
}

/// Whose usage a row is, of which model, and whether that has a price. Nobody and no model are the empty text, because
/// a key holds no null.
fn origin(row: &RowKey) -> [Cell; 3] {
    let user = row.user.as_ref().map(UserId::to_string).unwrap_or_default();
    let model = row.model.clone().unwrap_or_default();
    [Cell::Text(user), Cell::Text(model), Cell::Number(i64::from(row.priced))]
}

fn values(tenant: &TenantId, rows: Vec<Vec<Cell>>) -> Vec<Value> {
    let with_tenant = |row: Vec<Cell>| {
        std::iter::once(Value::from(tenant.as_str())).chain(row.into_iter().map(|cell| match cell {
            Cell::Number(number) => number.into(),
            Cell::Text(text) => text.into(),
        }))
    };
    rows.into_iter().flat_map(with_tenant).collect()
}
