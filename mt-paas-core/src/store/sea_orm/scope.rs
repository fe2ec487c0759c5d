//! A service's own tables, bound to a tenant.

use sea_orm::{ActiveModelTrait, ColumnTrait, DeleteMany, EntityTrait, Insert, QueryFilter, Select, UpdateMany};

use crate::ids::TenantId;

/// An entity of a service whose rows belong to tenants.
pub trait TenantOwned: EntityTrait {
    /// The column that holds the tenant's id, as text.
    const TENANT: Self::Column;
}

/// Queries over a service's own entities with the tenant's condition in place. What is added to a query afterwards
/// narrows it further; nothing added can widen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantScope {
    tenant: TenantId,
}

impl TenantScope {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self { tenant }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Selects rows of the tenant.
    pub fn find<E: TenantOwned>(&self) -> Select<E> {
        E::find().filter(E::TENANT.eq(self.tenant.as_str()))
    }

    /// Changes rows of the tenant.
    pub fn update_many<E: TenantOwned>(&self) -> UpdateMany<E> {
        E::update_many().filter(E::TENANT.eq(self.tenant.as_str()))
    }

    /// Deletes rows of the tenant.
    pub fn delete_many<E: TenantOwned>(&self) -> DeleteMany<E> {
        E::delete_many().filter(E::TENANT.eq(self.tenant.as_str()))
    }

    /// Inserts a row for the tenant, whatever tenant it names.
    pub fn insert<A>(&self, mut row: A) -> Insert<A>
    where
        A: ActiveModelTrait,
        A::Entity: TenantOwned,
    {
        row.set(<A::Entity as TenantOwned>::TENANT, self.tenant.as_str().into());
        A::Entity::insert(row)
    }
}
