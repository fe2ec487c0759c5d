//! One connection: hyper on a patient stream, with the strict checks before the router.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use mt_paas_core::ApiError;
use pin_project_lite::pin_project;
use tokio::net::TcpStream;
use tower::Service as _;
use tower::{Layer, service_fn};

use super::options::ServeOptions;
use super::shutdown::Shutdown;
use super::stream::PatientStream;
use super::strict;
use crate::error::Problem;
use crate::request_id::{Answer as WithId, RequestIdLayer};

/// How many bytes hyper buffers. A head that the contract allows has 40 KiB at most; a larger one reaches the check
/// up to this size, and from here on is a 431 of hyper's.
const BUFFER: usize = 64 << 10;

/// What all connections share.
pub(super) struct Connections {
    router: Router,
    options: ServeOptions,
    http: http1::Builder,
    ending: Shutdown,
}

impl Connections {
    pub(super) fn new(router: Router, options: ServeOptions, ending: Shutdown) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // hyper's clock runs while a connection is idle; that of the head itself is the stream's.
            .header_read_timeout(options.idle_timeout)
            .max_buf_size(BUFFER);
        // With its state the router is made into routes here, and not again for every request.
        Self { router: router.with_state(()), options, http, ending }
    }

    /// Serves one connection to its end.
    pub(super) async fn run(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Without it small answers may wait for the peer's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let stream = TokioIo::new(PatientStream::new(stream, &self.options));
        let service = Door { router: self.router.clone(), peer, ending: self.ending.clone() };
        let mut connection = pin!(self.http.serve_connection(stream, service));
        let ended = tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = self.ending.requested() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "the connection broke off");
        }
    }
}

/// The way of a request into the router.
struct Door {
    router: Router,
    peer: SocketAddr,
    ending: Shutdown,
}

impl hyper::service::Service<Request<Incoming>> for Door {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, mut request: Request<Incoming>) -> Answer {
        if let Err(reason) = strict::check(&mut request) {
            return Answer::Refused { answer: refuse(reason, request) };
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.ending.clone());
        Answer::Routed { answer: self.router.clone().call(request) }
    }
}

pin_project! {
    /// An answer of the router, or the refusal before it.
    #[project = Projected]
    enum Answer {
        Routed { #[pin] answer: RouteFuture<Infallible> },
        Refused { #[pin] answer: Refusal },
    }
}

type Refusal = WithId<Ready<Result<Response, Infallible>>>;

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projected::Routed { answer } => answer.poll(cx),
            Projected::Refused { answer } => answer.poll(cx),
        }
    }
}

/// 400 in the contract's envelope, with the request's id, and the connection ends.
fn refuse(reason: &'static str, request: Request<Incoming>) -> Refusal {
    let problem = move |_| {
        let mut response = Problem::from(ApiError::malformed(reason)).into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        ready(Ok(response))
    };
    RequestIdLayer.layer(service_fn(problem)).call(request.map(|_| Body::empty()))
}
