//! The tester, in full and strict, on every store.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use mt_paas_axum::serve::{ServeOptions, serve};
use mt_paas_axum::service::Make;
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_testkit::{Tester, serve_and_test};

use super::{needing, quickstart, stand, trial, variable};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("conforms::memory", || conforms(advisor::app, Arc::new(MemoryStore::new()))),
        trial("conforms::sqlite", || on_file(advisor::app)),
        trial("conforms::quickstart", || on_file(quickstart::app)),
        needing(postgres(), "conforms::postgres", |name, url| trial(name, move || on_server(url))),
        trial("quickstart stands in the readme", || async {
            let readme = include_str!("../../../../README.md");
            let code = include_str!("../../examples/quickstart.rs");
            if !readme.contains(code) {
                return Err("the README shows another quickstart than examples/quickstart.rs".into());
            }
            if code.lines().count() > 30 { Err("the quickstart has more than 30 lines".into()) } else { Ok(()) }
        }),
    ]
}

async fn conforms(make: Make, store: Arc<dyn Store>) -> Result<(), Failed> {
    let router = stand::router(make, store, "127.0.0.1:8000")?;
    let service = |listener| serve(listener, router, ServeOptions::default(), std::future::pending());
    let tester = |target: mt_paas_testkit::Target| match target.clone().second_key("market_key_456") {
        Ok(target) => Tester::new(target).strict(true),
        Err(_) => Tester::new(target).strict(true),
    };
    let report = serve_and_test(service, stand::KEY, tester).await?;
    if report.conformant(true) { Ok(()) } else { Err(report.to_string().into()) }
}

async fn on_file(make: Make) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let store = SqlStore::open(&format!("sqlite:{}", directory.path().join("advisor.db").display())).await?;
    conforms(make, Arc::new(store.clone())).await?;
    Ok(store.close().await?)
}

async fn on_server(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    conforms(advisor::app, Arc::new(store.clone())).await?;
    store.close().await?;
    std::process::Command::new("psql")
        .args(psql(&url, "postgres"))
        .arg("-qc")
        .arg("DROP DATABASE mt_advisor_test")
        .status()?;
    Ok(())
}

/// A fresh database on the server of `MT_TEST_POSTGRES_URL`, or of this machine.
fn postgres() -> Result<String, String> {
    let server =
        variable("MT_TEST_POSTGRES_URL").unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".into());
    let (base, _) = server.rsplit_once('/').ok_or("MT_TEST_POSTGRES_URL names no database")?;
    for statement in ["DROP DATABASE IF EXISTS mt_advisor_test", "CREATE DATABASE mt_advisor_test"] {
        let ran = std::process::Command::new("psql").arg(&server).args(["-qc", statement]).output();
        let ran = ran.map_err(|error| format!("no psql: {error}"))?;
        if !ran.status.success() {
            return Err("no PostgreSQL server answers".to_owned());
        }
    }
    Ok(format!("{base}/mt_advisor_test"))
}

fn psql(url: &str, database: &str) -> [String; 1] {
    [url.rsplit_once('/').map_or(url.to_owned(), |(base, _)| format!("{base}/{database}"))]
}
