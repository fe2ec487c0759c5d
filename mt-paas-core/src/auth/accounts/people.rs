//! The people of a tenant, as administrators look after them.

use chrono::{DateTime, Utc};

use super::{Accounts, TRIES};
use crate::audit::action;
use crate::auth::{
    Access, Account, AuthError, Credential, CredentialChange, CredentialChanged, LinkPurpose, NewAccount, OneTimeLink,
    OneTimeToken, Principal,
};
use crate::error::FieldError;
use crate::ids::{TenantId, UserId};
use crate::outbox::OutboxEvent;
use crate::secret::Secret;
use crate::standard_api::{Role, UpdateUserRequest, UserStatus};
use crate::text;
use crate::turns::pause;
use crate::users::{Changed, Inserted, User, UserSearch};

/// Characters of a login name and of a name.
const NAME: usize = 200;

/// Somebody, as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub user: User,
    /// What they may do in consoles.
    pub access: Access,
    /// Whether they have a password.
    pub has_password: bool,
    /// Whether they have to change it first.
    pub must_change: bool,
}

/// A part of the people of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// How many match, on all pages.
    pub total: u64,
    /// By creation, then id.
    pub people: Vec<Person>,
}

/// Somebody to add.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// What they log in with; without one their e-mail address.
    pub login_name: Option<String>,
    /// Where their links are sent.
    pub email: Option<String>,
    /// What people call them.
    pub name: String,
    /// What the market knows them as.
    pub role: Role,
    /// What they may do in consoles.
    pub access: Access,
    /// A first password, which they have to change at once; without one they set it by a link.
    pub password: Option<Secret<String>>,
    /// Whether whoever adds them takes the link and hands it over, instead of having it sent.
    pub hand_over: bool,
}

/// Somebody who was added.
#[derive(Debug, Clone)]
pub struct AddedPerson {
    /// Who.
    pub person: Person,
    /// The link to hand over, if that was asked for or there is no address to send it to.
    pub link: Option<Secret<String>>,
}

/// What is to be different about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonChange {
    /// What people call them.
    pub name: Option<String>,
    /// What the market knows them as.
    pub role: Option<Role>,
    /// Whether they may come in.
    pub status: Option<UserStatus>,
    /// What they may do in consoles.
    pub access: Option<Access>,
}

impl From<Account> for Person {
    fn from(account: Account) -> Self {
        let Account { user, access, password, must_change, .. } = account;
        Self { user, access, has_password: password.is_some(), must_change }
    }
}

impl Accounts {
    /// A part of the people of a tenant.
    ///
    /// # Errors
    ///
    /// As [`Principal::demand`] says.
    pub async fn people(&self, by: &Principal, tenant: &TenantId, search: &UserSearch) -> Result<People, AuthError> {
        self.demand(by, Access::Viewer, tenant).await?;
        let found = self.0.store.users(tenant, search).await?;
        let mut people = Vec::with_capacity(found.users.len());
        for (user, _) in found.users {
            // Somebody may have been removed since.
            people.extend(self.0.store.account_of(tenant, &user.id).await?.map(Person::from));
        }
        Ok(People { total: found.total, people })
    }

    /// Somebody of a tenant.
    ///
    /// # Errors
    ///
    /// As [`Principal::demand`] says; [`AuthError::Missing`].
    pub async fn person(&self, by: &Principal, tenant: &TenantId, user: &UserId) -> Result<Person, AuthError> {
        self.demand(by, Access::Viewer, tenant).await?;
        self.account(tenant, user).await.map(Person::from)
    }

    /// Adds somebody. A market is told of it, as of those that it added itself.
    ///
    /// # Errors
    ///
    /// [`AuthError::NotAllowed`], [`AuthError::Invalid`], [`AuthError::Taken`], [`AuthError::OverQuota`].
    pub async fn add_person(
        &self,
        by: &Principal,
        tenant: &TenantId,
        new: &NewPerson,
    ) -> Result<AddedPerson, AuthError> {
        by.may_give(new.access, tenant)?;
        check(new, tenant)?;
        let credential = self.credential(new).await?;
        let token = OneTimeToken::generate();
        let handed = credential.password.is_none() && (new.hand_over || new.email.is_none());
        for tries in 0..TRIES {
            let (found, now) = (self.tenant(tenant).await?, self.now());
            let user = new.user(tenant, now);
            let mut link = OneTimeLink::promise(tenant, &user.id, 0, LinkPurpose::Welcome, now);
            if handed {
                (link.digest, link.next_try) = (Some(token.digest()), None);
            }
            let operator = *tenant == TenantId::operators();
            let event = OutboxEvent::user_created(&found, &user, now);
            let max_users = if operator { u64::MAX >> 1 } else { found.limits.max_users };
            let told = self.told(by, action::USER_CREATE, tenant).on("user", user.id.as_str());
            let told = [told.detail("role", user.role.as_str()).detail("access", new.access.as_str())];
            let account = NewAccount {
                user: &user,
                credential: &credential,
                link: credential.password.is_none().then_some(&link),
                event: (!operator).then_some(&event),
                max_users,
                only_first: false,
            };
            match self.0.store.add_account(found.revision, account, &told).await? {
                Inserted::Done => {
                    self.0.link_waits.notify_one();
                    let link = handed.then(|| self.address_of(&token));
                    return Ok(AddedPerson { person: self.account(tenant, &user.id).await?.into(), link });
                }
                Inserted::Taken => return Err(AuthError::Taken),
                Inserted::OverQuota => return Err(AuthError::OverQuota(found.limits.max_users)),
                Inserted::Stale | Inserted::NotFirst => pause(tries).await,
            }
        }
        Err(AuthError::Contended)
    }

    /// How a new person begins.
    async fn credential(&self, new: &NewPerson) -> Result<Credential, AuthError> {
        let password = match &new.password {
            Some(password) => Some(self.0.hasher.hash(password).await?),
            None => None,
        };
        Ok(Credential { access: new.access, must_change: password.is_some(), password })
    }

    /// Changes somebody. What takes access away ends their sessions.
    ///
    /// # Errors
    ///
    /// [`AuthError::NotAllowed`], also for whoever has more access than one may give; [`AuthError::Oneself`];
    /// [`AuthError::LastSuperAdmin`]; [`AuthError::Missing`]; [`AuthError::Invalid`].
    pub async fn change_person(
        &self,
        by: &Principal,
        tenant: &TenantId,
        user: &UserId,
        change: &PersonChange,
    ) -> Result<Person, AuthError> {
        self.demand(by, Access::Admin, tenant).await?;
        let own = by.tenant == *tenant && by.user == *user;
        if own && (change.access.is_some() || change.status.is_some()) {
            return Err(AuthError::Oneself);
        }
        if let Some(name) = &change.name {
            check_line(name, "name").map_err(|fault| AuthError::Invalid(vec![fault]))?;
        }
        if let Some(access) = change.access {
            check_access(access, tenant).map_err(|fault| AuthError::Invalid(vec![fault]))?;
        }
        self.change_access(by, tenant, user, change.access, own).await?;
        let update = UpdateUserRequest { name: change.name.clone(), role: change.role, status: change.status };
        if update != UpdateUserRequest::default() {
            self.update_user(by, tenant, user, &update).await?;
        }
        self.account(tenant, user).await.map(Person::from)
    }

    /// Whether somebody may be touched, and their access changed if another one is asked for.
    async fn change_access(
        &self,
        by: &Principal,
        tenant: &TenantId,
        user: &UserId,
        access: Option<Access>,
        own: bool,
    ) -> Result<(), AuthError> {
        for tries in 0..TRIES {
            let account = self.account(tenant, user).await?;
            if !own {
                by.may_give(account.access, tenant)?;
            }
            let Some(access) = access.filter(|access| *access != account.access) else { return Ok(()) };
            by.may_give(access, tenant)?;
            let told = self.told(by, action::ACCESS_CHANGE, tenant).on("user", user.as_str());
            let told = [told.detail("from", account.access.as_str()).detail("to", access.as_str())];
            let change = CredentialChange::Access(access);
            match self.0.store.change_credential(tenant, user, account.epoch, &change, &told).await? {
                CredentialChanged::Done(_) => return Ok(()),
                CredentialChanged::Missing => return Err(AuthError::Missing("user")),
                CredentialChanged::LastSuperAdmin => return Err(AuthError::LastSuperAdmin),
                CredentialChanged::Stale => pause(tries).await,
            }
        }
        Err(AuthError::Contended)
    }

    async fn update_user(
        &self,
        by: &Principal,
        tenant: &TenantId,
        user: &UserId,
        update: &UpdateUserRequest,
    ) -> Result<(), AuthError> {
        for tries in 0..TRIES {
            let (found, now) = (self.tenant(tenant).await?, self.now());
            let told = [update.told(self.told(by, action::USER_UPDATE, tenant).on("user", user.as_str()))];
            match self.0.store.update_user(tenant, found.revision, user, update, now, &told).await? {
                Changed::Done(_) => return Ok(()),
                Changed::Missing => return Err(AuthError::Missing("user")),
                Changed::LastSuperAdmin => return Err(AuthError::LastSuperAdmin),
                Changed::Stale => pause(tries).await,
            }
        }
        Err(AuthError::Contended)
    }

    /// Removes somebody with everything that hangs on them.
    ///
    /// # Errors
    ///
    /// As those of [`change_person`](Self::change_person).
    pub async fn remove_person(&self, by: &Principal, tenant: &TenantId, user: &UserId) -> Result<(), AuthError> {
        self.demand(by, Access::Admin, tenant).await?;
        if by.tenant == *tenant && by.user == *user {
            return Err(AuthError::Oneself);
        }
        for tries in 0..TRIES {
            let found = self.tenant(tenant).await?;
            by.may_give(self.account(tenant, user).await?.access, tenant)?;
            let told = [self.told(by, action::USER_DELETE, tenant).on("user", user.as_str())];
            match self.0.store.delete_user(tenant, found.revision, user, &told).await? {
                Changed::Done(()) => return Ok(()),
                Changed::Missing => return Err(AuthError::Missing("user")),
                Changed::LastSuperAdmin => return Err(AuthError::LastSuperAdmin),
                Changed::Stale => pause(tries).await,
            }
        }
        Err(AuthError::Contended)
    }

    /// Ends all sessions and links of somebody.
    ///
    /// # Errors
    ///
    /// As those of [`change_person`](Self::change_person).
    pub async fn end_sessions_of(&self, by: &Principal, tenant: &TenantId, user: &UserId) -> Result<(), AuthError> {
        self.demand(by, Access::Admin, tenant).await?;
        by.may_give(self.account(tenant, user).await?.access, tenant)?;
        let told = self.told(by, action::LOGOUT_EVERYWHERE, tenant).on("user", user.as_str());
        self.change_credential(tenant, user, &CredentialChange::EndSessions, &told).await.map(drop)
    }

    /// Gives somebody a link by which they set another password. It is returned, to be handed over, if that was asked for or
    /// there is no address to send it to.
    ///
    /// # Errors
    ///
    /// As those of [`change_person`](Self::change_person).
    pub async fn give_link(
        &self,
        by: &Principal,
        tenant: &TenantId,
        user: &UserId,
        hand_over: bool,
    ) -> Result<Option<Secret<String>>, AuthError> {
        self.demand(by, Access::Admin, tenant).await?;
        let account = self.account(tenant, user).await?;
        by.may_give(account.access, tenant)?;
        let purpose = if account.password.is_some() { LinkPurpose::Reset } else { LinkPurpose::Welcome };
        let (token, handed) = (OneTimeToken::generate(), hand_over || account.user.email.is_none());
        let told =
            self.told(by, action::PASSWORD_LINK, tenant).detail("handed_over", if handed { "yes" } else { "no" });
        let prepare = |link: &mut OneTimeLink| {
            if handed {
                (link.digest, link.next_try) = (Some(token.digest()), None);
            }
        };
        self.promise(tenant, user, purpose, &told, prepare).await?;
        Ok(handed.then(|| self.address_of(&token)))
    }

    pub(super) async fn account(&self, tenant: &TenantId, user: &UserId) -> Result<Account, AuthError> {
        self.0.store.account_of(tenant, user).await?.ok_or(AuthError::Missing("user"))
    }
}

impl NewPerson {
    pub(super) fn user(&self, tenant: &TenantId, now: DateTime<Utc>) -> User {
        let login_name = self.login_name.as_deref().or(self.email.as_deref()).unwrap_or_default();
        User {
            tenant: tenant.clone(),
            id: UserId::random(),
            login_name: text::email_key(login_name),
            email: self.email.clone(),
            name: self.name.clone(),
            role: self.role,
            status: UserStatus::Active,
            created_at: now,
            updated_at: now,
            last_login: None,
        }
    }
}

/// All that is wrong with a new person.
pub(super) fn check(new: &NewPerson, tenant: &TenantId) -> Result<(), AuthError> {
    let login = match (&new.login_name, &new.email) {
        (None, None) => Err(fault("login_name", "is needed where there is no email")),
        (Some(name), _) => check_line(name, "login_name"),
        (None, Some(_)) => Ok(()),
    };
    let email = match &new.email {
        Some(email) if !text::is_email(email) => Err(fault("email", "must be an e-mail address")),
        _ => Ok(()),
    };
    let checks = [login, email, check_line(&new.name, "name"), check_access(new.access, tenant), first(new)];
    let faults: Vec<FieldError> = checks.into_iter().filter_map(Result::err).collect();
    if faults.is_empty() { Ok(()) } else { Err(AuthError::Invalid(faults)) }
}

/// The first password need not be good, because nobody keeps it; it must be one.
fn first(new: &NewPerson) -> Result<(), FieldError> {
    let chars = new.password.as_ref().map(|password| password.expose().chars().count());
    match chars {
        Some(chars) if !(8..=256).contains(&chars) => Err(fault("password", "must be 8 to 256 characters")),
        _ => Ok(()),
    }
}

fn check_access(access: Access, tenant: &TenantId) -> Result<(), FieldError> {
    if access == Access::SuperAdmin && *tenant != TenantId::operators() {
        return Err(fault("access", "super_admin exists among operators only"));
    }
    Ok(())
}

fn check_line(text: &str, member: &str) -> Result<(), FieldError> {
    let good = !text.trim().is_empty() && text.chars().count() <= NAME && !text.chars().any(char::is_control);
    if good { Ok(()) } else { Err(fault(member, &format!("must be 1 to {NAME} characters in one line"))) }
}

fn fault(member: &str, message: &str) -> FieldError {
    FieldError { loc: vec!["body".to_owned(), member.to_owned()], message: message.to_owned() }
}
