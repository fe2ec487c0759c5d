//! Messages to the market.

use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::store::Store;
use mt_paas_core::tenants::Tenant;
use serde_json::json;
use uuid::Uuid;

use super::fixtures::{at_once, minute, new_tenant, noon, open};
use super::violation::{Violation, same};

super::tests!("outbox":
    messages_come_oldest_first_then_by_id,
    a_message_reads_back_as_it_was_written,
    a_recent_message_of_the_kind_is_enough,
    recency_is_judged_by_tenant_and_kind,
    of_many_messages_at_once_one_is_written,
);

type Subject = Arc<dyn Store>;

async fn messages_come_oldest_first_then_by_id(store: Subject) -> Result<(), Violation> {
    let tenant = new_tenant("t")?;
    let message = |minutes, id: u128| OutboxEvent {
        id: Uuid::from_u128(id),
        ..OutboxEvent::tenant_activated(&tenant, minute(minutes))
    };
    // Ids that sort differently as text of other forms, by case or as signed numbers.
    let high = u128::MAX - 5;
    let late = [message(2, 1), message(1, high), message(1, 0xa0), message(1, 9)];
    store.save_tenant(&tenant, None, false, &late, &[]).await?;
    let sorted = [9, 0xa0, high, 1].map(Uuid::from_u128);
    let found: Vec<Uuid> = store.unsent_events(100).await?.iter().map(|event| event.id).collect();
    same!(found, sorted.to_vec(), "the messages");
    let found: Vec<Uuid> = store.unsent_events(2).await?.iter().map(|event| event.id).collect();
    same!(found, sorted[..2].to_vec(), "the first two");
    same!(store.unsent_events(0).await?, Vec::new(), "the first none");
    Ok(())
}

async fn a_message_reads_back_as_it_was_written(store: Subject) -> Result<(), Violation> {
    let tenant = Tenant { callback_url: Some("https://market.kr/콜백?a=%20".to_owned()), ..new_tenant("t")? };
    let data = json!({"text": "한림 \"'\\ \n", "list": [1, -2, null, true, 9_007_199_254_740_993_u64], "none": {}});
    let at = noon() + TimeDelta::microseconds(1);
    let first = OutboxEvent { data, ..OutboxEvent::tenant_activated(&tenant, at) };
    let second =
        OutboxEvent { callback_url: None, ..OutboxEvent::quota_exceeded(&tenant, "users", 1 << 53, minute(1)) };
    for event in [&first, &second] {
        same!(store.queue_unless_recent(event, event.at).await?, true, "the message was written");
    }
    same!(store.unsent_events(9).await?, vec![first, second], "the messages");
    Ok(())
}

async fn a_recent_message_of_the_kind_is_enough(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let message = |minutes| OutboxEvent::quota_exceeded(&tenant, "users", 5, minute(minutes));
    same!(store.queue_unless_recent(&message(0), minute(-60)).await?, true, "the first");
    same!(store.queue_unless_recent(&message(59), minute(-1)).await?, false, "one a little later");
    same!(store.queue_unless_recent(&message(60), minute(0)).await?, false, "one where the first is just recent");
    same!(store.queue_unless_recent(&message(61), minute(1)).await?, true, "one where it is not");
    same!(store.unsent_events(9).await?.len(), 2, "messages");
    Ok(())
}

async fn recency_is_judged_by_tenant_and_kind(store: Subject) -> Result<(), Violation> {
    let (one, two) = (open(&*store, "one").await?, open(&*store, "two").await?);
    let messages = [
        OutboxEvent::quota_exceeded(&one, "users", 5, noon()),
        OutboxEvent::quota_exceeded(&two, "users", 5, noon()),
        OutboxEvent::tenant_activated(&one, noon()),
    ];
    for message in &messages {
        same!(store.queue_unless_recent(message, minute(-60)).await?, true, "{} of {}", message.kind, message.tenant);
    }
    // What was written beside a change counts too.
    let closed = OutboxEvent::tenant_deactivated(&two, "violation", noon());
    store.save_tenant(&two, Some(two.revision), false, &[closed], &[]).await?;
    let again = OutboxEvent::tenant_deactivated(&two, "violation", minute(1));
    same!(store.queue_unless_recent(&again, minute(-60)).await?, false, "one after a change's own");
    Ok(())
}

async fn of_many_messages_at_once_one_is_written(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let writers = (0..16).map(|_| {
        let message = OutboxEvent::quota_exceeded(&tenant, "users", 5, noon());
        move |store: Subject| async move { Ok(store.queue_unless_recent(&message, minute(-60)).await?) }
    });
    let written = at_once(&store, writers).await?;
    same!(written.iter().filter(|written| **written).count(), 1, "writers that wrote");
    same!(store.unsent_events(100).await?.len(), 1, "messages");
    Ok(())
}
