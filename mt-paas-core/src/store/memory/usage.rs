//! Usage in memory: the ledger itself, counted again after each write that a figure could show.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use super::{MemoryStore, State};
use crate::ids::{TenantId, UserId};
use crate::period::{DateRange, Zone};
use crate::standard_api::{TopUser, UserUsage};
use crate::store::StoreError;
use crate::usage::{
    Calendar, CalendarHour, CostFigures, Difference, LedgerEntry, Recorded, StatsFigures, UsageFigures, UsageStore,
};
use crate::users::User;

#[derive(Debug, Default)]
pub(super) struct UsageOfTenant {
    zone: Zone,
    ledger: Vec<LedgerEntry>,
    ids: HashSet<String>,
    calendar: Option<Calendar>,
    /// Answers since the last write: a dashboard asks the same question again and again.
    answers: HashMap<(DateRange, DateTime<Utc>), Arc<StatsFigures>>,
}

impl UsageOfTenant {
    pub(super) fn use_zone(&mut self, zone: Zone) {
        if self.zone != zone {
            self.zone = zone;
            self.calendar = None;
            self.forget_answers();
        }
    }

    pub(super) fn forget_answers(&mut self) {
        self.answers.clear();
    }

    pub(super) fn of_user(&mut self, user: &UserId) -> UserUsage {
        self.calendar().users.get(user).copied().unwrap_or_default()
    }

    /// Whether anything was ever used under the id.
    pub(super) fn knows(&mut self, user: &UserId) -> bool {
        self.calendar().users.contains_key(user)
    }

    fn record(&mut self, entries: &[LedgerEntry]) -> Recorded {
        let mut recorded = Recorded::default();
        for entry in entries {
            if self.ids.insert(entry.id.clone()) {
                self.ledger.push(entry.clone());
                recorded.new += 1;
            } else {
                recorded.repeated += 1;
            }
        }
        if recorded.new > 0 {
            self.calendar = None;
            self.forget_answers();
        }
        recorded
    }

    fn calendar(&mut self) -> &Calendar {
        self.calendar.get_or_insert_with(|| Calendar::count(&self.ledger, self.zone))
    }
}

impl State {
    /// Reads the calendar of a tenant beside its users.
    fn read<'s, T>(
        &'s mut self,
        tenant: &TenantId,
        read: impl FnOnce(&Calendar, &dyn Fn(&UserId) -> Option<&'s User>) -> T,
    ) -> Option<T> {
        let users = self.users.get(tenant);
        let calendar = self.usage.get_mut(tenant)?.calendar();
        Some(read(calendar, &|user| users?.get(user)))
    }
}

#[async_trait]
impl UsageStore for MemoryStore {
    async fn record_usage(&self, tenant: &TenantId, entries: &[LedgerEntry]) -> Result<Option<Recorded>, StoreError> {
        Ok(self.state().usage.get_mut(tenant).map(|usage| usage.record(entries)))
    }

    async fn stats(
        &self,
        tenant: &TenantId,
        days: DateRange,
        new_since: DateTime<Utc>,
    ) -> Result<Arc<StatsFigures>, StoreError> {
        let mut state = self.state();
        let question = (days, new_since);
        if let Some(known) = state.usage.get(tenant).and_then(|usage| usage.answers.get(&question)) {
            return Ok(known.clone());
        }
        let mut figures =
            state.read(tenant, |calendar, user| calendar.stats(days, |id| user(id).is_some())).unwrap_or_default();
        if let Some(users) = state.users.get(tenant) {
            figures.total_users = users.len() as u64;
            figures.new_users = users.values().filter(|user| user.created_at >= new_since).count() as u64;
        }
        let figures = Arc::new(figures);
        if let Some(usage) = state.usage.get_mut(tenant) {
            // Every period of the contract fits; yesterday's windows do not pile up.
            if usage.answers.len() >= 400 {
                usage.forget_answers();
            }
            usage.answers.insert(question, figures.clone());
        }
        Ok(figures)
    }

    async fn costs(&self, tenant: &TenantId, days: DateRange) -> Result<CostFigures, StoreError> {
        let read = self
            .state()
            .read(tenant, |calendar, user| calendar.costs(days, |id| user(id).map(|user| user.name.clone())));
        Ok(read.unwrap_or_default())
    }

    async fn top_users(&self, tenant: &TenantId, days: DateRange, limit: u32) -> Result<Vec<TopUser>, StoreError> {
        let read = self.state().read(tenant, |calendar, user| {
            let person = |id: &UserId| user(id).map(|user| (user.name.clone(), user.email.clone().unwrap_or_default()));
            calendar.top_users(days, limit, person)
        });
        Ok(read.unwrap_or_default())
    }

    async fn hours(&self, tenant: &TenantId, days: DateRange) -> Result<Vec<CalendarHour>, StoreError> {
        let read = self.state().read(tenant, |calendar, _| {
            let hours = calendar.hours.range((days.first, 0)..).take_while(|((day, _), _)| *day <= days.last);
            hours.map(|(_, hour)| *hour).collect()
        });
        Ok(read.unwrap_or_default())
    }

    async fn usage(&self, tenant: &TenantId, days: DateRange) -> Result<UsageFigures, StoreError> {
        Ok(self.state().read(tenant, |calendar, _| calendar.usage(days)).unwrap_or_default())
    }

    async fn storage_bytes(&self, tenant: &TenantId, day: NaiveDate) -> Result<u64, StoreError> {
        let read = self
            .state()
            .read(tenant, |calendar, _| calendar.storage.range(..=day).next_back().map_or(0, |(_, bytes)| *bytes));
        Ok(read.unwrap_or_default())
    }

    /// There are no roll-ups to differ: figures are counted from the ledger itself.
    async fn audit_usage(&self, _tenant: &TenantId, _repair: bool) -> Result<Vec<Difference>, StoreError> {
        Ok(Vec::new())
    }
}
