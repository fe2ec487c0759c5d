//! How long `stats` takes on a SQLite file, with few and with many events behind the same roll-ups.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench usage -- [few] [many]`; 100,000 and 10,000,000 events unless
//! told otherwise. The files lie in the directory for temporary files, which needs 300 bytes for each event, and are
//! removed at the end.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use mt_paas_core::period::Period;
use mt_paas_core::standard_api::{ActivateRequest, ActivationConfig, Contact, CreateUserRequest, Role};
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::usage::UsageEvent;
use mt_paas_core::{StandardAPIHandler, StoreHandler, TenantId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

const TENANT: &str = "bench_univ";
const USERS: usize = 100;
const DAYS: i64 = 60;
const MODELS: [&str; 3] = ["gpt-4o", "gpt-4o-mini", "claude-haiku-4-5"];
const BATCH: u64 = 5_000;
/// Events of one session follow each other.
const SESSION: u64 = 4;
const PROGRESS: u64 = 1_000_000;
const CALLS: usize = 301;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let number = |index: usize, default: u64| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let (few, many) = (number(0, 100_000)?, number(1, 10_000_000)?);
    let folder = tempfile::tempdir()?;
    let small = Ledger::seeded(folder.path(), few).await?;
    let large = Ledger::seeded(folder.path(), many).await?;
    println!("\nperiod   {few} events: p50, p95   {many} events: p50, p95   ratio of p50");
    for period in ["30d", "60d"] {
        let (small, large) = compare(&small, &large, period.parse()?).await?;
        println!(
            "{period}      {:>9.3} ms, {:.3} ms      {:>9.3} ms, {:.3} ms      {:.3}",
            millis(small.p50),
            millis(small.p95),
            millis(large.p50),
            millis(large.p95),
            large.p50.as_secs_f64() / small.p50.as_secs_f64(),
        );
    }
    small.store.close().await?;
    large.store.close().await?;
    Ok(folder.close()?)
}

/// Asks both in turn, so that whatever else the machine does meets both.
async fn compare(small: &Ledger, large: &Ledger, period: Period) -> Result<(Spread, Spread), Failure> {
    small.stats(period).await?;
    large.stats(period).await?;
    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        of_small.push(small.stats(period).await?);
        of_large.push(large.stats(period).await?);
    }
    Ok((Spread::of(of_small), Spread::of(of_large)))
}

struct Spread {
    p50: Duration,
    p95: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |percent: usize| times.get((times.len() - 1) * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p95: at(95) }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A store on a file of its own, with one tenant.
struct Ledger {
    store: SqlStore,
    handler: StoreHandler,
    tenant: TenantId,
    file: PathBuf,
}

impl Ledger {
    async fn seeded(folder: &Path, events: u64) -> Result<Self, Failure> {
        let file = folder.join(format!("{events}.db"));
        let store = SqlStore::open(&format!("sqlite:{}", file.display())).await?;
        let handler = StoreHandler::builder(Arc::new(store.clone()), "bench", "0").build()?;
        let ledger = Self { store, handler, tenant: TENANT.parse()?, file };
        let users = ledger.people().await?;
        ledger.record(events, &users).await?;
        ledger.print_size(events).await?;
        Ok(ledger)
    }

    async fn stats(&self, period: Period) -> Result<Duration, Failure> {
        let began = Instant::now();
        let stats = self.handler.tenant_stats(&self.tenant, period).await?;
        let took = began.elapsed();
        // Other roll-ups would be another question.
        let days = stats.trends.daily.len();
        if days != usize::from(period.days()) || stats.summary.active_users != USERS as u64 {
            return Err(format!("{days} days and {} users are in {period}", stats.summary.active_users).into());
        }
        Ok(took)
    }

    async fn people(&self) -> Result<Vec<UserId>, Failure> {
        let activation = ActivateRequest {
            tenant_id: self.tenant.clone(),
            tenant_name: "Bench University".to_owned(),
            plan: "standard".to_owned(),
            features: ["chat".to_owned()].into(),
            config: ActivationConfig::default(),
            contact: Contact::default(),
            term: None,
            callback_url: None,
        };
        self.handler.activate_tenant(activation).await?;
        let mut users = Vec::new();
        for n in 0..USERS {
            let request = CreateUserRequest {
                email: format!("user{n}@example.com"),
                name: format!("User {n}"),
                role: Role::User,
                password: None,
                send_welcome_email: false,
                run: None,
            };
            users.push(self.handler.create_user(&self.tenant, request).await?.user_id);
        }
        Ok(users)
    }

    async fn record(&self, events: u64, users: &[UserId]) -> Result<(), Failure> {
        let usage = self.handler.usage();
        let mut source = Source::new(self.tenant.clone(), users);
        let (began, mut since, mut spent) = (Instant::now(), Instant::now(), Duration::ZERO);
        let mut done = 0;
        while done < events {
            let batch: Vec<UsageEvent> = source.by_ref().take(BATCH.min(events - done) as usize).collect();
            let asked = Instant::now();
            done += usage.record_many(batch).await?.new;
            spent += asked.elapsed();
            if done % PROGRESS == 0 {
                println!(
                    "  {done} events, the last million at {:.0}/s",
                    PROGRESS as f64 / since.elapsed().as_secs_f64()
                );
                since = Instant::now();
            }
        }
        let (rate, took) = (events as f64 / spent.as_secs_f64(), began.elapsed());
        println!(
            "{events} events in batches of {BATCH}: {rate:.0} events/s ({took:.1?} with the making of the events)"
        );
        Ok(())
    }

    async fn print_size(&self, events: u64) -> Result<(), Failure> {
        self.store.writer().execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        let per_event = |bytes: i64| bytes as f64 / events as f64;
        let file = i64::try_from(std::fs::metadata(&self.file)?.len())?;
        println!("the file has {:.1} bytes an event, of these:", per_event(file));
        let tables =
            "SELECT name, SUM(pgsize) FROM dbstat WHERE aggregate = TRUE GROUP BY name ORDER BY 2 DESC LIMIT 4";
        let rows = Statement::from_string(DbBackend::Sqlite, tables);
        for row in self.store.reader().query_all_raw(rows).await? {
            let (name, bytes): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            println!("  {name}: {:.1} ({bytes} bytes)", per_event(bytes));
        }
        let rows = Statement::from_string(DbBackend::Sqlite, "SELECT COUNT(*) FROM mt_usage_daily");
        if let Some(row) = self.store.reader().query_one_raw(rows).await? {
            println!("  mt_usage_daily has {} rows", row.try_get_by_index::<i64>(0)?);
        }
        Ok(())
    }
}

/// Makes events: sessions of random users at random times of the last days, each event of a random model. Ids rise with
/// the time of recording, as ids of services do.
struct Source<'u> {
    tenant: TenantId,
    users: &'u [UserId],
    first: DateTime<Utc>,
    seconds: u64,
    random: u64,
    made: u64,
    session: (String, usize, i64),
}

impl<'u> Source<'u> {
    fn new(tenant: TenantId, users: &'u [UserId]) -> Self {
        let now = Utc::now();
        let first = now.date_naive().and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(DAYS - 1);
        let seconds = (now - first).num_seconds().unsigned_abs();
        Self { tenant, users, first, seconds, random: 42, made: 0, session: (String::new(), 0, 0) }
    }

    /// SplitMix64: the same events in every run.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

impl Iterator for Source<'_> {
    type Item = UsageEvent;

    fn next(&mut self) -> Option<UsageEvent> {
        let nth = self.made % SESSION;
        if nth == 0 {
            let (user, start) = (self.below(self.users.len() as u64), self.below(self.seconds - 60 * SESSION));
            self.session = (Uuid::now_v7().simple().to_string(), user as usize, start as i64);
        }
        self.made += 1;
        let (model, input_tokens, output_tokens) = (self.below(3) as usize, self.below(3_000), self.below(1_200));
        let (session, user, start) = &self.session;
        let at = self.first + TimeDelta::seconds(start + 60 * nth as i64);
        Some(UsageEvent {
            user: Some(self.users[*user].clone()),
            session: Some(session.clone()),
            messages: 2,
            model: Some(MODELS[model].to_owned()),
            input_tokens,
            output_tokens,
            ..UsageEvent::new(Uuid::now_v7().simple().to_string(), self.tenant.clone(), at)
        })
    }
}
