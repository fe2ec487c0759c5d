//! Logging in, and how guessing is slowed down.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Accounts;
use crate::audit::{Action, Actor, AuditContext, AuditEvent, Outcome, action};
use crate::auth::{
    Account, Admitted, AuthError, Bucket, MAX_PASSWORD_BYTES, Principal, Rate, Session, SessionToken, Verified,
};
use crate::ids::{TenantId, UserId};
use crate::secret::Secret;
use crate::standard_api::UserStatus;
use crate::text;

/// Guesses at one account from one address: five, and then one in twelve seconds.
const ACCOUNT_FROM_ADDRESS: Rate = Rate { burst: 5, interval: TimeDelta::seconds(12) };
/// Guesses from one address: twenty, and then one in three seconds.
const ADDRESS: Rate = Rate { burst: 20, interval: TimeDelta::seconds(3) };
/// Guesses at one account from anywhere. Addresses from which its owner is logged in are not asked, so that strangers
/// cannot keep people out of their accounts.
const ACCOUNT: Rate = Rate { burst: 20, interval: TimeDelta::seconds(3) };

/// Logins from one address that are worked on at once in a process. The right ones give their tries back, so a whole school
/// behind one address comes in, a few at a time.
pub(super) const AT_ONCE_FROM_ADDRESS: usize = 4;
/// How long a login waits for others of the same account or address.
pub(super) const LOGIN_PATIENCE: Duration = Duration::from_secs(60);

/// Characters of a browser's name that are kept.
const USER_AGENT: usize = 200;

/// Where somebody comes from, as far as the doors know.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// Their address.
    pub address: Option<IpAddr>,
    /// What their program calls itself.
    pub user_agent: Option<String>,
}

/// Somebody who wants to come in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Into which tenant.
    pub tenant: TenantId,
    /// Under what name; letter case makes no difference.
    pub login_name: String,
    /// Their password.
    pub password: Secret<String>,
    /// From where.
    pub visitor: Visitor,
}

/// A session that was just opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What proves it; nobody else will ever know it.
    pub token: SessionToken,
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub principal: Principal,
}

impl Accounts {
    /// Opens a session for whoever knows the password.
    ///
    /// # Errors
    ///
    /// [`AuthError::WrongLogin`], in the same time for unknown names; [`AuthError::TooManyTries`]; [`AuthError::Busy`].
    pub async fn log_in(&self, login: &Login) -> Result<Opened, AuthError> {
        let name = text::email_key(&login.login_name);
        let address = login.visitor.address.map(network);
        // One after the other, so that a try is given back before the next one is counted.
        let _account = self.0.account_turns.take(subject("account", &login.tenant, &name)).await?;
        let _address = match address {
            Some(address) => Some(self.0.address_turns.take(address).await?),
            None => None,
        };
        let found = self.0.store.account(&login.tenant, &name).await?;
        let found = found.filter(|account| account.user.status == UserStatus::Active);
        let buckets = self.buckets(&login.tenant, &name, found.as_ref(), address).await?;
        self.admit(&buckets, action::LOGIN, &login.tenant, found.as_ref()).await?;

        let stored = found.as_ref().and_then(|account| account.password.as_ref());
        let possible = login.password.expose().len() <= MAX_PASSWORD_BYTES;
        let verified = if possible { self.0.hasher.verify(&login.password, stored).await? } else { Verified::Wrong };
        let (Verified::Right { rehash }, Some(account)) = (verified, &found) else {
            self.login_refused(&login.tenant, found.as_ref(), "wrong_login").await;
            return Err(AuthError::WrongLogin);
        };
        self.0.store.refund(&buckets).await?;
        if let (Some(rehash), Some(before)) = (rehash, &account.password) {
            self.0.store.rehash(&account.user.tenant, &account.user.id, before, &rehash).await?;
        }
        match self.open(account, &login.visitor).await? {
            Some(opened) => Ok(opened),
            None => {
                self.login_refused(&login.tenant, Some(account), "inactive").await;
                Err(AuthError::WrongLogin)
            }
        }
    }

    /// Opens a session, unless the account changed or may not come in.
    pub(super) async fn open(&self, account: &Account, visitor: &Visitor) -> Result<Option<Opened>, AuthError> {
        let (now, token, principal) = (self.now(), SessionToken::generate(), Principal::of(account));
        let lasts = if principal.is_operator() { self.0.operator_session } else { self.0.session };
        let session = Session {
            id: Uuid::now_v7(),
            digest: token.digest(),
            tenant: account.user.tenant.clone(),
            user: account.user.id.clone(),
            epoch: account.epoch,
            created_at: now,
            expires_at: now + lasts,
            idle_limit: self.0.idle,
            seen_at: now,
            address: visitor.address,
            user_agent: visitor.user_agent.as_deref().map(|agent| agent.chars().take(USER_AGENT).collect()),
        };
        let told = self.told(&principal, action::LOGIN, &session.tenant).on("session", session.id.to_string());
        let opened = self.0.store.open_session(&session, &[told]).await?;
        if opened {
            tracing::info!(tenant = %session.tenant, user = %session.user, session = %session.id, "somebody logged in");
        }
        Ok(opened.then_some(Opened { token, session, principal }))
    }

    /// Everything that a guess at a password is counted in. The same is read for names that nobody has, so that they take
    /// as long.
    pub(super) async fn buckets(
        &self,
        tenant: &TenantId,
        name: &str,
        account: Option<&Account>,
        address: Option<IpAddr>,
    ) -> Result<Vec<Bucket>, AuthError> {
        let nobody = UserId::random();
        let user = account.map_or(&nobody, |account| &account.user.id);
        let here = |session: &Session| address.is_some() && session.address.map(network) == address;
        let at_home = self.0.store.sessions(tenant, user, self.now()).await?.iter().any(here);
        let from = address.map(|address| address.to_string()).unwrap_or_default();
        let mut buckets =
            vec![Bucket { subject: subject(&format!("account {from}"), tenant, name), rate: ACCOUNT_FROM_ADDRESS }];
        buckets.extend(address.map(|_| Bucket { subject: format!("address {from}"), rate: ADDRESS }));
        if !at_home {
            buckets.push(Bucket { subject: subject("account", tenant, name), rate: ACCOUNT });
        }
        Ok(buckets)
    }

    /// Counts a guess.
    pub(super) async fn admit(
        &self,
        buckets: &[Bucket],
        action: Action,
        tenant: &TenantId,
        account: Option<&Account>,
    ) -> Result<(), AuthError> {
        let now = self.now();
        let Admitted::NotBefore(until) = self.0.store.admit(buckets, now).await? else { return Ok(()) };
        // Told once a minute: whoever floods the doors should not flood the trail.
        AuditContext::current().tell();
        let subject = buckets.first().map(|bucket| bucket.subject.clone()).unwrap_or_default();
        if self.0.throttled.entry(subject).or_insert(()).is_fresh() {
            tracing::warn!(%tenant, action = action.as_str(), "passwords are tried too often");
            self.refused(guess(action, tenant, account, now).with(Outcome::Refused, "throttled")).await;
        }
        Err(AuthError::TooManyTries { until, now })
    }

    async fn login_refused(&self, tenant: &TenantId, account: Option<&Account>, reason: &'static str) {
        tracing::info!(%tenant, user = account.map(|account| account.user.id.as_str()), reason, "a login was refused");
        let event = guess(action::LOGIN, tenant, account, self.now());
        let reason = if account.is_none() { "unknown_account" } else { reason };
        self.refused(event.with(Outcome::Refused, reason)).await;
    }
}

/// A try of somebody who is not known. Of a name that nobody has nothing is written: people type passwords there.
fn guess(action: Action, tenant: &TenantId, account: Option<&Account>, now: DateTime<Utc>) -> AuditEvent {
    let context = AuditContext::current().acting(Actor::ANONYMOUS);
    let event = context.event(action, now).of(tenant);
    match account {
        Some(account) => event.on("user", account.user.id.as_str()),
        None => event,
    }
}

/// The name under which something is counted. It is a digest, because people type passwords where names belong.
fn subject(kind: &str, tenant: &TenantId, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind}\0{tenant}\0{name}"));
    hex::encode(&digest[..16])
}

/// Whom an address stands for: of IPv6 everybody has 64 bits to themselves.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}
