//! `Idempotency-Key`: a POST that is repeated gets the first answer again.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either, FutureExt};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use mt_paas_core::ApiError;
use mt_paas_core::clock::Clock;
use mt_paas_core::idempotency::{Claim, Claimed, Scope, StoredAnswer};
use mt_paas_core::redact::Redactor;
use mt_paas_core::store::Store;
use sha2::{Digest, Sha256};
use tower::{Layer, Service, ServiceExt};

use crate::auth::MarketKeyName;
use crate::error::Problem;
use crate::extract::read_body;

/// The header that names a request which may be repeated.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Stands on an answer that is given again.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Replays the stored answer of a POST with the same key and the same bytes, as the contract's section 1 says.
#[derive(Clone)]
pub struct IdempotencyLayer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl IdempotencyLayer {
    /// Keeps claims and answers in `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

impl<S> Layer<S> for IdempotencyLayer {
    type Service = Idempotent<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Idempotent { memory: self.clone(), inner }
    }
}

/// The service of [`IdempotencyLayer`].
#[derive(Clone)]
pub struct Idempotent<S> {
    memory: IdempotencyLayer,
    inner: S,
}

impl<S> Service<Request<Body>> for Idempotent<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
            return Either::Left(self.inner.call(request));
        }
        let (memory, inner) = (self.memory.clone(), self.inner.clone());
        let answer = async move { Ok(once(memory, inner, request).await.unwrap_or_else(Problem::into_response)) };
        Either::Right(answer.boxed())
    }
}

async fn once<S>(memory: IdempotencyLayer, inner: S, request: Request<Body>) -> Result<Response, Problem>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    let scope = scope_of(&request)?;
    let (parts, body) = request.into_parts();
    let bytes = read_body(&parts.headers, body).await?;
    let claim = Claim {
        scope,
        token: uuid::Uuid::new_v4(),
        fingerprint: Sha256::digest(&bytes).into(),
        at: memory.clock.now(),
    };
    match memory.store.claim(&claim).await.map_err(ApiError::from)? {
        Claimed::Mismatch => Err(Problem::idempotency_mismatch()),
        Claimed::InProgress => Err(Problem::idempotency_in_progress()),
        Claimed::Replay(answer) => Ok(replay(answer)),
        Claimed::Fresh => {
            let mut request = Request::from_parts(parts, Body::from(bytes));
            request.extensions_mut().insert(Run(claim.scope.clone()));
            // In a task of its own: a caller who hangs up must find the answer when it asks again.
            let run = tokio::spawn(async move { run(&memory, inner, request, &claim).await });
            run.await.map_err(ApiError::internal)?
        }
    }
}

/// What all runs of a request with one `Idempotency-Key` have in common, in the request's extensions. What a run made
/// whose process died before its answer was stored is known by it.
#[derive(Debug, Clone)]
pub(crate) struct Run(pub(crate) Scope);

async fn run<S>(memory: &IdempotencyLayer, inner: S, request: Request<Body>, claim: &Claim) -> Result<Response, Problem>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let response = match inner.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if !response.status().is_success() {
        memory.store.abandon(claim).await.map_err(ApiError::from)?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(ApiError::internal)?.to_bytes();
    let answer = StoredAnswer { status: parts.status.as_u16(), body: body.to_vec() };
    if let Err(error) = memory.store.finish(claim, &answer).await {
        // The change is done; refusing its answer now would be a lie. A repeat finds the claim until it expires.
        tracing::error!(error = &error as &dyn std::error::Error, "an answer could not be kept for repeats");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Market key, tenant and route; the path holds the tenant. What the caller chose is kept as a digest: people paste secrets
/// where a key is asked for.
fn scope_of(request: &Request<Body>) -> Result<Scope, Problem> {
    let mut sent = request.headers().get_all(IDEMPOTENCY_KEY).iter();
    let key = sent.next().filter(|_| sent.next().is_none()).and_then(|key| key.to_str().ok());
    let key = key.filter(|key| (1..=255).contains(&key.len())).ok_or_else(|| {
        ApiError::invalid_field(&["header", "Idempotency-Key"], "must be 1 to 255 ASCII characters, once")
    })?;
    let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let market_key = request.extensions().get::<MarketKeyName>().map(|name| name.0.to_string());
    let digest = Sha256::digest(format!("{}\n{key}", uri.path()));
    Ok(Scope {
        market_key: market_key.unwrap_or_default(),
        route: format!("{} {}", request.method(), Redactor::installed().url(uri.path())),
        key: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

fn replay(answer: StoredAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (status, headers, answer.body).into_response()
}
