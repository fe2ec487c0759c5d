//! Several who append at the same time.

use std::time::Duration;

use mt_paas_core::key_pool::{Appended, Entry};
use mt_paas_core::store::StoreError;

use super::{Ground, LONG, Store, Violation, append, change, holds, read, same, soon};

/// Appends `count` entries of a writer, each after reading what others wrote.
async fn write(store: Store, writer: usize, count: usize) -> Result<(), Violation> {
    let (mut known, mut done) = (0, 0);
    let began = tokio::time::Instant::now();
    while done < count {
        holds!(began.elapsed() < LONG * 3, "writer {writer} got {done} of {count} entries in");
        let mut turn = match store.begin(known).await {
            Ok(turn) => turn,
            // Others keep their turn long.
            Err(StoreError::Unavailable(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in turn.entries() {
            same!(entry.version, known + 1, "the version after {known}, as writer {writer} reads");
            known = entry.version;
        }
        let entry = change(known + 1, format!("{writer}:{done}"));
        if turn.append(entry, &[]).await? == Appended::Done {
            known += 1;
            done += 1;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

pub(super) async fn versions_have_no_gaps_when_many_append(ground: Ground) -> Result<(), Violation> {
    let (writers, count) = (6, 20);
    let mut running = tokio::task::JoinSet::new();
    for writer in 0..writers {
        running.spawn(write(ground.store().await?, writer, count));
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let all = read(&ground.store().await?, 0).await?;
    let versions: Vec<u64> = all.iter().map(|entry| entry.version).collect();
    same!(versions, (1..=(writers * count) as u64).collect::<Vec<_>>(), "the versions");
    for writer in 0..writers {
        let prefix = format!("{writer}:");
        let own: Vec<String> =
            all.iter().filter(|entry| entry.data.starts_with(&prefix)).map(|entry| entry.data.clone()).collect();
        let expected: Vec<String> = (0..count).map(|number| format!("{writer}:{number}")).collect();
        same!(own, expected, "the entries of writer {writer}");
    }
    Ok(())
}

/// Two begin with the same knowledge. Either the second waits and reads what the first wrote, or one of them is outrun.
pub(super) async fn of_two_turns_at_once_one_is_first(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    let mut known = 0;
    for round in 0..10 {
        let first = soon("a turn", one.begin(known)).await??;
        let second = {
            let other = other.clone();
            tokio::spawn(async move {
                let mut turn = other.begin(known).await?;
                let last = turn.entries().last().map_or(known, |entry| entry.version);
                // If it did not have to wait, the first appends before it.
                tokio::time::sleep(Duration::from_millis(30)).await;
                let entry = change(last + 1, format!("second {round}"));
                Ok::<_, StoreError>((entry.clone(), turn.append(entry, &[]).await?))
            })
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        let entry = change(known + 1, format!("first {round}"));
        let first = (entry.clone(), first.append(entry, &[]).await?);
        let second = soon("the second turn", second).await???;
        let taken = |(entry, appended): (Entry, Appended)| (appended == Appended::Done).then_some(entry);
        let mut expected: Vec<Entry> = [first, second].into_iter().filter_map(taken).collect();
        expected.sort_by_key(|entry| entry.version);
        holds!(!expected.is_empty(), "both turns of round {round} were outrun");
        same!(read(&one, known).await?, expected, "what two turns of round {round} came to");
        let versions: Vec<u64> = expected.iter().map(|entry| entry.version - known).collect();
        holds!(versions == [1] || versions == [1, 2], "two entries took the numbers {versions:?} in round {round}");
        known += expected.len() as u64;
    }
    Ok(())
}

/// Whoever does not read what others wrote does not write over it.
pub(super) async fn whoever_is_outrun_leaves_nothing(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    for version in 1..=3 {
        append(&one, change(version, "kept")).await?;
    }
    for version in 1..=3 {
        let turn = soon("a turn", other.begin(version - 1)).await??;
        let appended = turn.append(change(version, "late"), &[]).await?;
        same!(appended, Appended::Outrun, "an entry with the number {version} of another");
    }
    append(&other, change(4, "kept")).await?;
    let expected: Vec<Entry> = (1..=4).map(|version| change(version, "kept")).collect();
    same!(read(&one, 0).await?, expected, "the entries");
    Ok(())
}

pub(super) async fn a_turn_that_is_dropped_ends(ground: Ground) -> Result<(), Violation> {
    let (one, other) = (ground.store().await?, ground.store().await?);
    for version in 1..=5 {
        drop(soon("a turn", one.begin(0)).await??);
        // One that is given up while it waits.
        let held = soon("a turn after a dropped one", other.begin(0)).await??;
        let waits = tokio::spawn({
            let one = one.clone();
            async move { one.begin(0).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_millis(3)).await;
        waits.abort();
        held.pass().await?;
        append(&other, change(version, "after")).await?;
    }
    same!(read(&one, 0).await?.len(), 5, "the entries");
    Ok(())
}
