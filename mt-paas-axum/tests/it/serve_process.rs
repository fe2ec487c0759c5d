//! What only a process of its own can show: signals, and running out of file descriptors.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mt_paas_axum::serve::{ServeOptions, serve, terminated};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::serve::{IMPATIENT, TURNS, app, get_request, is_healthy, read_all, send};

/// How many come at once (H4).
const CROWD: usize = 5_000;

/// How many files a child may have open (H4).
const FILES: usize = 1_024;

/// Names the test that a child is to be the server of.
const CHILD: &str = "MT_PAAS_TEST_SERVER";

/// A process that ends with the test, also with one that fails.
pub(crate) struct Server(Child);

impl Deref for Server {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.kill();
        let _ = self.wait();
    }
}

/// This test's program again, as a server of [`app`] with `options`; `None` in the child, after it has served.
async fn server(test: &str, files: usize, options: ServeOptions) -> Option<(Server, SocketAddr)> {
    child(test, files, be_the_server(options)).await
}

/// This test's program again, as a server that prints where it listens; `None` in the child, after it has served.
pub(crate) async fn child(test: &str, files: usize, server: impl Future<Output = ()>) -> Option<(Server, SocketAddr)> {
    if std::env::var_os(CHILD).is_some() {
        server.await;
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
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| line.unwrap().split_once("listens on ")?.1.parse().ok()).unwrap();
    std::thread::spawn(move || lines.count());
    Some((Server(child), address))
}

async fn be_the_server(options: ServeOptions) {
    let listener = listener();
    if let Err(error) = serve(listener, app(), options, terminated()).await {
        println!("{error}");
        std::process::exit(3);
    }
}

/// A listener whose queue holds the whole crowd, if the kernel lets it; prints where it is.
pub(crate) fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(CROWD as u32).unwrap();
    println!("\nlistens on {}", listener.local_addr().unwrap());
    listener
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

/// Connects `count` times at once and keeps what the kernel took.
async fn crowd(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let enough = rlimit::increase_nofile_limit(count as u64 + 1_000).unwrap();
    assert!(enough > count as u64, "this test needs more than {count} files, and may have {enough}: see ulimit -Hn");
    let connects: Vec<_> =
        (0..count).map(|_| tokio::spawn(timeout(Duration::from_secs(2), send(address, "GET /hea")))).collect();
    let mut crowd = Vec::new();
    for connected in connects {
        crowd.extend(connected.await.unwrap());
    }
    assert_eq!(crowd.len(), count, "the kernel queues too few of them: see net.core.somaxconn");
    crowd
}

/// How long it takes until somebody new is served. Whoever came while the kernel's queue was full tries again.
async fn until_served(address: SocketAddr) -> Duration {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if let Ok(true) = timeout(Duration::from_millis(250), is_healthy(address)).await {
            break;
        }
    }
    began.elapsed()
}

/// Every wait longer than this test.
const PATIENT: ServeOptions = ServeOptions {
    header_timeout: Duration::from_secs(60),
    idle_timeout: Duration::from_secs(60),
    max_connections: 2 * CROWD,
    ..IMPATIENT
};

#[tokio::test]
async fn out_of_descriptors_the_server_waits_and_accepts_again() {
    let _turn = TURNS.lock().await;
    let name = "serve_process::out_of_descriptors_the_server_waits_and_accepts_again";
    let Some((mut child, address)) = server(name, FILES, PATIENT).await else { return };
    let mut took = Vec::new();
    // The best of three: others may want the processor at the very moment.
    while took.len() < 3 && took.iter().all(|took| *took >= Duration::from_secs(1)) {
        let crowd = crowd(address, CROWD).await;
        sleep(Duration::from_millis(300)).await;
        assert!(child.try_wait().unwrap().is_none(), "the server is gone");
        let squeezed = timeout(Duration::from_millis(300), is_healthy(address)).await;
        assert!(squeezed.is_err(), "there were descriptors left: this test tells nothing");
        drop(crowd);
        took.push(until_served(address).await);
    }
    println!("served again after {took:?}");
    assert!(took.iter().any(|took| *took < Duration::from_secs(1)), "{took:?}");
    signal(&child, "TERM");
    assert_eq!(exit_code(&mut child, Duration::from_secs(3)).await, Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn control_the_stock_server_sleeps_for_seconds_after_the_crowd_has_gone() {
    let _turn = TURNS.lock().await;
    let name = "serve_process::control_the_stock_server_sleeps_for_seconds_after_the_crowd_has_gone";
    let stock = async {
        let service = app().into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener(), service).await.unwrap();
    };
    let Some((_child, address)) = child(name, FILES, stock).await else { return };
    let crowd = crowd(address, CROWD).await;
    sleep(Duration::from_millis(300)).await;
    drop(crowd);
    let took = until_served(address).await;
    assert!(took > Duration::from_secs(1), "{took:?}: this test tells nothing any more");
}

#[tokio::test]
async fn the_default_cap_leaves_descriptors_for_others() {
    let name = "serve_process::the_default_cap_leaves_descriptors_for_others";
    let Some((mut child, address)) = server(name, 128, ServeOptions::default()).await else { return };
    let crowd = crowd(address, 200).await;
    sleep(Duration::from_millis(500)).await;
    let files = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    assert!((128 * 3 / 4 + 1..=128 - 10).contains(&files), "{files} descriptors are open");
    drop(crowd);
    signal(&child, "TERM");
    assert_eq!(exit_code(&mut child, Duration::from_secs(3)).await, Some(0));
}
