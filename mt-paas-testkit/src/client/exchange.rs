//! One request with its answer, as it stays in the transcript.

use bytes::Bytes;

use crate::outcome::{Failure, Stop};
use crate::target::Target;

/// What stays of a body in the transcript.
pub(super) const KEPT: usize = 64 * 1024;
const SHOWN: usize = 400;
/// What a report shows of a demand, which may be a whole tenant.
const DEMAND: usize = 8 * SHOWN;

/// One request with its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// Path and query as sent, without the path of the base URL.
    pub(crate) path: String,
    /// Headers of the request as they may be shown.
    pub(crate) sent_headers: Vec<(String, String)>,
    pub(crate) sent_body: Bytes,
    /// The HTTP parser itself may refuse the request, with an empty 4xx.
    pub(crate) odd: bool,
    pub(crate) status: u16,
    /// Headers of the answer, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The answer's body, at most [`KEPT`] bytes of it.
    pub(crate) body: Bytes,
    pub(crate) millis: u64,
}

impl Exchange {
    /// The value of a header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The answer's body as text.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The path without the query.
    pub(crate) fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// A failure of this exchange.
    pub(crate) fn failure(&self, target: &Target, expected: &str, got: &str) -> Stop {
        Stop::Fail(Box::new(Failure {
            sent: target.mask(self.sent().trim_end()),
            expected: tame(&target.mask(expected), DEMAND),
            got: tame(&target.mask(got), DEMAND),
            curl: target.mask(&self.curl(target)),
        }))
    }

    /// Status and the beginning of the body, for the `got` of a failure.
    pub(crate) fn shown(&self) -> String {
        let body = self.text();
        let body = if body.is_empty() { "(empty body)".into() } else { excerpt(&body) };
        format!("{} {body}", self.status)
    }

    fn sent(&self) -> String {
        format!("{} {} {}", self.method, excerpt(&self.path), excerpt(&String::from_utf8_lossy(&self.sent_body)))
    }

    fn curl(&self, target: &Target) -> String {
        // Told to `-X HEAD`, curl would wait for a body that never comes.
        let method = if self.method == "HEAD" { "--head".to_owned() } else { format!("-X {}", self.method) };
        let mut line = format!("curl -sS -i --path-as-is {method}");
        for (name, value) in &self.sent_headers {
            // Double quotes, so that the shell puts the key in.
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('`', "\\`");
            line.push_str(&format!(" -H \"{name}: {}\"", excerpt(&quoted)));
        }
        if self.sent_body.len() > 4 * SHOWN {
            line.push_str(&format!(" --data-binary @BODY_OF_{}_BYTES", self.sent_body.len()));
        } else if !self.sent_body.is_empty() {
            line.push_str(&format!(" --data-binary {}", quoted_body(&self.sent_body)));
        }
        format!("{line} '{}{}'", target.base_url(), self.path.replace('\'', "%27"))
    }
}

fn quoted_body(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => format!("'{}'", text.replace('\'', r"'\''")),
        _ => format!("$'{}'", body.escape_ascii()),
    }
}

fn excerpt(text: &str) -> String {
    tame(text, SHOWN)
}

/// The beginning of a text, on one line and without anything that a terminal would obey.
fn tame(text: &str, most: usize) -> String {
    let mut short = String::new();
    for c in text.chars().take(most) {
        if c.is_control() { short.extend(c.escape_default()) } else { short.push(c) }
    }
    if text.chars().nth(most).is_some() {
        short.push_str(&format!("… ({} bytes)", text.len()));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_shown_commands_no_terminal_and_has_an_end() {
        assert_eq!(excerpt("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(excerpt(&"한".repeat(500)), format!("{}… (1500 bytes)", "한".repeat(400)));
    }

    fn health(method: &str) -> Exchange {
        Exchange {
            method: method.into(),
            path: "/mt/health".into(),
            sent_headers: Vec::new(),
            sent_body: Bytes::new(),
            odd: false,
            status: 200,
            headers: Vec::new(),
            body: Bytes::new(),
            millis: 1,
        }
    }

    #[test]
    fn a_line_that_repeats_a_head_waits_for_no_body() {
        let target = Target::new("http://h", "k3y-of-h").unwrap();
        assert_eq!(health("HEAD").curl(&target), "curl -sS -i --path-as-is --head 'http://h/mt/health'");
        assert_eq!(health("GET").curl(&target), "curl -sS -i --path-as-is -X GET 'http://h/mt/health'");
    }

    #[test]
    fn a_failure_commands_no_terminal_and_has_an_end() {
        let exchange = health("GET");
        let target = Target::new("http://h", "k3y-of-h").unwrap();
        let got = format!("k3y-of-h \u{1b}[2J{}", "x".repeat(100_000));
        let Stop::Fail(failure) = exchange.failure(&target, "an answer", &got) else { panic!("not a failure") };
        assert!(failure.got.starts_with("$MT_KEY \\u{1b}[2Jxxx"), "{}", failure.got);
        assert!(failure.got.len() < 4_000);
    }

    #[test]
    fn a_body_is_quoted_for_the_shell() {
        assert_eq!(quoted_body(b"it's"), r"'it'\''s'");
        assert_eq!(quoted_body(b"\xff\0"), r"$'\xff\x00'");
    }
}
