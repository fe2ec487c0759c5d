//! What this service does itself: its resources. Everything else is the ready-made handler's.

use async_trait::async_trait;
use mt_paas_core::standard_api::{
    Limits, Page, Plan, Resource, ResourceFilters, ResourceType, ResourcesResponse, UserFilters,
};
use mt_paas_core::{ApiError, StandardAPIHandler, StoreHandler, TenantId, delegate_standard_api};

/// The handler of the advisor.
pub(crate) struct Advisor {
    store: StoreHandler,
}

impl Advisor {
    pub(crate) fn new(store: StoreHandler) -> Self {
        Self { store }
    }
}

#[async_trait]
impl StandardAPIHandler for Advisor {
    delegate_standard_api!(store, except[list_resources]);

    /// The demonstration material that every tenant finds, made by its first user.
    async fn list_resources(&self, tenant: &TenantId, filters: ResourceFilters) -> Result<ResourcesResponse, ApiError> {
        let first = UserFilters { page: Page { limit: 1, offset: 0 }, ..UserFilters::default() };
        let maker = self.store.list_users(tenant, first).await?.users.into_iter().next().map(|user| user.user_id);
        let since = self.store.tenant_status(tenant).await?.created_at;
        let material = MATERIAL.iter().enumerate().map(|(number, (resource_type, title, stats))| Resource {
            id: format!("{tenant}.{resource_type}.{number:03}"),
            title: (*title).to_owned(),
            resource_type: *resource_type,
            created_by: maker.clone(),
            created_at: since,
            updated_at: None,
            stats: Some(stats.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()),
        });
        Ok(ResourcesResponse::page(tenant, &filters, material.collect()))
    }
}

type Material = (ResourceType, &'static str, &'static [(&'static str, u64)]);

const MATERIAL: &[Material] = &[
    (ResourceType::Course, "AI 개론", &[("participants", 35), ("discussions", 2), ("documents", 1)]),
    (ResourceType::Course, "Data structures", &[("participants", 28), ("discussions", 1), ("documents", 1)]),
    (ResourceType::Course, "학습 상담의 이해", &[("participants", 12), ("discussions", 0), ("documents", 0)]),
    (ResourceType::Discussion, "과제 1을 함께 풀어 봅시다", &[("participants", 9), ("messages", 41)]),
    (ResourceType::Discussion, "How do I choose a major?", &[("participants", 6), ("messages", 17)]),
    (ResourceType::Discussion, "Trees or hash tables?", &[("participants", 4), ("messages", 8)]),
    (ResourceType::Document, "강의 계획서", &[("participants", 35)]),
    (ResourceType::Document, "Reading list", &[("participants", 28)]),
    (ResourceType::Session, "첫 상담", &[("participants", 1), ("messages", 12)]),
    (ResourceType::Session, "Study plan for the term", &[("participants", 1), ("messages", 20)]),
];

/// The plans of the catalogue. A market may sell others.
pub(crate) fn plans() -> Vec<Plan> {
    let plan = |name: &str, features: &[&str], max_users| Plan {
        name: name.to_owned(),
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        limits: Limits { max_users, ..Limits::default() },
    };
    vec![
        plan("demo", &["chat"], 50),
        plan("basic", &["chat"], 500),
        plan("premium", &["chat", "rag", "quiz", "api_integration"], 2000),
        plan("service", &["chat", "rag"], 2000),
    ]
}
