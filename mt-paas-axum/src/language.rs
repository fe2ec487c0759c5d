//! The language in which a person is spoken to.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;

/// English or Korean. As an extractor: what `?lang` asks for, else the browser's first of the two, else English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// The language of a terminal: reads `LC_ALL`, `LC_MESSAGES` and `LANG`, in this order, as other programs do.
    pub fn of_terminal(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| get(name)).find(|value| !value.is_empty());
        set.as_deref().and_then(Self::of_tag).unwrap_or(Self::English)
    }

    /// The text in this language.
    pub fn say<'a>(self, english: &'a str, korean: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }

    /// The tag of the language in HTML.
    pub fn tag(self) -> &'static str {
        self.say("en", "ko")
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Korean,
            Self::Korean => Self::English,
        }
    }

    /// Reads `ko`, `ko-KR`, `ko_KR.UTF-8`, `en` and so on.
    fn of_tag(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_', '.', ';']).next()? {
            "ko" => Some(Self::Korean),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let asked = pairs.find(|(name, _)| name == "lang").and_then(|(_, tag)| Self::of_tag(&tag));
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let preferred = || accepted.and_then(|tags| tags.split(',').find_map(Self::of_tag));
        Ok(asked.or_else(preferred).unwrap_or(Self::English))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_choice_beats_the_browser_and_the_browser_beats_english() {
        for (uri, accepted, tag) in [
            ("/", None, "en"),
            ("/", Some("fr-FR, ko;q=0.9, en;q=0.8"), "ko"),
            ("/?lang=en", Some("ko"), "en"),
            ("/?a=b&lang=ko", None, "ko"),
            ("/?lang=xx", Some("ko-KR"), "ko"),
        ] {
            let mut request = http::Request::get(uri);
            if let Some(accepted) = accepted {
                request = request.header(header::ACCEPT_LANGUAGE, accepted);
            }
            let mut parts = request.body(()).unwrap().into_parts().0;
            assert_eq!(Language::from_request_parts(&mut parts, &()).await.unwrap().tag(), tag, "{uri} {accepted:?}");
        }
        assert_eq!(Language::of_terminal(&|name| (name == "LANG").then(|| "ko_KR.UTF-8".into())), Language::Korean);
        assert_eq!(Language::of_terminal(&|_| Some("C.UTF-8".into())), Language::English);
    }
}
