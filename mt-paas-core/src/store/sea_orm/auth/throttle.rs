//! What was tried, and the removal of what has ended.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use crate::auth::{Admitted, Bucket, PaidUntil, Swept};

pub(super) async fn admit(db: &Database, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Admitted, Fault> {
    let tx = db.write().await?;
    let mut sorted: Vec<&Bucket> = buckets.iter().collect();
    // Everybody locks in the same order.
    sorted.sort_by_key(|bucket| &bucket.subject);
    let mut refused = None;
    let mut paid = Vec::new();
    for bucket in sorted {
        match bucket.rate.admit(locked(&tx, bucket).await?, now) {
            Ok(until) => paid.push((bucket, until)),
            Err(not_before) => refused = refused.max(Some(not_before)),
        }
    }
    if let Some(not_before) = refused {
        return Ok(Admitted::NotBefore(not_before));
    }
    for (bucket, until) in paid {
        write(&tx, bucket, until).await?;
    }
    tx.commit().await?;
    Ok(Admitted::Yes)
}

pub(super) async fn refund(db: &Database, buckets: &[Bucket]) -> Result<(), Fault> {
    let tx = db.write().await?;
    let mut sorted: Vec<&Bucket> = buckets.iter().collect();
    sorted.sort_by_key(|bucket| &bucket.subject);
    for bucket in sorted {
        if let Some(until) = locked(&tx, bucket).await? {
            write(&tx, bucket, bucket.rate.refund(until)).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn locked(tx: &DatabaseTransaction, bucket: &Bucket) -> Result<Option<PaidUntil>, Fault> {
    if tx.get_database_backend() == DbBackend::Postgres {
        // There may be no row to lock yet: of two who make one, the second waits for the first.
        let hold = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text";
        sql::row(tx, hold, [bucket.subject.as_str().into()]).await?;
    }
    let sql = "SELECT paid_until FROM mt_throttle WHERE subject = $1";
    let row = sql::row(tx, sql, [bucket.subject.as_str().into()]).await?;
    row.map(|row| sql::time(row.try_get("", "paid_until")?)).transpose()
}

async fn write(tx: &DatabaseTransaction, bucket: &Bucket, until: PaidUntil) -> Result<(), Fault> {
    let sql = "INSERT INTO mt_throttle (subject, paid_until) VALUES ($1, $2) \
        ON CONFLICT (subject) DO UPDATE SET paid_until = excluded.paid_until";
    sql::run(tx, sql, [bucket.subject.as_str().into(), sql::micros(until).into()]).await?;
    Ok(())
}

pub(super) async fn sweep(db: &Database, now: DateTime<Utc>) -> Result<Swept, Fault> {
    let mut swept = [0; 3];
    let tables = [("mt_sessions", "idle_end"), ("mt_links", "expires_at"), ("mt_throttle", "paid_until")];
    for (count, (table, end)) in swept.iter_mut().zip(tables) {
        let sql = format!("DELETE FROM {table} WHERE {end} <= $1");
        *count = sql::run(&db.writer, &sql, [sql::micros(now).into()]).await?;
    }
    let [sessions, links, buckets] = swept;
    Ok(Swept { sessions, links, buckets })
}
