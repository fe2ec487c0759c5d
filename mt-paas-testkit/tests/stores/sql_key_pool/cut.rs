//! Connections to the server that break.

use std::time::Duration;

use libtest_mimic::Failed;
use mt_paas_core::key_pool::{KeyPoolStore, MemberId};
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::ConnectionTrait;
use tokio::time::timeout;

use super::{A_WHILE, SOON, append, change, list, read};

/// Ends the session that has the turn.
async fn cut_the_turn(by: &SqlStore) -> Result<(), Failed> {
    let sql = "SELECT pg_terminate_backend(pid, 5000)::text FROM pg_locks WHERE locktype = 'advisory' AND granted \
        AND (classid::bigint << 32) | objid::bigint = hashtextextended('mt_key_pool ' || current_schema(), 0)";
    by.writer().execute_unprepared(sql).await?;
    let left = by.writer().execute_unprepared(&format!("{sql} AND pid <> pg_backend_pid()")).await?;
    assert_eq!(left.rows_affected(), 0, "it holds the turn still");
    Ok(())
}

/// Ends all sessions of a name.
async fn cut_all(by: &SqlStore, name: &str) -> Result<u64, Failed> {
    let sql =
        format!("SELECT pg_terminate_backend(pid, 5000)::text FROM pg_stat_activity WHERE application_name = '{name}'");
    Ok(by.writer().execute_unprepared(&sql).await?.rows_affected())
}

fn named(url: &str) -> (String, String) {
    let name = format!("cut-{}", uuid::Uuid::new_v4().simple());
    (format!("{url}&application_name={name}"), name)
}

pub(super) async fn in_a_turn(url: String) -> Result<(), Failed> {
    let (store, judge) = (SqlStore::open(&url).await?, SqlStore::open(&url).await?);
    let list = store.key_pool();
    append(&*list, change(1, "x"), &[]).await?;
    for ends_with_nothing in [false, true] {
        let turn = list.begin(1).await?;
        cut_the_turn(&judge).await?;
        let failed =
            if ends_with_nothing { turn.pass().await.err() } else { turn.append(change(2, "lost"), &[]).await.err() };
        assert!(failed.is_some(), "a turn without a connection ended well");
        assert_eq!(read(&*list, 0).await?, [change(1, "x")]);
    }
    append(&*list, change(2, "y"), &[]).await
}

pub(super) async fn between_turns(url: String) -> Result<(), Failed> {
    let judge = SqlStore::open(&url).await?;
    let (url, name) = named(&url);
    let list = list(&url).await?;
    for version in 1..4 {
        append(&*list, change(version, "x"), &[]).await?;
        assert!(cut_all(&judge, &name).await? > 0, "there was nothing to cut");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Waits until a member is called. The list may say meanwhile that it hears nothing.
async fn is_called(list: &dyn KeyPoolStore, member: MemberId, after: u64) {
    while list.changed(member, after).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) async fn while_listening(url: String) -> Result<(), Failed> {
    let judge = SqlStore::open(&url).await?;
    let (elsewhere, here) = (list(&url).await?, named(&url));
    let list = list(&here.0).await?;
    let member = MemberId(1);
    for version in (1..7).step_by(2) {
        let called = timeout(A_WHILE, is_called(&*list, member, version - 1)).await;
        assert!(called.is_err(), "woken by nothing");
        let cut = async {
            loop {
                match cut_all(&judge, &here.1).await {
                    Ok(0) => tokio::time::sleep(Duration::from_millis(5)).await,
                    done => break done,
                }
            }
        };
        timeout(SOON, cut).await??;
        append(&*elsewhere, change(version, "x"), &[member]).await?;
        timeout(SOON, is_called(&*list, member, version - 1)).await?;
        // And it hears again; one that waits is called.
        let waits = is_called(&*list, member, version);
        tokio::pin!(waits);
        assert!(timeout(A_WHILE, &mut waits).await.is_err(), "woken by nothing");
        append(&*elsewhere, change(version + 1, "x"), &[member]).await?;
        timeout(SOON, &mut waits).await?;
    }
    Ok(())
}

pub(super) async fn silent(url: String) -> Result<(), Failed> {
    let (one, other) = (list(&url).await?, list(&url).await?);
    let silent = one.begin(0).await?;
    let taken = async {
        loop {
            // On a busy machine patience with the lock may end before that with the silent turn.
            match other.begin(0).await {
                Ok(turn) => break turn,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let turn = timeout(SOON, taken).await?;
    assert!(silent.append(change(1, "late"), &[]).await.is_err(), "two had a turn at once");
    turn.append(change(1, "x"), &[]).await?;
    assert_eq!(read(&*one, 0).await?, [change(1, "x")]);
    Ok(())
}
