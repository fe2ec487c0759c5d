//! The binary, with secrets in all of its settings.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use mt_paas_core::seal::Keyring;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::canary::Canary;
use super::planted::PLANT;

/// A service that runs, and all that it leaves behind.
pub(super) struct Service {
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    /// Opens the doors.
    pub(super) market_key: String,
    pub(super) admin_key: String,
    runtime: Runtime,
    child: Child,
    directory: TempDir,
}

impl Service {
    /// One whose keys of markets, administrators and providers are `known`; with a fault that is `planted`, unless that is "".
    pub(super) fn start(planted: &str, known: &[Canary]) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let list =
            |from: usize| known.iter().skip(from).step_by(3).map(|canary| canary.secret.as_str()).collect::<Vec<_>>();
        let (markets, admins) = (
            ["market-key-of-the-trial"].into_iter().chain(list(0)),
            ["admin-key-of-the-trial"].into_iter().chain(list(1)),
        );
        let provided = list(2)
            .iter()
            .enumerate()
            .map(|(at, key)| json!({"name": at.to_string(), "api_key": key}))
            .collect::<Vec<_>>();
        let settings = [
            ("MARKET_API_KEYS", markets.collect::<Vec<_>>().join(",")),
            ("ADMIN_API_KEYS", admins.collect::<Vec<_>>().join(",")),
            ("KEY_POOL_JSON", json!({"openai": provided}).to_string()),
            ("SECRETS_KEY", Keyring::new_key()?.expose().clone()),
            ("RUST_LOG", "trace".to_owned()),
        ];
        let log = File::create(directory.path().join("log"))?;
        let mut child = binary(directory.path(), planted, &settings).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut first = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut first)?;
        let base = first.trim().strip_prefix("advisor 0.2.0: ").ok_or("it did not start")?.to_owned();
        let service = Self {
            base,
            http: super::super::stand::client(),
            market_key: "market-key-of-the-trial".to_owned(),
            admin_key: "admin-key-of-the-trial".to_owned(),
            runtime: Runtime::new()?,
            child,
            directory,
        };
        service.block_on(service.activate())?;
        Ok(service)
    }

    /// What one says that cannot start.
    pub(super) fn failed(planted: &str, settings: &[(&str, String)]) -> Result<String, Failed> {
        let directory = tempfile::tempdir()?;
        let ran = binary(directory.path(), planted, settings).output()?;
        assert!(!ran.status.success() && ran.stdout.is_empty());
        Ok(String::from_utf8(ran.stderr)?)
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, Failed> {
        Ok(self.runtime.block_on(work)?)
    }

    pub(super) async fn get(&self, path: &str) -> Result<String, reqwest::Error> {
        self.http.get(format!("{}{path}", self.base)).send().await?.text().await
    }

    async fn activate(&self) -> Result<(), reqwest::Error> {
        let activation = json!({
            "tenant_id": "t", "tenant_name": "T", "plan": "basic", "features": ["chat"],
            "contact": {"email": "a@b.kr", "name": "A"}
        });
        let request = self.http.post(format!("{}/mt/tenant/t/activate", self.base));
        request.header("X-Market-API-Key", &self.market_key).json(&activation).send().await?.error_for_status()?;
        Ok(())
    }

    /// Ends it, and returns everything that can be read afterwards, by the name of its place.
    pub(super) fn end(mut self) -> Result<Vec<(&'static str, Vec<u8>)>, Failed> {
        let export = format!("{}/admin/audit/export", self.base);
        let export = self.http.get(export).header("X-Admin-Key", &self.admin_key);
        let export = self.block_on(async { export.send().await?.bytes().await })?;
        let mut sinks = vec![("audit export", export.to_vec())];
        // As a crash would leave it: with the log of the database.
        self.child.kill()?;
        self.child.wait()?;
        for format in ["jsonl", "csv"] {
            let ran = binary(self.directory.path(), "", &[]).args(["audit", "export", "--format", format]).output()?;
            assert!(ran.status.success() && !ran.stdout.is_empty());
            sinks.extend([("audit export", ran.stdout), ("log", ran.stderr)]);
        }
        sinks.push(("log", std::fs::read(self.directory.path().join("log"))?));
        for file in std::fs::read_dir(self.directory.path().join("data"))? {
            sinks.push(("database", std::fs::read(file?.path())?));
        }
        assert!(sinks.iter().filter(|(place, bytes)| *place == "database" && !bytes.is_empty()).count() >= 2);
        Ok(sinks)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary as users run it, or this program where a fault is planted.
fn binary(directory: &Path, planted: &str, settings: &[(&str, String)]) -> Command {
    let own = std::env::current_exe().unwrap_or_default();
    let mut command = if planted.is_empty() { Command::new(env!("CARGO_BIN_EXE_advisor")) } else { Command::new(own) };
    command.current_dir(directory).env_clear().env("PORT", "0").env(PLANT, planted);
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    command
}
