//! Routes for people with a certain access.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::Request;
use http::request::Parts;
use mt_paas_core::TenantId;
use mt_paas_core::auth::{Access, AuthError};
use tower::{Layer, Service};

use super::session::Session;
use crate::error::Problem;
use crate::extract::path_parameter;

/// Lets only people with a certain access through to the routes below it: 401 without a session, 403 with less access, 404
/// for a tenant that they cannot see. It belongs inside of the [`Doorkeeper`](super::Doorkeeper):
///
/// ```
/// # use std::sync::Arc;
/// # use axum::{Router, routing::get};
/// # use mt_paas_axum::auth::{Doorkeeper, RequireRole, SessionCookie};
/// # use mt_paas_core::auth::{Access, Accounts};
/// # use mt_paas_core::store::memory::MemoryStore;
/// # let store = Arc::new(MemoryStore::new());
/// # let accounts = Accounts::builder(store.clone(), "My service").build()?;
/// # let cookie = SessionCookie::of_site(accounts.public_url(), false)?;
/// let console = Router::new().route("/console", get(async || "")).layer(RequireRole::of_operators(Access::Viewer));
/// let school = Router::new().route("/t/{tenant_id}/admin", get(async || ""));
/// let school = school.layer(RequireRole::of_path(Access::Admin, "tenant_id"));
/// let router: Router = console.merge(school).layer(Doorkeeper::new(accounts, store, cookie));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RequireRole {
    needs: Access,
    place: Place,
}

/// Where the access is needed.
#[derive(Debug, Clone)]
enum Place {
    Operators,
    Path(Arc<str>),
}

/// The service of [`RequireRole`].
#[derive(Debug, Clone)]
pub struct WithRole<S> {
    rule: RequireRole,
    inner: S,
}

impl RequireRole {
    /// For those who run the service.
    pub fn of_operators(needs: Access) -> Self {
        Self { needs, place: Place::Operators }
    }

    /// In the tenant that stands in this parameter of the path: for its people, and for those who run the service.
    pub fn of_path(needs: Access, parameter: &str) -> Self {
        Self { needs, place: Place::Path(parameter.into()) }
    }

    async fn check(&self, parts: &mut Parts) -> Result<(), Problem> {
        let session = <Session as FromRequestParts<()>>::from_request_parts(parts, &()).await?;
        let principal = &session.principal;
        match &self.place {
            Place::Operators if !principal.is_operator() => Err(AuthError::NotAllowed.into()),
            Place::Operators => Ok(principal.demand(self.needs, &TenantId::operators())?),
            Place::Path(name) => {
                let named = path_parameter(parts, name).await.and_then(|id| TenantId::of_console(&id).ok());
                // What can be no tenant's name is nobody's.
                Ok(principal.demand(self.needs, &named.ok_or(AuthError::Missing("tenant"))?)?)
            }
        }
    }
}

impl<S> Layer<S> for RequireRole {
    type Service = WithRole<S>;

    fn layer(&self, inner: S) -> WithRole<S> {
        WithRole { rule: self.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for WithRole<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rule = self.rule.clone();
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match rule.check(&mut parts).await {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err(refused) => Ok(refused.into_response()),
            }
        })
    }
}
