//! Whoever waits for an entry.

use mt_paas_core::key_pool::{Appended, MemberId};

use super::{Ground, Store, Violation, append, change, same, soon, try_append};

/// Waits as a pool does: what `changed` says may be early, so it reads and waits again.
async fn wait_for(store: Store, member: MemberId, version: u64) -> Result<(), Violation> {
    loop {
        store.changed(member, version - 1).await?;
        let mut turn = store.begin(version - 1).await?;
        let found = turn.entries();
        turn.pass().await?;
        if !found.is_empty() {
            return Ok(());
        }
    }
}

pub(super) async fn whoever_is_to_be_woken_wakes(ground: Ground) -> Result<(), Violation> {
    let writer = ground.store().await?;
    let members = [MemberId(7), MemberId(1 << 52), MemberId(9)];
    let stores = [ground.store().await?, ground.store().await?, ground.store().await?];
    for version in 1..=20 {
        let mut waiting = tokio::task::JoinSet::new();
        for (member, store) in members.iter().zip(&stores) {
            waiting.spawn(wait_for(store.clone(), *member, version));
        }
        // Sometimes before all of them listen.
        for _ in 0..version % 5 {
            tokio::task::yield_now().await;
        }
        let wake = if version % 2 == 0 { members.to_vec() } else { members.iter().rev().copied().collect() };
        same!(try_append(&writer, change(version, "x"), &wake).await?, Appended::Done, "an entry");
        while let Some(woken) = soon("a wake-up", waiting.join_next()).await? {
            woken??;
        }
    }
    Ok(())
}

pub(super) async fn an_entry_that_is_there_already_wakes_at_once(ground: Ground) -> Result<(), Violation> {
    let writer = ground.store().await?;
    let member = MemberId(3);
    append(&writer, change(1, "for nobody")).await?;
    same!(try_append(&writer, change(2, "for somebody"), &[member]).await?, Appended::Done, "an entry");
    for after in [0, 1] {
        let reader = ground.store().await?;
        soon("a wake-up for what is there", reader.changed(member, after)).await??;
    }
    Ok(())
}
