//! The suite of the stores on every store there is, what only the SQL stores promise, and broken stores that the suite
//! must catch.

#[path = "stores/broken.rs"]
mod broken;
#[path = "stores/broken_accounts.rs"]
mod broken_accounts;
#[path = "stores/broken_lists.rs"]
mod broken_lists;
#[path = "stores/broken_rules.rs"]
mod broken_rules;
#[path = "stores/connecting.rs"]
mod connecting;
#[path = "stores/key_pool.rs"]
mod key_pool;
#[path = "stores/migrating.rs"]
mod migrating;
#[path = "stores/place.rs"]
mod place;
#[path = "stores/redis_key_pool.rs"]
mod redis_key_pool;
#[path = "stores/redis_server.rs"]
mod redis_server;
#[path = "stores/reliability.rs"]
mod reliability;
#[path = "stores/sealed.rs"]
mod sealed;
#[path = "stores/sql_audit.rs"]
mod sql_audit;
#[path = "stores/sql_key_pool.rs"]
mod sql_key_pool;
#[path = "stores/tables.rs"]
mod tables;

use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_testkit::stores::{StoreTest, suite};

use place::{Place, PlaceKind};

fn main() -> ExitCode {
    let own: Vec<String> = std::env::args().skip(1).collect();
    if let [task, url, name] = own.as_slice()
        && [sql_key_pool::WRITER, sql_audit::WRITER].contains(&task.as_str())
    {
        let (task, url, name) = (task.clone(), url.clone(), name.clone());
        let failed = block(async move {
            match task.as_str() {
                sql_audit::WRITER => sql_audit::write(&url, &name).await,
                _ => sql_key_pool::write(&url, &name).await,
            }
        })
        .err();
        failed.iter().for_each(|failed| eprintln!("{failed:?}"));
        return if failed.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    if let [task, place @ ..] = own.as_slice()
        && task == sealed::RESEALER
    {
        let place = place.to_vec();
        return if block(sealed::reseal_in_a_process(place)).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Some(ended) = reliability::act(&own) {
        return ended;
    }
    let mut arguments = Arguments::from_args();
    // Each trial on PostgreSQL may hold 17 of the server's 100 connections.
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(4).min(4));
    let server = place::postgres();
    let mut trials = Vec::new();
    for test in suite() {
        trials.push(Trial::test(format!("memory::{}", test.name), move || on_memory(test)));
        trials.push(on(PlaceKind::File, test));
        trials.push(on_server("postgres", &server, test.name, move |url| on(PlaceKind::Schema(url.to_owned()), test)));
    }
    for (name, run) in connecting::TRIALS {
        trials.push(Trial::test(format!("connecting::{name}"), move || block(run())));
    }
    let everywhere = migrating::TRIALS.iter().chain(tables::TRIALS).chain(sql_key_pool::TRIALS);
    let everywhere = everywhere.chain(sealed::TRIALS).chain(sql_audit::TRIALS);
    let on_files = sql_key_pool::ON_FILES.iter().chain(sealed::ON_FILES).chain(sql_audit::ON_FILES);
    for (name, run) in everywhere.clone().chain(on_files) {
        trials.push(at(PlaceKind::File, name, *run));
    }
    let on_servers = migrating::ON_A_SERVER.iter().chain(sql_key_pool::ON_SERVERS).chain(sql_audit::ON_SERVERS);
    for (name, run) in everywhere.chain(on_servers) {
        trials.push(on_server("postgres", &server, name, |url| at(PlaceKind::Schema(url.to_owned()), name, *run)));
    }
    let redis = redis_key_pool::server();
    for (name, run) in redis_key_pool::TRIALS {
        trials.push(on_server("redis", &redis, name, |url| {
            let url = url.to_owned();
            Trial::test(format!("redis::{name}"), move || redis_key_pool::at(url, *run))
        }));
    }
    let redis_program = redis_server::program();
    for (name, run) in redis_server::TRIALS {
        trials.push(on_server("redis", &redis_program, name, |_| {
            Trial::test(format!("redis::{name}"), move || block(caught(run())))
        }));
    }
    for (fault, caught_by) in broken::FAULTS {
        let name = format!("broken::{fault:?} is caught by {caught_by}");
        trials.push(Trial::test(name, move || block(broken::is_caught(*fault, caught_by))));
    }
    trials.extend(key_pool::trials(&server, &redis));
    let first = libtest_mimic::run(&arguments, trials);
    arguments.test_threads = Some(1);
    let second = libtest_mimic::run(&arguments, reliability::trials(&server, &redis));
    if first.has_failed() { first.exit_code() } else { second.exit_code() }
}

fn on_memory(test: StoreTest) -> Result<(), Failed> {
    block(async move { Ok((test.run)(Arc::new(MemoryStore::new())).await.map_err(|violation| violation.to_string())?) })
}

/// A test of the suite on a store of its own.
fn on(kind: PlaceKind, test: StoreTest) -> Trial {
    Trial::test(format!("{}::{}", kind.name(), test.name), move || {
        block(async move {
            let place = Place::new(&kind).await?;
            let store = SqlStore::open(place.url()).await?;
            let shared: Arc<dyn Store> = Arc::new(store.clone());
            let run = (test.run)(shared);
            let result = caught(async { Ok(run.await.map_err(|violation| violation.to_string())?) }).await;
            store.close().await?;
            place.remove().await?;
            result
        })
    })
}

/// A trial at an empty place.
fn at(
    kind: PlaceKind,
    name: &str,
    run: impl FnOnce(String) -> BoxFuture<'static, Result<(), Failed>> + Send + 'static,
) -> Trial {
    Trial::test(format!("{}::{name}", kind.name()), move || {
        block(async move {
            let place = Place::new(&kind).await?;
            let result = caught(run(place.url().to_owned())).await;
            place.remove().await?;
            result
        })
    })
}

/// A trial that needs the server: without one it is shown as ignored, and fails where services are required.
fn on_server(kind: &str, server: &Result<String, String>, name: &str, trial: impl FnOnce(&str) -> Trial) -> Trial {
    match server {
        Ok(url) => trial(url),
        Err(reason) => {
            let reason = reason.clone();
            let required = place::services_are_required();
            Trial::test(format!("{kind}::{name} (no server: {reason})"), move || Err(Failed::from(reason)))
                .with_ignored_flag(!required)
        }
    }
}

/// Makes a panic a failure, so that the place can be removed after it.
async fn caught(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let result = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(text.unwrap_or_else(|| "it panicked".to_owned()).into())
    })
}

fn block<F: Future<Output = Result<(), Failed>>>(work: F) -> Result<(), Failed> {
    block_for(std::time::Duration::from_secs(120), work)
}

fn block_for<F: Future<Output = Result<(), Failed>>>(limit: std::time::Duration, work: F) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result.unwrap_or_else(|_| Err("it did not end in time".into()))
}
