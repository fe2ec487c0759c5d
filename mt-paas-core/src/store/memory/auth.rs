//! Accounts in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{MemoryStore, State};
use crate::audit::AuditEvent;
use crate::auth::{
    Access, Account, Admitted, AuthStore, Bucket, Credential, CredentialChange, CredentialChanged, Epoch, IssuedKey,
    NewAccount, OneTimeLink, PaidUntil, PasswordHash, Principal, Session, Swept, TokenDigest,
};
use crate::ids::{TenantId, UserId};
use crate::standard_api::{TenantStatus, UserStatus};
use crate::store::StoreError;
use crate::tenants::{Revision, current};
use crate::users::{Inserted, User};

type Person = (TenantId, UserId);

/// What hangs on users.
#[derive(Debug, Default)]
pub(super) struct Auth {
    credentials: HashMap<Person, (Credential, Epoch)>,
    sessions: HashMap<TokenDigest, Session>,
    links: BTreeMap<Uuid, OneTimeLink>,
    keys: BTreeMap<Uuid, IssuedKey>,
    paid: HashMap<String, PaidUntil>,
}

impl Auth {
    /// Removes everything of a user, or of all users of a tenant.
    pub(super) fn forget(&mut self, tenant: &TenantId, user: Option<&UserId>) {
        let theirs = |of: &TenantId, who: &UserId| of == tenant && user.is_none_or(|user| who == user);
        self.credentials.retain(|(of, who), _| !theirs(of, who));
        self.sessions.retain(|_, session| !theirs(&session.tenant, &session.user));
        self.links.retain(|_, link| !theirs(&link.tenant, &link.user));
        self.keys.retain(|_, key| !theirs(&key.tenant, &key.user));
    }

    /// Begins a new epoch of a user.
    pub(super) fn end_sessions(&mut self, tenant: &TenantId, user: &UserId) {
        self.credential(tenant, user).1 += 1;
        self.forget_opened(tenant, user);
    }

    fn credential(&mut self, tenant: &TenantId, user: &UserId) -> &mut (Credential, Epoch) {
        self.credentials.entry((tenant.clone(), user.clone())).or_insert((Credential::NONE, 0))
    }

    fn forget_opened(&mut self, tenant: &TenantId, user: &UserId) {
        self.sessions.retain(|_, session| (&session.tenant, &session.user) != (tenant, user));
        self.links.retain(|_, link| (&link.tenant, &link.user) != (tenant, user));
    }
}

impl State {
    fn account_of(&self, user: &User) -> Account {
        let person = (user.tenant.clone(), user.id.clone());
        let (credential, epoch) = self.auth.credentials.get(&person).cloned().unwrap_or((Credential::NONE, 0));
        let Credential { access, password, must_change } = credential;
        Account { user: user.clone(), access, password, must_change, epoch }
    }

    fn account(&self, tenant: &TenantId, user: &UserId) -> Option<Account> {
        Some(self.account_of(self.users.get(tenant)?.get(user)?))
    }

    /// Whoever may act now: active, in a tenant that is in use.
    fn principal(&self, tenant: &TenantId, user: &UserId, now: DateTime<Utc>) -> Option<(Principal, Epoch)> {
        let in_use = self.tenants.get(tenant).is_some_and(|row| current(row, now).0 == TenantStatus::Active);
        let account = self.account(tenant, user).filter(|account| account.user.status == UserStatus::Active)?;
        in_use.then(|| (Principal::of(&account), account.epoch))
    }

    fn change(&mut self, account: &Account) {
        let Account { user, access, password, must_change, epoch } = account;
        let credential = Credential { access: *access, password: password.clone(), must_change: *must_change };
        *self.auth.credential(&user.tenant, &user.id) = (credential, *epoch);
        self.auth.forget_opened(&user.tenant, &user.id);
    }

    /// Whether nobody would be left who can make administrators.
    pub(super) fn is_last_super_admin(&self, user: &User) -> bool {
        self.account_of(user).access == Access::SuperAdmin && !self.others_make_administrators(user)
    }

    fn others_make_administrators(&self, than: &User) -> bool {
        let users = self.users.get(&than.tenant).into_iter().flat_map(BTreeMap::values);
        let others = users.filter(|user| user.id != than.id && user.status == UserStatus::Active);
        others.map(|user| self.account_of(user)).any(|other| other.access == Access::SuperAdmin)
    }

    fn link_of(&self, digest: &TokenDigest, now: DateTime<Utc>) -> Option<OneTimeLink> {
        let link = self.auth.links.values().find(|link| link.digest.as_ref() == Some(digest))?;
        let (_, epoch) = self.principal(&link.tenant, &link.user, now)?;
        (link.expires_at > now && link.epoch == epoch).then(|| link.clone())
    }
}

#[async_trait]
impl AuthStore for MemoryStore {
    async fn add_account(
        &self,
        revision: Revision,
        account: NewAccount<'_>,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        let mut state = self.state();
        let inserted = state.insert(revision, account, audit)?;
        if inserted == Inserted::Done {
            let NewAccount { user, credential, link, .. } = account;
            *state.auth.credential(&user.tenant, &user.id) = (credential.clone(), 0);
            state.auth.links.extend(link.map(|link| (link.id, link.clone())));
        }
        Ok(inserted)
    }

    async fn account(&self, tenant: &TenantId, login_name: &str) -> Result<Option<Account>, StoreError> {
        let state = self.state();
        let users = state.users.get(tenant).into_iter().flat_map(BTreeMap::values);
        Ok(users.filter(|user| user.login_name == login_name).map(|user| state.account_of(user)).next())
    }

    async fn account_of(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.state().account(tenant, user))
    }

    async fn change_credential(
        &self,
        tenant: &TenantId,
        user: &UserId,
        based_on: Epoch,
        change: &CredentialChange,
        audit: &[AuditEvent],
    ) -> Result<CredentialChanged, StoreError> {
        let mut state = self.state();
        let Some(mut account) = state.account(tenant, user) else { return Ok(CredentialChanged::Missing) };
        if account.epoch != based_on {
            return Ok(CredentialChanged::Stale);
        }
        if change.demotes(&account) && !state.others_make_administrators(&account.user) {
            return Ok(CredentialChanged::LastSuperAdmin);
        }
        state.audit.add(audit)?;
        change.apply(&mut account);
        state.change(&account);
        Ok(CredentialChanged::Done(account.epoch))
    }

    async fn rehash(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let credential = state.auth.credentials.get_mut(&(tenant.clone(), user.clone()));
        if let Some((credential, _)) = credential.filter(|(known, _)| known.password.as_ref() == Some(before)) {
            credential.password = Some(after.clone());
        }
        Ok(())
    }

    async fn open_session(&self, session: &Session, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Session { tenant, user, created_at, .. } = session;
        let who = state.principal(tenant, user, *created_at);
        if who.is_none_or(|(_, epoch)| epoch != session.epoch) {
            return Ok(false);
        }
        state.audit.add(audit)?;
        if let Some(user) = state.users.get_mut(tenant).and_then(|users| users.get_mut(user)) {
            user.last_login = Some(*created_at);
        }
        state.auth.sessions.insert(session.digest, session.clone());
        Ok(true)
    }

    async fn session(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Principal)>, StoreError> {
        let state = self.state();
        let Some(session) = state.auth.sessions.get(digest).filter(|session| !session.is_over(now)) else {
            return Ok(None);
        };
        let who = state.principal(&session.tenant, &session.user, now);
        Ok(who.filter(|(_, epoch)| *epoch == session.epoch).map(|(who, _)| (session.clone(), who)))
    }

    async fn touch_session(&self, id: Uuid, seen_at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(session) = state.auth.sessions.values_mut().find(|session| session.id == id) {
            session.seen_at = session.seen_at.max(seen_at);
        }
        Ok(())
    }

    async fn sessions(&self, tenant: &TenantId, user: &UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        let state = self.state();
        let epoch = state.account(tenant, user).map(|account| account.epoch);
        let open = |session: &&Session| {
            (&session.tenant, &session.user) == (tenant, user) && Some(session.epoch) == epoch && !session.is_over(now)
        };
        let mut found: Vec<Session> = state.auth.sessions.values().filter(open).cloned().collect();
        found.sort_by_key(|session| (std::cmp::Reverse(session.seen_at), session.id));
        Ok(found)
    }

    async fn end_session(
        &self,
        tenant: &TenantId,
        user: &UserId,
        id: Uuid,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let theirs = |session: &&Session| (&session.tenant, &session.user, session.id) == (tenant, user, id);
        let Some(digest) = state.auth.sessions.values().find(theirs).map(|session| session.digest) else {
            return Ok(false);
        };
        state.audit.add(audit)?;
        state.auth.sessions.remove(&digest);
        Ok(true)
    }

    async fn add_link(&self, link: &OneTimeLink, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let mut state = self.state();
        let account = state.account(&link.tenant, &link.user);
        if account.is_none_or(|account| account.epoch != link.epoch) {
            return Ok(false);
        }
        state.audit.add(audit)?;
        let same = |other: &OneTimeLink| {
            (&other.tenant, &other.user, other.purpose) == (&link.tenant, &link.user, link.purpose)
        };
        state.auth.links.retain(|_, other| !same(other));
        state.auth.links.insert(link.id, link.clone());
        Ok(true)
    }

    async fn links_to_send(
        &self,
        now: DateTime<Utc>,
        busy_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OneTimeLink>, StoreError> {
        let mut state = self.state();
        let due = |link: &&mut OneTimeLink| link.next_try.is_some_and(|at| at <= now) && link.expires_at > now;
        let mut due: Vec<&mut OneTimeLink> = state.auth.links.values_mut().filter(due).collect();
        due.sort_by_key(|link| (link.next_try, link.id));
        due.truncate(limit as usize);
        let mark = |link: &mut OneTimeLink| {
            link.next_try = Some(busy_until);
            link.clone()
        };
        Ok(due.into_iter().map(mark).collect())
    }

    async fn arm_link(&self, id: Uuid, digest: &TokenDigest) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(link) = state.auth.links.get_mut(&id) else { return Ok(false) };
        link.digest = Some(*digest);
        Ok(true)
    }

    async fn link_sent(&self, id: Uuid, next_try: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        if let Some(link) = self.state().auth.links.get_mut(&id) {
            link.failures += u32::from(next_try.is_some());
            link.next_try = next_try;
        }
        Ok(())
    }

    async fn link(&self, digest: &TokenDigest, now: DateTime<Utc>) -> Result<Option<OneTimeLink>, StoreError> {
        Ok(self.state().link_of(digest, now))
    }

    async fn redeem_link(
        &self,
        digest: &TokenDigest,
        password: &PasswordHash,
        now: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Option<Epoch>, StoreError> {
        let mut state = self.state();
        let Some(link) = state.link_of(digest, now) else { return Ok(None) };
        let Some(mut account) = state.account(&link.tenant, &link.user) else { return Ok(None) };
        state.audit.add(audit)?;
        CredentialChange::Password { password: password.clone(), must_change: false }.apply(&mut account);
        state.change(&account);
        Ok(Some(account.epoch))
    }

    async fn add_key(&self, key: &IssuedKey, most: u32, audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let mut state = self.state();
        let theirs = |other: &&IssuedKey| (&other.tenant, &other.user) == (&key.tenant, &key.user);
        let works = |other: &&IssuedKey| other.works(key.created_at);
        let count = state.auth.keys.values().filter(theirs).filter(works).count();
        if state.account(&key.tenant, &key.user).is_none() || count >= most as usize {
            return Ok(false);
        }
        state.audit.add(audit)?;
        state.auth.keys.insert(key.id, key.clone());
        Ok(true)
    }

    async fn key(
        &self,
        digest: &TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Option<(IssuedKey, Option<Principal>)>, StoreError> {
        let state = self.state();
        let Some(key) = state.auth.keys.values().find(|key| key.digest == *digest) else { return Ok(None) };
        Ok(Some((key.clone(), state.principal(&key.tenant, &key.user, now).map(|(who, _)| who))))
    }

    async fn keys(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<IssuedKey>, StoreError> {
        let state = self.state();
        let keys = state.auth.keys.values().rev().filter(|key| after.is_none_or(|after| key.id < after));
        let theirs = keys.filter(|key| key.tenant == *tenant && user.is_none_or(|user| key.user == *user));
        Ok(theirs.take(limit as usize).cloned().collect())
    }

    async fn touch_key(&self, id: Uuid, used_at: DateTime<Utc>) -> Result<(), StoreError> {
        if let Some(key) = self.state().auth.keys.get_mut(&id) {
            key.used_at = key.used_at.max(Some(used_at));
        }
        Ok(())
    }

    async fn revoke_key(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        id: Uuid,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let theirs =
            |key: &IssuedKey| key.tenant == *tenant && user.is_none_or(|user| key.user == *user) && key.works(at);
        if !state.auth.keys.get(&id).is_some_and(theirs) {
            return Ok(false);
        }
        state.audit.add(audit)?;
        if let Some(key) = state.auth.keys.get_mut(&id) {
            key.revoked_at = Some(at);
        }
        Ok(true)
    }

    async fn rotate_key(
        &self,
        id: Uuid,
        with: &IssuedKey,
        until: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let same = |key: &IssuedKey| (&key.tenant, &key.user) == (&with.tenant, &with.user);
        if !state.auth.keys.get(&id).is_some_and(|key| same(key) && key.works(with.created_at)) {
            return Ok(false);
        }
        state.audit.add(audit)?;
        if let Some(key) = state.auth.keys.get_mut(&id) {
            key.expires_at = Some(key.expires_at.map_or(until, |end| end.min(until)));
            key.replaced_by = Some(with.id);
        }
        state.auth.keys.insert(with.id, with.clone());
        Ok(true)
    }

    async fn admit(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Admitted, StoreError> {
        let mut state = self.state();
        let paid = |bucket: &Bucket| bucket.rate.admit(state.auth.paid.get(&bucket.subject).copied(), now);
        let tried: Vec<_> = buckets.iter().map(paid).collect();
        if let Some(not_before) = tried.iter().filter_map(|tried| tried.err()).max() {
            return Ok(Admitted::NotBefore(not_before));
        }
        for (bucket, until) in buckets.iter().zip(tried.into_iter().flatten()) {
            state.auth.paid.insert(bucket.subject.clone(), until);
        }
        Ok(Admitted::Yes)
    }

    async fn refund(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        let mut state = self.state();
        for bucket in buckets {
            if let Some(until) = state.auth.paid.get_mut(&bucket.subject) {
                *until = bucket.rate.refund(*until);
            }
        }
        Ok(())
    }

    async fn sweep(&self, now: DateTime<Utc>) -> Result<Swept, StoreError> {
        let auth = &mut self.state().auth;
        let before = (auth.sessions.len(), auth.links.len(), auth.paid.len());
        auth.sessions.retain(|_, session| !session.is_over(now));
        auth.links.retain(|_, link| link.expires_at > now);
        auth.paid.retain(|_, until| *until > now);
        let gone = |before: usize, after: usize| (before - after) as u64;
        Ok(Swept {
            sessions: gone(before.0, auth.sessions.len()),
            links: gone(before.1, auth.links.len()),
            buckets: gone(before.2, auth.paid.len()),
        })
    }
}
