//! Keys of programs.

use std::collections::BTreeSet;
use std::sync::Arc;

use mt_paas_core::auth::{Access, Account, ClientKey, IssuedKey, KeyPurpose, Principal};
use mt_paas_core::standard_api::UserStatus;
use mt_paas_core::store::Store;
use uuid::Uuid;

use super::super::fixtures::{at_once, minute, noon, open};
use super::super::violation::{Violation, holds, same};
use super::{account, set_status, with_password};

super::super::tests!("auth":
    a_key_reads_back_with_whom_it_acts_for,
    nobody_has_more_keys_than_allowed,
    a_revoked_key_is_told_from_one_that_never_was,
    a_key_is_revoked_by_its_tenant_and_owner_only,
    a_rotated_key_works_until_the_overlap_ends,
    keys_are_listed_newest_first_page_by_page,
    a_key_goes_with_its_owner,
);

type Subject = Arc<dyn Store>;

fn key(account: &Account, id: u128) -> IssuedKey {
    let made = ClientKey::generate(KeyPurpose::Live);
    IssuedKey {
        id: Uuid::from_u128(id),
        digest: made.digest(),
        tenant: account.user.tenant.clone(),
        user: account.user.id.clone(),
        name: "배치 작업 \"1\"".to_owned(),
        purpose: made.purpose(),
        hint: made.shown(),
        scopes: BTreeSet::from(["chat".to_owned(), "읽기,\"".to_owned()]),
        created_at: noon(),
        expires_at: None,
        used_at: None,
        revoked_at: None,
        replaced_by: None,
    }
}

async fn owner(store: &dyn Store, id: &str) -> Result<Account, Violation> {
    let tenant = open(store, id).await?;
    account(store, &tenant, "u", &with_password(1, Access::User)?).await
}

async fn issue(store: &dyn Store, key: &IssuedKey) -> Result<(), Violation> {
    holds!(store.add_key(key, 100, &[]).await?, "a key was refused");
    Ok(())
}

async fn read(store: &dyn Store, key: &IssuedKey) -> Result<IssuedKey, Violation> {
    let found = store.key(&key.digest, minute(1)).await?;
    found.map(|(key, _)| key).ok_or_else(|| Violation::new("a key is not there"))
}

async fn a_key_reads_back_with_whom_it_acts_for(store: Subject) -> Result<(), Violation> {
    let known = owner(&*store, "t").await?;
    for (id, purpose) in (1..).zip(KeyPurpose::ALL) {
        let key = IssuedKey { purpose, expires_at: Some(minute(9)), used_at: Some(minute(2)), ..key(&known, id) };
        issue(&*store, &key).await?;
        same!(store.key(&key.digest, minute(1)).await?, Some((key, Some(Principal::of(&known)))), "the key");
    }
    same!(store.key(&key(&known, 9).digest, minute(1)).await?, None, "a key that never was");
    Ok(())
}

async fn nobody_has_more_keys_than_allowed(store: Subject) -> Result<(), Violation> {
    let known = owner(&*store, "t").await?;
    let many = (0..8).map(|id| {
        let key = key(&known, id);
        move |store: Subject| async move { Ok(store.add_key(&key, 3, &[]).await?) }
    });
    let made = at_once(&store, many).await?.into_iter().filter(|made| *made).count();
    holds!(made == 3, "of 3 keys that are allowed {made} were made");
    // One that has ended does not count.
    let some = store.keys(&known.user.tenant, None, None, 9).await?;
    store.revoke_key(&known.user.tenant, None, some[0].id, minute(1), &[]).await?;
    let late = IssuedKey { created_at: minute(2), ..key(&known, 99) };
    holds!(store.add_key(&late, 3, &[]).await?, "a revoked key still counts");
    Ok(())
}

async fn a_revoked_key_is_told_from_one_that_never_was(store: Subject) -> Result<(), Violation> {
    let known = owner(&*store, "t").await?;
    let key = key(&known, 1);
    issue(&*store, &key).await?;
    holds!(store.revoke_key(&key.tenant, None, key.id, minute(1), &[]).await?, "the key was not revoked");
    holds!(!store.revoke_key(&key.tenant, None, key.id, minute(2), &[]).await?, "the key was revoked twice");
    same!(read(&*store, &key).await?.revoked_at, Some(minute(1)), "when it was revoked");
    Ok(())
}

async fn a_key_is_revoked_by_its_tenant_and_owner_only(store: Subject) -> Result<(), Violation> {
    let (known, other) = (owner(&*store, "t").await?, owner(&*store, "other").await?);
    let key = key(&known, 1);
    issue(&*store, &key).await?;
    let (strange, nobody) = (&other.user.tenant, "nobody".parse()?);
    holds!(!store.revoke_key(strange, None, key.id, minute(1), &[]).await?, "another tenant revoked the key");
    holds!(!store.revoke_key(&key.tenant, Some(&nobody), key.id, minute(1), &[]).await?, "another user revoked it");
    holds!(store.revoke_key(&key.tenant, Some(&key.user), key.id, minute(1), &[]).await?, "its owner could not");
    Ok(())
}

async fn a_rotated_key_works_until_the_overlap_ends(store: Subject) -> Result<(), Violation> {
    let (known, other) = (owner(&*store, "t").await?, owner(&*store, "other").await?);
    let (old, new) = (key(&known, 1), key(&known, 2));
    issue(&*store, &old).await?;
    holds!(!store.rotate_key(old.id, &key(&other, 3), minute(5), &[]).await?, "somebody else took the key's place");
    holds!(store.rotate_key(old.id, &new, minute(5), &[]).await?, "the key was not rotated");
    let kept = read(&*store, &old).await?;
    same!((kept.expires_at, kept.replaced_by), (Some(minute(5)), Some(new.id)), "the old key");
    holds!(kept.works(minute(4)) && !kept.works(minute(5)), "the overlap is not kept");
    same!(read(&*store, &new).await?, new, "the new key");
    // An end that is nearer than the overlap stays.
    let third = IssuedKey { expires_at: Some(minute(3)), ..key(&known, 4) };
    issue(&*store, &third).await?;
    store.rotate_key(third.id, &key(&known, 5), minute(5), &[]).await?;
    same!(read(&*store, &third).await?.expires_at, Some(minute(3)), "the end of a key that ends soon");
    store.revoke_key(&new.tenant, None, new.id, minute(1), &[]).await?;
    let late = IssuedKey { created_at: minute(2), ..key(&known, 6) };
    holds!(!store.rotate_key(new.id, &late, minute(5), &[]).await?, "a revoked key was rotated");
    Ok(())
}

async fn keys_are_listed_newest_first_page_by_page(store: Subject) -> Result<(), Violation> {
    let (known, other) = (owner(&*store, "t").await?, owner(&*store, "other").await?);
    for id in [3, 1, u128::MAX - 1, 0x80 << 120, 2] {
        issue(&*store, &key(&known, id)).await?;
    }
    issue(&*store, &key(&other, 7)).await?;
    let (tenant, user) = (&known.user.tenant, Some(&known.user.id));
    let sorted = [u128::MAX - 1, 0x80 << 120, 3, 2, 1].map(Uuid::from_u128);
    let ids = |keys: Vec<IssuedKey>| keys.into_iter().map(|key| key.id).collect::<Vec<_>>();
    let first = ids(store.keys(tenant, user, None, 2).await?);
    same!(first, sorted[..2].to_vec(), "the first page");
    same!(ids(store.keys(tenant, None, Some(first[1]), 9).await?), sorted[2..].to_vec(), "the next page");
    same!(ids(store.keys(tenant, Some(&"nobody".parse()?), None, 9).await?), Vec::<Uuid>::new(), "the keys of nobody");
    Ok(())
}

async fn a_key_goes_with_its_owner(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = account(&*store, &tenant, "u", &with_password(1, Access::User)?).await?;
    let key = key(&known, 1);
    issue(&*store, &key).await?;
    store.touch_key(key.id, minute(3)).await?;
    store.touch_key(key.id, minute(2)).await?;
    same!(read(&*store, &key).await?.used_at, Some(minute(3)), "when it was used");
    set_status(&*store, &tenant, &known.user, UserStatus::Inactive).await?;
    let found = store.key(&key.digest, minute(4)).await?;
    holds!(found.is_some_and(|(_, who)| who.is_none()), "a key acts for somebody who is inactive");
    store.delete_user(&tenant.id, tenant.revision, &known.user.id, &[]).await?;
    same!(store.key(&key.digest, minute(4)).await?, None, "the key of a deleted user");
    Ok(())
}
