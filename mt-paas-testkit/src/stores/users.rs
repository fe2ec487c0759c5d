//! Users: what is unique, quotas, changes at the same time.

mod lists;

use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::standard_api::{Role, UpdateUserRequest, UserStatus};
use mt_paas_core::store::Store;
use mt_paas_core::tenants::Tenant;
use mt_paas_core::users::{Changed, Inserted, User};
use unicode_normalization::UnicodeNormalization;

use super::fixtures::{
    add, at_once, chat, days, done, insert, join, minute, new_tenant, new_user, noon, open, page, record, used, user_id,
};
use super::violation::{Violation, holds, same};

use lists::{
    a_list_agrees_with_the_count, a_page_is_stable_among_equal_times, a_search_combines_with_filters_and_pages,
    a_search_is_literal, lists_show_what_was_used, lists_sort_by_creation_then_bytes_of_the_id,
    pages_beyond_the_end_are_empty, totals_follow_every_change,
};

super::tests!("users":
    a_user_reads_back_as_it_was_written,
    users_of_another_tenant_are_out_of_reach,
    an_address_is_unique_in_its_tenant,
    a_login_name_is_unique_in_its_tenant,
    users_without_an_address_do_not_clash,
    what_is_taken_is_told_before_the_quota,
    a_refused_user_leaves_no_trace,
    a_stale_write_changes_nothing,
    the_quota_holds_when_many_come_at_once,
    an_address_is_given_once_when_many_ask_at_once,
    a_change_is_merged,
    changes_of_different_members_at_once_all_land,
    a_deleted_user_is_gone_and_the_address_free,
    what_a_deleted_user_used_is_inherited_by_nobody,
    a_user_is_deleted_once_when_many_try_at_once,
    a_changed_user_can_be_found_by_the_new_name_only,
    a_list_agrees_with_the_count,
    totals_follow_every_change,
    a_page_is_stable_among_equal_times,
    lists_sort_by_creation_then_bytes_of_the_id,
    pages_beyond_the_end_are_empty,
    a_search_is_literal,
    a_search_combines_with_filters_and_pages,
    lists_show_what_was_used,
);

type Subject = Arc<dyn Store>;

async fn read(store: &Subject, tenant: &Tenant, id: &str) -> Result<Option<User>, Violation> {
    Ok(store.user(&tenant.id, &user_id(id)?).await?.map(|(user, _)| user))
}

async fn a_user_reads_back_as_it_was_written(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let full = User {
        login_name: "Kim 철수 'x'".to_owned(),
        email: Some("  Kim@Hallym.ac.KR ".to_owned()),
        name: "김철수".nfd().collect::<String>() + " \"\\%_'\t",
        role: Role::Moderator,
        status: UserStatus::Suspended,
        created_at: noon() + TimeDelta::microseconds(1),
        updated_at: noon() + TimeDelta::microseconds(999_999),
        last_login: Some(noon() - TimeDelta::microseconds(1)),
        ..new_user(&tenant, "A.b_c~d-9")?
    };
    let bare = User { email: None, ..new_user(&tenant, "bare")? };
    for user in [&full, &bare] {
        add(&*store, &tenant, user).await?;
        same!(read(&store, &tenant, user.id.as_str()).await?.as_ref(), Some(user), "the user");
    }
    holds!(read(&store, &tenant, "nobody").await?.is_none(), "a user that nobody wrote was found");
    holds!(read(&store, &tenant, "a.b_c~d-9").await?.is_none(), "a user was found by another id");
    Ok(())
}

async fn users_of_another_tenant_are_out_of_reach(store: Subject) -> Result<(), Violation> {
    let (one, two) = (open(&*store, "one").await?, open(&*store, "two").await?);
    let user = join(&*store, &one, "u").await?;
    holds!(read(&store, &two, "u").await?.is_none(), "the user was found in another tenant");
    let change = UpdateUserRequest { name: Some("x".to_owned()), ..UpdateUserRequest::default() };
    let changed = store.update_user(&two.id, two.revision, &user.id, &change, noon(), &[]).await?;
    same!(changed, Changed::Missing, "a change through another tenant");
    same!(
        store.delete_user(&two.id, two.revision, &user.id, &[]).await?,
        Changed::Missing,
        "a deletion through another"
    );
    same!(store.count_users(&two.id).await?, 0, "users of the other tenant");
    // The same id, address and login name in another tenant are another person.
    join(&*store, &two, "u").await?;
    done(store.save_tenant(&two, Some(two.revision), true, &[], &[]).await?)?;
    same!(read(&store, &one, "u").await?, Some(user), "the user");
    Ok(())
}

async fn an_address_is_unique_in_its_tenant(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = User { email: Some("Kim@Hallym.ac.kr".to_owned()), ..new_user(&tenant, "u")? };
    add(&*store, &tenant, &user).await?;
    for (number, email) in
        ["Kim@Hallym.ac.kr", "kim@hallym.ac.kr", " KIM@HALLYM.AC.KR ", "kim@hallym.ac.kr\t"].into_iter().enumerate()
    {
        let other = User { email: Some(email.to_owned()), ..new_user(&tenant, &format!("u{number}"))? };
        same!(insert(&*store, &tenant, &other, 100).await?, Inserted::Taken, "the address {email:?}");
    }
    let other = User { email: Some("kim2@hallym.ac.kr".to_owned()), ..new_user(&tenant, "u9")? };
    add(&*store, &tenant, &other).await
}

async fn a_login_name_is_unique_in_its_tenant(store: Subject) -> Result<(), Violation> {
    let (tenant, other) = (open(&*store, "t").await?, open(&*store, "other").await?);
    let user = User { login_name: "admin".to_owned(), ..new_user(&tenant, "u")? };
    add(&*store, &tenant, &user).await?;
    let again = User { login_name: "admin".to_owned(), ..new_user(&tenant, "v")? };
    same!(insert(&*store, &tenant, &again, 100).await?, Inserted::Taken, "the same login name");
    let free = User { login_name: "Admin".to_owned(), ..new_user(&tenant, "v")? };
    add(&*store, &tenant, &free).await?;
    add(&*store, &other, &User { login_name: "admin".to_owned(), ..new_user(&other, "u")? }).await
}

async fn users_without_an_address_do_not_clash(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    for id in ["a", "b", "c"] {
        add(&*store, &tenant, &User { email: None, ..new_user(&tenant, id)? }).await?;
    }
    same!(store.count_users(&tenant.id).await?, 3, "users");
    Ok(())
}

async fn what_is_taken_is_told_before_the_quota(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let same_address = User { email: user.email.clone(), ..new_user(&tenant, "v")? };
    same!(insert(&*store, &tenant, &same_address, 1).await?, Inserted::Taken, "a taken address at the quota");
    same!(insert(&*store, &tenant, &new_user(&tenant, "w")?, 1).await?, Inserted::OverQuota, "a free one at the quota");
    same!(insert(&*store, &tenant, &new_user(&tenant, "w")?, 0).await?, Inserted::OverQuota, "a quota of none");
    same!(insert(&*store, &tenant, &new_user(&tenant, "w")?, 2).await?, Inserted::Done, "a free one below the quota");
    Ok(())
}

async fn a_refused_user_leaves_no_trace(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = new_user(&tenant, "u")?;
    let told = OutboxEvent::user_created(&tenant, &user, noon());
    same!(store.insert_user(tenant.revision, &user, 1, &told, &[]).await?, Inserted::Done, "the first");
    same!(store.unsent_events(9).await?, vec![told.clone()], "the messages");
    let taken = User { email: user.email.clone(), ..new_user(&tenant, "v")? };
    insert(&*store, &tenant, &taken, 5).await?;
    insert(&*store, &tenant, &new_user(&tenant, "w")?, 1).await?;
    let stale = Tenant { revision: tenant.revision - 1, ..tenant.clone() };
    insert(&*store, &stale, &new_user(&tenant, "x")?, 5).await?;
    same!(store.unsent_events(9).await?, vec![told], "the messages");
    same!(store.count_users(&tenant.id).await?, 1, "the count");
    same!(store.users(&tenant.id, &page(20, 0)).await?.total, 1, "the total");
    for id in ["v", "w", "x"] {
        holds!(read(&store, &tenant, id).await?.is_none(), "the refused user {id} is there");
    }
    Ok(())
}

async fn a_stale_write_changes_nothing(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let revision = done(store.save_tenant(&tenant, Some(tenant.revision), false, &[], &[]).await?)?;
    let change = UpdateUserRequest { name: Some("changed".to_owned()), ..UpdateUserRequest::default() };
    for stale in [tenant.revision, revision + 1] {
        let at = Tenant { revision: stale, ..tenant.clone() };
        same!(insert(&*store, &at, &new_user(&tenant, "v")?, 100).await?, Inserted::Stale, "an insert");
        // Stale comes before everything else.
        same!(insert(&*store, &at, &user, 0).await?, Inserted::Stale, "an insert of what is taken, over the quota");
        let changed = store.update_user(&tenant.id, stale, &user.id, &change, minute(1), &[]).await?;
        same!(changed, Changed::Stale, "a change");
        same!(store.delete_user(&tenant.id, stale, &user.id, &[]).await?, Changed::Stale, "a deletion");
        let missing = store.delete_user(&tenant.id, stale, &user_id("nobody")?, &[]).await?;
        same!(missing, Changed::Stale, "a deletion of nobody");
    }
    same!(read(&store, &tenant, "u").await?, Some(user.clone()), "the user");
    same!(store.count_users(&tenant.id).await?, 1, "the count");
    let nowhere = new_tenant("nowhere")?;
    same!(
        insert(&*store, &nowhere, &new_user(&nowhere, "u")?, 9).await?,
        Inserted::Stale,
        "an insert without a tenant"
    );
    let deleted = store.delete_user(&nowhere.id, 0, &user.id, &[]).await?;
    same!(deleted, Changed::Stale, "a deletion without a tenant");
    Ok(())
}

async fn the_quota_holds_when_many_come_at_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    join(&*store, &tenant, "first").await?;
    let inserts = (0..16).map(|number| {
        let tenant = tenant.clone();
        move |store: Subject| async move {
            let user = new_user(&tenant, &format!("u{number}"))?;
            insert(&*store, &tenant, &user, 10).await
        }
    });
    let answers = at_once(&store, inserts).await?;
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    same!((count(Inserted::Done), count(Inserted::OverQuota)), (9, 7), "users let in and refused");
    same!(store.count_users(&tenant.id).await?, 10, "the count");
    let list = store.users(&tenant.id, &page(100, 0)).await?;
    same!((list.total, list.users.len()), (10, 10), "the list");
    same!(store.unsent_events(100).await?.len(), 10, "the messages");
    Ok(())
}

async fn an_address_is_given_once_when_many_ask_at_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let inserts = (0..16).map(|number| {
        let tenant = tenant.clone();
        move |store: Subject| async move {
            let email = if number % 2 == 0 { "Same@hallym.ac.kr" } else { "same@hallym.ac.kr " };
            let user = User { email: Some(email.to_owned()), ..new_user(&tenant, &format!("u{number}"))? };
            insert(&*store, &tenant, &user, 100).await
        }
    });
    let answers = at_once(&store, inserts).await?;
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    same!((count(Inserted::Done), count(Inserted::Taken)), (1, 15), "users let in and refused");
    same!(store.count_users(&tenant.id).await?, 1, "the count");
    Ok(())
}

async fn a_change_is_merged(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let other = join(&*store, &tenant, "v").await?;
    record(&*store, &tenant, &[chat("e", noon(), &user, "s")]).await?;
    let changes = [
        UpdateUserRequest { name: Some("새 이름".to_owned()), ..UpdateUserRequest::default() },
        UpdateUserRequest { role: Some(Role::Admin), ..UpdateUserRequest::default() },
        UpdateUserRequest { status: Some(UserStatus::Inactive), ..UpdateUserRequest::default() },
        UpdateUserRequest::default(),
        UpdateUserRequest { name: Some("all".to_owned()), role: Some(Role::User), status: Some(UserStatus::Active) },
    ];
    let mut expected = user.clone();
    for (step, change) in changes.into_iter().enumerate() {
        let at = minute(step as i64 + 1);
        expected.apply(change.clone(), at);
        let changed = store.update_user(&tenant.id, tenant.revision, &user.id, &change, at, &[]).await?;
        let Changed::Done((found, usage)) = changed else {
            return Err(Violation::new(format!("change {step} came to {changed:?}")));
        };
        same!(found, expected, "the answer to change {step}");
        same!(usage.tokens, 15, "the usage in the answer to change {step}");
        same!(read(&store, &tenant, "u").await?.as_ref(), Some(&expected), "the user after change {step}");
    }
    same!(read(&store, &tenant, "v").await?, Some(other), "the other user");
    let missing = UpdateUserRequest::default();
    let changed = store.update_user(&tenant.id, tenant.revision, &user_id("w")?, &missing, noon(), &[]).await?;
    same!(changed, Changed::Missing, "a change of nobody");
    Ok(())
}

async fn changes_of_different_members_at_once_all_land(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    for round in 0..5 {
        let user = join(&*store, &tenant, &format!("u{round}")).await?;
        let changes = [
            UpdateUserRequest { name: Some("changed".to_owned()), ..UpdateUserRequest::default() },
            UpdateUserRequest { role: Some(Role::Admin), ..UpdateUserRequest::default() },
            UpdateUserRequest { status: Some(UserStatus::Suspended), ..UpdateUserRequest::default() },
        ];
        let changes = changes.into_iter().map(|change| {
            let user = user.clone();
            let revision = tenant.revision;
            move |store: Subject| async move {
                Ok(store.update_user(&user.tenant, revision, &user.id, &change, minute(1), &[]).await?)
            }
        });
        for changed in at_once(&store, changes).await? {
            holds!(matches!(changed, Changed::Done(_)), "a change came to {changed:?}");
        }
        let found = read(&store, &tenant, user.id.as_str()).await?;
        let found = found.map(|user| (user.name, user.role, user.status));
        let expected = ("changed".to_owned(), Role::Admin, UserStatus::Suspended);
        same!(found, Some(expected), "the user after round {round}");
    }
    Ok(())
}

async fn a_deleted_user_is_gone_and_the_address_free(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let kept = join(&*store, &tenant, "kept").await?;
    record(&*store, &tenant, &[chat("e", noon(), &user, "s")]).await?;
    same!(store.delete_user(&tenant.id, tenant.revision, &user.id, &[]).await?, Changed::Done(()), "the deletion");
    same!(store.delete_user(&tenant.id, tenant.revision, &user.id, &[]).await?, Changed::Missing, "a second one");
    holds!(read(&store, &tenant, "u").await?.is_none(), "the user is still there");
    same!(store.count_users(&tenant.id).await?, 1, "the count");
    same!(store.usage(&tenant.id, days(0, 0)).await?.tokens, 15, "tokens of the tenant");
    let successor = User { id: user_id("next")?, ..user };
    add(&*store, &tenant, &successor).await?;
    same!(used(&*store, &successor).await?.tokens, 0, "tokens of the next user of the address");
    same!(read(&store, &tenant, "kept").await?, Some(kept), "the other user");
    Ok(())
}

async fn what_a_deleted_user_used_is_inherited_by_nobody(store: Subject) -> Result<(), Violation> {
    let (tenant, elsewhere) = (open(&*store, "t").await?, open(&*store, "elsewhere").await?);
    let user = join(&*store, &tenant, "u").await?;
    record(&*store, &tenant, &[chat("e", noon(), &user, "s")]).await?;
    same!(store.delete_user(&tenant.id, tenant.revision, &user.id, &[]).await?, Changed::Done(()), "the deletion");
    same!(insert(&*store, &tenant, &user, 100).await?, Inserted::Taken, "the id of the deleted user");
    same!(insert(&*store, &tenant, &user, 0).await?, Inserted::Taken, "the same in a full tenant");
    same!(store.count_users(&tenant.id).await?, 0, "the count");
    join(&*store, &elsewhere, "u").await?;
    Ok(())
}

async fn a_user_is_deleted_once_when_many_try_at_once(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    for round in 0..5 {
        let user = join(&*store, &tenant, &format!("u{round}")).await?;
        let tries = (0..8).map(|number| {
            let (user, revision) = (user.clone(), tenant.revision);
            move |store: Subject| async move {
                if number % 2 == 0 {
                    return Ok(store.delete_user(&user.tenant, revision, &user.id, &[]).await? == Changed::Done(()));
                }
                let change = UpdateUserRequest { role: Some(Role::Admin), ..UpdateUserRequest::default() };
                store.update_user(&user.tenant, revision, &user.id, &change, minute(1), &[]).await?;
                Ok(false)
            }
        });
        let deleted = at_once(&store, tries).await?;
        same!(deleted.iter().filter(|deleted| **deleted).count(), 1, "deletions in round {round}");
        same!(store.count_users(&tenant.id).await?, 0, "the count after round {round}");
        for role in [Role::Admin, Role::User] {
            let search = mt_paas_core::users::UserSearch { role: Some(role), ..page(20, 0) };
            same!(store.users(&tenant.id, &search).await?.total, 0, "the total of {role} after round {round}");
        }
    }
    Ok(())
}

async fn a_changed_user_can_be_found_by_the_new_name_only(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let change = UpdateUserRequest { name: Some("박영희".to_owned()), ..UpdateUserRequest::default() };
    store.update_user(&tenant.id, tenant.revision, &user.id, &change, minute(1), &[]).await?;
    for (text, total) in [("박영", 1), ("user u", 0), ("u@hallym", 1)] {
        let search = mt_paas_core::users::UserSearch { folded: Some(text.to_owned()), ..page(20, 0) };
        same!(store.users(&tenant.id, &search).await?.total, total, "users found by {text:?}");
    }
    Ok(())
}
