//! Whoever reads a page.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use chrono_tz::Tz;
use mt_paas_axum::http::request::Parts;
use mt_paas_axum::http::{HeaderMap, header};
use mt_paas_axum::language::Language;
use mt_paas_axum::request_id::RequestId;

/// The cookie that remembers a chosen language.
pub(crate) const LANGUAGE: &str = "mt_lang";

/// What a request says about its reader.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The language: what `?lang` asks for, else what was chosen before, else the browser's, else English.
    pub language: Language,
    /// The language that `?lang` asks for; pages remember it in a cookie.
    pub chosen: Option<Language>,
    /// The path that was asked for, with its query, but without `lang`.
    pub address: String,
    /// What log lines call the request.
    pub request_id: Option<String>,
}

impl Reader {
    /// Leads to the same page in the other language. It names no path, so that an address that lets people in stands
    /// nowhere in a page.
    pub fn switch(&self) -> String {
        let language = self.language.other().tag();
        match self.address.split_once('?') {
            Some((_, query)) => format!("?{query}&lang={language}"),
            None => format!("?lang={language}"),
        }
    }

    /// Where the reader is supposed to be, if the service was not told.
    pub(crate) fn zone(&self) -> Tz {
        match self.language {
            Language::English => Tz::UTC,
            Language::Korean => Tz::Asia__Seoul,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, &()).await?;
        let preferred = Language::from_request_parts(parts, &()).await?;
        let (asked, kept): (Vec<&str>, Vec<&str>) = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| is_language(pair));
        let chosen = asked.first().and_then(|pair| language(pair.strip_prefix("lang=")?));
        let address =
            if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), kept.join("&")) };
        Ok(Self {
            language: chosen.or_else(|| language(cookie(&parts.headers, LANGUAGE)?)).unwrap_or(preferred),
            chosen,
            address,
            request_id: parts.extensions.get::<RequestId>().map(|id| id.as_str().to_owned()),
        })
    }
}

/// The value of a cookie that holds no secret.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn is_language(pair: &str) -> bool {
    pair.split('=').next() == Some("lang")
}

fn language(tag: &str) -> Option<Language> {
    [Language::English, Language::Korean].into_iter().find(|language| language.tag() == tag)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn reader(uri: &str, headers: &[(&str, &str)]) -> Reader {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reader::from_request_parts(&mut request.body(()).unwrap().into_parts().0, &()).await.unwrap()
    }

    #[tokio::test]
    async fn a_choice_beats_an_earlier_one_and_that_beats_the_browser() {
        for (uri, cookie, accepted, tag) in [
            ("/", "", "fr", "en"),
            ("/", "", "ko,en", "ko"),
            ("/", "a=b; mt_lang=en", "ko", "en"),
            ("/?lang=ko", "mt_lang=en", "en", "ko"),
            ("/?lang=xx", "mt_lang=ko", "en", "ko"),
        ] {
            let reader = reader(uri, &[("cookie", cookie), ("accept-language", accepted)]).await;
            assert_eq!(reader.language.tag(), tag, "{uri} {cookie} {accepted}");
        }
    }

    #[tokio::test]
    async fn the_switch_keeps_the_address() {
        assert_eq!(reader("/login?next=/a%3Fb&lang=ko&c=d", &[]).await.switch(), "?next=/a%3Fb&c=d&lang=en");
        assert_eq!(reader("/login", &[("accept-language", "ko")]).await.switch(), "?lang=en");
    }
}
