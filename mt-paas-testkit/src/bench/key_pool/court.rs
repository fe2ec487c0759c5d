//! Where the judge hears the workers.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::options::KeyPoolBench;
use super::truth::Truth;
use super::wire::{Order, Report};

/// Where the judge hears the workers. Nobody is heard after it is dropped.
pub(super) struct Court {
    docket: Arc<Docket>,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) news: mpsc::UnboundedReceiver<News>,
    doors: JoinHandle<()>,
}

/// What happened to a worker.
#[derive(Debug)]
pub(super) enum News {
    Done(u32),
    Counted { free: u32, beyond: bool },
    Broken(String),
    Left(u32),
}

/// What is known in court.
struct Docket {
    token: String,
    truth: Mutex<Truth>,
    lines: Mutex<HashMap<u32, mpsc::UnboundedSender<Order>>>,
    news: mpsc::UnboundedSender<News>,
}

/// Somebody who does not say who it is by then is no worker.
const HELLO: Duration = Duration::from_secs(10);

impl Court {
    pub(super) async fn open(bench: &KeyPoolBench) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        let (tell, news) = mpsc::unbounded_channel();
        let truth = Mutex::new(Truth::new(bench));
        let docket = Arc::new(Docket { token: token.clone(), truth, lines: Mutex::default(), news: tell });
        let doors = tokio::spawn(admit(listener, docket.clone()));
        Ok(Self { docket, address, token, news, doors })
    }

    /// Orders something of a worker, if it is there.
    pub(super) fn order(&self, worker: u32, order: Order) {
        if let Some(line) = locked(&self.docket.lines).get(&worker) {
            let _ = line.send(order);
        }
    }

    pub(super) fn truth(&self) -> MutexGuard<'_, Truth> {
        locked(&self.docket.truth)
    }
}

impl Drop for Court {
    fn drop(&mut self) {
        self.doors.abort();
    }
}

async fn admit(listener: TcpListener, docket: Arc<Docket>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(attend(stream, docket.clone()))),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Hears one worker to its end.
async fn attend(stream: TcpStream, docket: Arc<Docket>) {
    // Acknowledgements are short, and callers wait for them.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    let Ok(Ok(Some(Report::Hello { token, worker }))) = tokio::time::timeout(HELLO, next(&mut reader)).await else {
        return;
    };
    if token != docket.token {
        return;
    }
    let (orders, given) = mpsc::unbounded_channel();
    let _ = orders.send(Order::Heard(1));
    locked(&docket.lines).insert(worker, orders.clone());
    tokio::spawn(write(writer, given));
    while let Ok(Some(report)) = next(&mut reader).await {
        let mut together = vec![report];
        while reader.buffer().contains(&b'\n') {
            match next(&mut reader).await {
                Ok(Some(report)) => together.push(report),
                _ => break,
            }
        }
        let heard = u32::try_from(together.len()).unwrap_or(u32::MAX);
        hear(&docket, worker, together);
        let _ = orders.send(Order::Heard(heard));
    }
    locked(&docket.truth).left(worker);
    locked(&docket.lines).remove(&worker);
    drop(docket.news.send(News::Left(worker)));
}

fn hear(docket: &Docket, worker: u32, reports: Vec<Report>) {
    let mut truth = locked(&docket.truth);
    for report in reports {
        let news = match report {
            Report::Done => News::Done(worker),
            Report::Counted { free, beyond } => News::Counted { free, beyond },
            Report::Broken { why } => News::Broken(why),
            report => {
                truth.hear(worker, report);
                continue;
            }
        };
        drop(docket.news.send(news));
    }
}

async fn next(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Report>> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

/// Writes all orders that came together at once.
async fn write(mut writer: OwnedWriteHalf, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut together = Vec::new();
    while orders.recv_many(&mut together, 64).await > 0 {
        let mut text = Vec::new();
        for order in together.drain(..) {
            if serde_json::to_writer(&mut text, &order).is_err() {
                return;
            }
            text.push(b'\n');
        }
        if writer.write_all(&text).await.is_err() {
            return;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
