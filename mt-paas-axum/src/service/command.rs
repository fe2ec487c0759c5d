//! The command line of a service: `serve` (the default), `migrate`, `usage`, `secrets`, `audit`.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Command;
use mt_paas_core::audit::{AuditStore, HeadFile};
use mt_paas_core::ids::TenantId;
use mt_paas_core::key_pool::KeyPoolStore;
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::store::sea_orm::{Migrations, SqlStore};
use tokio::net::{TcpListener, TcpSocket};

use super::accounts::LazyAccounts;
use super::audit;
use super::key_pool::LazyKeyPool;
use super::keys::{KeyMaker, NoKey};
use super::settings::{SETTINGS, Settings};
use super::{About, Context, Make, log, secrets};
use crate::language::Language;
use crate::serve::{ServeOptions, serve, terminated};

pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// Runs a service's binary: reads the command line and the environment, and does what they say. A failure is one
/// sentence on standard error and an exit code other than 0.
pub fn run(about: About, make: Make) -> ExitCode {
    log::panics();
    let language = Language::of_terminal(&environment);
    // The usual 1024 files are fewer connections than a handful of bad clients hold open; more is welcome, not needed.
    let _ = rlimit::increase_nofile_limit(65_536);
    let matches = command(about, language).get_matches();
    let ran =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from).and_then(|runtime| {
            runtime.block_on(async {
                let settings = Settings::read(about, &environment)?;
                log::hide(&settings.secrets);
                log::to_stderr(&settings.log)?;
                match matches.subcommand() {
                    Some(("migrate", what)) => migrate(&settings, what.subcommand_name().unwrap_or_default()).await,
                    Some(("secrets", what)) => secrets::run(&settings, what).await,
                    Some(("usage", what)) => audit_usage(&settings, what.subcommand_name() == Some("rebuild")).await,
                    Some(("audit", what)) => audit::run(&settings, what).await,
                    _ => serve_until_told(about, make, settings, language).await,
                }
            })
        });
    match ran {
        Ok(code) => code,
        Err(error) => {
            log::say(&format!("{}: {error}", about.name));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn command(about: About, language: Language) -> Command {
    let say = |english: &'static str, korean: &'static str| language.say(english, korean);
    let settings: String = SETTINGS
        .iter()
        .map(|(name, english, korean)| {
            let meaning = language.say(english, korean);
            let meaning = meaning.replace("{name}", about.name).replace("{port}", &about.port.to_string());
            format!("  {name:<24}{meaning}\n")
        })
        .collect();
    let secrets = say(
        "DATABASE_URL, REDIS_URL, MARKET_API_KEYS, SECRETS_KEY, ADMIN_API_KEYS and KEY_POOL_JSON can also be given as \
         files: NAME_FILE.",
        "DATABASE_URL, REDIS_URL, MARKET_API_KEYS, SECRETS_KEY, ADMIN_API_KEYS, KEY_POOL_JSON은 NAME_FILE로 파일에서 \
         읽을 수 있습니다.",
    );
    let one = |name: &'static str, help: &'static str| Command::new(name).about(help);
    Command::new(about.name)
        .version(about.version)
        .about(say("A service that speaks the Standard API", "표준 API를 제공하는 서비스"))
        .after_help(format!("{}:\n{settings}\n{secrets}", say("Environment", "환경 변수")))
        .disable_help_subcommand(true)
        .subcommand(one(
            "serve",
            say("Serve until told to stop (the default)", "멈추라고 할 때까지 서비스합니다 (기본)"),
        ))
        .subcommand(
            one("migrate", say("Look after the database's tables", "데이터베이스 테이블을 관리합니다"))
                .subcommand_required(true)
                .disable_help_subcommand(true)
                .subcommand(one("up", say("Apply all migrations", "모든 마이그레이션을 적용합니다")))
                .subcommand(one("down", say("Take the last migration back", "마지막 마이그레이션을 되돌립니다")))
                .subcommand(one("status", say("List migrations and their state", "마이그레이션과 상태를 보여 줍니다")))
                .subcommand(one("history", say("List applied migrations by time", "적용한 순서대로 보여 줍니다"))),
        )
        .subcommand(
            one("usage", say("Compare usage roll-ups with the ledger", "사용량 집계를 원장과 비교합니다"))
                .subcommand_required(true)
                .disable_help_subcommand(true)
                .subcommand(one("verify", say("Say where they differ", "다른 곳을 알려 줍니다")))
                .subcommand(one("rebuild", say("Count the ledger again", "원장을 다시 집계합니다"))),
        )
        .subcommand(secrets::command(language))
        .subcommand(audit::command(language))
}

async fn serve_until_told(
    about: About,
    make: Make,
    settings: Settings,
    language: Language,
) -> Result<ExitCode, Failure> {
    let wanted = settings.address;
    // First of all: a second start must not touch the first one's data.
    let listener = listen(wanted).map_err(|error| format!("cannot listen on {wanted}: {error}"))?;
    let address = listener.local_addr()?;
    let own_keys =
        settings.market_keys.is_none().then(|| KeyMaker::new(Path::new("data"), address.ip())).transpose()?;
    let Stores { store, sql, key_pool } = open(&settings).await?;
    // Only now: a start that fails on its database leaves nothing behind.
    let made = own_keys.map(|maker| maker.key()).transpose()?;
    let market_keys = settings.market_keys.clone().or_else(|| made.as_ref().map(|made| made.keys.clone()));
    let market_keys = market_keys.ok_or(NoKey::NotLoopback)?;
    let keyring = secrets::keyring(&settings, address.ip(), sql.as_ref()).await?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    if settings.public_url.is_none() && address.ip().is_unspecified() {
        tracing::warn!("PUBLIC_URL is not set: links lead to {public_url}, where nobody else reaches this service");
    }
    if settings.short_market_key && !address.ip().is_loopback() {
        tracing::warn!("MARKET_API_KEYS holds a key of less than 16 characters, which others may guess");
    }
    let prices = settings.prices.clone().unwrap_or_default();
    let settings = Arc::new(settings);
    let context = Context {
        about,
        store: store.clone(),
        market_keys,
        public_url: public_url.clone(),
        prices,
        settings,
        address,
        key_pool: key_pool.clone(),
        accounts: LazyAccounts::default(),
        keyring,
    };
    let router = make(&context)?;
    secrets::start_key_pool(&context, sql.as_ref()).await?;
    let housekeeping = context.accounts.start(&context).await?;
    say(&format!("{} {}: {public_url}", about.name, about.version));
    if let Some(made) = made {
        let kept = language.say("market key (kept in", "마켓 키 (보관 위치:");
        say(&format!("{kept} {}): {}", made.path.display(), made.key));
    }
    if let Some(invitation) = housekeeping.as_ref().and_then(|keeper| keeper.invitation(&public_url, language)) {
        say(&invitation);
    }
    let served = serve(listener, router, ServeOptions::default(), terminated()).await;
    drop(housekeeping);
    key_pool.close();
    store.close().await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Tells whoever started the service. That nobody reads it any more is no reason not to serve.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Listens with room for a burst: the usual queue of 128 connections overflows when a school's lesson begins.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// The places where a service keeps things.
pub(super) struct Stores {
    pub(super) store: Arc<dyn Store>,
    /// The same, unless it is in memory.
    pub(super) sql: Option<SqlStore>,
    /// In the same database, unless `REDIS_URL` names a server.
    pub(super) key_pool: LazyKeyPool,
}

async fn open(settings: &Settings) -> Result<Stores, Failure> {
    let url = settings.database_url.expose();
    // Before the database is made: a start that fails leaves nothing behind.
    let redis = redis(settings).await?;
    let heads = HeadFile::new(&settings.audit_heads);
    let sql = match url.as_str() {
        "memory:" => None,
        _ => {
            let path = settings.audit_heads.display();
            heads.check().map_err(|error| format!("AUDIT_HEADS: the file {path} cannot be written: {error}"))?;
            Some(SqlStore::open(url).await.map_err(|error| format!("DATABASE_URL: {error}"))?)
        }
    };
    if let Some(sql) = &sql {
        sql.keep_audit_heads(Arc::new(heads));
    }
    let store: Arc<dyn Store> = match &sql {
        Some(sql) => Arc::new(sql.clone()),
        None => Arc::new(MemoryStore::new()),
    };
    Ok(Stores { key_pool: pool(redis, sql.as_ref()), store, sql })
}

/// Where the key pool is kept.
pub(super) async fn key_pool(settings: &Settings, sql: Option<&SqlStore>) -> Result<LazyKeyPool, Failure> {
    Ok(pool(redis(settings).await?, sql))
}

fn pool(redis: Option<Arc<dyn KeyPoolStore>>, sql: Option<&SqlStore>) -> LazyKeyPool {
    match (redis, sql) {
        (Some(redis), _) => LazyKeyPool::shared(redis),
        (None, Some(sql)) => LazyKeyPool::shared(sql.key_pool()),
        (None, None) => LazyKeyPool::default(),
    }
}

/// The server that `REDIS_URL` names, which answers.
async fn redis(settings: &Settings) -> Result<Option<Arc<dyn KeyPoolStore>>, Failure> {
    match &settings.redis_url {
        Some(url) => Ok(Some(on_redis(url.expose()).await?)),
        None => Ok(None),
    }
}

#[cfg(feature = "redis")]
async fn on_redis(url: &str) -> Result<Arc<dyn KeyPoolStore>, Failure> {
    use mt_paas_core::store::redis::{RedisKeyPool, RedisOptions};
    let store = RedisKeyPool::connect(url, &RedisOptions::default()).await;
    Ok(Arc::new(store.map_err(|error| format!("REDIS_URL: {}", with_causes(&error)))?))
}

/// An error and what it came from, in one sentence. None of them holds the address's password.
#[cfg(feature = "redis")]
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(not(feature = "redis"))]
async fn on_redis(url: &str) -> Result<Arc<dyn KeyPoolStore>, Failure> {
    let url = url::Url::parse(url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("a server");
    let port = url.as_ref().and_then(url::Url::port).unwrap_or(6379);
    Err(format!("REDIS_URL: names {host}:{port}, but this program was built without Redis").into())
}

pub(super) fn in_memory(url: &str) -> Result<bool, Failure> {
    Ok(url == "memory:" || Migrations::in_memory(url).map_err(|error| format!("DATABASE_URL: {error}"))?)
}

fn missing_file(url: &str) -> Result<Option<PathBuf>, Failure> {
    Migrations::missing_file(url).map_err(|error| format!("DATABASE_URL: {error}").into())
}

async fn migrate(settings: &Settings, what: &str) -> Result<ExitCode, Failure> {
    let url = settings.database_url.expose();
    if in_memory(url)? {
        return Err("DATABASE_URL: memory: has no tables to look after".into());
    }
    if let Some(path) = missing_file(url)?.filter(|_| what != "up") {
        log::say(&format!("DATABASE_URL: there is no database file {}; `migrate up` makes it", path.display()));
        if what == "status" {
            Migrations::known().for_each(|name| println!("{:<8} {name}", "pending"));
        }
        return Ok(if what == "status" { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let migrations = Migrations::connect(url).await.map_err(|error| format!("DATABASE_URL: {error}"))?;
    match what {
        "up" => migrations.up().await?.iter().for_each(|name| println!("applied {name}")),
        "down" => migrations.down().await?.iter().for_each(|name| println!("taken back {name}")),
        "status" => {
            for migration in migrations.status().await? {
                let state = if migration.applied_at.is_some() { "applied" } else { "pending" };
                println!("{state:<8} {}", migration.name);
            }
        }
        _ => {
            for migration in migrations.history().await? {
                let at = migration.applied_at.map(|at| at.to_rfc3339()).unwrap_or_default();
                println!("{at} {}", migration.name);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The database as it is, with tables of today.
pub(super) async fn existing(settings: &Settings) -> Result<SqlStore, Failure> {
    let url = settings.database_url.expose();
    if in_memory(url)? {
        return Err("DATABASE_URL: memory: keeps nothing to look at".into());
    }
    if let Some(path) = missing_file(url)? {
        return Err(format!("DATABASE_URL: there is no database file {}", path.display()).into());
    }
    Ok(SqlStore::connect(url).await.map_err(|error| format!("DATABASE_URL: {error}"))?)
}

/// Exit code 1 if the roll-ups differ from the ledger and were not rebuilt.
async fn audit_usage(settings: &Settings, repair: bool) -> Result<ExitCode, Failure> {
    let store = existing(settings).await?;
    let store: Arc<dyn Store> = Arc::new(store);
    let (mut after, mut differences): (Option<TenantId>, usize) = (None, 0);
    loop {
        let tenants = store.tenants(after.as_ref(), 100).await?;
        let Some(last) = tenants.last() else { break };
        after = Some(last.id.clone());
        for tenant in &tenants {
            for difference in store.audit_usage(&tenant.id, repair).await? {
                differences += 1;
                println!(
                    "{} {}: ledger {}, roll-up {}",
                    tenant.id, difference.row, difference.ledger, difference.rollup
                );
            }
        }
    }
    println!("{differences} differences{}", if repair && differences > 0 { ", rebuilt" } else { "" });
    Ok(if differences > 0 && !repair { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
