//! What throttling counts.

use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::auth::{Admitted, Bucket, Rate};
use mt_paas_core::store::Store;

use super::super::fixtures::{at_once, minute, noon};
use super::super::violation::{Violation, holds, same};

super::super::tests!("auth":
    tries_are_counted_and_paid_for_by_time,
    a_try_counts_in_all_buckets_or_in_none,
    what_is_refunded_makes_room,
    of_many_tries_at_once_as_many_count_as_may,
    buckets_that_ran_empty_are_swept,
);

type Subject = Arc<dyn Store>;

fn bucket(subject: &str, burst: u32) -> Bucket {
    Bucket { subject: subject.to_owned(), rate: Rate { burst, interval: TimeDelta::minutes(1) } }
}

async fn tries_are_counted_and_paid_for_by_time(store: Subject) -> Result<(), Violation> {
    let buckets = [bucket("account:한림/u", 2)];
    for _ in 0..2 {
        same!(store.admit(&buckets, noon()).await?, Admitted::Yes, "a try within the burst");
    }
    same!(store.admit(&buckets, noon()).await?, Admitted::NotBefore(minute(1)), "a try beyond it");
    same!(store.admit(&[bucket("account:other", 2)], noon()).await?, Admitted::Yes, "a try elsewhere");
    same!(store.admit(&buckets, minute(1)).await?, Admitted::Yes, "a try when it was told");
    same!(store.admit(&buckets, minute(1)).await?, Admitted::NotBefore(minute(2)), "the next one");
    Ok(())
}

async fn a_try_counts_in_all_buckets_or_in_none(store: Subject) -> Result<(), Violation> {
    let (wide, narrow) = (bucket("address", 3), bucket("account", 1));
    let both = [wide.clone(), narrow];
    same!(store.admit(&both, noon()).await?, Admitted::Yes, "the first try");
    for _ in 0..5 {
        same!(store.admit(&both, noon()).await?, Admitted::NotBefore(minute(1)), "a try that one bucket refuses");
    }
    let wide = [wide];
    for _ in 0..2 {
        same!(store.admit(&wide, noon()).await?, Admitted::Yes, "a try in the other bucket");
    }
    same!(store.admit(&wide, noon()).await?, Admitted::NotBefore(minute(1)), "one too many there");
    Ok(())
}

async fn what_is_refunded_makes_room(store: Subject) -> Result<(), Violation> {
    let buckets = [bucket("account", 1)];
    store.admit(&buckets, noon()).await?;
    store.refund(&buckets).await?;
    same!(store.admit(&buckets, noon()).await?, Admitted::Yes, "a try after the refund");
    store.refund(&[bucket("nobody", 1)]).await?;
    same!(store.admit(&buckets, noon()).await?, Admitted::NotBefore(minute(1)), "the next one");
    Ok(())
}

async fn of_many_tries_at_once_as_many_count_as_may(store: Subject) -> Result<(), Violation> {
    // Two buckets in both orders, as two kinds of callers would name them.
    let many = (0..32).map(|number| {
        move |store: Subject| async move {
            let mut buckets = [bucket("account", 5), bucket("address", 20)];
            if number % 2 == 0 {
                buckets.reverse();
            }
            Ok(store.admit(&buckets, noon()).await?)
        }
    });
    let admitted = at_once(&store, many).await?.into_iter().filter(|answer| *answer == Admitted::Yes).count();
    holds!(admitted == 5, "of 5 tries that may count {admitted} did");
    Ok(())
}

async fn buckets_that_ran_empty_are_swept(store: Subject) -> Result<(), Violation> {
    store.admit(&[bucket("one", 5), bucket("other", 5)], noon()).await?;
    store.admit(&[bucket("other", 5)], noon()).await?;
    same!(store.sweep(minute(1)).await?.buckets, 1, "the buckets that were swept");
    same!(store.sweep(minute(2)).await?.buckets, 1, "the buckets that were swept later");
    Ok(())
}
