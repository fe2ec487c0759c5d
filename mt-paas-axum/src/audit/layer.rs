//! The context of a request, and the entry that nobody else wrote.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either, FutureExt};
use http::{Request, StatusCode};
use mt_paas_core::ApiError;
use mt_paas_core::audit::{Action, Actor, ActorKind, AuditContext, AuditEvent, AuditStore, Outcome};
use mt_paas_core::clock::{Clock, SystemClock};
use tower::{Layer, Service};

use super::operation::Operation;
use super::outcome;
use crate::auth::{MarketKeyName, peer};
use crate::error::Problem;
use crate::request_id::RequestId;

/// Tells handlers who acts ([`AuditContext`]), and sees to it that every operation has its entry.
///
/// It belongs inside of the layer that asks for the key, and around all others: an operation that a handler below has not
/// told of in the trail, because it was refused or changed nothing, is told of here. A change that cannot be told of is
/// answered with 503. An operation is carried out in a task of its own, to its end, whether or not its caller stays.
#[derive(Clone)]
pub struct AuditLayer(Arc<Shared>);

struct Shared {
    store: Option<Arc<dyn AuditStore>>,
    clock: Arc<dyn Clock>,
    actors: ActorKind,
    always: Option<Action>,
}

/// The service of [`AuditLayer`].
#[derive(Clone)]
pub struct Audited<S> {
    layer: AuditLayer,
    inner: S,
}

impl AuditLayer {
    /// For routes that are opened by the keys of markets.
    pub fn for_markets(store: Arc<dyn AuditStore>) -> Self {
        Self::new(Some(store), Arc::new(SystemClock), ActorKind::MarketKey)
    }

    /// For routes that are opened by the keys of administrators.
    pub fn for_administrators(store: Arc<dyn AuditStore>) -> Self {
        Self::new(Some(store), Arc::new(SystemClock), ActorKind::Operator)
    }

    /// With everything that differs. Without a store it tells handlers who acts and writes nothing itself.
    pub(crate) fn new(store: Option<Arc<dyn AuditStore>>, clock: Arc<dyn Clock>, actors: ActorKind) -> Self {
        Self(Arc::new(Shared { store, clock, actors, always: None }))
    }

    /// For routes of a service's own that all do the same: every request but a question (GET, HEAD, OPTIONS) is this.
    #[must_use]
    pub fn always(self, action: Action) -> Self {
        let Shared { store, clock, actors, .. } = &*self.0;
        Self(Arc::new(Shared { store: store.clone(), clock: clock.clone(), actors: *actors, always: Some(action) }))
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audited<S>;

    fn layer(&self, inner: S) -> Audited<S> {
        Audited { layer: self.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for Audited<S>
where
    S: Service<Request<Body>, Response = Response>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = &self.layer.0;
        let operation = Operation::of(&request, shared.always.as_ref());
        if operation.is_none() && request.method().is_safe() {
            return Either::Left(self.inner.call(request));
        }
        let kept = request.extensions().get::<AuditContext>().is_some();
        let context = context(&request, shared.actors);
        let (shared, work) = (shared.clone(), self.inner.call(request));
        let Some(operation) = operation else { return Either::Right(context.scope(work).boxed()) };
        let event = operation.event(&context, shared.clock.now());
        Either::Right(whole(async move { told(&shared, context, event, kept, work).await }).boxed())
    }
}

/// Who sent a request: whom a [`Doorkeeper`](crate::auth::Doorkeeper) let in, or else the holder of a key.
pub(super) fn context<B>(request: &Request<B>, actors: ActorKind) -> AuditContext {
    let extensions = request.extensions();
    if let Some(known) = extensions.get::<AuditContext>() {
        return known.clone();
    }
    let key = extensions.get::<MarketKeyName>();
    let actor = key.map_or(Actor::ANONYMOUS, |key| Actor::new(actors, &*key.0));
    let request_id = extensions.get::<RequestId>().map(|id| id.as_str().into());
    AuditContext::new(actor).by(request_id, peer(extensions))
}

/// Does work, and tells of it what it did not tell itself.
async fn told<E>(
    shared: &Shared,
    context: AuditContext,
    event: AuditEvent,
    kept: bool,
    work: impl Future<Output = Result<Response, E>>,
) -> Result<Response, E> {
    let answer = match AssertUnwindSafe(context.clone().scope(work)).catch_unwind().await {
        Ok(answer) => answer?,
        Err(panic) => {
            if let Some(store) = shared.store.as_ref().filter(|_| !context.is_told()) {
                // The panic is told of in the log in any case.
                let _ = store.record_audit(&[event.with(Outcome::Failed, "panic")]).await;
            }
            std::panic::resume_unwind(panic);
        }
    };
    let Some(store) = shared.store.as_ref().filter(|_| !context.is_told()) else { return Ok(answer) };
    let (outcome, reason) = outcome::of_answer(&answer);
    let shut = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if kept && shut && context.actor == Actor::ANONYMOUS {
        // The doorkeeper tells of strangers, and of many of them together.
        return Ok(answer);
    }
    context.tell();
    let Err(error) = store.record_audit(&[event.with(outcome, reason)]).await else { return Ok(answer) };
    tracing::error!(error = &error as &dyn std::error::Error, "an operation could not be told of in the audit trail");
    // A refusal stands; what was not refused may be a change that nobody would ever hear of.
    Ok(if outcome == Outcome::Done { Problem::from(ApiError::from(error)).into_response() } else { answer })
}

/// Does work to its end. A panic in it is one of the caller.
async fn whole<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends takes the task away, and it takes this one as well.
            Err(_) => std::future::pending().await,
        },
    }
}
