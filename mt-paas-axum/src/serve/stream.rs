//! A TCP stream whose patience with its peer ends.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::framing::{Framing, Phase};
use super::options::ServeOptions;

/// How long the peer may take to see our last answer before the connection is torn down.
const LINGER: Duration = Duration::from_secs(1);

/// Fails a read or a write that waits too long for the peer. No clock runs while the peer owes nothing.
#[derive(Debug)]
pub(super) struct PatientStream {
    stream: TcpStream,
    framing: Framing,
    head: Duration,
    body: Duration,
    write: Duration,
    reading: Patience,
    writing: Patience,
    ending: bool,
}

impl PatientStream {
    pub(super) fn new(stream: TcpStream, options: &ServeOptions) -> Self {
        Self {
            stream,
            framing: Framing::default(),
            head: options.header_timeout,
            body: options.body_timeout,
            write: options.write_timeout,
            reading: Patience::default(),
            writing: Patience::default(),
            ending: false,
        }
    }

    fn written(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if polled.is_ready() {
            self.writing.renew();
            return polled;
        }
        ready!(self.writing.poll_end(cx, self.write));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the peer does not read")))
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.framing.is_refused() {
            // Of a head that came in pieces hyper looks at nothing before the last; here it is.
            let end = &b"\r\n\r\n"[..buf.remaining().min(4)];
            buf.put_slice(end);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            let turns = this.framing.turns();
            this.framing.pass(&mut buf.filled_mut()[before..]);
            if this.framing.turns() != turns {
                this.reading.renew();
            }
            return Poll::Ready(read);
        }
        let limit = match this.framing.phase() {
            Phase::Idle => return Poll::Pending,
            Phase::Head => this.head,
            Phase::Body => this.body,
        };
        ready!(this.reading.poll_end(cx, limit));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the peer does not send the rest of its request")))
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Says that nothing more will come. If the peer was cut off in the middle of a request, what it still sends is
    /// thrown away for a moment: bytes that nobody reads would make the kernel reset the connection and the peer lose
    /// the answer that says why.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ending {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.ending = true;
            this.reading.renew();
        }
        while this.framing.phase() != Phase::Idle && this.reading.poll_end(cx, LINGER).is_pending() {
            let mut waste = [0; 4096];
            let mut waste = ReadBuf::new(&mut waste);
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut waste));
            if read.is_err() || waste.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// A clock that starts with the first poll and is made only if there is something to wait for.
#[derive(Debug, Default)]
struct Patience {
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Patience {
    /// Ready when `limit` has passed since the first poll after the last renewal.
    fn poll_end(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        if !self.running {
            sleep.as_mut().reset(Instant::now() + limit);
            self.running = true;
        }
        sleep.as_mut().poll(cx)
    }

    /// The peer has done its part.
    fn renew(&mut self) {
        self.running = false;
    }
}
