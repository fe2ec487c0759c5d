//! The audit trail.

mod asked;
mod keeper;

use std::sync::Arc;

use mt_paas_core::audit::{
    Actor, ActorKind, AuditEntry, AuditEvent, AuditFault, AuditHash, AuditHead, AuditQuery, FaultKind, Outcome, action,
};
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::standard_api::{Role, UpdateUserRequest};
use mt_paas_core::store::Store;
use mt_paas_core::tenants::{Saved, Tenant};
use mt_paas_core::users::{Changed, Inserted};
use uuid::Uuid;

use super::fixtures::{at_once, join, minute, new_tenant, new_user, noon, open};
use super::violation::{Violation, holds, same};
use asked::{
    every_filter_leaves_what_it_asks_for, pages_are_newest_first_and_have_no_gap, text_is_found_as_it_is_written,
};
use keeper::Keeper;

super::tests!("audit":
    an_entry_reads_back_as_it_was_written,
    entries_are_written_with_their_change,
    what_comes_to_nothing_leaves_no_entry,
    entries_are_chained_in_the_order_of_their_writing,
    chains_are_whole_when_many_write_at_once,
    every_filter_leaves_what_it_asks_for,
    text_is_found_as_it_is_written,
    pages_are_newest_first_and_have_no_gap,
    a_keeper_knows_every_chain_before_its_first_entry_and_its_last_entry,
    nothing_changes_where_a_chain_cannot_be_kept,
    a_trail_that_contradicts_its_heads_is_found_out,
);

type Subject = Arc<dyn Store>;

/// Something that happened.
fn event(name: &str, minutes: i64) -> AuditEvent {
    let actor = Actor::new(ActorKind::Operator, "kim");
    AuditEvent::new(actor, action::USER_UPDATE, minute(minutes)).on("user", name)
}

/// All entries, the oldest first.
async fn trail(store: &dyn Store) -> Result<Vec<AuditEntry>, Violation> {
    let mut entries = store.audit_entries(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await?;
    entries.retain(|entry| entry.event.action != action::ANCHOR);
    entries.reverse();
    Ok(entries)
}

/// What the entries are about, the oldest first.
async fn targets(store: &dyn Store) -> Result<Vec<String>, Violation> {
    let target = |entry: AuditEntry| entry.event.target.map(|target| target.id.as_str().to_owned()).unwrap_or_default();
    Ok(trail(store).await?.into_iter().map(target).collect())
}

async fn faults(store: &dyn Store, heads: &[AuditHead]) -> Result<Vec<AuditFault>, Violation> {
    let mut faults = Vec::new();
    let verified = store.verify_audit(heads, &mut |fault| faults.push(fault)).await?;
    same!(verified.faults, faults.len() as u64, "the number of faults");
    Ok(faults)
}

async fn an_entry_reads_back_as_it_was_written(store: Subject) -> Result<(), Violation> {
    let bare = AuditEvent::new(Actor::ANONYMOUS, "a.service_s-own.action".parse()?, minute(0));
    let mut full = event("한림 \"'\\ %_ =1", 1)
        .of(&"hallym".parse()?)
        .with(Outcome::Refused, "quota_exceeded")
        .detail("plan", "프로 \"pro\"")
        .detail("", "\u{202e}\r\n\u{1b}[31m");
    full.request_id = Some("r-1".into());
    full.address = Some("2001:db8::7".parse()?);
    let third = AuditEvent { at: noon() + chrono::TimeDelta::microseconds(120_000_001), ..event("u", 0).begun() };
    store.record_audit(&[bare.clone(), full.clone()]).await?;
    store.record_audit(std::slice::from_ref(&third)).await?;
    let found: Vec<AuditEvent> = trail(&*store).await?.into_iter().map(|entry| entry.event).collect();
    same!(found, vec![bare, full, third], "the events");
    same!(faults(&*store, &[]).await?, Vec::new(), "faults");
    Ok(())
}

async fn entries_are_written_with_their_change(store: Subject) -> Result<(), Violation> {
    let tenant = new_tenant("t")?;
    let saved = store.save_tenant(&tenant, None, false, &[], &[event("made", 1), event("also made", 2)]).await?;
    let Saved::Done(revision) = saved else { return Err(Violation::new("a new tenant was refused")) };
    let tenant = Tenant { revision, ..tenant };
    let user = new_user(&tenant, "u")?;
    let message = OutboxEvent::user_created(&tenant, &user, noon());
    let inserted = store.insert_user(revision, &user, 5, &message, &[event("added", 3)]).await?;
    same!(inserted, Inserted::Done, "the insert");
    let change = UpdateUserRequest { role: Some(Role::Admin), ..UpdateUserRequest::default() };
    store.update_user(&tenant.id, revision, &user.id, &change, minute(4), &[event("changed", 4)]).await?;
    store.delete_user(&tenant.id, revision, &user.id, &[event("removed", 5)]).await?;
    let closed = Tenant { plan: "other".to_owned(), ..tenant.clone() };
    let saved = store.save_tenant(&closed, Some(revision), true, &[], &[event("closed", 6)]).await?;
    let Saved::Done(written) = saved else { return Err(Violation::new("a change was refused")) };
    store.restore_tenant(&tenant.id, Some(&tenant), written, &[], &[event("restored", 7)]).await?;
    store.record_audit(&[]).await?;
    let expected = ["made", "also made", "added", "changed", "removed", "closed", "restored"];
    same!(targets(&*store).await?, expected.map(ToOwned::to_owned).to_vec(), "the entries");
    Ok(())
}

async fn what_comes_to_nothing_leaves_no_entry(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let (stale, none) = (tenant.revision + 1, UpdateUserRequest::default());
    let told = [event("nothing", 0)];
    let message = OutboxEvent::user_created(&tenant, &user, noon());
    let other = new_user(&tenant, "other")?;
    let missing: mt_paas_core::UserId = "missing".parse()?;
    let inserts = [
        (store.insert_user(stale, &other, 5, &message, &told).await?, Inserted::Stale),
        (store.insert_user(tenant.revision, &user, 5, &message, &told).await?, Inserted::Taken),
        (store.insert_user(tenant.revision, &other, 1, &message, &told).await?, Inserted::OverQuota),
    ];
    for (found, expected) in inserts {
        same!(found, expected, "the insert");
    }
    let id = &tenant.id;
    for (revision, user, expected) in [(stale, &user.id, Changed::Stale), (tenant.revision, &missing, Changed::Missing)]
    {
        same!(store.delete_user(id, revision, user, &told).await?, expected, "the removal");
        let changed = store.update_user(id, revision, user, &none, noon(), &told).await?;
        holds!(matches!(changed, Changed::Stale | Changed::Missing), "a change came to {changed:?}");
    }
    same!(store.save_tenant(&tenant, None, false, &[], &told).await?, Saved::Stale, "the new row");
    same!(store.save_tenant(&tenant, Some(stale), false, &[], &told).await?, Saved::Stale, "the change");
    same!(store.restore_tenant(id, None, stale, &[], &told).await?, Saved::Stale, "the restoration");
    same!(targets(&*store).await?, Vec::<String>::new(), "the entries");
    Ok(())
}

async fn entries_are_chained_in_the_order_of_their_writing(store: Subject) -> Result<(), Violation> {
    // Neither the times nor the ids say in which order they came.
    for name in ["c", "a", "b"] {
        let events = [1, 2].map(|number| AuditEvent {
            id: Uuid::from_u128(u128::from(name.as_bytes()[0]) << 64 | (9 - number)),
            ..event(&format!("{name}{number}"), -(number as i64))
        });
        store.record_audit(&events).await?;
    }
    let mut entries = trail(&*store).await?;
    entries.sort_by_key(|entry| entry.seq);
    let targets: Vec<&str> = entries.iter().filter_map(|entry| Some(&*entry.event.target.as_ref()?.id)).collect();
    same!(targets, vec!["c1", "c2", "a1", "a2", "b1", "b2"], "the entries by number");
    let mut previous = AuditHash::default();
    for entry in &entries {
        same!(entry.writer, entries[0].writer, "the chain");
        holds!(entry.previous == previous, "{} does not hold the hash of the entry before", entry.seq);
        holds!(entry.hash == entry.raw().computed(), "the hash of {} is not that of what it says", entry.seq);
        previous = entry.hash;
    }
    Ok(())
}

async fn chains_are_whole_when_many_write_at_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let keeper = Keeper::of(&*store);
    let writers = (0..24).map(|number| {
        let tenant = tenant.clone();
        move |store: Subject| async move {
            for round in 0..5 {
                let told = [event(&format!("{number} {round}"), round)];
                if number % 2 == 0 {
                    store.record_audit(&told).await?;
                    continue;
                }
                let user = new_user(&tenant, &format!("u{number}-{round}"))?;
                let message = OutboxEvent::user_created(&tenant, &user, noon());
                let inserted = store.insert_user(tenant.revision, &user, 1000, &message, &told).await?;
                same!(inserted, Inserted::Done, "the insert");
            }
            Ok(())
        }
    });
    at_once(&store, writers).await?;
    same!(targets(&*store).await?.len(), 120, "entries");
    same!(faults(&*store, &keeper.heads()).await?, Vec::new(), "faults");
    Ok(())
}

async fn a_keeper_knows_every_chain_before_its_first_entry_and_its_last_entry(store: Subject) -> Result<(), Violation> {
    let keeper = Keeper::of(&*store);
    same!(keeper.heads(), Vec::new(), "heads before any entry");
    for number in 0..3 {
        store.record_audit(&[event("a", number), event("b", number)]).await?;
        let last = trail(&*store).await?.into_iter().max_by_key(|entry| entry.seq);
        let last = last.ok_or_else(|| Violation::new("no entry was found"))?;
        let head = AuditHead { writer: last.writer, seq: last.seq, hash: last.hash, ended: false };
        same!(keeper.heads().last(), Some(&head), "the last head");
        let first = AuditHead { seq: 0, hash: AuditHash::default(), ..head };
        same!(keeper.heads().first(), Some(&first), "the first head");
    }
    Ok(())
}

async fn nothing_changes_where_a_chain_cannot_be_kept(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let keeper = Keeper::of(&*store);
    keeper.refuse(true);
    let user = new_user(&tenant, "u")?;
    let message = OutboxEvent::user_created(&tenant, &user, noon());
    let inserted = store.insert_user(tenant.revision, &user, 5, &message, &[event("u", 0)]).await;
    holds!(inserted.is_err(), "an insert that could not be told of came to {inserted:?}");
    holds!(store.record_audit(&[event("u", 0)]).await.is_err(), "an entry was written into a chain that nobody knows");
    same!(store.count_users(&tenant.id).await?, 0, "users");
    keeper.refuse(false);
    let inserted = store.insert_user(tenant.revision, &user, 5, &message, &[event("u", 0)]).await?;
    same!(inserted, Inserted::Done, "the insert afterwards");
    same!(targets(&*store).await?, vec!["u".to_owned()], "entries");
    Ok(())
}

async fn a_trail_that_contradicts_its_heads_is_found_out(store: Subject) -> Result<(), Violation> {
    let keeper = Keeper::of(&*store);
    for number in 0..5 {
        store.record_audit(&[event("u", number)]).await?;
    }
    let heads = keeper.heads();
    same!(faults(&*store, &heads).await?, Vec::new(), "faults");
    let last = *heads.last().ok_or_else(|| Violation::new("no head was kept"))?;
    let seq = i64::try_from(last.seq)?;
    let writer = mt_paas_core::audit::Line::from(last.writer.to_string());
    let fault = |kind, seq, through| AuditFault { writer: writer.clone(), seq, through, kind };
    let wrong = [
        (AuditHead { seq: last.seq + 2, ..last }, fault(FaultKind::TailCut, seq + 1, seq + 2)),
        (AuditHead { hash: AuditHash([1; 32]), ..last }, fault(FaultKind::Rechained, seq, seq)),
        (
            AuditHead { seq: last.seq - 1, hash: heads[heads.len() - 2].hash, ended: true, ..last },
            fault(FaultKind::Inserted, seq, seq),
        ),
    ];
    for (head, fault) in wrong {
        same!(faults(&*store, &[head]).await?, vec![fault], "faults with the head {head}");
    }
    let stranger = AuditHead { writer: Default::default(), ..last };
    let found: Vec<FaultKind> = faults(&*store, &[stranger]).await?.iter().map(|fault| fault.kind).collect();
    same!(found, vec![FaultKind::UnknownWriter, FaultKind::TailCut], "faults with a stranger's head");
    Ok(())
}
