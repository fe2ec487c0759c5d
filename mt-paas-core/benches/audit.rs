//! How fast a whole audit trail is verified, beside a mere reading of the same rows, on a SQLite file.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench audit -- [entries]`; 300,000 entries unless told otherwise. The
//! file lies in the directory for temporary files, which needs 1 KiB for each entry, and is removed at the end.

use std::error::Error;
use std::time::{Duration, Instant};

use mt_paas_core::audit::{Actor, ActorKind, AuditEvent, AuditStore, Outcome, RawAuditRow, Verifier, action};
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 7;
const PAGE: usize = 2000;
const COLUMNS: &str = "writer, seq, id, at, tenant_id, actor_kind, actor_id, action, target_kind, target_id, outcome, \
    reason, request_id, address, details, previous, hash";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let entries: usize = arguments.first().map_or(Ok(300_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("audit.db");
    let store = SqlStore::open(&format!("sqlite:{}", file.display())).await?;
    let began = Instant::now();
    for first in (0..entries).step_by(1000) {
        let events: Vec<AuditEvent> = (first..entries.min(first + 1000)).map(event).collect();
        store.record_audit(&events).await?;
    }
    println!(
        "{entries} entries written in {:.1?}, {} bytes each in the file",
        began.elapsed(),
        size(&file)? / entries as u64
    );
    let (mut verify, mut read, mut rows) = (Vec::new(), Vec::new(), 0);
    // In turn, so that whatever else the machine does meets both.
    for _ in 0..=ROUNDS {
        let began = Instant::now();
        let verified = store.verify_audit(&[], &mut |fault| panic!("{fault}")).await?;
        verify.push(began.elapsed());
        let began = Instant::now();
        rows = mere_reading(&store).await?;
        read.push(began.elapsed());
        assert_eq!(verified.rows, rows);
    }
    // The first round fills the caches.
    let (verify, read) = (p50(&mut verify[1..]), p50(&mut read[1..]));
    let hashing = hashing(&store).await?;
    println!("p50 of {ROUNDS} rounds over {rows} rows");
    println!("  verify        {:>9.0} rows/s", speed(rows, verify));
    println!("  mere reading  {:>9.0} rows/s", speed(rows, read));
    println!("  verify at {:.2} of mere reading (at least 0.50)", read.as_secs_f64() / verify.as_secs_f64());
    println!("  hashing and comparing alone, of rows in memory: {hashing:.0} rows/s");
    store.close().await?;
    Ok(folder.close()?)
}

/// An entry as most are.
fn event(number: usize) -> AuditEvent {
    let actor = Actor::new(ActorKind::MarketKey, "key-ab12cd34");
    let event = AuditEvent::new(actor, action::USER_CREATE, chrono::Utc::now())
        .on("user", uuid::Uuid::from_u128(number as u128).simple().to_string())
        .detail("role", "user");
    let mut event = if number.is_multiple_of(10) { event.with(Outcome::Refused, "user_exists") } else { event };
    event.tenant = "hallym_univ".parse().ok();
    event.request_id = Some(uuid::Uuid::from_u128(number as u128).to_string().into());
    event.address = "10.20.30.40".parse().ok();
    event
}

/// All rows, all columns, in the order and the pages of a verification, and nothing done with them.
async fn mere_reading(store: &SqlStore) -> Result<u64, Failure> {
    let mut rows = 0;
    pages(store, |_| rows += 1).await?;
    Ok(rows)
}

async fn pages(store: &SqlStore, mut each: impl FnMut(RawAuditRow)) -> Result<(), Failure> {
    let sql = format!("SELECT {COLUMNS} FROM mt_audit WHERE (writer, seq) > (?, ?) ORDER BY writer, seq LIMIT {PAGE}");
    let mut last = (String::new(), i64::MIN);
    loop {
        let values = [last.0.clone().into(), last.1.into()];
        let page =
            store.reader().query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, &sql, values)).await?;
        for row in &page {
            let row = row_of(row)?;
            last = (row.writer.clone(), row.seq);
            each(row);
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

fn row_of(row: &QueryResult) -> Result<RawAuditRow, Failure> {
    Ok(RawAuditRow {
        writer: row.try_get_by_index(0)?,
        seq: row.try_get_by_index(1)?,
        id: row.try_get_by_index(2)?,
        at: row.try_get_by_index(3)?,
        tenant: row.try_get_by_index(4)?,
        actor_kind: row.try_get_by_index(5)?,
        actor_id: row.try_get_by_index(6)?,
        action: row.try_get_by_index(7)?,
        target_kind: row.try_get_by_index(8)?,
        target_id: row.try_get_by_index(9)?,
        outcome: row.try_get_by_index(10)?,
        reason: row.try_get_by_index(11)?,
        request_id: row.try_get_by_index(12)?,
        address: row.try_get_by_index(13)?,
        details: row.try_get_by_index(14)?,
        previous: row.try_get_by_index(15)?,
        hash: row.try_get_by_index(16)?,
    })
}

/// Rows a second, once they are in memory.
async fn hashing(store: &SqlStore) -> Result<f64, Failure> {
    let mut rows = Vec::new();
    pages(store, |row| rows.push(row)).await?;
    let mut found = |fault| panic!("{fault}");
    let mut verifier = Verifier::new(&[], &mut found);
    let began = Instant::now();
    rows.iter().for_each(|row| verifier.row(row));
    let verified = verifier.finish();
    Ok(speed(verified.rows, began.elapsed()))
}

fn p50(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn speed(rows: u64, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}

fn size(file: &std::path::Path) -> Result<u64, Failure> {
    let wal = file.with_extension("db-wal");
    Ok(std::fs::metadata(file)?.len() + std::fs::metadata(wal).map_or(0, |wal| wal.len()))
}
