//! The cookie that carries a session.

use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header};
use mt_paas_core::auth::Opened;
use url::{Host, Url};

/// How the cookie of sessions is named and guarded: `__Host-mt_session; HttpOnly; Secure; SameSite=Lax; Path=/`.
///
/// No script reads it, no other host can set it, and other sites' requests carry it only where somebody follows a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    secure: bool,
    strict: bool,
}

/// Sessions would travel in the clear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "PUBLIC_URL '{0}' is neither https nor a loopback address, so that sessions would travel in the clear; set ALLOW_INSECURE_COOKIES=1 to accept that"
)]
pub struct InsecureCookies(String);

/// What a request carries.
pub(super) enum Sent<'a> {
    Nothing,
    One(&'a str),
    /// More than one cookie of the name: one of them is somebody else's.
    Several,
}

impl SessionCookie {
    /// The cookie of a service that people reach at `public_url`. Over plain http it has the plain name `mt_session` and no
    /// `Secure`, because browsers would not keep it: on a loopback address, and elsewhere only if `insecure` allows it.
    ///
    /// # Errors
    ///
    /// [`InsecureCookies`].
    pub fn of_site(public_url: &str, insecure: bool) -> Result<Self, InsecureCookies> {
        let url = Url::parse(public_url).ok();
        let secure = url.as_ref().is_some_and(|url| url.scheme() == "https");
        if !secure && !insecure && !url.is_some_and(|url| is_loopback(&url)) {
            return Err(InsecureCookies(public_url.to_owned()));
        }
        Ok(Self { secure, strict: false })
    }

    /// Not even links from other sites carry it: for consoles.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        if self.secure { "__Host-mt_session" } else { "mt_session" }
    }

    /// Whether it goes over https only.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The `Set-Cookie` of a session that was just opened. It lasts as long as the session may.
    pub fn set(&self, opened: &Opened) -> HeaderValue {
        let lasts = opened.session.expires_at - opened.session.created_at;
        self.header(opened.token.expose(), lasts.num_seconds())
    }

    /// The `Set-Cookie` that takes it away.
    pub fn clear(&self) -> HeaderValue {
        self.header("", 0)
    }

    /// The cookie as a request carries it.
    pub(super) fn of<'a>(&self, headers: &'a HeaderMap) -> Sent<'a> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut ours = lines
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == self.name())
            .filter_map(|cookie| cookie.value_raw());
        match (ours.next(), ours.next()) {
            (None, _) => Sent::Nothing,
            (Some(token), None) => Sent::One(token),
            (Some(_), Some(_)) => Sent::Several,
        }
    }

    fn header(self, token: &str, seconds: i64) -> HeaderValue {
        let same_site = if self.strict { SameSite::Strict } else { SameSite::Lax };
        let cookie = Cookie::build((self.name(), token))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(same_site)
            .max_age(Duration::seconds(seconds))
            .build();
        // A token is base64url, and all else is written here.
        let mut header = HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

/// Whether an address is one of the machine itself.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(url: &str) -> SessionCookie {
        SessionCookie::of_site(url, false).unwrap()
    }

    #[test]
    fn its_flags_are_exact() {
        let text = |cookie: SessionCookie| cookie.header("token", 86_400).to_str().unwrap().to_owned();
        let https = cookie("https://a.kr");
        assert_eq!(text(https), "__Host-mt_session=token; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400");
        assert!(text(https.strict()).contains("; SameSite=Strict; Secure;"));
        let local = "mt_session=token; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400";
        for url in ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:1"] {
            assert_eq!(text(cookie(url)), local, "{url}");
        }
        assert_eq!(https.clear(), "__Host-mt_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
    }

    #[test]
    fn sessions_do_not_travel_in_the_clear_unless_somebody_asks_for_it() {
        for url in ["http://a.kr", "http://10.0.0.1", "http://localhost.a.kr", "ftp://a.kr", "", "a.kr"] {
            assert!(SessionCookie::of_site(url, false).is_err(), "{url}");
            assert_eq!(SessionCookie::of_site(url, true).unwrap().name(), "mt_session", "{url}");
        }
        assert_eq!(SessionCookie::of_site("https://a.kr", true).unwrap().name(), "__Host-mt_session");
    }

    #[test]
    fn exactly_one_cookie_of_exactly_the_name_is_read() {
        let sent = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            match cookie("https://a.kr").of(&headers) {
                Sent::Nothing => "nothing".to_owned(),
                Sent::One(token) => token.to_owned(),
                Sent::Several => "several".to_owned(),
            }
        };
        assert_eq!(sent(&["a=1; __Host-mt_session=x; b=2"]), "x");
        assert_eq!(sent(&["a=1", "__Host-mt_session=x"]), "x");
        assert_eq!(sent(&["mt_session=x; __host-mt_session=y; X__Host-mt_session=z"]), "nothing");
        assert_eq!(sent(&[]), "nothing");
        assert_eq!(sent(&["__Host-mt_session=x; __Host-mt_session=x"]), "several");
        assert_eq!(sent(&["__Host-mt_session=x", "__Host-mt_session=y"]), "several");
    }
}
