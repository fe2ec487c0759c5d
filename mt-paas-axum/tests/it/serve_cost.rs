//! H7: what one request may cost the process that serves it.

use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::join_all;
use mt_paas_axum::StandardApi;
use mt_paas_axum::serve::{ServeOptions, serve, terminated};
use mt_paas_core::StoreHandler;
use mt_paas_core::store::memory::MemoryStore;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::serve::TURNS;
use crate::serve_process::{child, listener};

/// How much memory requests may cost (H7).
const MEMORY: u64 = 32 << 20;

/// How much of a processor's time one request may cost (H7); without optimization this code takes ten times as long.
const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });

/// How often each request is sent, for the kernel counts the time of processes in hundredths of a second.
const TIMES: u32 = 8;

/// The contract's routes, and one that takes a body of any size.
async fn be_the_server() {
    let store = Arc::new(MemoryStore::new());
    let handler = StoreHandler::builder(store, "test", "1").build().unwrap();
    let careless =
        post(async |Json(body): Json<Value>| body.is_object().to_string()).layer(DefaultBodyLimit::disable());
    let router = StandardApi::builder(Arc::new(handler)).open().build().unwrap();
    let router = Router::new().route("/careless", careless).merge(router);
    serve(listener(), router, ServeOptions::default(), terminated()).await.unwrap();
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{headers}");
    format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// What is sent, and the status that it gets.
fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let users = |body: &str| request("POST", "/mt/tenant/t1/users", "", body);
    let members = |count: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(count - 1));
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let lines = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let zipped = format!("\u{1f}\u{8b}{}", "\0".repeat(1 << 19));
    vec![
        ("a body of 64 MiB", "413", users(&" ".repeat(64 << 20))),
        ("10^6 members", "413", users(&members(1_000_000))),
        ("as many members as fit", "422", users(&members(520_000))),
        ("128 deep", "422", users(&nested(128))),
        ("as deep as fits", "422", users(&nested(520_000))),
        ("objects as deep as fits", "422", users(&"{\"a\":".repeat(200_000))),
        (
            "a body that says it is compressed",
            "400",
            request("POST", "/mt/tenant/t1/users", "Content-Encoding: gzip\r\n", &zipped),
        ),
        ("100 headers", "200", request("GET", "/mt/health", &lines(96), "")),
        ("a path of 8 KiB", "422", request("GET", &format!("/mt/tenant/{}/status", "x".repeat(8_173)), "", "")),
        ("a query of 8 KiB", "422", request("GET", &format!("/mt/tenant/t1/users?{}", "a=1&".repeat(2_042)), "", "")),
    ]
}

/// Sends, as far as the server takes it, and gives the status.
async fn status(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut answer = [0; 12];
    // Whoever is refused early may find that nobody reads the rest.
    let sending = async {
        let _ = write.write_all(bytes).await;
    };
    let ((), read) =
        timeout(Duration::from_secs(20), async { tokio::join!(sending, read.read_exact(&mut answer)) }).await.unwrap();
    read.expect("the answer is lost");
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

/// A figure of `/proc/…/status` in bytes.
fn memory(child: &Child, figure: &str) -> u64 {
    let all = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = all.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// What the process has used of processors so far: Linux counts it in hundredths of a second.
fn time(child: &Child) -> Duration {
    let all = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let (_, fields) = all.rsplit_once(") ").unwrap();
    // Field 14 of the whole line is the time in the program, and 15 that in the kernel for it.
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::test]
async fn no_request_costs_more_than_it_may() {
    let _turn = TURNS.lock().await;
    let name = "serve_cost::no_request_costs_more_than_it_may";
    let Some((child, address)) = child(name, 1_024, be_the_server()).await else { return };
    assert_eq!(status(address, &request("GET", "/mt/health", "", "")).await, "200");
    let before = memory(&child, "VmRSS");
    // All at once: what is only read to be thrown away must not be kept.
    let large = request("POST", "/mt/tenant/t1/users", "", &" ".repeat(64 << 20));
    let answers = join_all((0..TIMES).map(|_| status(address, &large))).await;
    assert!(answers.iter().all(|status| status == "413"), "{answers:?}");
    let mut wrong = Vec::new();
    for (case, expected, bytes) in hostile() {
        let began = time(&child);
        for _ in 0..TIMES {
            assert_eq!(status(address, &bytes).await, expected, "{case}");
        }
        let (each, grown) = ((time(&child) - began) / TIMES, memory(&child, "VmHWM").saturating_sub(before));
        println!("{case}: {each:?} each, {} KiB more than before at the most", grown >> 10);
        if each > TIME || grown > MEMORY {
            wrong.push(case);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn control_without_a_limit_of_size_the_memory_is_gone() {
    let _turn = TURNS.lock().await;
    let name = "serve_cost::control_without_a_limit_of_size_the_memory_is_gone";
    let Some((child, address)) = child(name, 1_024, be_the_server()).await else { return };
    assert_eq!(status(address, &request("GET", "/mt/health", "", "")).await, "200");
    let before = memory(&child, "VmRSS");
    let members = format!("{{\"a\":[{}0]}}", "0,".repeat(999_999));
    assert_eq!(status(address, &request("POST", "/careless", "", &members)).await, "200");
    let grown = memory(&child, "VmHWM") - before;
    assert!(grown > MEMORY, "{grown}: this test tells nothing any more");
}
