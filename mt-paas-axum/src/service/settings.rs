//! The environment of a service. Every setting that holds a secret can also be given as `NAME_FILE`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chrono::{Datelike, NaiveDate, NaiveTime};
use mt_paas_core::Secret;
use mt_paas_core::seal::Keyring;
use mt_paas_core::usage::PriceList;

use super::accounts::AccountsSettings;
use super::key_pool::KeyPoolSettings;
use super::{About, hidden};
use crate::auth::MarketKeys;
use crate::deprecation::AliasSchedule;

/// The settings that all services share. A service reads its own beside them, from the same source.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen.
    pub address: SocketAddr,
    /// Where things are kept.
    pub database_url: Secret<String>,
    /// The keys of markets, if any are given.
    pub market_keys: Option<MarketKeys>,
    /// Whether one of them is so short that it could be guessed.
    pub short_market_key: bool,
    /// The keys that secrets are sealed under, if any are given.
    pub secrets_key: Option<Keyring>,
    /// When the old paths go.
    pub aliases: AliasSchedule,
    /// Where people reach the service, if that is not where it listens.
    pub public_url: Option<String>,
    /// Whether `/docs` is served; by default on a loopback address only.
    pub docs: Option<bool>,
    /// The origins whose pages may call with a browser.
    pub cors_origins: Vec<String>,
    /// What is logged, in the language of `RUST_LOG`.
    pub log: String,
    /// What tokens cost, if the operator has a list of their own.
    pub prices: Option<PriceList>,
    /// The key pool, for services that have one.
    pub key_pool: KeyPoolSettings,
    /// The Redis server that keeps the key pool, if the database does not.
    pub redis_url: Option<Secret<String>>,
    /// Accounts, for services that have them.
    pub accounts: AccountsSettings,
    /// The file that keeps the heads of the audit trail.
    pub audit_heads: PathBuf,
    /// Every secret of these, as it may occur in a text.
    pub(super) secrets: Vec<Secret<String>>,
}

/// A setting that cannot be read. Its value is not repeated, because it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct InvalidSetting {
    name: &'static str,
    problem: String,
}

/// The name and meaning of every setting, for `--help`; `{name}` and `{port}` stand for the service's own.
pub(super) const SETTINGS: &[(&str, &str, &str)] = &[
    ("HOST", "address to listen on (127.0.0.1)", "수신 주소 (127.0.0.1)"),
    ("PORT", "port to listen on ({port})", "수신 포트 ({port})"),
    (
        "DATABASE_URL",
        "sqlite:… file, postgres://… or memory: (sqlite:data/{name}.db)",
        "sqlite:… 파일, postgres://… 또는 memory: (sqlite:data/{name}.db)",
    ),
    (
        "MARKET_API_KEYS",
        "market keys, separated by commas; made and kept in data/ on a loopback address",
        "마켓 키 목록(쉼표로 구분); 루프백 주소에서는 만들어 data/에 보관합니다",
    ),
    (
        "SECRETS_KEY",
        "32 bytes in base64 that seal secrets; several, separated by commas: the first seals, all open; made and kept \
         in data/ on a loopback address",
        "비밀 값을 봉인하는 32바이트 base64 키; 쉼표로 여러 개: 첫째로 봉인하고 모두로 엽니다; 루프백 주소에서는 만들어 \
         data/에 보관합니다",
    ),
    (
        "MARKET_ALIASES_SINCE",
        "day (YYYY-MM-DD) on which the change from the old paths began",
        "이전 경로에서 바꾸기 시작한 날 (YYYY-MM-DD)",
    ),
    ("PUBLIC_URL", "where people reach the service (http://HOST:PORT)", "사람들이 접속하는 주소 (http://HOST:PORT)"),
    (
        "DOCS",
        "on or off: /docs and /openapi.json (on for a loopback address)",
        "on 또는 off: /docs와 /openapi.json (루프백 주소에서는 on)",
    ),
    (
        "CORS_ORIGINS",
        "origins of pages that may call, a list or JSON array",
        "호출을 허용할 페이지의 출처 목록 또는 JSON 배열",
    ),
    ("PRICES_FILE", "JSON file with prices of models", "모델 가격 JSON 파일"),
    (
        "KEY_POOL_JSON",
        "keys of providers, for services with a key pool: {\"openai\": [{\"name\": …, \"api_key\": …}]}",
        "키 풀이 있는 서비스의 제공자 키: {\"openai\": [{\"name\": …, \"api_key\": …}]}",
    ),
    ("USER_MAX_CONCURRENCY", "jobs that one user may run at once (1)", "한 사용자가 동시에 실행할 수 있는 작업 수 (1)"),
    ("GLOBAL_MAX_CONCURRENCY", "jobs that may run at once in total (4)", "전체에서 동시에 실행할 수 있는 작업 수 (4)"),
    (
        "REDIS_URL",
        "redis://… server that keeps the key pool instead of the database",
        "데이터베이스 대신 키 풀을 보관할 redis://… 서버",
    ),
    (
        "KEY_CHOICE",
        "which free key is taken: priority or least_loaded (priority)",
        "빈 키를 고르는 기준: priority 또는 least_loaded (priority)",
    ),
    (
        "ADMIN_API_KEYS",
        "keys of administrators, separated by commas; without them /admin is not there",
        "관리자 키 목록(쉼표로 구분); 없으면 /admin이 열리지 않습니다",
    ),
    (
        "AUDIT_HEADS",
        "file, best on another disk, that keeps the heads of the audit trail (data/audit-heads)",
        "감사 기록의 체인 헤드를 보관할 파일, 다른 디스크 권장 (data/audit-heads)",
    ),
    (
        "ADMIN_USER, ADMIN_PASS",
        "the first operator, made once; a password that is easy to guess works on a loopback address only, and has to be \
         changed at the first login",
        "첫 운영자의 로그인 이름과 비밀번호, 한 번만 등록합니다; 추측하기 쉬운 비밀번호는 루프백 주소에서만 쓸 수 있고 첫 로그인 때 \
         바꿔야 합니다",
    ),
    ("DEFAULT_TENANT", "tenant of people who name none (default)", "테넌트를 밝히지 않은 사람의 테넌트 (default)"),
    ("SESSION_HOURS", "hours until a session ends, 1 to 2160", "세션이 끝나기까지의 시간, 1~2160"),
    (
        "SESSION_IDLE_MINUTES",
        "minutes that a session may stay unused (no limit)",
        "세션을 쓰지 않아도 유지되는 분 (제한 없음)",
    ),
    ("PASSWORD_MIN_LENGTH", "characters of users' passwords, 8 to 64", "사용자 비밀번호의 최소 글자 수, 8~64"),
    (
        "SMTP_URL, MAIL_FROM",
        "mail server (smtp:// or smtps://) and sender of messages to people",
        "사람들에게 보낼 메일의 서버(smtp:// 또는 smtps://)와 보내는 주소",
    ),
    ("ALLOW_INSECURE_COOKIES", "on: people may log in without https (off)", "on: https 없이 로그인을 허용합니다 (off)"),
    ("RUST_LOG", "what is logged (info); LOG_LEVEL is accepted", "로그 수준 (info); LOG_LEVEL도 됩니다"),
];

impl Settings {
    /// Reads the settings; `get` looks a variable up.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] names the first variable that cannot be read.
    pub fn read(about: About, get: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let value = |name: &str| get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let host = match value("HOST").as_deref() {
            None | Some("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(text) => text.parse().map_err(|_| invalid("HOST", "must be an IP address or localhost"))?,
        };
        let port = value("PORT").map(|text| text.parse().map_err(|_| invalid("PORT", "must be a number up to 65535")));
        let database = secret("DATABASE_URL", "DATABASE_URL_FILE", &value)?;
        let keys = match secret("MARKET_API_KEYS", "MARKET_API_KEYS_FILE", &value)? {
            Some(keys) => Some(("MARKET_API_KEYS", keys)),
            None => secret("MARKET_API_KEY", "MARKET_API_KEY_FILE", &value)?.map(|key| ("MARKET_API_KEY", key)),
        };
        let short = |keys: &str| keys.split(',').map(str::trim).any(|key| (1..16).contains(&key.len()));
        let short_market_key = keys.as_ref().is_some_and(|(_, keys)| short(keys));
        let keys = keys.map(|(name, keys)| {
            MarketKeys::parse(&keys).map_err(|error| invalid(name, &format!("cannot be used: {error}")))
        });
        let database = database.unwrap_or_else(|| format!("sqlite:data/{}.db", about.name));
        let (sealing, redis) =
            (secret("SECRETS_KEY", "SECRETS_KEY_FILE", &value)?, secret("REDIS_URL", "REDIS_URL_FILE", &value)?);
        let (market_keys, key_pool) = (keys.transpose()?, KeyPoolSettings::read(&value)?);
        let mut secrets = hidden::of_url(&database);
        secrets.extend(redis.as_deref().map(hidden::of_url).into_iter().flatten());
        secrets.extend(sealing.as_deref().map(hidden::of_keyring).into_iter().flatten());
        secrets.extend(market_keys.iter().flat_map(MarketKeys::secrets).cloned());
        secrets.extend(key_pool.secrets());
        let accounts = AccountsSettings::read(&value)?;
        secrets.extend(accounts.secrets());
        Ok(Self {
            address: SocketAddr::new(host, port.transpose()?.unwrap_or(about.port)),
            database_url: Secret::new(database),
            market_keys,
            short_market_key,
            secrets_key: sealing
                .map(|keys| {
                    Keyring::parse(&keys).map_err(|error| invalid("SECRETS_KEY", &format!("cannot be used: {error}")))
                })
                .transpose()?,
            aliases: value("MARKET_ALIASES_SINCE").map_or(Ok(AliasSchedule::default()), |text| since(&text))?,
            public_url: value("PUBLIC_URL").map(|text| public_url(&text)).transpose()?,
            docs: value("DOCS").map(|text| switch("DOCS", &text)).transpose()?,
            cors_origins: value("CORS_ORIGINS").map_or(Ok(Vec::new()), |text| origins(&text).and_then(checked))?,
            log: match (value("RUST_LOG"), value("LOG_LEVEL")) {
                (Some(text), _) => log("RUST_LOG", &text)?,
                (None, Some(text)) => log("LOG_LEVEL", &text)?,
                (None, None) => "info".to_owned(),
            },
            prices: value("PRICES_FILE").map(|path| prices(&path)).transpose()?,
            key_pool,
            redis_url: redis.map(Secret::new),
            accounts,
            audit_heads: value("AUDIT_HEADS").unwrap_or_else(|| "data/audit-heads".to_owned()).into(),
            secrets,
        })
    }
}

pub(super) fn invalid(name: &'static str, problem: &str) -> InvalidSetting {
    InvalidSetting { name, problem: problem.to_owned() }
}

/// A value, or the content of the file that `NAME_FILE` names.
pub(super) fn secret(
    name: &'static str,
    file: &'static str,
    value: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, InvalidSetting> {
    let Some(path) = value(file) else { return Ok(value(name)) };
    if value(name).is_some() {
        return Err(invalid(name, &format!("and {file} are both set; set one of them")));
    }
    let read = std::fs::read_to_string(&path);
    let text = read.map_err(|error| invalid(file, &format!("names a file that cannot be read: {path}: {error}")))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn since(text: &str) -> Result<AliasSchedule, InvalidSetting> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    // A year of two or five digits is a slip that would end the old paths long ago, or never.
    let day = day.ok().filter(|day| (2000..2100).contains(&day.year()));
    let day = day.ok_or_else(|| invalid("MARKET_ALIASES_SINCE", "must be a day from 2000 to 2099 as YYYY-MM-DD"))?;
    Ok(AliasSchedule { since: Some(day.and_time(NaiveTime::MIN).and_utc()), ..AliasSchedule::default() })
}

fn public_url(text: &str) -> Result<String, InvalidSetting> {
    let url = url::Url::parse(text).ok();
    // The routes and the links of the pages begin at the root, so that a path would lead nowhere.
    let good = url.filter(|url| {
        let bare = url.username().is_empty() && url.password().is_none() && url.path() == "/";
        matches!(url.scheme(), "http" | "https") && bare && url.query().is_none() && url.fragment().is_none()
    });
    good.map(|_| text.trim_end_matches('/').to_owned()).ok_or_else(|| {
        invalid(
            "PUBLIC_URL",
            "must be an http or https address such as https://example.com, without user name and path",
        )
    })
}

pub(super) fn switch(name: &'static str, text: &str) -> Result<bool, InvalidSetting> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" | "yes" => Ok(true),
        "off" | "false" | "0" | "no" => Ok(false),
        _ => Err(invalid(name, "must be on or off")),
    }
}

fn origins(text: &str) -> Result<Vec<String>, InvalidSetting> {
    if text.starts_with('[') {
        return serde_json::from_str(text).map_err(|_| invalid("CORS_ORIGINS", "is no JSON array of texts"));
    }
    Ok(text.split(',').map(|origin| origin.trim().to_owned()).filter(|origin| !origin.is_empty()).collect())
}

/// Levels as other programs spell them, too. A bare word that is no level would name a target, and switch all else off.
fn log(name: &'static str, text: &str) -> Result<String, InvalidSetting> {
    let text = text.to_lowercase();
    let level = match text.as_str() {
        "warning" => "warn",
        "critical" | "fatal" => "error",
        text => text,
    };
    let word = level.bytes().all(|byte| byte.is_ascii_alphabetic());
    if word && !["off", "error", "warn", "info", "debug", "trace"].contains(&level) {
        return Err(invalid(name, "must be off, error, warn, info, debug, trace or a list of targets"));
    }
    Ok(level.to_owned())
}

fn checked(origins: Vec<String>) -> Result<Vec<String>, InvalidSetting> {
    let wrong = origins.iter().position(|text| crate::cors::origin(text).is_err());
    match wrong {
        Some(at) => {
            let problem = format!("has no origin such as https://example.com at place {}; '*' is not allowed", at + 1);
            Err(invalid("CORS_ORIGINS", &problem))
        }
        None => Ok(origins),
    }
}

fn prices(path: &str) -> Result<PriceList, InvalidSetting> {
    let json = std::fs::read_to_string(path);
    let json = json.map_err(|error| invalid("PRICES_FILE", &format!("cannot be read: {path}: {error}")))?;
    PriceList::from_json(&json).map_err(|error| invalid("PRICES_FILE", &format!("cannot be used: {path}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { name: "advisor", version: "0.2.0", port: 8000 };

    fn read(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let get = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::read(ABOUT, &get).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_a_service_on_loopback_with_a_file() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.address, "127.0.0.1:8000".parse().unwrap());
        assert_eq!(settings.database_url.expose(), "sqlite:data/advisor.db");
        assert!(settings.market_keys.is_none() && settings.docs.is_none());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named_and_not_repeated() {
        for (name, value) in [
            ("HOST", "example.com"),
            ("PORT", "80000"),
            ("MARKET_API_KEYS", "with blank,x"),
            ("MARKET_ALIASES_SINCE", "tomorrow"),
            ("MARKET_ALIASES_SINCE", "0026-11-01"),
            ("MARKET_ALIASES_SINCE", "2100-01-01"),
            ("PUBLIC_URL", "example.com"),
            ("PUBLIC_URL", "https://hidden:word@example.com"),
            ("PUBLIC_URL", "https://example.com/advisor"),
            ("DOCS", "maybe"),
            ("CORS_ORIGINS", "[1]"),
            ("CORS_ORIGINS", "https://a.kr,*"),
            ("RUST_LOG", "verbose"),
            ("LOG_LEVEL", "nonsense"),
            ("PRICES_FILE", "/nowhere/prices.json"),
            ("MARKET_API_KEYS_FILE", "/nowhere/key"),
            ("SECRETS_KEY", "hidden"),
            ("SECRETS_KEY", "changemechangemechangemechangemechangemechA="),
            ("SECRETS_KEY_FILE", "/nowhere/key"),
        ] {
            let said = read(&[(name, value)]).unwrap_err();
            assert!(said.starts_with(name) || said.starts_with("MARKET_API_KEY"), "{said}");
            assert!(!said.contains("with blank") && !said.contains("hidden") && !said.contains("changeme"), "{said}");
        }
        assert!(read(&[("MARKET_API_KEYS", "a"), ("MARKET_API_KEYS_FILE", "/x")]).unwrap_err().contains("both"));
    }

    #[test]
    fn lists_come_in_two_spellings() {
        for spelling in ["https://a.kr, https://b.kr", r#"["https://a.kr", "https://b.kr"]"#] {
            assert_eq!(read(&[("CORS_ORIGINS", spelling)]).unwrap().cors_origins, ["https://a.kr", "https://b.kr"]);
        }
        assert!(read(&[("MARKET_API_KEY", "k1")]).unwrap().market_keys.is_some());
        for (keys, short) in [("0123456789abcdef", false), ("0123456789abcdef,0123456789abcde", true)] {
            assert_eq!(read(&[("MARKET_API_KEYS", keys)]).unwrap().short_market_key, short, "{keys}");
        }
        assert_eq!(read(&[("LOG_LEVEL", "WARNING")]).unwrap().log, "warn");
        assert_eq!(read(&[("RUST_LOG", "warn,mt_paas_axum=debug")]).unwrap().log, "warn,mt_paas_axum=debug");
    }
}
