//! Pools on a Redis server of their own, which is killed, emptied and full.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, PoolError, PoolLimits, WaitReason};
use tokio::task::JoinSet;

use crate::redis_key_pool::{Place, key, lease, pools, provider, soon};

pub(crate) type Trial = (&'static str, fn() -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("a_server_that_comes_back_empty_is_used_again", || Box::pin(comes_back_empty())),
    ("a_server_that_comes_back_with_all_it_had_goes_on", || Box::pin(comes_back_with_all())),
    ("a_server_that_is_emptied_under_load_is_used_again", || Box::pin(emptied_under_load())),
    ("scripts_that_are_forgotten_are_no_fault", || Box::pin(scripts_forgotten())),
    ("a_server_that_is_full_is_told_and_loses_nothing", || Box::pin(full())),
];

/// Whether servers can be started here; why not, if they cannot.
pub(crate) fn program() -> Result<String, String> {
    let tried = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).status();
    tried.map(|_| PROGRAM.to_owned()).map_err(|error| format!("{PROGRAM}: {error}"))
}

const PROGRAM: &str = "redis-server";

/// A server on a port of its own. It is killed when it is dropped.
struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    lasting: bool,
}

impl Server {
    async fn start(lasting: bool) -> Result<Self, Failed> {
        // Free a moment ago.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let child = Self::spawn(port, &folder, lasting)?;
        let server = Self { child, port, folder, lasting };
        server.answers().await?;
        Ok(server)
    }

    fn spawn(port: u16, folder: &tempfile::TempDir, lasting: bool) -> Result<Child, Failed> {
        let keeps = if lasting { ["--appendonly", "yes"] } else { ["--appendonly", "no"] };
        let mut command = Command::new(PROGRAM);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendfsync", "always"]);
        command.args(keeps).arg("--dir").arg(folder.path());
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// As `kill -9` does.
    fn kill(&mut self) -> Result<(), Failed> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    async fn start_again(&mut self) -> Result<(), Failed> {
        self.child = Self::spawn(self.port, &self.folder, self.lasting)?;
        self.answers().await
    }

    async fn answers(&self) -> Result<(), Failed> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if self.tell(&["PING"]).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("the server does not come up".into())
    }

    async fn tell(&self, words: &[&str]) -> Result<(), Failed> {
        let mut connection = redis::Client::open(self.url())?.get_multiplexed_async_connection().await?;
        let (command, arguments) = words.split_first().ok_or("nothing to tell")?;
        redis::cmd(command).arg(arguments).exec_async(&mut connection).await?;
        Ok(())
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn pools<const N: usize>(&self) -> Result<[KeyPool; N], Failed> {
        let limits = PoolLimits { per_user: 9, total: 99, ..PoolLimits::default() };
        let pools = pools(&Place::new(self.url()), N, limits).await?;
        pools.try_into().map_err(|_| "another number of pools".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.kill());
    }
}

/// Asks until the answer is not that the store failed.
macro_rules! again {
    ($ask:expr) => {{
        let began = Instant::now();
        loop {
            match $ask.await {
                Err(PoolError::Store(_)) if began.elapsed() < Duration::from_secs(10) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                got => break got?,
            }
        }
    }};
}

async fn comes_back_empty() -> Result<(), Failed> {
    let mut server = Server::start(false).await?;
    let [one, other] = server.pools().await?;
    one.put_key(key("a", 1)).await?;
    let held = lease(&one, "u").await?;
    let waits = tokio::spawn({
        let other = other.clone();
        async move { lease(&other, "w").await }
    });
    while one.view().await?.queue.is_empty() {}
    server.kill()?;
    for pool in [&one, &other] {
        let told = lease(pool, "v").await;
        assert!(matches!(told, Err(PoolError::Store(_))), "{told:?}");
    }
    server.start_again().await?;
    // It has no keys, and no lease that was not known to it. Whoever waited asks again by itself.
    assert!(again!(one.view()).keys.is_empty());
    let ended = held.settle().await;
    assert!(matches!(ended, Err(PoolError::LeaseEnded)), "{ended:?}");
    again!(other.put_key(key("a", 1)));
    soon(waits).await???.settle().await?;
    let view = again!(one.view());
    assert!(view.leases.is_empty() && view.queue.is_empty(), "{view:?}");
    Ok(())
}

async fn comes_back_with_all() -> Result<(), Failed> {
    let mut server = Server::start(true).await?;
    let [one, other] = server.pools().await?;
    one.put_key(key("a", 2)).await?;
    let (held, dropped) = (lease(&one, "u").await?, lease(&one, "v").await?);
    server.kill()?;
    // It is given back as soon as there is a server.
    drop(dropped);
    let told = lease(&one, "w").await;
    assert!(matches!(told, Err(PoolError::Store(_))), "{told:?}");
    server.start_again().await?;
    again!(held.renew());
    let late = again!(lease(&other, "w"));
    assert!(late.generation() > held.generation());
    let view = again!(one.view());
    assert_eq!((view.leases.len(), view.keys[0].held), (2, 2), "{view:?}");
    held.settle().await?;
    late.settle().await?;
    Ok(())
}

/// Callers on two pools while the server is emptied, scripts and all, and its key is put in again each time.
async fn emptied_under_load() -> Result<(), Failed> {
    let server = Server::start(false).await?;
    let pools: [KeyPool; 2] = server.pools().await?;
    pools[0].put_key(key("a", 3)).await?;
    let rests = tokio::sync::watch::Sender::new(false);
    let mut callers = JoinSet::new();
    for number in 0..12 {
        let (pool, rests) = (pools[number % 2].clone(), rests.subscribe());
        callers.spawn(async move {
            let mut calls = 0_u32;
            while !*rests.borrow() {
                let soon = AcquireOptions { patience: Duration::from_millis(200), ..AcquireOptions::default() };
                let user = format!("u{number}").parse().expect("an id");
                match pool.acquire(&provider(), &"school".parse().expect("an id"), &user, &soon).await {
                    Ok(lease) => match lease.settle().await {
                        Ok(()) => calls += 1,
                        Err(PoolError::LeaseEnded | PoolError::Store(_)) => {}
                        Err(error) => return Err(error),
                    },
                    Err(PoolError::Store(_)) => {}
                    // Between its loss and its return the key is not there.
                    Err(PoolError::Busy { reason: WaitReason::NoKeyForTenant | WaitReason::Concurrency, .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(calls)
        });
    }
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        server.tell(&["FLUSHALL"]).await?;
        server.tell(&["SCRIPT", "FLUSH"]).await?;
        again!(pools[0].put_key(key("a", 3)));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    rests.send_replace(true);
    while let Some(ended) = soon(callers.join_next()).await? {
        assert!(ended?? > 0, "a caller was never served");
    }
    let held = [again!(lease(&pools[0], "x")), lease(&pools[1], "y").await?];
    for held in held {
        held.settle().await?;
    }
    let view = pools[1].view().await?;
    assert!(view.leases.is_empty() && view.queue.is_empty(), "{view:?}");
    Ok(())
}

async fn scripts_forgotten() -> Result<(), Failed> {
    let server = Server::start(false).await?;
    let [one, other] = server.pools().await?;
    one.put_key(key("a", 1)).await?;
    for round in 0..10 {
        let held = lease(if round % 2 == 0 { &one } else { &other }, "u").await?;
        server.tell(&["SCRIPT", "FLUSH"]).await?;
        held.renew().await?;
        server.tell(&["SCRIPT", "FLUSH"]).await?;
        held.settle().await?;
    }
    Ok(())
}

async fn full() -> Result<(), Failed> {
    let server = Server::start(false).await?;
    let [one, other] = server.pools().await?;
    one.put_key(key("a", 2)).await?;
    let held = lease(&one, "u").await?;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    for pool in [&one, &other] {
        let told = lease(pool, "v").await;
        assert!(matches!(told, Err(PoolError::Store(_))), "{told:?}");
    }
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    let after = again!(lease(&other, "v"));
    held.renew().await?;
    let view = one.view().await?;
    assert_eq!((view.leases.len(), view.keys[0].held), (2, 2), "{view:?}");
    held.settle().await?;
    after.settle().await?;
    assert!(one.view().await?.leases.is_empty());
    Ok(())
}
