//! What the list of a key pool promises on a real Redis server, and pools that share one.

#![allow(clippy::unwrap_used, reason = "a task that cannot go on should stop where it stands")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::key_pool::{
    AcquireOptions, Appended, Entry, KeyPool, KeyPoolStore, Lease, MemberId, NewKey, PoolError, PoolLimits, Provider,
    TenantScope,
};
use mt_paas_core::store::redis::{ConnectError, RedisKeyPool, RedisOptions};
use tokio::task::JoinSet;

use super::{block, caught};

type Trial = (&'static str, fn(Place) -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("versions_have_no_gaps_under_eight_writers", |place| Box::pin(versions_have_no_gaps(place))),
    ("no_writer_is_starved", |place| Box::pin(no_writer_is_starved(place))),
    ("a_whole_replaces_what_was_before", |place| Box::pin(a_whole_replaces(place))),
    ("a_number_is_given_once", |place| Box::pin(a_number_is_given_once(place))),
    ("a_call_reaches_whom_it_names", |place| Box::pin(a_call_reaches_whom_it_names(place))),
    ("a_dropped_turn_goes_back", |place| Box::pin(a_dropped_turn_goes_back(place))),
    ("a_vanished_holder_loses_its_turn", |place| Box::pin(a_vanished_holder_loses_its_turn(place))),
    ("who_vanishes_in_line_holds_up_nobody", |place| Box::pin(who_vanishes_in_line_holds_up_nobody(place))),
    ("a_lost_list_begins_anew", |place| Box::pin(a_lost_list_begins_anew(place))),
    ("another_run_of_the_server_is_read_anew", |place| Box::pin(another_run_is_read_anew(place))),
    ("killed_connections_are_survived", |place| Box::pin(killed_connections_are_survived(place))),
    ("a_key_goes_over_and_back", |place| Box::pin(a_key_goes_over_and_back(place))),
    ("200_callers_on_4_pools_pass_no_limit", |place| Box::pin(callers_pass_no_limit(place))),
    ("a_pool_whose_list_was_lost_starts_over", |place| Box::pin(a_lost_pool_starts_over(place))),
    ("payloads_are_sealed_again_by_processes_that_are_killed", |place| {
        Box::pin(super::sealed::killed_on(place.store_address()))
    }),
    ("a_list_that_is_deleted_leaves_nothing", |place| Box::pin(a_deleted_list_leaves_nothing(place))),
    ("a_bench_leaves_nothing", |place| Box::pin(a_bench_leaves_nothing(place))),
    ("no_error_tells_the_password", |place| Box::pin(no_error_tells_the_password(place))),
];

/// A prefix of its own on the server.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) prefix: String,
}

/// Runs a trial on a place that is empty before and after it.
pub(crate) fn at(
    url: String,
    trial: impl FnOnce(Place) -> BoxFuture<'static, Result<(), Failed>>,
) -> Result<(), Failed> {
    let place = Place::new(url);
    let result = block(caught(trial(place.clone())));
    // After the trial's runtime: a pool that is still there would write again.
    block(async move {
        place.apart().clear().await?;
        place.clear().await
    })?;
    result
}

/// The address of a Redis server that answers, or why there is none.
pub(crate) fn server() -> Result<String, String> {
    let url = super::place::variable("MT_TEST_REDIS_URL").unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        RedisKeyPool::connect(&url, &RedisOptions::default()).await.map_err(|error| told(&error))?;
        Ok(url)
    })
}

impl Place {
    /// A prefix of its own on the server at `url`.
    pub(crate) fn new(url: String) -> Self {
        Self { url, prefix: format!("test-{}:", uuid::Uuid::new_v4().simple()) }
    }

    /// For a process of its own.
    fn store_address(&self) -> Vec<String> {
        vec![self.url.clone(), self.prefix.clone()]
    }

    pub(crate) async fn store(&self) -> Result<Arc<RedisKeyPool>, Failed> {
        Ok(Arc::new(RedisKeyPool::connect(&self.url, &RedisOptions { prefix: self.prefix.clone() }).await?))
    }

    /// As many stores as so many processes would have.
    async fn stores(&self, count: usize) -> Result<Vec<Arc<RedisKeyPool>>, Failed> {
        let mut stores = Vec::new();
        for _ in 0..count {
            stores.push(self.store().await?);
        }
        Ok(stores)
    }

    async fn connection(&self) -> Result<redis::aio::MultiplexedConnection, Failed> {
        Ok(redis::Client::open(self.url.as_str())?.get_multiplexed_async_connection().await?)
    }

    fn key(&self, name: &str) -> String {
        format!("{{{}}}key-pool:{name}", self.prefix)
    }

    /// All keys that begin with the prefix.
    async fn keys(&self) -> Result<Vec<String>, Failed> {
        let mut connection = self.connection().await?;
        Ok(redis::cmd("KEYS").arg(format!("{{{}}}*", self.prefix)).query_async(&mut connection).await?)
    }

    pub(crate) async fn clear(&self) -> Result<(), Failed> {
        let mut connection = self.connection().await?;
        let keys = ["turn", "list", "token"].map(|name| self.key(name));
        redis::cmd("DEL").arg(&keys[..]).exec_async(&mut connection).await?;
        Ok(())
    }

    /// The same prefix in a database of its own, so that its connections can be told from all others.
    fn apart(&self) -> Self {
        Self { url: format!("{}/9", self.url.trim_end_matches('/')), ..self.clone() }
    }

    /// Cuts all connections of a place apart.
    async fn cut(&self) -> Result<usize, Failed> {
        let mut connection = self.connection().await?;
        let own: u64 = redis::cmd("CLIENT").arg("ID").query_async(&mut connection).await?;
        let list: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut connection).await?;
        let mut cut = 0;
        for line in list.lines().filter(|line| line.contains(" db=9 ")) {
            let id = line.split_whitespace().find_map(|word| word.strip_prefix("id="));
            if let Some(id) = id.filter(|id| *id != own.to_string()) {
                cut += redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).query_async::<usize>(&mut connection).await?;
            }
        }
        Ok(cut)
    }
}

/// Appends one entry after whatever is there and returns its version.
async fn append(store: &RedisKeyPool, data: &str, whole: bool, wake: &[MemberId]) -> Result<u64, Failed> {
    let mut turn = store.begin(0).await?;
    let version = turn.entries().last().map_or(turn.anew(), |last| Some(last.version)).unwrap_or(0) + 1;
    let appended = turn.append(Entry { version, whole, data: data.to_owned() }, wake).await?;
    if appended == Appended::Done { Ok(version) } else { Err("outrun with the turn in hand".into()) }
}

async fn all(store: &RedisKeyPool) -> Result<Vec<Entry>, Failed> {
    let mut turn = store.begin(0).await?;
    let entries = turn.entries();
    turn.pass().await?;
    Ok(entries)
}

async fn versions_have_no_gaps(place: Place) -> Result<(), Failed> {
    const EACH: usize = 40;
    let mut writers = JoinSet::new();
    for (number, store) in place.stores(8).await?.into_iter().enumerate() {
        writers.spawn(async move {
            let mut known = 0;
            for count in 0..EACH {
                let mut turn = store.begin(known).await.unwrap();
                known = turn.anew().unwrap_or(known);
                for entry in turn.entries() {
                    assert_eq!(entry.version, known + 1);
                    known = entry.version;
                }
                let entry = Entry { version: known + 1, whole: false, data: format!("{number}:{count}") };
                assert_eq!(turn.append(entry, &[]).await.unwrap(), Appended::Done);
                known += 1;
            }
        });
    }
    joined(&mut writers).await?;
    let entries = all(&*place.store().await?).await?;
    assert_eq!(entries.len(), 8 * EACH);
    let mut counts = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        assert_eq!(entry.version, entries[0].version + place as u64);
        let (writer, count) = entry.data.split_once(':').ok_or("unreadable")?;
        let next = counts.entry(writer.to_owned()).or_insert(0);
        assert_eq!(count.parse::<usize>()?, *next, "the order of writer {writer}");
        *next += 1;
    }
    Ok(())
}

async fn no_writer_is_starved(place: Place) -> Result<(), Failed> {
    let left = Arc::new(AtomicUsize::new(800));
    let start = Arc::new(tokio::sync::Barrier::new(8));
    let mut writers = JoinSet::new();
    for store in place.stores(8).await? {
        let (left, start) = (left.clone(), start.clone());
        writers.spawn(async move {
            start.wait().await;
            let mut turns = 0;
            while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                store.begin(u64::MAX >> 12).await.unwrap().pass().await.unwrap();
                turns += 1;
            }
            turns
        });
    }
    let mut turns: Vec<usize> = Vec::new();
    while let Some(count) = writers.join_next().await {
        turns.push(count?);
    }
    assert!(turns.iter().all(|count| *count >= 50), "{turns:?}");
    Ok(())
}

async fn a_whole_replaces(place: Place) -> Result<(), Failed> {
    let store = place.store().await?;
    append(&store, "one", false, &[]).await?;
    let known = append(&store, "two", false, &[]).await?;
    append(&store, "all", true, &[]).await?;
    let last = append(&store, "more", false, &[]).await?;
    let mut turn = store.begin(known).await?;
    assert_eq!(turn.anew(), None);
    let entries = turn.entries();
    turn.pass().await?;
    let told: Vec<_> = entries.iter().map(|entry| (entry.version, entry.whole, entry.data.as_str())).collect();
    assert_eq!(told, [(known + 1, true, "all"), (last, false, "more")]);
    assert_eq!(all(&store).await?, entries, "also for whoever knows nothing");
    let mut turn = store.begin(known + 1).await?;
    assert_eq!(turn.entries(), entries[1..]);
    Ok(())
}

async fn a_number_is_given_once(place: Place) -> Result<(), Failed> {
    let store = place.store().await?;
    let version = append(&store, "one", false, &[]).await?;
    for wrong in [version, version + 2] {
        let turn = store.begin(version).await?;
        let entry = Entry { version: wrong, whole: false, data: "late".to_owned() };
        assert_eq!(turn.append(entry, &[]).await?, Appended::Outrun);
    }
    assert_eq!(all(&store).await?.len(), 1);
    Ok(())
}

async fn a_call_reaches_whom_it_names(place: Place) -> Result<(), Failed> {
    let (here, there) = (place.store().await?, place.store().await?);
    let (named, other) = (MemberId(1), MemberId(2));
    let known = append(&here, "first", false, &[]).await?;
    // The first call after a subscription comes by itself: something may have been missed before.
    for member in [named, other] {
        soon(there.changed(member, known)).await??;
    }
    let version = append(&here, "second", false, &[named]).await?;
    soon(there.changed(named, known)).await??;
    append(&here, "third", false, &[named]).await?;
    append(&here, "fourth", false, &[]).await?;
    soon(there.changed(named, version)).await??;
    let silence = tokio::time::timeout(Duration::from_millis(100), there.changed(other, known)).await;
    assert!(silence.is_err(), "nobody called the other");
    let silence = tokio::time::timeout(Duration::from_millis(100), there.changed(named, version + 1)).await;
    assert!(silence.is_err(), "it was called for nothing later");
    Ok(())
}

async fn a_dropped_turn_goes_back(place: Place) -> Result<(), Failed> {
    let (here, there) = (place.store().await?, place.store().await?);
    drop(here.begin(0).await?);
    let began = Instant::now();
    there.begin(0).await?.pass().await?;
    here.begin(0).await?.pass().await?;
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    Ok(())
}

async fn a_vanished_holder_loses_its_turn(place: Place) -> Result<(), Failed> {
    let (here, there) = (place.store().await?, place.store().await?);
    let version = append(&here, "one", false, &[]).await?;
    let vanished = here.begin(version).await?;
    let began = Instant::now();
    let heir = there.begin(version).await?;
    assert!(began.elapsed() > Duration::from_millis(900), "it was not waited for: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let entry = |data: &str| Entry { version: version + 1, whole: false, data: data.to_owned() };
    assert_eq!(vanished.append(entry("late"), &[]).await?, Appended::Outrun);
    assert_eq!(heir.append(entry("heir"), &[]).await?, Appended::Done);
    let entries = all(&here).await?;
    assert_eq!(entries.last().map(|last| last.data.as_str()), Some("heir"));
    // There is one right to the turn, not two.
    let turn = here.begin(0).await?;
    let other = tokio::time::timeout(Duration::from_millis(300), there.begin(0)).await;
    assert!(other.is_err(), "two turns at once");
    Ok(turn.pass().await?)
}

async fn who_vanishes_in_line_holds_up_nobody(place: Place) -> Result<(), Failed> {
    let stores = place.stores(3).await?;
    // Its connection has been in line before.
    let turn = stores[0].begin(0).await?;
    let waits = tokio::spawn({
        let store = stores[1].clone();
        async move { store.begin(0).await?.pass().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    turn.pass().await?;
    waits.await??;
    let turn = stores[0].begin(0).await?;
    let line = tokio::time::timeout(Duration::from_millis(100), stores[1].begin(0)).await;
    assert!(line.is_err(), "two turns at once");
    let next = stores[2].clone();
    let waits = tokio::spawn(async move { next.begin(0).await?.pass().await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    turn.pass().await?;
    waits.await??;
    stores[1].begin(0).await?.pass().await?;
    assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
    Ok(())
}

async fn a_lost_list_begins_anew(place: Place) -> Result<(), Failed> {
    let (here, there) = (place.store().await?, place.store().await?);
    append(&here, "one", false, &[]).await?;
    let known = append(&here, "two", true, &[]).await?;
    place.clear().await?;
    let first = append(&there, "new", false, &[]).await?;
    assert!(first > known + 1, "numbers that were given come again");
    let mut turn = here.begin(known).await?;
    assert_eq!(turn.anew(), Some(first - 1));
    assert_eq!(turn.entries().len(), 1);
    turn.pass().await?;
    // A part of it is gone: the rest means nothing.
    let mut connection = place.connection().await?;
    redis::cmd("DEL").arg(place.key("list")).exec_async(&mut connection).await?;
    let mut turn = here.begin(first).await?;
    assert!(turn.anew().is_some_and(|start| start > first));
    assert!(turn.entries().is_empty());
    Ok(turn.pass().await?)
}

async fn another_run_is_read_anew(place: Place) -> Result<(), Failed> {
    let store = place.store().await?;
    append(&store, "all", true, &[]).await?;
    let known = append(&store, "two", false, &[]).await?;
    let mut connection = place.connection().await?;
    redis::cmd("HSET").arg(place.key("turn")).arg("run").arg("before").exec_async(&mut connection).await?;
    let mut turn = store.begin(known).await?;
    let entries = turn.entries();
    assert_eq!(entries.iter().map(|entry| entry.data.as_str()).collect::<Vec<_>>(), ["all", "two"]);
    assert!(entries[0].whole && entries[0].version > known, "{entries:?}");
    turn.pass().await?;
    let mut turn = store.begin(entries[1].version).await?;
    assert!(turn.anew().is_none() && turn.entries().is_empty(), "only once");
    Ok(turn.pass().await?)
}

async fn killed_connections_are_survived(place: Place) -> Result<(), Failed> {
    let place = place.apart();
    let pools = pools(&place, 2, PoolLimits { per_user: 9, total: 9, ..PoolLimits::default() }).await?;
    pools[0].put_key(key("a", 1)).await?;
    let held = lease(&pools[0], "u").await?;
    // Waits for a call that comes after its subscription was cut.
    let other = pools[1].clone();
    let waits = tokio::spawn(async move { lease(&other, "v").await });
    let mut queue = 0;
    while queue == 0 {
        queue = pools[1].view().await?.queue.len();
    }
    for _ in 0..3 {
        assert!(place.cut().await? > 0, "nothing was cut");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(held);
    let lease = soon(waits).await???;
    lease.settle().await?;
    let view = pools[0].view().await?;
    assert!(view.leases.is_empty() && view.queue.is_empty() && view.keys.len() == 1, "{view:?}");
    Ok(())
}

async fn a_key_goes_over_and_back(place: Place) -> Result<(), Failed> {
    let pools = pools(&place, 2, PoolLimits { per_user: 9, total: 9, ..PoolLimits::default() }).await?;
    pools[0].put_key(key("a", 1)).await?;
    let mut held = lease(&pools[0], "u").await?;
    for round in 0..20 {
        let waits = {
            let pool = pools[(round + 1) % 2].clone();
            tokio::spawn(async move { lease(&pool, "v").await })
        };
        while pools[round % 2].view().await?.queue.is_empty() {}
        let before = held.generation();
        held.settle().await?;
        held = soon(waits).await???;
        assert!(held.generation() > before);
    }
    Ok(held.settle().await?)
}

async fn callers_pass_no_limit(place: Place) -> Result<(), Failed> {
    let pools = pools(&place, 4, PoolLimits { per_user: 2, total: 5, ..PoolLimits::default() }).await?;
    for number in 0..3 {
        pools[0].put_key(key(&format!("k{number}"), 2)).await?;
    }
    let running: Arc<[AtomicUsize; 21]> = Arc::default();
    let mut callers = JoinSet::new();
    for number in 0..200 {
        let (pool, running, user) = (pools[number % 4].clone(), running.clone(), number % 20);
        callers.spawn(async move {
            let lease = lease(&pool, &format!("u{user}")).await.unwrap();
            assert!(running[20].fetch_add(1, Ordering::SeqCst) < 5, "the limit in total");
            assert!(running[user].fetch_add(1, Ordering::SeqCst) < 2, "the limit of a user");
            tokio::time::sleep(Duration::from_millis(2)).await;
            running[user].fetch_sub(1, Ordering::SeqCst);
            running[20].fetch_sub(1, Ordering::SeqCst);
            lease.settle().await.unwrap();
        });
    }
    joined(&mut callers).await?;
    let view = pools[3].view().await?;
    assert!(view.leases.is_empty() && view.queue.is_empty(), "{view:?}");
    Ok(())
}

async fn a_lost_pool_starts_over(place: Place) -> Result<(), Failed> {
    let pools = pools(&place, 2, PoolLimits { per_user: 9, total: 9, ..PoolLimits::default() }).await?;
    pools[0].put_key(key("a", 1)).await?;
    let old = lease(&pools[0], "u").await?;
    place.clear().await?;
    assert!(pools[1].view().await?.keys.is_empty());
    pools[1].put_key(key("a", 1)).await?;
    let new = lease(&pools[1], "v").await?;
    assert!(new.generation() > old.generation(), "numbers of leases never come again");
    // It is not the new one that goes back in the old one's name.
    assert!(matches!(old.settle().await, Err(PoolError::LeaseEnded)));
    assert_eq!(pools[0].view().await?.leases.len(), 1);
    Ok(new.settle().await?)
}

async fn a_deleted_list_leaves_nothing(place: Place) -> Result<(), Failed> {
    let store = place.store().await?;
    append(&store, "one", false, &[]).await?;
    assert!(!place.keys().await?.is_empty());
    store.delete().await?;
    assert_eq!(place.keys().await?, [""; 0]);
    // Whoever goes on with it begins anew.
    assert!(append(&store, "two", false, &[]).await? > 1);
    assert_eq!(all(&store).await?.len(), 1);
    Ok(())
}

async fn a_bench_leaves_nothing(place: Place) -> Result<(), Failed> {
    let run = |interrupted: bool| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_mt-paas"));
        let seconds = if interrupted { "60" } else { "1" };
        command.args(["bench", "key-pool", "--store", &place.url, "--prefix", &place.prefix, "--seconds", seconds]);
        command.args(["--callers", "16", "--processes", "2", "--keys", "4", "--slots", "2", "--ttl", "3"]);
        command.stdout(std::process::Stdio::null()).kill_on_drop(true).spawn()
    };
    let status = run(false)?.wait().await?;
    assert!(status.success(), "{status}");
    assert_eq!(place.keys().await?, [""; 0]);
    let mut interrupted = run(true)?;
    while place.keys().await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let pid = interrupted.id().ok_or("it ended")?.to_string();
    tokio::process::Command::new("kill").args(["-INT", &pid]).status().await?;
    soon(interrupted.wait()).await??;
    assert_eq!(place.keys().await?, [""; 0]);
    Ok(())
}

async fn no_error_tells_the_password(_: Place) -> Result<(), Failed> {
    for url in [
        "redis://user:hush@127.0.0.1:1",
        "redis://:hush@127.0.0.1:6379",
        "rediss://:hush@127.0.0.1:1",
        "redis://:hush@:6379",
        "redis://:hush@127.0.0.1:6379/x",
        "http://:hush@127.0.0.1",
        "redis://user:hu/hush@127.0.0.1:6379",
    ] {
        let Err(error) = RedisKeyPool::connect(url, &RedisOptions::default()).await else {
            // A server without a password takes any.
            continue;
        };
        assert!(!told(&error).contains("hush") && !format!("{error:?}").contains("hush"), "{}", told(&error));
    }
    let unreachable = RedisKeyPool::connect("redis://127.0.0.1:1", &RedisOptions::default()).await;
    let error = unreachable.err().ok_or("connected to nothing")?;
    assert!(told(&error).contains("127.0.0.1:1"), "{}", told(&error));
    for prefix in ["", "a{b}", "a b", "ä"] {
        let options = RedisOptions { prefix: prefix.to_owned() };
        let refused = RedisKeyPool::connect("redis://127.0.0.1:6379", &options).await;
        assert!(matches!(refused, Err(ConnectError::InvalidPrefix)), "{prefix}");
    }
    Ok(())
}

pub(crate) async fn pools(place: &Place, count: usize, limits: PoolLimits) -> Result<Vec<KeyPool>, Failed> {
    let stores = place.stores(count).await?;
    Ok(stores.into_iter().map(|store| KeyPool::shared(limits, store)).collect())
}

pub(crate) async fn lease(pool: &KeyPool, user: &str) -> Result<Lease, PoolError> {
    let user = user.parse().expect("an id");
    pool.acquire(&provider(), &"school".parse().expect("an id"), &user, &AcquireOptions::default()).await
}

pub(crate) fn provider() -> Provider {
    "openai".parse().expect("a name")
}

pub(crate) fn key(name: &str, concurrency: u32) -> NewKey {
    NewKey {
        provider: provider(),
        name: name.to_owned(),
        payload: mt_paas_core::Secret::new(serde_json::json!({})),
        concurrency,
        requests_per_minute: None,
        requests_per_day: [].into(),
        scope: TenantScope::All,
        priority: 0,
        active: true,
        expires_at: None,
    }
}

pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> Result<T, Failed> {
    Ok(tokio::time::timeout(Duration::from_secs(10), work).await.map_err(|_| "it did not come in ten seconds")?)
}

async fn joined<T: 'static>(tasks: &mut JoinSet<T>) -> Result<(), Failed> {
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    Ok(())
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |error: &&dyn Error| (*error).source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
