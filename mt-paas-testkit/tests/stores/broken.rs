//! Stores with one fault each. A suite that lets one of them pass is worth nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use libtest_mimic::Failed;
use mt_paas_core::audit::{
    AuditCursor, AuditEntry, AuditEvent, AuditFault, AuditHead, AuditQuery, AuditStore, FaultKind, HeadKeeper, Verified,
};
use mt_paas_core::idempotency::{Claim, Claimed, IdempotencyStore, StoredAnswer};
use mt_paas_core::outbox::{OutboxEvent, OutboxStore};
use mt_paas_core::period::{DateRange, Zone};
use mt_paas_core::standard_api::{TopUser, UpdateUserRequest, UserUsage};
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::store::{Store, StoreError};
use mt_paas_core::tenants::{Revision, Saved, Tenant, TenantStore};
use mt_paas_core::usage::{
    CalendarHour, CostFigures, Difference, LedgerEntry, Recorded, StatsFigures, UsageFigures, UsageStore,
};
use mt_paas_core::users::{Changed, Inserted, User, UserList, UserSearch, UserStore};
use mt_paas_core::{TenantId, UserId};
use mt_paas_testkit::stores::suite;
use uuid::Uuid;

/// What a broken store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    ForgetsTheRevisionOfUsers,
    ForgetsTheRevisionOfTenants,
    LetsEveryCreationWin,
    ForgetsMessages,
    ForgetsThePurge,
    ForgetsToWithdraw,
    RestoresTheOldRevision,
    IgnoresTheQuota,
    ChecksTheQuotaFirst,
    ChecksTheQuotaOutside,
    ComparesAddressesAsSent,
    SharesUsersBetweenTenants,
    CountsAllForTheTotal,
    CountsThePageForTheTotal,
    SortsByIdFirst,
    SearchesByPattern,
    CountsARepeatTwice,
    ForgetsTheSession,
    CountsEverySessionEvent,
    IgnoresTheZone,
    ForgetsTheRecount,
    ListsTheGone,
    PricesTheUnpriced,
    KeepsTheFirstGauge,
    ListsElevenUsers,
    TakesUsageOfNobody,
    AnswersEveryClaim,
    LetsTheSlowFinish,
    KeepsAnswersForever,
    QueuesEveryMessage,
    SortsMessagesByIdFirst,
    FindsImaginaryDifferences,
    ForgetsEntries,
    WritesEntriesOfNothing,
    WritesEntriesApart,
    KeepsTheFirstOfABatch,
    TurnsABatchRound,
    ForgetsDetails,
    ListsEntriesOldestFirst,
    SkipsEntriesOfTheSameTime,
    IgnoresTheOutcome,
    SearchesEntriesByPattern,
    TellsNoKeeper,
    VerifiesNothing,
    FindsImaginaryFaults,
    IgnoresHeads,
    ForgetsTheEpoch,
    KeepsTheEpoch,
    ForgetsTheCredential,
    FindsAccountsEverywhere,
    RehashesAnything,
    LetsEveryoneBeFirst,
    DemotesTheLast,
    OpensSessionsOfEarlierEpochs,
    IgnoresTheEndOfSessions,
    ForgetsUses,
    EndsAnybodysSession,
    SweepsNothing,
    KeepsUsedLinks,
    KeepsEarlierLinks,
    SendsLinksTwice,
    ForgetsTheLink,
    KeepsTheFirstToken,
    IssuesKeysWithoutEnd,
    RevokesAnybodysKey,
    ForgetsTheOverlap,
    ListsKeysOldestFirst,
    AdmitsEverything,
    CountsInOneBucket,
    RefundsNothing,
}

/// Each fault with a test that must catch it.
pub(crate) const FAULTS: &[(Fault, &str)] = &[
    (Fault::ForgetsTheRevisionOfUsers, "users::a_stale_write_changes_nothing"),
    (Fault::ForgetsTheRevisionOfTenants, "tenants::a_stale_change_changes_nothing"),
    (Fault::LetsEveryCreationWin, "tenants::a_row_is_made_once"),
    (Fault::ForgetsMessages, "tenants::messages_are_written_with_their_change"),
    (Fault::ForgetsThePurge, "tenants::a_purge_with_a_change_removes_the_users_of_this_tenant_only"),
    (Fault::ForgetsToWithdraw, "tenants::a_restored_row_has_its_content_and_a_new_revision"),
    (Fault::RestoresTheOldRevision, "tenants::revisions_rise_and_never_repeat"),
    (Fault::IgnoresTheQuota, "users::what_is_taken_is_told_before_the_quota"),
    (Fault::ChecksTheQuotaFirst, "users::what_is_taken_is_told_before_the_quota"),
    (Fault::ChecksTheQuotaOutside, "users::the_quota_holds_when_many_come_at_once"),
    (Fault::ComparesAddressesAsSent, "users::an_address_is_unique_in_its_tenant"),
    (Fault::SharesUsersBetweenTenants, "users::users_of_another_tenant_are_out_of_reach"),
    (Fault::CountsAllForTheTotal, "users::a_list_agrees_with_the_count"),
    (Fault::CountsThePageForTheTotal, "users::a_page_is_stable_among_equal_times"),
    (Fault::SortsByIdFirst, "users::lists_sort_by_creation_then_bytes_of_the_id"),
    (Fault::SearchesByPattern, "users::a_search_is_literal"),
    (Fault::CountsARepeatTwice, "usage::an_id_counts_once"),
    (Fault::ForgetsTheSession, "usage::a_session_counts_once"),
    (Fault::CountsEverySessionEvent, "usage::a_session_counts_once"),
    (Fault::IgnoresTheZone, "usage::a_day_begins_where_the_tenant_lives"),
    (Fault::ForgetsTheRecount, "usage::a_change_of_the_zone_counts_again"),
    (Fault::ListsTheGone, "usage::a_deleted_user_leaves_lists_and_not_totals"),
    (Fault::PricesTheUnpriced, "usage::models_without_a_price_are_named"),
    (Fault::KeepsTheFirstGauge, "usage::storage_is_a_gauge"),
    (Fault::ListsElevenUsers, "usage::ten_users_cost_most_in_order"),
    (Fault::TakesUsageOfNobody, "usage::an_unknown_tenant_takes_no_usage"),
    (Fault::AnswersEveryClaim, "idempotency::of_many_claims_at_once_one_is_fresh"),
    (Fault::LetsTheSlowFinish, "idempotency::a_run_that_was_taken_over_has_no_say"),
    (Fault::KeepsAnswersForever, "idempotency::an_answer_is_kept_for_a_day"),
    (Fault::QueuesEveryMessage, "outbox::a_recent_message_of_the_kind_is_enough"),
    (Fault::SortsMessagesByIdFirst, "outbox::messages_come_oldest_first_then_by_id"),
    (Fault::FindsImaginaryDifferences, "usage::an_audit_of_a_good_store_finds_nothing"),
    (Fault::ForgetsEntries, "audit::entries_are_written_with_their_change"),
    (Fault::WritesEntriesOfNothing, "audit::what_comes_to_nothing_leaves_no_entry"),
    (Fault::WritesEntriesApart, "audit::nothing_changes_where_a_chain_cannot_be_kept"),
    (Fault::KeepsTheFirstOfABatch, "audit::an_entry_reads_back_as_it_was_written"),
    (Fault::TurnsABatchRound, "audit::entries_are_chained_in_the_order_of_their_writing"),
    (Fault::ForgetsDetails, "audit::an_entry_reads_back_as_it_was_written"),
    (Fault::ListsEntriesOldestFirst, "audit::pages_are_newest_first_and_have_no_gap"),
    (Fault::SkipsEntriesOfTheSameTime, "audit::pages_are_newest_first_and_have_no_gap"),
    (Fault::IgnoresTheOutcome, "audit::every_filter_leaves_what_it_asks_for"),
    (Fault::SearchesEntriesByPattern, "audit::text_is_found_as_it_is_written"),
    (Fault::TellsNoKeeper, "audit::a_keeper_knows_every_chain_before_its_first_entry_and_its_last_entry"),
    (Fault::VerifiesNothing, "audit::a_trail_that_contradicts_its_heads_is_found_out"),
    (Fault::FindsImaginaryFaults, "audit::chains_are_whole_when_many_write_at_once"),
    (Fault::IgnoresHeads, "audit::a_trail_that_contradicts_its_heads_is_found_out"),
    (Fault::ForgetsTheEpoch, "auth::a_change_based_on_an_earlier_epoch_changes_nothing"),
    (Fault::KeepsTheEpoch, "auth::every_change_of_a_credential_begins_an_epoch"),
    (Fault::ForgetsTheCredential, "auth::a_user_begins_with_its_credential"),
    (Fault::FindsAccountsEverywhere, "auth::accounts_are_found_by_login_name_in_their_tenant_only"),
    (Fault::RehashesAnything, "auth::a_newer_form_of_a_password_replaces_the_one_it_was_made_from"),
    (Fault::LetsEveryoneBeFirst, "auth::of_many_first_users_at_once_there_is_one"),
    (Fault::DemotesTheLast, "auth::the_last_super_administrator_stays"),
    (Fault::OpensSessionsOfEarlierEpochs, "auth::a_session_of_an_earlier_epoch_is_not_opened"),
    (Fault::OpensSessionsOfEarlierEpochs, "auth::no_session_outlives_a_change_at_the_same_time"),
    (Fault::IgnoresTheEndOfSessions, "auth::a_session_ends_by_time_and_by_idleness"),
    (Fault::ForgetsUses, "auth::a_use_is_noted_and_never_taken_back"),
    (Fault::EndsAnybodysSession, "auth::nobody_ends_a_session_of_others"),
    (Fault::SweepsNothing, "auth::what_is_over_is_swept_and_counted"),
    (Fault::KeepsUsedLinks, "auth::a_link_works_once"),
    (Fault::KeepsEarlierLinks, "auth::a_link_ends_by_time_by_epoch_and_by_the_next_one"),
    (Fault::SendsLinksTwice, "auth::links_wait_to_be_sent_and_one_process_has_them"),
    (Fault::ForgetsTheLink, "auth::a_link_is_written_with_its_user"),
    (Fault::KeepsTheFirstToken, "auth::a_link_that_was_sent_anew_has_one_token"),
    (Fault::IssuesKeysWithoutEnd, "auth::nobody_has_more_keys_than_allowed"),
    (Fault::RevokesAnybodysKey, "auth::a_key_is_revoked_by_its_tenant_and_owner_only"),
    (Fault::ForgetsTheOverlap, "auth::a_rotated_key_works_until_the_overlap_ends"),
    (Fault::ListsKeysOldestFirst, "auth::keys_are_listed_newest_first_page_by_page"),
    (Fault::AdmitsEverything, "auth::tries_are_counted_and_paid_for_by_time"),
    (Fault::CountsInOneBucket, "auth::a_try_counts_in_all_buckets_or_in_none"),
    (Fault::RefundsNothing, "auth::what_is_refunded_makes_room"),
    (Fault::CountsARepeatTwice, "differential::answers_are_those_of_the_in_memory_store"),
    (Fault::ForgetsThePurge, "differential::answers_are_those_of_the_in_memory_store"),
    (Fault::CountsAllForTheTotal, "differential::answers_are_those_of_the_in_memory_store"),
    (Fault::ForgetsTheRecount, "differential::answers_are_those_of_the_in_memory_store"),
];

/// Runs the test that must catch the fault.
pub(crate) async fn is_caught(fault: Fault, caught_by: &str) -> Result<(), Failed> {
    let test = suite().into_iter().find(|test| test.name == caught_by).ok_or("there is no such test")?;
    let store = Broken { inner: MemoryStore::new(), fault, made: AtomicU64::new(0) };
    match (test.run)(Arc::new(store)).await {
        Err(_) => Ok(()),
        Ok(()) => Err(format!("{caught_by} lets {fault:?} pass").into()),
    }
}

pub(crate) struct Broken {
    pub(crate) inner: MemoryStore,
    pub(crate) fault: Fault,
    pub(crate) made: AtomicU64,
}

impl Broken {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// A number that was not used before.
    fn fresh(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    async fn present(&self, tenant: &TenantId, presented: Revision) -> Result<Revision, StoreError> {
        if !self.has(Fault::ForgetsTheRevisionOfUsers) {
            return Ok(presented);
        }
        Ok(self.inner.tenant(tenant).await?.map_or(presented, |tenant| tenant.revision))
    }
}

#[async_trait]
impl Store for Broken {
    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}

#[async_trait]
impl TenantStore for Broken {
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        self.inner.tenant(tenant).await
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Arc<Tenant>>, StoreError> {
        self.inner.tenants(after, limit).await
    }

    async fn save_tenant(
        &self,
        tenant: &Tenant,
        based_on: Option<Revision>,
        purge: bool,
        events: &[OutboxEvent],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError> {
        let present = self.inner.tenant(&tenant.id).await?;
        let mut based_on = based_on;
        if self.has(Fault::ForgetsTheRevisionOfTenants) && based_on.is_some()
            || self.has(Fault::LetsEveryCreationWin) && based_on.is_none()
        {
            based_on = present.as_ref().map(|present| present.revision);
        }
        let mut row = tenant.clone();
        if self.has(Fault::IgnoresTheZone) {
            row.zone = Zone::UTC;
        }
        if self.has(Fault::ForgetsTheRecount) {
            row.zone = present.map_or(row.zone, |present| present.zone);
        }
        let purge = purge && !self.has(Fault::ForgetsThePurge);
        let events = if self.has(Fault::ForgetsMessages) { &[] } else { events };
        self.inner.save_tenant(&row, based_on, purge, events, audit).await
    }

    async fn restore_tenant(
        &self,
        tenant: &TenantId,
        before: Option<&Tenant>,
        written: Revision,
        events: &[Uuid],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError> {
        let events = if self.has(Fault::ForgetsToWithdraw) { &[] } else { events };
        let restored = self.inner.restore_tenant(tenant, before, written, events, audit).await?;
        let old = self.has(Fault::RestoresTheOldRevision) && restored != Saved::Stale;
        Ok(if old { Saved::Done(written) } else { restored })
    }

    async fn purge_users(&self, tenant: &TenantId, revision: Revision) -> Result<Saved, StoreError> {
        self.inner.purge_users(tenant, revision).await
    }
}

#[async_trait]
impl UserStore for Broken {
    async fn insert_user(
        &self,
        revision: Revision,
        user: &User,
        max_users: u64,
        event: &OutboxEvent,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        let revision = self.present(&user.tenant, revision).await?;
        let mut max_users = max_users;
        if self.has(Fault::IgnoresTheQuota) {
            max_users = u64::MAX;
        }
        if self.has(Fault::ChecksTheQuotaFirst) && self.inner.count_users(&user.tenant).await? >= max_users {
            return Ok(Inserted::OverQuota);
        }
        if self.has(Fault::ChecksTheQuotaOutside) {
            let before = self.inner.count_users(&user.tenant).await?;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            max_users = if before < max_users { u64::MAX } else { 0 };
        }
        let mut user = user.clone();
        if self.has(Fault::ComparesAddressesAsSent) {
            // One that nobody sent makes the addresses differ.
            user.email = user.email.map(|email| format!("{}{email}", self.fresh()));
        }
        let inserted = match self.fault {
            Fault::ForgetsEntries => self.inner.insert_user(revision, &user, max_users, event, &[]).await?,
            Fault::WritesEntriesApart => {
                let inserted = self.inner.insert_user(revision, &user, max_users, event, &[]).await?;
                self.inner.record_audit(audit).await?;
                inserted
            }
            _ => self.inner.insert_user(revision, &user, max_users, event, audit).await?,
        };
        if self.has(Fault::WritesEntriesOfNothing) && inserted != Inserted::Done {
            self.inner.record_audit(audit).await?;
        }
        Ok(inserted)
    }

    async fn user(&self, tenant: &TenantId, user: &UserId) -> Result<Option<(User, UserUsage)>, StoreError> {
        let mut found = self.inner.user(tenant, user).await?;
        if self.has(Fault::SharesUsersBetweenTenants) {
            for other in self.inner.tenants(None, 100).await? {
                found = found.or(self.inner.user(&other.id, user).await?);
            }
        }
        Ok(found)
    }

    async fn users(&self, tenant: &TenantId, search: &UserSearch) -> Result<UserList, StoreError> {
        let mut search = search.clone();
        if self.has(Fault::SearchesByPattern) {
            search.folded = search.folded.map(|text| text.replace(['%', '_'], ""));
        }
        let mut list = self.inner.users(tenant, &search).await?;
        match self.fault {
            Fault::CountsAllForTheTotal => list.total = self.inner.count_users(tenant).await?,
            Fault::CountsThePageForTheTotal => list.total = list.users.len() as u64,
            Fault::SortsByIdFirst => list.users.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id)),
            _ => {}
        }
        Ok(list)
    }

    async fn count_users(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.inner.count_users(tenant).await
    }

    async fn update_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        change: &UpdateUserRequest,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Changed<(User, UserUsage)>, StoreError> {
        let revision = self.present(tenant, revision).await?;
        self.inner.update_user(tenant, revision, user, change, at, audit).await
    }

    async fn delete_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        audit: &[AuditEvent],
    ) -> Result<Changed<()>, StoreError> {
        let revision = self.present(tenant, revision).await?;
        self.inner.delete_user(tenant, revision, user, audit).await
    }
}

#[async_trait]
impl UsageStore for Broken {
    async fn record_usage(&self, tenant: &TenantId, entries: &[LedgerEntry]) -> Result<Option<Recorded>, StoreError> {
        let mut entries = entries.to_vec();
        for entry in &mut entries {
            match self.fault {
                Fault::CountsARepeatTwice => entry.id = format!("{}-{}", entry.id, self.fresh()),
                Fault::ForgetsTheSession => entry.session = None,
                Fault::CountsEverySessionEvent => {
                    entry.session = entry.session.take().map(|session| format!("{session}-{}", self.fresh()));
                }
                Fault::PricesTheUnpriced => entry.cost = Some(entry.cost.unwrap_or_default()),
                Fault::KeepsTheFirstGauge if self.fresh() > 1 => entry.storage_bytes = None,
                _ => {}
            }
        }
        let recorded = self.inner.record_usage(tenant, &entries).await?;
        Ok(if self.has(Fault::TakesUsageOfNobody) { Some(recorded.unwrap_or_default()) } else { recorded })
    }

    async fn stats(
        &self,
        tenant: &TenantId,
        days: DateRange,
        new_since: DateTime<Utc>,
    ) -> Result<Arc<StatsFigures>, StoreError> {
        let mut figures = (*self.inner.stats(tenant, days, new_since).await?).clone();
        if self.has(Fault::ListsTheGone) {
            figures.active_users = self.inner.usage(tenant, days).await?.active_users;
        }
        Ok(Arc::new(figures))
    }

    async fn costs(&self, tenant: &TenantId, days: DateRange) -> Result<CostFigures, StoreError> {
        let mut figures = self.inner.costs(tenant, days).await?;
        if self.has(Fault::ListsElevenUsers)
            && let Some(last) = figures.top_users.last().cloned()
        {
            figures.top_users.push(last);
        }
        Ok(figures)
    }

    async fn top_users(&self, tenant: &TenantId, days: DateRange, limit: u32) -> Result<Vec<TopUser>, StoreError> {
        self.inner.top_users(tenant, days, limit).await
    }

    async fn hours(&self, tenant: &TenantId, days: DateRange) -> Result<Vec<CalendarHour>, StoreError> {
        self.inner.hours(tenant, days).await
    }

    async fn usage(&self, tenant: &TenantId, days: DateRange) -> Result<UsageFigures, StoreError> {
        self.inner.usage(tenant, days).await
    }

    async fn storage_bytes(&self, tenant: &TenantId, day: NaiveDate) -> Result<u64, StoreError> {
        self.inner.storage_bytes(tenant, day).await
    }

    async fn audit_usage(&self, tenant: &TenantId, repair: bool) -> Result<Vec<Difference>, StoreError> {
        let mut found = self.inner.audit_usage(tenant, repair).await?;
        if self.has(Fault::FindsImaginaryDifferences) {
            let (row, ledger, rollup) = ("daily".to_owned(), "1".to_owned(), "2".to_owned());
            found.push(Difference { row, ledger, rollup });
        }
        Ok(found)
    }
}

#[async_trait]
impl IdempotencyStore for Broken {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        if self.has(Fault::KeepsAnswersForever) {
            let early = Claim { at: DateTime::UNIX_EPOCH, ..claim.clone() };
            return self.inner.claim(&early).await;
        }
        let claimed = self.inner.claim(claim).await?;
        Ok(if self.has(Fault::AnswersEveryClaim) { Claimed::Fresh } else { claimed })
    }

    async fn finish(&self, claim: &Claim, answer: &StoredAnswer) -> Result<(), StoreError> {
        if self.has(Fault::LetsTheSlowFinish) {
            self.inner.abandon(claim).await?;
            let again = Claim { at: claim.at + TimeDelta::hours(1), ..claim.clone() };
            self.inner.claim(&again).await?;
            return self.inner.finish(&again, answer).await;
        }
        self.inner.finish(claim, answer).await
    }

    async fn abandon(&self, claim: &Claim) -> Result<(), StoreError> {
        self.inner.abandon(claim).await
    }
}

#[async_trait]
impl OutboxStore for Broken {
    async fn queue_unless_recent(&self, event: &OutboxEvent, since: DateTime<Utc>) -> Result<bool, StoreError> {
        let since = if self.has(Fault::QueuesEveryMessage) { DateTime::<Utc>::MAX_UTC } else { since };
        self.inner.queue_unless_recent(event, since).await
    }

    async fn unsent_events(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let mut events = self.inner.unsent_events(limit).await?;
        if self.has(Fault::SortsMessagesByIdFirst) {
            events.sort_by_key(|event| event.id);
        }
        Ok(events)
    }
}

#[async_trait]
impl AuditStore for Broken {
    async fn record_audit(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        let mut events = events.to_vec();
        match self.fault {
            Fault::KeepsTheFirstOfABatch => events.truncate(1),
            Fault::TurnsABatchRound => events.reverse(),
            Fault::ForgetsDetails => events.iter_mut().for_each(|event| event.details.clear()),
            _ => {}
        }
        self.inner.record_audit(&events).await
    }

    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let mut query = query.clone();
        match self.fault {
            Fault::SkipsEntriesOfTheSameTime => {
                query.after = query.after.map(|after| AuditCursor { id: Uuid::nil(), ..after });
            }
            Fault::IgnoresTheOutcome => query.outcome = None,
            Fault::SearchesEntriesByPattern => {
                query.text = query.text.map(|text| text.replace(['%', '_'], "").into());
            }
            _ => {}
        }
        let mut entries = self.inner.audit_entries(&query).await?;
        if self.has(Fault::ListsEntriesOldestFirst) {
            entries.reverse();
        }
        Ok(entries)
    }

    async fn verify_audit(
        &self,
        heads: &[AuditHead],
        found: &mut (dyn FnMut(AuditFault) + Send),
    ) -> Result<Verified, StoreError> {
        let heads = if self.has(Fault::IgnoresHeads) { &[] } else { heads };
        if self.has(Fault::VerifiesNothing) {
            return Ok(Verified { faults: 0, ..self.inner.verify_audit(heads, &mut |_| ()).await? });
        }
        let mut verified = self.inner.verify_audit(heads, found).await?;
        if self.has(Fault::FindsImaginaryFaults) {
            verified.faults += 1;
            found(AuditFault { writer: "w".into(), seq: 1, through: 1, kind: FaultKind::Edited });
        }
        Ok(verified)
    }

    fn keep_audit_heads(&self, keeper: Arc<dyn HeadKeeper>) {
        if !self.has(Fault::TellsNoKeeper) {
            self.inner.keep_audit_heads(keeper);
        }
    }
}
