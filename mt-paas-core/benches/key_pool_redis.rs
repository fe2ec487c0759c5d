//! The key pool on Redis at 50 callers beside the plainest grant and release scripts, called directly over 50
//! connections, in the same run.
//!
//! `cargo bench -p mt-paas-core --features redis --bench key_pool_redis`; `MT_TEST_REDIS_URL` names another server than
//! that of this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, KeyPool, NewKey, PoolLimits, Provider};
use mt_paas_core::store::redis::{RedisKeyPool, RedisOptions};
use mt_paas_core::{Secret, TenantId, UserId};
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use serde_json::json;
use tokio::task::JoinSet;

const CALLERS: u32 = 50;
const PAIRS: u32 = 400;
const ROUNDS: usize = 7;

/// Counts one key's calls, of this minute too, and keeps a lease.
const GRANT: &str = "
local held = tonumber(redis.call('HGET', KEYS[1], 'held') or 0)
local minute = tonumber(redis.call('HGET', KEYS[1], 'minute') or 0)
if held >= tonumber(ARGV[1]) or minute >= tonumber(ARGV[2]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'held', 1)
redis.call('HINCRBY', KEYS[1], 'minute', 1)
local lease = redis.call('HINCRBY', KEYS[1], 'lease', 1)
redis.call('ZADD', KEYS[2], redis.call('TIME')[1] + 60, lease)
return lease";

const RELEASE: &str = "
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'held', -1)";

const CONTROL: [&str; 2] = ["{mt-bench:}control:key", "{mt-bench:}control:leases"];
const OURS: [&str; 3] = ["{mt-bench:}key-pool:turn", "{mt-bench:}key-pool:list", "{mt-bench:}key-pool:token"];

#[tokio::main]
async fn main() {
    let url = server();
    let client = Client::open(url.as_str()).expect("an address");
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        clear(&client).await;
        let direct = rate(scripts(&client).await);
        let ours = rate(pool(&url).await);
        println!("scripts {direct:>7.0}/s  pool {ours:>7.0}/s  ratio {:.2}", ours / direct);
        ratios.push((ours / direct, ours));
    }
    clear(&client).await;
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, pairs) = ratios[ROUNDS / 2];
    println!("median: {ratio:.2} of direct scripts (wanted 0.8), {pairs:.0} pairs a second");
}

#[expect(clippy::disallowed_methods, reason = "where the server is is told by the environment")]
fn server() -> String {
    std::env::var("MT_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned())
}

fn rate(took: Duration) -> f64 {
    f64::from(CALLERS * PAIRS) / took.as_secs_f64()
}

async fn clear(client: &Client) {
    let mut connection = client.get_multiplexed_async_connection().await.expect("a server");
    redis::cmd("DEL").arg(&CONTROL).arg(&OURS).exec_async(&mut connection).await.expect("deleted");
}

async fn scripts(client: &Client) -> Duration {
    let mut connections: Vec<MultiplexedConnection> = Vec::new();
    for _ in 0..CALLERS {
        connections.push(client.get_multiplexed_async_connection().await.expect("a connection"));
    }
    let (grant, release) = (Arc::new(Script::new(GRANT)), Arc::new(Script::new(RELEASE)));
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for mut connection in connections {
        let (grant, release) = (grant.clone(), release.clone());
        callers.spawn(async move {
            for _ in 0..PAIRS {
                let mut call = grant.key(&CONTROL);
                let lease: u64 =
                    call.arg(CALLERS).arg(90_000_000).invoke_async(&mut connection).await.expect("granted");
                assert!(lease > 0, "refused");
                let left: i64 = release.key(&CONTROL).arg(lease).invoke_async(&mut connection).await.expect("released");
                assert!(left >= 0);
            }
        });
    }
    callers.join_all().await;
    began.elapsed()
}

/// One key that serves all callers at once, so that both do the same.
async fn pool(url: &str) -> Duration {
    let options = RedisOptions { prefix: "mt-bench:".to_owned() };
    let store = Arc::new(RedisKeyPool::connect(url, &options).await.expect("a server"));
    let pool = KeyPool::shared(PoolLimits { per_user: 4, total: CALLERS, ..PoolLimits::default() }, store);
    let provider: Provider = "openai".parse().expect("a name");
    let key = NewKey {
        concurrency: CALLERS,
        requests_per_minute: Some(90_000_000),
        ..NewKey::new(provider.clone(), "key", Secret::new(json!({})))
    };
    pool.put_key(key).await.expect("a key");
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (pool, provider) = (pool.clone(), provider.clone());
        callers.spawn(async move {
            let tenant: TenantId = "school".parse().expect("an id");
            let user: UserId = format!("user-{number}").parse().expect("an id");
            for _ in 0..PAIRS {
                let lease = pool.acquire(&provider, &tenant, &user, &AcquireOptions::default()).await.expect("a lease");
                lease.settle().await.expect("released");
            }
        });
    }
    callers.join_all().await;
    began.elapsed()
}
