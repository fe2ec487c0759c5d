//! Hands the operations of the contract on to another handler, except those that a service does itself.

/// Implements every operation of [`StandardAPIHandler`](crate::StandardAPIHandler) by calling the same operation of a
/// field, except the ones that are named. Use it inside the `impl` block, under `#[async_trait]`:
///
/// ```
/// use async_trait::async_trait;
/// use mt_paas_core::standard_api::{ResourceFilters, ResourcesResponse};
/// use mt_paas_core::{ApiError, StandardAPIHandler, StoreHandler, TenantId, delegate_standard_api};
///
/// struct Advisor {
///     store: StoreHandler,
/// }
///
/// #[async_trait]
/// impl StandardAPIHandler for Advisor {
///     delegate_standard_api!(store, except [list_resources]);
///
///     async fn list_resources(&self, tenant: &TenantId, filters: ResourceFilters) -> Result<ResourcesResponse, ApiError> {
///         self.store.tenant_status(tenant).await?;
///         Ok(ResourcesResponse::page(tenant, &filters, Vec::new()))
///     }
/// }
/// ```
#[macro_export]
macro_rules! delegate_standard_api {
    ($to:ident) => { $crate::delegate_standard_api!($to, except []); };
    ($to:ident, except [$($own:ident),* $(,)?]) => {
        $crate::__delegate_operation!(catalog [$($own)*] {
            fn catalog(&self) -> $crate::standard_api::Catalog {
                $crate::StandardAPIHandler::catalog(&self.$to)
            }
        });
        $crate::__delegate_operation!(access_url [$($own)*] {
            fn access_url(&self, tenant: &$crate::TenantId) -> String {
                $crate::StandardAPIHandler::access_url(&self.$to, tenant)
            }
        });
        $crate::__delegate_operation!(check_health [$($own)*] {
            fn check_health<'s, 'async_trait>(&'s self)
                -> $crate::__private::Answer<'async_trait, $crate::standard_api::HealthResponse>
            where 's: 'async_trait, Self: 'async_trait {
                $crate::StandardAPIHandler::check_health(&self.$to)
            }
        });
        $crate::__delegate_operation!(activate_tenant [$($own)*] {
            fn activate_tenant<'s, 'async_trait>(&'s self, request: $crate::standard_api::ActivateRequest)
                -> $crate::__private::Answer<'async_trait, Result<$crate::standard_api::ActivateResponse, $crate::ApiError>>
            where 's: 'async_trait, Self: 'async_trait {
                $crate::StandardAPIHandler::activate_tenant(&self.$to, request)
            }
        });
        $crate::__delegate_of_tenant!($to [$($own)*]
            deactivate_tenant(request: $crate::standard_api::DeactivateRequest) -> $crate::standard_api::DeactivateResponse;
            tenant_status() -> $crate::standard_api::TenantStatusResponse;
            tenant_usage(month: $crate::period::Month) -> $crate::standard_api::UsageResponse;
            tenant_stats(period: $crate::period::Period) -> $crate::standard_api::StatsResponse;
            tenant_costs(period: $crate::period::Period) -> $crate::standard_api::CostsResponse;
            top_users(query: $crate::standard_api::TopUsersQuery) -> $crate::standard_api::TopUsersResponse;
            usage_patterns(period: $crate::period::Period) -> $crate::standard_api::UsagePatternsResponse;
            list_users(filters: $crate::standard_api::UserFilters) -> $crate::standard_api::UsersListResponse;
            create_user(request: $crate::standard_api::CreateUserRequest) -> $crate::standard_api::CreatedUserResponse;
            list_resources(filters: $crate::standard_api::ResourceFilters) -> $crate::standard_api::ResourcesResponse;
            settings() -> $crate::standard_api::SettingsResponse;
            update_settings(request: $crate::standard_api::UpdateSettingsRequest) -> $crate::standard_api::SettingsResponse;
            limits() -> $crate::standard_api::LimitsResponse;
        );
        $crate::__delegate_of_user!($to [$($own)*]
            user() -> $crate::standard_api::UserResponse;
            update_user(request: $crate::standard_api::UpdateUserRequest) -> $crate::standard_api::UserResponse;
            delete_user() -> ();
        );
    };
}

/// Operations of a tenant.
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate_of_tenant {
    ($to:ident $own:tt) => {};
    ($to:ident $own:tt $name:ident($($arg:ident: $kind:ty)?) -> $answer:ty; $($rest:tt)*) => {
        $crate::__delegate_operation!($name $own {
            fn $name<'s, 't, 'async_trait>(&'s self, tenant: &'t $crate::TenantId $(, $arg: $kind)?)
                -> $crate::__private::Answer<'async_trait, Result<$answer, $crate::ApiError>>
            where 's: 'async_trait, 't: 'async_trait, Self: 'async_trait {
                $crate::StandardAPIHandler::$name(&self.$to, tenant $(, $arg)?)
            }
        });
        $crate::__delegate_of_tenant!($to $own $($rest)*);
    };
}

/// Operations of one user.
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate_of_user {
    ($to:ident $own:tt) => {};
    ($to:ident $own:tt $name:ident($($arg:ident: $kind:ty)?) -> $answer:ty; $($rest:tt)*) => {
        $crate::__delegate_operation!($name $own {
            fn $name<'s, 't, 'u, 'async_trait>(
                &'s self, tenant: &'t $crate::TenantId, user: &'u $crate::UserId $(, $arg: $kind)?
            ) -> $crate::__private::Answer<'async_trait, Result<$answer, $crate::ApiError>>
            where 's: 'async_trait, 't: 'async_trait, 'u: 'async_trait, Self: 'async_trait {
                $crate::StandardAPIHandler::$name(&self.$to, tenant, user $(, $arg)?)
            }
        });
        $crate::__delegate_of_user!($to $own $($rest)*);
    };
}

/// Emits an operation unless its name is in the list: a macro can only compare names that it spells out.
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate_operation {
    ($name:ident [] { $($operation:tt)* }) => { $($operation)* };
    (catalog [catalog $($own:ident)*] $operation:tt) => {};
    (access_url [access_url $($own:ident)*] $operation:tt) => {};
    (check_health [check_health $($own:ident)*] $operation:tt) => {};
    (activate_tenant [activate_tenant $($own:ident)*] $operation:tt) => {};
    (deactivate_tenant [deactivate_tenant $($own:ident)*] $operation:tt) => {};
    (tenant_status [tenant_status $($own:ident)*] $operation:tt) => {};
    (tenant_usage [tenant_usage $($own:ident)*] $operation:tt) => {};
    (tenant_stats [tenant_stats $($own:ident)*] $operation:tt) => {};
    (tenant_costs [tenant_costs $($own:ident)*] $operation:tt) => {};
    (top_users [top_users $($own:ident)*] $operation:tt) => {};
    (usage_patterns [usage_patterns $($own:ident)*] $operation:tt) => {};
    (list_users [list_users $($own:ident)*] $operation:tt) => {};
    (create_user [create_user $($own:ident)*] $operation:tt) => {};
    (user [user $($own:ident)*] $operation:tt) => {};
    (update_user [update_user $($own:ident)*] $operation:tt) => {};
    (delete_user [delete_user $($own:ident)*] $operation:tt) => {};
    (list_resources [list_resources $($own:ident)*] $operation:tt) => {};
    (settings [settings $($own:ident)*] $operation:tt) => {};
    (update_settings [update_settings $($own:ident)*] $operation:tt) => {};
    (limits [limits $($own:ident)*] $operation:tt) => {};
    ($name:ident [$other:ident $($own:ident)*] $operation:tt) => {
        $crate::__delegate_operation!($name [$($own)*] $operation);
    };
}
