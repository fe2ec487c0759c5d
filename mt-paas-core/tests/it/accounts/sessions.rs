//! How sessions end.

use std::time::{Duration, Instant};

use mt_paas_core::auth::{CredentialChange, PersonChange};
use mt_paas_core::standard_api::{TenantStatus, UserStatus};
use mt_paas_core::tenants::Tenant;

use super::*;

/// Whether a token is refused, and after how long.
async fn refused_after(accounts: &Accounts, opened: &Opened) -> Duration {
    let began = Instant::now();
    while accounts.session(&opened.token).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(3), "the session goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn whatever_ends_a_session_does_so_in_every_process_within_a_second() {
    let house = House::new();
    house.first().await;
    let other = house.another();
    let ends: [(&str, Access); 6] = [
        ("logout", Access::User),
        ("everywhere", Access::User),
        ("password", Access::User),
        ("inactive", Access::User),
        ("demoted", Access::Viewer),
        ("tenant", Access::User),
    ];
    for (how, access) in ends {
        let tenant: TenantId = how.parse().unwrap();
        let opened = house.person(&tenant, "kim", access).await;
        other.session(&opened.token).await.unwrap();
        house.accounts.session(&opened.token).await.unwrap();
        let (by, user) = (logged_in(&opened), opened.principal.user.clone());
        let change = |change| house.accounts.change_person(&BOSS, &tenant, &user, change);
        match how {
            "logout" => house.accounts.log_out(&by).await.unwrap(),
            "everywhere" => house.accounts.log_out_everywhere(&by).await.unwrap(),
            "password" => {
                let new = "eight cranes at dawn".into();
                let rotated =
                    house.accounts.change_password(&by, &GOOD.into(), &new, &Visitor::default()).await.unwrap();
                house.accounts.session(&rotated.token).await.unwrap();
                assert_ne!(rotated.token.expose(), opened.token.expose());
            }
            "inactive" => {
                change(&PersonChange { status: Some(UserStatus::Inactive), ..PersonChange::default() })
                    .await
                    .map(drop)
                    .unwrap();
            }
            "demoted" => {
                change(&PersonChange { access: Some(Access::User), ..PersonChange::default() })
                    .await
                    .map(drop)
                    .unwrap();
            }
            _ => {
                let row = house.store.tenant(&tenant).await.unwrap().unwrap();
                let stopped = Tenant { status: TenantStatus::Suspended, ..(*row).clone() };
                house.store.save_tenant(&stopped, Some(row.revision), false, &[], &[]).await.unwrap();
            }
        }
        let took = refused_after(&other, &opened).await;
        assert!(took <= Duration::from_secs(1), "{how}: {took:?}");
    }
}

static BOSS: std::sync::LazyLock<Principal> = std::sync::LazyLock::new(super_admin);

#[tokio::test]
async fn a_session_ends_at_its_limit_and_earlier_if_it_is_not_used() {
    let idle = Some(TimeDelta::minutes(30));
    let house = House::with(|builder| builder.session(TimeDelta::hours(2)).idle(idle));
    let opened = house.person(&school(), "kim", Access::User).await;
    for _ in 0..5 {
        house.clock.advance(TimeDelta::minutes(20));
        tokio::time::sleep(Accounts::FRESH).await;
        house.accounts.session(&opened.token).await.unwrap();
    }
    house.clock.advance(TimeDelta::minutes(20));
    assert!(matches!(house.accounts.session(&opened.token).await, Err(AuthError::NotLoggedIn)));
    let unused = house.log_in(&school(), "kim@example.com", GOOD).await.unwrap();
    house.clock.advance(TimeDelta::minutes(30));
    assert!(matches!(house.accounts.session(&unused.token).await, Err(AuthError::NotLoggedIn)));
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_and_no_others() {
    let house = House::new();
    let kim = house.person(&school(), "kim", Access::User).await;
    let lee = house.person(&school(), "lee", Access::User).await;
    let second = house.log_in(&school(), "kim@example.com", GOOD).await.unwrap();
    let own = house.accounts.sessions(&logged_in(&kim)).await.unwrap();
    assert_eq!(own.len(), 2);
    let foreign = house.accounts.end_session(&logged_in(&kim), lee.session.id).await;
    assert!(matches!(foreign, Err(AuthError::Missing("session"))));
    house.accounts.session(&second.token).await.unwrap();
    house.accounts.end_session(&logged_in(&kim), second.session.id).await.unwrap();
    assert!(matches!(house.accounts.session(&second.token).await, Err(AuthError::NotLoggedIn)));
    house.accounts.session(&kim.token).await.unwrap();
    house.accounts.session(&lee.token).await.unwrap();
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_has_to_be_another_good_one() {
    let house = House::new();
    let kim = logged_in(&house.person(&school(), "kim", Access::User).await);
    let change = |current: &str, new: &str| {
        let (current, new): (Secret<String>, Secret<String>) = (current.into(), new.into());
        let (accounts, kim) = (house.accounts.clone(), kim.clone());
        async move { accounts.change_password(&kim, &current, &new, &Visitor::default()).await }
    };
    assert!(matches!(change("wrong", "eight cranes at dawn").await, Err(AuthError::WrongPassword)));
    assert!(matches!(change(GOOD, "kim@example.com").await, Err(AuthError::Password(_))));
    assert!(matches!(change(GOOD, GOOD).await, Err(AuthError::SamePassword)));
    change(GOOD, "eight cranes at dawn").await.unwrap();
    assert!(matches!(house.log_in(&school(), "kim@example.com", GOOD).await, Err(AuthError::WrongLogin)));
    house.log_in(&school(), "kim@example.com", "eight cranes at dawn").await.unwrap();
    for _ in 0..5 {
        let refused = change("guess", "nine storks at noon").await;
        assert!(refused.is_err());
    }
    assert!(matches!(change("guess", "nine storks at noon").await, Err(AuthError::TooManyTries { .. })));
}

#[tokio::test]
async fn a_thousand_requests_of_one_session_are_one_read() {
    let house = House::new();
    let kim = house.person(&school(), "kim", Access::User).await;
    house.accounts.session(&kim.token).await.unwrap();
    // What is remembered does not ask the store: a session that is taken out from under it is found for a moment.
    let account = house.store.account_of(&school(), &kim.principal.user).await.unwrap().unwrap();
    house
        .store
        .change_credential(&school(), &kim.principal.user, account.epoch, &CredentialChange::EndSessions, &[])
        .await
        .unwrap();
    house.accounts.session(&kim.token).await.unwrap();
    tokio::time::sleep(Accounts::FRESH + Duration::from_millis(50)).await;
    assert!(house.accounts.session(&kim.token).await.is_err());
}
