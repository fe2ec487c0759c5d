//! Tenants: revisions, compare-and-set, restoring and purging.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::TenantId;
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::standard_api::{Branding, Limits, TenantStatus};
use mt_paas_core::store::Store;
use mt_paas_core::tenants::{HookAfter, PendingHook, Saved, SubscriptionTerm, Tenant};
use mt_paas_core::users::{Inserted, User};
use uuid::Uuid;

use super::fixtures::{
    at_once, chat, day, days, done, insert, join, minute, new_tenant, noon, open, open_in, page, record, tenant_id,
    used, user_id, zone,
};
use super::violation::{Violation, holds, same};

super::tests!("tenants":
    a_tenant_reads_back_as_it_was_written,
    an_unknown_tenant_is_nobody,
    a_row_is_made_once,
    a_stale_change_changes_nothing,
    a_row_is_not_changed_before_it_is_there,
    revisions_rise_and_never_repeat,
    of_many_changes_at_once_one_happens,
    of_many_creations_at_once_one_happens,
    tenants_are_listed_by_the_bytes_of_their_ids,
    messages_are_written_with_their_change,
    a_purge_removes_users_and_keeps_usage,
    a_purge_with_a_change_removes_the_users_of_this_tenant_only,
    a_stale_purge_removes_nothing,
    a_restored_row_has_its_content_and_a_new_revision,
    a_restored_zone_counts_again,
    restoring_no_row_leaves_nothing,
    a_stale_restore_changes_nothing,
);

type Subject = Arc<dyn Store>;

async fn read(store: &Subject, id: &TenantId) -> Result<Tenant, Violation> {
    let found = store.tenant(id).await?;
    found.map(|found| (*found).clone()).ok_or_else(|| Violation::new(format!("tenant {id} is not there")))
}

async fn a_tenant_reads_back_as_it_was_written(store: Subject) -> Result<(), Violation> {
    let plain = open(&*store, "plain").await?;
    same!(read(&store, &plain.id).await?, plain, "the row");
    let full = Tenant {
        status: TenantStatus::Suspended,
        plan: "기업 \"plan\" \\ ' % _".to_owned(),
        limits: Limits { max_users: 1 << 53, daily_tokens: 0, ..Limits::default() },
        branding: Branding {
            logo_url: Some("https://hallym.ac.kr/로고.png".to_owned()),
            primary_color: Some("#0a0b0c".to_owned()),
            custom_css: Some("a { b: c }\n".to_owned()),
        },
        zone: zone("Asia/Seoul")?,
        term: SubscriptionTerm { start: day(-400), end: day(9000), auto_renew: false },
        callback_url: Some("https://market.kr/cb?a=1&b=%20".to_owned()),
        hook: Some(PendingHook { after: HookAfter::FirstActivation, owner: Uuid::from_u128(7), since: noon() }),
        data_preserved: false,
        data_retention_until: Some(noon() + TimeDelta::microseconds(1)),
        created_at: noon() - TimeDelta::microseconds(999_999),
        updated_at: noon() + TimeDelta::microseconds(123_456),
        ..new_tenant("Full_1-x")?
    };
    let mut full = full;
    full.activation.config.timezone = Some(zone("Asia/Seoul")?);
    full.activation.config.limits.max_users = Some(7);
    full.activation.config.branding.logo_url = Some(None);
    let revision = done(store.save_tenant(&full, None, false, &[], &[]).await?)?;
    full.revision = revision;
    same!(read(&store, &full.id).await?, full, "the row");
    // Changed in place, every optional member goes away again.
    let changed = Tenant { status: TenantStatus::Deactivated, ..new_tenant("Full_1-x")? };
    let revision = done(store.save_tenant(&changed, Some(revision), false, &[], &[]).await?)?;
    same!(read(&store, &full.id).await?, Tenant { revision, ..changed }, "the changed row");
    same!(read(&store, &plain.id).await?, plain, "the other row");
    Ok(())
}

async fn an_unknown_tenant_is_nobody(store: Subject) -> Result<(), Violation> {
    open(&*store, "somebody").await?;
    for id in ["nobody", "Somebody", "some"] {
        holds!(store.tenant(&tenant_id(id)?).await?.is_none(), "{id} was found");
    }
    Ok(())
}

async fn a_row_is_made_once(store: Subject) -> Result<(), Violation> {
    let first = open(&*store, "t").await?;
    let other = Tenant { plan: "free".to_owned(), ..new_tenant("t")? };
    same!(store.save_tenant(&other, None, false, &[], &[]).await?, Saved::Stale, "a second creation");
    same!(read(&store, &first.id).await?, first, "the row");
    Ok(())
}

async fn a_stale_change_changes_nothing(store: Subject) -> Result<(), Violation> {
    let first = open(&*store, "t").await?;
    join(&*store, &first, "u").await?;
    let second = Tenant { plan: "second".to_owned(), ..first.clone() };
    let revision = done(store.save_tenant(&second, Some(first.revision), false, &[], &[]).await?)?;
    let before = store.unsent_events(100).await?;
    let third = Tenant { plan: "third".to_owned(), zone: zone("Asia/Seoul")?, ..first.clone() };
    let event = OutboxEvent::tenant_activated(&third, noon());
    for based_on in [Some(first.revision), Some(revision + 1), None] {
        let saved = store.save_tenant(&third, based_on, true, std::slice::from_ref(&event), &[]).await?;
        same!(saved, Saved::Stale, "a change based on {based_on:?}");
    }
    same!(read(&store, &first.id).await?, Tenant { revision, ..second }, "the row");
    same!(store.count_users(&first.id).await?, 1, "the users");
    same!(store.unsent_events(100).await?, before, "the messages");
    Ok(())
}

async fn a_row_is_not_changed_before_it_is_there(store: Subject) -> Result<(), Violation> {
    let tenant = new_tenant("t")?;
    same!(store.save_tenant(&tenant, Some(1), false, &[], &[]).await?, Saved::Stale, "a change of no row");
    holds!(store.tenant(&tenant.id).await?.is_none(), "the row was made");
    same!(store.restore_tenant(&tenant.id, Some(&tenant), 1, &[], &[]).await?, Saved::Stale, "a restore of no row");
    same!(store.purge_users(&tenant.id, 1).await?, Saved::Stale, "a purge of no row");
    Ok(())
}

async fn revisions_rise_and_never_repeat(store: Subject) -> Result<(), Violation> {
    let tenant = new_tenant("t")?;
    let mut seen = BTreeSet::new();
    for round in 0..3 {
        let mut last = done(store.save_tenant(&tenant, None, false, &[], &[]).await?)?;
        holds!(seen.insert(last), "revision {last} came again in round {round}");
        for _ in 0..5 {
            let next = done(store.save_tenant(&tenant, Some(last), false, &[], &[]).await?)?;
            holds!(next > last, "revision {next} follows {last}");
            holds!(seen.insert(next), "revision {next} came again in round {round}");
            last = next;
        }
        let next = done(store.restore_tenant(&tenant.id, Some(&tenant), last, &[], &[]).await?)?;
        holds!(next > last && seen.insert(next), "a restore gave revision {next} after {last}");
        done(store.restore_tenant(&tenant.id, None, next, &[], &[]).await?)?;
    }
    Ok(())
}

async fn of_many_changes_at_once_one_happens(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let changes = (0..16).map(|number| {
        let change = Tenant { plan: format!("plan {number}"), ..tenant.clone() };
        move |store: Subject| async move {
            let saved = store.save_tenant(&change, Some(change.revision), false, &[], &[]).await?;
            Ok((change.plan, saved))
        }
    });
    let answers = at_once(&store, changes).await?;
    let winners: Vec<_> = answers.iter().filter(|(_, saved)| *saved != Saved::Stale).collect();
    same!(winners.len(), 1, "changes that happened");
    let found = read(&store, &tenant.id).await?;
    same!((found.plan, Saved::Done(found.revision)), *winners[0], "the row");
    Ok(())
}

async fn of_many_creations_at_once_one_happens(store: Subject) -> Result<(), Violation> {
    let creations = (0..16).map(|number| {
        move |store: Subject| async move {
            let tenant = Tenant { plan: format!("plan {number}"), ..new_tenant("t")? };
            let event = OutboxEvent::tenant_activated(&tenant, noon());
            let saved = store.save_tenant(&tenant, None, false, &[event], &[]).await?;
            Ok((tenant.plan, saved))
        }
    });
    let answers = at_once(&store, creations).await?;
    let winners: Vec<_> = answers.iter().filter(|(_, saved)| *saved != Saved::Stale).collect();
    same!(winners.len(), 1, "creations that happened");
    let found = read(&store, &tenant_id("t")?).await?;
    same!((found.plan, Saved::Done(found.revision)), *winners[0], "the row");
    same!(store.unsent_events(100).await?.len(), 1, "messages");
    Ok(())
}

async fn tenants_are_listed_by_the_bytes_of_their_ids(store: Subject) -> Result<(), Violation> {
    for id in ["b", "a_b", "B", "a-b", "0", "ab", "aB", "Z9"] {
        open(&*store, id).await?;
    }
    let sorted = ["0", "B", "Z9", "a-b", "aB", "a_b", "ab", "b"];
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let part = store.tenants(after.as_ref(), 3).await?;
        holds!(part.len() <= 3, "{} tenants where 3 were asked for", part.len());
        let Some(last) = part.last() else { break };
        after = Some(last.id.clone());
        seen.extend(part.iter().map(|tenant| tenant.id.to_string()));
    }
    same!(seen, sorted.map(ToOwned::to_owned).to_vec(), "the list");
    // The mark need not be a tenant that is there.
    let rest = store.tenants(Some(&tenant_id("a_a")?), 100).await?;
    same!(rest.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["a_b", "ab", "b"], "the list after a_a");
    Ok(())
}

async fn messages_are_written_with_their_change(store: Subject) -> Result<(), Violation> {
    let tenant = new_tenant("t")?;
    let events = [OutboxEvent::tenant_activated(&tenant, minute(1)), OutboxEvent::tenant_activated(&tenant, minute(2))];
    let revision = done(store.save_tenant(&tenant, None, false, &events, &[]).await?)?;
    same!(store.unsent_events(100).await?, events.to_vec(), "the messages");
    let last = OutboxEvent::tenant_deactivated(&tenant, "violation", minute(3));
    done(store.save_tenant(&tenant, Some(revision), false, std::slice::from_ref(&last), &[]).await?)?;
    same!(store.unsent_events(100).await?.last(), Some(&last), "the last message");
    Ok(())
}

async fn a_purge_removes_users_and_keeps_usage(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    record(&*store, &tenant, &[chat("e", noon(), &user, "s")]).await?;
    same!(store.purge_users(&tenant.id, tenant.revision).await?, Saved::Done(tenant.revision), "the purge");
    same!(read(&store, &tenant.id).await?, tenant, "the row");
    same!(store.count_users(&tenant.id).await?, 0, "the users");
    let list = store.users(&tenant.id, &page(20, 0)).await?;
    holds!(list.total == 0 && list.users.is_empty(), "users are listed: {list:?}");
    let usage = store.usage(&tenant.id, days(0, 0)).await?;
    same!((usage.active_users, usage.sessions, usage.events, usage.tokens), (1, 1, 1, 15), "the usage");
    // The address is free, and the id is nobody's: whoever got it would find what somebody else used.
    same!(insert(&*store, &tenant, &user, 100).await?, Inserted::Taken, "the id");
    let next = User { id: user_id("next")?, ..user };
    same!(insert(&*store, &tenant, &next, 100).await?, Inserted::Done, "the address");
    same!(used(&*store, &next).await?.tokens, 0, "the tokens of another id");
    Ok(())
}

async fn a_purge_with_a_change_removes_the_users_of_this_tenant_only(store: Subject) -> Result<(), Violation> {
    let (one, two) = (open(&*store, "one").await?, open(&*store, "two").await?);
    join(&*store, &one, "u").await?;
    join(&*store, &two, "u").await?;
    done(store.save_tenant(&one, Some(one.revision), true, &[], &[]).await?)?;
    same!(store.count_users(&one.id).await?, 0, "users of the tenant");
    same!(store.users(&one.id, &page(20, 0)).await?.total, 0, "listed users of the tenant");
    same!(store.count_users(&two.id).await?, 1, "users of the other tenant");
    Ok(())
}

async fn a_stale_purge_removes_nothing(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    join(&*store, &tenant, "u").await?;
    done(store.save_tenant(&tenant, Some(tenant.revision), false, &[], &[]).await?)?;
    same!(store.purge_users(&tenant.id, tenant.revision).await?, Saved::Stale, "a stale purge");
    same!(store.count_users(&tenant.id).await?, 1, "the users");
    Ok(())
}

async fn a_restored_row_has_its_content_and_a_new_revision(store: Subject) -> Result<(), Violation> {
    let before = open(&*store, "t").await?;
    let kept = OutboxEvent::tenant_activated(&before, minute(1));
    let withdrawn = OutboxEvent::tenant_deactivated(&before, "violation", minute(2));
    let changed = Tenant { plan: "other".to_owned(), ..before.clone() };
    let events = [kept.clone(), withdrawn.clone()];
    let written = done(store.save_tenant(&changed, Some(before.revision), false, &events, &[]).await?)?;
    let restored = done(store.restore_tenant(&before.id, Some(&before), written, &[withdrawn.id], &[]).await?)?;
    holds!(restored > written, "revision {restored} follows {written}");
    same!(read(&store, &before.id).await?, Tenant { revision: restored, ..before.clone() }, "the row");
    same!(store.unsent_events(100).await?, vec![kept], "the messages");
    let stale = store.save_tenant(&changed, Some(before.revision), false, &[], &[]).await?;
    same!(stale, Saved::Stale, "a change based on the revision of before");
    Ok(())
}

async fn a_restored_zone_counts_again(store: Subject) -> Result<(), Violation> {
    let before = open_in(&*store, "t", zone("Asia/Seoul")?).await?;
    // 21:00 of the day before in UTC is the morning of this day in Seoul.
    let evening = noon() - TimeDelta::hours(15);
    let user = join(&*store, &before, "u").await?;
    record(&*store, &before, &[chat("e", evening, &user, "s")]).await?;
    let changed = Tenant { zone: zone("UTC")?, ..before.clone() };
    let written = done(store.save_tenant(&changed, Some(before.revision), false, &[], &[]).await?)?;
    same!(store.usage(&before.id, days(-1, -1)).await?.sessions, 1, "sessions of the day before, in UTC");
    done(store.restore_tenant(&before.id, Some(&before), written, &[], &[]).await?)?;
    same!(store.usage(&before.id, days(-1, -1)).await?.sessions, 0, "sessions of the day before, in Seoul");
    same!(store.usage(&before.id, days(0, 0)).await?.sessions, 1, "sessions of the day, in Seoul");
    Ok(())
}

async fn restoring_no_row_leaves_nothing(store: Subject) -> Result<(), Violation> {
    let other = open(&*store, "other").await?;
    let tenant = new_tenant("t")?;
    let event = OutboxEvent::tenant_activated(&tenant, noon());
    let revision = done(store.save_tenant(&tenant, None, false, std::slice::from_ref(&event), &[]).await?)?;
    let tenant = Tenant { revision, ..tenant };
    let user = join(&*store, &tenant, "u").await?;
    record(&*store, &tenant, &[chat("e", noon(), &user, "s")]).await?;
    join(&*store, &other, "u").await?;
    done(store.restore_tenant(&tenant.id, None, revision, &[event.id], &[]).await?)?;
    holds!(store.tenant(&tenant.id).await?.is_none(), "the row is still there");
    holds!(store.record_usage(&tenant.id, &[]).await?.is_none(), "usage of no tenant was taken");
    let left = store.unsent_events(100).await?;
    holds!(left.iter().all(|left| left.id != event.id), "the message was not withdrawn");
    let again = open(&*store, "t").await?;
    same!(store.count_users(&again.id).await?, 0, "users of the new row");
    same!(store.usage(&again.id, days(-9, 9)).await?, Default::default(), "usage of the new row");
    record(&*store, &again, &[chat("e", noon(), &user, "s")]).await?;
    same!(store.usage(&again.id, days(0, 0)).await?.sessions, 1, "sessions of the new row");
    same!(store.count_users(&other.id).await?, 1, "users of the other tenant");
    Ok(())
}

async fn a_stale_restore_changes_nothing(store: Subject) -> Result<(), Violation> {
    let before = open(&*store, "t").await?;
    let event = OutboxEvent::tenant_activated(&before, noon());
    let written =
        done(store.save_tenant(&before, Some(before.revision), false, std::slice::from_ref(&event), &[]).await?)?;
    let newer = Tenant { plan: "newer".to_owned(), ..before.clone() };
    let revision = done(store.save_tenant(&newer, Some(written), false, &[], &[]).await?)?;
    for content in [Some(&before), None] {
        let saved = store.restore_tenant(&before.id, content, written, &[event.id], &[]).await?;
        same!(saved, Saved::Stale, "a stale restore");
    }
    same!(read(&store, &before.id).await?, Tenant { revision, ..newer }, "the row");
    same!(store.unsent_events(100).await?, vec![event], "the messages");
    Ok(())
}
