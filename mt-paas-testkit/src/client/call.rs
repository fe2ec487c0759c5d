//! A call to the service under test, built up and then awaited.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::exchange::{Exchange, KEPT};
use super::{Answer, Client, raw};
use crate::outcome::{Stop, skip};

/// An answer larger than this is cut off: nothing in the contract is so large.
const LARGEST: usize = 8 * 1024 * 1024;

/// A call in the making; `.await` sends it.
pub(crate) struct Call {
    client: Arc<Client>,
    method: Method,
    path: String,
    headers: Vec<Header>,
    body: Option<Bytes>,
    way: Way,
    odd: bool,
    keyed: bool,
}

struct Header {
    name: String,
    value: Vec<u8>,
    /// What reports show instead of the value.
    shown: String,
}

#[derive(PartialEq)]
enum Way {
    Pool,
    /// Written byte by byte to a connection of its own: the pool would tidy the path up.
    Socket,
}

impl Call {
    /// A call with the right key, by a path from the base URL on.
    pub(crate) fn new(client: &Arc<Client>, method: Method, path: String) -> Self {
        let alias = path.starts_with("/api/tenant/");
        let (name, value) = (client.target.key_header(alias).to_owned(), client.target.market_key().into());
        let key = Header { name, value, shown: "$MT_KEY".into() };
        let client = Arc::clone(client);
        Self { client, method, path, headers: vec![key], body: None, way: Way::Pool, odd: false, keyed: true }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string(), Some("application/json"))
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>, content_type: Option<&str>) -> Self {
        self.body = Some(body.into());
        match content_type {
            Some(kind) => self.header(CONTENT_TYPE.as_str(), kind),
            None => self,
        }
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.header_shown(name, value, value)
    }

    pub(crate) fn header_shown(mut self, name: &str, value: impl Into<Vec<u8>>, shown: &str) -> Self {
        self.headers.push(Header { name: name.to_owned(), value: value.into(), shown: shown.to_owned() });
        self
    }

    /// No key at all.
    pub(crate) fn keyless(mut self) -> Self {
        self.headers.remove(0);
        self.keyed = false;
        self
    }

    /// Another value where the key belongs; `shown` is what reports print.
    pub(crate) fn key(mut self, value: impl Into<Vec<u8>>, shown: &str) -> Self {
        self.headers[0].value = value.into();
        shown.clone_into(&mut self.headers[0].shown);
        self.keyed = false;
        self
    }

    /// Written to a socket of its own, path untouched.
    pub(crate) fn raw(self) -> Self {
        Self { way: Way::Socket, odd: true, ..self }
    }

    /// The HTTP parser itself may refuse this.
    pub(crate) fn odd(self) -> Self {
        Self { odd: true, ..self }
    }

    /// Sends the call over a connection of its own and hangs up without reading the answer.
    pub(crate) async fn hang_up(self) -> Result<(), Stop> {
        let Some(address) = self.client.target.plain_http_address() else { return Err(skip(raw::NEEDS_PLAIN_HTTP)) };
        let request = self.bytes();
        raw::send_and_hang_up(address, &request).await.map_err(|error| self.silence(&error.to_string()))
    }

    /// A service may ask to slow down; that is its right and no answer to the question.
    async fn send(self) -> Result<Answer, Stop> {
        for _ in 0..5 {
            let answer = self.send_once().await?;
            if answer.status() != 429 || answer.code() != "RATE_LIMITED" {
                return Ok(answer);
            }
            let pause = answer.exchange.header("retry-after").and_then(|seconds| seconds.parse().ok());
            tokio::time::sleep(Duration::from_secs(pause.unwrap_or(1).clamp(1, 10))).await;
        }
        self.send_once().await
    }

    async fn send_once(&self) -> Result<Answer, Stop> {
        if self.client.is_deaf() {
            return Err(self.silence("nothing was sent: the service had stopped answering"));
        }
        let started = Instant::now();
        let reply = match self.way {
            Way::Pool => self.by_pool().await,
            Way::Socket => self.by_socket().await,
        };
        self.client.heard(reply.is_ok(), started.elapsed());
        let (status, headers, body) = reply?;
        let exchange = Arc::new(Exchange {
            status,
            headers,
            // A copy: a slice would keep the whole answer in memory.
            body: Bytes::copy_from_slice(&body[..body.len().min(KEPT)]),
            millis: started.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            ..self.unanswered()
        });
        self.client.remember(&exchange);
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let listed = capability(&self.path).is_some_and(|name| self.client.offers(name));
        // Only who has the key may learn that an operation is not offered.
        let not_offered = status == 501 && json["error"] == "NOT_SUPPORTED" && self.keyed && !listed;
        Ok(Answer { exchange, json, body, not_offered, target: self.client.target.clone() })
    }

    async fn by_pool(&self) -> Result<Reply, Stop> {
        let mut headers = HeaderMap::new();
        for header in &self.headers {
            let name = HeaderName::try_from(header.name.as_str()).map_err(|error| self.silence(&error.to_string()))?;
            let value = HeaderValue::from_bytes(&header.value).map_err(|error| self.silence(&error.to_string()))?;
            headers.append(name, value);
        }
        let url = format!("{}{}", self.client.target.base_url(), self.path);
        let mut request = self.client.http.request(self.method.clone(), url).headers(headers);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let reply = request.send().await.map_err(|error| self.silence(&root(error)))?;
        let status = reply.status().as_u16();
        let headers = lines(reply.headers());
        let mut body = BytesMut::new();
        let mut chunks = reply.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(|error| self.silence(&root(error)))?);
            if body.len() > LARGEST {
                return Err(self.silence(TOO_LARGE));
            }
        }
        Ok((status, headers, body.freeze()))
    }

    async fn by_socket(&self) -> Result<Reply, Stop> {
        let Some(address) = self.client.target.plain_http_address() else { return Err(skip(raw::NEEDS_PLAIN_HTTP)) };
        let request = self.bytes();
        match tokio::time::timeout(Duration::from_secs(10), raw::exchange(address, &request)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(self.silence(&error.to_string())),
            Err(_) => Err(self.silence("no answer within 10 s")),
        }
    }

    /// The request as it goes over the wire.
    fn bytes(&self) -> Vec<u8> {
        let target = &self.client.target;
        let (path, authority) = (format!("{}{}", target.base_path(), self.path), target.authority());
        let mut request = format!("{} {path} HTTP/1.1\r\nHost: {authority}\r\n", self.method).into_bytes();
        for header in &self.headers {
            request.extend_from_slice(format!("{}: ", header.name).as_bytes());
            request.extend_from_slice(&header.value);
            request.extend_from_slice(b"\r\n");
        }
        let body = self.body.as_deref().unwrap_or_default();
        request.extend_from_slice(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        request
    }

    fn unanswered(&self) -> Exchange {
        Exchange {
            method: self.method.to_string(),
            path: self.path.clone(),
            sent_headers: self.headers.iter().map(|header| (header.name.clone(), header.shown.clone())).collect(),
            sent_body: self.body.clone().unwrap_or_default(),
            odd: self.odd,
            status: 0,
            headers: Vec::new(),
            body: Bytes::new(),
            millis: 0,
        }
    }

    fn silence(&self, why: &str) -> Stop {
        self.unanswered().failure(&self.client.target, "an answer", why)
    }
}

impl IntoFuture for Call {
    type Output = Result<Answer, Stop>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// What is said of an answer that nobody needs to read.
pub(crate) const TOO_LARGE: &str = "an answer of more than 8 MiB";

/// Status, headers and body of an answer.
pub(super) type Reply = (u16, Vec<(String, String)>, Bytes);

/// The capability that a service lists when it offers the operation of that path.
fn capability(path: &str) -> Option<&'static str> {
    let bare = path.split('?').next()?;
    ["top-users", "usage-patterns", "limits"].into_iter().find(|name| bare.ends_with(&format!("/{name}")))
}

fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// The innermost cause: the outer ones say "error sending request" and little else.
fn root(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("no answer: {cause}")
}
