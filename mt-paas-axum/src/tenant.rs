//! Which tenant a request seems to be about: a hint for routing, never a proof of identity.
//!
//! Whoever sends the request chooses its header, path, query and host. What a caller may see or change follows from
//! its key or session; a handler that trusts this hint alone serves every tenant's data to everybody.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use http::{HeaderName, Request, header};
use mt_paas_core::{ApiError, TenantId};
use tower::{Layer, Service};

use crate::error::Problem;

/// The tenant that a request names.
///
/// An extractor under a [`TenantLayer`]: without a tenant it is 400, as `Option<TenantContext>` it is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantContext {
    /// The well-formed name; whether there is such a tenant nobody has asked.
    pub tenant: TenantId,
    /// Where the name stood.
    pub source: TenantSource,
}

/// Where a tenant was named, in the order in which the places are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantSource {
    /// A header, `X-Tenant-ID` unless configured otherwise.
    Header,
    /// The path, such as `/t/{tenant}`.
    Path,
    /// The query parameter `tenant_id`.
    Query,
    /// The first label of the host name.
    Subdomain,
}

impl<S: Sync> FromRequestParts<S> for TenantContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named = parts.extensions.get::<Self>().cloned();
        named.ok_or_else(|| ApiError::malformed("the request names no tenant").into())
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for TenantContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// Looks for the tenant of every request and leaves a [`TenantContext`] in its extensions.
///
/// A name that is no tenant id counts as no name, and the next place is tried.
#[derive(Debug, Clone)]
pub struct TenantLayer(Arc<Places>);

/// The service of [`TenantLayer`].
#[derive(Debug, Clone)]
pub struct WithTenant<S> {
    inner: S,
    places: Arc<Places>,
}

#[derive(Debug, Clone)]
struct Places {
    header: HeaderName,
    paths: Vec<String>,
    domain: Option<String>,
    excluded: Vec<String>,
}

impl Default for TenantLayer {
    fn default() -> Self {
        Self(Arc::new(Places {
            header: HeaderName::from_static("x-tenant-id"),
            paths: vec!["/t/".into(), "/tenant/".into(), "/mt/tenant/".into()],
            domain: None,
            excluded: Vec::new(),
        }))
    }
}

impl TenantLayer {
    /// The header instead of `X-Tenant-ID`.
    pub fn header(self, name: HeaderName) -> Self {
        self.with(|places| places.header = name)
    }

    /// The beginnings of paths that a tenant follows, instead of `/t/`, `/tenant/` and `/mt/tenant/`.
    pub fn paths<P: Into<String>>(self, prefixes: impl IntoIterator<Item = P>) -> Self {
        let slashed = |prefix: P| format!("{}/", prefix.into().trim_end_matches('/'));
        self.with(|places| places.paths = prefixes.into_iter().map(slashed).collect())
    }

    /// The service's own domain: then `{tenant}.domain` names a tenant, and no other host does. Without it a name of
    /// at least three labels does (four below an ending such as `co.kr`).
    pub fn domain(self, domain: impl Into<String>) -> Self {
        self.with(|places| places.domain = Some(domain.into()))
    }

    /// Paths, matched exactly, whose requests get no context.
    pub fn exclude<P: Into<String>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        self.with(|places| places.excluded = paths.into_iter().map(Into::into).collect())
    }

    fn with(mut self, change: impl FnOnce(&mut Places)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl<S> Layer<S> for TenantLayer {
    type Service = WithTenant<S>;

    fn layer(&self, inner: S) -> WithTenant<S> {
        WithTenant { inner, places: self.0.clone() }
    }
}

impl<S, B> Service<Request<B>> for WithTenant<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(context) = self.places.find(&request) {
            request.extensions_mut().insert(context);
        }
        self.inner.call(request)
    }
}

impl Places {
    fn find<B>(&self, request: &Request<B>) -> Option<TenantContext> {
        let path = request.uri().path();
        if self.excluded.iter().any(|excluded| excluded == path) {
            return None;
        }
        let text = |name: &HeaderName| request.headers().get(name)?.to_str().ok();
        named(text(&self.header), TenantSource::Header)
            .or_else(|| named(self.in_path(path), TenantSource::Path))
            .or_else(|| in_query(request.uri().query()?))
            .or_else(|| named(self.in_host(text(&header::HOST)?), TenantSource::Subdomain))
    }

    fn in_path<'a>(&self, path: &'a str) -> Option<&'a str> {
        self.paths.iter().find_map(|prefix| path.strip_prefix(prefix.as_str())?.split('/').next())
    }

    fn in_host<'a>(&self, host: &'a str) -> Option<&'a str> {
        let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
        let (label, rest) = name.split_once('.')?;
        let tenants_live_here = match &self.domain {
            Some(domain) => rest.eq_ignore_ascii_case(domain),
            None => is_below_a_domain(rest),
        };
        let ours = ["www", "api"].iter().any(|own| label.eq_ignore_ascii_case(own));
        (tenants_live_here && !ours).then_some(label)
    }
}

fn named(id: Option<&str>, source: TenantSource) -> Option<TenantContext> {
    Some(TenantContext { tenant: id?.parse().ok()?, source })
}

fn in_query(query: &str) -> Option<TenantContext> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let (_, id) = parameters.find(|(name, _)| name == "tenant_id")?;
    named(Some(&id), TenantSource::Query)
}

/// Whether what follows the first label is a domain that somebody can own, and not an ending or part of an address.
fn is_below_a_domain(rest: &str) -> bool {
    let mut labels = rest.rsplit('.');
    let (Some(last), Some(second)) = (labels.next(), labels.next()) else { return false };
    let shared = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org", "pe", "re"];
    let country = last.len() == 2 && shared.contains(&second);
    // An IPv4 address is the only name that ends in a number.
    let number = last.is_empty() || last.bytes().all(|byte| byte.is_ascii_digit());
    !number && (!country || labels.next().is_some())
}
