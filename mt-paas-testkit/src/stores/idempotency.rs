//! Claims of repeated requests, and their answers.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mt_paas_core::idempotency::{CLAIMED, Claim, Claimed, KEPT, Scope, StoredAnswer};
use mt_paas_core::store::Store;
use uuid::Uuid;

use super::fixtures::{at_once, noon};
use super::violation::{Violation, same};

super::tests!("idempotency":
    an_answer_is_given_again,
    another_body_is_told_first,
    a_scope_is_all_its_parts,
    a_claim_blocks_for_a_minute,
    an_answer_is_kept_for_a_day,
    a_run_that_was_taken_over_has_no_say,
    an_abandoned_scope_is_free,
    of_many_claims_at_once_one_is_fresh,
    of_many_takers_over_one_is_fresh,
);

type Subject = Arc<dyn Store>;

fn claim(key: &str, at: DateTime<Utc>) -> Claim {
    let scope = Scope { market_key: "market".to_owned(), route: "POST /mt/t/users".to_owned(), key: key.to_owned() };
    Claim { scope, token: Uuid::new_v4(), fingerprint: [7; 32], at }
}

fn answer(text: &str) -> StoredAnswer {
    StoredAnswer { status: 201, body: text.as_bytes().to_vec() }
}

async fn an_answer_is_given_again(store: Subject) -> Result<(), Violation> {
    let first = claim("k", noon());
    same!(store.claim(&first).await?, Claimed::Fresh, "the first claim");
    same!(store.claim(&claim("k", noon())).await?, Claimed::InProgress, "a repeat while it runs");
    let answer = StoredAnswer { status: 202, body: vec![0, 255, b'"', b'\'', 0xea] };
    store.finish(&first, &answer).await?;
    for repeat in 0..2 {
        let found = store.claim(&claim("k", noon() + TimeDelta::hours(1))).await?;
        same!(found, Claimed::Replay(answer.clone()), "repeat {repeat}");
    }
    Ok(())
}

async fn another_body_is_told_first(store: Subject) -> Result<(), Violation> {
    let first = claim("k", noon());
    let other = Claim { fingerprint: [8; 32], ..claim("k", noon()) };
    same!(store.claim(&first).await?, Claimed::Fresh, "the first claim");
    same!(store.claim(&other).await?, Claimed::Mismatch, "another body while it runs");
    store.finish(&first, &answer("a")).await?;
    same!(store.claim(&other).await?, Claimed::Mismatch, "another body afterwards");
    same!(store.claim(&claim("k", noon())).await?, Claimed::Replay(answer("a")), "the same body afterwards");
    Ok(())
}

async fn a_scope_is_all_its_parts(store: Subject) -> Result<(), Violation> {
    let first = claim("k", noon());
    let mut others = [claim("k", noon()), claim("k", noon()), claim("K", noon()), claim("k ", noon())];
    others[0].scope.market_key = "Market".to_owned();
    others[1].scope.route = "POST /mt/T/users".to_owned();
    for claim in std::iter::once(&first).chain(&others) {
        same!(store.claim(claim).await?, Claimed::Fresh, "the claim of {:?}", claim.scope);
    }
    store.finish(&first, &answer("a")).await?;
    store.abandon(&others[0]).await?;
    same!(store.claim(&claim("K", noon())).await?, Claimed::InProgress, "another scope");
    same!(store.claim(&claim("k", noon())).await?, Claimed::Replay(answer("a")), "the scope");
    Ok(())
}

async fn a_claim_blocks_for_a_minute(store: Subject) -> Result<(), Violation> {
    same!(store.claim(&claim("k", noon())).await?, Claimed::Fresh, "the first claim");
    let almost = noon() + CLAIMED - TimeDelta::microseconds(1);
    same!(store.claim(&claim("k", almost)).await?, Claimed::InProgress, "just before a minute");
    same!(store.claim(&claim("k", noon() + CLAIMED)).await?, Claimed::Fresh, "after a minute");
    same!(store.claim(&claim("k", noon() + CLAIMED)).await?, Claimed::InProgress, "after it was taken over");
    Ok(())
}

async fn an_answer_is_kept_for_a_day(store: Subject) -> Result<(), Violation> {
    let first = claim("k", noon());
    same!(store.claim(&first).await?, Claimed::Fresh, "the first claim");
    store.finish(&first, &answer("a")).await?;
    let almost = noon() + KEPT - TimeDelta::microseconds(1);
    same!(store.claim(&claim("k", almost)).await?, Claimed::Replay(answer("a")), "just before a day");
    let other = Claim { fingerprint: [8; 32], ..claim("k", noon() + KEPT) };
    same!(store.claim(&other).await?, Claimed::Fresh, "after a day, with any body");
    Ok(())
}

async fn a_run_that_was_taken_over_has_no_say(store: Subject) -> Result<(), Violation> {
    let (slow, next) = (claim("k", noon()), claim("k", noon() + CLAIMED));
    same!(store.claim(&slow).await?, Claimed::Fresh, "the first claim");
    same!(store.claim(&next).await?, Claimed::Fresh, "the one that takes over");
    store.finish(&slow, &answer("slow")).await?;
    same!(store.claim(&claim("k", next.at)).await?, Claimed::InProgress, "after the slow one finished");
    store.abandon(&slow).await?;
    same!(store.claim(&claim("k", next.at)).await?, Claimed::InProgress, "after the slow one gave up");
    store.finish(&next, &answer("next")).await?;
    same!(store.claim(&claim("k", next.at)).await?, Claimed::Replay(answer("next")), "after the next one finished");
    store.finish(&slow, &answer("slow")).await?;
    same!(store.claim(&claim("k", next.at)).await?, Claimed::Replay(answer("next")), "after a late finish");
    Ok(())
}

async fn an_abandoned_scope_is_free(store: Subject) -> Result<(), Violation> {
    let first = claim("k", noon());
    same!(store.claim(&first).await?, Claimed::Fresh, "the first claim");
    store.abandon(&first).await?;
    let other = Claim { fingerprint: [8; 32], ..claim("k", noon()) };
    same!(store.claim(&other).await?, Claimed::Fresh, "another one with any body");
    store.finish(&first, &answer("late")).await?;
    store.finish(&other, &answer("other")).await?;
    let repeat = Claim { token: Uuid::new_v4(), ..other };
    same!(store.claim(&repeat).await?, Claimed::Replay(answer("other")), "a repeat");
    Ok(())
}

async fn of_many_claims_at_once_one_is_fresh(store: Subject) -> Result<(), Violation> {
    for round in 0..5 {
        let claims = (0..16)
            .map(|_| move |store: Subject| async move { Ok(store.claim(&claim(&format!("k{round}"), noon())).await?) });
        let answers = at_once(&store, claims).await?;
        same!(count(&answers, &Claimed::Fresh), 1, "fresh claims in round {round}");
        same!(count(&answers, &Claimed::InProgress), 15, "other claims in round {round}");
    }
    Ok(())
}

async fn of_many_takers_over_one_is_fresh(store: Subject) -> Result<(), Violation> {
    for key in 0..20 {
        store.claim(&claim(&format!("old {key}"), noon())).await?;
    }
    let late = noon() + CLAIMED;
    let claims = (0..16).map(|_| move |store: Subject| async move { Ok(store.claim(&claim("old 3", late)).await?) });
    let answers = at_once(&store, claims).await?;
    same!(count(&answers, &Claimed::Fresh), 1, "fresh claims");
    same!(count(&answers, &Claimed::InProgress), 15, "other claims");
    Ok(())
}

fn count(answers: &[Claimed], wanted: &Claimed) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}
