//! One-time links.

use std::sync::Arc;

use chrono::DateTime;
use mt_paas_core::auth::{
    Access, Account, CredentialChange, LinkPurpose, NewAccount, OneTimeLink, OneTimeToken, TokenDigest,
};
use mt_paas_core::store::Store;
use uuid::Uuid;

use super::super::fixtures::{at_once, minute, new_user, noon, open};
use super::super::violation::{Violation, holds, same};
use super::{Credential, account, change, found, hash, with_password};

super::super::tests!("auth":
    a_link_is_written_with_its_user,
    a_link_works_once,
    of_many_who_use_a_link_at_once_one_sets_the_password,
    a_link_ends_by_time_by_epoch_and_by_the_next_one,
    links_wait_to_be_sent_and_one_process_has_them,
    a_link_that_was_sent_anew_has_one_token,
);

type Subject = Arc<dyn Store>;

fn link(account: &Account) -> OneTimeLink {
    OneTimeLink {
        id: Uuid::now_v7(),
        tenant: account.user.tenant.clone(),
        user: account.user.id.clone(),
        epoch: account.epoch,
        purpose: LinkPurpose::Reset,
        created_at: noon(),
        expires_at: minute(60),
        digest: None,
        failures: 0,
        next_try: Some(noon()),
    }
}

fn token() -> TokenDigest {
    OneTimeToken::generate().digest()
}

/// A user with a link that was sent.
async fn sent(store: &dyn Store) -> Result<(Account, OneTimeLink, TokenDigest), Violation> {
    let tenant = open(store, "t").await?;
    let known = account(store, &tenant, "u", &with_password(1, Access::User)?).await?;
    let (link, digest) = (link(&known), token());
    holds!(store.add_link(&link, &[]).await?, "the link was refused");
    holds!(store.arm_link(link.id, &digest).await?, "the link is not there");
    Ok((known, link, digest))
}

async fn a_link_is_written_with_its_user(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = new_user(&tenant, "u")?;
    let credential = Credential { password: None, ..with_password(1, Access::User)? };
    let made = Account { user: user.clone(), access: Access::User, password: None, must_change: false, epoch: 0 };
    let promised = OneTimeLink { purpose: LinkPurpose::Welcome, ..link(&made) };
    let new = NewAccount {
        user: &user,
        credential: &credential,
        link: Some(&promised),
        event: None,
        max_users: 1,
        only_first: false,
    };
    store.add_account(tenant.revision, new, &[]).await?;
    let waiting = store.links_to_send(minute(1), minute(2), 10).await?;
    same!(waiting, vec![OneTimeLink { next_try: Some(minute(2)), ..promised.clone() }], "what is to be sent");
    // A second one is over the quota, and leaves no link.
    let second = new_user(&tenant, "v")?;
    let theirs = OneTimeLink { id: Uuid::now_v7(), user: second.id.clone(), ..promised.clone() };
    store.add_account(tenant.revision, NewAccount { user: &second, link: Some(&theirs), ..new }, &[]).await?;
    same!(store.links_to_send(minute(1), minute(2), 10).await?, Vec::new(), "what else is to be sent");
    Ok(())
}

async fn a_link_works_once(store: Subject) -> Result<(), Violation> {
    let (known, link, digest) = sent(&*store).await?;
    let read = store.link(&digest, minute(1)).await?;
    same!(read, Some(OneTimeLink { digest: Some(digest), ..link }), "the link");
    same!(store.redeem_link(&token(), &hash(9)?, minute(1), &[]).await?, None, "the use of another token");
    same!(store.redeem_link(&digest, &hash(2)?, minute(1), &[]).await?, Some(1), "the use");
    same!(store.redeem_link(&digest, &hash(3)?, minute(1), &[]).await?, None, "the second use");
    let now = found(&*store, &known.user).await?;
    same!((now.password, now.epoch, now.must_change), (Some(hash(2)?), 1, false), "the account");
    Ok(())
}

async fn of_many_who_use_a_link_at_once_one_sets_the_password(store: Subject) -> Result<(), Violation> {
    let (known, _, digest) = sent(&*store).await?;
    let many = (0..8).map(|number| {
        move |store: Subject| async move { Ok(store.redeem_link(&digest, &hash(50 + number)?, minute(1), &[]).await?) }
    });
    let answers = at_once(&store, many).await?;
    let used = answers.iter().flatten().count();
    holds!(used == 1, "a link was used {used} times");
    let winner = answers.iter().position(Option::is_some).unwrap_or_default();
    same!(found(&*store, &known.user).await?.password, Some(hash(50 + u32::try_from(winner)?)?), "the password's form");
    Ok(())
}

async fn a_link_ends_by_time_by_epoch_and_by_the_next_one(store: Subject) -> Result<(), Violation> {
    let (known, _, digest) = sent(&*store).await?;
    holds!(store.link(&digest, minute(60)).await?.is_none(), "a link outlives its end");
    same!(store.redeem_link(&digest, &hash(2)?, minute(60), &[]).await?, None, "the late use");
    let (next, fresh) = (link(&known), token());
    store.add_link(&next, &[]).await?;
    store.arm_link(next.id, &fresh).await?;
    holds!(store.link(&digest, minute(1)).await?.is_none(), "an earlier link still works");
    holds!(store.link(&fresh, minute(1)).await?.is_some(), "the next link does not work");
    change(&*store, &known, &CredentialChange::EndSessions).await?;
    holds!(store.link(&fresh, minute(1)).await?.is_none(), "a link outlives its epoch");
    holds!(!store.add_link(&link(&known), &[]).await?, "a link of an earlier epoch was taken");
    Ok(())
}

async fn links_wait_to_be_sent_and_one_process_has_them(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let mut ids = Vec::new();
    for number in 0..5 {
        let known = account(&*store, &tenant, &format!("u{number}"), &with_password(1, Access::User)?).await?;
        let link = OneTimeLink { next_try: Some(minute(5 - number)), ..link(&known) };
        store.add_link(&link, &[]).await?;
        ids.push(link.id);
    }
    same!(store.links_to_send(noon(), minute(9), 10).await?.len(), 0, "what is to be sent too early");
    let takers =
        (0..4).map(|_| move |store: Subject| async move { Ok(store.links_to_send(minute(10), minute(20), 2).await?) });
    let mut taken: Vec<Uuid> = at_once(&store, takers).await?.into_iter().flatten().map(|link| link.id).collect();
    taken.sort_unstable();
    same!(taken, ids, "what the four have taken");
    store.link_sent(ids[0], None).await?;
    store.link_sent(ids[1], Some(minute(12))).await?;
    let due = store.links_to_send(minute(15), minute(16), 10).await?;
    let due: Vec<_> = due.iter().map(|link| (link.id, link.failures)).collect();
    same!(due, vec![(ids[1], 1)], "what is tried again");
    same!(store.links_to_send(DateTime::UNIX_EPOCH, minute(9), 10).await?.len(), 0, "what was due in 1970");
    Ok(())
}

async fn a_link_that_was_sent_anew_has_one_token(store: Subject) -> Result<(), Violation> {
    let (_, link, first) = sent(&*store).await?;
    let second = token();
    holds!(store.arm_link(link.id, &second).await?, "the link is not there");
    holds!(store.link(&first, minute(1)).await?.is_none(), "the first token still works");
    holds!(store.link(&second, minute(1)).await?.is_some(), "the second token does not work");
    holds!(!store.arm_link(Uuid::now_v7(), &second).await?, "a link that is not there was armed");
    same!(store.sweep(minute(60)).await?.links, 1, "the links that were swept");
    Ok(())
}
