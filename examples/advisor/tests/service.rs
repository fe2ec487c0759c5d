//! The advisor as its users meet it: under the tester on every store, in a browser's eyes, and as a binary.

#[path = "service/binary.rs"]
mod binary;
#[path = "service/conformance.rs"]
mod conformance;
#[path = "service/pages.rs"]
mod pages;
#[path = "../examples/quickstart.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own; only its router is used here")]
mod quickstart;
#[path = "service/redaction.rs"]
mod redaction;
#[path = "service/stand.rs"]
mod stand;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if let Some(make) = redaction::planted() {
        return mt_paas_axum::service::run(advisor::ABOUT, make);
    }
    let mut trials = conformance::trials();
    trials.extend(pages::trials());
    trials.extend(binary::trials());
    trials.extend(redaction::trials());
    trials.push(Trial::test("size::the service is at most 300 lines of its own", size));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Lines of code, without blanks and comments.
fn size() -> Result<(), Failed> {
    let mut lines = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path)?;
            let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
            lines += text.lines().filter(code).count();
        }
    }
    if (100..=300).contains(&lines) { Ok(()) } else { Err(format!("{lines} lines").into()) }
}

/// A trial that runs on a runtime of its own.
fn trial<F>(name: &str, run: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Result<(), Failed>>,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let result = runtime.block_on(async { tokio::time::timeout(std::time::Duration::from_secs(100), run()).await });
        runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        result.unwrap_or_else(|_| Err("it did not end in time".into()))
    })
}

/// A trial that needs something this machine may lack: ignored with the reason, or failed where everything is required.
fn needing<T: Send + 'static>(what: Result<T, String>, name: &str, trial: impl FnOnce(&str, T) -> Trial) -> Trial {
    match what {
        Ok(what) => trial(name, what),
        Err(reason) => {
            let required = variable("MT_PAAS_REQUIRE_SERVICES").as_deref() == Some("1");
            let title = format!("{name} ({reason})");
            Trial::test(title, move || Err(Failed::from(reason))).with_ignored_flag(!required)
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "tests find their services by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
