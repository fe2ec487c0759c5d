//! How much of a bare route's throughput `GET /mt/tenant/{id}/stats` keeps behind all the doors of this crate.
//!
//! `cargo bench -p mt-paas-axum --bench stats -- [rounds] [seconds]` starts this program twice more: once as a service
//! with every layer on, once as a single axum route that checks a key, reads the path and serialises the same answer.
//! Both stay up while rounds of load alternate between them. Nothing is asserted but that the answers are the same.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use mt_paas_axum::StandardApi;
use mt_paas_axum::auth::MarketKeys;
use mt_paas_axum::compat::Aliases;
use mt_paas_axum::deprecation::AliasSchedule;
use mt_paas_axum::serve::{ServeOptions, serve};
use mt_paas_core::period::Period;
use mt_paas_core::standard_api::{ActivateRequest, ActivationConfig, Contact, CreateUserRequest, Role, StatsResponse};
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::usage::UsageEvent;
use mt_paas_core::{StandardAPIHandler, StoreHandler, TenantId};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const KEY: &str = "bench_market_key_0123456789";
const TENANT: &str = "bench_univ";
const USERS: usize = 100;
const DAYS: i64 = 60;
const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
/// Linux counts processor time in hundredths of a second, whatever the kernel's own clock.
const TICK_MICROS: u64 = 10_000;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match arguments.first().map(String::as_str) {
        Some("serve-ours") => in_threads(serve_ours()),
        Some("serve-bare") => in_threads(serve_bare()),
        _ => {
            let number = |index: usize, default: u64| arguments.get(index).map_or(Ok(default), |text| text.parse());
            let (rounds, length) = (number(0, 9)?, Duration::from_secs(number(1, 3)?));
            // One thread makes the load, so that it takes no more than one processor from the server.
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(compare(rounds, length))
        }
    }
}

fn in_threads(server: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(server)
}

async fn compare(rounds: u64, length: Duration) -> Result<(), Failure> {
    let mut ours = Side::start("serve-ours").await?;
    let mut bare = Side::start("serve-bare").await?;
    let rows = same_answer(&mut ours, &mut bare).await?;
    println!("{CONNECTIONS} connections, {rounds} rounds of {length:?} each way, {rows} daily rows in the answer");
    ours.load(WARM_UP).await?;
    bare.load(WARM_UP).await?;
    println!("round   ours req/s   bare req/s   ratio   ours CPU µs/req   bare CPU µs/req");
    let mut measured = Vec::new();
    for round in 1..=rounds {
        // Whoever comes first changes from round to round.
        let (a, b) = if round % 2 == 1 {
            let a = ours.load(length).await?;
            (a, bare.load(length).await?)
        } else {
            let b = bare.load(length).await?;
            (ours.load(length).await?, b)
        };
        print_row(&round.to_string(), a.rate, b.rate, a.rate / b.rate, a.micros, b.micros);
        measured.push((a, b));
    }
    let middle = |figure: &dyn Fn(&(Round, Round)) -> f64| median(measured.iter().map(figure).collect());
    print_row(
        "median",
        middle(&|(a, _)| a.rate),
        middle(&|(_, b)| b.rate),
        middle(&|(a, b)| a.rate / b.rate),
        middle(&|(a, _)| a.micros),
        middle(&|(_, b)| b.micros),
    );
    println!("server CPU, bare to ours: {:.3}", middle(&|(a, b)| b.micros / a.micros));
    Ok(())
}

fn print_row(name: &str, ours: f64, bare: f64, ratio: f64, ours_micros: f64, bare_micros: f64) {
    println!("{name:<6} {ours:>11.0} {bare:>12.0} {ratio:>8.3} {ours_micros:>16.2} {bare_micros:>17.2}");
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The two differ in when the figures were read and in nothing else.
async fn same_answer(ours: &mut Side, bare: &mut Side) -> Result<usize, Failure> {
    let mut answers = Vec::new();
    for side in [ours, bare] {
        let connection = side.connections.first_mut().ok_or("there is no connection")?;
        let mut answer: Value = serde_json::from_slice(connection.exchange().await?)?;
        answer["health"] = Value::Null;
        answers.push(answer);
    }
    if answers[0] != answers[1] {
        return Err(format!("the answers differ: {} and {}", answers[0], answers[1]).into());
    }
    answers[0]["trends"]["daily"].as_array().map(Vec::len).ok_or_else(|| "there are no daily rows".into())
}

/// A server in a process of its own, and the connections to it.
struct Side {
    process: Child,
    /// The server ends when this is closed, also if this process dies.
    _alive: Option<ChildStdin>,
    connections: Vec<Connection>,
}

/// What a round came to.
struct Round {
    rate: f64,
    /// Of the server's processor time, a request.
    micros: f64,
}

impl Side {
    async fn start(role: &str) -> Result<Self, Failure> {
        let mut process =
            Command::new(std::env::current_exe()?).arg(role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("the server has no output")?).read_line(&mut line)?;
        let address: SocketAddr = line.trim().parse()?;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(address).await?);
        }
        Ok(Self { _alive: process.stdin.take(), process, connections })
    }

    async fn load(&mut self, length: Duration) -> Result<Round, Failure> {
        let (cpu, began) = (self.cpu_micros()?, Instant::now());
        let end = began + length;
        let mut running = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            running.spawn(async move {
                let mut done = 0_u64;
                while Instant::now() < end {
                    connection.exchange().await?;
                    done += 1;
                }
                Ok::<_, Failure>((connection, done))
            });
        }
        let mut requests = 0;
        while let Some(ended) = running.join_next().await {
            let (connection, done) = ended??;
            self.connections.push(connection);
            requests += done;
        }
        let rate = requests as f64 / began.elapsed().as_secs_f64();
        Ok(Round { rate, micros: (self.cpu_micros()? - cpu) as f64 / requests as f64 })
    }

    fn cpu_micros(&self) -> Result<u64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // Behind the name, which may hold anything: the 12th and 13th field are user and system time.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
        Ok(ticks * TICK_MICROS)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A keep-alive connection that sends the same bytes again and again, and spends as little as it can on the answers.
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /mt/tenant/{TENANT}/stats?period=30d HTTP/1.1\r\nHost: {address}\r\nX-Market-API-Key: {KEY}\r\n\r\n"
        );
        Ok(Self { stream, request: request.into_bytes(), buffer: Vec::with_capacity(16 << 10) })
    }

    /// The body of the answer.
    async fn exchange(&mut self) -> Result<&[u8], Failure> {
        self.stream.write_all(&self.request).await?;
        self.buffer.clear();
        let mut whole = None;
        while whole.is_none_or(|(_, end)| self.buffer.len() < end) {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server hung up".into());
            }
            if whole.is_none() {
                whole = body(&self.buffer)?;
            }
        }
        let (start, end) = whole.unwrap_or_default();
        Ok(&self.buffer[start..end])
    }
}

/// Where the body of a 200 begins and ends, once its head is complete.
fn body(answer: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&answer[..head])?;
    if !text.starts_with("HTTP/1.1 200") {
        return Err(format!("not the answer that is measured: {text}").into());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or("no length")?;
    Ok(Some((head + 4, head + 4 + length.parse::<usize>()?)))
}

async fn serve_ours() -> Result<(), Failure> {
    let store = Arc::new(MemoryStore::new());
    let handler = seeded(store.clone()).await?;
    let app = StandardApi::builder(Arc::new(handler))
        .market_keys(MarketKeys::default().with("bench", KEY)?)
        .idempotency(store)
        .aliases(Aliases::new(AliasSchedule::default()))
        .cors_origins(vec!["https://market.example.com".to_owned()])
        .docs(false)
        .build()?;
    Ok(serve(listener().await?, app, ServeOptions::default(), std::future::pending()).await?)
}

async fn serve_bare() -> Result<(), Failure> {
    let handler = seeded(Arc::new(MemoryStore::new())).await?;
    let answer = handler.tenant_stats(&TENANT.parse()?, Period::default()).await?;
    let app = Router::new().route("/mt/tenant/{tenant_id}/stats", get(bare_stats)).with_state(Arc::new(answer));
    Ok(axum::serve(listener().await?, app).await?)
}

async fn bare_stats(
    State(answer): State<Arc<StatsResponse>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    if headers.get("x-market-api-key").is_none_or(|key| key != KEY) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if tenant != answer.tenant_id.as_str() {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(&*answer).into_response()
}

/// Tells the parent where the server listens, and ends with it.
async fn listener() -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Ok(listener)
}

/// A tenant with sixty days of usage by a hundred users.
async fn seeded(store: Arc<MemoryStore>) -> Result<StoreHandler, Failure> {
    let handler = StoreHandler::builder(store, "bench", "0").build()?;
    let tenant: TenantId = TENANT.parse()?;
    let activation = ActivateRequest {
        tenant_id: tenant.clone(),
        tenant_name: "Bench University".to_owned(),
        plan: "standard".to_owned(),
        features: ["chat".to_owned()].into(),
        config: ActivationConfig::default(),
        contact: Contact::default(),
        term: None,
        callback_url: None,
    };
    handler.activate_tenant(activation).await?;
    let now = Utc::now();
    for n in 0..USERS {
        let request = CreateUserRequest {
            email: format!("user{n}@example.com"),
            name: format!("User {n}"),
            role: Role::User,
            password: None,
            send_welcome_email: false,
            run: None,
        };
        let user = handler.create_user(&tenant, request).await?.user_id;
        let events = (0..DAYS).map(|day| UsageEvent {
            user: Some(user.clone()),
            session: Some(format!("session-{n}-{day}")),
            messages: 4,
            model: Some(["gpt-4o", "gpt-4o-mini", "gpt-4.1"][n % 3].to_owned()),
            input_tokens: 900,
            output_tokens: 300,
            ..UsageEvent::new(format!("event-{n}-{day}"), tenant.clone(), now - TimeDelta::days(day))
        });
        handler.usage().record_many(events).await?;
    }
    Ok(handler)
}
