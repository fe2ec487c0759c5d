//! The state machine of a tenant: pure functions of the row, the request and the time.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{ActivationRecord, SubscriptionTerm, Tenant};
use crate::ids::TenantId;
use crate::outbox::OutboxEvent;
use crate::period::Zone;
use crate::standard_api::{ActivateRequest, Branding, DeactivateRequest, FeatureMap, Limits, TenantStatus};

/// What an activation comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Activation {
    /// The row to write, whether users of before must go first, and what the market is told.
    Write {
        /// The new row.
        tenant: Box<Tenant>,
        /// The data of before was given up and may still be there in part.
        purge: bool,
        /// The message.
        event: OutboxEvent,
    },
    /// The tenant is active with equal content: nothing to do.
    Repeat,
    /// The tenant is active with other content.
    Conflict,
}

/// What a deactivation comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Deactivation {
    /// The row to write and what the market is told.
    Write {
        /// The new row.
        tenant: Box<Tenant>,
        /// The message.
        event: OutboxEvent,
    },
    /// The tenant is closed already: nothing to do.
    Repeat,
}

/// Decides on an activation. `plan_features` is the catalogue's list for the plan that is asked for.
pub fn activate(
    before: Option<&Tenant>,
    request: &ActivateRequest,
    plan_features: &[String],
    now: DateTime<Utc>,
) -> Activation {
    let record = record(request);
    // What the service made for itself is the first market's that asks for it, with the people who are there.
    let taken = |before: &&Tenant| before.activation != ActivationRecord::default();
    if let Some(before) = before.filter(taken).filter(|before| current(before, now).0 == TenantStatus::Active) {
        return if before.activation == record { Activation::Repeat } else { Activation::Conflict };
    }
    let zone = request.config.timezone.or(before.map(|before| before.zone)).unwrap_or_default();
    let allowed: BTreeSet<String> = plan_features.iter().chain(&request.features).cloned().collect();
    let features: FeatureMap = allowed.iter().map(|name| (name.clone(), request.features.contains(name))).collect();
    let tenant = Tenant {
        id: request.tenant_id.clone(),
        revision: 0,
        status: TenantStatus::Active,
        plan: request.plan.clone(),
        allowed_features: allowed,
        features,
        limits: Limits::default().with(request.config.limits),
        branding: Branding::default().with(request.config.branding.clone()),
        zone,
        term: term(request, zone.date(now)),
        callback_url: request.callback_url.clone(),
        hook: None,
        data_preserved: true,
        data_retention_until: None,
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: before.map_or(now, |before| after(before, now)),
        activation: record,
    };
    let event = OutboxEvent::tenant_activated(&tenant, now);
    Activation::Write { tenant: Box::new(tenant), purge: before.is_some_and(|before| !before.data_preserved), event }
}

/// Decides on a deactivation. `retention` is how long preserved data is promised to stay.
pub fn deactivate(
    before: &Tenant,
    request: &DeactivateRequest,
    retention: TimeDelta,
    now: DateTime<Utc>,
) -> Deactivation {
    if before.status == TenantStatus::Deactivated {
        return Deactivation::Repeat;
    }
    let tenant = Tenant {
        status: TenantStatus::Deactivated,
        data_preserved: request.preserve_data,
        data_retention_until: request.preserve_data.then(|| now + retention),
        updated_at: after(before, now),
        ..before.clone()
    };
    let event = OutboxEvent::tenant_deactivated(&tenant, request.reason.as_str(), now);
    Deactivation::Write { tenant: Box::new(tenant), event }
}

/// What the row has become by `now`: a subscription that renews itself has a later end, one that does not suspends
/// its tenant after the last day.
pub fn current(tenant: &Tenant, now: DateTime<Utc>) -> (TenantStatus, SubscriptionTerm) {
    let today = tenant.zone.date(now);
    let mut term = tenant.term;
    while term.auto_renew && term.end < today {
        term.end = plus_days(term.end, SubscriptionTerm::DAYS);
    }
    let ended = tenant.status == TenantStatus::Active && term.end < today;
    (if ended { TenantStatus::Suspended } else { tenant.status }, term)
}

/// A moment after the last change, also when the clock stands or went back: `updated_at` moves forward.
pub(super) fn after(before: &Tenant, now: DateTime<Utc>) -> DateTime<Utc> {
    now.max(before.updated_at + TimeDelta::microseconds(1))
}

impl Tenant {
    /// A tenant that no market made: the operators', and the one that people join by themselves. Its activation is
    /// empty, by which a market's activation tells that it may take the tenant over.
    pub(crate) fn of_service(id: TenantId, now: DateTime<Utc>) -> Self {
        let zone = Zone::default();
        let start = zone.date(now);
        Self {
            id,
            revision: 0,
            status: TenantStatus::Active,
            activation: ActivationRecord::default(),
            plan: String::new(),
            allowed_features: BTreeSet::new(),
            features: FeatureMap::new(),
            limits: Limits::default(),
            branding: Branding::default(),
            zone,
            term: SubscriptionTerm { start, end: plus_days(start, SubscriptionTerm::DAYS), auto_renew: true },
            callback_url: None,
            hook: None,
            data_preserved: true,
            data_retention_until: None,
            created_at: now,
            updated_at: now,
        }
    }
}

fn record(request: &ActivateRequest) -> ActivationRecord {
    ActivationRecord {
        tenant_name: request.tenant_name.clone(),
        plan: request.plan.clone(),
        features: request.features.clone(),
        config: request.config.clone(),
        contact: request.contact.clone(),
    }
}

fn term(request: &ActivateRequest, today: NaiveDate) -> SubscriptionTerm {
    let unlimited = SubscriptionTerm { start: today, end: plus_days(today, SubscriptionTerm::DAYS), auto_renew: true };
    request.term.map_or(unlimited, |term| SubscriptionTerm { end: term.end.max(today), auto_renew: false, ..unlimited })
}

fn plus_days(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}
