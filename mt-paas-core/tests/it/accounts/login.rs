//! Logging in, and what slows guessing down.

use mt_paas_core::auth::{CredentialChange, PasswordHash};

use super::*;

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

#[tokio::test]
async fn whoever_knows_the_password_comes_in_under_any_case_of_the_name() {
    let house = House::new();
    house.person(&school(), "kim", Access::User).await;
    let opened = house.log_in(&school(), " KIM@Example.com ", GOOD).await.unwrap();
    assert_eq!(opened.principal.login_name, email("kim"));
    assert_eq!(opened.session.expires_at - house.clock.now(), TimeDelta::hours(24));
    assert_eq!(opened.session.address, Some("10.0.0.1".parse().unwrap()));
    let known = house.accounts.session(&opened.token).await.unwrap();
    assert_eq!(known.principal, opened.principal);
    let again = house.log_in(&school(), &email("kim"), GOOD).await.unwrap();
    assert_ne!(again.token.expose(), opened.token.expose());
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_the_same_answer_and_both_are_told_of() {
    let house = House::new();
    house.person(&school(), "kim", Access::User).await;
    let before = house.trail().await.len();
    let other: TenantId = "other".parse().unwrap();
    for (tenant, name, password) in [
        (&school(), email("kim"), "not this one"),
        (&school(), email("lee"), GOOD),
        (&other, email("kim"), GOOD),
        (&school(), email("kim"), ""),
        (&school(), email("kim"), &"x".repeat(2_000)),
    ] {
        let refused = house.log_in(tenant, &name, password).await.unwrap_err();
        assert!(matches!(refused, AuthError::WrongLogin), "{refused:?}");
    }
    let trail = house.entries().await.split_off(before);
    let reasons: Vec<&str> = trail.iter().map(|entry| entry.event.reason.as_ref().unwrap().as_str()).collect();
    let expected = ["wrong_login", "unknown_account", "unknown_account", "wrong_login", "wrong_login"];
    assert_eq!(reasons, expected);
    // People type passwords where names belong: of a name that nobody has nothing is written.
    assert!(trail[1].event.target.is_none() && trail[0].event.target.is_some());
}

#[tokio::test]
async fn the_stored_form_of_a_password_opens_nothing() {
    let house = House::new();
    let opened = house.person(&school(), "kim", Access::User).await;
    let account = house.store.account_of(&school(), &opened.principal.user).await.unwrap().unwrap();
    let stored = account.password.unwrap().to_stored();
    assert!(stored.starts_with("pbkdf2_sha256$"));
    assert!(matches!(house.log_in(&school(), &email("kim"), &stored).await, Err(AuthError::WrongLogin)));
}

#[tokio::test]
async fn guesses_are_slowed_down_and_nobody_is_locked_out_for_long() {
    let house = House::new();
    house.person(&school(), "kim", Access::User).await;
    for _ in 0..5 {
        assert!(matches!(house.log_in(&school(), &email("kim"), "guess").await, Err(AuthError::WrongLogin)));
    }
    let refused = house.log_in(&school(), &email("kim"), GOOD).await.unwrap_err();
    let AuthError::TooManyTries { until, now } = refused else { panic!("{refused:?}") };
    assert_eq!(until - now, TimeDelta::seconds(12));
    // The owner is somewhere else, and comes in.
    house.accounts.log_in(&login(&school(), &email("kim"), GOOD, "10.0.0.2")).await.unwrap();
    house.clock.advance(TimeDelta::seconds(12));
    house.log_in(&school(), &email("kim"), GOOD).await.unwrap();
    let throttled = house.entries().await;
    let reason = |entry: &&AuditEntry| entry.event.reason.as_ref().is_some_and(|reason| reason.as_str() == "throttled");
    assert_eq!(throttled.iter().filter(reason).count(), 1);
}

#[tokio::test]
async fn an_address_that_guesses_at_many_accounts_is_slowed_down_and_a_school_behind_one_is_not() {
    let house = House::new();
    house.person(&school(), "kim", Access::User).await;
    for _ in 0..60 {
        house.log_in(&school(), &email("kim"), GOOD).await.unwrap();
    }
    for number in 0..20 {
        let refused = house.log_in(&school(), &format!("somebody{number}"), "guess").await;
        assert!(matches!(refused, Err(AuthError::WrongLogin)), "{number}");
    }
    let refused = house.log_in(&school(), "another", "guess").await;
    assert!(matches!(refused, Err(AuthError::TooManyTries { .. })));
    // All of a network of IPv6 is one address.
    for number in 0..20 {
        let visitor = format!("2001:db8::{number:x}");
        let refused = house.accounts.log_in(&login(&school(), &format!("x{number}"), "guess", &visitor)).await;
        assert!(matches!(refused, Err(AuthError::WrongLogin)), "{number}");
    }
    let refused = house.accounts.log_in(&login(&school(), "y", "guess", "2001:db8::ffff:1")).await;
    assert!(matches!(refused, Err(AuthError::TooManyTries { .. })));
}

#[tokio::test]
async fn strangers_everywhere_cannot_keep_the_owner_out_who_is_logged_in() {
    let house = House::new();
    house.person(&school(), "kim", Access::User).await;
    house.log_in(&school(), &email("kim"), GOOD).await.unwrap();
    for number in 0..20 {
        let guess = login(&school(), &email("kim"), "guess", &format!("10.0.1.{number}"));
        assert!(matches!(house.accounts.log_in(&guess).await, Err(AuthError::WrongLogin)), "{number}");
    }
    let stranger = login(&school(), &email("kim"), "guess", "10.0.2.1");
    assert!(matches!(house.accounts.log_in(&stranger).await, Err(AuthError::TooManyTries { .. })));
    house.log_in(&school(), &email("kim"), GOOD).await.unwrap();
}

#[tokio::test]
async fn many_logins_at_once_of_one_account_all_come_in() {
    let house = House::new();
    house.person(&school(), "kim", Access::User).await;
    let logins = (0..100).map(|_| {
        let accounts = house.accounts.clone();
        tokio::spawn(async move { accounts.log_in(&login(&school(), &email("kim"), GOOD, "10.0.0.9")).await })
    });
    for login in logins.collect::<Vec<_>>() {
        login.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn hashes_of_earlier_services_let_in_and_are_replaced() {
    // Made with Python's hashlib and with bcrypt for this password.
    let password = "correct horse 말 배터리";
    for old in [
        "pbkdf2_sha256$200000$AAECAwQFBgcICQoLDA0ODw$XIzNkV5fR5Dn8kzvTmhuRFo85tNrF6rLNNlfbUzbo0A",
        "$2b$04$vOqrlUJLuMDc2r3W/KqbWu6mpvKd6XHwP5Ld.dtHjVT./.0hRYl8q",
    ] {
        let options = HasherOptions { algorithm: HashAlgorithm::PBKDF2, ..HasherOptions::default() };
        let house = House::with(|builder| builder.hasher(PasswordHasher::new(options)));
        let kim = house.person(&school(), "kim", Access::User).await.principal.user;
        let account = house.store.account_of(&school(), &kim).await.unwrap().unwrap();
        let change = CredentialChange::Password { password: PasswordHash::parse(old).unwrap(), must_change: false };
        house.store.change_credential(&school(), &kim, account.epoch, &change, &[]).await.unwrap();
        let opened = house.log_in(&school(), &email("kim"), password).await.unwrap();
        let account = house.store.account_of(&school(), &kim).await.unwrap().unwrap();
        assert!(account.password.unwrap().to_stored().starts_with("pbkdf2_sha256$600000$"));
        // It is the same password: nobody is logged out for its sake.
        house.accounts.session(&opened.token).await.unwrap();
        house.log_in(&school(), &email("kim"), password).await.unwrap();
    }
}
