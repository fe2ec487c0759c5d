//! Who may do what to whom.

use mt_paas_core::auth::PersonChange;
use mt_paas_core::standard_api::UserStatus;
use mt_paas_core::users::UserSearch;

use super::*;

fn access(access: Access) -> PersonChange {
    PersonChange { access: Some(access), ..PersonChange::default() }
}

/// What an answer comes to, in a word.
fn word<T>(result: Result<T, AuthError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(AuthError::NotAllowed) => "not allowed",
        Err(AuthError::Missing(_)) => "missing",
        Err(AuthError::Oneself) => "oneself",
        Err(AuthError::LastSuperAdmin) => "last",
        Err(AuthError::Invalid(_)) => "invalid",
        Err(AuthError::Taken) => "taken",
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_may_or_looks_where_they_may_not() {
    let house = House::new();
    let (operators, other): (TenantId, TenantId) = (TenantId::operators(), "other".parse().unwrap());
    for tenant in [&operators, &school(), &other] {
        house.accounts.own_tenant(tenant).await.unwrap();
    }
    // Who, where they are, and what comes of: a look, adding a user, adding an administrator; in the school.
    let table = [
        (Access::User, school(), ["not allowed", "not allowed", "not allowed"]),
        (Access::Viewer, school(), ["ok", "not allowed", "not allowed"]),
        (Access::Admin, school(), ["ok", "ok", "not allowed"]),
        (Access::Admin, other.clone(), ["missing", "missing", "missing"]),
        (Access::User, operators.clone(), ["not allowed", "not allowed", "not allowed"]),
        (Access::Viewer, operators.clone(), ["ok", "not allowed", "not allowed"]),
        (Access::Admin, operators.clone(), ["ok", "ok", "not allowed"]),
        (Access::SuperAdmin, operators.clone(), ["ok", "ok", "ok"]),
    ];
    for (number, (has, tenant, expected)) in table.into_iter().enumerate() {
        let by = principal(tenant, "actor", has);
        let search = UserSearch::default();
        let add = |name: String, access| NewPerson { access, ..new_person(&name) };
        let found = [
            word(house.accounts.people(&by, &school(), &search).await),
            word(house.accounts.add_person(&by, &school(), &add(format!("u{number}"), Access::User)).await),
            word(house.accounts.add_person(&by, &school(), &add(format!("a{number}"), Access::Admin)).await),
        ];
        assert_eq!(found, expected, "{number}");
    }
    let here = principal(school(), "actor", Access::Admin);
    assert_eq!(word(house.accounts.people(&here, &operators, &UserSearch::default()).await), "missing");
    let no_such: TenantId = "nowhere".parse().unwrap();
    assert_eq!(word(house.accounts.people(&super_admin(), &no_such, &UserSearch::default()).await), "missing");
}

#[tokio::test]
async fn administrators_are_touched_by_super_administrators_only_and_nobody_by_themselves() {
    let house = House::new();
    let boss = house.first().await.principal;
    let operators = TenantId::operators();
    let admin = house.person(&school(), "admin", Access::Admin).await.principal;
    let rival = house.person(&school(), "rival", Access::Admin).await.principal;
    let user = house.person(&school(), "user", Access::User).await.principal;
    let accounts = &house.accounts;
    let rename = PersonChange { name: Some("New".to_owned()), ..PersonChange::default() };
    let close = PersonChange { status: Some(UserStatus::Inactive), ..PersonChange::default() };
    for (by, whom, change, expected) in [
        (&admin, &user, &rename, "ok"),
        (&admin, &user, &access(Access::Viewer), "ok"),
        (&admin, &user, &access(Access::Admin), "not allowed"),
        (&admin, &rival, &rename, "not allowed"),
        (&admin, &rival, &close, "not allowed"),
        (&admin, &rival, &access(Access::User), "not allowed"),
        (&admin, &admin, &access(Access::User), "oneself"),
        (&admin, &admin, &close, "oneself"),
        (&admin, &admin, &rename, "ok"),
        (&user, &user, &rename, "not allowed"),
        (&boss, &rival, &access(Access::User), "ok"),
        (&boss, &rival, &access(Access::SuperAdmin), "invalid"),
    ] {
        assert_eq!(word(accounts.change_person(by, &school(), &whom.user, change).await), expected, "{change:?}");
    }
    assert_eq!(word(accounts.remove_person(&admin, &school(), &admin.user).await), "oneself");
    assert_eq!(word(accounts.give_link(&admin, &school(), &boss.user, true).await), "missing");
    assert_eq!(word(accounts.remove_person(&boss, &operators, &boss.user).await), "oneself");
    let second = house.person(&operators, "second", Access::SuperAdmin).await.principal;
    assert_eq!(word(accounts.change_person(&second, &operators, &boss.user, &access(Access::Admin)).await), "ok");
    // By now the second is the last. Somebody whose right has not ended yet in another process tries all there is.
    let last = [
        word(accounts.change_person(&boss, &operators, &second.user, &access(Access::User)).await),
        word(accounts.change_person(&boss, &operators, &second.user, &close).await),
        word(accounts.remove_person(&boss, &operators, &second.user).await),
    ];
    assert_eq!(last, ["last"; 3]);
    assert_eq!(word(accounts.end_sessions_of(&admin, &school(), &user.user).await), "ok");
    assert_eq!(word(accounts.remove_person(&admin, &school(), &user.user).await), "ok");
    assert_eq!(word(accounts.person(&admin, &school(), &user.user).await), "missing");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_new_person_is_said_at_once() {
    let house = House::new();
    house.accounts.own_tenant(&school()).await.unwrap();
    let bad = NewPerson {
        login_name: Some("a\nb".to_owned()),
        email: Some("nowhere".to_owned()),
        name: " ".to_owned(),
        access: Access::SuperAdmin,
        password: Some("short".into()),
        ..new_person("kim")
    };
    let Err(AuthError::Invalid(faults)) = house.accounts.add_person(&super_admin(), &school(), &bad).await else {
        panic!("a bad person was added");
    };
    let named: Vec<&str> = faults.iter().map(|fault| fault.loc[1].as_str()).collect();
    assert_eq!(named, ["login_name", "email", "name", "access", "password"]);
    let nameless = NewPerson { email: None, ..new_person("kim") };
    assert_eq!(word(house.accounts.add_person(&super_admin(), &school(), &nameless).await), "invalid");
    let kim = house.accounts.add_person(&super_admin(), &school(), &new_person("kim")).await.unwrap();
    assert!(kim.link.is_none(), "a link that is sent is shown to nobody else");
    assert_eq!(word(house.accounts.add_person(&super_admin(), &school(), &new_person("KIM")).await), "taken");
    let without = NewPerson { email: None, login_name: Some("lee".to_owned()), ..new_person("lee") };
    let lee = house.accounts.add_person(&super_admin(), &school(), &without).await.unwrap();
    assert!(lee.link.is_some(), "nobody else could give them their link");
}
