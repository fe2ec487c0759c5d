//! Tables from version to version.

use std::time::Duration;

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::store::sea_orm::{ConnectError, Migrations, SqlStore};
use mt_paas_core::tenants::TenantStore;
use mt_paas_testkit::stores::same_as_memory;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("of_many_migrators_at_once_each_step_is_applied_once", |url| Box::pin(racing(url))),
    ("steps_go_up_and_down_and_up_again", |url| Box::pin(up_and_down(url))),
    ("tables_of_a_later_version_are_refused", |url| Box::pin(newer(url))),
    ("a_step_that_fails_leaves_nothing", |url| Box::pin(failing(url))),
];

const STEPS: [&str; 7] = [
    "m0001_tenants",
    "m0002_usage",
    "m0003_messages",
    "m0004_key_pool",
    "m0005_seal_keys",
    "m0006_audit",
    "m0007_accounts",
];

/// What only a server can do to a store.
pub(crate) const ON_A_SERVER: &[Trial] =
    &[("a_connection_that_the_server_closed_costs_nothing", |url| Box::pin(closed_by_the_server(url)))];

async fn closed_by_the_server(url: String) -> Result<(), Failed> {
    let (store, other) = (SqlStore::open(&url).await?, SqlStore::open(&url).await?);
    for _ in 0..5 {
        // The pool has one connection so far, and it lies idle.
        let one = "SELECT pg_backend_pid() AS pid";
        let statement = Statement::from_string(DbBackend::Postgres, one);
        let row = store.reader().query_one_raw(statement).await?.ok_or("no answer")?;
        let pid: i32 = row.try_get("", "pid")?;
        other.writer().execute_unprepared(&format!("SELECT pg_terminate_backend({pid})")).await?;
        tokio::time::sleep(Duration::from_millis(150)).await;
        store.tenants(None, 1).await?;
    }
    other.close().await?;
    Ok(store.close().await?)
}

/// Threads with runtimes and pools of their own, as processes that start together.
async fn racing(url: String) -> Result<(), Failed> {
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(6));
    let racers: Vec<_> = (0..6)
        .map(|_| {
            let (url, barrier) = (url.clone(), barrier.clone());
            std::thread::spawn(move || -> Result<Vec<String>, String> {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
                barrier.wait();
                runtime.block_on(async {
                    let migrations = Migrations::connect(&url).await.map_err(|error| format!("{error:?}"))?;
                    migrations.up().await.map_err(|error| format!("{error:?}"))
                })
            })
        })
        .collect();
    let mut applied = Vec::new();
    for racer in racers {
        applied.extend(racer.join().map_err(|_| "a migrator panicked")??);
    }
    assert_eq!(applied, STEPS, "each step is applied by one of them, and by the same one");
    let store = SqlStore::connect(&url).await?;
    same_as_memory(&store, 5, 20).await.map_err(|violation| violation.to_string())?;
    Ok(store.close().await?)
}

async fn up_and_down(url: String) -> Result<(), Failed> {
    let migrations = Migrations::connect(&url).await?;
    let states = |applied: usize| -> Vec<(String, bool)> {
        STEPS.iter().enumerate().map(|(number, name)| ((*name).to_owned(), number < applied)).collect()
    };
    let found = async |migrations: &Migrations| -> Result<Vec<(String, bool)>, ConnectError> {
        Ok(migrations.status().await?.into_iter().map(|step| (step.name, step.applied_at.is_some())).collect())
    };
    assert_eq!(found(&migrations).await?, states(0));
    assert_eq!(migrations.down().await?, None, "nothing to take back");
    assert_eq!(migrations.up().await?, STEPS);
    assert_eq!(migrations.up().await?, Vec::<String>::new(), "nothing to apply");
    assert_eq!(found(&migrations).await?, states(STEPS.len()));
    let history = migrations.history().await?;
    assert!(history.is_sorted_by_key(|step| step.applied_at) && history.iter().all(|step| step.known));
    assert_eq!(history.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), STEPS);
    for left in (0..STEPS.len()).rev() {
        assert_eq!(migrations.down().await?.as_deref(), Some(STEPS[left]));
        assert_eq!(found(&migrations).await?, states(left));
        let error = SqlStore::connect(&url).await.err().ok_or("tables of an earlier version were taken")?;
        assert!(matches!(&error, ConnectError::MissingMigrations { missing } if missing[..] == STEPS[left..]));
    }
    let store = SqlStore::open(&url).await?;
    same_as_memory(&store, 6, 20).await.map_err(|violation| violation.to_string())?;
    Ok(store.close().await?)
}

async fn newer(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    store
        .writer()
        .execute_unprepared("INSERT INTO mt_migrations (name, applied_at) VALUES ('m9999_future', 9000000000000000)")
        .await?;
    store.close().await?;
    let sentence = "the tables are newer than this program: it does not know the migration m9999_future";
    let migrations = Migrations::connect(&url).await?;
    let refusals = [
        SqlStore::open(&url).await.err(),
        SqlStore::connect(&url).await.err(),
        migrations.up().await.err(),
        migrations.down().await.err(),
    ];
    for refusal in refusals {
        let refusal = refusal.ok_or("tables of a later version were taken")?;
        assert_eq!(refusal.to_string(), sentence);
    }
    let status = migrations.status().await?;
    let known: Vec<bool> = status.iter().map(|step| step.known).collect();
    assert_eq!(known, [vec![true; STEPS.len()], vec![false]].concat());
    Ok(())
}

/// A table of the last step that is there already makes the whole run fail.
async fn failing(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let migrations = Migrations::connect(&url).await?;
    for _ in STEPS {
        migrations.down().await?;
    }
    store.writer().execute_unprepared("CREATE TABLE mt_audit (stranger TEXT)").await?;
    let error = migrations.up().await.err().ok_or("a stranger's table was taken over")?;
    assert!(matches!(error, ConnectError::InTheWay { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("mt_audit") && said.contains("of its own") && said.lines().count() == 1, "{said}");
    assert!(migrations.history().await?.is_empty());
    assert!(store.writer().execute_unprepared("SELECT 1 FROM mt_tenants").await.is_err(), "a table was left");
    store.writer().execute_unprepared("DROP TABLE mt_audit").await?;
    assert_eq!(migrations.up().await?, STEPS);
    Ok(store.close().await?)
}
