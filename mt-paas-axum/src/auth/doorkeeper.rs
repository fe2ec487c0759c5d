//! Who is behind a request: found out once, before any handler.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::{Extensions, HeaderMap, Request, StatusCode, header};
use mt_paas_core::ApiError;
use mt_paas_core::audit::{Actor, AuditContext, AuditEvent, AuditStore, Outcome, action};
use mt_paas_core::auth::{Accounts, KeyHolder, SessionToken};
use mt_paas_core::clock::{Clock, SystemClock};
use mt_paas_core::redact::Redactor;
use tower::{Layer, Service};

use super::cookie::{Sent, SessionCookie};
use super::csrf::{self, OwnOrigins};
use super::session::AnySession;
use super::visitor::peer;
use crate::audit::{Operation, Refusals};
use crate::error::Problem;
use crate::request_id::RequestId;

/// The layer around everything that people log in to, and that programs use with keys of theirs.
///
/// It finds out who sends a request, once, and tells the extractors [`Session`](super::Session),
/// [`AnySession`](super::AnySession) and [`ClientKey`](super::ClientKey), the layer
/// [`RequireRole`](super::RequireRole) and the [`AuditContext`] of what is done below. By itself it turns nobody
/// away: a handler that asks for nothing is open to everybody. It does refuse what other sites make a
/// browser send, and writes every refusal below it into the audit trail.
///
/// A token comes as `Authorization: Bearer` or in the [cookie](SessionCookie), a key as `Authorization: Bearer` or
/// `X-API-Key`. More than one of these are none.
///
/// ```
/// use std::sync::Arc;
///
/// use axum::{Router, routing::get};
/// use mt_paas_axum::auth::{ClientKey, Doorkeeper, Session, SessionCookie};
/// use mt_paas_axum::error::Problem;
/// use mt_paas_core::auth::{Access, Accounts};
/// use mt_paas_core::store::memory::MemoryStore;
///
/// async fn hello(session: Session) -> String {
///     format!("Hello, {}!", session.principal.name)
/// }
///
/// async fn answer(key: ClientKey) -> Result<&'static str, Problem> {
///     key.demand("chat")?;
///     Ok("An answer.")
/// }
///
/// let store = Arc::new(MemoryStore::new());
/// let accounts = Accounts::builder(store.clone(), "My service").scope("chat", Access::User).build()?;
/// let cookie = SessionCookie::of_site(accounts.public_url(), false)?;
/// let router: Router = Router::new()
///     .route("/hello", get(hello))
///     .route("/answer", get(answer))
///     .layer(Doorkeeper::new(accounts, store, cookie));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Doorkeeper(Arc<Shared>);

struct Shared {
    accounts: Accounts,
    store: Arc<dyn AuditStore>,
    clock: Arc<dyn Clock>,
    cookie: SessionCookie,
    own: OwnOrigins,
    refusals: Refusals,
}

/// The service of [`Doorkeeper`].
#[derive(Clone)]
pub struct Kept<S> {
    keeper: Doorkeeper,
    inner: S,
}

/// Who sent a request, in its extensions.
#[derive(Clone)]
pub(super) enum Caller {
    Nobody,
    Session(AnySession),
    Key(Arc<KeyHolder>),
    /// What they showed opens nothing, for this reason.
    Refused(Problem),
}

impl Doorkeeper {
    /// Lets the people and keys of `accounts` in, and writes refusals into `store`.
    pub fn new(accounts: Accounts, store: Arc<dyn AuditStore>, cookie: SessionCookie) -> Self {
        let (own, clock) = (OwnOrigins::of_site(accounts.public_url()), Arc::new(SystemClock));
        let refusals = Refusals::new(store.clone(), action::ACCESS_REFUSED);
        Self(Arc::new(Shared { accounts, store, clock, cookie, own, refusals }))
    }

    /// Whom it lets in.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// The cookie that it looks for.
    pub fn cookie(&self) -> SessionCookie {
        self.0.cookie
    }
}

impl Caller {
    /// Who sent the request with these extensions.
    ///
    /// # Errors
    ///
    /// Where nobody found that out: everybody is refused then.
    pub(super) fn of(extensions: &Extensions) -> Result<&Self, Problem> {
        let missing = || ApiError::internal("a handler asks who is there, and no Doorkeeper is around it");
        extensions.get().ok_or_else(|| missing().into())
    }

    /// The same as the audit trail calls them.
    fn actor(&self) -> Actor {
        match self {
            Self::Session(session) => session.principal.actor(),
            Self::Key(holder) => holder.actor(),
            Self::Nobody | Self::Refused(_) => Actor::ANONYMOUS,
        }
    }
}

impl Shared {
    /// Whose token or key a request carries.
    async fn caller(&self, headers: &HeaderMap) -> Caller {
        let found = match Shown::by(headers, self.cookie) {
            Shown::Nothing => return Caller::Nobody,
            Shown::Unusable => return Caller::Refused(Problem::not_logged_in()),
            Shown::Token(token, by_cookie) => {
                let who = self.accounts.session(&token).await;
                who.map(|who| Caller::Session(AnySession::new(who, token, by_cookie)))
            }
            Shown::Key(text) => self.accounts.key(text).await.map(Caller::Key),
        };
        found.unwrap_or_else(|error| Caller::Refused(error.into()))
    }

    /// Writes down that a request was refused, unless a handler did.
    async fn told(&self, asked: Asked, problem: &Problem) {
        let shut = matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if asked.context.is_told() || !(shut || problem.hides_tenant() || asked.operation.is_some()) {
            return;
        }
        let event = asked.event(problem, self.clock.now());
        if asked.context.actor == Actor::ANONYMOUS {
            // Strangers must not be able to fill the trail.
            if let Some(note) = self.refusals.note_of(event) {
                note.write().await;
            }
        } else if let Err(error) = self.store.record_audit(&[event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a refusal is missing from the audit trail");
        }
    }
}

/// What a request shows of whom it comes from.
enum Shown<'a> {
    Nothing,
    Token(SessionToken, bool),
    Key(&'a str),
    /// More than one of these, or what can be none.
    Unusable,
}

impl<'a> Shown<'a> {
    fn by(headers: &'a HeaderMap, cookie: SessionCookie) -> Self {
        let mut all = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
            let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| Self::of_bearer(text.trim()))
        });
        let bearer = (all.next(), all.next());
        let mut all = headers.get_all("x-api-key").iter();
        let header = (all.next(), all.next());
        match (bearer, header, cookie.of(headers)) {
            ((None, _), (None, _), Sent::Nothing) => Self::Nothing,
            ((Some(shown), None), (None, _), Sent::Nothing) => shown,
            ((None, _), (Some(key), None), Sent::Nothing) => Self::Key(key.to_str().unwrap_or_default()),
            ((None, _), (None, _), Sent::One(token)) => {
                token.parse().map_or(Self::Unusable, |token| Self::Token(token, true))
            }
            _ => Self::Unusable,
        }
    }

    /// What is no token is looked at as a key, because that says what is wrong with it.
    fn of_bearer(text: &'a str) -> Self {
        text.parse().map_or(Self::Key(text), |token| Self::Token(token, false))
    }
}

/// A request, as far as a refusal of it is told of.
struct Asked {
    context: AuditContext,
    operation: Option<Operation>,
    method: http::Method,
    path: String,
    pattern: Option<MatchedPath>,
}

impl Asked {
    fn of(request: &Request<Body>, context: AuditContext) -> Self {
        Self {
            context,
            operation: Operation::of(request, None),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            pattern: request.extensions().get().cloned(),
        }
    }

    fn event(&self, problem: &Problem, at: chrono::DateTime<chrono::Utc>) -> AuditEvent {
        let route = self.pattern.as_ref().map_or(self.path.as_str(), MatchedPath::as_str);
        let event = match self.operation.clone() {
            Some(operation) => operation.event(&self.context, at),
            None => self.context.event(action::ACCESS_REFUSED, at).on("route", format!("{} {route}", self.method)),
        };
        let outcome = if problem.status().is_server_error() { Outcome::Failed } else { Outcome::Refused };
        let event = event.with(outcome, problem.code().to_ascii_lowercase());
        event.detail("method", self.method.as_str()).detail("path", Redactor::installed().url(&self.path))
    }
}

impl<S> Layer<S> for Doorkeeper {
    type Service = Kept<S>;

    fn layer(&self, inner: S) -> Kept<S> {
        Kept { keeper: self.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for Kept<S>
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
        let keeper = self.keeper.0.clone();
        // The one that is ready goes along with the request.
        let spare = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(async move { keeper.serve(request, inner).await })
    }
}

impl Shared {
    async fn serve<S>(&self, request: Request<Body>, mut inner: S) -> Result<Response, S::Error>
    where
        S: Service<Request<Body>, Response = Response>,
    {
        let request_id = request.extensions().get::<RequestId>().map(|id| id.as_str().into());
        let context = AuditContext::new(Actor::ANONYMOUS).by(request_id, peer(request.extensions()));
        let stranger = Asked::of(&request, context);
        // First of all, so that what others make a browser send does not even count as a use of the session.
        let mut request = match csrf::pass(request, &self.cookie, &self.own).await {
            Ok(request) => request,
            Err(refused) => {
                self.told(stranger, &refused).await;
                return Ok(refused.into_response());
            }
        };
        let caller = self.caller(request.headers()).await;
        let asked = Asked { context: stranger.context.acting(caller.actor()), ..stranger };
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(asked.context.clone());
        let answer = asked.context.clone().scope(inner.call(request)).await?;
        // Answers cannot be shared among threads, so that what is said of them goes along by itself.
        if let Some(problem) = answer.extensions().get::<Problem>().cloned() {
            self.told(asked, &problem).await;
        }
        Ok(answer)
    }
}

impl std::fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorkeeper").field("cookie", &self.0.cookie).finish_non_exhaustive()
    }
}
