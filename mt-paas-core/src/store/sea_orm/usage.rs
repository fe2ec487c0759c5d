//! Usage in tables: the ledger, and the roll-ups that every figure is read from.

mod audit;
mod figures;
mod ledger;
mod record;
mod rollup;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::DatabaseTransaction;

use super::SqlStore;
use super::fault::{Fault, again};
use super::sql;
use crate::ids::TenantId;
use crate::period::{DateRange, Zone};
use crate::standard_api::TopUser;
use crate::store::StoreError;
use crate::usage::{
    CalendarHour, CostFigures, Difference, LedgerEntry, Recorded, StatsFigures, UsageFigures, UsageStore,
};

#[async_trait]
impl UsageStore for SqlStore {
    async fn record_usage(&self, tenant: &TenantId, entries: &[LedgerEntry]) -> Result<Option<Recorded>, StoreError> {
        again!(record::record(&self.db, tenant, entries))
    }

    async fn stats(
        &self,
        tenant: &TenantId,
        days: DateRange,
        new_since: DateTime<Utc>,
    ) -> Result<Arc<StatsFigures>, StoreError> {
        again!(figures::stats(&self.db, tenant, days, new_since)).map(Arc::new)
    }

    async fn costs(&self, tenant: &TenantId, days: DateRange) -> Result<CostFigures, StoreError> {
        again!(figures::costs(&self.db, tenant, days))
    }

    async fn top_users(&self, tenant: &TenantId, days: DateRange, limit: u32) -> Result<Vec<TopUser>, StoreError> {
        again!(figures::top_users(&self.db, tenant, days, limit))
    }

    async fn hours(&self, tenant: &TenantId, days: DateRange) -> Result<Vec<CalendarHour>, StoreError> {
        again!(figures::hours(&self.db, tenant, days))
    }

    async fn usage(&self, tenant: &TenantId, days: DateRange) -> Result<UsageFigures, StoreError> {
        again!(figures::usage(&self.db, tenant, days))
    }

    async fn storage_bytes(&self, tenant: &TenantId, day: NaiveDate) -> Result<u64, StoreError> {
        again!(figures::storage_bytes(&self.db, tenant, day))
    }

    async fn audit_usage(&self, tenant: &TenantId, repair: bool) -> Result<Vec<Difference>, StoreError> {
        again!(audit::audit(&self.db, tenant, repair))
    }
}

/// Counts the ledger of a tenant, whose row is locked, again by the calendar of another zone.
pub(super) async fn recount(tx: &DatabaseTransaction, tenant: &TenantId, zone: Zone) -> Result<(), Fault> {
    let counter = ledger::count(tx, tenant, zone).await?;
    rollup::replace(tx, tenant, &rollup::Change::of(counter)).await
}

/// Removes everything that a tenant, whose row is locked, ever used.
pub(super) async fn purge(tx: &DatabaseTransaction, tenant: &TenantId) -> Result<(), Fault> {
    sql::run(tx, "DELETE FROM mt_usage_events WHERE tenant_id = $1", [tenant.as_str().into()]).await?;
    rollup::clear(tx, tenant).await
}
