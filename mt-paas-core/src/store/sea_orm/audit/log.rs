//! Pages of the trail.

use sea_orm::{DbBackend, Value};

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::rows::{self, COLUMNS};
use crate::audit::{AuditEntry, AuditQuery, Line};

pub(super) async fn page(db: &Database, query: &AuditQuery) -> Result<Vec<AuditEntry>, Fault> {
    let mut conditions = Conditions { backend: db.backend(), sql: Vec::new(), values: Vec::new() };
    conditions.filter(query);
    let Conditions { sql, mut values, .. } = conditions;
    let filter = if sql.is_empty() { String::new() } else { format!("WHERE {}", sql.join(" AND ")) };
    values.push(i64::from(query.limit).into());
    let limit = values.len();
    let sql = format!("SELECT {COLUMNS} FROM mt_audit {filter} ORDER BY at DESC, id DESC LIMIT ${limit}");
    let found = sql::rows(&db.reader, &sql, values).await?;
    found.iter().map(|row| rows::read(row)?.entry().map_err(Fault::corrupt("audit entry"))).collect()
}

/// What a query demands of a row; see [`AuditQuery::matches`].
struct Conditions {
    backend: DbBackend,
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn filter(&mut self, query: &AuditQuery) {
        let text = |line: &Line| line.as_str().to_owned();
        self.one("tenant_id =", query.tenant.as_ref().map(|tenant| tenant.as_str().to_owned()));
        self.one("actor_kind =", query.actor_kind.map(|kind| kind.as_str().to_owned()));
        self.one("actor_id =", query.actor.as_ref().map(text));
        self.one("action =", query.action.as_ref().map(|action| action.as_str().to_owned()));
        self.one("target_kind =", query.target_kind.as_ref().map(text));
        self.one("target_id =", query.target.as_ref().map(text));
        self.one("outcome =", query.outcome.map(|outcome| outcome.as_str().to_owned()));
        self.one("request_id =", query.request_id.as_ref().map(text));
        self.one("at >=", query.from.map(|from| ceiling(sql::micros(from), from.timestamp_subsec_nanos())));
        self.one("at <", query.until.map(|until| ceiling(sql::micros(until), until.timestamp_subsec_nanos())));
        if let Some(words) = query.text.as_ref().map(text) {
            let words = self.value(words);
            let holds = if self.backend == DbBackend::Sqlite { "instr" } else { "strpos" };
            let columns = ["action", "reason", "actor_id", "target_id", "details"];
            let any = columns.map(|column| format!("{holds}({column}, {words}) > 0")).join(" OR ");
            self.sql.push(format!("({any})"));
        }
        if let Some(after) = query.after {
            let (at, id) = (self.value(after.at), self.value(after.id.to_string()));
            self.sql.push(format!("(at, id) < ({at}, {id})"));
        }
    }

    fn one(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let place = self.value(value);
            self.sql.push(format!("{condition} {place}"));
        }
    }

    /// The place of a value in the statement.
    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }
}

/// The first whole microsecond that is not before a time.
fn ceiling(micros: i64, nanos: u32) -> i64 {
    micros + i64::from(!nanos.is_multiple_of(1000))
}
