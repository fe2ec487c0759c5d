//! The suite of the key pool on every place there is.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use mt_paas_core::key_pool::KeyPoolStore;
use mt_paas_core::store::StoreError;
use mt_paas_core::store::memory::MemoryKeyPool;
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_testkit::stores::key_pool::{Ground, KeyPoolTest, same_as_alone, suite};

use crate::place::{Place, PlaceKind};
use crate::{block, broken_lists, broken_rules, caught, on_server, redis_key_pool};

pub(crate) fn trials(postgres: &Result<String, String>, redis: &Result<String, String>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for test in suite() {
        if !test.needs_store {
            trials.push(on("alone", test, Ground::in_memory));
        }
        trials.push(on("memory", test, memory));
        trials.push(on_sql(PlaceKind::File, test));
        let name = format!("key_pool::{}", test.name);
        trials.push(on_server("postgres", postgres, &name, |url| on_sql(PlaceKind::Schema(url.to_owned()), test)));
        trials.push(on_server("redis", redis, &name, |url| on_redis(url.to_owned(), test)));
    }
    trials.push(Trial::test("key_pool::memory::many schedules", || {
        block(async {
            for _ in 0..12 {
                same_as_alone(memory(), rand::random(), 150).await.map_err(|violation| violation.to_string())?;
            }
            Ok(())
        })
    }));
    for (fault, caught_by) in broken_lists::FAULTS {
        let name = format!("key_pool::broken::{fault:?} is caught by {caught_by}");
        trials.push(Trial::test(name, move || block(is_caught(|| broken_lists::ground(*fault), caught_by))));
    }
    for (fault, caught_by) in broken_rules::FAULTS {
        let name = format!("key_pool::broken::{fault:?} is caught by {caught_by}");
        trials.push(Trial::test(name, move || block(is_caught(|| broken_rules::ground(*fault), caught_by))));
    }
    trials
}

/// A list in memory, opened as by several processes.
pub(crate) fn memory() -> Ground {
    let place = MemoryKeyPool::new();
    Ground::shared(move || {
        let store: Arc<dyn KeyPoolStore> = Arc::new(place.clone());
        async { Ok(store) }
    })
}

fn on(place: &str, test: KeyPoolTest, ground: fn() -> Ground) -> Trial {
    Trial::test(format!("key_pool::{place}::{}", test.name), move || {
        block(async move { Ok((test.run)(ground()).await.map_err(|violation| violation.to_string())?) })
    })
}

/// A database, opened as by several processes.
fn on_sql(kind: PlaceKind, test: KeyPoolTest) -> Trial {
    Trial::test(format!("key_pool::{}::{}", kind.name(), test.name), move || {
        block(async move {
            let place = Place::new(&kind).await?;
            let url = place.url().to_owned();
            let ground = Ground::shared(move || {
                let url = url.clone();
                async move {
                    let store = SqlStore::open(&url).await.map_err(|error| StoreError::Unavailable(error.into()))?;
                    let list = store.key_pool();
                    // The list has connections of its own.
                    store.close().await.map_err(|error| StoreError::Unavailable(error.into()))?;
                    Ok(list)
                }
            });
            let run = (test.run)(ground);
            let result = caught(async { Ok(run.await.map_err(|violation| violation.to_string())?) }).await;
            place.remove().await?;
            result
        })
    })
}

/// A Redis server, connected to as by several processes.
fn on_redis(url: String, test: KeyPoolTest) -> Trial {
    Trial::test(format!("key_pool::redis::{}", test.name), move || {
        redis_key_pool::at(url, move |place| {
            let ground = Ground::shared(move || {
                let place = place.clone();
                async move {
                    let store = place.store().await.map_err(|error| {
                        StoreError::Unavailable(error.message().unwrap_or("it does not answer").into())
                    })?;
                    Ok(store as Arc<dyn KeyPoolStore>)
                }
            });
            let run = (test.run)(ground);
            Box::pin(async { Ok(run.await.map_err(|violation| violation.to_string())?) })
        })
    })
}

/// Runs the test that must catch a fault. Some faults show themselves by chance, and keep still in a run now and then.
async fn is_caught(ground: impl Fn() -> Ground, caught_by: &str) -> Result<(), Failed> {
    let test = suite().into_iter().find(|test| test.name == caught_by).ok_or("there is no such test")?;
    for _ in 0..4 {
        if (test.run)(ground()).await.is_err() {
            return Ok(());
        }
    }
    Err(format!("{caught_by} lets it pass").into())
}
