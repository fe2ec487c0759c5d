//! The binary: what it prints, what it refuses, and what is left behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use libtest_mimic::{Failed, Trial};
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{KeyPool, NewKey, PoolLimits};
use mt_paas_core::seal::Keyring;
use mt_paas_core::store::sea_orm::SqlStore;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("binary::prints address and key, and ends in good order", starts_and_ends),
        Trial::test("binary::refuses in one sentence and leaves nothing behind", refuses),
        Trial::test("binary::migrates up, down and tells about it", migrates),
        Trial::test("binary::a look makes nothing", looks_only),
        Trial::test("binary::tells of what markets do, and finds out who tampers with it", audits),
        Trial::test("binary::help names every setting", help),
        Trial::test("binary::secrets are sealed again under another key", seals_again),
        Trial::test("binary::a wrong key for secrets stops the start", wrong_key),
    ]
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The binary in a directory of its own, with nothing set but `settings`.
fn binary(directory: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    command.current_dir(directory).env_clear().env("PORT", "0").env("RUST_LOG", "warn");
    command.envs(settings.iter().copied());
    command
}

fn starts_and_ends() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let child = binary(directory.path(), &[]).stdout(Stdio::piped()).spawn()?;
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().ok_or("no output")?).lines();
    let mut next = || lines.next().unwrap_or_else(|| Ok(String::new()));
    let (address, key) = (next()?, next()?);
    let address = address.strip_prefix("advisor 0.2.0: http://").ok_or_else(|| format!("it printed: {address}"))?;
    let key = key.rsplit(' ').next().unwrap_or_default().to_owned();
    assert_eq!(std::fs::read_to_string(directory.path().join("data/market-key"))?, key);
    assert!(directory.path().join("data/advisor.db").is_file());
    assert!(directory.path().join("data/secrets-key").is_file());

    let second = binary(directory.path(), &[("PORT", address.rsplit(':').next().unwrap_or_default())]).output()?;
    assert!(!second.status.success() && said(&second).contains("cannot listen on 127.0.0.1:"), "{}", said(&second));

    Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status()?;
    assert!(running.0.wait()?.success());
    Ok(())
}

fn refuses() -> Result<(), Failed> {
    let settings: &[(&[(&str, &str)], &str)] = &[
        (&[("DATABASE_URL", "mysql://x")], "DATABASE_URL"),
        (&[("DATABASE_URL", "postgres://nobody:hidden-word@127.0.0.1:1/none")], "DATABASE_URL"),
        (&[("DATABASE_URL", "sqlite:///proc/nowhere/x.db")], "DATABASE_URL"),
        (&[("HOST", "0.0.0.0")], "MARKET_API_KEYS"),
        (&[("HOST", "advisor.example")], "HOST"),
        (&[("PORT", "http")], "PORT"),
        (&[("MARKET_API_KEYS", "hidden word")], "MARKET_API_KEYS"),
        (&[("SECRETS_KEY", "hidden")], "SECRETS_KEY"),
        (&[("SECRETS_KEY", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")], "SECRETS_KEY"),
        (&[("PUBLIC_URL", "advisor")], "PUBLIC_URL"),
        (&[("CORS_ORIGINS", "*")], "CORS_ORIGINS"),
        (&[("RUST_LOG", "a=b=c")], "RUST_LOG"),
        (&[("KEY_POOL_JSON", r#"{"openai": [{"name": "a", "api_key": "hidden", "rpm": 1}]}"#)], "openai[0].rpm"),
        (&[("GLOBAL_MAX_CONCURRENCY", "0")], "GLOBAL_MAX_CONCURRENCY"),
        (&[("AUDIT_HEADS", "/")], "AUDIT_HEADS: the file / cannot be written"),
        (&[("AUDIT_HEADS", "/proc/nowhere/heads")], "AUDIT_HEADS"),
        (&[("AUDIT_HEADS", "new/folder/heads"), ("DATABASE_URL", "mysql://x")], "DATABASE_URL"),
        (&[("REDIS_URL", "redis://:hidden@127.0.0.1:1/0")], "REDIS_URL"),
        (&[("REDIS_URL", "redis://:hidden@127.0.0.1:1/0")], "127.0.0.1:1"),
        (&[("PUBLIC_URL", "https://advisor.example/below")], "PUBLIC_URL"),
    ];
    for (settings, names) in settings {
        let directory = tempfile::tempdir()?;
        let ran = binary(directory.path(), settings).output()?;
        let said = said(&ran);
        assert!(!ran.status.success() && ran.stdout.is_empty(), "{settings:?}");
        assert!(said.lines().count() == 1 && said.contains(names) && !said.contains("hidden"), "{settings:?}: {said}");
        assert_eq!(std::fs::read_dir(directory.path())?.count(), 0, "{settings:?} left something behind");
    }
    Ok(())
}

fn migrates() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let migrate = |what: &str| -> Result<String, Failed> {
        let ran = binary(directory.path(), &[]).args(["migrate", what]).output()?;
        assert!(ran.status.success(), "{what}: {}", said(&ran));
        Ok(String::from_utf8(ran.stdout)?)
    };
    let pending = migrate("status")?;
    assert!(!directory.path().join("data").exists(), "a look made something");
    assert!(pending.lines().count() >= 3 && pending.lines().all(|line| line.starts_with("pending")), "{pending}");
    assert_eq!(migrate("up")?.lines().count(), pending.lines().count());
    assert_eq!(migrate("up")?, "");
    assert_eq!(migrate("history")?.lines().count(), pending.lines().count());
    assert_eq!(migrate("down")?.lines().count(), 1);
    assert_eq!(migrate("status")?.lines().filter(|line| line.starts_with("pending")).count(), 1);
    migrate("up")?;
    let verified = binary(directory.path(), &[]).args(["usage", "verify"]).output()?;
    assert!(verified.status.success(), "{}", said(&verified));
    Ok(())
}

fn looks_only() -> Result<(), Failed> {
    for (command, database, word) in [
        (["usage", "verify"], "sqlite:typo/x.db", "there is no database file typo/x.db"),
        (["usage", "rebuild"], "sqlite:typo/x.db", "there is no database file typo/x.db"),
        (["usage", "verify"], "memory:", "memory: keeps nothing to look at"),
        (["audit", "verify"], "memory:", "memory: keeps nothing to look at"),
        (["audit", "verify"], "sqlite:typo/x.db", "there is no database file typo/x.db"),
        (["audit", "export"], "sqlite:typo/x.db", "there is no database file typo/x.db"),
        (["migrate", "status"], "memory:", "memory: has no tables"),
        (["migrate", "up"], "sqlite::memory:", "memory: has no tables"),
        (["migrate", "history"], "sqlite:typo/x.db", "there is no database file typo/x.db"),
        (["migrate", "down"], "sqlite:typo/x.db", "there is no database file typo/x.db"),
    ] {
        let directory = tempfile::tempdir()?;
        let ran = binary(directory.path(), &[("DATABASE_URL", database)]).args(command).output()?;
        let said = said(&ran);
        assert!(!ran.status.success() && said.lines().count() == 1 && said.contains(word), "{command:?}: {said}");
        assert!(said.contains("DATABASE_URL"), "{command:?}: {said}");
        assert_eq!(std::fs::read_dir(directory.path())?.count(), 0, "{command:?} left something behind");
    }
    Ok(())
}

fn audits() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let settings = [("MARKET_API_KEYS", "key-of-a-market"), ("AUDIT_HEADS", "elsewhere/heads")];
    let run = |words: &[&str]| binary(directory.path(), &settings).args(words).output();
    let child = binary(directory.path(), &settings).stdout(Stdio::piped()).spawn()?;
    let mut running = Running(child);
    let mut first = String::new();
    BufReader::new(running.0.stdout.take().ok_or("no output")?).read_line(&mut first)?;
    let base = first.trim().strip_prefix("advisor 0.2.0: ").ok_or("no address")?;
    let activation = serde_json::json!({
        "tenant_id": "t", "tenant_name": "T", "plan": "basic", "features": ["chat"],
        "contact": {"email": "a@b.kr", "name": "A"}
    });
    tokio::runtime::Runtime::new()?.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build()?;
        for key in ["key-of-a-market", "hidden-key"] {
            let request = http.post(format!("{base}/mt/tenant/t/activate")).header("X-Market-API-Key", key);
            request.json(&activation).send().await?;
        }
        Ok::<(), Failed>(())
    })?;
    let live = run(&["audit", "verify"])?;
    assert!(live.status.success(), "while it runs: {}", String::from_utf8_lossy(&live.stdout));
    Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status()?;
    assert!(running.0.wait()?.success());

    let exported = String::from_utf8(run(&["audit", "export"])?.stdout)?;
    let lines: Vec<serde_json::Value> = exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let told: Vec<&str> = lines.iter().rev().filter_map(|line| line["action"].as_str()).collect();
    // The service's own hook comes between the beginning and the end.
    let hook = ["user.create"; 3];
    let expected = [&["tenant.activate"][..], &hook, &["tenant.activate", "market.refused"]].concat();
    assert_eq!(told, expected, "{exported}");
    assert_eq!((&lines[0]["address"], &lines[0]["reason"]), (&"127.0.0.1".into(), &"wrong_key".into()));
    assert!(!exported.contains("hidden"));
    let table = String::from_utf8(run(&["audit", "export", "--format", "csv"])?.stdout)?;
    assert!(table.starts_with("at,tenant_id,") && table.lines().count() == 7, "{table}");

    let kept = std::fs::read_to_string(directory.path().join("elsewhere/heads"))?;
    assert!(kept.ends_with(" end\n") && kept.lines().next().is_some_and(|line| line.contains(" 0 000000")), "{kept}");
    let verify = |words: &[&str]| -> Result<(bool, String), Failed> {
        let ran = run(&[&["audit", "verify"], words].concat())?;
        Ok((ran.status.success(), String::from_utf8(ran.stdout)?))
    };
    assert_eq!(verify(&[])?, (true, "6 entries in 1 chains, 0 faults\n".to_owned()));
    // As if there had been one more: its end was cut off.
    let longer = kept.lines().last().unwrap_or_default().replace(" 6 ", " 7 ");
    std::fs::write(directory.path().join("other"), format!("{kept}{longer}\n"))?;
    let (whole, said) = verify(&["--heads", "other", "--heads", "elsewhere/heads"])?;
    assert!(!whole && said.contains(" 7 tail_cut: ") && said.ends_with(", 1 faults\n"), "{said}");
    let missing = run(&["audit", "verify", "--heads", "nowhere"])?;
    assert!(!missing.status.success() && said_once(&missing, "nowhere cannot be read"), "{}", self::said(&missing));
    Ok(())
}

fn said_once(ran: &Output, words: &str) -> bool {
    said(ran).lines().count() == 1 && said(ran).contains(words)
}

fn help() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    for (language, word) in [("en_US.UTF-8", "port to listen on (8000)"), ("ko_KR.UTF-8", "수신 포트 (8000)")] {
        let ran = binary(directory.path(), &[("LANG", language)]).arg("--help").output()?;
        let text = String::from_utf8(ran.stdout)?;
        assert!(ran.status.success() && text.contains(word), "{text}");
        for name in [
            "HOST",
            "PORT",
            "DATABASE_URL",
            "MARKET_API_KEYS",
            "SECRETS_KEY ",
            "MARKET_ALIASES_SINCE",
            "PUBLIC_URL",
            "DOCS",
        ] {
            assert!(text.contains(name), "{name}");
        }
        for name in [
            "KEY_POOL_JSON ",
            "USER_MAX_CONCURRENCY ",
            "GLOBAL_MAX_CONCURRENCY ",
            "KEY_CHOICE ",
            "ADMIN_API_KEYS ",
            "AUDIT_HEADS ",
        ] {
            assert!(text.contains(name), "{name}");
        }
    }
    Ok(())
}

/// Two keys, the second of which is put before the first; then the first is no longer needed.
fn seals_again() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("data/advisor.db");
    let [one, other] = [Keyring::new_key()?, Keyring::new_key()?];
    let both = format!("{},{}", other.expose(), one.expose());
    let id = |key: &str| Keyring::parse(key).map(|ring| ring.active().unwrap_or_else(|| unreachable!()).to_string());
    let (first, second) = (id(one.expose())?, id(other.expose())?);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let store = SqlStore::open(&format!("sqlite:{}", path.display())).await?;
        let pool = KeyPool::shared(PoolLimits::default(), store.key_pool());
        let pool = pool.sealed_by(std::sync::Arc::new(Keyring::parse(one.expose())?));
        for number in 0..5 {
            let payload = Secret::new(serde_json::json!({"api_key": "canary"}));
            pool.put_key(NewKey::new("openai".parse()?, number.to_string(), payload)).await?;
        }
        store.close().await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    let secrets = |what: &[&str], keys: &str| -> Result<(bool, String), Failed> {
        let ran = binary(directory.path(), &[("SECRETS_KEY", keys)]).arg("secrets").args(what).output()?;
        Ok((ran.status.success(), String::from_utf8(ran.stdout.clone())? + &said(&ran)))
    };
    assert_eq!(secrets(&["status"], one.expose())?, (true, format!("{first} seals    5 values\n")));
    assert!(secrets(&["reseal"], one.expose())?.0);
    assert_eq!(
        secrets(&["status"], &both)?,
        (true, format!("{second} seals    0 values\n{first} opens    5 values\n"))
    );
    let (failed, told) = secrets(&["reseal"], other.expose())?;
    assert!(!failed && told.contains(&first), "{told}");
    let (done, told) = secrets(&["reseal"], &both)?;
    assert!(done && told.contains(&format!("{first} is needed no more")), "{told}");
    assert_eq!(secrets(&["status"], other.expose())?, (true, format!("{second} seals    5 values\n")));
    assert!(!secrets(&["forget", &second], other.expose())?.0, "a key that is there is not lost");
    assert!(secrets(&["forget", &second], one.expose())?.0);
    let (_, told) = secrets(&["status"], one.expose())?;
    assert!(told.contains(&format!("{second} missing  5 values")), "{told}");
    assert!(!directory.path().join("data/secrets-key").exists());
    Ok(())
}

fn wrong_key() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let [one, other] = [Keyring::new_key()?, Keyring::new_key()?];
    let settings = |key| [("SECRETS_KEY", key), ("MARKET_API_KEYS", "a-key-for-this-trial")];
    let mut started = Running(binary(directory.path(), &settings(one.expose())).stdout(Stdio::piped()).spawn()?);
    let first = BufReader::new(started.0.stdout.take().ok_or("no output")?).lines().next();
    assert!(first.is_some_and(|line| line.is_ok_and(|line| line.starts_with("advisor"))));
    drop(started);
    let ran = binary(directory.path(), &settings(other.expose())).output()?;
    let said = said(&ran);
    assert!(!ran.status.success() && said.contains("SECRETS_KEY: values are sealed under the key"), "{said}");
    assert!(said.lines().count() == 1 && !said.contains(other.expose().as_str()), "{said}");
    Ok(())
}

fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&ran.stderr).into_owned()
}
