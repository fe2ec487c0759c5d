//! Where the mail server is, and how far its network is trusted.

use std::net::IpAddr;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use mt_paas_core::Secret;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::InvalidSmtp;

/// A mail server.
pub(super) struct Server {
    /// A name in ASCII, or an IP address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<Credentials>,
}

/// What keeps others from reading along.
pub(super) enum Security {
    /// Nothing.
    Plain,
    /// TLS after a beginning in the clear.
    StartTls(TlsParameters),
    /// TLS from the beginning.
    Tls(TlsParameters),
}

impl Server {
    /// Reads the address of a server.
    pub(super) fn at(url: &Secret<String>) -> Result<Self, InvalidSmtp> {
        let url = Url::parse(url.expose())
            .map_err(|_| InvalidSmtp("the mail server must be given as smtp://… or smtps://…"))?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidSmtp("nothing may follow the port of the mail server but ?tls=required or ?tls=none"));
        }
        let host = url.host_str().and_then(|host| Host::parse(host).ok());
        let host = host.ok_or(InvalidSmtp("the mail server needs a host"))?;
        let (loopback, host) = match host {
            Host::Ipv4(ip) => (ip.is_loopback(), ip.to_string()),
            Host::Ipv6(ip) => (IpAddr::from(ip).to_canonical().is_loopback(), ip.to_string()),
            Host::Domain(name) => (name == "localhost", name),
        };
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Tls(tls(&host)?), 465),
            ("smtp", Some("tls=required")) => (Security::StartTls(tls(&host)?), 587),
            ("smtp", Some("tls=none")) => (Security::Plain, 25),
            ("smtp", None) if loopback => (Security::Plain, 25),
            ("smtp", None) => {
                return Err(InvalidSmtp("a mail server on another machine needs smtps://, ?tls=required or ?tls=none"));
            }
            ("smtp" | "smtps", Some(_)) => {
                return Err(InvalidSmtp(
                    "the mail server takes ?tls=required or ?tls=none behind smtp:// and nothing else",
                ));
            }
            _ => return Err(InvalidSmtp("the mail server must be given as smtp://… or smtps://…")),
        };
        let port = url.port().unwrap_or(port);
        Ok(Self { host, port, security, login: login(&url)? })
    }
}

fn tls(host: &str) -> Result<TlsParameters, InvalidSmtp> {
    TlsParameters::new(host.to_owned()).map_err(|_| InvalidSmtp("this machine has no list of certificate authorities"))
}

fn login(url: &Url) -> Result<Option<Credentials>, InvalidSmtp> {
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8().ok().filter(|text| !text.contains('\0'));
        let decoded =
            decoded.ok_or(InvalidSmtp("the user or password of the mail server is not percent-encoded UTF-8"))?;
        Ok(decoded.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None | Some("")) => {
            Err(InvalidSmtp("the mail server needs both a user and a password, or neither"))
        }
        (user, Some(password)) => Ok(Some(Credentials::new(decoded(user)?, decoded(password)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Result<Server, InvalidSmtp> {
        Server::at(&Secret::from(url))
    }

    #[test]
    fn an_address_says_where_the_server_is_and_how_it_is_reached() {
        let sort = |server: &Server| match server.security {
            Security::Plain => "plain",
            Security::StartTls(_) => "starttls",
            Security::Tls(_) => "tls",
        };
        for (url, host, port, security) in [
            ("smtps://u:p@mail.hallym.ac.kr", "mail.hallym.ac.kr", 465, "tls"),
            ("smtps://mail.hallym.ac.kr:2465/", "mail.hallym.ac.kr", 2465, "tls"),
            ("smtp://u:p@mail.hallym.ac.kr?tls=required", "mail.hallym.ac.kr", 587, "starttls"),
            ("smtp://mail.hallym.ac.kr:26?tls=none", "mail.hallym.ac.kr", 26, "plain"),
            ("smtp://127.0.0.1", "127.0.0.1", 25, "plain"),
            ("smtp://LOCALHOST:1025/", "localhost", 1025, "plain"),
            ("smtp://[::1]:1025", "::1", 1025, "plain"),
            ("smtp://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 25, "plain"),
            ("smtps://메일.한국", "xn--h32bq4v.xn--3e0b707e", 465, "tls"),
        ] {
            let server = at(url).map_err(|error| format!("{url}: {error}")).unwrap();
            assert_eq!((&*server.host, server.port, sort(&server)), (host, port, security), "{url}");
        }
    }

    #[test]
    fn user_and_password_may_hold_anything() {
        let server = at("smtps://kim%40hallym.ac.kr:p%3A%2F%25%ED%95%9C+@mail.kr").unwrap();
        assert!(server.login == Some(Credentials::new("kim@hallym.ac.kr".into(), "p:/%한+".into())));
        assert!(at("smtps://mail.kr").unwrap().login.is_none());
    }

    #[test]
    fn what_would_send_passwords_in_the_clear_by_mistake_is_refused_and_never_repeated() {
        for bad in [
            "smtp://user:canary@mail.kr:587",
            "smtp://mail.kr",
            "smtp://10.0.0.1",
            "smtp://user:canary@mail.kr?tls=opportunistic",
            "smtp://user:canary@mail.kr?tls=required&tls=none",
            "smtps://user:canary@mail.kr?tls=none",
            "smtps://user:canary@mail.kr/path",
            "smtps://user:canary@mail.kr#canary",
            "smtps://canary@mail.kr",
            "smtps://canary:@mail.kr",
            "smtps://:canary@mail.kr",
            "smtps://user:canary%ff@mail.kr",
            "smtps://user:canary%00@mail.kr",
            "smtps://user:canary@",
            "smtps://user:canary@mail.kr:99999",
            "https://user:canary@mail.kr",
            "user:canary@mail.kr",
            "canary",
            "",
        ] {
            let error = at(bad).err().unwrap_or_else(|| panic!("{bad}"));
            assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
        }
    }
}
