//! Accounts in tables. Whoever changes what hangs on a user holds the user's row, so that no session, link or key is made
//! of what another transaction ends.

mod accounts;
mod keys;
mod links;
mod sessions;
mod throttle;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(super) use accounts::{end_sessions, is_last_super_admin, write};
pub(super) use links::insert as insert_link;

use super::SqlStore;
use super::fault::again;
use crate::audit::AuditEvent;
use crate::auth::{
    Account, Admitted, AuthStore, Bucket, CredentialChange, CredentialChanged, Epoch, IssuedKey, NewAccount,
    OneTimeLink, PasswordHash, Principal, Session, Swept, TokenDigest,
};
use crate::ids::{TenantId, UserId};
use crate::store::StoreError;
use crate::tenants::Revision;
use crate::users::Inserted;

#[async_trait]
impl AuthStore for SqlStore {
    async fn add_account(
        &self,
        revision: Revision,
        account: NewAccount<'_>,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        again!(super::users::insert(&self.db, revision, account, audit))
    }

    async fn account(&self, tenant: &TenantId, login_name: &str) -> Result<Option<Account>, StoreError> {
        again!(accounts::named(&self.db, tenant, login_name))
    }

    async fn account_of(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Account>, StoreError> {
        again!(accounts::find(&self.db.reader, tenant, user))
    }

    async fn change_credential(
        &self,
        tenant: &TenantId,
        user: &UserId,
        based_on: Epoch,
        change: &CredentialChange,
        audit: &[AuditEvent],
    ) -> Result<CredentialChanged, StoreError> {
        again!(accounts::change(&self.db, tenant, user, based_on, change, audit))
    }

    async fn rehash(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<(), StoreError> {
        again!(accounts::rehash(&self.db, tenant, user, before, after))
    }

    async fn open_session(&self, session: &Session, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        again!(sessions::open(&self.db, session, audit))
    }

    async fn session(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Principal)>, StoreError> {
        again!(sessions::find(&self.db, digest, now))
    }

    async fn touch_session(&self, id: Uuid, seen_at: DateTime<Utc>) -> Result<(), StoreError> {
        again!(sessions::touch(&self.db, id, seen_at))
    }

    async fn sessions(&self, tenant: &TenantId, user: &UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        again!(sessions::list(&self.db, tenant, user, now))
    }

    async fn end_session(
        &self,
        tenant: &TenantId,
        user: &UserId,
        id: Uuid,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        again!(sessions::end(&self.db, tenant, user, id, audit))
    }

    async fn add_link(&self, link: &OneTimeLink, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        again!(links::add(&self.db, link, audit))
    }

    async fn links_to_send(
        &self,
        now: DateTime<Utc>,
        busy_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OneTimeLink>, StoreError> {
        again!(links::due(&self.db, now, busy_until, limit))
    }

    async fn arm_link(&self, id: Uuid, digest: &TokenDigest) -> Result<bool, StoreError> {
        again!(links::arm(&self.db, id, digest))
    }

    async fn link_sent(&self, id: Uuid, next_try: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        again!(links::sent(&self.db, id, next_try))
    }

    async fn link(&self, digest: &TokenDigest, now: DateTime<Utc>) -> Result<Option<OneTimeLink>, StoreError> {
        again!(links::find(&self.db.reader, digest, now))
    }

    async fn redeem_link(
        &self,
        digest: &TokenDigest,
        password: &PasswordHash,
        now: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Option<Epoch>, StoreError> {
        again!(links::redeem(&self.db, digest, password, now, audit))
    }

    async fn add_key(&self, key: &IssuedKey, most: u32, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        again!(keys::add(&self.db, key, most, audit))
    }

    async fn key(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(IssuedKey, Option<Principal>)>, StoreError> {
        again!(keys::find(&self.db, digest, now))
    }

    async fn keys(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<IssuedKey>, StoreError> {
        again!(keys::list(&self.db, tenant, user, after, limit))
    }

    async fn touch_key(&self, id: Uuid, used_at: DateTime<Utc>) -> Result<(), StoreError> {
        again!(keys::touch(&self.db, id, used_at))
    }

    async fn revoke_key(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        id: Uuid,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        again!(keys::revoke(&self.db, tenant, user, id, at, audit))
    }

    async fn rotate_key(
        &self,
        id: Uuid,
        with: &IssuedKey,
        until: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        again!(keys::rotate(&self.db, id, with, until, audit))
    }

    async fn admit(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Admitted, StoreError> {
        again!(throttle::admit(&self.db, buckets, now))
    }

    async fn refund(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        again!(throttle::refund(&self.db, buckets))
    }

    async fn sweep(&self, now: DateTime<Utc>) -> Result<Swept, StoreError> {
        again!(throttle::sweep(&self.db, now))
    }
}
