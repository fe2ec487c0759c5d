//! A request after reading: decoded path and query, whole body.

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::faults::{Fault, Faults};
use super::json::{self, Unreadable};
use super::reply::Refusal;

/// One request.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    /// Bytes of path and query as they came.
    pub(super) uri_length: usize,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Which market key was presented.
    pub(super) caller: String,
}

impl Call {
    pub(super) fn new(parts: Parts, caller: String) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
        let uri_length = parts.uri.path_and_query().map_or(0, |uri| uri.as_str().len());
        let path = parts.uri.path().to_owned();
        Self { method: parts.method, path, uri_length, query, headers: parts.headers, body: Vec::new(), caller }
    }

    /// The path's segments, percent-decoded one by one, so that `%2F` stays inside its segment.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').skip(1).map(decoded).collect()
    }

    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a JSON object.
    pub(super) fn object(&self, faults: &Faults) -> Result<Map<String, Value>, Refusal> {
        let silent = faults.has(Fault::NoContentTypeAccepted) && !self.headers.contains_key("content-type");
        if !self.says_json() && !silent && !faults.has(Fault::AnyContentTypeAccepted) {
            let status = if faults.has(Fault::WrongContentTypeCrashes) { 500 } else { 415 };
            return Err(Refusal::new(status, "UNSUPPORTED_MEDIA_TYPE", "send application/json"));
        }
        if self.body.is_empty() && faults.has(Fault::EmptyBodyIsAnObject) {
            return Ok(Map::new());
        }
        let latin = || String::from_utf8_lossy(&self.body).into_owned().into_bytes();
        let body = if faults.has(Fault::BrokenUtf8Accepted) { latin() } else { self.body.clone() };
        let body = if faults.has(Fault::SurrogatesMended) { mended(&body) } else { body };
        let depth = if faults.has(Fault::DepthUnlimited) { 60 } else { json::DEPTH };
        match json::read(&body, depth, faults.has(Fault::DuplicateMembersAccepted)) {
            Ok(Value::Object(members)) => Ok(members),
            Ok(_) if faults.has(Fault::ArrayBodyCrashes) => Err(Refusal::crash()),
            Ok(_) => Err(Refusal::field(&["body"], "must be an object")),
            Err(Unreadable::Deep) if faults.has(Fault::DeepBodyCrashes) => Err(Refusal::crash()),
            Err(Unreadable::Deep) => Err(Refusal::field(&["body"], "is nested too deeply")),
            Err(Unreadable::Broken(_)) if faults.has(Fault::BrokenJsonIs422) => {
                Err(Refusal::field(&["body"], "cannot be read"))
            }
            Err(Unreadable::Broken(why)) => Err(Refusal::broken(format!("the body cannot be read: {why}"))),
        }
    }

    fn says_json(&self) -> bool {
        let Some(media) = self.header("content-type") else { return false };
        let mut parts = media.split(';').map(|part| part.trim().to_ascii_lowercase());
        let essence = parts.next().is_some_and(|essence| essence == "application/json");
        let charset = |part: String| part.strip_prefix("charset=").map(|set| set.trim_matches('"').to_owned());
        essence && parts.filter_map(charset).all(|set| set == "utf-8")
    }
}

/// What some parsers make of an escaped half of a surrogate pair.
fn mended(body: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(body).replace("\\ud800", "\u{fffd}").into_bytes()
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
}

/// Percent-decoding; what is not UTF-8 becomes U+FFFD, which no id and no number accepts.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits"));
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
