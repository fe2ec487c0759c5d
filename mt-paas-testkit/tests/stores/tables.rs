//! What can be seen in the tables only: planted damage, a service's own tables, and rows that cannot be read.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::period::DateRange;
use mt_paas_core::store::StoreError;
use mt_paas_core::store::sea_orm::{SqlStore, TenantOwned};
use mt_paas_core::tenants::{Saved, Tenant, TenantStore};
use mt_paas_core::usage::{LedgerEntry, UsageStore};
use mt_paas_core::{NanoUsd, TenantId};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, ExprTrait, QueryOrder, QuerySelect};

type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("an_audit_finds_planted_damage_and_repairs_it", |url| Box::pin(planted_damage(url))),
    ("another_tenant_of_a_services_own_table_is_out_of_reach", |url| Box::pin(bound_to_a_tenant(url))),
    ("a_row_that_cannot_be_read_is_told_from_a_store_that_is_away", |url| Box::pin(unreadable(url))),
    ("a_message_that_was_sent_is_not_sent_again", |url| Box::pin(sent(url))),
    ("what_was_begun_and_dropped_changes_nothing", |url| Box::pin(dropped(url))),
];

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_481) + TimeDelta::hours(12)
}

async fn tenant(store: &SqlStore, id: &str) -> Result<Tenant, Failed> {
    let row = Tenant {
        id: id.parse()?,
        revision: 0,
        status: mt_paas_core::standard_api::TenantStatus::Active,
        activation: Default::default(),
        plan: "pro".to_owned(),
        allowed_features: Default::default(),
        features: Default::default(),
        limits: Default::default(),
        branding: Default::default(),
        zone: Default::default(),
        term: mt_paas_core::tenants::SubscriptionTerm {
            start: noon().date_naive(),
            end: noon().date_naive(),
            auto_renew: true,
        },
        callback_url: None,
        data_preserved: true,
        hook: None,
        data_retention_until: None,
        created_at: noon(),
        updated_at: noon(),
    };
    match store.save_tenant(&row, None, false, &[], &[]).await? {
        Saved::Done(revision) => Ok(Tenant { revision, ..row }),
        Saved::Stale => Err("the tenant is there already".into()),
    }
}

fn entry(number: i64) -> LedgerEntry {
    LedgerEntry {
        id: format!("e{number}"),
        at: noon() + TimeDelta::hours(number),
        user: Some("u".parse().expect("a good id")),
        session: Some(format!("s{}", number / 2)),
        messages: 1,
        model: Some("gpt-4".to_owned()),
        input_tokens: 10,
        output_tokens: 5,
        storage_bytes: Some(100),
        cost: Some(NanoUsd::new(7)),
    }
}

async fn planted_damage(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let (tenant, other) = (tenant(&store, "t").await?.id, tenant(&store, "other").await?.id);
    let entries: Vec<LedgerEntry> = (0..40).map(entry).collect();
    for id in [&tenant, &other] {
        store.record_usage(id, &entries).await?;
    }
    let days = DateRange { first: noon().date_naive(), last: (noon() + TimeDelta::days(9)).date_naive() };
    let good = (store.stats(&tenant, days, noon()).await?, store.hours(&tenant, days).await?);
    for (damage, row) in [
        ("UPDATE mt_usage_daily SET messages = messages + 1", "daily 2026-01-28 u gpt-4 1"),
        ("UPDATE mt_usage_daily SET cost = -1", "daily 2026-01-28 u gpt-4 1"),
        ("UPDATE mt_usage_daily SET last_at = 0", "daily 2026-01-28 u gpt-4 1"),
        ("UPDATE mt_usage_daily SET model = 'gpt-5'", "daily 2026-01-28 u gpt-5 1"),
        ("UPDATE mt_usage_hourly SET tokens = 0", "hourly 2026-01-28 12"),
        ("DELETE FROM mt_usage_hourly", "hourly 2026-01-28 12"),
        ("UPDATE mt_usage_storage SET bytes = 1", "storage 2026-01-28"),
        ("UPDATE mt_usage_users SET sessions = 0", "users u"),
        ("UPDATE mt_usage_sessions SET event_id = 'x'", "sessions s0"),
        ("DELETE FROM mt_usage_events WHERE event_id = 'e0'", "daily 2026-01-28 u gpt-4 1"),
    ] {
        let condition = if damage.contains("WHERE") { " AND" } else { " WHERE" };
        let done = store.writer().execute_unprepared(&format!("{damage}{condition} tenant_id = 't'")).await?;
        assert!(done.rows_affected() > 0, "{damage} damaged nothing");
        for repair in [false, false, true] {
            let found = store.audit_usage(&tenant, repair).await?;
            let named = found.iter().any(|difference| difference.row == row && difference.ledger != difference.rollup);
            assert!(named, "after {damage}: {found:?}");
        }
        assert_eq!(store.audit_usage(&tenant, false).await?, [], "after the repair of {damage}");
        assert_eq!(store.audit_usage(&other, false).await?, [], "of the other tenant after {damage}");
        if !damage.starts_with("DELETE FROM mt_usage_events") {
            let now = (store.stats(&tenant, days, noon()).await?, store.hours(&tenant, days).await?);
            assert_eq!(now, good, "after the repair of {damage}");
        }
    }
    // What was lost from the ledger is not counted any more, and counts when it is recorded again.
    store.record_usage(&tenant, &entries[..1]).await?;
    let now = (store.stats(&tenant, days, noon()).await?, store.hours(&tenant, days).await?);
    assert_eq!(now, good, "after the lost event came again");
    Ok(store.close().await?)
}

mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "notes")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: i64,
        pub(super) tenant: String,
        pub(super) text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl TenantOwned for note::Entity {
    const TENANT: note::Column = note::Column::Tenant;
}

async fn bound_to_a_tenant(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let sql = "CREATE TABLE notes (id BIGINT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, text TEXT NOT NULL)";
    store.writer().execute_unprepared(sql).await?;
    let (one, two): (TenantId, TenantId) = ("one".parse()?, "two".parse()?);
    let (one, two) = (store.of(&one), store.of(&two));
    for (id, scope) in [(1, &one), (2, &two), (3, &one)] {
        // The row claims to be another tenant's: the scope has the last word.
        let row = note::ActiveModel { id: Set(id), tenant: Set("three".to_owned()), text: Set("old".to_owned()) };
        scope.insert(row).exec(store.writer()).await?;
    }
    let ids = async |scope: &mt_paas_core::store::sea_orm::TenantScope| -> Result<Vec<i64>, DbErr> {
        scope
            .find::<note::Entity>()
            .select_only()
            .column(note::Column::Id)
            .order_by_asc(note::Column::Id)
            .into_tuple()
            .all(store.reader())
            .await
    };
    assert_eq!((ids(&one).await?, ids(&two).await?), (vec![1, 3], vec![2]));
    let foreign = one.find::<note::Entity>().filter(note::Column::Id.eq(2)).one(store.reader()).await?;
    assert_eq!(foreign, None);
    let either = note::Column::Id.eq(2).or(note::Column::Tenant.eq("two"));
    let foreign = one.find::<note::Entity>().filter(either.clone()).all(store.reader()).await?;
    assert_eq!(foreign, []);
    let new = Expr::value("new");
    let changed = one.update_many::<note::Entity>().col_expr(note::Column::Text, new.clone()).filter(either.clone());
    assert_eq!(changed.exec(store.writer()).await?.rows_affected, 0);
    let changed = one.update_many::<note::Entity>().col_expr(note::Column::Text, new);
    assert_eq!(changed.exec(store.writer()).await?.rows_affected, 2);
    let deleted = one.delete_many::<note::Entity>().filter(either);
    assert_eq!(deleted.exec(store.writer()).await?.rows_affected, 0);
    assert_eq!(one.delete_many::<note::Entity>().exec(store.writer()).await?.rows_affected, 2);
    let left = two.find::<note::Entity>().all(store.reader()).await?;
    assert_eq!(left, [note::Model { id: 2, tenant: "two".to_owned(), text: "old".to_owned() }]);
    Ok(store.close().await?)
}

async fn unreadable(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let id = tenant(&store, "t").await?.id;
    for (column, value) in [("zone", "'Mars/Olympus'"), ("status", "'asleep'"), ("limits", "'{'")] {
        store.writer().execute_unprepared(&format!("UPDATE mt_tenants SET {column} = {value}")).await?;
        let found = store.tenant(&id).await;
        assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{column}: {found:?}");
    }
    store.close().await?;
    let found = store.tenant(&id).await;
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
    Ok(())
}

async fn sent(url: String) -> Result<(), Failed> {
    use mt_paas_core::outbox::OutboxStore;
    let store = SqlStore::open(&url).await?;
    let row = tenant(&store, "t").await?;
    let first = OutboxEvent::tenant_activated(&row, noon());
    let second = OutboxEvent::tenant_deactivated(&row, "violation", noon());
    let events = [first.clone(), second.clone()];
    let Saved::Done(written) = store.save_tenant(&row, Some(row.revision), false, &events, &[]).await? else {
        return Err("the change was refused".into());
    };
    let sql = format!("UPDATE mt_outbox SET sent_at = 1 WHERE id = '{}'", first.id);
    assert_eq!(store.writer().execute_unprepared(&sql).await?.rows_affected(), 1);
    assert_eq!(store.unsent_events(9).await?, std::slice::from_ref(&second));
    // It counts as recent all the same, and cannot be withdrawn any more.
    assert!(!store.queue_unless_recent(&OutboxEvent::tenant_activated(&row, noon()), noon()).await?);
    store.restore_tenant(&row.id, Some(&row), written, &[first.id, second.id], &[]).await?;
    assert_eq!(store.unsent_events(9).await?, []);
    assert!(!store.queue_unless_recent(&OutboxEvent::tenant_activated(&row, noon()), noon()).await?);
    assert!(store.queue_unless_recent(&second, noon()).await?);
    Ok(store.close().await?)
}

/// Callers may drop a future at any await point: what was not committed never happened, and the connection is free.
async fn dropped(url: String) -> Result<(), Failed> {
    let store = SqlStore::open(&url).await?;
    let id = tenant(&store, "t").await?.id;
    let entries: Vec<LedgerEntry> = (0..500).map(entry).collect();
    let mut cut_short = 0;
    for micros in (0..60_000).step_by(1500) {
        let record = store.record_usage(&id, &entries);
        cut_short += u32::from(tokio::time::timeout(std::time::Duration::from_micros(micros), record).await.is_err());
    }
    assert!(cut_short > 0, "no call was cut short");
    store.record_usage(&id, &entries).await?;
    assert_eq!(store.audit_usage(&id, false).await?, []);
    let days = DateRange { first: noon().date_naive(), last: (noon() + TimeDelta::days(60)).date_naive() };
    assert_eq!(store.usage(&id, days).await?.events, 500);
    Ok(store.close().await?)
}
