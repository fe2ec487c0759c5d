//! Overriding single operations, and the mock.

use async_trait::async_trait;
use mt_paas_core::standard_api::{
    Catalog, HealthResponse, HealthStatus, MockStandardAPIHandler, ResourceFilters, ResourcesResponse,
};
use mt_paas_core::{ApiError, ErrorKind, StandardAPIHandler, StoreHandler, TenantId, delegate_standard_api};

use crate::stand::Stand;

struct Own {
    inner: StoreHandler,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl StandardAPIHandler for Own {
    delegate_standard_api!(inner, except [catalog, list_resources]);

    fn catalog(&self) -> Catalog {
        Catalog { service: "own".into(), ..self.inner.catalog() }
    }

    async fn list_resources(&self, tenant: &TenantId, _: ResourceFilters) -> Result<ResourcesResponse, ApiError> {
        Err(ApiError::resource_not_found(tenant.as_str()))
    }
}

#[tokio::test]
async fn what_is_not_overridden_is_handed_on() {
    let stand = Stand::new().active().await;
    let own = Own { inner: stand.handler.clone() };
    assert_eq!((own.catalog().service.as_str(), own.catalog().version.as_str()), ("own", "1.0.0"));
    assert_eq!(own.tenant_status(&stand.tenant).await.unwrap().plan, "basic");
    let resources = own.list_resources(&stand.tenant, ResourceFilters::default()).await;
    assert_eq!(resources.unwrap_err().kind(), ErrorKind::ResourceNotFound);
    assert_eq!(own.check_health().await.status, HealthStatus::Healthy);
}

#[tokio::test]
async fn a_mock_stands_in_for_a_handler() {
    let mut mock = MockStandardAPIHandler::new();
    let timestamp = chrono::Utc::now();
    mock.expect_check_health().returning(move || HealthResponse {
        status: HealthStatus::Degraded,
        version: "1".into(),
        timestamp,
    });
    assert_eq!(mock.check_health().await.status, HealthStatus::Degraded);
}
