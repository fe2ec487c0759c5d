//! The first operator: made once, by whoever started the service.

use std::sync::PoisonError;

use chrono::{DateTime, TimeDelta, Utc};

use super::login::{Opened, Visitor, network};
use super::people::check;
use super::{Accounts, TRIES};
use crate::audit::{Actor, AuditContext, Outcome, action};
use crate::auth::{
    Access, Admitted, AuthError, Bucket, Credential, NewAccount, NewPerson, OneTimeToken, PasswordHash, Principal,
    Rate, TokenDigest, Verified,
};
use crate::ids::TenantId;
use crate::secret::Secret;
use crate::standard_api::{Page, Role};
use crate::store::StoreError;
use crate::tenants::{Saved, Tenant};
use crate::turns::pause;
use crate::users::{Inserted, User, UserSearch};

/// How long the token of a start lets the first operator in.
const SETUP: TimeDelta = TimeDelta::minutes(15);
/// Tries at that token from one address.
const SETUP_TRIES: Rate = Rate { burst: 10, interval: TimeDelta::seconds(6) };

/// First logins that the world knows from earlier systems: `admin`/`admin` of mama, `admin`/`password123` of the tester of
/// generative APIs.
const KNOWN: [(&str, &str); 2] = [("admin", "admin"), ("admin", "password123")];

/// What lets the first operator in.
pub(super) struct SetupToken {
    digest: TokenDigest,
    until: DateTime<Utc>,
}

/// Whoever starts a service and makes themselves its first operator.
#[derive(Debug, Clone)]
pub struct FirstOperator {
    /// The token that the start of this process printed.
    pub token: OneTimeToken,
    /// What they log in with.
    pub login_name: String,
    /// Where their links are sent.
    pub email: Option<String>,
    /// What people call them.
    pub name: String,
    /// Their password.
    pub password: Secret<String>,
    /// From where.
    pub visitor: Visitor,
}

/// A first login that others know or could guess would stand open to the world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnsafeFirstLogin {
    /// The settings give one.
    #[error(
        "ADMIN_PASS is a password that others know or guess; it is accepted on a loopback address only, where it has to be changed at the first login ({0})"
    )]
    Setting(AuthError),
    /// It was accepted earlier and not changed.
    #[error("an operator still has a first password that everybody knows; change it on a loopback address first")]
    NotChanged,
    /// The accounts cannot be read or written.
    #[error(transparent)]
    Accounts(#[from] AuthError),
}

impl From<StoreError> for UnsafeFirstLogin {
    fn from(error: StoreError) -> Self {
        Self::Accounts(error.into())
    }
}

impl Accounts {
    /// What lets the first operator in for the next 15 minutes, in this process; `None` if there is an operator already. The
    /// start prints it where only whoever started the service reads it.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn setup_token(&self) -> Result<Option<OneTimeToken>, AuthError> {
        if self.0.store.count_users(&self.operators().await?.id).await? > 0 {
            return Ok(None);
        }
        let token = OneTimeToken::generate();
        let setup = SetupToken { digest: token.digest(), until: self.now() + SETUP };
        *self.0.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(setup);
        Ok(Some(token))
    }

    /// Makes the first operator, a super administrator, and logs them in.
    ///
    /// # Errors
    ///
    /// [`AuthError::LinkEnded`] for another token; [`AuthError::NotFirst`] when somebody was faster;
    /// [`AuthError::Password`]; [`AuthError::Invalid`]; [`AuthError::TooManyTries`].
    pub async fn first(&self, first: &FirstOperator) -> Result<Opened, AuthError> {
        let now = self.now();
        let from = first.visitor.address.map(network).map(|address| address.to_string()).unwrap_or_default();
        let bucket = Bucket { subject: format!("setup {from}"), rate: SETUP_TRIES };
        if let Admitted::NotBefore(until) = self.0.store.admit(&[bucket], now).await? {
            return Err(AuthError::TooManyTries { until, now });
        }
        if !self.lets_in(&first.token.digest(), now) {
            let context = AuditContext::current().acting(Actor::ANONYMOUS);
            self.refused(context.event(action::OPERATOR_FIRST, now).with(Outcome::Refused, "wrong_token")).await;
            return Err(AuthError::LinkEnded);
        }
        let operators = TenantId::operators();
        let new = NewPerson {
            login_name: Some(first.login_name.clone()),
            email: first.email.clone(),
            name: first.name.clone(),
            role: Role::Admin,
            access: Access::SuperAdmin,
            password: None,
            hand_over: false,
        };
        check(&new, &operators)?;
        let user = new.user(&operators, now);
        self.check_new(&user, &first.password).await?;
        let password = Some(self.0.hasher.hash(&first.password).await?);
        let credential = Credential { access: Access::SuperAdmin, password, must_change: false };
        if !self.add_first(&user, &credential).await? {
            return Err(AuthError::NotFirst);
        }
        *self.0.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let account = self.account(&operators, &user.id).await?;
        self.open(&account, &first.visitor).await?.ok_or(AuthError::WrongLogin)
    }

    fn lets_in(&self, digest: &TokenDigest, now: DateTime<Utc>) -> bool {
        let setup = self.0.setup.lock().unwrap_or_else(PoisonError::into_inner);
        setup.as_ref().is_some_and(|setup| setup.digest == *digest && now < setup.until)
    }

    /// Makes the first operator from the settings `ADMIN_USER` and `ADMIN_PASS`; once: where there is an operator, nothing
    /// is done. A password that others know or guess is accepted on a `loopback` address only, and has to be changed before
    /// anything else. Says whether somebody was made.
    ///
    /// # Errors
    ///
    /// [`UnsafeFirstLogin::Setting`]; [`AuthError::Invalid`] for a name that cannot be one.
    pub async fn seed_first(
        &self,
        login_name: &str,
        password: &Secret<String>,
        loopback: bool,
    ) -> Result<bool, UnsafeFirstLogin> {
        let operators = self.operators().await?;
        if self.0.store.count_users(&operators.id).await? > 0 {
            return Ok(false);
        }
        let new = NewPerson {
            login_name: Some(login_name.to_owned()),
            email: None,
            name: login_name.to_owned(),
            role: Role::Admin,
            access: Access::SuperAdmin,
            password: None,
            hand_over: false,
        };
        check(&new, &operators.id)?;
        let user = new.user(&operators.id, self.now());
        let weak = self.check_new(&user, password).await.err();
        let must_change = weak.is_some();
        if let Some(weak) = weak.filter(|_| !loopback) {
            return Err(UnsafeFirstLogin::Setting(weak));
        }
        let hash = self.0.hasher.hash(password).await.map_err(AuthError::from)?;
        let credential = Credential { access: Access::SuperAdmin, password: Some(hash), must_change };
        Ok(self.add_first(&user, &credential).await?)
    }

    /// Makes sure that no operator has a first password that everybody knows; `seed` is the one of the settings. For the
    /// start on an address that others reach.
    ///
    /// # Errors
    ///
    /// [`UnsafeFirstLogin::NotChanged`].
    pub async fn refuse_known_logins(&self, seed: Option<(&str, &Secret<String>)>) -> Result<(), UnsafeFirstLogin> {
        let operators = self.operators().await?.id;
        let known = KNOWN.map(|(name, password)| (name.to_owned(), Secret::from(password)));
        let seeded = seed.map(|(name, password)| (name.to_owned(), password.clone()));
        let mut page = Page { limit: 100, offset: 0 };
        loop {
            let found = self.0.store.users(&operators, &UserSearch { page, ..UserSearch::default() }).await?;
            for (user, _) in &found.users {
                let account = self.0.store.account_of(&operators, &user.id).await?;
                let Some(account) = account.filter(|account| account.must_change) else { continue };
                for (name, password) in known.iter().chain(&seeded) {
                    if user.login_name == crate::text::email_key(name)
                        && self.has(account.password.as_ref(), password).await?
                    {
                        return Err(UnsafeFirstLogin::NotChanged);
                    }
                }
            }
            page.offset += found.users.len() as u64;
            if found.users.is_empty() || page.offset >= found.total {
                return Ok(());
            }
        }
    }

    async fn has(&self, stored: Option<&PasswordHash>, password: &Secret<String>) -> Result<bool, AuthError> {
        Ok(matches!(self.0.hasher.verify(password, stored).await?, Verified::Right { .. }))
    }

    async fn add_first(&self, user: &User, credential: &Credential) -> Result<bool, AuthError> {
        let by = Principal {
            tenant: user.tenant.clone(),
            user: user.id.clone(),
            login_name: user.login_name.clone(),
            name: user.name.clone(),
            access: credential.access,
            must_change: credential.must_change,
        };
        for tries in 0..TRIES {
            let operators = self.operators().await?;
            let told = [self.told(&by, action::OPERATOR_FIRST, &operators.id).on("user", user.id.as_str())];
            let account = NewAccount { user, credential, link: None, event: None, max_users: 1, only_first: true };
            match self.0.store.add_account(operators.revision, account, &told).await? {
                Inserted::Done => return Ok(true),
                Inserted::NotFirst | Inserted::Taken | Inserted::OverQuota => return Ok(false),
                Inserted::Stale => pause(tries).await,
            }
        }
        Err(AuthError::Contended)
    }

    /// The operators' tenant, which is made when it is first asked for.
    async fn operators(&self) -> Result<Tenant, AuthError> {
        self.own_tenant(&TenantId::operators()).await
    }

    /// A tenant that the service needs before any market asks for it, such as the one that people join by themselves. It
    /// is made, unless it is there; the market's first activation of that name takes it over, with its people.
    ///
    /// # Errors
    ///
    /// [`AuthError::Contended`], and those of the store.
    pub async fn own_tenant(&self, id: &TenantId) -> Result<Tenant, AuthError> {
        for tries in 0..TRIES {
            if let Some(found) = self.0.store.tenant(id).await? {
                return Ok((*found).clone());
            }
            let made = Tenant::of_service(id.clone(), self.now());
            if let Saved::Done(revision) = self.0.store.save_tenant(&made, None, false, &[], &[]).await? {
                return Ok(Tenant { revision, ..made });
            }
            pause(tries).await;
        }
        Err(AuthError::Contended)
    }
}
