//! As much of a browser as these tests need. Cookies are kept by hand, so that nothing happens that is not seen.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

pub(crate) struct Browser {
    base: String,
    client: Client,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) languages: &'static str,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it leads on to.
    pub(crate) to: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(base: &str) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { base: base.to_owned(), client, cookies: BTreeMap::new(), languages: "en" }
    }

    pub(crate) fn korean(mut self) -> Self {
        self.languages = "ko-KR,ko;q=0.9,en;q=0.8";
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Sends a form as a page of the service would.
    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base)).header("origin", &self.base);
        let request = request.header("sec-fetch-site", "same-origin");
        self.send_form(request, form).await
    }

    /// Sends a form as a page of another site would.
    pub(crate) async fn post_from_elsewhere(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base)).header("origin", "https://elsewhere.example");
        self.send_form(request.header("sec-fetch-site", "cross-site"), form).await
    }

    /// Sends a form as a browser does from a page that wants no referrer.
    pub(crate) async fn post_without_origin(&mut self, path: &str, site: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base)).header("origin", "null");
        self.send_form(request.header("sec-fetch-site", site), form).await
    }

    async fn send_form(&mut self, request: reqwest::RequestBuilder, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("cookie", cookies.join("; ")).header("accept-language", self.languages);
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
        let response = request.header("user-agent", agent).send().await.unwrap();
        self.keep_cookies(&response);
        let to = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, to, headers, body: response.text().await.unwrap() }
    }

    fn keep_cookies(&mut self, response: &Response) {
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The values of an attribute, in the order of the page.
    pub(crate) fn all<'a>(&'a self, before: &'a str) -> Vec<&'a str> {
        self.body.split(before).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.body.contains(text), "no {text:?} in {}: {}", self.status, self.body);
    }
}
