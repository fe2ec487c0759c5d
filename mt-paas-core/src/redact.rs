//! Takes secrets out of what people and other programs read: logs, error texts, requests that are shown.
//!
//! ```
//! use mt_paas_core::redact::Redactor;
//!
//! let redactor = Redactor::default();
//! assert_eq!(redactor.text("login of kim, password=hunter2"), "login of kim, password=[redacted]");
//! assert_eq!(redactor.json_text(r#"{"apiKey":"k1","max_tokens":100}"#), r#"{"apiKey":"[redacted]","max_tokens":100}"#);
//! assert_eq!(redactor.header("Authorization", "Bearer abc"), "Bearer [redacted]");
//! assert_eq!(redactor.url("https://u:p@a.kr/x?page=2&token=t"), "https://[redacted]@a.kr/x?page=2&token=[redacted]");
//! ```
//!
//! A value is secret because of the name that it has ([`Redactor::is_secret_name`]), because of how it looks (keys of
//! providers and of this SDK, signed tokens, private keys, passwords in URLs), or because it is known to be one
//! ([`RedactorBuilder::secret`]). Nothing of it remains, neither its length nor its last characters. Redacting again changes
//! nothing.
//!
//! In doubt it hides: a value without quotation marks ends at the first blank, so more than the secret may go. What it cannot
//! know is a secret without a name, of no known shape, that nobody told it of; and a text whose escapes hide even the name.

mod address;
mod builder;
mod encoded;
mod filter;
mod hit;
mod installed;
mod json;
mod json_value;
mod known;
mod log_line;
mod name;
mod pair;
mod rest;
mod rules;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod url;
mod window;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

pub use builder::RedactorBuilder;
pub use log_line::LogLine;
pub use write::{JsonWriter, TextWriter};

use json::JsonStream;
use name::Naming;
use rules::Rules;

/// What stands in place of a secret.
pub const MARK: &str = "[redacted]";

/// Takes secrets out of text, JSON, headers and URLs. Clones share its rules and cost nothing.
#[derive(Clone)]
pub struct Redactor {
    rules: Arc<Rules>,
}

impl Default for Redactor {
    /// The built-in rules: good for everybody.
    fn default() -> Self {
        static BUILT_IN: LazyLock<Redactor> = LazyLock::new(|| Redactor::builder().build());
        BUILT_IN.clone()
    }
}

impl Redactor {
    /// Adds to the built-in rules.
    pub fn builder() -> RedactorBuilder {
        RedactorBuilder::default()
    }

    /// The same rules, to add to.
    pub fn to_builder(&self) -> RedactorBuilder {
        RedactorBuilder::of(&self.rules)
    }

    /// Free text, such as a message or a line of a log, of any number of lines.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        text::redacted(&self.rules, text.as_bytes()).map_or(Cow::Borrowed(text), |text| Cow::Owned(into_text(text)))
    }

    /// Free text that need not be UTF-8.
    pub fn bytes<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        text::redacted(&self.rules, text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// A JSON value, in place.
    pub fn json(&self, value: &mut Value) {
        json_value::redact(&self.rules, value, None);
    }

    /// JSON text, or several behind one another. What is no JSON is read as free text from there on, and a text that breaks
    /// off inside a secret object ends there.
    pub fn json_text(&self, text: &str) -> String {
        into_text(self.json_bytes(text.as_bytes()))
    }

    /// Like [`json_text`](Self::json_text), of bytes that need not be UTF-8.
    pub fn json_bytes(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut json = JsonStream::new(0);
        json.feed(&self.rules, text, &mut out);
        json.finish(&self.rules, &mut out);
        out
    }

    /// The value of a header. The scheme before a credential stays.
    pub fn header<'v>(&self, name: &str, value: &'v str) -> Cow<'v, str> {
        if self.is_secret_name(name) {
            Cow::Owned(into_text(json::hidden_text(value.as_bytes())))
        } else {
            self.text(value)
        }
    }

    /// A URL, or the target of a request. User information, secret parameters, and the segments and parameters that
    /// [hold a secret](Self::holds_secret) go, the rest stays as it is.
    pub fn url(&self, url: &str) -> String {
        url::redacted(&self.rules, url)
    }

    /// Whether a secret stands in a short text that somebody else chose, such as an id or a segment of a path, in whatever
    /// encoding: escaped for a URL, JSON or HTML, in base64 or base64url, in hexadecimal digits, in UTF-16, or in several of
    /// these over one another. A text of more than 16 KiB is looked at as it is.
    pub fn holds_secret(&self, text: &str) -> bool {
        encoded::holds_secret(&self.rules, text.as_bytes())
    }

    /// Whether a value of this name is secret. Counts of tokens, ids, limits and the like are not.
    pub fn is_secret_name(&self, name: &str) -> bool {
        matches!(self.rules.names.naming(name), Naming::Secret(_))
    }

    /// Writes free text to `inner`.
    pub fn text_writer<W: Write>(&self, inner: W) -> TextWriter<W> {
        TextWriter::new(self.clone(), inner)
    }

    /// Writes JSON text to `inner`.
    pub fn json_writer<W: Write>(&self, inner: W) -> JsonWriter<W> {
        JsonWriter::new(self.clone(), inner)
    }

    /// Writes one event of a log to `inner`, as one line.
    pub fn log_line<W: Write>(&self, inner: W) -> LogLine<W> {
        LogLine::new(self.clone(), inner)
    }
}

impl fmt::Debug for Redactor {
    /// Says nothing: the rules hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
