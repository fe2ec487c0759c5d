//! Claims and answers of repeated requests in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};

use super::SqlStore;
use super::connect::Database;
use super::fault::{Fault, again};
use super::sql;
use crate::idempotency::{CLAIMED, Claim, Claimed, IdempotencyStore, KEPT, StoredAnswer};
use crate::store::StoreError;

#[async_trait]
impl IdempotencyStore for SqlStore {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        again!(claim_scope(&self.db, claim))
    }

    async fn finish(&self, claim: &Claim, answer: &StoredAnswer) -> Result<(), StoreError> {
        again!(finish(&self.db, claim, answer))
    }

    async fn abandon(&self, claim: &Claim) -> Result<(), StoreError> {
        again!(abandon(&self.db, claim))
    }
}

const SCOPE: &str = "market_key = $1 AND route = $2 AND idempotency_key = $3";

async fn claim_scope(db: &Database, claim: &Claim) -> Result<Claimed, Fault> {
    let tx = db.write().await?;
    let now = sql::micros(claim.at);
    let expired = format!("DELETE FROM mt_idempotency WHERE {SCOPE} AND expires_at <= $4");
    sql::run(&tx, &expired, with_scope(claim, [now.into()])).await?;
    let insert = "INSERT INTO mt_idempotency \
        (market_key, route, idempotency_key, token, fingerprint, at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let row = [
        claim.token.to_string().into(),
        claim.fingerprint.to_vec().into(),
        now.into(),
        sql::micros(claim.at + CLAIMED).into(),
    ];
    let fresh = sql::run(&tx, insert, with_scope(claim, row)).await? == 1;
    let claimed = if fresh { Claimed::Fresh } else { held(&tx, claim).await? };
    sweep(&tx, now).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn held(tx: &DatabaseTransaction, claim: &Claim) -> Result<Claimed, Fault> {
    let sql = format!("SELECT fingerprint, status, body FROM mt_idempotency WHERE {SCOPE}");
    // It was given back between the two statements.
    let row = sql::row(tx, &sql, with_scope(claim, [])).await?.ok_or(Fault::Lost)?;
    if row.try_get_by_index::<Vec<u8>>(0)? != claim.fingerprint {
        return Ok(Claimed::Mismatch);
    }
    let Some(status) = row.try_get_by_index::<Option<i64>>(1)? else { return Ok(Claimed::InProgress) };
    let status = u16::try_from(status).map_err(Fault::corrupt("status"))?;
    let body = row.try_get_by_index::<Option<Vec<u8>>>(2)?.unwrap_or_default();
    Ok(Claimed::Replay(StoredAnswer { status, body }))
}

/// Removes a few of the rows that nobody can ask for any more.
async fn sweep(tx: &DatabaseTransaction, now: i64) -> Result<(), Fault> {
    let sql = match tx.get_database_backend() {
        DbBackend::Sqlite => "DELETE FROM mt_idempotency WHERE expires_at <= $1",
        // Rows that another sweep has locked are left to it.
        _ => {
            "DELETE FROM mt_idempotency WHERE ctid = ANY (ARRAY(SELECT ctid FROM mt_idempotency \
                WHERE expires_at <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED))"
        }
    };
    sql::run(tx, sql, [now.into()]).await?;
    Ok(())
}

async fn finish(db: &Database, claim: &Claim, answer: &StoredAnswer) -> Result<(), Fault> {
    let tx = db.write().await?;
    let sql = format!("UPDATE mt_idempotency SET status = $5, body = $6, expires_at = $7 WHERE {SCOPE} AND token = $4");
    let values = [
        claim.token.to_string().into(),
        i64::from(answer.status).into(),
        answer.body.clone().into(),
        sql::micros(claim.at + KEPT).into(),
    ];
    sql::run(&tx, &sql, with_scope(claim, values)).await?;
    Ok(tx.commit().await?)
}

async fn abandon(db: &Database, claim: &Claim) -> Result<(), Fault> {
    let tx = db.write().await?;
    let sql = format!("DELETE FROM mt_idempotency WHERE {SCOPE} AND token = $4");
    sql::run(&tx, &sql, with_scope(claim, [claim.token.to_string().into()])).await?;
    Ok(tx.commit().await?)
}

/// The scope as `$1` to `$3`, and what follows it.
fn with_scope<const N: usize>(claim: &Claim, more: [Value; N]) -> Vec<Value> {
    let scope = &claim.scope;
    let mut values: Vec<Value> = [&scope.market_key, &scope.route, &scope.key].map(|part| part.as_str().into()).into();
    values.extend(more);
    values
}
