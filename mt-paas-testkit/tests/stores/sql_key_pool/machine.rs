//! Processes of one machine on one file, and their clock.

use std::process::{Command, Stdio};

use chrono::{TimeDelta, Utc};
use libtest_mimic::Failed;
use mt_paas_core::key_pool::Moment;
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::ConnectionTrait;

use super::{Trial, append, appends, are_all_there, change, list, read};

pub(crate) const TRIALS: &[Trial] = &[
    ("entries_of_eight_processes_are_numbered_without_a_gap", |url| Box::pin(processes(url))),
    ("the_clock_of_a_boot_is_the_one_that_was_written_down", |url| Box::pin(clock(url))),
];

/// The first argument of a process that [`write`]s; then the address and its name.
pub(crate) const WRITER: &str = "key-pool-writer";

const EACH: usize = 100;

/// The work of a process of its own.
pub(crate) async fn write(url: &str, name: &str) -> Result<(), Failed> {
    appends(list(url).await?, name.to_owned(), EACH).await
}

async fn processes(url: String) -> Result<(), Failed> {
    drop(SqlStore::open(&url).await?);
    let program = std::env::current_exe()?;
    let start =
        |number| Command::new(&program).args([WRITER, &url, &format!("w{number}")]).stderr(Stdio::piped()).spawn();
    let writers: Vec<_> = (0..8).map(start).collect::<Result<_, _>>()?;
    let ended = tokio::task::spawn_blocking(move || {
        writers.into_iter().map(|writer| writer.wait_with_output()).collect::<Result<Vec<_>, _>>()
    });
    for output in ended.await?? {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    are_all_there(&read(&*list(&url).await?, 0).await?, 8, EACH);
    Ok(())
}

async fn now(url: &str) -> Result<Moment, Failed> {
    let turn = list(url).await?.begin(0).await?;
    let now = turn.now();
    turn.pass().await?;
    Ok(now)
}

async fn clock(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let near = |now: Moment, day: i64| (now.date() - Utc::now() - TimeDelta::days(day)).abs() < TimeDelta::minutes(10);
    assert!(near(now(&url).await?, 0));
    // As if the wall clock had been set back by a day since.
    let day = TimeDelta::days(1).num_microseconds().expect("a small number");
    store.writer().execute_unprepared(&format!("UPDATE mt_key_pool_clock SET started_at = started_at + {day}")).await?;
    assert!(near(now(&url).await?, 1));
    let ahead = list(&url).await?;
    append(&*ahead, change(1, "x"), &[]).await?;
    // After another start the wall clock counts again, but no time is before that of an entry.
    store.writer().execute_unprepared("UPDATE mt_key_pool_clock SET boot = 'earlier'").await?;
    assert!(near(now(&url).await?, 1));
    store.writer().execute_unprepared("DELETE FROM mt_key_pool").await?;
    store.writer().execute_unprepared("UPDATE mt_key_pool_clock SET boot = 'earlier'").await?;
    assert!(near(now(&url).await?, 0));
    Ok(())
}
