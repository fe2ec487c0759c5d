//! H5: requests that two servers could read differently, byte by byte, and what becomes of each.

use std::time::Duration;

use crate::serve::{IMPATIENT, Running, read_all, send, start_stock};

/// What the answer has to be. In every case it is one answer, whatever bytes follow, and then the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// 200.
    Served,
    /// 400 with the envelope: the request was read, and refused before routing.
    Refused,
    /// An empty 4xx of the parser.
    Unreadable,
    /// The head is good and the body is not: the handler was told so, and said 400.
    BodyBroken,
}

use Verdict::{BodyBroken, Refused, Served, Unreadable};

/// Stands for `Host`, a request to close, and the end of the head.
macro_rules! ends {
    () => {
        "Host: a.test\r\nConnection: close\r\n\r\n"
    };
}

/// A request that must never be answered: it hides in the body of another.
macro_rules! hidden {
    () => {
        "GET /health HTTP/1.1\r\nHost: a.test\r\n\r\n"
    };
}

macro_rules! post {
    ($headers:literal, $body:expr) => {
        concat!("POST /echo HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n", $headers, "\r\n", $body)
    };
}

#[rustfmt::skip]
const CORPUS: &[(&str, Verdict, &str)] = &[
    // What must go on working.
    ("a plain request", Served, concat!("GET /health HTTP/1.1\r\n", ends!())),
    ("an empty line before", Served, concat!("\r\nGET /health HTTP/1.1\r\n", ends!())),
    ("HTTP/1.0 without a host", Served, "GET /health HTTP/1.0\r\n\r\n"),
    ("absolute form, the same host", Served, concat!("GET http://A.test/health HTTP/1.1\r\n", ends!())),
    ("a host with a port", Served, "GET /health HTTP/1.1\r\nHost: a.test:80\r\nConnection: close\r\n\r\n"),
    ("an IPv6 host", Served, "GET /health HTTP/1.1\r\nhOsT: [::1]:80\r\nConnection: close\r\n\r\n"),
    ("blanks around a length", Served, post!("Content-Length: \t 2 \r\n", "ok")),
    ("a length with zeros before", Served, post!("Content-Length: 002\r\n", "ok")),
    ("chunks", Served, post!("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")),
    ("chunks with extensions", Served, post!("transfer-encoding: Chunked\r\n", "2;a=b\r\nok\r\n0\r\n\r\n")),
    ("chunks with a trailer", Served, post!("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\nX-A: b\r\n\r\n")),
    ("headers that look alike", Served, concat!("GET /health HTTP/1.1\r\nContent: 1\r\nTE: x\r\n", ends!())),

    // Host and target.
    ("no host", Refused, "GET /health HTTP/1.1\r\n\r\n"),
    ("two hosts", Refused, concat!("GET /health HTTP/1.1\r\nHost: evil\r\n", ends!())),
    ("the same host twice", Refused, concat!("GET /health HTTP/1.1\r\nHost: a.test\r\n", ends!())),
    ("HTTP/1.0 with two hosts", Refused, concat!("GET /health HTTP/1.0\r\nHost: evil\r\n", ends!())),
    ("an empty host", Refused, "GET /health HTTP/1.1\r\nHost:\r\n\r\n"),
    ("a host that goes on as a URL", Refused, "GET /health HTTP/1.1\r\nHost: x/#@evil\r\n\r\n"),
    ("a host with a path", Refused, "GET /health HTTP/1.1\r\nHost: a.test/mt\r\n\r\n"),
    ("a host with a query", Refused, "GET /health HTTP/1.1\r\nHost: a.test?x\r\n\r\n"),
    ("a host with a user", Refused, "GET /health HTTP/1.1\r\nHost: me@a.test\r\n\r\n"),
    ("a host with a blank", Refused, "GET /health HTTP/1.1\r\nHost: a.test evil\r\n\r\n"),
    ("a list of hosts", Refused, "GET /health HTTP/1.1\r\nHost: a.test, evil\r\n\r\n"),
    ("a host with an odd port", Refused, "GET /health HTTP/1.1\r\nHost: a.test:80x\r\n\r\n"),
    ("a host with a port that is none", Refused, "GET /health HTTP/1.1\r\nHost: a:99999\r\n\r\n"),
    ("a host with the last port", Served, "GET /health HTTP/1.1\r\nHost: a:65535\r\nConnection: close\r\n\r\n"),
    ("absolute form, another host", Refused, concat!("GET http://evil/health HTTP/1.1\r\n", ends!())),
    ("absolute form, another port", Refused, concat!("GET http://a.test:81/health HTTP/1.1\r\n", ends!())),
    ("absolute form with a user", Refused, concat!("GET http://me@a.test/health HTTP/1.1\r\n", ends!())),
    ("absolute form, another scheme", Refused, concat!("GET ftp://a.test/health HTTP/1.1\r\n", ends!())),
    ("authority form", Refused, concat!("GET a.test:80 HTTP/1.1\r\n", ends!())),
    ("CONNECT", Refused, concat!("CONNECT a.test:80 HTTP/1.1\r\n", ends!())),
    ("an asterisk", Refused, concat!("GET * HTTP/1.1\r\n", ends!())),
    ("a fragment", Unreadable, concat!("GET /health#/seen HTTP/1.1\r\n", ends!())),
    ("a blank in the target", Unreadable, concat!("GET /health /x HTTP/1.1\r\n", ends!())),
    ("a control character in the target", Unreadable, concat!("GET /health\x01 HTTP/1.1\r\n", ends!())),

    // Two lengths, or none that is certain.
    ("length and chunks", Unreadable, post!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", concat!("0\r\n\r\n", hidden!()))),
    ("chunks and length", Unreadable, post!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", concat!("0\r\n\r\n", hidden!()))),
    ("two lengths", Unreadable, post!("Content-Length: 2\r\nContent-Length: 9\r\n", "ok")),
    ("the same length twice", Unreadable, post!("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")),
    ("a list of lengths", Unreadable, post!("Content-Length: 2, 2\r\n", "ok")),
    ("a length with a sign", Unreadable, post!("Content-Length: +2\r\n", "ok")),
    ("a negative length", Unreadable, post!("Content-Length: -2\r\n", "ok")),
    ("a hexadecimal length", Unreadable, post!("Content-Length: 0x2\r\n", "ok")),
    ("a length in two words", Unreadable, post!("Content-Length: 2 2\r\n", "ok")),
    ("an empty length", Unreadable, post!("Content-Length:\r\n", "ok")),
    ("a length beyond 64 bits", Unreadable, post!("Content-Length: 18446744073709551618\r\n", "ok")),
    ("chunks twice", Unreadable, post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("chunks of chunks", Unreadable, post!("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
    ("gzip, then chunks", Unreadable, post!("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
    ("identity", Unreadable, post!("Transfer-Encoding: identity\r\n", "ok")),
    ("nearly chunks", Unreadable, post!("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
    ("chunks behind a vertical tab", Unreadable, post!("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n")),
    ("chunks in HTTP/1.0", Unreadable, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),

    // Lines.
    ("bare line feeds", Unreadable, "GET /health HTTP/1.1\nHost: a.test\n\n"),
    ("one bare line feed", Unreadable, concat!("GET /health HTTP/1.1\r\nX: y\n", ends!())),
    ("a head that ends in a bare line feed", Unreadable, "GET /health HTTP/1.1\r\nHost: a.test\r\n\n"),
    ("a bare carriage return", Unreadable, concat!("GET /health HTTP/1.1\r\nX: a\rb\r\n", ends!())),
    ("a folded header", Unreadable, concat!("GET /health HTTP/1.1\r\nX: a\r\n b\r\n", ends!())),
    ("a first header that is folded", Unreadable, concat!("GET /health HTTP/1.1\r\n X: a\r\n", ends!())),
    ("a NUL in a value", Unreadable, concat!("GET /health HTTP/1.1\r\nX: a\0b\r\n", ends!())),
    ("a NUL in a name", Unreadable, concat!("GET /health HTTP/1.1\r\nX\0: a\r\n", ends!())),
    ("a blank before the colon", Unreadable, concat!("POST /echo HTTP/1.1\r\nContent-Length : 2\r\n", ends!(), "ok")),
    ("a header without a colon", Unreadable, concat!("GET /health HTTP/1.1\r\nContent-Length\r\n", ends!())),
    ("a header without a name", Unreadable, concat!("GET /health HTTP/1.1\r\n: a\r\n", ends!())),
    ("two blanks", Unreadable, concat!("GET  /health HTTP/1.1\r\n", ends!())),
    ("a tab", Unreadable, concat!("GET\t/health\tHTTP/1.1\r\n", ends!())),
    ("no version", Unreadable, "GET /health\r\n\r\n"),
    ("another version", Unreadable, concat!("GET /health HTTP/1.2\r\n", ends!())),
    ("a version in small letters", Unreadable, concat!("GET /health http/1.1\r\n", ends!())),
    ("the greeting of HTTP/2", Unreadable, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("the greeting of TLS", Unreadable, "\x16\x03\x01\x02\0\x01\0\x01\x7f\x03\x03\r\n\r\n"),
    ("a method with odd letters", Unreadable, concat!("GE(T /health HTTP/1.1\r\n", ends!())),

    // Chunks.
    ("a chunk size that is no number", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("x\r\nok\r\n0\r\n\r\n", hidden!()))),
    ("a chunk size with a prefix", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("0x2\r\nok\r\n0\r\n\r\n", hidden!()))),
    ("a chunk size with a sign", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("+2\r\nok\r\n0\r\n\r\n", hidden!()))),
    ("a chunk size beyond 64 bits", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("10000000000000002\r\nok\r\n0\r\n\r\n", hidden!()))),
    ("a chunk size that ends in a bare line feed", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("2\nok\r\n0\r\n\r\n", hidden!()))),
    ("a bare line feed in an extension", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("2;a\nb\r\nok\r\n0\r\n\r\n", hidden!()))),
    ("a chunk longer than its size", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("1\r\nok\r\n0\r\n\r\n", hidden!()))),
    ("a bare line feed after a chunk", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("2\r\nok\n0\r\n\r\n", hidden!()))),
    ("a bare line feed in a trailer", BodyBroken, post!("Transfer-Encoding: chunked\r\n", concat!("2\r\nok\r\n0\r\nX: a\n\r\n", hidden!()))),
];

const LIMIT: Duration = Duration::from_secs(2);

/// What really happened; `None` is anything that has no name above.
fn verdict(answer: &str, closed: bool) -> Option<Verdict> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let one_answer = answer.matches("HTTP/1.").count() == 1 && closed;
    match &head.get(9..12)? {
        _ if !one_answer => None,
        &"200" => Some(Served),
        &"400" if body == "the body broke off" => Some(BodyBroken),
        &"400" if is_envelope(body) => Some(Refused),
        code if code.starts_with('4') && body.is_empty() => Some(Unreadable),
        _ => None,
    }
}

fn is_envelope(body: &str) -> bool {
    let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else { return false };
    body["success"] == false
        && body["error"] == "INVALID_REQUEST"
        && body["message"].is_string()
        && body["details"].is_null()
        && body["request_id"].as_str().is_some_and(|id| !id.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_the_corpus_gets_its_verdict() {
    let server = Running::start(IMPATIENT).await;
    let mut wrong = Vec::new();
    for (name, expected, request) in CORPUS {
        let (answer, closed) = read_all(&mut send(server.address, request).await, LIMIT).await;
        let got = verdict(&answer, closed);
        if got != Some(*expected) {
            wrong.push(format!("{name}: expected {expected:?}, got {got:?}, closed {closed}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CORPUS.len(), wrong.join("\n"));
}

/// The reader of lines must not care where the network cuts them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_verdict_is_the_same_when_every_byte_comes_alone() {
    let server = Running::start(IMPATIENT).await;
    let address = server.address;
    let tasks: Vec<_> = CORPUS
        .iter()
        .map(|(name, expected, request)| {
            tokio::spawn(async move {
                let mut stream = send(address, "").await;
                stream.set_nodelay(true).unwrap();
                for byte in request.as_bytes() {
                    // The server may have closed the connection in the middle, as it should.
                    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &[*byte]).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let (answer, closed) = read_all(&mut stream, LIMIT).await;
                assert_eq!(verdict(&answer, closed), Some(*expected), "{name}: {answer}");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn requests_that_follow_each_other_are_told_apart() {
    let server = Running::start(IMPATIENT).await;
    let body = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 21\r\n\r\nX: y\nGET / HTTP/1.1\n\n";
    let chunks = "POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n2;x\r\n\n\n\r\n0\r\nT: u\r\n\r\n";
    let requests = [body, chunks, body, concat!("GET /health HTTP/1.1\r\n", ends!())].concat();
    let (answer, closed) = read_all(&mut send(server.address, requests).await, LIMIT).await;
    assert!(closed, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 4, "{answer}");
    assert_eq!(answer.matches("GET / HTTP/1.1\n\n").count(), 2, "{answer}");
    assert!(answer.contains("a\nb\n\n") && answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn control_the_stock_server_takes_much_of_the_corpus() {
    let (address, server) = start_stock().await;
    let mut taken = Vec::new();
    for (name, expected, request) in CORPUS {
        let (answer, _) = read_all(&mut send(address, request).await, Duration::from_millis(200)).await;
        if *expected != Served && answer.starts_with("HTTP/1.1 200") {
            taken.push(*name);
        }
    }
    println!("{} taken: {taken:?}", taken.len());
    assert!(taken.len() >= 15, "only {}: {taken:?}", taken.len());
    server.abort();
}
