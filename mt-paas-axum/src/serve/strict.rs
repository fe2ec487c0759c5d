//! What is refused before routing: requests that two servers could understand differently, and heads out of size.
//!
//! hyper answers all of these as if nothing were wrong. A proxy in front, or an authentication that looks at another
//! part of the request than the router does, may see another host or path than we do.

use http::uri::{Parts, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Uri, Version, header};

/// The longest path with query, in bytes.
const URI_LIMIT: usize = 8 << 10;

/// How many bytes the headers may have together, as they were sent.
const HEADER_BYTES: usize = 32 << 10;

/// Checks the head of a request, and turns an absolute-form target into origin form, so that whoever asks for the path
/// sees the same one.
///
/// # Errors
///
/// The message of a 400.
pub(super) fn check<B>(request: &mut Request<B>) -> Result<(), &'static str> {
    check_size(request.uri(), request.headers())?;
    let host = host(request.headers(), request.version())?;
    check_target(request.method(), request.uri(), host)?;
    if request.uri().authority().is_some() {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = origin_form(path);
    }
    Ok(())
}

fn check_size(uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    if uri.path_and_query().is_some_and(|path| path.as_str().len() > URI_LIMIT) {
        return Err("the path and query have more than 8 KiB");
    }
    // Four bytes a line for the colon, the space and the line end.
    if headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() > HEADER_BYTES {
        return Err("the headers have more than 32 KiB");
    }
    Ok(())
}

/// The one `Host`. HTTP/1.0 may go without.
fn host(headers: &HeaderMap, version: Version) -> Result<Option<&[u8]>, &'static str> {
    let mut hosts = headers.get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.as_bytes()) => Ok(Some(host.as_bytes())),
        (Some(_), None) => Err("the Host header is not a host"),
        (Some(_), Some(_)) => Err("there is more than one Host header"),
        (None, _) if version == Version::HTTP_10 => Ok(None),
        (None, _) => Err("the Host header is missing"),
    }
}

fn check_target(method: &Method, uri: &Uri, host: Option<&[u8]>) -> Result<(), &'static str> {
    match (uri.scheme(), uri.authority()) {
        (None, None) if uri.path().starts_with('/') || method == Method::OPTIONS => Ok(()),
        (Some(scheme), Some(authority)) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => {
            let authority = authority.as_str().as_bytes();
            if is_host(authority) && host.is_none_or(|host| host.eq_ignore_ascii_case(authority)) {
                return Ok(());
            }
            Err("the request target names another host than the Host header")
        }
        _ => Err("the request target must be a path"),
    }
}

fn origin_form(path: Option<PathAndQuery>) -> Uri {
    let mut parts = Parts::default();
    parts.path_and_query = path;
    // A path and nothing else always makes a URI.
    Uri::from_parts(parts).unwrap_or_default()
}

/// `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`; no user, no escapes, nothing that ends a URL's authority.
fn is_host(host: &[u8]) -> bool {
    let (name_is_good, rest) = match host {
        [b'[', inside @ ..] => {
            let end = inside.iter().position(|byte| *byte == b']').unwrap_or(inside.len());
            let (address, rest) = inside.split_at(end);
            let legal = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            (!address.is_empty() && !rest.is_empty() && address.iter().all(legal), rest.get(1..).unwrap_or_default())
        }
        _ => {
            let end = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
            let (name, rest) = host.split_at(end);
            let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            (!name.is_empty() && name.iter().all(legal), rest)
        }
    };
    let port_is_good = match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit) && number(port) <= 0xffff,
        _ => false,
    };
    name_is_good && port_is_good
}

/// The value of a few decimal digits.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        let good = ["a", "service.com", "my_host-1.local:8000", "10.0.0.5:80", "[::1]", "[::ffff:1.2.3.4]:8000", "a:"];
        for good in good.into_iter().chain(["a:0", "a:65535", "[::1]:65535"]) {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        let bad = ["", ":80", "a b", "u@a", "a/b", "x/#@evil", "a?b", "a,b", "a%41", "a\\b", "[::1", "[]", "[::1]x"];
        for bad in
            bad.into_iter().chain(["a:80:80", "a:8x", "a:123456", "a:65536", "[::1]:99999", "한림", "::1", "[u@::1]"])
        {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn an_absolute_target_becomes_the_path_that_everybody_sees() {
        for (target, path) in [("http://A.test:80/mt/x?y=1", "/mt/x?y=1"), ("http://a.test:80", "/")] {
            let mut request = Request::builder().uri(target).header("host", "a.test:80").body(()).unwrap();
            check(&mut request).unwrap();
            assert_eq!(request.uri().to_string(), path);
        }
    }
}
