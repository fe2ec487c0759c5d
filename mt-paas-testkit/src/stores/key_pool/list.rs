//! The list itself.

pub(super) mod counted;
mod shared;
mod waking;

use std::sync::Arc;

use mt_paas_core::key_pool::{Appended, Entry, KeyPoolStore, MemberId};

use super::ground::Ground;
use super::wish::LONG;
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

use shared::{
    a_turn_that_is_dropped_ends, of_two_turns_at_once_one_is_first, versions_have_no_gaps_when_many_append,
    whoever_is_outrun_leaves_nothing,
};
use waking::{an_entry_that_is_there_already_wakes_at_once, whoever_is_to_be_woken_wakes};

super::tests!("list", true:
    an_empty_list_has_no_entries,
    entries_come_in_order_and_after_what_is_known,
    what_an_entry_says_reads_back_as_written,
    a_turn_that_passes_leaves_nothing,
    a_whole_stands_for_all_before_it,
    wholes_keep_the_list_short,
    time_goes_on_and_never_back,
    versions_have_no_gaps_when_many_append,
    of_two_turns_at_once_one_is_first,
    whoever_is_outrun_leaves_nothing,
    a_turn_that_is_dropped_ends,
    whoever_is_to_be_woken_wakes,
    an_entry_that_is_there_already_wakes_at_once,
);

type Store = Arc<dyn KeyPoolStore>;

pub(super) fn change(version: u64, data: impl Into<String>) -> Entry {
    Entry { version, whole: false, data: data.into() }
}

fn whole(version: u64) -> Entry {
    Entry { version, whole: true, data: format!("whole {version}") }
}

/// Everything after a version.
async fn read(store: &Store, after: u64) -> Result<Vec<Entry>, Violation> {
    let mut turn = soon("a turn", store.begin(after)).await??;
    let entries = turn.entries();
    turn.pass().await?;
    Ok(entries)
}

/// Appends what must be taken.
async fn append(store: &Store, entry: Entry) -> Result<(), Violation> {
    same!(try_append(store, entry, &[]).await?, Appended::Done, "an entry with nobody else");
    Ok(())
}

async fn try_append(store: &Store, entry: Entry, wake: &[MemberId]) -> Result<Appended, Violation> {
    let turn = soon("a turn", store.begin(entry.version - 1)).await??;
    Ok(turn.append(entry, wake).await?)
}

/// Demands that something comes at all.
async fn soon<T>(what: &str, work: impl Future<Output = T>) -> Result<T, Violation> {
    let done = tokio::time::timeout(LONG, work).await;
    done.map_err(|_| Violation::new(format!("{what} did not come within {LONG:?}")))
}

async fn an_empty_list_has_no_entries(ground: Ground) -> Result<(), Violation> {
    let store = ground.store().await?;
    same!(read(&store, 0).await?, Vec::new(), "the entries");
    Ok(())
}

async fn entries_come_in_order_and_after_what_is_known(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    let all: Vec<Entry> = (1..=12).map(|version| change(version, format!("entry {version}"))).collect();
    for entry in &all {
        append(&one, entry.clone()).await?;
        same!(read(&other, entry.version - 1).await?, vec![entry.clone()], "what is new");
    }
    for after in 0..=12 {
        same!(read(&other, after).await?, all[after as usize..].to_vec(), "the entries after {after}");
    }
    Ok(())
}

async fn what_an_entry_says_reads_back_as_written(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    let long = "한림 ☃ \\\"'%_\n".repeat(100_000);
    for (number, data) in
        ["", " ", "{\"a\":[1,2.5,null]}", "한국어 \u{1F511} '\"\\ $1 ? :x\t\r\n", &long].iter().enumerate()
    {
        let entry = change(number as u64 + 1, *data);
        append(&one, entry.clone()).await?;
        holds!(read(&other, number as u64).await? == vec![entry], "entry {} does not read back", number + 1);
    }
    Ok(())
}

async fn a_turn_that_passes_leaves_nothing(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    append(&one, change(1, "a")).await?;
    for _ in 0..5 {
        soon("a turn", one.begin(1)).await??.pass().await?;
    }
    append(&other, change(2, "b")).await?;
    same!(read(&one, 0).await?, vec![change(1, "a"), change(2, "b")], "the entries");
    Ok(())
}

async fn a_whole_stands_for_all_before_it(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    let all = [change(1, "a"), change(2, "b"), change(3, "c"), whole(4), change(5, "d")];
    for entry in &all {
        append(&one, entry.clone()).await?;
    }
    for after in 0..=5_usize {
        let found = read(&other, after as u64).await?;
        // What a whole stands for may be there or not, but not with a gap.
        let (short, full) = (&all[after.max(3)..], &all[after..]);
        let first_is_whole = found.first().is_none_or(|entry| entry.whole || entry.version == after as u64 + 1);
        let tail = full.ends_with(&found) && found.len() >= short.len();
        holds!(tail && first_is_whole, "the entries after {after}: {found:?}");
    }
    append(&other, whole(6)).await?;
    append(&one, change(7, "e")).await?;
    same!(read(&other, 6).await?, vec![change(7, "e")], "what follows a second whole");
    Ok(())
}

/// However long a pool lives, whoever joins it reads little.
async fn wholes_keep_the_list_short(ground: Ground) -> Result<(), Violation> {
    let store = ground.store().await?;
    for version in 1..=120 {
        append(&store, if version % 10 == 0 { whole(version) } else { change(version, "x") }).await?;
    }
    let found = read(&store, 0).await?;
    same!(found.last().map(|entry| entry.version), Some(120), "the last entry");
    holds!(found.len() <= 60, "after twelve wholes {} of 120 entries are still read", found.len());
    Ok(())
}

async fn time_goes_on_and_never_back(ground: Ground) -> Result<(), Violation> {
    let stores = [ground.store().await?, ground.store().await?, ground.store().await?];
    let mut last = None;
    let began = tokio::time::Instant::now();
    let (mut turns, mut moved) = (0, false);
    while turns < 60 || !moved {
        let turn = soon("a turn", stores[turns % 3].begin(0)).await??;
        let now = turn.now();
        turn.pass().await?;
        holds!(last.is_none_or(|last| last <= now), "the time went back from {last:?} to {now:?}");
        moved |= last.is_some_and(|last| last < now);
        holds!(began.elapsed() < LONG, "the time stands still at {now:?}");
        (last, turns) = (Some(now), turns + 1);
    }
    let year = last.map_or(0, |now| chrono::Datelike::year(&now.date()));
    holds!((2020..2200).contains(&year), "the time is in the year {year}; are it microseconds since 1970?");
    Ok(())
}
