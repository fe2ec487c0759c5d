//! The frame around every page.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, html};
use mt_paas_axum::auth::{AnySession, FORM_TOKEN};
use mt_paas_axum::http::{HeaderValue, header};

use crate::reader::LANGUAGE;
use crate::{Reader, Site, Text, form, style_address, texts};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// What a page knows: its service, its reader, and who is logged in.
#[derive(Debug, Clone)]
pub struct View {
    /// The service.
    pub site: Arc<Site>,
    /// The reader.
    pub reader: Reader,
    who: Option<Who>,
}

#[derive(Debug, Clone)]
struct Who {
    name: String,
    home: String,
    form_token: String,
}

/// What a page consists of, inside of the frame.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    title: &'a str,
    content: Markup,
    narrow: bool,
    faulty: bool,
    secret_address: bool,
    switchable: bool,
}

/// What a [`notice`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It is done.
    Good,
    /// Something to know.
    Note,
    /// Something to mind.
    Warn,
    /// It did not work.
    Bad,
}

impl View {
    /// A page of `site` for `reader`.
    pub fn new(site: &Arc<Site>, reader: Reader, session: Option<&AnySession>) -> Self {
        let who = session.map(|session| Who {
            name: session.principal.name.clone(),
            home: site.home_of(&session.principal.tenant),
            form_token: session.form_token(),
        });
        Self { site: site.clone(), reader, who }
    }

    /// A text in the reader's language.
    pub fn say(&self, text: Text) -> &'static str {
        text.to(self.reader.language)
    }

    /// A text in the reader's language, with its values; `{service}` is the service's name.
    pub fn fill(&self, text: Text, values: &[(&str, &str)]) -> String {
        let mut all = vec![("service", self.say(self.site.name))];
        all.extend(values);
        text.fill(self.reader.language, &all)
    }

    /// The zone that times are shown in.
    pub fn zone(&self) -> Tz {
        self.site.zone.unwrap_or_else(|| self.reader.zone())
    }

    /// The hidden member that every form of somebody who is logged in holds.
    pub fn form_token(&self) -> Markup {
        html! { @if let Some(who) = &self.who { input type="hidden" name=(FORM_TOKEN) value=(who.form_token); } }
    }

    /// A sentence with a link to a place in the service.
    pub fn link(&self, text: Text, href: &str) -> Markup {
        html! { a href=(href) { (self.say(text)) } }
    }

    /// A form that posts to `action`, or to the page's own address, with everything that it needs.
    pub fn form(&self, action: Option<&str>, content: &Markup) -> Markup {
        form::form(self, action, content)
    }

    /// The page as an answer. It is kept by nobody, framed by nobody, and holds no script.
    pub fn page(&self, page: &Page<'_>) -> Response {
        let referrer = if page.secret_address { "no-referrer" } else { "same-origin" };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, referrer),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_LANGUAGE, self.reader.language.tag()),
        ];
        let mut response = (headers, self.frame(page)).into_response();
        if let Some(chosen) = self.reader.chosen {
            let cookie = format!("{LANGUAGE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", chosen.tag());
            response.headers_mut().extend(HeaderValue::try_from(cookie).map(|cookie| (header::SET_COOKIE, cookie)));
        }
        response
    }

    fn frame(&self, page: &Page<'_>) -> Markup {
        let (language, name) = (self.reader.language, self.say(self.site.name));
        let title = format!("{} – {name}", page.title);
        let title = if page.faulty { self.fill(texts::ERROR_TITLE, &[("title", &title)]) } else { title };
        html! {
            (DOCTYPE)
            html lang=(language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (title) }
                    link rel="stylesheet" href=(style_address());
                    link rel="icon" href="data:,";
                }
                body {
                    a.skip href="#main" { (self.say(texts::SKIP)) }
                    (self.header(page, name))
                    main #main tabindex="-1" .narrow[page.narrow] {
                        h1 { (page.title) }
                        (page.content)
                    }
                    footer { (name) }
                }
            }
        }
    }

    fn header(&self, page: &Page<'_>, name: &str) -> Markup {
        let other = self.reader.language.other();
        let home = self.who.as_ref().map_or(self.site.home.as_str(), |who| &who.home);
        html! {
            header.top {
                a.name href=(home) { (name) }
                div.person {
                    @if let Some(who) = &self.who {
                        a href="/account" { (who.name) }
                        form method="post" action="/logout" { (self.form_token()) button.plain { (self.say(texts::LOG_OUT)) } }
                    }
                    @if page.switchable {
                        a href=(self.reader.switch()) lang=(other.tag()) hreflang=(other.tag()) { (self.say(texts::OTHER_LANGUAGE)) }
                    }
                }
            }
        }
    }
}

impl<'a> Page<'a> {
    /// A page by its title, which is its only `h1` too.
    pub fn new(title: &'a str, content: Markup) -> Self {
        Self { title, content, narrow: false, faulty: false, secret_address: false, switchable: true }
    }

    /// As wide as one form.
    #[must_use]
    pub fn narrow(self) -> Self {
        Self { narrow: true, ..self }
    }

    /// Whether it says that something did not work; its title says so then, which is what screen readers read first.
    #[must_use]
    pub fn faulty(self, faulty: bool) -> Self {
        Self { faulty, ..self }
    }

    /// Its address lets people in, so that browsers must not tell it to anybody.
    #[must_use]
    pub fn secret_address(self) -> Self {
        Self { secret_address: true, ..self }
    }

    /// It cannot be asked for again, neither in the other language.
    #[must_use]
    pub fn once(self) -> Self {
        Self { switchable: false, ..self }
    }
}

/// A notice inside of a page. The word in front of it says what its colour says; a bad one is read out at once.
pub fn notice(view: &View, tone: Tone, text: &str) -> Markup {
    let (class, word, role) = match tone {
        Tone::Good => ("good", texts::DONE, "status"),
        Tone::Note => ("note", texts::NOTE, "note"),
        Tone::Warn => ("warn", texts::WARNING, "note"),
        Tone::Bad => ("bad", texts::FAULT, "alert"),
    };
    html! { div.notice.(class) role=(role) { p { strong { (view.say(word)) } " " (text) } } }
}
