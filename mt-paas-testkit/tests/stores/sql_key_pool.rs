//! The list of a key pool's changes, as its processes share it.

#[path = "sql_key_pool/cut.rs"]
mod cut;
#[path = "sql_key_pool/machine.rs"]
mod machine;
#[path = "sql_key_pool/pools.rs"]
mod pools;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId};
use mt_paas_core::store::StoreError;
use mt_paas_core::store::sea_orm::SqlStore;
use tokio::time::timeout;

pub(crate) use machine::{TRIALS as ON_FILES, WRITER, write};

pub(crate) type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("entries_of_eight_writers_are_numbered_without_a_gap", |url| Box::pin(eight_writers(url))),
    ("a_whole_takes_the_place_of_all_before_it", |url| Box::pin(whole(url))),
    ("an_entry_with_another_number_than_the_next_is_outrun", |url| Box::pin(outrun(url))),
    ("who_is_named_is_woken_and_nobody_else", |url| Box::pin(woken(url))),
    ("a_call_that_came_before_it_was_listened_for_is_heard", |url| Box::pin(called_early(url))),
    ("a_turn_that_is_dropped_leaves_nothing_and_holds_nobody_up", |url| Box::pin(dropped(url))),
    ("the_time_does_not_go_back_between_stores", |url| Box::pin(time(url))),
    ("a_key_is_handed_over_between_pools_in_both_directions", |url| Box::pin(pools::handed_over(url))),
    ("two_hundred_callers_of_four_pools_never_pass_a_limit", |url| Box::pin(pools::crowd(url))),
];

pub(crate) const ON_SERVERS: &[Trial] = &[
    ("a_turn_whose_connection_is_cut_fails_and_the_next_one_works", |url| Box::pin(cut::in_a_turn(url))),
    ("a_connection_that_is_cut_between_turns_is_replaced", |url| Box::pin(cut::between_turns(url))),
    ("a_call_that_came_while_nobody_could_hear_it_is_reported", |url| Box::pin(cut::while_listening(url))),
    ("a_turn_that_says_nothing_is_ended_by_the_server", |url| Box::pin(cut::silent(url))),
];

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(20);
/// Long enough to see that something does not happen, if it would.
const A_WHILE: Duration = Duration::from_millis(120);

async fn list(url: &str) -> Result<Arc<dyn KeyPoolStore>, Failed> {
    Ok(SqlStore::open(url).await?.key_pool())
}

fn change(version: u64, data: &str) -> Entry {
    Entry { version, whole: false, data: data.to_owned() }
}

fn everything(version: u64, data: &str) -> Entry {
    Entry { whole: true, ..change(version, data) }
}

/// Appends one entry to a list that ends with the version before.
async fn append(list: &dyn KeyPoolStore, entry: Entry, wake: &[MemberId]) -> Result<(), Failed> {
    let turn = list.begin(entry.version - 1).await?;
    match turn.append(entry, wake).await? {
        Appended::Done => Ok(()),
        Appended::Outrun => Err("outrun with nobody else there".into()),
    }
}

async fn read(list: &dyn KeyPoolStore, after: u64) -> Result<Vec<Entry>, StoreError> {
    let mut turn = list.begin(after).await?;
    let entries = turn.entries();
    turn.pass().await?;
    Ok(entries)
}

/// Appends so many entries, each after reading what is new, and says how often it was outrun.
async fn appends(list: Arc<dyn KeyPoolStore>, name: String, count: usize) -> Result<(), Failed> {
    let (mut seen, mut number) = (0, 0);
    while number < count {
        let mut turn = list.begin(seen).await?;
        seen = turn.entries().last().map_or(seen, |last| last.version);
        if turn.append(change(seen + 1, &format!("{name} {number}")), &[MemberId(7)]).await? != Appended::Done {
            return Err("a turn was not the only one".into());
        }
        (seen, number) = (seen + 1, number + 1);
    }
    Ok(())
}

fn are_all_there(entries: &[Entry], writers: usize, each: usize) {
    assert!(entries.iter().map(|entry| entry.version).eq(1..=(writers * each) as u64), "there is a gap");
    for writer in 0..writers {
        let own = |entry: &&Entry| entry.data.starts_with(&format!("w{writer} "));
        let found: Vec<&str> = entries.iter().filter(own).map(|entry| entry.data.as_str()).collect();
        let wanted: Vec<String> = (0..each).map(|number| format!("w{writer} {number}")).collect();
        assert_eq!(found, wanted);
    }
}

async fn eight_writers(url: String) -> Result<(), Failed> {
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8 {
        writers.spawn(appends(list(&url).await?, format!("w{number}"), 25));
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    are_all_there(&read(&*list(&url).await?, 0).await?, 8, 25);
    Ok(())
}

async fn whole(url: String) -> Result<(), Failed> {
    let (one, other) = (list(&url).await?, list(&url).await?);
    let long = "it's \\ long, 한글 \u{1}".repeat(20_000);
    for version in 1..=5 {
        append(&*one, change(version, "x"), &[]).await?;
    }
    assert_eq!(read(&*other, 3).await?, [change(4, "x"), change(5, "x")]);
    append(&*one, everything(6, &long), &[]).await?;
    assert_eq!(read(&*other, 5).await?, [everything(6, &long)]);
    append(&*other, change(7, "y"), &[]).await?;
    for after in [0, 3, 5] {
        assert_eq!(read(&*one, after).await?, [everything(6, &long), change(7, "y")], "after {after}");
    }
    assert_eq!(read(&*one, 6).await?, [change(7, "y")]);
    assert_eq!(read(&*one, 7).await?, []);
    append(&*one, everything(8, "all"), &[]).await?;
    assert_eq!(read(&*other, 0).await?, [everything(8, "all")]);
    Ok(())
}

async fn outrun(url: String) -> Result<(), Failed> {
    let one = list(&url).await?;
    for version in 1..=3 {
        append(&*one, change(version, "x"), &[]).await?;
    }
    for wrong in [change(5, "gap"), change(3, "again"), everything(3, "again"), everything(9, "gap")] {
        let turn = one.begin(3).await?;
        assert_eq!(turn.append(wrong.clone(), &[]).await?, Appended::Outrun, "{wrong:?}");
        assert_eq!(read(&*one, 0).await?, [change(1, "x"), change(2, "x"), change(3, "x")], "after {wrong:?}");
    }
    append(&*one, change(4, "x"), &[]).await
}

async fn woken(url: String) -> Result<(), Failed> {
    let (here, there) = (list(&url).await?, list(&url).await?);
    let crowd: Vec<MemberId> = (0..1_000).map(|number| MemberId((1 << 52) + number)).collect();
    let (named, other) = (MemberId(12), MemberId(1));
    let wakes: [&[MemberId]; 3] = [&[named], &[MemberId(345), named, MemberId(2)], &[named]];
    for (version, wake) in (1..).zip(wakes) {
        let after = version - 1;
        let (waits, sleeps) = (there.changed(named, after), there.changed(other, after));
        tokio::pin!(waits, sleeps);
        let nothing = timeout(A_WHILE, futures_util::future::select(&mut waits, &mut sleeps)).await;
        assert!(nothing.is_err(), "woken by nothing");
        append(&*here, change(version, "x"), wake).await?;
        timeout(SOON, &mut waits).await??;
        assert!(timeout(A_WHILE, &mut sleeps).await.is_err(), "another member was woken");
    }
    // More members than fit anywhere: everybody may be woken, and these are.
    append(&*here, change(4, "x"), &crowd).await?;
    for member in [crowd[0], crowd[500], crowd[999]] {
        timeout(SOON, there.changed(member, 3)).await??;
    }
    Ok(())
}

async fn called_early(url: String) -> Result<(), Failed> {
    let (here, there) = (list(&url).await?, list(&url).await?);
    append(&*here, change(1, "x"), &[MemberId(1)]).await?;
    timeout(SOON, there.changed(MemberId(1), 0)).await??;
    // The store listens by now; the member does not.
    append(&*here, change(2, "x"), &[MemberId(2)]).await?;
    tokio::time::sleep(A_WHILE).await;
    timeout(SOON, there.changed(MemberId(2), 1)).await??;
    append(&*here, change(3, "x"), &[MemberId(3)]).await?;
    append(&*here, everything(4, "all"), &[]).await?;
    // What named it is gone with all that is before the whole.
    timeout(SOON, there.changed(MemberId(3), 2)).await??;
    Ok(())
}

async fn dropped(url: String) -> Result<(), Failed> {
    let (one, other) = (list(&url).await?, list(&url).await?);
    for round in 0..3 {
        drop(one.begin(0).await?);
        assert_eq!(timeout(SOON, read(&*other, 0)).await??, [], "round {round}");
    }
    assert_eq!(timeout(SOON, read(&*one, 0)).await??, []);
    // Nobody knows whether an entry is there whose writer went away while it was appended; but what is there is whole.
    let mut last = 0;
    for polls in 1..8 {
        let turn = one.begin(last).await?;
        let mut append = turn.append(change(last + 1, "x"), &[]);
        for _ in 0..polls {
            let polled = std::future::poll_fn(|context| Poll::Ready(append.as_mut().poll(context))).await;
            if polled.is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        drop(append);
        let there = timeout(SOON, read(&*other, last)).await??;
        assert!(there.is_empty() || there == [change(last + 1, "x")], "{there:?}");
        last += there.len() as u64;
    }
    Ok(())
}

async fn time(url: String) -> Result<(), Failed> {
    let lists = [list(&url).await?, list(&url).await?];
    let mut last = mt_paas_core::key_pool::Moment::default();
    for round in 0..20 {
        let turn = lists[round % 2].begin(0).await?;
        assert!(turn.now() > last, "{:?} after {last:?}", turn.now());
        last = turn.now();
        turn.pass().await?;
    }
    let apart = last.date() - chrono::Utc::now();
    assert!(apart.abs() < chrono::TimeDelta::minutes(10), "{apart}");
    Ok(())
}
