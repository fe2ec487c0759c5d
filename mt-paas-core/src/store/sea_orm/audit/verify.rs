//! All rows of the trail for the verifier, as they were at one moment.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::rows::{self, COLUMNS};
use crate::audit::{RawAuditRow, Verified, Verifier};

/// How many rows are read at once.
const PAGE: usize = 2000;

pub(super) async fn all(db: &Database, mut verifier: Verifier<'_>) -> Result<Verified, Fault> {
    let tx = db.snapshot().await?;
    if db.backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    // The action is written out for the index that holds these rows alone.
    pages(&tx, "AND action = 'audit.anchor'", |row| {
        if let Ok(row) = row {
            verifier.anchor(row);
        }
    })
    .await?;
    pages(&tx, "", |row| match row {
        Ok(row) => verifier.row(row),
        Err((writer, seq)) => verifier.unreadable(&writer, seq),
    })
    .await?;
    tx.commit().await?;
    Ok(verifier.finish())
}

/// Goes through all rows that `filter` leaves, by writer and number. Of a row that cannot be read its key is told.
async fn pages(
    tx: &DatabaseTransaction,
    filter: &str,
    mut each: impl FnMut(Result<&RawAuditRow, (String, i64)>),
) -> Result<(), Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mt_audit WHERE (writer, seq) > ($1, $2) {filter} ORDER BY writer, seq LIMIT {PAGE}"
    );
    // No writer has an empty name.
    let mut last = (String::new(), i64::MIN);
    loop {
        let page = sql::rows(tx, &sql, [last.0.clone().into(), last.1.into()]).await?;
        for row in &page {
            match rows::read(row) {
                Ok(row) => {
                    each(Ok(&row));
                    last = (row.writer, row.seq);
                }
                Err(_) => {
                    last = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                    each(Err(last.clone()));
                }
            }
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}
