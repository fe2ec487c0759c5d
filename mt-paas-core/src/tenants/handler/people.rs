//! Users of a tenant.

use chrono::TimeDelta;

use super::{StoreHandler, TRIES, contended};
use crate::audit::action;
use crate::auth::{Credential, LinkPurpose, NewAccount, OneTimeLink};
use crate::error::ApiError;
use crate::idempotency::KEPT;
use crate::ids::{TenantId, UserId};
use crate::outbox::OutboxEvent;
use crate::standard_api::{
    CreateUserRequest, CreatedUserResponse, UpdateUserRequest, UserFilters, UserResponse, UserStatus, UsersListResponse,
};
use crate::text;
use crate::turns::pause;
use crate::users::{Changed, Inserted, User, UserSearch};

/// A market is told at most so often that a limit refuses users.
const QUOTA_NEWS: TimeDelta = TimeDelta::hours(1);

impl StoreHandler {
    pub(super) async fn users_page(
        &self,
        tenant: &TenantId,
        filters: UserFilters,
    ) -> Result<UsersListResponse, ApiError> {
        self.active_tenant(tenant).await?;
        let search = UserSearch::from(filters);
        let list = self.0.store.users(tenant, &search).await?;
        Ok(UsersListResponse {
            tenant_id: tenant.clone(),
            total: list.total,
            limit: search.page.limit,
            offset: search.page.offset,
            users: list.users.into_iter().map(|(user, usage)| user.response(usage)).collect(),
        })
    }

    pub(super) async fn add_user(
        &self,
        tenant: &TenantId,
        request: CreateUserRequest,
    ) -> Result<CreatedUserResponse, ApiError> {
        let mut proposed = request.proposed_id.clone();
        let credential = match &self.0.accounts {
            Some(accounts) => accounts.market_credential(request.password.as_ref()).await?,
            None => Credential::NONE,
        };
        for tries in 0..TRIES {
            let (found, now) = self.active_tenant(tenant).await?;
            let user = User {
                tenant: tenant.clone(),
                id: proposed.clone().unwrap_or_else(UserId::random),
                login_name: text::email_key(&request.email),
                email: Some(request.email.clone()),
                name: request.name.clone(),
                role: request.role,
                status: UserStatus::Active,
                created_at: now,
                updated_at: now,
                last_login: None,
            };
            let limit = found.limits.max_users;
            let event = OutboxEvent::user_created(&found, &user, now);
            let (context, told) = self.told(action::USER_CREATE, tenant);
            let told = [told.on("user", user.id.as_str()).detail("role", user.role.as_str())];
            let link = OneTimeLink::promise(tenant, &user.id, 0, LinkPurpose::Welcome, now);
            let welcome = self.0.accounts.as_ref().filter(|_| request.send_welcome_email);
            let account = NewAccount {
                user: &user,
                credential: &credential,
                link: welcome.map(|_| &link),
                event: Some(&event),
                max_users: limit,
                only_first: false,
            };
            match self.0.store.add_account(found.revision, account, &told).await? {
                Inserted::Done => {
                    context.tell();
                    if let Some(accounts) = welcome {
                        accounts.wake_sender();
                    }
                    return Ok(created(user));
                }
                Inserted::Taken => match self.user_of(tenant, proposed.take()).await? {
                    Some(earlier) if earlier.email_key() != user.email_key() => {} // another request of long ago
                    Some(earlier) if now - earlier.created_at < KEPT => return Ok(created(earlier)),
                    _ => return Err(ApiError::user_exists(&request.email)),
                },
                Inserted::OverQuota => {
                    let news = OutboxEvent::quota_exceeded(&found, "max_users", limit, now);
                    self.0.store.queue_unless_recent(&news, now - QUOTA_NEWS).await?;
                    return Err(ApiError::quota_exceeded("max_users", limit));
                }
                Inserted::Stale | Inserted::NotFirst => pause(tries).await,
            }
        }
        Err(contended())
    }

    async fn user_of(&self, tenant: &TenantId, id: Option<UserId>) -> Result<Option<User>, ApiError> {
        let Some(id) = id else { return Ok(None) };
        Ok(self.0.store.user(tenant, &id).await?.map(|(user, _)| user))
    }

    pub(super) async fn change_user(
        &self,
        tenant: &TenantId,
        user: &UserId,
        request: &UpdateUserRequest,
    ) -> Result<UserResponse, ApiError> {
        for tries in 0..TRIES {
            let (found, now) = self.active_tenant(tenant).await?;
            let (context, told) = self.told(action::USER_UPDATE, tenant);
            let told = [request.told(told.on("user", user.as_str()))];
            match self.0.store.update_user(tenant, found.revision, user, request, now, &told).await? {
                Changed::Done((user, usage)) => {
                    context.tell();
                    return Ok(user.response(usage));
                }
                // Those are no market's.
                Changed::Missing | Changed::LastSuperAdmin => return Err(ApiError::user_not_found(user)),
                Changed::Stale => pause(tries).await,
            }
        }
        Err(contended())
    }

    pub(super) async fn remove_user(&self, tenant: &TenantId, user: &UserId) -> Result<(), ApiError> {
        for tries in 0..TRIES {
            let (found, _) = self.active_tenant(tenant).await?;
            let (context, told) = self.told(action::USER_DELETE, tenant);
            let told = [told.on("user", user.as_str())];
            match self.0.store.delete_user(tenant, found.revision, user, &told).await? {
                Changed::Done(()) => {
                    context.tell();
                    return Ok(());
                }
                // Those are no market's.
                Changed::Missing | Changed::LastSuperAdmin => return Err(ApiError::user_not_found(user)),
                Changed::Stale => pause(tries).await,
            }
        }
        Err(contended())
    }
}

fn created(user: User) -> CreatedUserResponse {
    CreatedUserResponse {
        user_id: user.id,
        email: user.email.unwrap_or_default(),
        name: user.name,
        role: user.role,
        status: user.status,
        created_at: user.created_at,
        temporary_password: true,
    }
}
