//! Something to look at: a tenant that comes for the first time finds users and sixty days of usage.

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use mt_paas_core::fields::FromFields;
use mt_paas_core::standard_api::{CreateUserRequest, UserFilters};
use mt_paas_core::tenants::{Tenant, TenantHooks};
use mt_paas_core::usage::UsageEvent;
use mt_paas_core::{ApiError, StandardAPIHandler, StoreHandler, UserId};
use serde_json::json;

const DAYS: i64 = 60;
const PEOPLE: &[(&str, &str, &str)] = &[
    ("demo-advisor@example.com", "상담 교수 (demo)", "admin"),
    ("demo-student@example.com", "학생 (demo)", "user"),
    ("demo-assistant@example.com", "Teaching assistant (demo)", "moderator"),
];

/// Fills a new tenant.
pub(crate) struct Demo(StoreHandler);

impl Demo {
    pub(crate) fn new(store: StoreHandler) -> Self {
        Self(store)
    }
}

#[async_trait]
impl TenantHooks for Demo {
    async fn after_activate(&self, tenant: &Tenant, first: bool) -> Result<(), ApiError> {
        if !first {
            return Ok(());
        }
        let mut users = Vec::new();
        for (email, name, role) in PEOPLE {
            let person = json!({ "email": email, "name": name, "role": role, "send_welcome_email": false });
            let request = CreateUserRequest::from_body(person.as_object().expect("written as an object"))?;
            // A hook may be run again: who is there already is not made twice.
            let known = UserFilters { search: Some((*email).to_owned()), ..UserFilters::default() };
            if let Some(user) = self.0.list_users(&tenant.id, known).await?.users.pop() {
                users.push(user.user_id);
                continue;
            }
            match self.0.create_user(&tenant.id, request).await {
                Ok(user) => users.push(user.user_id),
                // A market may sell fewer places than there are examples.
                Err(error) if error.kind() == mt_paas_core::ErrorKind::QuotaExceeded => break,
                Err(error) => return Err(error),
            }
        }
        let days = |(n, user): (usize, UserId)| (0..DAYS).map(move |day| event(tenant, day, n, &user));
        let events: Vec<UsageEvent> = users.into_iter().enumerate().flat_map(days).collect();
        self.0.usage().record_many(events).await.map(|_| ())
    }
}

/// One conversation: some days and people are busier than others, and every start tells the same story.
fn event(tenant: &Tenant, days_ago: i64, person: usize, user: &UserId) -> UsageEvent {
    let lot = (days_ago as u64 + 1) * 7919 + person as u64 * 104_729;
    let at = Utc::now() - TimeDelta::days(days_ago) - TimeDelta::minutes((lot % 600) as i64);
    UsageEvent {
        user: Some(user.clone()),
        session: Some(format!("demo-{days_ago}-{person}")),
        messages: 2 + lot % 9,
        model: Some(if lot.is_multiple_of(3) { "gpt-4o" } else { "gpt-4o-mini" }.to_owned()),
        input_tokens: 400 + lot % 2600,
        output_tokens: 150 + lot % 1100,
        storage_bytes: Some((DAYS - days_ago) as u64 * 1_500_000),
        ..UsageEvent::new(format!("demo-{days_ago}-{person}"), tenant.id.clone(), at)
    }
}
