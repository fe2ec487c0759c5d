//! The ways by which a secret comes to the wrong place.

use std::sync::Arc;

use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::canary::{Seen, found};
use super::service::Service;

/// A text on its way.
pub(super) struct Errand {
    pub(super) errand: &'static (&'static str, Way),
    pub(super) encoding: &'static str,
    pub(super) form: Vec<u8>,
}

/// How a text goes.
pub(super) enum Way {
    /// In the header of this name, to this path.
    Header(Method, &'static str, &'static str),
    /// In the place of `{}` in this target, with the right keys.
    Target(Method, &'static str),
    /// The same, with no key.
    Stranger(Method, &'static str),
    /// As this body of a request to this path; `{}` is the text.
    Body(Method, &'static str, &'static str),
    /// Under one idempotency key, with two bodies.
    Clash,
    /// In a body that is larger than the server takes.
    Large,
    /// As bytes that are no request.
    Noise(&'static str),
}

use Way::{Body, Clash, Header, Large, Noise, Stranger, Target};

const ACTIVATE: &str = "/mt/tenant/other/activate";
const USERS: &str = "/mt/tenant/t/users";

/// All ways, with names.
pub(super) const ERRANDS: &[(&str, Way)] = &[
    ("wrong key", Header(Method::GET, "/mt/tenant/t/stats", "X-Market-API-Key")),
    ("bearer instead of a key", Header(Method::POST, ACTIVATE, "Authorization")),
    ("cookie", Header(Method::DELETE, "/mt/health", "Cookie")),
    ("referer", Header(Method::GET, "/nowhere", "Referer")),
    ("request id", Header(Method::PUT, "/mt/tenant/t/settings", "X-Request-Id")),
    ("host", Header(Method::GET, "/mt/health", "Host")),
    ("content type", Header(Method::POST, USERS, "Content-Type")),
    ("origin", Header(Method::OPTIONS, USERS, "Origin")),
    ("administrator's key", Header(Method::GET, "/admin/audit", "X-Admin-Key")),
    ("market's key of the old paths", Header(Method::POST, "/api/marketplace/demo/request", "X-Marketplace-Key")),
    ("unknown path", Target(Method::GET, "/mt/{}")),
    ("unknown path of a stranger", Stranger(Method::POST, "/mt/tenant/{}/activate")),
    ("tenant in a path", Target(Method::GET, "/mt/tenant/{}/stats")),
    ("tenant in a path", Target(Method::POST, "/mt/tenant/{}/deactivate")),
    ("user in a path", Target(Method::GET, "/mt/tenant/t/users/{}")),
    ("user in a path", Target(Method::DELETE, "/mt/tenant/t/users/{}")),
    ("page of a tenant", Target(Method::GET, "/t/{}")),
    ("value in a query", Target(Method::GET, "/mt/tenant/t/stats?period={}")),
    ("name in a query", Target(Method::GET, "/mt/tenant/t/users?{}=1&token={}")),
    ("query of an administrator", Target(Method::GET, "/admin/audit?outcome={}&after={}")),
    ("no JSON", Body(Method::POST, ACTIVATE, "{}")),
    ("broken JSON", Body(Method::POST, ACTIVATE, "{\"tenant_id\": \"{}\"")),
    (
        "wrong fields",
        Body(Method::POST, ACTIVATE, "{\"tenant_id\": [\"{}\"], \"plan\": \"{}\", \"contact\": {\"email\": \"{}\"}}"),
    ),
    ("name of a field", Body(Method::POST, USERS, "{\"{}\": 1, \"email\": 5}")),
    ("wrong user", Body(Method::POST, USERS, "{\"email\": \"{}\", \"name\": 7, \"role\": \"{}\"}")),
    ("wrong settings", Body(Method::PUT, "/mt/tenant/t/settings", "{\"settings\": \"{}\"}")),
    ("registration", Body(Method::POST, "/webhook/auto-provision", "{\"application_id\": {\"x\": \"{}\"}}")),
    ("same idempotency key", Clash),
    ("too large", Large),
    ("no request", Noise("{}\r\n\r\n")),
    ("no header", Noise("GET /mt/health HTTP/1.1\r\nHost: a\r\nX-Key: \u{1}{}\r\n\r\n")),
    ("no target", Noise("GET /mt/{}\\ HTTP/1.1\r\nHost: a\r\n\r\n")),
];

/// Sends everything, and says which answers repeat it.
pub(super) async fn run(service: &Service, errands: Vec<Errand>) -> Result<Vec<Seen>, reqwest::Error> {
    let (places, mut running, mut seen) = (Arc::new(Semaphore::new(16)), JoinSet::new(), Vec::new());
    for Errand { errand: (name, way), encoding, form } in errands {
        let place = places.clone().acquire_owned().await;
        let answer = answer(service, way, encoding, form);
        running.spawn(async move {
            let answer = answer.await;
            drop(place);
            found(name, &answer)
        });
        while let Some(done) = running.try_join_next() {
            seen.extend(done.expect("no request panics"));
        }
    }
    while let Some(done) = running.join_next().await {
        seen.extend(done.expect("no request panics"));
    }
    Ok(seen)
}

/// The head and body of the last answer.
fn answer(
    service: &Service,
    way: &'static Way,
    encoding: &'static str,
    form: Vec<u8>,
) -> impl Future<Output = Vec<u8>> + Send + 'static {
    let (http, base) = (service.http.clone(), service.base.clone());
    let (market_key, admin_key) = (service.market_key.clone(), service.admin_key.clone());
    async move {
        let stranger = |method: &Method, path: &str| http.request(method.clone(), format!("{base}{path}"));
        let known = |method: &Method, path: &str| {
            stranger(method, path).header("X-Market-API-Key", &market_key).header("X-Admin-Key", &admin_key)
        };
        let json =
            |request: RequestBuilder, body: Vec<u8>| request.header("Content-Type", "application/json").body(body);
        let request = match way {
            Header(method, path, name) => {
                let keyless = ["X-Market-API-Key", "X-Admin-Key", "Authorization"].contains(name);
                let request = if keyless { stranger(method, path) } else { known(method, path) };
                // Bytes that no client can send in a header are escaped.
                let value = HeaderValue::from_bytes(&form).or_else(|_| HeaderValue::from_str(&escaped(&form)));
                request.header(*name, value.expect("it is escaped"))
            }
            Target(method, target) => {
                known(method, &target.replace("{}", &escaped(&form))).header("Idempotency-Key", "of this errand")
            }
            Stranger(method, target) => stranger(method, &target.replace("{}", &escaped(&form))),
            Body(method, path, body) => json(known(method, path), with(body, encoding, &form)),
            Clash => {
                let key = HeaderValue::from_str(&escaped(&form)).expect("it is escaped");
                let post = |body| {
                    json(
                        known(&Method::POST, ACTIVATE).header("Idempotency-Key", key.clone()),
                        with(body, encoding, &form),
                    )
                };
                let _ = post("{\"plan\": \"{}\"}").send().await;
                post("{\"tenant_id\": \"{}\"}")
            }
            Large => {
                let body = form.iter().copied().cycle().take((1 << 20) + 1000).collect();
                json(known(&Method::POST, ACTIVATE), body)
            }
            Noise(request) => {
                let bytes = replaced(request, &form);
                return noise(&base, &bytes).await.unwrap_or_default();
            }
        };
        read(request).await.expect("it is answered")
    }
}

/// A server that ends a connection has answered, too.
async fn read(request: RequestBuilder) -> Result<Vec<u8>, reqwest::Error> {
    let answer = request.send().await?;
    let mut read = format!("{:?}\n", answer.headers()).into_bytes();
    read.extend_from_slice(&answer.bytes().await?);
    Ok(read)
}

async fn noise(base: &str, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = tokio::net::TcpStream::connect(base.trim_start_matches("http://")).await?;
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// A body; where the text is escaped for JSON already it stays as it is.
fn with(body: &str, encoding: &str, form: &[u8]) -> Vec<u8> {
    if encoding == "JSON" || body == "{}" {
        return replaced(body, form);
    }
    let text = serde_json::Value::from(String::from_utf8_lossy(form)).to_string();
    replaced(body, &text.as_bytes()[1..text.len() - 1])
}

fn replaced(text: &str, form: &[u8]) -> Vec<u8> {
    text.split("{}").map(str::as_bytes).collect::<Vec<_>>().join(form)
}

/// As a client sends it in a target: the rest is percent-encoded.
fn escaped(form: &[u8]) -> String {
    let open = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@+=,;&!$'()*%".contains(&byte);
    form.iter().map(|byte| if open(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
