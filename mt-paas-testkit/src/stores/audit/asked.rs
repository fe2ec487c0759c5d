//! Which entries an answer holds, and in which order.

use std::cmp::Reverse;

use chrono::TimeDelta;
use mt_paas_core::audit::{Actor, ActorKind, AuditCursor, AuditEntry, AuditEvent, AuditQuery, Outcome, action};
use mt_paas_core::store::Store;
use uuid::Uuid;

use super::{Subject, trail};
use crate::stores::fixtures::minute;
use crate::stores::violation::{Violation, holds, same};

/// Entries that differ in everything.
async fn varied(store: &dyn Store) -> Result<Vec<AuditEntry>, Violation> {
    let kinds = [ActorKind::Operator, ActorKind::User, ActorKind::MarketKey];
    let outcomes = [Outcome::Done, Outcome::Refused, Outcome::Failed, Outcome::Begun];
    for number in 0..48_usize {
        let actor = Actor::new(kinds[number % 3], format!("a{}", number % 5));
        let action = if number % 2 == 0 { action::USER_CREATE } else { action::TENANT_ACTIVATE };
        let minutes = i64::try_from(number / 4)?;
        let target = ["user", "tenant"][number % 2];
        let event = AuditEvent::new(actor, action, minute(minutes))
            .on(target, format!("t{}", number % 7))
            .with(outcomes[number % 4], format!("code_{}", number % 3))
            .detail("note", ["100%", "a_b", "한림 \"x\"", "A_B"][number % 4]);
        let tenant = ["one", "two"][number / 3 % 2].parse()?;
        let mut event = if number % 5 == 0 { event } else { event.of(&tenant) };
        event.request_id = (number % 3 > 0).then(|| format!("r{}", number % 4).into());
        store.record_audit(&[event]).await?;
    }
    trail(store).await
}

pub(super) async fn every_filter_leaves_what_it_asks_for(store: Subject) -> Result<(), Violation> {
    let all = varied(&*store).await?;
    let any = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let late = minute(5) + TimeDelta::nanoseconds(1);
    let queries = [
        AuditQuery { tenant: Some("one".parse()?), ..any.clone() },
        AuditQuery { actor_kind: Some(ActorKind::User), ..any.clone() },
        AuditQuery { actor: Some("a2".into()), ..any.clone() },
        AuditQuery { action: Some(action::USER_CREATE), ..any.clone() },
        AuditQuery { target_kind: Some("tenant".into()), ..any.clone() },
        AuditQuery { target: Some("t3".into()), ..any.clone() },
        AuditQuery { outcome: Some(Outcome::Refused), ..any.clone() },
        AuditQuery { request_id: Some("r1".into()), ..any.clone() },
        AuditQuery { from: Some(minute(7)), ..any.clone() },
        AuditQuery { until: Some(minute(7)), ..any.clone() },
        AuditQuery { from: Some(late), ..any.clone() },
        AuditQuery { until: Some(late), ..any.clone() },
        AuditQuery { text: Some("code_2".into()), ..any.clone() },
        AuditQuery { tenant: Some("two".parse()?), outcome: Some(Outcome::Done), from: Some(minute(2)), ..any.clone() },
        AuditQuery {
            actor: Some("a1".into()),
            actor_kind: Some(ActorKind::Operator),
            text: Some("100%".into()),
            ..any
        },
    ];
    for query in queries {
        let mut expected: Vec<AuditEntry> = all.iter().filter(|entry| query.matches(entry)).cloned().collect();
        expected.sort_by_key(|entry| Reverse(AuditCursor::from(entry)));
        holds!(!expected.is_empty() && expected.len() < all.len(), "the query {query:?} says nothing");
        let mut found = store.audit_entries(&query).await?;
        found.retain(|entry| entry.event.action != action::ANCHOR);
        same!(found, expected, "the entries for {query:?}");
    }
    Ok(())
}

pub(super) async fn text_is_found_as_it_is_written(store: Subject) -> Result<(), Violation> {
    let all = varied(&*store).await?.len();
    for (text, expected) in
        [("100%", 12), ("a_b", 12), ("A_B", 12), ("%", 12), ("_B", 12), ("한림", 12), ("note", all), ("axb", 0)]
    {
        let query = AuditQuery { text: Some(text.into()), limit: 1000, ..AuditQuery::default() };
        same!(store.audit_entries(&query).await?.len(), expected, "entries with {text:?}");
    }
    // What cannot stand in an entry finds what stands there instead.
    let event = AuditEvent::new(Actor::new(ActorKind::User, "kim\0\u{1b}[2J"), action::USER_UPDATE, minute(60));
    store.record_audit(&[event]).await?;
    for query in [
        AuditQuery { actor: Some("kim\0\u{1b}[2J".into()), ..AuditQuery::default() },
        AuditQuery { text: Some("\0\u{1b}".into()), ..AuditQuery::default() },
    ] {
        same!(store.audit_entries(&query).await?.len(), 1, "entries for {query:?}");
    }
    Ok(())
}

pub(super) async fn pages_are_newest_first_and_have_no_gap(store: Subject) -> Result<(), Violation> {
    let ids: Vec<Uuid> = (0..30_u128).map(|number| Uuid::from_u128((number * 7 % 30) << 120 | number)).collect();
    for (number, id) in (0..).zip(&ids) {
        let event = AuditEvent::new(Actor::SYSTEM, action::USER_UPDATE, minute(number / 10));
        store.record_audit(&[AuditEvent { id: *id, ..event }]).await?;
    }
    let mut expected: Vec<AuditCursor> = trail(&*store).await?.iter().map(AuditCursor::from).collect();
    expected.sort_by_key(|cursor| Reverse(*cursor));
    for limit in [1, 7, 30] {
        let only = AuditQuery { limit, action: Some(action::USER_UPDATE), ..AuditQuery::default() };
        let (mut query, mut found) = (only, Vec::new());
        loop {
            let page = store.audit_entries(&query).await?;
            holds!(page.len() <= limit as usize, "a page of {} where {limit} were asked for", page.len());
            let Some(last) = page.last() else { break };
            query.after = Some(last.into());
            found.extend(page.iter().map(AuditCursor::from));
            // What comes in between is newer and disturbs nobody.
            let newer = AuditEvent::new(Actor::SYSTEM, action::AUDIT_EXPORT, minute(90));
            store.record_audit(&[newer]).await?;
        }
        same!(found, expected, "the entries by pages of {limit}");
    }
    Ok(())
}
