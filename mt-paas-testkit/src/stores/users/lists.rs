//! Lists of users: filters, order, pages and searches.

use chrono::TimeDelta;
use mt_paas_core::standard_api::{Role, UpdateUserRequest, UserStatus};
use mt_paas_core::tenants::Tenant;
use mt_paas_core::text;
use mt_paas_core::users::{User, UserSearch};
use unicode_normalization::UnicodeNormalization;

use super::Subject;
use crate::stores::fixtures::{add, chat, done, ids, join, minute, new_user, noon, open, page, record, used};
use crate::stores::violation::{Violation, holds, same};

/// A user of every role and status, and a second of some.
async fn mixed(store: &Subject, tenant: &Tenant) -> Result<(), Violation> {
    let mut number = 0;
    for role in Role::ALL {
        for status in UserStatus::ALL {
            for _ in 0..=number % 2 {
                let user = User { role: *role, status: *status, ..new_user(tenant, &format!("m{number}"))? };
                add(&**store, tenant, &user).await?;
                number += 1;
            }
        }
    }
    Ok(())
}

/// Compares the total of every filter with what is in the list.
async fn totals_agree(store: &Subject, tenant: &Tenant, when: &str) -> Result<(), Violation> {
    let all = store.users(&tenant.id, &page(100, 0)).await?;
    same!(store.count_users(&tenant.id).await?, all.users.len() as u64, "the count {when}");
    let roles = std::iter::once(None).chain(Role::ALL.iter().copied().map(Some));
    for role in roles {
        for status in std::iter::once(None).chain(UserStatus::ALL.iter().copied().map(Some)) {
            let list = store.users(&tenant.id, &UserSearch { role, status, ..page(100, 0) }).await?;
            let matches = |user: &User| {
                role.is_none_or(|role| user.role == role) && status.is_none_or(|status| user.status == status)
            };
            let expected: Vec<_> = all.users.iter().filter(|(user, _)| matches(user)).cloned().collect();
            same!(list.users, expected, "users of {role:?} and {status:?} {when}");
            same!(list.total, expected.len() as u64, "the total of {role:?} and {status:?} {when}");
            let short = store.users(&tenant.id, &UserSearch { role, status, ..page(1, 1) }).await?;
            same!(short.total, list.total, "the total of {role:?} and {status:?} on a short page {when}");
        }
    }
    Ok(())
}

pub(super) async fn a_list_agrees_with_the_count(store: Subject) -> Result<(), Violation> {
    let (tenant, other) = (open(&*store, "t").await?, open(&*store, "other").await?);
    totals_agree(&store, &tenant, "without users").await?;
    mixed(&store, &tenant).await?;
    join(&*store, &other, "m0").await?;
    totals_agree(&store, &tenant, "with users").await?;
    totals_agree(&store, &other, "in the other tenant").await
}

pub(super) async fn totals_follow_every_change(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    mixed(&store, &tenant).await?;
    let users = store.users(&tenant.id, &page(100, 0)).await?.users;
    for (number, (user, _)) in users.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
        let change = UpdateUserRequest {
            name: None,
            role: Some(Role::ALL[number % Role::ALL.len()]),
            status: (number % 2 == 0).then_some(UserStatus::Suspended),
        };
        store.update_user(&tenant.id, tenant.revision, &user.id, &change, minute(1), &[]).await?;
    }
    totals_agree(&store, &tenant, "after changes").await?;
    for (user, _) in users.iter().step_by(2) {
        store.delete_user(&tenant.id, tenant.revision, &user.id, &[]).await?;
    }
    totals_agree(&store, &tenant, "after deletions").await?;
    let revision = done(store.save_tenant(&tenant, Some(tenant.revision), true, &[], &[]).await?)?;
    totals_agree(&store, &tenant, "after a purge").await?;
    let tenant = Tenant { revision, ..tenant };
    mixed(&store, &tenant).await?;
    totals_agree(&store, &tenant, "with users again").await
}

pub(super) async fn a_page_is_stable_among_equal_times(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let mut expected = Vec::new();
    // 97 has no divisor in common with 150, so every number comes once, in no order.
    for number in 0..150 {
        let id = format!("u{:03}", number * 97 % 150);
        join(&*store, &tenant, &id).await?;
        expected.push(id);
    }
    expected.sort();
    for limit in [100, 33, 20, 7] {
        let mut seen = Vec::new();
        for offset in (0..150).step_by(limit as usize) {
            let list = store.users(&tenant.id, &page(limit, offset)).await?;
            same!(list.total, 150, "the total at {limit} and {offset}");
            seen.extend(ids(&list));
        }
        same!(seen, expected, "all pages of {limit}");
    }
    Ok(())
}

pub(super) async fn lists_sort_by_creation_then_bytes_of_the_id(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let us = TimeDelta::microseconds(1);
    let users = [("z", noon() - us), ("_", noon()), ("A", noon()), ("~", noon()), ("a", noon()), ("0", noon() + us)];
    for (id, created_at) in users {
        add(&*store, &tenant, &User { created_at, email: None, ..new_user(&tenant, id)? }).await?;
    }
    same!(ids(&store.users(&tenant.id, &page(100, 0)).await?), ["z", "A", "_", "a", "~", "0"], "the list");
    Ok(())
}

pub(super) async fn pages_beyond_the_end_are_empty(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    join(&*store, &tenant, "u").await?;
    for offset in [1, 1000, u64::from(u32::MAX), 1 << 53, u64::MAX] {
        let list = store.users(&tenant.id, &page(20, offset)).await?;
        holds!(list.total == 1 && list.users.is_empty(), "the list from {offset} is {list:?}");
    }
    Ok(())
}

pub(super) async fn a_search_is_literal(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let decomposed: String = "김철수".nfd().collect();
    let names = [
        ("percent", "100% sure"),
        ("under", "snake_case"),
        ("quote", "O'Brien \"the\" best"),
        ("back", "a\\b"),
        ("nfc", "김철수"),
        ("nfd", decomposed.as_str()),
        ("upper", "ÅNGSTRÖM"),
        ("plain", "nothing"),
    ];
    for (id, name) in names {
        add(&*store, &tenant, &User { name: name.to_owned(), ..new_user(&tenant, id)? }).await?;
    }
    for (search, found) in [
        ("%", vec!["percent"]),
        ("_", vec!["under"]),
        ("'", vec!["quote"]),
        ("\"the\"", vec!["quote"]),
        ("\\", vec!["back"]),
        ("a\\b", vec!["back"]),
        ("100% sure", vec!["percent"]),
        ("김철", vec!["nfc", "nfd"]),
        (&decomposed, vec!["nfc", "nfd"]),
        ("ångström", vec!["upper"]),
        ("NOTHING", vec!["plain"]),
        ("PLAIN@HALLYM", vec!["plain"]),
        // Name and address are two texts, not one.
        ("nothingplain", vec![]),
        ("nothing plain", vec![]),
        ("n%g", vec![]),
        ("n_thing", vec![]),
        ("*", vec![]),
        ("", vec!["back", "nfc", "nfd", "percent", "plain", "quote", "under", "upper"]),
    ] {
        let list = store.users(&tenant.id, &UserSearch { folded: Some(text::fold(search)), ..page(20, 0) }).await?;
        same!(ids(&list), found, "users found by {search:?}");
        same!(list.total, found.len() as u64, "the total of {search:?}");
    }
    Ok(())
}

pub(super) async fn a_search_combines_with_filters_and_pages(store: Subject) -> Result<(), Violation> {
    let (tenant, other) = (open(&*store, "t").await?, open(&*store, "other").await?);
    for number in 0..30 {
        let role = Role::ALL[number % 3];
        let name = if number < 20 { "found" } else { "other" }.to_owned();
        add(&*store, &tenant, &User { role, name, ..new_user(&tenant, &format!("u{number:02}"))? }).await?;
    }
    join(&*store, &other, "found").await?;
    let search = UserSearch { role: Some(Role::ALL[0]), folded: Some("found".to_owned()), ..page(3, 3) };
    let list = store.users(&tenant.id, &search).await?;
    same!(list.total, 7, "the total");
    same!(ids(&list), ["u09", "u12", "u15"], "the second page");
    let none = UserSearch { status: Some(UserStatus::Suspended), ..search };
    same!(store.users(&tenant.id, &none).await?.total, 0, "the total of another status");
    Ok(())
}

pub(super) async fn lists_show_what_was_used(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (one, two) = (join(&*store, &tenant, "a").await?, join(&*store, &tenant, "b").await?);
    let entries = [chat("1", noon(), &one, "s"), chat("2", minute(1), &one, "s"), chat("3", minute(2), &one, "s2")];
    record(&*store, &tenant, &entries).await?;
    let list = store.users(&tenant.id, &page(20, 0)).await?;
    let figures: Vec<_> = list.users.iter().map(|(_, used)| (used.sessions, used.messages, used.tokens)).collect();
    same!(figures, [(2, 3, 45), (0, 0, 0)], "the usage in the list");
    same!(used(&*store, &one).await?, list.users[0].1, "the usage of one user");
    same!(used(&*store, &two).await?, list.users[1].1, "the usage of the other user");
    Ok(())
}
