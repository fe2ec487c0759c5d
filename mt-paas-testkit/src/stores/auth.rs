//! Accounts and what hangs on them.

mod keys;
mod links;
mod sessions;
mod tries;

use std::sync::Arc;

use mt_paas_core::TenantId;
use mt_paas_core::auth::{Access, Account, Credential, CredentialChange, CredentialChanged, NewAccount, PasswordHash};
use mt_paas_core::standard_api::{UpdateUserRequest, UserStatus};
use mt_paas_core::store::Store;
use mt_paas_core::tenants::Tenant;
use mt_paas_core::users::{Changed, Inserted, User};

use super::StoreTest;
use super::fixtures::{add, at_once, done, join, minute, new_tenant, new_user, open};
use super::violation::{Violation, holds, same};

super::tests!("auth":
    a_user_begins_with_its_credential,
    a_user_without_a_credential_has_an_account_that_nobody_can_log_in_to,
    accounts_are_found_by_login_name_in_their_tenant_only,
    every_change_of_a_credential_begins_an_epoch,
    a_change_based_on_an_earlier_epoch_changes_nothing,
    of_many_changes_at_once_one_happens,
    a_newer_form_of_a_password_replaces_the_one_it_was_made_from,
    of_many_first_users_at_once_there_is_one,
    the_last_super_administrator_stays,
    of_two_who_demote_each_other_one_stays,
    operators_are_no_tenant_of_a_market,
    a_deleted_user_leaves_no_account,
);

/// All tests of this trait.
pub(super) fn all() -> Vec<StoreTest> {
    [TESTS, sessions::TESTS, links::TESTS, keys::TESTS, tries::TESTS].concat()
}

type Subject = Arc<dyn Store>;

/// A stored form that belongs to no password.
fn hash(number: u32) -> Result<PasswordHash, Violation> {
    Ok(PasswordHash::from_hex(&format!("{number:064x}"), &"5a".repeat(16), 100_000)?)
}

fn with_password(number: u32, access: Access) -> Result<Credential, Violation> {
    Ok(Credential { access, password: Some(hash(number)?), must_change: false })
}

/// Adds a user of the tenant with a credential.
async fn account(store: &dyn Store, tenant: &Tenant, id: &str, credential: &Credential) -> Result<Account, Violation> {
    let user = new_user(tenant, id)?;
    let inserted = insert(store, tenant, &user, credential, false).await?;
    holds!(inserted == Inserted::Done, "the insert of {id} came to {inserted:?}");
    found(store, &user).await
}

async fn insert(
    store: &dyn Store,
    tenant: &Tenant,
    user: &User,
    credential: &Credential,
    only_first: bool,
) -> Result<Inserted, Violation> {
    let new = NewAccount { user, credential, link: None, event: None, max_users: 1000, only_first };
    Ok(store.add_account(tenant.revision, new, &[]).await?)
}

async fn found(store: &dyn Store, user: &User) -> Result<Account, Violation> {
    let found = store.account_of(&user.tenant, &user.id).await?;
    found.ok_or_else(|| Violation::new(format!("user {} has no account", user.id)))
}

/// The operators' tenant.
async fn operators(store: &dyn Store) -> Result<Tenant, Violation> {
    let tenant = Tenant { id: TenantId::operators(), ..new_tenant("operators")? };
    let revision = done(store.save_tenant(&tenant, None, false, &[], &[]).await?)?;
    Ok(Tenant { revision, ..tenant })
}

async fn change(
    store: &dyn Store,
    account: &Account,
    change: &CredentialChange,
) -> Result<CredentialChanged, Violation> {
    Ok(store.change_credential(&account.user.tenant, &account.user.id, account.epoch, change, &[]).await?)
}

/// Makes a user active or not.
async fn set_status(store: &dyn Store, tenant: &Tenant, user: &User, status: UserStatus) -> Result<bool, Violation> {
    let request = UpdateUserRequest { status: Some(status), ..UpdateUserRequest::default() };
    let changed = store.update_user(&tenant.id, tenant.revision, &user.id, &request, minute(1), &[]).await?;
    Ok(matches!(changed, Changed::Done(_)))
}

async fn a_user_begins_with_its_credential(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let credential = Credential { must_change: true, ..with_password(1, Access::Admin)? };
    let made = account(&*store, &tenant, "u", &credential).await?;
    let Account { access, password, must_change, epoch, user } = made;
    same!((access, must_change, epoch), (Access::Admin, true, 0), "the account");
    same!(password, credential.password, "the password's form");
    same!(user, new_user(&tenant, "u")?, "the user");
    Ok(())
}

async fn a_user_without_a_credential_has_an_account_that_nobody_can_log_in_to(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let made = found(&*store, &user).await?;
    same!((made.access, made.password.is_some(), made.epoch), (Access::User, false, 0), "the account");
    Ok(())
}

async fn accounts_are_found_by_login_name_in_their_tenant_only(store: Subject) -> Result<(), Violation> {
    let (one, other) = (open(&*store, "one").await?, open(&*store, "other").await?);
    let made = account(&*store, &one, "u", &with_password(1, Access::User)?).await?;
    let name = made.user.login_name.clone();
    same!(store.account(&one.id, &name).await?, Some(made), "the account by its name");
    same!(store.account(&other.id, &name).await?, None, "the account in another tenant");
    same!(store.account(&one.id, &name.to_uppercase()).await?, None, "the account by another name");
    same!(store.account(&one.id, "u%").await?, None, "the account by a pattern");
    Ok(())
}

async fn every_change_of_a_credential_begins_an_epoch(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let mut known = account(&*store, &tenant, "u", &with_password(1, Access::User)?).await?;
    let changes = [
        CredentialChange::Password { password: hash(2)?, must_change: true },
        CredentialChange::Access(Access::Viewer),
        CredentialChange::EndSessions,
    ];
    for (epoch, made) in (1..).zip(&changes) {
        same!(change(&*store, &known, made).await?, CredentialChanged::Done(epoch), "the change");
        known = found(&*store, &known.user).await?;
        same!(known.epoch, epoch, "the epoch");
    }
    same!((known.access, known.must_change), (Access::Viewer, true), "the account");
    same!(known.password, Some(hash(2)?), "the password's form");
    let nobody = Account { user: new_user(&tenant, "nobody")?, ..known };
    same!(change(&*store, &nobody, &changes[2]).await?, CredentialChanged::Missing, "the change of nobody");
    Ok(())
}

async fn a_change_based_on_an_earlier_epoch_changes_nothing(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = account(&*store, &tenant, "u", &with_password(1, Access::User)?).await?;
    change(&*store, &known, &CredentialChange::EndSessions).await?;
    let late = CredentialChange::Password { password: hash(9)?, must_change: false };
    same!(change(&*store, &known, &late).await?, CredentialChanged::Stale, "the late change");
    same!(found(&*store, &known.user).await?.password, Some(hash(1)?), "the password's form");
    Ok(())
}

async fn of_many_changes_at_once_one_happens(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = account(&*store, &tenant, "u", &with_password(1, Access::User)?).await?;
    let many = (0..8).map(|number| {
        let known = known.clone();
        move |store: Subject| async move {
            let made = CredentialChange::Password { password: hash(100 + number)?, must_change: false };
            change(&*store, &known, &made).await
        }
    });
    let answers = at_once(&store, many).await?;
    let happened = answers.iter().filter(|answer| matches!(answer, CredentialChanged::Done(_))).count();
    holds!(happened == 1, "{happened} of 8 changes of the same epoch happened");
    Ok(())
}

async fn a_newer_form_of_a_password_replaces_the_one_it_was_made_from(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = account(&*store, &tenant, "u", &with_password(1, Access::User)?).await?;
    let (of, who) = (&known.user.tenant, &known.user.id);
    store.rehash(of, who, &hash(7)?, &hash(8)?).await?;
    same!(found(&*store, &known.user).await?.password, Some(hash(1)?), "the form, after one of another password");
    store.rehash(of, who, &hash(1)?, &hash(2)?).await?;
    let now = found(&*store, &known.user).await?;
    same!((now.password, now.epoch), (Some(hash(2)?), 0), "the form and the epoch");
    Ok(())
}

async fn of_many_first_users_at_once_there_is_one(store: Subject) -> Result<(), Violation> {
    let tenant = operators(&*store).await?;
    let many = (0..16).map(|number| {
        let tenant = tenant.clone();
        move |store: Subject| async move {
            let user = new_user(&tenant, &format!("u{number}"))?;
            insert(&*store, &tenant, &user, &with_password(number, Access::SuperAdmin)?, true).await
        }
    });
    let answers = at_once(&store, many).await?;
    let made = answers.iter().filter(|answer| **answer == Inserted::Done).count();
    let late = answers.iter().filter(|answer| **answer == Inserted::NotFirst).count();
    holds!((made, late) == (1, 15), "of 16 first users {made} were made and {late} came late");
    Ok(())
}

async fn the_last_super_administrator_stays(store: Subject) -> Result<(), Violation> {
    let tenant = operators(&*store).await?;
    let first = account(&*store, &tenant, "first", &with_password(1, Access::SuperAdmin)?).await?;
    let plain = account(&*store, &tenant, "plain", &with_password(2, Access::Admin)?).await?;
    let demotion = CredentialChange::Access(Access::Admin);
    same!(change(&*store, &first, &demotion).await?, CredentialChanged::LastSuperAdmin, "the demotion");
    holds!(!set_status(&*store, &tenant, &first.user, UserStatus::Inactive).await?, "the last one was made inactive");
    let deleted = store.delete_user(&tenant.id, tenant.revision, &first.user.id, &[]).await?;
    same!(deleted, Changed::LastSuperAdmin, "the deletion");
    same!(found(&*store, &first.user).await?, first, "the account");
    // One who is not active makes no administrators.
    let second = account(&*store, &tenant, "second", &with_password(3, Access::SuperAdmin)?).await?;
    holds!(set_status(&*store, &tenant, &second.user, UserStatus::Inactive).await?, "one of two could not be stopped");
    same!(change(&*store, &first, &demotion).await?, CredentialChanged::LastSuperAdmin, "the demotion beside it");
    holds!(set_status(&*store, &tenant, &second.user, UserStatus::Active).await?, "it could not come back");
    same!(change(&*store, &first, &demotion).await?, CredentialChanged::Done(1), "the demotion of one of two");
    same!(change(&*store, &plain, &demotion).await?, CredentialChanged::Done(1), "the change of another");
    Ok(())
}

async fn of_two_who_demote_each_other_one_stays(store: Subject) -> Result<(), Violation> {
    let tenant = operators(&*store).await?;
    let mut pair = Vec::new();
    for id in ["a", "b"] {
        pair.push(account(&*store, &tenant, id, &with_password(1, Access::SuperAdmin)?).await?);
    }
    for _ in 0..8 {
        let both = pair.clone().into_iter().map(|known| {
            move |store: Subject| async move { change(&*store, &known, &CredentialChange::Access(Access::User)).await }
        });
        let answers = at_once(&store, both).await?;
        let demoted = answers.iter().filter(|answer| matches!(answer, CredentialChanged::Done(_))).count();
        holds!(demoted == 1, "{demoted} of two who demoted each other succeeded");
        for known in &mut pair {
            *known = found(&*store, &known.user).await?;
            if known.access != Access::SuperAdmin {
                change(&*store, known, &CredentialChange::Access(Access::SuperAdmin)).await?;
                *known = found(&*store, &known.user).await?;
            }
        }
    }
    Ok(())
}

async fn operators_are_no_tenant_of_a_market(store: Subject) -> Result<(), Violation> {
    operators(&*store).await?;
    open(&*store, "a").await?;
    open(&*store, "Z").await?;
    let listed = store.tenants(None, 100).await?;
    let ids: Vec<&str> = listed.iter().map(|tenant| tenant.id.as_str()).collect();
    same!(ids, ["Z", "a"], "the list of tenants");
    holds!(store.tenant(&TenantId::operators()).await?.is_some(), "the operators' tenant cannot be read");
    Ok(())
}

async fn a_deleted_user_leaves_no_account(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = account(&*store, &tenant, "u", &with_password(1, Access::Admin)?).await?;
    store.delete_user(&tenant.id, tenant.revision, &known.user.id, &[]).await?;
    same!(store.account_of(&tenant.id, &known.user.id).await?, None, "the account of the deleted");
    // Somebody else with the same id is not who was there before.
    add(&*store, &tenant, &known.user).await?;
    let now = found(&*store, &known.user).await?;
    same!((now.access, now.password), (Access::User, None), "the account of the new one");
    Ok(())
}
