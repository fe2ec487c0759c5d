//! Sessions.

use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::auth::{Access, Account, CredentialChange, Principal, Session, SessionToken};
use mt_paas_core::standard_api::{TenantStatus, UserStatus};
use mt_paas_core::store::Store;
use mt_paas_core::tenants::Tenant;
use uuid::Uuid;

use super::super::fixtures::{at_once, done, minute, noon, open};
use super::super::violation::{Violation, holds, same};
use super::{account, change, found, set_status, with_password};

super::super::tests!("auth":
    a_session_reads_back_with_whom_it_belongs_to,
    a_session_ends_by_time_and_by_idleness,
    a_use_is_noted_and_never_taken_back,
    a_new_epoch_ends_all_sessions,
    a_session_of_an_earlier_epoch_is_not_opened,
    whoever_is_stopped_has_no_session_and_none_comes_back,
    a_tenant_that_is_not_in_use_has_no_sessions,
    one_session_ends_and_others_stay,
    nobody_ends_a_session_of_others,
    no_session_outlives_a_change_at_the_same_time,
    what_is_over_is_swept_and_counted,
);

type Subject = Arc<dyn Store>;

fn session(account: &Account) -> Session {
    Session {
        id: Uuid::now_v7(),
        digest: SessionToken::generate().digest(),
        tenant: account.user.tenant.clone(),
        user: account.user.id.clone(),
        epoch: account.epoch,
        created_at: noon(),
        expires_at: minute(60),
        idle_limit: None,
        seen_at: noon(),
        address: Some([127, 0, 0, 1].into()),
        user_agent: Some("브라우저 \"1\" \\".to_owned()),
    }
}

async fn open_one(store: &dyn Store, account: &Account) -> Result<Session, Violation> {
    let session = session(account);
    holds!(store.open_session(&session, &[]).await?, "a session was not opened");
    Ok(session)
}

async fn is_open(store: &dyn Store, session: &Session, minutes: i64) -> Result<bool, Violation> {
    Ok(store.session(&session.digest, minute(minutes)).await?.is_some())
}

async fn user(store: &dyn Store, tenant: &Tenant, id: &str) -> Result<Account, Violation> {
    account(store, tenant, id, &with_password(1, Access::User)?).await
}

async fn a_session_reads_back_with_whom_it_belongs_to(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    let idle = Session { idle_limit: Some(TimeDelta::minutes(30)), ..session(&known) };
    let plain = Session { address: Some("2001:db8::1".parse()?), user_agent: None, ..session(&known) };
    for session in [idle, plain] {
        holds!(store.open_session(&session, &[]).await?, "a session was not opened");
        let read = store.session(&session.digest, minute(1)).await?;
        same!(read, Some((session, Principal::of(&known))), "the session");
    }
    same!(store.session(&SessionToken::generate().digest(), minute(1)).await?, None, "a session of another token");
    same!(found(&*store, &known.user).await?.user.last_login, Some(noon()), "the last login");
    Ok(())
}

async fn a_session_ends_by_time_and_by_idleness(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    let plain = open_one(&*store, &known).await?;
    holds!(is_open(&*store, &plain, 59).await? && !is_open(&*store, &plain, 60).await?, "the end is not kept");
    let idle = Session { idle_limit: Some(TimeDelta::minutes(10)), ..session(&known) };
    store.open_session(&idle, &[]).await?;
    holds!(is_open(&*store, &idle, 9).await? && !is_open(&*store, &idle, 10).await?, "idleness is not kept");
    store.touch_session(idle.id, minute(9)).await?;
    holds!(is_open(&*store, &idle, 18).await? && !is_open(&*store, &idle, 19).await?, "a use does not count");
    store.touch_session(idle.id, minute(55)).await?;
    holds!(!is_open(&*store, &idle, 60).await?, "a use moves the end");
    Ok(())
}

async fn a_use_is_noted_and_never_taken_back(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    let (one, other) = (open_one(&*store, &known).await?, open_one(&*store, &known).await?);
    store.touch_session(one.id, minute(5)).await?;
    store.touch_session(one.id, minute(3)).await?;
    let list = store.sessions(&tenant.id, &known.user.id, minute(6)).await?;
    let seen: Vec<_> = list.iter().map(|session| (session.id, session.seen_at)).collect();
    same!(seen, vec![(one.id, minute(5)), (other.id, noon())], "the sessions, the one used last first");
    Ok(())
}

async fn a_new_epoch_ends_all_sessions(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (known, other) = (user(&*store, &tenant, "u").await?, user(&*store, &tenant, "other").await?);
    let (one, two) = (open_one(&*store, &known).await?, open_one(&*store, &known).await?);
    let theirs = open_one(&*store, &other).await?;
    change(&*store, &known, &CredentialChange::EndSessions).await?;
    for session in [&one, &two] {
        holds!(!is_open(&*store, session, 1).await?, "a session outlives its epoch");
    }
    same!(store.sessions(&tenant.id, &known.user.id, minute(1)).await?, Vec::new(), "the list");
    holds!(is_open(&*store, &theirs, 1).await?, "a session of somebody else ended");
    Ok(())
}

async fn a_session_of_an_earlier_epoch_is_not_opened(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    change(&*store, &known, &CredentialChange::EndSessions).await?;
    let late = session(&known);
    holds!(!store.open_session(&late, &[]).await?, "a login with the password of before opened a session");
    holds!(!is_open(&*store, &late, 1).await?, "it is there all the same");
    same!(found(&*store, &known.user).await?.user.last_login, None, "the last login");
    Ok(())
}

async fn whoever_is_stopped_has_no_session_and_none_comes_back(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    let opened = open_one(&*store, &known).await?;
    set_status(&*store, &tenant, &known.user, UserStatus::Suspended).await?;
    holds!(!is_open(&*store, &opened, 1).await?, "a suspended user has a session");
    let stopped = found(&*store, &known.user).await?;
    holds!(!store.open_session(&session(&stopped), &[]).await?, "a suspended user logged in");
    set_status(&*store, &tenant, &known.user, UserStatus::Active).await?;
    holds!(!is_open(&*store, &opened, 1).await?, "a session came back");
    let back = found(&*store, &known.user).await?;
    open_one(&*store, &back).await?;
    Ok(())
}

async fn a_tenant_that_is_not_in_use_has_no_sessions(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    let opened = open_one(&*store, &known).await?;
    let stopped = Tenant { status: TenantStatus::Suspended, ..tenant.clone() };
    done(store.save_tenant(&stopped, Some(tenant.revision), false, &[], &[]).await?)?;
    holds!(!is_open(&*store, &opened, 1).await?, "a suspended tenant's user has a session");
    holds!(!store.open_session(&session(&known), &[]).await?, "a suspended tenant's user logged in");
    Ok(())
}

async fn one_session_ends_and_others_stay(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    let (one, other) = (open_one(&*store, &known).await?, open_one(&*store, &known).await?);
    holds!(store.end_session(&tenant.id, &known.user.id, one.id, &[]).await?, "the session was not ended");
    holds!(!store.end_session(&tenant.id, &known.user.id, one.id, &[]).await?, "it was ended twice");
    holds!(!is_open(&*store, &one, 1).await? && is_open(&*store, &other, 1).await?, "the wrong session ended");
    Ok(())
}

async fn nobody_ends_a_session_of_others(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (known, other) = (user(&*store, &tenant, "u").await?, user(&*store, &tenant, "other").await?);
    let theirs = open_one(&*store, &other).await?;
    holds!(!store.end_session(&tenant.id, &known.user.id, theirs.id, &[]).await?, "a session of others was ended");
    holds!(is_open(&*store, &theirs, 1).await?, "a session of others is over");
    Ok(())
}

/// However a login and a change of the password meet, no session stays that was opened with the old one.
async fn no_session_outlives_a_change_at_the_same_time(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let mut known = user(&*store, &tenant, "u").await?;
    for _ in 0..10 {
        let sessions: Vec<Session> = (0..4).map(|_| session(&known)).collect();
        let logins = sessions.iter().cloned().map(|session| Meeting::Login(Box::new(session)));
        let all = logins.chain([Meeting::Change(Box::new(known.clone()))]);
        at_once(&store, all.map(|meeting| move |store: Subject| meeting.happen(store))).await?;
        for session in &sessions {
            holds!(!is_open(&*store, session, 1).await?, "a session outlives the change that it met");
        }
        known = found(&*store, &known.user).await?;
    }
    Ok(())
}

enum Meeting {
    Login(Box<Session>),
    Change(Box<Account>),
}

impl Meeting {
    async fn happen(self, store: Subject) -> Result<(), Violation> {
        match self {
            Self::Login(session) => store.open_session(&session, &[]).await.map(drop)?,
            Self::Change(account) => {
                change(&*store, &account, &CredentialChange::EndSessions).await?;
            }
        }
        Ok(())
    }
}

async fn what_is_over_is_swept_and_counted(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let known = user(&*store, &tenant, "u").await?;
    for _ in 0..3 {
        open_one(&*store, &known).await?;
    }
    let idle = Session { idle_limit: Some(TimeDelta::minutes(10)), ..session(&known) };
    store.open_session(&idle, &[]).await?;
    same!(store.sweep(minute(9)).await?.sessions, 0, "what was swept too early");
    same!(store.sweep(minute(10)).await?.sessions, 1, "the idle that were swept");
    same!(store.sweep(minute(60)).await?.sessions, 3, "the old that were swept");
    Ok(())
}
