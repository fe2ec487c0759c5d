//! What the logic of accounts asks of a store.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Account, Admitted, Bucket, CredentialChange, CredentialChanged, Epoch, IssuedKey, NewAccount, OneTimeLink,
    PasswordHash, Principal, Session, TokenDigest,
};
use crate::audit::AuditEvent;
use crate::ids::{TenantId, UserId};
use crate::store::StoreError;
use crate::tenants::Revision;
use crate::users::Inserted;

/// How many rows of each kind a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions that were over.
    pub sessions: u64,
    /// Links that had ended.
    pub links: u64,
    /// Buckets that had run empty.
    pub buckets: u64,
}

/// Keeps accounts, sessions, one-time links, keys of programs, and what throttling counts. All of it goes with its user, and
/// a user that is made inactive begins a new [`Epoch`].
///
/// Every operation is one transaction, and the audit events given to it are written in it.
#[async_trait]
pub trait AuthStore: Send + Sync + 'static {
    /// Adds a user with its credential, its link and its message, as
    /// [`insert_user`](crate::users::UserStore::insert_user) adds one without.
    async fn add_account(
        &self,
        revision: Revision,
        account: NewAccount<'_>,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError>;

    /// The account with a login name.
    async fn account(&self, tenant: &TenantId, login_name: &str) -> Result<Option<Account>, StoreError>;

    /// The account of a user. A user that was made without a credential has one without a password, in epoch 0.
    async fn account_of(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Account>, StoreError>;

    /// Changes a credential that is still in epoch `based_on`. All sessions and links of the account end in the same
    /// transaction. Its keys stay: what they may do follows their owner's access.
    async fn change_credential(
        &self,
        tenant: &TenantId,
        user: &UserId,
        based_on: Epoch,
        change: &CredentialChange,
        audit: &[AuditEvent],
    ) -> Result<CredentialChanged, StoreError>;

    /// Puts the same password in a newer stored form. Nothing happens if it is not `before` any more.
    async fn rehash(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<(), StoreError>;

    /// Opens a session and notes the login in the user's row, unless the account is in another epoch or inactive.
    async fn open_session(&self, session: &Session, audit: &[AuditEvent]) -> Result<bool, StoreError>;

    /// The session of a token and whose it is, if it is not over, its account is in the same epoch and active, and its
    /// tenant is in use at `now`.
    async fn session(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Principal)>, StoreError>;

    /// Notes that a session was used.
    async fn touch_session(&self, id: Uuid, seen_at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The open sessions of a user, the one used last first.
    async fn sessions(&self, tenant: &TenantId, user: &UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError>;

    /// Ends one session of a user; `false` if there is none such.
    async fn end_session(
        &self,
        tenant: &TenantId,
        user: &UserId,
        id: Uuid,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError>;

    /// Promises a link, unless the account is in another epoch. Earlier links of the user for the same purpose end.
    async fn add_link(&self, link: &OneTimeLink, audit: &[AuditEvent]) -> Result<bool, StoreError>;

    /// Links that wait to be sent, the longest waiting first, and marks them as being tried until `busy_until`, so that
    /// two processes do not send the same one.
    async fn links_to_send(
        &self,
        now: DateTime<Utc>,
        busy_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OneTimeLink>, StoreError>;

    /// Gives a link its token, before it is sent.
    async fn arm_link(&self, id: Uuid, digest: &TokenDigest) -> Result<bool, StoreError>;

    /// Notes how sending went: `None`, it is done; otherwise when it is tried again.
    async fn link_sent(&self, id: Uuid, next_try: Option<DateTime<Utc>>) -> Result<(), StoreError>;

    /// The link of a token, if it has not ended and its account is in the same epoch.
    async fn link(&self, digest: &TokenDigest, now: DateTime<Utc>) -> Result<Option<OneTimeLink>, StoreError>;

    /// Uses a link up and sets the password, both or neither; `None` if the link is worth nothing any more.
    async fn redeem_link(
        &self,
        digest: &TokenDigest,
        password: &PasswordHash,
        now: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Option<Epoch>, StoreError>;

    /// Adds a key, if its owner has fewer than `most` that work.
    async fn add_key(&self, key: &IssuedKey, most: u32, audit: &[AuditEvent]) -> Result<bool, StoreError>;

    /// The key with a digest and in whose name it acts, whether it still works or not. `None` as principal: the owner
    /// is inactive, or the tenant is not in use at `now`.
    async fn key(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(IssuedKey, Option<Principal>)>, StoreError>;

    /// The keys of a user, or of a whole tenant, newest first, after `after`.
    async fn keys(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<IssuedKey>, StoreError>;

    /// Notes that a key was used.
    async fn touch_key(&self, id: Uuid, used_at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Revokes a key at once; `false` if there is none such that works. `user`: only if it is theirs.
    async fn revoke_key(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        id: Uuid,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError>;

    /// Puts `with` in the place of a key, which goes on working until `until`; `false` if there is none such that works.
    async fn rotate_key(
        &self,
        id: Uuid,
        with: &IssuedKey,
        until: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError>;

    /// Counts a try in all buckets, or in none.
    async fn admit(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Admitted, StoreError>;

    /// Takes a try back that turned out to be no guess.
    async fn refund(&self, buckets: &[Bucket]) -> Result<(), StoreError>;

    /// Removes what has ended.
    async fn sweep(&self, now: DateTime<Utc>) -> Result<Swept, StoreError>;
}
