//! Which network addresses belong to the outside world.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Reads an `http` or `https` address that does not, by its looks, point inward. A name still has to be resolved, and
/// each address checked with [`is_public`], before anything is sent to it.
///
/// # Errors
///
/// A sentence for the caller that says what is wrong with it.
pub fn public_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be an absolute http or https address")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must be an http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password");
    }
    let inward = match url.host() {
        None => true,
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => is_internal_name(name),
    };
    if inward { Err("must not point to an internal address") } else { Ok(url) }
}

/// Whether packets to `ip` leave for the public internet: not loopback, private, link-local, shared, reserved,
/// multicast, nor an IPv6 form of such an IPv4 address.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Only 2000::/3 is routed, and of it neither documentation nor Teredo.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    (first & 0xe000) == 0x2000
        && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
        && (first & 0xfff0) != 0x3ff0
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

fn is_internal_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let inside = ["localhost", "local", "internal", "localdomain", "home.arpa", "lan", "intranet"];
    !name.contains('.') || inside.iter().any(|zone| name == *zone || name.ends_with(&format!(".{zone}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inward_addresses_are_refused_in_every_spelling() {
        for bad in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:7f00:1::]/",
            "http://169.254.169.254/latest",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://localhost/",
            "http://a.localhost./",
            "http://db.internal/",
            "http://simulator:9000/callback",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "ftp://example.com/",
            "http://user:pw@example.com/",
            "//example.com/x",
            "not an address",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
        ] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn outward_addresses_pass() {
        for good in [
            "https://example.com/logo.png",
            "http://8.8.8.8/",
            "https://xn--hy1b43d.kr/a?b=c",
            "http://[2606:4700::1]/",
        ] {
            assert!(public_url(good).is_ok(), "{good}");
        }
    }
}
