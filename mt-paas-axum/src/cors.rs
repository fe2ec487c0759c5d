//! Pages of other origins: only those on the list may read answers.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use futures_util::future::{Either, MapOk, TryFutureExt};
use http::{HeaderName, HeaderValue, Method, Request, header};
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors, CorsLayer, ResponseFuture};

use crate::deprecation::{DEPRECATION, SUNSET};
use crate::idempotency::REPLAYED;
use crate::request_id::REQUEST_ID;
use crate::standard_api::InvalidApi;

/// What a page may read of an answer beside its body: what the contract says in headers.
const EXPOSED: [HeaderName; 6] = [REQUEST_ID, REPLAYED, header::RETRY_AFTER, header::LINK, DEPRECATION, SUNSET];

/// Answers what browsers ask before they let a page call. Calls of programs, which have no origin, pass by: that is
/// nearly all of them, and the layer underneath builds its headers anew for each request.
#[derive(Clone)]
pub(crate) struct OriginsLayer(Arc<Listed>);

struct Listed {
    origins: Vec<HeaderValue>,
    layer: CorsLayer,
}

impl OriginsLayer {
    /// Lets pages of these origins call.
    pub(crate) fn new(origins: &[String]) -> Result<Self, InvalidApi> {
        let origins: Vec<HeaderValue> = origins.iter().map(|text| origin(text)).collect::<Result<_, _>>()?;
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins.clone()))
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(EXPOSED);
        Ok(Self(Arc::new(Listed { origins, layer })))
    }
}

impl<S> Layer<S> for OriginsLayer {
    type Service = Origins<S>;

    fn layer(&self, inner: S) -> Origins<S> {
        Origins { listed: self.0.clone(), inner }
    }
}

/// The service of [`OriginsLayer`].
#[derive(Clone)]
pub(crate) struct Origins<S> {
    listed: Arc<Listed>,
    inner: S,
}

impl<S> Service<Request<Body>> for Origins<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<MapOk<S::Future, fn(Response) -> Response>, ResponseFuture<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // A page of any other origin is a stranger: it is asked for the key, and its browser keeps the answer from it.
        if !request.headers().get(header::ORIGIN).is_some_and(|origin| self.listed.origins.contains(origin)) {
            return Either::Left(self.inner.call(request).map_ok(depends_on_origin));
        }
        // The service that was found ready goes, its copy stays.
        let copy = self.inner.clone();
        let mut cors: Cors<S> = self.listed.layer.layer(std::mem::replace(&mut self.inner, copy));
        Either::Right(cors.call(request))
    }
}

/// A cache must not give this answer to a page.
fn depends_on_origin(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// An origin as browsers send it, and never all of them.
pub(crate) fn origin(text: &str) -> Result<HeaderValue, InvalidApi> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let plain = url.is_some_and(|url| url.origin().ascii_serialization() == text);
    plain.then(|| HeaderValue::from_str(text).ok()).flatten().ok_or_else(|| InvalidApi::Origin(text.to_owned()))
}
