//! A process of its own: this program, started again with a task.

use std::process::{ExitCode, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use super::Shared;
use crate::block_for;

/// The first argument of a process with a task; then the task, where the pool is, and what the task wants to know.
const CHILD: &str = "reliability-child";

/// No child outlives this, whatever became of its parent.
const LIFE: Duration = Duration::from_secs(300);

/// What a process is started for.
pub(super) type Task = fn(Shared, Vec<String>) -> BoxFuture<'static, Result<(), Failed>>;

const TASKS: &[(&str, Task)] = &[
    (super::kills::WORKER, |shared, arguments| Box::pin(super::kills::work(shared, arguments))),
    (super::pauses::HOLDER, |shared, arguments| Box::pin(super::pauses::hold(shared, arguments))),
    (super::full::FILLER, |shared, _| Box::pin(super::full::fill(shared))),
    (super::stuck::TURN, |shared, _| Box::pin(super::stuck::turn(shared))),
];

/// Does the task that this process was started for, if it was.
pub(crate) fn act(arguments: &[String]) -> Option<ExitCode> {
    let [child, task, url, prefix, more @ ..] = arguments else { return None };
    let (_, run) = TASKS.iter().find(|(name, _)| child == CHILD && name == task)?;
    let (shared, more) = (Shared { url: url.clone(), prefix: prefix.clone() }, more.to_vec());
    Some(match block_for(LIFE, run(shared, more)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{task}: {failed:?}");
            ExitCode::FAILURE
        }
    })
}

/// A process that does a task, as its parent sees it. It is killed when it is dropped.
pub(super) struct Process {
    child: Child,
    pub(super) pid: u32,
    input: Option<ChildStdin>,
    output: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    pub(super) fn start(task: &str, shared: &Shared, arguments: &[&str]) -> Result<Self, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([CHILD, task, &shared.url, &shared.prefix]).args(arguments);
        Self::spawn(command)
    }

    /// One whom the signal does not end that comes with a file that may not grow: it gets an error, as on a full disk.
    pub(super) fn start_unharmed(task: &str, shared: &Shared) -> Result<Self, Failed> {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe()?);
        command.args([CHILD, task, &shared.url, &shared.prefix]);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Result<Self, Failed> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let pid = child.id().ok_or("it ended at once")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self { child, pid, input, output: output.map(|output| BufReader::new(output).lines()) })
    }

    /// Tells it something. It may stand still: what it is told waits for it.
    pub(super) async fn tell(&mut self, line: &str) -> Result<(), Failed> {
        let input = self.input.as_mut().ok_or("nobody listens")?;
        Ok(input.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// The next line that it says.
    pub(super) async fn hear(&mut self) -> Result<String, Failed> {
        let output = self.output.as_mut().ok_or("somebody else hears it")?;
        Ok(output.next_line().await?.ok_or("a process ended that should not")?)
    }

    /// What it says, for somebody who hears it until its end.
    pub(super) fn take_output(&mut self) -> Option<Lines<BufReader<ChildStdout>>> {
        self.output.take()
    }

    /// Sends it a signal, such as STOP.
    pub(super) async fn signal(&self, name: &str) -> Result<(), Failed> {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status().await?;
        if sent.success() { Ok(()) } else { Err(format!("no {name} could be sent").into()) }
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub(super) async fn kill(&mut self) -> Result<(), Failed> {
        Ok(self.child.kill().await?)
    }

    /// Tells it to come to an end, by closing its input, and waits for that.
    pub(super) async fn ends(&mut self) -> Result<(), Failed> {
        self.input = None;
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = ended.map_err(|_| "a process does not come to an end")??;
        if status.success() { Ok(()) } else { Err(format!("a process ended with {status}").into()) }
    }
}

/// Microseconds since 1970 by the machine's clock, which all its processes share.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The lines on standard input of a process with a task, until its end.
pub(super) fn told() -> mpsc::UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}
