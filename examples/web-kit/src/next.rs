//! Where a person goes after a login.

use std::fmt;
use std::str::FromStr;

/// A path of the service itself, with its query: the only kind of place that an address may name to go on to.
///
/// It begins with one `/`. What a browser would read as another host (`//host`, `/\host`) or would change before it reads
/// (blanks, control characters, dots between slashes) is none, and neither is what is longer than 2,000 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPath(String);

/// The text is no path of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a path of this service, beginning with one '/'")]
pub struct InvalidPath;

impl OwnPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OwnPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let plain =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}');
        let path = text.split(['?', '#']).next().unwrap_or_default();
        // Browsers take `%2e` for a dot in these places as well.
        let dotted =
            path.split('/').any(|part| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."));
        let good =
            text.len() <= 2_000 && text.bytes().all(plain) && path.starts_with('/') && !path.contains("//") && !dotted;
        good.then(|| Self(text.to_owned())).ok_or(InvalidPath)
    }
}

impl fmt::Display for OwnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_service_itself_are_gone_on_to() {
        for good in ["/", "/account", "/a/b?c=d&e=%2F%2Fx", "/a?next=//b", "/a#keys", "/%ED%95%9C"] {
            assert_eq!(good.parse::<OwnPath>().unwrap().as_str(), good);
        }
        let long = format!("/{}", "a".repeat(2_000));
        for bad in [
            "",
            "account",
            "//a.kr",
            "///a.kr",
            "/\\a.kr",
            "\\\\a.kr",
            "/a\\b",
            "https://a.kr",
            "javascript:alert(1)",
            "/\t/a.kr",
            "/\n/a.kr",
            " /a",
            "/a b",
            "/..//a.kr",
            "/./a",
            "/a/../b",
            "/%2e%2E//a",
            "/%2e/a",
            "?a",
            "#a",
            "/한",
            "/a//b",
            "/\"",
            "/<",
            &long,
        ] {
            assert_eq!(bad.parse::<OwnPath>(), Err(InvalidPath), "{bad}");
        }
    }

    #[test]
    fn what_is_let_pass_stays_at_the_service_as_browsers_read_it() {
        let base = url::Url::parse("https://service.kr/t/a/login").unwrap();
        for (a, b, c) in triples(&["/", "\\", ".", "%2e", "a.kr", "\t", ":", "@", "?", "#", "https:"]) {
            let text = format!("/{a}{b}{c}");
            if let Ok(path) = text.parse::<OwnPath>() {
                assert_eq!(base.join(path.as_str()).unwrap().host_str(), Some("service.kr"), "{text}");
            }
        }
    }

    fn triples<'a>(parts: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        parts.iter().flat_map(move |a| parts.iter().flat_map(move |b| parts.iter().map(move |c| (*a, *b, *c))))
    }
}
