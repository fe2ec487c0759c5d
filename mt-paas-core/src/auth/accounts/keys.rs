//! Keys of programs: made, checked, replaced, revoked.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Accounts;
use super::sessions::TOUCHED;
use crate::audit::{Actor, ActorKind, action};
use crate::auth::{Access, AuthError, ClientKey, IssuedKey, KeyPurpose, KeyRefused, LoggedIn, Principal};
use crate::ids::{TenantId, UserId};
use crate::store::StoreError;

/// How long a key that was replaced goes on working at most.
const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);
/// Characters of a key's name.
const NAME: usize = 100;

/// A key that somebody wants.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What its owner calls it: 1 to 100 characters.
    pub name: String,
    /// What it is for: [`KeyPurpose::Live`] or [`KeyPurpose::Test`].
    pub purpose: KeyPurpose,
    /// What it may do, of the [scopes](Accounts::scopes) that there are.
    pub scopes: BTreeSet<String>,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A program with a key, and in whose name it acts.
#[derive(Debug, Clone)]
pub struct KeyHolder {
    /// The key, as it is stored.
    pub key: IssuedKey,
    /// Whose it is.
    pub principal: Principal,
    /// What it may do: of the key's scopes those that its owner's access allows at the moment.
    pub scopes: BTreeSet<String>,
}

impl KeyHolder {
    /// Lets pass a key with a scope.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Scope`].
    pub fn demand(&self, scope: &str) -> Result<(), AuthError> {
        if self.scopes.contains(scope) { Ok(()) } else { Err(KeyRefused::Scope.into()) }
    }

    /// The key as the audit trail calls it.
    pub fn actor(&self) -> Actor {
        Actor::new(ActorKind::ClientKey, self.key.id.to_string())
    }
}

/// What a process remembers of a key.
pub(super) type Remembered = Result<Arc<KeyHolder>, KeyRefused>;

impl Accounts {
    /// Makes a key for somebody. It is shown here and never again.
    ///
    /// # Errors
    ///
    /// [`AuthError::Invalid`]; [`AuthError::NotAllowed`] for a scope that needs more than its owner's access;
    /// [`AuthError::TooManyKeys`].
    pub async fn make_key(&self, by: &LoggedIn, new: &NewKey) -> Result<(ClientKey, IssuedKey), AuthError> {
        by.principal.ready()?;
        let now = self.now();
        if new.name.trim().is_empty() || new.name.chars().count() > NAME || new.name.chars().any(char::is_control) {
            return Err(AuthError::field(&["body", "name"], format!("must be 1 to {NAME} characters in one line")));
        }
        if !matches!(new.purpose, KeyPurpose::Live | KeyPurpose::Test) {
            return Err(AuthError::field(&["body", "purpose"], "must be live or test"));
        }
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthError::field(&["body", "expires_at"], "must be in the future"));
        }
        for scope in &new.scopes {
            match self.0.scopes.get(scope) {
                None => return Err(AuthError::field(&["body", "scopes"], "names a scope that there is not")),
                Some(needs) if by.principal.access < *needs => return Err(AuthError::NotAllowed),
                Some(_) => {}
            }
        }
        let (shown, key) = issue(by.principal.tenant.clone(), by.principal.user.clone(), new, now);
        let told =
            self.told(&by.principal, action::CLIENT_KEY_CREATE, &key.tenant).on("client_key", key.id.to_string());
        let scopes = new.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        if !self.0.store.add_key(&key, self.0.most_keys, &[told.detail("scopes", scopes)]).await? {
            return Err(AuthError::TooManyKeys(self.0.most_keys));
        }
        Ok((shown, key))
    }

    /// Who shows this key. What is found is at most [`FRESH`](Self::FRESH) old.
    ///
    /// # Errors
    ///
    /// [`AuthError::Key`] says what is wrong with it, and [`AuthError::MustChangePassword`] with its owner. A mistyped key
    /// is refused without asking the store.
    pub async fn key(&self, text: &str) -> Result<Arc<KeyHolder>, AuthError> {
        let key: ClientKey = text.parse().map_err(KeyRefused::from)?;
        let digest = key.digest();
        let found = self.0.keys.get(digest, || async move {
            let now = self.now();
            let Some((key, owner)) = self.0.store.key(&digest, now).await? else { return Ok(None) };
            self.remembered(key, owner, now).await.map(Some)
        });
        let holder = found.await?.unwrap_or(Err(KeyRefused::Unknown))?;
        // It may have ended since it was read.
        match holder.key.expires_at.filter(|end| *end <= self.now()) {
            Some(end) => Err(KeyRefused::Ended(end).into()),
            None => holder.principal.ready().map(|()| holder),
        }
    }

    async fn remembered(
        &self,
        key: IssuedKey,
        owner: Option<Principal>,
        now: DateTime<Utc>,
    ) -> Result<Remembered, StoreError> {
        if let Some(at) = key.revoked_at {
            return Ok(Err(KeyRefused::Revoked(at)));
        }
        if let Some(end) = key.expires_at.filter(|end| *end <= now) {
            return Ok(Err(KeyRefused::Ended(end)));
        }
        let Some(principal) = owner else { return Ok(Err(KeyRefused::OwnerInactive)) };
        if key.used_at.is_none_or(|used| now - used >= TOUCHED) {
            self.0.store.touch_key(key.id, now).await?;
        }
        let allowed = |scope: &&String| self.0.scopes.get(*scope).is_some_and(|needs| principal.access >= *needs);
        let scopes = key.scopes.iter().filter(allowed).cloned().collect();
        Ok(Ok(Arc::new(KeyHolder { key, principal, scopes })))
    }

    /// The keys of somebody, or of a whole tenant for its administrators, the newest first, after `after`.
    ///
    /// # Errors
    ///
    /// As [`Principal::demand`] says.
    pub async fn keys(
        &self,
        by: &Principal,
        tenant: &TenantId,
        user: Option<&UserId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<IssuedKey>, AuthError> {
        self.demand_keys(by, tenant, user, Access::Viewer).await?;
        Ok(self.0.store.keys(tenant, user, after, limit).await?)
    }

    /// Revokes a key: one's own, or as an administrator any of the tenant.
    ///
    /// # Errors
    ///
    /// [`AuthError::Missing`] if there is none such that works.
    pub async fn revoke_key(&self, by: &Principal, tenant: &TenantId, id: Uuid) -> Result<(), AuthError> {
        let theirs = if by.demand(Access::Admin, tenant).is_ok() { None } else { Some(&by.user) };
        self.demand_keys(by, tenant, theirs, Access::Admin).await?;
        let told = self.told(by, action::CLIENT_KEY_REVOKE, tenant).on("client_key", id.to_string());
        let now = self.now();
        let digest = self.key_by_id(tenant, theirs, id).await?.map(|key| key.digest);
        if !self.0.store.revoke_key(tenant, theirs, id, now, &[told]).await? {
            return Err(AuthError::Missing("key"));
        }
        if let Some(digest) = digest {
            self.0.keys.forget(&digest).await;
        }
        Ok(())
    }

    /// Puts a new key in the place of one's own, which goes on working for `overlap`.
    ///
    /// # Errors
    ///
    /// [`AuthError::Missing`] if there is none such that works; [`AuthError::Invalid`] for an overlap of more than 30 days.
    pub async fn rotate_key(
        &self,
        by: &LoggedIn,
        id: Uuid,
        overlap: TimeDelta,
    ) -> Result<(ClientKey, IssuedKey), AuthError> {
        by.principal.ready()?;
        if overlap < TimeDelta::zero() || overlap > LONGEST_OVERLAP {
            return Err(AuthError::field(&["body", "overlap_hours"], "must be 0 to 720"));
        }
        let Principal { tenant, user, .. } = &by.principal;
        let (now, missing) = (self.now(), || AuthError::Missing("key"));
        let old = self.key_by_id(tenant, Some(user), id).await?.filter(|key| key.works(now)).ok_or_else(missing)?;
        let new = NewKey {
            name: old.name.clone(),
            purpose: old.purpose,
            scopes: old.scopes.clone(),
            expires_at: old.expires_at.map(|end| now + (end - old.created_at)),
        };
        let (shown, key) = issue(tenant.clone(), user.clone(), &new, now);
        let until = old.expires_at.map_or(now + overlap, |end| end.min(now + overlap));
        let told = self.told(&by.principal, action::CLIENT_KEY_ROTATE, tenant).on("client_key", id.to_string());
        if !self.0.store.rotate_key(id, &key, until, &[told.detail("with", key.id.to_string())]).await? {
            return Err(missing());
        }
        self.0.keys.forget(&old.digest).await;
        Ok((shown, key))
    }

    async fn key_by_id(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        id: Uuid,
    ) -> Result<Option<IssuedKey>, AuthError> {
        let mut after = None;
        loop {
            let page = self.0.store.keys(tenant, user, after, 500).await?;
            let Some(last) = page.last().map(|key| key.id) else { return Ok(None) };
            if let Some(key) = page.into_iter().find(|key| key.id == id) {
                return Ok(Some(key));
            }
            after = Some(last);
        }
    }

    /// One's own keys are everybody's business, those of others an administrator's.
    async fn demand_keys(
        &self,
        by: &Principal,
        tenant: &TenantId,
        user: Option<&UserId>,
        needs: Access,
    ) -> Result<(), AuthError> {
        let own = by.tenant == *tenant && user == Some(&by.user);
        if own { by.ready() } else { self.demand(by, needs, tenant).await }
    }
}

fn issue(tenant: TenantId, user: UserId, new: &NewKey, now: DateTime<Utc>) -> (ClientKey, IssuedKey) {
    let shown = ClientKey::generate(new.purpose);
    let text = shown.expose();
    let key = IssuedKey {
        id: Uuid::now_v7(),
        digest: shown.digest(),
        tenant,
        user,
        name: new.name.trim().to_owned(),
        purpose: new.purpose,
        hint: text[text.len() - 4..].to_owned(),
        scopes: new.scopes.clone(),
        created_at: now,
        expires_at: new.expires_at,
        used_at: None,
        revoked_at: None,
        replaced_by: None,
    };
    (shown, key)
}
