//! The command `mt-paas` as a process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use crate::self_test::{Fault, Service, spawn};

fn mt_paas(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mt-paas"));
    command.args(arguments).env_remove("MT_KEY").env("LANG", "C").stdin(Stdio::null());
    command
}

/// Off the runtime's thread, on which the service under test runs.
async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("the command starts")).await.expect("it ends")
}

pub(crate) async fn run(arguments: &[&str]) -> Output {
    output(mt_paas(arguments)).await
}

async fn test(service: &Service, more: &[&str]) -> Output {
    run(&[&["test", "--target", &service.url, "--key", &service.key], more].concat()).await
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

#[tokio::test]
async fn a_sound_service_is_0_and_a_faulty_one_1() {
    let sound = test(&spawn(None).await, &["--suite", "health,users"]).await;
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stdout));
    assert!(text(&sound.stdout).contains("CONFORMANT"));
    assert!(sound.stderr.is_empty(), "no progress without a terminal: {}", text(&sound.stderr));
    let faulty = test(&spawn(Some(Fault::M26)).await, &["--suite", "users"]).await;
    assert_eq!(faulty.status.code(), Some(1), "{}", text(&faulty.stdout));
}

#[tokio::test]
async fn a_bad_command_line_is_2_and_a_silent_target_3() {
    for bad in [
        &["test"][..],
        &["test", "--target", "http://127.0.0.1:1"],
        &["test", "--target", "ftp://h", "--key", "k"],
        &["test", "--target", "http://h", "--key", "k", "--suite", "nothing"],
        &["test", "--target", "http://h", "--key", "k", "--suite", "users", "--full"],
        &["explain", "XYZ-99"],
    ] {
        assert_eq!(run(bad).await.status.code(), Some(2), "{bad:?}");
    }
    assert_eq!(run(&["test", "--target", "http://127.0.0.1:1", "--key", "k"]).await.status.code(), Some(3));
}

#[tokio::test]
async fn json_and_junit_are_alone_on_standard_output() {
    let service = spawn(None).await;
    let json = test(&service, &["--suite", "health", "--format", "json", "--progress"]).await;
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["conformant"], true);
    assert_eq!(report["summary"]["total"], 12);
    assert_eq!(text(&json.stderr).lines().count(), 12, "one line of progress for each check");
    let junit = test(&service, &["--suite", "health", "--format", "junit"]).await;
    assert!(text(&junit.stdout).starts_with("<?xml"));
}

#[tokio::test]
async fn the_key_may_come_from_the_environment_or_a_file() {
    let service = spawn(None).await;
    let arguments = ["test", "--target", &service.url, "--suite", "auth", "--format", "json"];
    let mut command = mt_paas(&arguments);
    command.env("MT_KEY", &service.key);
    let by_environment = output(command).await;
    assert_eq!(by_environment.status.code(), Some(0), "{}", text(&by_environment.stdout));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, format!("{}\n", service.key)).unwrap();
    let by_file = run(&[&arguments[..], &["--key-file", file.to_str().unwrap()]].concat()).await;
    assert_eq!(by_file.status.code(), Some(0), "{}", text(&by_file.stdout));
    // The file wins over the environment, and a second word on the command line is one too many.
    let file = ["--key-file", file.to_str().unwrap()];
    let mut command = mt_paas(&[&arguments[..], &file].concat());
    command.env("MT_KEY", "another-key");
    assert_eq!(output(command).await.status.code(), Some(0));
    let twice = run(&[&arguments[..], &file, &["--key", &service.key]].concat()).await;
    assert_eq!(twice.status.code(), Some(2), "{}", text(&twice.stdout));
    let help = text(&run(&["test", "--help"]).await.stdout);
    assert!(help.contains("wins over MT_KEY, and goes not with --key"), "{help}");
}

#[tokio::test]
async fn an_interrupted_run_cleans_up_and_is_1() {
    let service = spawn(None).await;
    for signal in ["-INT", "-TERM"] {
        let mut command =
            mt_paas(&["test", "--target", &service.url, "--key", &service.key, "--progress", "--format", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            // The first line of progress says that the run has begun; the rest is read lest the pipe fill up.
            let mut progress = BufReader::new(child.stderr.take().unwrap());
            progress.read_line(&mut String::new()).unwrap();
            assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
            let rest = std::thread::spawn(move || progress.lines().count());
            let output = child.wait_with_output().unwrap();
            rest.join().unwrap();
            output
        });
        let output = output.await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{signal}: {}", text(&output.stdout));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["stopped"], true, "{signal}");
        assert_eq!(report["left_behind"], serde_json::json!([]), "{signal}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_a_run_that_cannot_clean_up() {
    // Well as far as health goes, and silent about everything else.
    let health = async || axum::Json(serde_json::json!({"status": "healthy", "version": "1.0.0"}));
    let fixed = Router::new().route("/mt/health", get(health)).route("/mt/catalog", get(async || "{}"));
    let app = fixed.fallback(async || std::future::pending::<()>().await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut command = mt_paas(&["test", "--target", &url, "--key", "k", "--progress", "--format", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let interrupt = ["-INT", &child.id().to_string()];
        let said = BufReader::new(child.stderr.take().unwrap());
        let stdout = child.stdout.take().unwrap();
        // Read all the while: a report would fill the pipe.
        let report = std::thread::spawn(move || std::io::read_to_string(stdout).unwrap());
        let mut signals = 0;
        for line in said.lines() {
            // The first of progress, then the first signal's answer.
            if signals == 0 || line.unwrap().contains("a second signal") {
                assert!(Command::new("kill").args(interrupt).status().unwrap().success());
                signals += 1;
            }
        }
        (signals, child.wait().unwrap().code(), report.join().unwrap())
    });
    let (signals, code, report) = output.await.unwrap();
    serving.abort();
    assert_eq!((signals, code), (2, Some(1)));
    assert!(report.is_empty(), "a report means that the run came to its orderly end");
}

#[tokio::test]
async fn checks_are_listed_and_explained() {
    let list = text(&run(&["test", "--list", "--suite", "health"]).await.stdout);
    assert_eq!(list.lines().count(), 12, "{list}");
    let explained = text(&run(&["explain", "usr-03"]).await.stdout);
    for part in ["USR-03", "users", "required", "GET users after POST"] {
        assert!(explained.contains(part), "{explained}");
    }
}

#[tokio::test]
async fn korean_is_spoken_where_the_locale_is_korean() {
    let service = spawn(None).await;
    let arguments = ["test", "--target", &service.url, "--key", &service.key, "--suite", "health"];
    let mut command = mt_paas(&arguments);
    command.env("LANG", "ko_KR.UTF-8");
    let korean = output(command).await;
    assert!(text(&korean.stdout).contains("적합"), "{}", text(&korean.stdout));
    let explained = text(&run(&["--lang", "ko", "explain", "usr-03"]).await.stdout);
    assert!(
        explained.contains("보내는 것:") && explained.contains("필수") && !explained.contains("demands"),
        "{explained}"
    );
    let wrong = run(&["--lang", "ko", "test", "--target", &service.url, "--key", "another-key"]).await;
    assert!(text(&wrong.stderr).contains("키를 거부했습니다(401)"), "{}", text(&wrong.stderr));
}
