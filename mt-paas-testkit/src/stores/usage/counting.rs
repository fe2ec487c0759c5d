//! What counts once, and where.

use std::collections::BTreeSet;

use mt_paas_core::tenants::Tenant;
use mt_paas_core::usage::{LedgerEntry, Recorded};

use super::Subject;
use crate::stores::fixtures::{at_once, call, chat, days, join, minute, new_tenant, noon, open, record, used};
use crate::stores::violation::{Violation, same};

/// Sessions, events and tokens of everyone on some days.
async fn totals(store: &Subject, tenant: &Tenant, first: i64, last: i64) -> Result<(u64, u64, u64), Violation> {
    let usage = store.usage(&tenant.id, days(first, last)).await?;
    Ok((usage.sessions, usage.events, usage.tokens))
}

pub(super) async fn an_unknown_tenant_takes_no_usage(store: Subject) -> Result<(), Violation> {
    let tenant = new_tenant("nobody")?;
    same!(store.record_usage(&tenant.id, &[call("e", noon())]).await?, None, "usage of no tenant");
    same!(store.usage(&tenant.id, days(0, 0)).await?, Default::default(), "figures of no tenant");
    let tenant = open(&*store, "nobody").await?;
    same!(store.usage(&tenant.id, days(0, 0)).await?, Default::default(), "figures of the new tenant");
    same!(store.record_usage(&tenant.id, &[]).await?, Some(Recorded::default()), "an empty batch");
    Ok(())
}

pub(super) async fn an_id_counts_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let entries = [chat("a", noon(), &user, "s"), chat("b", minute(1), &user, "s"), chat("a", noon(), &user, "s")];
    let recorded = store.record_usage(&tenant.id, &entries).await?;
    same!(recorded, Some(Recorded { new: 2, repeated: 1 }), "a batch with a repeat");
    let entries = [chat("c", minute(2), &user, "s"), chat("a", noon(), &user, "s")];
    let recorded = store.record_usage(&tenant.id, &entries).await?;
    same!(recorded, Some(Recorded { new: 1, repeated: 1 }), "a batch with one of an earlier batch");
    // The id alone decides, also when the rest differs.
    let other = LedgerEntry { input_tokens: 999, ..chat("b", minute(2000), &user, "other") };
    let recorded = store.record_usage(&tenant.id, &[other]).await?;
    same!(recorded, Some(Recorded { new: 0, repeated: 1 }), "another event of a known id");
    same!(totals(&store, &tenant, -5, 5).await?, (1, 3, 45), "the totals");
    same!(used(&*store, &user).await?.messages, 3, "the messages of the user");
    Ok(())
}

pub(super) async fn the_first_of_two_with_one_id_counts(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let second = LedgerEntry { input_tokens: 1_000_000, ..chat("a", minute(-2000), &user, "other") };
    store.record_usage(&tenant.id, &[chat("a", noon(), &user, "s"), second]).await?;
    same!(totals(&store, &tenant, -5, 5).await?, (1, 1, 15), "the totals");
    Ok(())
}

pub(super) async fn a_batch_of_known_events_adds_nothing(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let entries: Vec<LedgerEntry> =
        (0..40).map(|number| chat(&format!("e{number}"), minute(number * 60), &user, "s")).collect();
    record(&*store, &tenant, &entries).await?;
    let before = store.stats(&tenant.id, days(-5, 5), noon()).await?;
    let recorded = store.record_usage(&tenant.id, &entries).await?;
    same!(recorded, Some(Recorded { new: 0, repeated: 40 }), "the batch again");
    same!(store.stats(&tenant.id, days(-5, 5), noon()).await?, before, "the figures");
    Ok(())
}

pub(super) async fn an_id_counts_once_when_many_record_it_at_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    // Every batch shares half of its events with the next one, in another order.
    let batches = (0..8).map(|batch| {
        let mut entries: Vec<LedgerEntry> = (batch * 10..batch * 10 + 20)
            .map(|number| chat(&format!("e{number:03}"), minute(number), &user, &format!("s{}", number % 4)))
            .collect();
        if batch % 2 == 0 {
            entries.reverse();
        }
        let tenant = tenant.id.clone();
        move |store: Subject| async move { Ok(store.record_usage(&tenant, &entries).await?) }
    });
    let recorded = at_once(&store, batches).await?;
    let new: u64 = recorded.iter().flatten().map(|recorded| recorded.new).sum();
    let repeated: u64 = recorded.iter().flatten().map(|recorded| recorded.repeated).sum();
    same!((new, repeated), (90, 70), "new and repeated events");
    same!(totals(&store, &tenant, -5, 5).await?, (4, 90, 90 * 15), "the totals");
    same!(store.audit_usage(&tenant.id, false).await?, Vec::new(), "the audit");
    Ok(())
}

pub(super) async fn ids_are_those_of_one_tenant(store: Subject) -> Result<(), Violation> {
    let (one, two) = (open(&*store, "one").await?, open(&*store, "two").await?);
    let user = join(&*store, &one, "u").await?;
    record(&*store, &one, &[chat("e", noon(), &user, "s")]).await?;
    record(&*store, &two, &[chat("e", noon(), &user, "s"), chat("f", noon(), &user, "s")]).await?;
    same!(totals(&store, &one, 0, 0).await?, (1, 1, 15), "the totals of one tenant");
    same!(totals(&store, &two, 0, 0).await?, (1, 2, 30), "the totals of the other");
    same!(used(&*store, &user).await?.tokens, 15, "tokens of the user of one tenant");
    Ok(())
}

pub(super) async fn large_batches_count_whole(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let events = |from: i64, to: i64| -> Vec<LedgerEntry> {
        (from..to).map(|number| chat(&format!("e{number}"), minute(number), &user, &format!("s{number}"))).collect()
    };
    record(&*store, &tenant, &events(0, 1500)).await?;
    let recorded = store.record_usage(&tenant.id, &events(1000, 2500)).await?;
    same!(recorded, Some(Recorded { new: 1000, repeated: 500 }), "a batch of which a third is known");
    same!(totals(&store, &tenant, -9, 9).await?, (2500, 2500, 2500 * 15), "the totals");
    Ok(())
}

pub(super) async fn a_session_counts_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (user, other) = (join(&*store, &tenant, "u").await?, join(&*store, &tenant, "v").await?);
    record(&*store, &tenant, &[chat("a", noon(), &user, "s"), chat("b", minute(1), &user, "s")]).await?;
    // On another day, by another user: still the session of its first event.
    record(&*store, &tenant, &[chat("c", minute(24 * 60), &other, "s"), chat("d", noon(), &user, "s2")]).await?;
    same!(totals(&store, &tenant, 0, 0).await?.0, 2, "sessions of the first day");
    same!(totals(&store, &tenant, 1, 1).await?.0, 0, "sessions of the second day");
    same!(used(&*store, &user).await?.sessions, 2, "sessions of the user");
    same!(used(&*store, &other).await?.sessions, 0, "sessions of the other user");
    Ok(())
}

pub(super) async fn a_later_event_does_not_move_its_session(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    record(&*store, &tenant, &[chat("b", minute(60), &user, "s")]).await?;
    let before = store.hours(&tenant.id, days(0, 0)).await?;
    record(&*store, &tenant, &[chat("a", minute(120), &user, "s")]).await?;
    let after = store.hours(&tenant.id, days(0, 0)).await?;
    same!(after.first(), before.first(), "the hour of the session");
    same!(after.iter().map(|hour| hour.sessions).collect::<Vec<_>>(), [1, 0], "sessions by hour");
    Ok(())
}

pub(super) async fn a_late_earlier_event_moves_its_session(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (late, early) = (join(&*store, &tenant, "late").await?, join(&*store, &tenant, "early").await?);
    record(&*store, &tenant, &[chat("b", minute(24 * 60), &late, "s"), chat("x", noon(), &late, "kept")]).await?;
    let first = LedgerEntry { model: None, ..chat("a", minute(60), &early, "s") };
    record(&*store, &tenant, &[first]).await?;
    same!(totals(&store, &tenant, 0, 0).await?.0, 2, "sessions of the earlier day");
    same!(totals(&store, &tenant, 1, 1).await?.0, 0, "sessions of the later day");
    same!(used(&*store, &early).await?.sessions, 1, "sessions of the earlier user");
    same!(used(&*store, &late).await?.sessions, 1, "sessions of the later user");
    let hours = store.hours(&tenant.id, days(0, 1)).await?;
    let hours: Vec<_> = hours.iter().map(|hour| (hour.hour, hour.sessions)).collect();
    same!(hours, [(12, 1), (13, 1), (12, 0)], "sessions by hour");
    let top = store.top_users(&tenant.id, days(0, 1), 9).await?;
    let top: BTreeSet<_> = top.iter().map(|user| (user.name.as_str(), user.sessions)).collect();
    same!(top, BTreeSet::from([("User early", 1), ("User late", 1)]), "sessions in the list of top users");
    // And once more, to a day before.
    record(&*store, &tenant, &[chat("c", minute(-24 * 60), &late, "s")]).await?;
    same!(totals(&store, &tenant, -1, -1).await?.0, 1, "sessions of the earliest day");
    same!(totals(&store, &tenant, -9, 9).await?.0, 2, "sessions of all days");
    same!(store.audit_usage(&tenant.id, false).await?, Vec::new(), "the audit");
    Ok(())
}

pub(super) async fn of_equal_times_the_smaller_id_is_first(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (one, two) = (join(&*store, &tenant, "one").await?, join(&*store, &tenant, "two").await?);
    record(&*store, &tenant, &[chat("b", noon(), &one, "s")]).await?;
    record(&*store, &tenant, &[chat("c", noon(), &two, "s")]).await?;
    same!(used(&*store, &one).await?.sessions, 1, "sessions of the first user");
    // By bytes: capital letters come before small ones.
    record(&*store, &tenant, &[chat("Z", noon(), &two, "s")]).await?;
    same!(used(&*store, &one).await?.sessions, 0, "sessions of the first user, after a smaller id");
    same!(used(&*store, &two).await?.sessions, 1, "sessions of the second user, after a smaller id");
    Ok(())
}

pub(super) async fn sessions_count_once_when_many_record_at_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let batches = (0..12i64).map(|batch| {
        // Earlier and earlier days, so that each batch moves what it finds.
        let entries: Vec<LedgerEntry> = (0..6)
            .map(|session| {
                let at = minute(-batch * 24 * 60 + session);
                chat(&format!("e{batch}-{session}"), at, &user, &format!("s{}", (session + batch) % 6))
            })
            .collect();
        let tenant = tenant.id.clone();
        move |store: Subject| async move { Ok(store.record_usage(&tenant, &entries).await?) }
    });
    at_once(&store, batches).await?;
    same!(totals(&store, &tenant, -30, 30).await?, (6, 72, 72 * 15), "the totals");
    same!(totals(&store, &tenant, -11, -11).await?.0, 6, "sessions of the first day");
    same!(used(&*store, &user).await?.sessions, 6, "sessions of the user");
    same!(store.audit_usage(&tenant.id, false).await?, Vec::new(), "the audit");
    Ok(())
}
