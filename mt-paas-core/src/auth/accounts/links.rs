//! One-time links: promised in the transaction of what they belong to, made when they are sent, used once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::login::{Opened, Visitor, network};
use super::{Accounts, TRIES};
use crate::audit::{Actor, AuditContext, AuditEvent, action};
use crate::auth::{
    Account, Admitted, AuthError, Bucket, Credential, Epoch, LinkPurpose, Message, NotSent, OneTimeLink, OneTimeToken,
    Rate,
};
use crate::ids::{TenantId, UserId};
use crate::secret::Secret;
use crate::standard_api::UserStatus;
use crate::store::StoreError;
use crate::text;
use crate::turns::pause;

/// Links that somebody asks for who may be anybody: three, and then one in twenty minutes.
const ASKED: Rate = Rate { burst: 3, interval: TimeDelta::minutes(20) };
/// From one address.
const ASKED_FROM_ADDRESS: Rate = Rate { burst: 20, interval: TimeDelta::minutes(1) };

/// How many links are sent in one go.
const BATCH: u32 = 20;
/// For so long a link belongs to the process that tries to send it.
const BUSY: TimeDelta = TimeDelta::minutes(2);
/// How often links are looked for that nobody in this process has promised.
const LOOK: Duration = Duration::from_secs(5);
/// How often what has ended is removed.
const SWEEP: Duration = Duration::from_secs(600);

/// What a page may show to whoever holds a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkHolder {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Their tenant.
    pub tenant: TenantId,
    /// What they log in with.
    pub login_name: String,
    /// Characters that their password needs.
    pub minimum: usize,
    /// When the link ends.
    pub expires_at: DateTime<Utc>,
}

impl LinkPurpose {
    /// How long a link of this kind can be used.
    pub fn lasts(self) -> TimeDelta {
        match self {
            Self::Welcome => TimeDelta::days(3),
            Self::Reset => TimeDelta::hours(1),
        }
    }
}

impl OneTimeLink {
    /// A link that is to be sent at once.
    pub fn promise(tenant: &TenantId, user: &UserId, epoch: Epoch, purpose: LinkPurpose, now: DateTime<Utc>) -> Self {
        Self {
            id: Uuid::now_v7(),
            tenant: tenant.clone(),
            user: user.clone(),
            epoch,
            purpose,
            created_at: now,
            expires_at: now + purpose.lasts(),
            digest: None,
            failures: 0,
            next_try: Some(now),
        }
    }
}

impl Accounts {
    /// Whose link this is.
    ///
    /// # Errors
    ///
    /// [`AuthError::LinkEnded`].
    pub async fn link(&self, token: &OneTimeToken) -> Result<LinkHolder, AuthError> {
        let (link, account) = self.link_of(token).await?;
        Ok(LinkHolder {
            purpose: link.purpose,
            minimum: self.policy(&link.tenant).minimum(),
            login_name: account.user.login_name,
            tenant: link.tenant,
            expires_at: link.expires_at,
        })
    }

    /// Sets a password by a link, which is used up, and opens a session. All earlier sessions end.
    ///
    /// # Errors
    ///
    /// [`AuthError::Password`], with which the link stays good; [`AuthError::LinkEnded`].
    pub async fn set_password(
        &self,
        token: &OneTimeToken,
        new: &Secret<String>,
        visitor: &Visitor,
    ) -> Result<Opened, AuthError> {
        let (link, account) = self.link_of(token).await?;
        self.check_new(&account.user, new).await?;
        let hash = self.0.hasher.hash(new).await?;
        let told = self.told(&crate::auth::Principal::of(&account), action::PASSWORD_SET, &link.tenant);
        let told = told.on("user", link.user.as_str()).detail("link", link.purpose.as_str());
        let redeemed = self.0.store.redeem_link(&token.digest(), &hash, self.now(), &[told]).await?;
        redeemed.ok_or(AuthError::LinkEnded)?;
        let account = self.0.store.account_of(&link.tenant, &link.user).await?.ok_or(AuthError::LinkEnded)?;
        self.open(&account, visitor).await?.ok_or(AuthError::LinkEnded)
    }

    async fn link_of(&self, token: &OneTimeToken) -> Result<(OneTimeLink, Account), AuthError> {
        let link = self.0.store.link(&token.digest(), self.now()).await?.ok_or(AuthError::LinkEnded)?;
        let account = self.0.store.account_of(&link.tenant, &link.user).await?.ok_or(AuthError::LinkEnded)?;
        Ok((link, account))
    }

    /// Sends a link to whoever forgot their password, if there is such an account with an address. Nobody learns whether
    /// there is: the answer is the same, and the work is done behind it.
    ///
    /// # Errors
    ///
    /// [`AuthError::TooManyTries`] for an address that asks too often.
    pub async fn forgot(&self, tenant: &TenantId, login_name: &str, visitor: &Visitor) -> Result<(), AuthError> {
        let now = self.now();
        if let Some(address) = visitor.address.map(network) {
            let bucket = Bucket { subject: format!("forgot {address}"), rate: ASKED_FROM_ADDRESS };
            if let Admitted::NotBefore(until) = self.0.store.admit(&[bucket], now).await? {
                return Err(AuthError::TooManyTries { until, now });
            }
        }
        let (accounts, tenant, name) = (self.clone(), tenant.clone(), text::email_key(login_name));
        let work = async move {
            if let Err(error) = accounts.forgotten(&tenant, &name).await {
                tracing::warn!(%tenant, error = &error as &dyn std::error::Error, "no link could be promised");
            }
        };
        let context = AuditContext::current().acting(Actor::ANONYMOUS);
        tokio::spawn(context.scope(work));
        Ok(())
    }

    async fn forgotten(&self, tenant: &TenantId, name: &str) -> Result<(), AuthError> {
        let found = self.0.store.account(tenant, name).await?;
        let may_come_in = |account: &Account| account.user.status == UserStatus::Active && account.user.email.is_some();
        let Some(account) = found.filter(may_come_in) else { return Ok(()) };
        let bucket = Bucket { subject: format!("forgot {tenant} {}", account.user.id), rate: ASKED };
        if let Admitted::Yes = self.0.store.admit(&[bucket], self.now()).await? {
            let told = AuditContext::current().event(action::PASSWORD_LINK, self.now()).of(tenant);
            self.promise(tenant, &account.user.id, LinkPurpose::Reset, &told, |_| {}).await?;
        }
        Ok(())
    }

    /// Promises a link to an account in whatever epoch it is; `prepare` may arm it.
    pub(super) async fn promise(
        &self,
        tenant: &TenantId,
        user: &UserId,
        purpose: LinkPurpose,
        told: &AuditEvent,
        prepare: impl Fn(&mut OneTimeLink),
    ) -> Result<(), AuthError> {
        for tries in 0..TRIES {
            let account = self.0.store.account_of(tenant, user).await?.ok_or(AuthError::Missing("user"))?;
            let mut link = OneTimeLink::promise(tenant, user, account.epoch, purpose, self.now());
            prepare(&mut link);
            let told = told.clone().on("user", user.as_str()).detail("link", purpose.as_str());
            if self.0.store.add_link(&link, &[told]).await? {
                self.0.link_waits.notify_one();
                return Ok(());
            }
            pause(tries).await;
        }
        Err(AuthError::Contended)
    }

    /// Says that somebody promised a link outside of this module, so that it need not wait for the next look.
    pub(crate) fn wake_sender(&self) {
        self.0.link_waits.notify_one();
    }

    /// How somebody begins whom a market adds: with nothing, or with a password that others know and that has to be
    /// changed first.
    pub(crate) async fn market_credential(&self, password: Option<&Secret<String>>) -> Result<Credential, AuthError> {
        let Some(password) = password else { return Ok(Credential::NONE) };
        let password = Some(self.0.hasher.hash(password).await?);
        Ok(Credential { password, must_change: true, ..Credential::NONE })
    }

    /// The address that a token leads to.
    pub(super) fn address_of(&self, token: &OneTimeToken) -> Secret<String> {
        Secret::new(format!("{}/set-password/{}", self.0.public_url, token.expose()))
    }

    /// Sends what waits to be sent; says how many were. Each try gives a link another token, so that a process that died
    /// with one in its hands leaves nothing behind.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn send_links(&self) -> Result<usize, StoreError> {
        let now = self.now();
        let links = self.0.store.links_to_send(now, now + BUSY, BATCH).await?;
        let mut sent = 0;
        for link in links {
            let next = self.send(&link).await?;
            sent += usize::from(next.is_none());
            self.0.store.link_sent(link.id, next).await?;
        }
        Ok(sent)
    }

    /// Sends one link; when to try again, if it could not be done.
    async fn send(&self, link: &OneTimeLink) -> Result<Option<DateTime<Utc>>, StoreError> {
        let account = self.0.store.account_of(&link.tenant, &link.user).await?;
        let tenant = self.0.store.tenant(&link.tenant).await?;
        // Somebody without an address is handed their link by an administrator.
        let (Some(account), Some(tenant)) = (account, tenant) else { return Ok(None) };
        let Some(email) = account.user.email else { return Ok(None) };
        let token = OneTimeToken::generate();
        if !self.0.store.arm_link(link.id, &token.digest()).await? {
            return Ok(None);
        }
        let name = &tenant.activation.tenant_name;
        let message = Message {
            link_id: link.id,
            purpose: link.purpose,
            tenant: link.tenant.clone(),
            user: link.user.clone(),
            email,
            name: account.user.name,
            service: self.0.service.clone(),
            tenant_name: (!name.is_empty()).then(|| name.clone()),
            link: self.address_of(&token),
            expires_at: link.expires_at,
            zone: tenant.zone,
        };
        Ok(match self.0.notifier.send(&message).await {
            Ok(()) => None,
            Err(error @ NotSent::Never(_)) => {
                tracing::warn!(link = %link.id, tenant = %link.tenant, user = %link.user, error = &error as &dyn std::error::Error, "a link was not accepted for its address and is not sent again");
                None
            }
            Err(error) => {
                let wait = TimeDelta::seconds(30 << link.failures.min(7));
                tracing::warn!(link = %link.id, tenant = %link.tenant, user = %link.user, error = &error as &dyn std::error::Error, "a link could not be sent; it is tried again in {} s", wait.num_seconds());
                Some(self.now() + wait)
            }
        })
    }

    /// Sends links as they are promised, and removes what has ended, for as long as it is polled. A service runs this
    /// beside its doors, in each of its processes.
    pub async fn keep_house(&self) {
        let mut look = tokio::time::interval(LOOK);
        let mut sweep = tokio::time::interval(SWEEP);
        for timer in [&mut look, &mut sweep] {
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        }
        loop {
            let done = tokio::select! {
                _ = look.tick() => self.send_links().await.map(drop),
                () = self.0.link_waits.notified() => self.send_links().await.map(drop),
                _ = sweep.tick() => self.sweep().await,
            };
            if let Err(error) = done {
                tracing::warn!(error = &error as &dyn std::error::Error, "accounts could not be looked after");
            }
        }
    }

    /// Removes what has ended, and says so in the log.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let swept = self.0.store.sweep(self.now()).await?;
        tracing::info!(sessions = swept.sessions, links = swept.links, buckets = swept.buckets, "swept what had ended");
        Ok(())
    }
}
