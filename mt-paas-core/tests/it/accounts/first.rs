//! The first operator.

use mt_paas_core::auth::{PasswordRefused, UnsafeFirstLogin};

use super::*;

#[tokio::test]
async fn of_a_hundred_claims_at_once_one_is_the_first() {
    let house = House::new();
    let token = house.accounts.setup_token().await.unwrap().unwrap();
    let claims = (0..100).map(|number| {
        let (accounts, token) = (house.accounts.clone(), token.clone());
        let visitor = from(&format!("10.0.{number}.1"));
        tokio::spawn(async move {
            accounts.first(&FirstOperator { visitor, ..first(token, &format!("root{number}")) }).await
        })
    });
    let mut made = 0;
    for claim in claims.collect::<Vec<_>>() {
        match claim.await.unwrap() {
            Ok(opened) => {
                assert_eq!(opened.principal.access, Access::SuperAdmin);
                made += 1;
            }
            Err(AuthError::NotFirst | AuthError::LinkEnded) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(made, 1);
    assert!(house.accounts.setup_token().await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_is_the_first_without_the_token_of_this_start() {
    let house = House::new();
    let token = house.accounts.setup_token().await.unwrap().unwrap();
    let other = house.accounts.first(&first(OneTimeToken::generate(), "root")).await;
    assert!(matches!(other, Err(AuthError::LinkEnded)));
    let short = FirstOperator { password: "k7#Qz!pX".into(), ..first(token.clone(), "root") };
    let refused = house.accounts.first(&short).await;
    assert!(matches!(refused, Err(AuthError::Password(PasswordRefused::TooShort { minimum: 15 }))));
    house.clock.advance(TimeDelta::minutes(15));
    assert!(matches!(house.accounts.first(&first(token, "root")).await, Err(AuthError::LinkEnded)));
    house.first().await;
    assert_eq!(house.trail().await[0], ("operator.first".to_owned(), Outcome::Refused));
}

#[tokio::test]
async fn a_seed_is_sown_once_and_overwrites_nothing() {
    let house = House::new();
    assert!(house.accounts.seed_first("admin", &GOOD.into(), false).await.unwrap());
    assert!(!house.accounts.seed_first("admin", &"another good password".into(), false).await.unwrap());
    assert!(!house.accounts.seed_first("other", &"another good password".into(), false).await.unwrap());
    let operators = TenantId::operators();
    let opened = house.log_in(&operators, "admin", GOOD).await.unwrap();
    assert_eq!((opened.principal.access, opened.principal.must_change), (Access::SuperAdmin, false));
    house.accounts.refuse_known_logins(Some(("admin", &GOOD.into()))).await.unwrap();
}

#[tokio::test]
async fn a_known_first_login_works_on_loopback_only_and_has_to_be_changed_first() {
    for known in ["admin", "password123"] {
        let house = House::new();
        let refused = house.accounts.seed_first("admin", &known.into(), false).await.unwrap_err();
        assert!(matches!(refused, UnsafeFirstLogin::Setting(_)), "{refused}");
        assert!(refused.to_string().contains("ADMIN_PASS") && !refused.to_string().contains("123"), "{refused}");
        assert!(house.accounts.seed_first("admin", &known.into(), true).await.unwrap());
        let opened = house.log_in(&TenantId::operators(), "admin", known).await.unwrap();
        assert!(opened.principal.must_change);
        assert!(matches!(opened.principal.ready(), Err(AuthError::MustChangePassword)));
        let add = house.accounts.add_person(&opened.principal, &school(), &new_person("kim")).await;
        assert!(matches!(add, Err(AuthError::MustChangePassword)));
        // Not before that may the service be reached from elsewhere.
        let refused = house.accounts.refuse_known_logins(None).await;
        assert!(matches!(refused, Err(UnsafeFirstLogin::NotChanged)));
        let (by, current, new) = (logged_in(&opened), known.into(), GOOD.into());
        let changed = house.accounts.change_password(&by, &current, &new, &Visitor::default()).await.unwrap();
        assert!(!changed.principal.must_change);
        house.accounts.refuse_known_logins(None).await.unwrap();
    }
}
