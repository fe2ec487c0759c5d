//! Things to put into a store.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::period::{DateRange, Zone};
use mt_paas_core::standard_api::{
    ActivationConfig, Branding, Contact, Limits, Page, Role, TenantStatus, UserStatus, UserUsage,
};
use mt_paas_core::store::Store;
use mt_paas_core::tenants::{ActivationRecord, Revision, Saved, SubscriptionTerm, Tenant};
use mt_paas_core::usage::LedgerEntry;
use mt_paas_core::users::{Inserted, User, UserList, UserSearch};
use mt_paas_core::{NanoUsd, TenantId, UserId};

use super::violation::{Violation, holds};

/// Noon of the first day of most tests.
pub(super) fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_481) + TimeDelta::hours(12)
}

/// Some minutes after noon.
pub(super) fn minute(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

/// The day of [`noon`], some days later.
pub(super) fn day(days: i64) -> NaiveDate {
    (noon() + TimeDelta::days(days)).date_naive()
}

/// Days by their distance from the day of [`noon`].
pub(super) fn days(first: i64, last: i64) -> DateRange {
    DateRange { first: day(first), last: day(last) }
}

pub(super) fn zone(name: &str) -> Result<Zone, Violation> {
    Ok(name.parse()?)
}

pub(super) fn tenant_id(id: &str) -> Result<TenantId, Violation> {
    Ok(id.parse()?)
}

pub(super) fn user_id(id: &str) -> Result<UserId, Violation> {
    Ok(id.parse()?)
}

/// An active tenant, not written yet.
pub(super) fn new_tenant(id: &str) -> Result<Tenant, Violation> {
    Ok(Tenant {
        id: tenant_id(id)?,
        revision: 0,
        status: TenantStatus::Active,
        activation: ActivationRecord {
            tenant_name: format!("한림대학교 {id}"),
            plan: "pro".to_owned(),
            features: BTreeSet::from(["chat".to_owned()]),
            config: ActivationConfig::default(),
            contact: Contact { email: "admin@hallym.ac.kr".to_owned(), name: "김철수".to_owned() },
        },
        plan: "pro".to_owned(),
        allowed_features: BTreeSet::from(["chat".to_owned(), "rag".to_owned()]),
        features: BTreeMap::from([("chat".to_owned(), true), ("rag".to_owned(), false)]),
        limits: Limits::default(),
        branding: Branding::default(),
        zone: Zone::UTC,
        term: SubscriptionTerm { start: day(0), end: day(365), auto_renew: true },
        callback_url: None,
        data_preserved: true,
        hook: None,
        data_retention_until: None,
        created_at: noon(),
        updated_at: noon(),
    })
}

/// Writes a tenant over nothing.
pub(super) async fn open(store: &dyn Store, id: &str) -> Result<Tenant, Violation> {
    open_in(store, id, Zone::UTC).await
}

/// Writes a tenant of a zone over nothing.
pub(super) async fn open_in(store: &dyn Store, id: &str, zone: Zone) -> Result<Tenant, Violation> {
    let tenant = Tenant { zone, ..new_tenant(id)? };
    let revision = done(store.save_tenant(&tenant, None, false, &[], &[]).await?)?;
    Ok(Tenant { revision, ..tenant })
}

/// The revision of a change that must have happened.
pub(super) fn done(saved: Saved) -> Result<Revision, Violation> {
    match saved {
        Saved::Done(revision) => Ok(revision),
        Saved::Stale => Err(Violation::new("a change of a tenant was refused as stale")),
    }
}

/// A user that is not written yet, made at [`noon`].
pub(super) fn new_user(tenant: &Tenant, id: &str) -> Result<User, Violation> {
    Ok(User {
        tenant: tenant.id.clone(),
        id: user_id(id)?,
        login_name: format!("{id}@hallym.ac.kr"),
        email: Some(format!("{id}@hallym.ac.kr")),
        name: format!("User {id}"),
        role: Role::User,
        status: UserStatus::Active,
        created_at: noon(),
        updated_at: noon(),
        last_login: None,
    })
}

/// Inserts a user where nothing stands against it.
pub(super) async fn add(store: &dyn Store, tenant: &Tenant, user: &User) -> Result<(), Violation> {
    let inserted = insert(store, tenant, user, 100_000).await?;
    holds!(inserted == Inserted::Done, "the insert of {} came to {inserted:?}", user.id);
    Ok(())
}

/// Inserts a user with the message that belongs to it.
pub(super) async fn insert(
    store: &dyn Store,
    tenant: &Tenant,
    user: &User,
    max_users: u64,
) -> Result<Inserted, Violation> {
    let event = OutboxEvent::user_created(tenant, user, user.created_at);
    Ok(store.insert_user(tenant.revision, user, max_users, &event, &[]).await?)
}

/// Writes a user of this id and answers it.
pub(super) async fn join(store: &dyn Store, tenant: &Tenant, id: &str) -> Result<User, Violation> {
    let user = new_user(tenant, id)?;
    add(store, tenant, &user).await?;
    Ok(user)
}

/// An event that is a call and nothing more.
pub(super) fn call(id: impl Into<String>, at: DateTime<Utc>) -> LedgerEntry {
    LedgerEntry {
        id: id.into(),
        at,
        user: None,
        session: None,
        messages: 0,
        model: None,
        input_tokens: 0,
        output_tokens: 0,
        storage_bytes: None,
        cost: Some(NanoUsd::ZERO),
    }
}

/// A message in a session, answered by a model: 10 + 5 tokens for 1000 nano-dollars.
pub(super) fn chat(id: &str, at: DateTime<Utc>, user: &User, session: &str) -> LedgerEntry {
    LedgerEntry {
        user: Some(user.id.clone()),
        session: Some(session.to_owned()),
        messages: 1,
        model: Some("gpt-4".to_owned()),
        input_tokens: 10,
        output_tokens: 5,
        cost: Some(NanoUsd::new(1000)),
        ..call(id, at)
    }
}

/// Records entries of which all must be new.
pub(super) async fn record(store: &dyn Store, tenant: &Tenant, entries: &[LedgerEntry]) -> Result<(), Violation> {
    let recorded = store.record_usage(&tenant.id, entries).await?;
    let new = recorded.map(|recorded| recorded.new);
    holds!(new == Some(entries.len() as u64), "of {} new events {new:?} were counted", entries.len());
    Ok(())
}

/// A page of all users.
pub(super) fn page(limit: u32, offset: u64) -> UserSearch {
    UserSearch { page: Page { limit, offset }, ..UserSearch::default() }
}

/// The ids of a list.
pub(super) fn ids(list: &UserList) -> Vec<String> {
    list.users.iter().map(|(user, _)| user.id.to_string()).collect()
}

/// What a user that exists has used.
pub(super) async fn used(store: &dyn Store, user: &User) -> Result<UserUsage, Violation> {
    let found = store.user(&user.tenant, &user.id).await?;
    found.map(|(_, usage)| usage).ok_or_else(|| Violation::new(format!("user {} is not there", user.id)))
}

/// Runs operations at the same time and collects their answers.
pub(super) async fn at_once<T, F>(
    store: &Arc<dyn Store>,
    operations: impl IntoIterator<Item = impl FnOnce(Arc<dyn Store>) -> F>,
) -> Result<Vec<T>, Violation>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Violation>> + Send + 'static,
{
    let running: Vec<_> = operations.into_iter().map(|operation| tokio::spawn(operation(store.clone()))).collect();
    let mut answers = Vec::new();
    for operation in running {
        answers.push(operation.await??);
    }
    Ok(answers)
}
