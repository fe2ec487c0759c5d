//! The keys of marketplaces, and the layer that asks for one.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either, FutureExt};
use http::{HeaderMap, HeaderName, Method, Request};
use mt_paas_core::Secret;
use sha2::{Digest, Sha256};
use tower::{Layer, Service};

use crate::audit::Refusals;
use crate::error::Problem;

/// The valid keys, each with a name that may stand in logs and tables.
#[derive(Debug, Clone, Default)]
pub struct MarketKeys(Vec<(MarketKeyName, Secret<String>)>);

/// The name of the key that a request came with, in its extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketKeyName(pub Arc<str>);

/// The list of keys cannot be used. The message never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMarketKeys {
    /// There is no key at all: nobody could call, or everybody.
    #[error("no key is configured")]
    None,
    /// A key cannot be sent in a header.
    #[error("key number {0} is not made of visible ASCII characters")]
    Unsendable(usize),
    /// The same key stands there twice.
    #[error("key number {0} stands in the list twice")]
    Twice(usize),
}

impl MarketKeys {
    /// Reads a list separated by commas. Each key is named after its fingerprint, so that a name survives when the
    /// list is changed or put in another order.
    ///
    /// # Errors
    ///
    /// [`InvalidMarketKeys`] says which key cannot be used.
    pub fn parse(list: &str) -> Result<Self, InvalidMarketKeys> {
        let mut keys = Self::default();
        for (index, key) in list.split(',').map(str::trim).filter(|key| !key.is_empty()).enumerate() {
            let digest = Sha256::digest(key.as_bytes());
            let name = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>();
            keys = keys.with_numbered(&format!("key-{name}"), key, index + 1)?;
        }
        if keys.0.is_empty() { Err(InvalidMarketKeys::None) } else { Ok(keys) }
    }

    /// Adds a key under a name.
    ///
    /// # Errors
    ///
    /// [`InvalidMarketKeys`] if the key cannot be sent in a header or is there already.
    pub fn with(self, name: &str, key: &str) -> Result<Self, InvalidMarketKeys> {
        let number = self.0.len() + 1;
        self.with_numbered(name, key, number)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys themselves, for what must not show them.
    #[cfg(feature = "service")]
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret<String>> {
        self.0.iter().map(|(_, key)| key)
    }

    fn with_numbered(mut self, name: &str, key: &str, number: usize) -> Result<Self, InvalidMarketKeys> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidMarketKeys::Unsendable(number));
        }
        if self.name_of(key.as_bytes()).is_some() {
            return Err(InvalidMarketKeys::Twice(number));
        }
        self.0.push((MarketKeyName(name.into()), Secret::from(key)));
        Ok(self)
    }

    /// The name of the key that equals `candidate`. Every key is compared, each in constant time.
    fn name_of(&self, candidate: &[u8]) -> Option<&MarketKeyName> {
        self.0.iter().fold(None, |found, (name, key)| if key.matches(candidate) { Some(name) } else { found })
    }

    /// The key of a request: exactly one header, exactly equal.
    fn of_request(&self, headers: &HeaderMap, header: &HeaderName) -> Option<&MarketKeyName> {
        let mut sent = headers.get_all(header).iter();
        match (sent.next(), sent.next()) {
            (Some(key), None) => self.name_of(key.as_bytes()),
            _ => None,
        }
    }
}

/// Lets only requests with a valid key through; the others are 401 before anything else is looked at.
///
/// Usable on its own around any router. Paths are compared with the request's path as it was sent.
#[derive(Debug, Clone)]
pub struct MarketKeyLayer(Arc<Door>);

#[derive(Debug, Clone)]
struct Door {
    keys: MarketKeys,
    header: HeaderName,
    open: Vec<String>,
    refusals: Option<Refusals>,
}

impl MarketKeyLayer {
    /// Asks for one of `keys` in `header`.
    pub fn new(keys: MarketKeys, header: HeaderName) -> Self {
        Self(Arc::new(Door { keys, header, open: Vec::new(), refusals: None }))
    }

    /// Leaves `GET` and `HEAD` of these paths open. A path is compared as a whole, never by its beginning.
    #[must_use]
    pub fn exclude_paths<P: Into<String>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        let mut door = Arc::unwrap_or_clone(self.0);
        door.open.extend(paths.into_iter().map(Into::into));
        Self(Arc::new(door))
    }

    /// Tells of every request that is refused in the audit trail.
    #[must_use]
    pub fn telling(self, refusals: Refusals) -> Self {
        Self(Arc::new(Door { refusals: Some(refusals), ..Arc::unwrap_or_clone(self.0) }))
    }
}

impl MarketKeyLayer {
    /// The name of the key that a request came with; `None` for an open path.
    ///
    /// # Errors
    ///
    /// 401 without a valid key.
    pub(crate) fn admit(&self, request: &Request<Body>) -> Result<Option<&MarketKeyName>, Problem> {
        let Door { keys, header, .. } = &*self.0;
        match keys.of_request(request.headers(), header) {
            None if !self.0.is_open(request) => Err(Problem::unauthorized(header)),
            name => Ok(name),
        }
    }

    /// Answers a request that was not admitted, once that stands in the audit trail.
    pub(crate) fn refuse(&self, request: &Request<Body>, refused: Problem) -> BoxFuture<'static, Response> {
        let Door { header, refusals, .. } = &*self.0;
        let note = refusals.as_ref().and_then(|refusals| refusals.note(request, header));
        async move {
            if let Some(note) = note {
                note.write().await;
            }
            refused.into_response()
        }
        .boxed()
    }
}

impl Door {
    fn is_open(&self, request: &Request<Body>) -> bool {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return false;
        }
        // Inside a nested router the path has lost its beginning.
        let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
        self.open.iter().any(|path| path == uri.path())
    }
}

impl<S> Layer<S> for MarketKeyLayer {
    type Service = MarketKeyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MarketKeyService { door: self.clone(), inner }
    }
}

/// The service of [`MarketKeyLayer`].
#[derive(Debug, Clone)]
pub struct MarketKeyService<S> {
    door: MarketKeyLayer,
    inner: S,
}

impl<S> Service<Request<Body>> for MarketKeyService<S>
where
    S: Service<Request<Body>, Response = Response>,
    S::Error: 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.door.admit(&request).map(Option::<&MarketKeyName>::cloned) {
            Ok(Some(name)) => {
                request.extensions_mut().insert(name);
            }
            Ok(None) => {}
            Err(refused) => return Either::Right(self.door.refuse(&request, refused).map(Ok).boxed()),
        }
        Either::Left(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_keys_is_read_with_names_that_are_not_keys() {
        let keys = MarketKeys::parse(" market_key_123 ,market_key_456,").unwrap();
        let name = keys.name_of(b"market_key_123").unwrap();
        assert!(name.0.starts_with("key-") && !name.0.contains("market_key"));
        for wrong in ["market_key_12", "market_key_1234", "MARKET_KEY_123", ""] {
            assert_eq!(keys.name_of(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_used_says_which_key() {
        assert_eq!(MarketKeys::parse(" , ").unwrap_err(), InvalidMarketKeys::None);
        assert_eq!(MarketKeys::parse("a,b c").unwrap_err(), InvalidMarketKeys::Unsendable(2));
        assert_eq!(MarketKeys::parse("a,b,a").unwrap_err(), InvalidMarketKeys::Twice(3));
    }
}
