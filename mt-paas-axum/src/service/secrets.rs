//! The keys that a service seals its secrets under: at its start, and by the command `secrets`.

use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::{Arg, ArgMatches, Command};
use mt_paas_core::key_pool::KeyPool;
use mt_paas_core::seal::{
    KeptKeysError, Keyring, Progress, SealKeyId, SealKeyStore, SealedRows, admit, reseal, retire,
};
use mt_paas_core::store::sea_orm::SqlStore;

use super::Context;
use super::command::{Failure, existing, in_memory, key_pool};
use super::keys::KeyMaker;
use super::log;
use super::settings::Settings;
use crate::language::Language;

/// The ring of a service that starts, let in to its database. Where only this machine reaches the service, a missing key
/// is made, unless the database has values of another; elsewhere the ring stays empty, and secrets stay sealed.
pub(super) async fn keyring(settings: &Settings, host: IpAddr, sql: Option<&SqlStore>) -> Result<Keyring, Failure> {
    let maker = KeyMaker::new(Path::new("data"), host).ok();
    let (ring, origin) = match (&settings.secrets_key, maker) {
        (Some(ring), _) => (ring.clone(), "SECRETS_KEY".to_owned()),
        (None, Some(maker)) if maker.secrets_path().exists() || kept(sql).await?.is_empty() => {
            (maker.secrets_key()?, maker.secrets_path().display().to_string())
        }
        (None, _) => return Ok(Keyring::default()),
    };
    let_in(&ring, &origin, sql).await?;
    Ok(ring)
}

async fn let_in(ring: &Keyring, origin: &str, sql: Option<&SqlStore>) -> Result<(), Failure> {
    let Some(sql) = sql else { return Ok(()) };
    admit(ring, sql, Utc::now()).await.map_err(|error| match error {
        KeptKeysError::WrongKey { .. } => {
            format!("{origin}: {error}; add the missing key, or run `secrets forget KEY` if it is lost").into()
        }
        _ => Failure::from(format!("{origin}: {error}")),
    })
}

async fn kept(sql: Option<&SqlStore>) -> Result<Vec<SealKeyId>, Failure> {
    Ok(match sql {
        Some(sql) => sql.seal_keys().await?.iter().map(|key| key.id).collect(),
        None => Vec::new(),
    })
}

/// Makes the pool ready, if the service asked for it: what an earlier version kept as clear text is sealed, and the seeded
/// keys are put in. Without a key it stays as it is.
pub(super) async fn start_key_pool(context: &Context, sql: Option<&SqlStore>) -> Result<(), Failure> {
    let Some(pool) = context.key_pool.asked_for() else { return Ok(()) };
    let ring = &context.keyring;
    if ring.active().is_none() {
        tracing::warn!(
            "SECRETS_KEY is not set: keys of providers cannot be opened or added; KEY_POOL_JSON is not read"
        );
        return Ok(());
    }
    let counts = pool.count().await?;
    let known: Vec<SealKeyId> = ring.ids().collect();
    for (key, count) in counts.iter().filter_map(|(key, count)| Some(((*key)?, count))) {
        // A database has a list of its keys, where one that is lost was given up.
        match known.contains(&key) {
            true => {}
            false if sql.is_some() => tracing::warn!("{count} keys of providers are sealed under {key}, which is gone"),
            false => return Err(format!("SECRETS_KEY: {count} keys of providers are sealed under {key}").into()),
        }
    }
    if let Some(count) = counts.get(&None) {
        seal_clear_text(pool, ring, sql).await?;
        tracing::warn!(
            "{count} keys of providers were kept as clear text and are sealed now; backups still have them, so replace \
             them at their providers"
        );
    }
    let seeded = context.key_pool.seed(&context.settings.key_pool, context.store.clone()).await;
    seeded.map_err(|error| format!("KEY_POOL_JSON: {error}").into())
}

async fn seal_clear_text(pool: &KeyPool, ring: &Keyring, sql: Option<&SqlStore>) -> Result<(), Failure> {
    reseal(ring, pool, &|_| ()).await?;
    if let Some(sql) = sql
        && let Err(error) = sql.erase_deleted().await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "the file of the database may still hold clear text");
    }
    Ok(())
}

/// The command `secrets`.
pub(super) fn command(language: Language) -> Command {
    let say = |english: &'static str, korean: &'static str| language.say(english, korean);
    let one = |name: &'static str, help: &'static str| Command::new(name).about(help);
    one("secrets", say("Look after sealed secrets", "봉인한 비밀 값을 관리합니다"))
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(one(
            "status",
            say("Say how many values each key has sealed", "키마다 봉인한 값의 수를 보여 줍니다"),
        ))
        .subcommand(one(
            "reseal",
            say(
                "Seal all values under the first key of SECRETS_KEY, also while the service runs",
                "모든 값을 SECRETS_KEY의 첫째 키로 다시 봉인합니다. 서비스 중에도 됩니다",
            ),
        ))
        .subcommand(
            one("forget", say("Give up what a lost key has sealed", "잃어버린 키로 봉인한 값을 포기합니다")).arg(
                Arg::new("KEY").required(true).help(say("Its name, as status prints it", "status가 보여 주는 이름")),
            ),
        )
}

/// Runs the command. Exit code 1 of `reseal` if values are left that are not sealed under the first key.
pub(super) async fn run(settings: &Settings, what: &ArgMatches) -> Result<ExitCode, Failure> {
    let url = settings.database_url.expose();
    let sql = if in_memory(url)? { None } else { Some(existing(settings).await?) };
    let lazy = key_pool(settings, sql.as_ref()).await?;
    if !lazy.is_kept() {
        return Err("DATABASE_URL: memory: keeps no secrets".into());
    }
    let ring = given(settings)?;
    let pool = lazy.get(settings, &ring);
    match what.subcommand() {
        Some(("reseal", _)) => {
            if ring.active().is_none() {
                return Err("SECRETS_KEY is not set".into());
            }
            let_in(&ring, "SECRETS_KEY", sql.as_ref()).await?;
            reseal_all(&ring, &pool, sql.as_ref()).await
        }
        Some(("forget", key)) => {
            let key = key.get_one::<String>("KEY").map(String::as_str).unwrap_or_default();
            forget(&ring, key, sql.as_ref()).await
        }
        _ => {
            print_status(&ring, &pool, sql.as_ref()).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The ring that the service has when it runs; nothing is made.
fn given(settings: &Settings) -> Result<Keyring, Failure> {
    if let Some(ring) = &settings.secrets_key {
        return Ok(ring.clone());
    }
    let maker = KeyMaker::new(Path::new("data"), settings.address.ip()).ok();
    let made = maker.filter(|maker| maker.secrets_path().exists()).map(|maker| maker.secrets_key()).transpose()?;
    Ok(made.unwrap_or_default())
}

async fn reseal_all(ring: &Keyring, pool: &KeyPool, sql: Option<&SqlStore>) -> Result<ExitCode, Failure> {
    let clear = pool.count().await?.contains_key(&None);
    let last = Mutex::new(Instant::now());
    let tell = |progress: Progress| {
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= Duration::from_secs(1) {
            *last = Instant::now();
            log::say(&format!("{} values sealed again", progress.resealed));
        }
    };
    let Progress { resealed, unreadable, .. } = reseal(ring, pool, &tell).await?;
    if clear {
        seal_clear_text(pool, ring, sql).await?;
    }
    println!("{resealed} values sealed again, {unreadable} cannot be opened");
    let counts = pool.count().await?;
    if let Some(sql) = sql {
        for key in retire(ring, sql, |key| counts.contains_key(&Some(key))).await? {
            println!("{key} is needed no more: take it out of SECRETS_KEY");
        }
    }
    print_status(ring, pool, sql).await?;
    let done = counts.keys().all(|key| *key == ring.active());
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn forget(ring: &Keyring, key: &str, sql: Option<&SqlStore>) -> Result<ExitCode, Failure> {
    let key: SealKeyId = key.parse()?;
    let sql = sql.ok_or("DATABASE_URL: memory: knows no keys")?;
    if ring.ids().any(|known| known == key) {
        return Err(format!("{key} is in SECRETS_KEY and not lost: run `secrets reseal`").into());
    }
    if !sql.forget_seal_key(key).await? {
        return Err(format!("the database does not know the key {key}").into());
    }
    println!("{key} is given up: what it sealed cannot be opened any more");
    Ok(ExitCode::SUCCESS)
}

/// One line for each key: its name, whether it seals, opens or is missing, how many values it has sealed.
async fn print_status(ring: &Keyring, pool: &KeyPool, sql: Option<&SqlStore>) -> Result<(), Failure> {
    let counts = pool.count().await?;
    let mut keys: Vec<SealKeyId> = ring.ids().collect();
    keys.extend(kept(sql).await?.into_iter().chain(counts.keys().copied().flatten()));
    let mut told = Vec::new();
    for key in keys {
        if !told.contains(&key) {
            let state = match ring.ids().position(|known| known == key) {
                Some(0) => "seals",
                Some(_) => "opens",
                None => "missing",
            };
            println!("{key} {state:<8} {} values", counts.get(&Some(key)).copied().unwrap_or_default());
            told.push(key);
        }
    }
    if let Some(count) = counts.get(&None) {
        println!("{:<16} {:<8} {count} values", "clear text", "");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mt_paas_core::Secret;
    use mt_paas_core::key_pool::{AcquireOptions, NewKey, PoolError, PoolLimits};
    use mt_paas_core::store::memory::MemoryKeyPool;
    use serde_json::json;

    use super::*;
    use crate::auth::MarketKeys;
    use crate::service::{About, LazyKeyPool};

    const ABOUT: About = About { name: "advisor", version: "0.2.0", port: 8000 };
    const SEED: &str = r#"{"openai": [{"name": "seeded", "api_key": "sk-seeded-canary"}]}"#;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        let get = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::read(ABOUT, &get).unwrap()
    }

    fn context(sql: &SqlStore, key_pool: LazyKeyPool, keyring: Keyring) -> Context {
        Context {
            about: ABOUT,
            store: Arc::new(sql.clone()),
            market_keys: MarketKeys::parse("market").unwrap(),
            public_url: "http://127.0.0.1:8000".to_owned(),
            prices: Default::default(),
            settings: Arc::new(settings(&[("KEY_POOL_JSON", SEED)])),
            address: "127.0.0.1:8000".parse().unwrap(),
            key_pool,
            accounts: Default::default(),
            keyring,
        }
    }

    fn ring() -> Keyring {
        Keyring::parse(Keyring::new_key().unwrap().expose()).unwrap()
    }

    async fn store(folder: &Path) -> SqlStore {
        SqlStore::open(&format!("sqlite:{}", folder.join("x.db").display())).await.unwrap()
    }

    /// All that is in the folder, as one text.
    fn bytes(folder: &Path) -> String {
        let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        String::from_utf8_lossy(&files.collect::<Vec<_>>().concat()).into_owned()
    }

    #[tokio::test]
    async fn clear_text_of_an_earlier_version_is_sealed_at_the_start_and_gone_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let sql = store(folder.path()).await;
        let earlier = KeyPool::shared(PoolLimits::default(), sql.key_pool());
        for number in 0..300 {
            let payload = Secret::new(json!({"api_key": format!("sk-earlier-canary-{number}")}));
            earlier.put_key(NewKey::new("suno".parse().unwrap(), format!("k{number}"), payload)).await.unwrap();
        }
        drop(earlier);
        assert!(bytes(folder.path()).contains("sk-earlier-canary-7"), "the search finds nothing");
        let context = context(&sql, LazyKeyPool::shared(sql.key_pool()), ring());
        let pool = context.key_pool();
        start_key_pool(&context, Some(&sql)).await.unwrap();
        assert_eq!(pool.count().await.unwrap(), [(context.keyring.active(), 301)].into());
        let kept = bytes(folder.path());
        assert!(kept.contains("mts1.") && !kept.contains("canary"), "clear text is left in the file");
        let (provider, tenant, user) = ("openai".parse().unwrap(), "t".parse().unwrap(), "u".parse().unwrap());
        let lease = pool.acquire(&provider, &tenant, &user, &AcquireOptions::default()).await.unwrap();
        assert_eq!(pool.open(&lease).unwrap().expose(), &json!({"api_key": "sk-seeded-canary"}));
    }

    #[tokio::test]
    async fn without_a_key_the_service_starts_and_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sql = store(folder.path()).await;
        let elsewhere = keyring(&settings(&[]), "0.0.0.0".parse().unwrap(), Some(&sql)).await.unwrap();
        assert!(elsewhere.active().is_none());
        let context = context(&sql, LazyKeyPool::shared(sql.key_pool()), elsewhere);
        let pool = context.key_pool();
        start_key_pool(&context, Some(&sql)).await.unwrap();
        assert!(pool.view().await.unwrap().keys.is_empty());
        let key = NewKey::new("suno".parse().unwrap(), "a", Secret::new(json!({"api_key": "canary"})));
        assert!(matches!(pool.put_key(key).await, Err(PoolError::NotSealed { .. })));
        assert!(!bytes(folder.path()).contains("canary"));
    }

    #[tokio::test]
    async fn a_wrong_key_stops_the_start_and_a_changed_one_is_welcome_beside_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let sql = store(folder.path()).await;
        let [one, other] = [(); 2].map(|()| Keyring::new_key().unwrap());
        let start = async |keys: &str| {
            keyring(&settings(&[("SECRETS_KEY", keys)]), "0.0.0.0".parse().unwrap(), Some(&sql)).await
        };
        let first = start(one.expose()).await.unwrap().active().unwrap();
        assert!(start(one.expose()).await.is_ok());
        let said = start(other.expose()).await.unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("SECRETS_KEY: values are sealed under the key {first}, and given")),
            "{said}"
        );
        assert!(!said.contains(other.expose().as_str()));
        let both = format!("{},{}", other.expose(), one.expose());
        assert!(start(&both).await.is_ok());
        assert!(start(one.expose()).await.is_err(), "both have sealed something now");
        let ring = Keyring::parse(&both).unwrap();
        assert_eq!(retire(&ring, &sql, |key| key == first).await.unwrap(), []);
        assert_eq!(retire(&ring, &sql, |_| false).await.unwrap(), [first]);
        assert!(start(other.expose()).await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_key_is_an_error_also_where_no_database_knows_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let (sql, list) = (store(folder.path()).await, Arc::new(MemoryKeyPool::new()));
        let first = context(&sql, LazyKeyPool::shared(list.clone()), ring());
        let _pool = first.key_pool();
        start_key_pool(&first, None).await.unwrap();
        let second = context(&sql, LazyKeyPool::shared(list), ring());
        let _pool = second.key_pool();
        let said = start_key_pool(&second, None).await.unwrap_err().to_string();
        assert!(said.starts_with("SECRETS_KEY: 1 keys") && said.contains(&first.keyring.active().unwrap().to_string()));
    }
}
