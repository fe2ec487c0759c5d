//! Keys of programs.

use mt_paas_core::auth::{ClientKey, InvalidClientKey, KeyPurpose, KeyRefused, NewKey, PersonChange};
use mt_paas_core::standard_api::UserStatus;

use super::*;

fn house() -> House {
    House::with(scoped)
}

fn scoped(builder: AccountsBuilder) -> AccountsBuilder {
    builder.scope("chat", Access::User).scope("manage", Access::Admin).most_keys(3)
}

fn new_key(scopes: &[&str]) -> NewKey {
    NewKey {
        name: "CI".to_owned(),
        purpose: KeyPurpose::Live,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_at: None,
    }
}

async fn refused(accounts: &Accounts, key: &str) -> KeyRefused {
    match accounts.key(key).await {
        Err(AuthError::Key(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_acts_in_its_owners_name_until_it_is_revoked_everywhere() {
    let house = house();
    let kim = house.person(&school(), "kim", Access::User).await;
    let (key, row) = house.accounts.make_key(&logged_in(&kim), &new_key(&["chat"])).await.unwrap();
    let holder = house.accounts.key(key.expose()).await.unwrap();
    assert_eq!(holder.principal, kim.principal);
    assert!(holder.demand("chat").is_ok());
    assert!(matches!(holder.demand("manage"), Err(AuthError::Key(KeyRefused::Scope))));
    let other = house.another_with(scoped);
    other.key(key.expose()).await.unwrap();
    house.accounts.revoke_key(&kim.principal, &school(), row.id).await.unwrap();
    assert!(matches!(refused(&house.accounts, key.expose()).await, KeyRefused::Revoked(_)));
    tokio::time::sleep(Accounts::FRESH + std::time::Duration::from_millis(50)).await;
    assert!(matches!(refused(&other, key.expose()).await, KeyRefused::Revoked(_)));
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_said_without_the_key() {
    let house = house();
    let mut wrong = ClientKey::generate(KeyPurpose::Live).expose().to_owned();
    assert_eq!(refused(&house.accounts, &wrong).await, KeyRefused::Unknown);
    let last = wrong.pop().unwrap();
    wrong.push(if last == 'a' { 'b' } else { 'a' });
    let said = refused(&house.accounts, &wrong).await;
    assert_eq!(said, KeyRefused::Mistyped(InvalidClientKey::Checksum));
    assert!(!said.to_string().contains(&wrong[9..20]));
    let kim = house.person(&school(), "kim", Access::User).await;
    let soon = NewKey { expires_at: Some(house.clock.now() + TimeDelta::hours(1)), ..new_key(&[]) };
    let (key, _) = house.accounts.make_key(&logged_in(&kim), &soon).await.unwrap();
    house.accounts.key(key.expose()).await.unwrap();
    house.clock.advance(TimeDelta::hours(1));
    assert!(matches!(refused(&house.accounts, key.expose()).await, KeyRefused::Ended(_)));
}

#[tokio::test]
async fn a_key_can_do_no_more_than_its_owner_now() {
    let house = house();
    let kim = house.person(&school(), "kim", Access::User).await;
    let more = house.accounts.make_key(&logged_in(&kim), &new_key(&["chat", "manage"])).await;
    assert!(matches!(more, Err(AuthError::NotAllowed)));
    let unknown = house.accounts.make_key(&logged_in(&kim), &new_key(&["everything"])).await;
    assert!(matches!(unknown, Err(AuthError::Invalid(_))));
    let admin = house.person(&school(), "admin", Access::Admin).await;
    let (key, _) = house.accounts.make_key(&logged_in(&admin), &new_key(&["manage"])).await.unwrap();
    house.another_with(scoped).key(key.expose()).await.unwrap().demand("manage").unwrap();
    let user = &admin.principal.user;
    let less = PersonChange { access: Some(Access::User), ..PersonChange::default() };
    house.accounts.change_person(&super_admin(), &school(), user, &less).await.unwrap();
    // The key stays, and what it may do goes with its owner's access.
    let holder = house.another_with(scoped).key(key.expose()).await.unwrap();
    assert!(matches!(holder.demand("manage"), Err(AuthError::Key(KeyRefused::Scope))));
    let chat = house.person(&school(), "lee", Access::User).await;
    let (key, _) = house.accounts.make_key(&logged_in(&chat), &new_key(&["chat"])).await.unwrap();
    let closed = PersonChange { status: Some(UserStatus::Inactive), ..PersonChange::default() };
    house.accounts.change_person(&super_admin(), &school(), &chat.principal.user, &closed).await.unwrap();
    assert_eq!(refused(&house.another_with(scoped), key.expose()).await, KeyRefused::OwnerInactive);
}

#[tokio::test]
async fn a_replaced_key_works_until_its_overlap_ends() {
    let house = house();
    let kim = house.person(&school(), "kim", Access::User).await;
    let by = logged_in(&kim);
    let (old, row) = house.accounts.make_key(&by, &new_key(&["chat"])).await.unwrap();
    let (new, _) = house.accounts.rotate_key(&by, row.id, TimeDelta::hours(24)).await.unwrap();
    for key in [&old, &new] {
        house.accounts.key(key.expose()).await.unwrap().demand("chat").unwrap();
    }
    house.clock.advance(TimeDelta::hours(24));
    assert!(matches!(refused(&house.accounts, old.expose()).await, KeyRefused::Ended(_)));
    house.accounts.key(new.expose()).await.unwrap();
    let late = house.accounts.rotate_key(&by, row.id, TimeDelta::hours(1)).await;
    assert!(matches!(late, Err(AuthError::Missing("key"))));
    let long = house.accounts.rotate_key(&by, row.id, TimeDelta::days(31)).await;
    assert!(matches!(long, Err(AuthError::Invalid(_))));
}

#[tokio::test]
async fn keys_are_counted_listed_and_revoked_by_whom_they_concern() {
    let house = house();
    let kim = house.person(&school(), "kim", Access::User).await;
    let lee = house.person(&school(), "lee", Access::User).await;
    let admin = house.person(&school(), "admin", Access::Admin).await;
    for _ in 0..3 {
        house.accounts.make_key(&logged_in(&kim), &new_key(&[])).await.unwrap();
    }
    let more = house.accounts.make_key(&logged_in(&kim), &new_key(&[])).await;
    assert!(matches!(more, Err(AuthError::TooManyKeys(3))));
    let of_kim = Some(&kim.principal.user);
    let keys = house.accounts.keys(&kim.principal, &school(), of_kim, None, 10).await.unwrap();
    assert_eq!(keys.len(), 3);
    assert!(house.accounts.keys(&lee.principal, &school(), of_kim, None, 10).await.is_err());
    assert!(house.accounts.keys(&lee.principal, &school(), None, None, 10).await.is_err());
    assert_eq!(house.accounts.keys(&admin.principal, &school(), None, None, 10).await.unwrap().len(), 3);
    let id = keys[0].id;
    let foreign = house.accounts.revoke_key(&lee.principal, &school(), id).await;
    assert!(matches!(foreign, Err(AuthError::Missing("key"))));
    house.accounts.revoke_key(&admin.principal, &school(), id).await.unwrap();
    house.accounts.make_key(&logged_in(&kim), &new_key(&[])).await.unwrap();
}
