//! A worker's line to the judge.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::wire::{Order, Report};

/// A worker's line to the judge. Cloning is cheap; clones are the same line.
#[derive(Clone)]
pub(super) struct Line {
    out: mpsc::UnboundedSender<(Report, Known)>,
}

type Known = oneshot::Sender<()>;
/// Who waits for an acknowledgement, in the order of the reports.
type Waiting = Arc<Mutex<VecDeque<Known>>>;

impl Line {
    /// Calls the judge, and hears its orders until it is gone.
    pub(super) async fn to(judge: SocketAddr) -> io::Result<(Self, mpsc::UnboundedReceiver<Order>)> {
        let stream = TcpStream::connect(judge).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (waiting, (out, reports), (orders, heard)) =
            (Waiting::default(), mpsc::unbounded_channel(), mpsc::unbounded_channel());
        tokio::spawn(write(writer, reports, waiting.clone()));
        tokio::spawn(read(reader, orders, waiting));
        Ok((Self { out }, heard))
    }

    /// Says something that nobody waits for.
    pub(super) fn say(&self, report: Report) {
        // A judge who is gone needs no report.
        drop(self.out.send((report, oneshot::channel().0)));
    }

    /// Says something and returns when the judge knows it; never, when there is no judge any more.
    pub(super) async fn report(&self, report: Report) {
        let (known, knows) = oneshot::channel();
        if self.out.send((report, known)).is_err() || knows.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Writes all reports that came together at once.
async fn write(mut writer: OwnedWriteHalf, mut reports: mpsc::UnboundedReceiver<(Report, Known)>, waiting: Waiting) {
    let mut together = Vec::new();
    while reports.recv_many(&mut together, 256).await > 0 {
        let mut text = Vec::new();
        for (report, known) in together.drain(..) {
            if serde_json::to_writer(&mut text, &report).is_err() {
                return;
            }
            text.push(b'\n');
            waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(known);
        }
        if writer.write_all(&text).await.is_err() {
            return;
        }
    }
}

async fn read(reader: OwnedReadHalf, orders: mpsc::UnboundedSender<Order>, waiting: Waiting) {
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Order::Heard(count)) => {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let count = waiting.len().min(count as usize);
                for known in waiting.drain(..count) {
                    // Whoever said it may not wait for it.
                    let _ = known.send(());
                }
            }
            Ok(order) => drop(orders.send(order)),
            Err(_) => return,
        }
    }
}
