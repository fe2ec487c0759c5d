//! The outermost layer: a request id on every answer, and the contract's envelope around every error, whoever made it,
//! a panic included.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use mt_paas_core::redact::Redactor;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::error::Problem;

/// The header that carries the id of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being answered, in its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Gives every request an id, or keeps a well-formed one that it came with; returns it, writes it into error bodies
/// and logs; wraps errors that no handler of the contract made into its envelope.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestIdLayer;

/// The service of [`RequestIdLayer`].
#[derive(Debug, Clone)]
pub struct WithRequestId<S>(S);

impl<S> Layer<S> for RequestIdLayer {
    type Service = WithRequestId<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithRequestId(inner)
    }
}

impl<S> Service<Request<Body>> for WithRequestId<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let id = RequestId(accepted(request.headers().get(&REQUEST_ID)).unwrap_or_else(fresh));
        request.extensions_mut().insert(id.clone());
        let seen = tracing::enabled!(tracing::Level::INFO)
            .then(|| (request.method().clone(), request.uri().path().to_owned(), Instant::now()));
        Answer { inner: self.0.call(request), id, seen }
    }
}

pin_project! {
    /// The future of [`WithRequestId`].
    pub struct Answer<F> {
        #[pin]
        inner: F,
        id: RequestId,
        seen: Option<(Method, String, Instant)>,
    }
}

impl<F, E> Future for Answer<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        // A future that has panicked is not polled again: the answer is given at once.
        let response = match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(polled) => match ready!(polled) {
                Ok(response) => response,
                Err(error) => return Poll::Ready(Err(error)),
            },
            // The panic hook has logged message and place; neither belongs on the wire.
            Err(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
        };
        let mut response = in_envelope(response, this.id);
        if let Some((method, path, began)) = this.seen.take() {
            let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
            let path = Redactor::installed().url(&path);
            tracing::info!(%method, path, status, ms, request_id = this.id.as_str(), "answered");
        }
        response.headers_mut().insert(REQUEST_ID, this.id.0.clone());
        Poll::Ready(Ok(response))
    }
}

/// Writes the request id into an error of ours, and ours around an error of anybody else.
fn in_envelope(mut response: Response, id: &RequestId) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        // Somebody's own JSON or page stays as it is; the plain texts of extractors and routers do not.
        None if has_own_body(&response) => return response,
        None => Problem::of_status(status),
    };
    if let Some(cause) = problem.cause() {
        let chain = chain_of(cause);
        tracing::error!(status = status.as_u16(), request_id = id.as_str(), cause = chain, "the request failed");
    }
    let body = problem.body(id.as_str()).to_string();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = Body::from(body);
    response
}

fn has_own_body(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"))
}

fn chain_of(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}

/// An id that may stand in a log line as it is: 1 to 128 visible ASCII characters without quotes or backslashes, and no
/// secret.
fn accepted(id: Option<&HeaderValue>) -> Option<HeaderValue> {
    let id = id?;
    let safe = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let good = (1..=128).contains(&id.len()) && id.as_bytes().iter().all(safe);
    let open = |id: &&HeaderValue| id.to_str().is_ok_and(|id| !Redactor::installed().holds_secret(id));
    Some(id).filter(|_| good).filter(open).cloned()
}

fn fresh() -> HeaderValue {
    let mut buffer = uuid::Uuid::encode_buffer();
    let id = uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
    // Hexadecimal digits and hyphens are a header value.
    HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("0"))
}
