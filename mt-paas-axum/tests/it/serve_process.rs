//! What only a process of its own can show: signals, and running out of file descriptors.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mt_paas_axum::serve::{ServeOptions, serve, terminated};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::serve::{IMPATIENT, app, get_request, is_healthy, local, read_all, send};

/// More connections than a child may have files, and no more than the kernel queues besides.
const CROWD: usize = 200;

/// How many files a child may have open.
const FILES: usize = 128;

/// Names the test that a child is to be the server of.
const CHILD: &str = "MT_PAAS_TEST_SERVER";

/// This test's program again, as a server with `options`; `None` in the child, after it has served.
async fn server(test: &str, files: usize, options: ServeOptions) -> Option<(Child, SocketAddr)> {
    if std::env::var_os(CHILD).is_some() {
        be_the_server(options).await;
        return None;
    }
    let mut child = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -n {files}; exec \"$0\" \"$@\""),
            std::env::current_exe().unwrap().to_str().unwrap(),
        ])
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| line.unwrap().split_once("listens on ")?.1.parse().ok()).unwrap();
    std::thread::spawn(move || lines.count());
    Some((child, address))
}

async fn be_the_server(options: ServeOptions) {
    let (listener, address) = local().await;
    println!("\nlistens on {address}");
    if let Err(error) = serve(listener, app(), options, terminated()).await {
        println!("{error}");
        std::process::exit(3);
    }
}

/// Sends a signal to a process that this test has started.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end, and gives the exit code.
async fn exit_code(child: &mut Child, limit: Duration) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    panic!("the server still runs after {limit:?}");
}

#[tokio::test]
async fn sigterm_drains_and_the_process_ends_well() {
    let name = "serve_process::sigterm_drains_and_the_process_ends_well";
    let options = ServeOptions { drain_deadline: Duration::from_secs(10), ..IMPATIENT };
    let Some((mut child, address)) = server(name, 1024, options).await else { return };
    let mut stream = send(address, get_request("/events")).await;
    let mut call = send(address, get_request("/slow")).await;
    sleep(Duration::from_millis(300)).await;
    signal(&child, "TERM");
    let (answer, _) = read_all(&mut stream, Duration::from_secs(3)).await;
    assert!(answer.contains("event: shutdown"), "{answer}");
    let (answer, _) = read_all(&mut call, Duration::from_secs(3)).await;
    assert!(answer.ends_with("slow but sure"), "{answer}");
    assert_eq!(exit_code(&mut child, Duration::from_secs(3)).await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_not_well() {
    let name = "serve_process::a_second_signal_ends_at_once_and_not_well";
    let options = ServeOptions { drain_deadline: Duration::from_secs(60), ..IMPATIENT };
    let Some((mut child, address)) = server(name, 1024, options).await else { return };
    let mut deaf = send(address, get_request("/deaf")).await;
    assert!(deaf.read(&mut [0; 256]).await.unwrap() > 0);
    signal(&child, "TERM");
    sleep(Duration::from_millis(500)).await;
    assert!(child.try_wait().unwrap().is_none(), "the drain did not wait");
    signal(&child, "INT");
    assert_eq!(exit_code(&mut child, Duration::from_secs(2)).await, Some(3));
}

/// Connects `count` times and keeps what was accepted by the kernel.
async fn crowd(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..count {
        crowd.push(send(address, "GET /hea").await);
    }
    crowd
}

#[tokio::test]
async fn out_of_descriptors_the_server_waits_and_accepts_again() {
    let name = "serve_process::out_of_descriptors_the_server_waits_and_accepts_again";
    let patient = ServeOptions { header_timeout: Duration::from_secs(60), ..IMPATIENT };
    let options = ServeOptions { idle_timeout: Duration::from_secs(60), ..patient };
    let Some((mut child, address)) = server(name, FILES, options).await else { return };
    let crowd = crowd(address, CROWD).await;
    sleep(Duration::from_millis(500)).await;
    assert!(child.try_wait().unwrap().is_none(), "the server is gone");
    let squeezed = tokio::time::timeout(Duration::from_millis(300), is_healthy(address)).await;
    assert!(squeezed.is_err(), "there were descriptors left: this test tells nothing");
    let began = Instant::now();
    drop(crowd);
    assert!(is_healthy(address).await);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    signal(&child, "TERM");
    assert_eq!(exit_code(&mut child, Duration::from_secs(3)).await, Some(0));
}

#[tokio::test]
async fn the_default_cap_leaves_descriptors_for_others() {
    let name = "serve_process::the_default_cap_leaves_descriptors_for_others";
    let Some((mut child, address)) = server(name, FILES, ServeOptions::default()).await else { return };
    let crowd = crowd(address, CROWD).await;
    sleep(Duration::from_millis(500)).await;
    let files = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    assert!((FILES * 3 / 4 + 1..=FILES - 10).contains(&files), "{files} descriptors are open");
    drop(crowd);
    signal(&child, "TERM");
    assert_eq!(exit_code(&mut child, Duration::from_secs(3)).await, Some(0));
}
