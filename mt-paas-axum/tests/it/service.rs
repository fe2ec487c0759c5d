//! A service of the contract on a port of its own, which watches that its answers are those that it describes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response as Answer;
use http_body_util::BodyExt;
use mt_paas_axum::StandardApi;
use mt_paas_axum::auth::MarketKeys;
use mt_paas_axum::serve::{ServeOptions, serve};
use mt_paas_axum::standard_api::StandardApiBuilder;
use mt_paas_core::StandardAPIHandler;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The first of its keys; the second is `market_key_456`.
pub(crate) const KEY: &str = "market_key_123";

/// Which statuses each operation, as its method and the pattern of its path, has answered.
pub(crate) type Seen = BTreeMap<(String, String), BTreeSet<u16>>;

pub(crate) struct Service {
    pub(crate) base: String,
    pub(crate) http: Client,
    /// Its own description.
    pub(crate) api: Value,
    seen: Arc<Mutex<Seen>>,
}

impl Service {
    pub(crate) async fn start(
        handler: impl StandardAPIHandler,
        change: impl FnOnce(StandardApiBuilder) -> StandardApiBuilder,
    ) -> Self {
        let keys = MarketKeys::parse(KEY).unwrap().with("second", "market_key_456").unwrap();
        let api = StandardApi::builder(Arc::new(handler)).market_keys(keys).docs(true);
        let router = change(api).build().unwrap();
        let api = description(&router).await;
        let seen = Arc::<Mutex<Seen>>::default();
        let router = router.layer(from_fn_with_state(seen.clone(), watch));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
        Self { base, http: Client::builder().no_proxy().build().unwrap(), api, seen }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("X-Market-API-Key", KEY)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }
}

/// Whatever a test was about: no answer of a described operation may be one that its description does not hold.
impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let described = statuses(&self.api);
        for (operation, seen) in self.seen.lock().unwrap().iter() {
            if let Some(described) = described.get(operation) {
                let unheard: Vec<_> = seen.difference(described).collect();
                assert!(unheard.is_empty(), "{operation:?} answers {unheard:?}, which is described nowhere");
            }
        }
    }
}

/// The statuses that a description holds.
pub(crate) fn statuses(api: &Value) -> Seen {
    let of = |answers: &Value| answers.as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect();
    operations(api).into_iter().map(|(operation, described)| (operation, of(&described["responses"]))).collect()
}

/// The operations of a description.
pub(crate) fn operations(api: &Value) -> BTreeMap<(String, String), &Value> {
    let items = api["paths"].as_object().unwrap().iter();
    items
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| ((method.to_uppercase(), path.clone()), operation))
        })
        .collect()
}

/// What `/openapi.json` of a router says.
pub(crate) async fn description(router: &Router) -> Value {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

pub(crate) fn activation(tenant: &str) -> Value {
    json!({
        "tenant_id": tenant, "tenant_name": "한림대학교", "plan": "basic", "features": ["chat"],
        "contact": {"email": "a@b.kr", "name": "A"}
    })
}

async fn watch(State(seen): State<Arc<Mutex<Seen>>>, request: Request, next: Next) -> Answer {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().to_string();
    let answer = next.run(request).await;
    if let Some(path) = path {
        seen.lock().unwrap().entry((method, path)).or_default().insert(answer.status().as_u16());
    }
    answer
}
