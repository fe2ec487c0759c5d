//! The worker processes of a run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::error::BenchError;
use super::options::KeyPoolBench;
use super::wire::Briefing;

/// The worker processes of a run. They are killed when it is dropped.
pub(super) struct Crew {
    bench: KeyPoolBench,
    judge: SocketAddr,
    token: String,
    hired: u32,
    members: BTreeMap<u32, (u32, Child)>,
}

impl Crew {
    pub(super) fn new(bench: KeyPoolBench, judge: SocketAddr, token: String) -> Self {
        Self { bench, judge, token, hired: 0, members: BTreeMap::new() }
    }

    /// Starts a process for a share of the callers.
    pub(super) async fn hire(&mut self, slot: u32) -> Result<u32, BenchError> {
        let worker = self.hired;
        self.hired += 1;
        let (program, arguments) = &self.bench.program;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
        // The keys that end the judge shall not end the workers before it has noticed.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let briefing =
            Briefing { bench: self.bench.clone(), judge: self.judge, token: self.token.clone(), worker, slot };
        if let Some(mut input) = child.stdin.take() {
            let text = format!("{}\n", serde_json::to_string(&briefing)?);
            input.write_all(text.as_bytes()).await?;
        }
        self.members.insert(worker, (slot, child));
        Ok(worker)
    }

    /// Kills a worker as `kill -9` does, and says which share was its.
    pub(super) async fn kill(&mut self, worker: u32) -> Result<Option<u32>, BenchError> {
        let Some((slot, mut child)) = self.members.remove(&worker) else { return Ok(None) };
        child.kill().await?;
        Ok(Some(slot))
    }

    /// Kills everybody.
    pub(super) async fn dismiss(&mut self) -> Result<(), BenchError> {
        for (_, mut child) in std::mem::take(&mut self.members).into_values() {
            child.kill().await?;
        }
        Ok(())
    }

    pub(super) fn has(&self, worker: u32) -> bool {
        self.members.contains_key(&worker)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = u32> {
        self.members.keys().copied()
    }
}
