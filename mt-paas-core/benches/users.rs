//! How long a page deep in a list of very many users takes on a SQLite file, beside the barest statements for it.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench users -- [users]`; 1,000,000 users unless told otherwise. The
//! page begins in the middle of the list. The file lies in the directory for temporary files, which needs 1 KiB for each
//! user, and is removed at the end.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mt_paas_core::standard_api::{ActivateRequest, ActivationConfig, Contact, Page, Role, UserFilters, UserStatus};
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::{StandardAPIHandler, StoreHandler, TenantId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

type Failure = Box<dyn Error + Send + Sync>;

const TENANT: &str = "bench_univ";
const CALLS: usize = 51;
const LIMIT: u32 = 20;

/// The barest statement on the table of users.
const BARE: &str = "SELECT user_id FROM mt_users WHERE tenant_id = $1 ORDER BY created_at, user_id LIMIT $2 OFFSET $3";
/// The barest statement on a table of a service with one tenant: short keys, one index.
const PLAIN: &str = "SELECT id FROM bench_plain ORDER BY created_at, id LIMIT $1 OFFSET $2";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let users: u64 = arguments.first().map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("users.db");
    let store = SqlStore::open(&format!("sqlite:{}", file.display())).await?;
    let list = UserList::seeded(store, users).await?;
    println!("{users} users, {:.0} bytes each in the file", std::fs::metadata(&file)?.len() as f64 / users as f64);
    list.print_deep_page(users / 2).await?;
    list.print_others().await?;
    list.print_plans().await?;
    list.store.close().await?;
    Ok(folder.close()?)
}

struct UserList {
    store: SqlStore,
    handler: StoreHandler,
    tenant: TenantId,
}

impl UserList {
    async fn seeded(store: SqlStore, users: u64) -> Result<Self, Failure> {
        let handler = StoreHandler::builder(Arc::new(store.clone()), "bench", "0").build()?;
        let tenant: TenantId = TENANT.parse()?;
        let activation = ActivateRequest {
            tenant_id: tenant.clone(),
            tenant_name: "Bench University".to_owned(),
            plan: "standard".to_owned(),
            features: ["chat".to_owned()].into(),
            config: ActivationConfig::default(),
            contact: Contact::default(),
            term: None,
            callback_url: None,
        };
        handler.activate_tenant(activation).await?;
        let began = Instant::now();
        for statement in seeding(users) {
            store.writer().execute_unprepared(&statement).await?;
        }
        println!("seeded in {:.1?}", began.elapsed());
        Ok(Self { store, handler, tenant })
    }

    /// The page in the middle, in turn with the bare statements for the same rows.
    async fn print_deep_page(&self, offset: u64) -> Result<(), Failure> {
        let (mut list, mut bare, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=CALLS {
            list.push(self.list(UserFilters { page: Page { limit: LIMIT, offset }, ..UserFilters::default() }).await?);
            let (limit, skip): (Value, Value) = (i64::from(LIMIT).into(), i64::try_from(offset)?.into());
            bare.push(self.statement(BARE, vec![TENANT.into(), limit.clone(), skip.clone()]).await?);
            plain.push(self.statement(PLAIN, vec![limit, skip]).await?);
        }
        // The first call of each fills the caches.
        let [list, bare, plain] = [list, bare, plain].map(|times| p50(times[1..].to_vec()));
        println!("\nlimit {LIMIT}, offset {offset}, p50 of {CALLS}");
        println!("  users of the handler  {:>9.3} ms", millis(list));
        println!("  bare statement        {:>9.3} ms, ratio {:.2}", millis(bare), ratio(list, bare));
        println!("  plain table           {:>9.3} ms, ratio {:.2}", millis(plain), ratio(list, plain));
        Ok(())
    }

    /// First pages and filters, each with a page in the middle of what matches.
    async fn print_others(&self) -> Result<(), Failure> {
        println!("\nfilter                              matches   p50 at 0    p50 in the middle");
        let (role, status) = (Some(Role::Moderator), Some(UserStatus::Active));
        let all = UserFilters::default();
        for (name, filters, calls) in [
            ("none", all.clone(), CALLS),
            ("role=moderator", UserFilters { role, ..all.clone() }, CALLS),
            ("status=active", UserFilters { status, ..all.clone() }, CALLS),
            ("role=moderator status=active", UserFilters { role, status, ..all.clone() }, CALLS),
            ("search, rare", UserFilters { search: Some("0777777".to_owned()), ..all.clone() }, 5),
            ("search, all", UserFilters { search: Some("example".to_owned()), ..all.clone() }, 5),
        ] {
            let matches = self.handler.list_users(&self.tenant, filters.clone()).await?.total;
            let (mut first, mut middle) = (Vec::new(), Vec::new());
            for _ in 0..calls {
                first.push(self.list(filters.clone()).await?);
                let page = Page { limit: LIMIT, offset: matches / 2 };
                middle.push(self.list(UserFilters { page, ..filters.clone() }).await?);
            }
            let (first, middle) = (millis(p50(first)), millis(p50(middle)));
            println!("{name:<34} {matches:>8} {first:>9.3} ms {middle:>9.3} ms");
        }
        Ok(())
    }

    /// What SQLite does for the rows that are skipped. The whole statement is the store's own; a test beside it holds
    /// its plan to these.
    async fn print_plans(&self) -> Result<(), Failure> {
        println!("\nplans of the statements that skip");
        for condition in
            ["", "AND role = 'moderator'", "AND status = 'active'", "AND role = 'user' AND status = 'active'"]
        {
            let sql = BARE.replace(" ORDER", &format!(" {condition} ORDER"));
            let values: [Value; 3] = [TENANT.into(), i64::from(LIMIT).into(), 0_i64.into()];
            let plan = Statement::from_sql_and_values(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"), values);
            for row in self.store.reader().query_all_raw(plan).await? {
                println!("  {condition:<44} {}", row.try_get::<String>("", "detail")?);
            }
        }
        Ok(())
    }

    async fn list(&self, filters: UserFilters) -> Result<Duration, Failure> {
        let expected = filters.page;
        let began = Instant::now();
        let page = self.handler.list_users(&self.tenant, filters).await?;
        let took = began.elapsed();
        let left = page.total.saturating_sub(expected.offset);
        full(page.users.len(), left)?;
        Ok(took)
    }

    async fn statement(&self, sql: &str, values: Vec<Value>) -> Result<Duration, Failure> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let began = Instant::now();
        let rows = self.store.reader().query_all_raw(statement).await?;
        let took = began.elapsed();
        full(rows.len(), u64::from(LIMIT))?;
        Ok(took)
    }
}

/// An empty page would be found soon.
fn full(rows: usize, left: u64) -> Result<(), Failure> {
    let expected = left.min(u64::from(LIMIT));
    if rows as u64 == expected { Ok(()) } else { Err(format!("{rows} rows instead of {expected}").into()) }
}

/// Fills the tables of users as the store would, some of the users having used something, and the plain table.
///
/// Ids are as random as the store's. Ten users at a time were made in the same moment.
fn seeding(users: u64) -> Vec<String> {
    let numbers = format!("WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {users} - 1)");
    vec![
        "PRAGMA cache_size = -1048576".to_owned(),
        "BEGIN IMMEDIATE".to_owned(),
        format!(
            "{numbers} INSERT INTO mt_users (tenant_id, user_id, login_name, email, email_key, name, role, status, \
                search_key, created_at, updated_at, last_login) \
             SELECT '{TENANT}', lower(hex(randomblob(16))), format('user%07d@example.com', n), \
                format('user%07d@example.com', n), format('user%07d@example.com', n), format('User %07d', n), \
                CASE WHEN n % 100 = 0 THEN 'admin' WHEN n % 100 < 6 THEN 'moderator' ELSE 'user' END, \
                CASE WHEN n % 13 = 0 THEN 'suspended' WHEN n % 7 = 0 THEN 'inactive' ELSE 'active' END, \
                format('user %07d', n) || char(31) || format('user%07d@example.com', n), \
                1700000000000000 + n / 10 * 1000000, 1700000000000000 + n / 10 * 1000000, NULL FROM n"
        ),
        "INSERT INTO mt_user_counts (tenant_id, role, status, users) \
            SELECT tenant_id, role, status, COUNT(*) FROM mt_users GROUP BY tenant_id, role, status"
            .to_owned(),
        "INSERT INTO mt_usage_users (tenant_id, user_id, sessions, messages, tokens) \
            SELECT tenant_id, user_id, 1, 4, 1200 FROM mt_users WHERE created_at % 3000000 = 0"
            .to_owned(),
        "CREATE TABLE bench_plain (id TEXT NOT NULL PRIMARY KEY, created_at BIGINT NOT NULL)".to_owned(),
        "INSERT INTO bench_plain SELECT user_id, created_at FROM mt_users".to_owned(),
        "CREATE INDEX bench_plain_order ON bench_plain (created_at, id)".to_owned(),
        "COMMIT".to_owned(),
        "PRAGMA cache_size = -65536".to_owned(),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
    ]
}

fn p50(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
