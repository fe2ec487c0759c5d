//! Accounts in a store with one fault.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mt_paas_core::audit::AuditEvent;
use mt_paas_core::auth::{
    Account, Admitted, AuthStore, Bucket, Credential, CredentialChange, CredentialChanged, Epoch, IssuedKey,
    NewAccount, OneTimeLink, PasswordHash, Principal, Session, Swept, TokenDigest,
};
use mt_paas_core::store::StoreError;
use mt_paas_core::tenants::Revision;
use mt_paas_core::users::Inserted;
use mt_paas_core::{TenantId, UserId};
use uuid::Uuid;

use super::broken::{Broken, Fault};

#[async_trait]
impl AuthStore for Broken {
    async fn add_account(
        &self,
        revision: Revision,
        account: NewAccount<'_>,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        let mut account = account;
        match self.fault {
            Fault::ForgetsTheCredential => account.credential = &Credential::NONE,
            Fault::LetsEveryoneBeFirst => account.only_first = false,
            Fault::ForgetsTheLink => account.link = None,
            _ => {}
        }
        self.inner.add_account(revision, account, audit).await
    }

    async fn account(&self, tenant: &TenantId, login_name: &str) -> Result<Option<Account>, StoreError> {
        if self.has(Fault::FindsAccountsEverywhere) {
            for other in ["one", "other"].into_iter().filter_map(|id| id.parse().ok()) {
                if let Some(found) = self.inner.account(&other, login_name).await? {
                    return Ok(Some(found));
                }
            }
        }
        self.inner.account(tenant, login_name).await
    }

    async fn account_of(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Account>, StoreError> {
        self.inner.account_of(tenant, user).await
    }

    async fn change_credential(
        &self,
        tenant: &TenantId,
        user: &UserId,
        based_on: Epoch,
        change: &CredentialChange,
        audit: &[AuditEvent],
    ) -> Result<CredentialChanged, StoreError> {
        let now = self.inner.account_of(tenant, user).await?.map_or(based_on, |account| account.epoch);
        let based_on = if self.has(Fault::ForgetsTheEpoch) { now } else { based_on };
        let changed = self.inner.change_credential(tenant, user, based_on, change, audit).await?;
        Ok(match changed {
            CredentialChanged::Done(_) if self.has(Fault::KeepsTheEpoch) => CredentialChanged::Done(based_on),
            CredentialChanged::LastSuperAdmin if self.has(Fault::DemotesTheLast) => CredentialChanged::Done(now + 1),
            changed => changed,
        })
    }

    async fn rehash(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<(), StoreError> {
        let now = self.inner.account_of(tenant, user).await?.and_then(|account| account.password);
        let before = now.filter(|_| self.has(Fault::RehashesAnything)).unwrap_or_else(|| before.clone());
        self.inner.rehash(tenant, user, &before, after).await
    }

    async fn open_session(&self, session: &Session, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let mut session = session.clone();
        if self.has(Fault::OpensSessionsOfEarlierEpochs) {
            let account = self.inner.account_of(&session.tenant, &session.user).await?;
            session.epoch = account.map_or(session.epoch, |account| account.epoch);
        }
        self.inner.open_session(&session, audit).await
    }

    async fn session(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Principal)>, StoreError> {
        let now = if self.has(Fault::IgnoresTheEndOfSessions) { now - TimeDelta::hours(1) } else { now };
        self.inner.session(digest, now).await
    }

    async fn touch_session(&self, id: Uuid, seen_at: DateTime<Utc>) -> Result<(), StoreError> {
        if self.has(Fault::ForgetsUses) { Ok(()) } else { self.inner.touch_session(id, seen_at).await }
    }

    async fn sessions(&self, tenant: &TenantId, user: &UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        self.inner.sessions(tenant, user, now).await
    }

    async fn end_session(
        &self,
        tenant: &TenantId,
        user: &UserId,
        id: Uuid,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        if self.has(Fault::EndsAnybodysSession) {
            for user in ["u", "other"].into_iter().filter_map(|id| id.parse().ok()) {
                if self.inner.end_session(tenant, &user, id, audit).await? {
                    return Ok(true);
                }
            }
        }
        self.inner.end_session(tenant, user, id, audit).await
    }

    async fn add_link(&self, link: &OneTimeLink, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        if self.has(Fault::KeepsEarlierLinks) {
            return Ok(true);
        }
        self.inner.add_link(link, audit).await
    }

    async fn links_to_send(
        &self,
        now: DateTime<Utc>,
        busy_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OneTimeLink>, StoreError> {
        let busy_until = if self.has(Fault::SendsLinksTwice) { now } else { busy_until };
        self.inner.links_to_send(now, busy_until, limit).await
    }

    async fn arm_link(&self, id: Uuid, digest: &TokenDigest) -> Result<bool, StoreError> {
        if self.has(Fault::KeepsTheFirstToken) && self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            return Ok(true);
        }
        self.inner.arm_link(id, digest).await
    }

    async fn link_sent(&self, id: Uuid, next_try: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        self.inner.link_sent(id, next_try).await
    }

    async fn link(&self, digest: &TokenDigest, now: DateTime<Utc>) -> Result<Option<OneTimeLink>, StoreError> {
        self.inner.link(digest, now).await
    }

    async fn redeem_link(
        &self,
        digest: &TokenDigest,
        password: &PasswordHash,
        now: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Option<Epoch>, StoreError> {
        let used = self.inner.redeem_link(digest, password, now, audit).await?;
        Ok(used.or(self.has(Fault::KeepsUsedLinks).then_some(1)))
    }

    async fn add_key(&self, key: &IssuedKey, most: u32, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let most = if self.has(Fault::IssuesKeysWithoutEnd) { u32::MAX } else { most };
        self.inner.add_key(key, most, audit).await
    }

    async fn key(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(IssuedKey, Option<Principal>)>, StoreError> {
        self.inner.key(digest, now).await
    }

    async fn keys(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<IssuedKey>, StoreError> {
        let mut keys = self.inner.keys(tenant, user, after, limit).await?;
        if self.has(Fault::ListsKeysOldestFirst) {
            keys.reverse();
        }
        Ok(keys)
    }

    async fn touch_key(&self, id: Uuid, used_at: DateTime<Utc>) -> Result<(), StoreError> {
        self.inner.touch_key(id, used_at).await
    }

    async fn revoke_key(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        id: Uuid,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        let user = user.filter(|_| !self.has(Fault::RevokesAnybodysKey));
        self.inner.revoke_key(tenant, user, id, at, audit).await
    }

    async fn rotate_key(
        &self,
        id: Uuid,
        with: &IssuedKey,
        until: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        let until = if self.has(Fault::ForgetsTheOverlap) { with.created_at } else { until };
        self.inner.rotate_key(id, with, until, audit).await
    }

    async fn admit(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Admitted, StoreError> {
        if self.has(Fault::AdmitsEverything) {
            return Ok(Admitted::Yes);
        }
        if self.has(Fault::CountsInOneBucket) {
            let mut last = Admitted::Yes;
            for bucket in buckets {
                if let refused @ Admitted::NotBefore(_) = self.inner.admit(std::slice::from_ref(bucket), now).await? {
                    last = refused;
                }
            }
            return Ok(last);
        }
        self.inner.admit(buckets, now).await
    }

    async fn refund(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        if self.has(Fault::RefundsNothing) { Ok(()) } else { self.inner.refund(buckets).await }
    }

    async fn sweep(&self, now: DateTime<Utc>) -> Result<Swept, StoreError> {
        if self.has(Fault::SweepsNothing) {
            return Ok(Swept::default());
        }
        self.inner.sweep(now).await
    }
}
