//! Users of a tenant.

use chrono::TimeDelta;

use super::{StoreHandler, TRIES, contended};
use crate::audit::action;
use crate::auth::{Credential, LinkPurpose, NewAccount, OneTimeLink};
use crate::error::ApiError;
use crate::idempotency::{RESUMED, Scope};
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
        let mut run = request.run.clone();
        let credential = match &self.0.accounts {
            Some(accounts) => accounts.market_credential(request.password.as_ref()).await?,
            None => Credential::NONE,
        };
        for tries in 0..TRIES {
            let (found, now) = self.active_tenant(tenant).await?;
            let user = User {
                tenant: tenant.clone(),
                id: run.as_ref().map_or_else(UserId::random, |run| run.user_ids(now)[0].clone()),
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
                Inserted::Taken => match run.take() {
                    None => return Err(ApiError::user_exists(&request.email)),
                    // If it is nobody of an earlier run, it is tried again with an id that nobody had.
                    Some(run) => {
                        if let Some(earlier) = self.made_by(&run, &user).await? {
                            return Ok(created(earlier));
                        }
                    }
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

    /// The user that a run of a moment ago made for the same request, if there was one.
    async fn made_by(&self, run: &Scope, wanted: &User) -> Result<Option<User>, ApiError> {
        let now = wanted.created_at;
        for id in run.user_ids(now) {
            let found = self.0.store.user(&wanted.tenant, &id).await?.map(|(user, _)| user);
            let same = |user: &User| user.email_key() == wanted.email_key() && now - user.created_at < RESUMED;
            if let Some(earlier) = found.filter(same) {
                return Ok(Some(earlier));
            }
        }
        Ok(None)
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
