//! Who is asking, as far as limits go.
//!
//! Knows addresses and the headers by which proxies pass them on; knows no session and no route.
//!
//! **Invariant:** a header is believed only as far as trusted proxies wrote it: the client's address
//! is the last one that no trusted proxy has. Nobody outside can choose an address for themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;

/// Most proxies of a chain that are looked at.
const MOST_HOPS: usize = 32;

/// An address as limits count it: an IPv6 client has a whole /64, so its lower half is left out.
///
/// It has no `Debug` and no `Display`, so that none is logged by chance.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Stands for a connection without an address.
    pub const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// The address, for a log whose owner asked for it and for what replicas share.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
            address => Self(address),
        }
    }
}

/// The proxies whose word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Proxies in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The client behind a connection from `peer`.
    ///
    /// Where `X-Forwarded-For` and `Forwarded` (RFC 7239) disagree, one of them came from outside, and
    /// neither is believed.
    #[must_use]
    pub fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> ClientAddress {
        let Some(peer) = peer else {
            return ClientAddress::UNKNOWN;
        };
        if !self.trusts(peer) {
            return peer.into();
        }
        let named = |name: HeaderName, read: fn(&str) -> Option<IpAddr>| {
            let hops = elements(headers, &name);
            (!hops.is_empty()).then(|| self.last_untrusted(peer, hops.into_iter().rev().map(read)))
        };
        let address = match (
            named(X_FORWARDED_FOR, parse_node),
            named(FORWARDED, forwarded_for),
        ) {
            (Some(plain), Some(forwarded)) if plain != forwarded => peer,
            (plain, forwarded) => plain.or(forwarded).unwrap_or(peer),
        };
        address.into()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Follows the hops, the nearest first, as far as those who named them are trusted.
    fn last_untrusted(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut nearest = peer;
        for hop in hops.take(MOST_HOPS) {
            // Whoever is hidden or unreadable counts as the proxy that says so.
            let Some(hop) = hop else { break };
            nearest = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        nearest
    }
}

/// The elements of a header's list, which may stand in several lines.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name);
    let lines = lines.map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| split(line, ',')).collect()
}

/// Splits outside of quoted strings.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let is_separator = |c: char| {
        let was_escaped = escaped;
        escaped = quoted && c == '\\' && !was_escaped;
        if c == '"' && !was_escaped {
            quoted = !quoted;
        }
        c == separator && !quoted
    };
    text.split(is_separator).map(str::trim).collect()
}

/// The address of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    split(element, ';').into_iter().find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_for = name.trim().eq_ignore_ascii_case("for");
        is_for.then(|| parse_node(value.trim().trim_matches('"')))?
    })
}

/// An address as proxies write it, with or without a port; nothing for `unknown` and for names.
fn parse_node(words: &str) -> Option<IpAddr> {
    let bare = words.trim().trim_start_matches('[').trim_end_matches(']');
    let with_port = || words.parse().ok().map(|address: SocketAddr| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(peer: &str, headers: &[(HeaderName, &'static str)], expected: &str) {
        let networks = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8:1::/48"];
        let networks = networks.map(|network| network.parse().expect("a network"));
        let proxies = TrustedProxies::new(networks.to_vec());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_static(value));
        }
        let found = proxies.client(Some(peer.parse().expect("an address")), &map);
        assert_eq!(found.ip().to_string(), expected, "{headers:?}");
    }

    const PLAIN: HeaderName = X_FORWARDED_FOR;

    #[test]
    fn strangers_are_not_believed() {
        check("192.0.2.1", &[(PLAIN, "198.51.100.7")], "192.0.2.1");
        check("192.0.2.1", &[(FORWARDED, "for=198.51.100.7")], "192.0.2.1");
        check("2001:db8:2:3:4::5", &[], "2001:db8:2:3::");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &[(PLAIN, "198.51.100.7")], "198.51.100.7");
        check(
            "127.0.0.1",
            &[(PLAIN, "203.0.113.9, 198.51.100.7")],
            "198.51.100.7",
        );
        check(
            "127.0.0.1",
            &[(PLAIN, "198.51.100.7, 10.1.2.3")],
            "198.51.100.7",
        );
        check(
            "::ffff:127.0.0.1",
            &[(PLAIN, "198.51.100.7")],
            "198.51.100.7",
        );
        let lines = [(PLAIN, "203.0.113.9"), (PLAIN, "198.51.100.7")];
        check("127.0.0.1", &lines, "198.51.100.7");
        check("127.0.0.1", &[(PLAIN, "10.1.2.3, 10.4.5.6")], "10.1.2.3");
    }

    #[test]
    fn what_is_hidden_or_broken_counts_as_the_proxy_that_says_so() {
        check("127.0.0.1", &[(PLAIN, "198.51.100.7, what")], "127.0.0.1");
        check("127.0.0.1", &[(PLAIN, "what, 10.1.2.3")], "10.1.2.3");
        check("127.0.0.1", &[(FORWARDED, "for=_hidden")], "127.0.0.1");
        check(
            "127.0.0.1",
            &[(FORWARDED, "for=unknown;by=10.0.0.1")],
            "127.0.0.1",
        );
        check("127.0.0.1", &[(PLAIN, "")], "127.0.0.1");
    }

    #[test]
    fn ports_and_quotes_are_left_out() {
        check("127.0.0.1", &[(PLAIN, "198.51.100.7:4711")], "198.51.100.7");
        check(
            "127.0.0.1",
            &[(PLAIN, "[2001:db8:2::1]:4711")],
            "2001:db8:2::",
        );
        check(
            "127.0.0.1",
            &[(FORWARDED, "For=\"[2001:db8:2::1]:47\"")],
            "2001:db8:2::",
        );
        let chain = "for=203.0.113.9, for=198.51.100.7;proto=https;by=\"a,b;c\", for=10.0.0.9";
        check("127.0.0.1", &[(FORWARDED, chain)], "198.51.100.7");
        let quoted = "for=198.51.100.7;by=\"\\\", for=203.0.113.9\"";
        check("127.0.0.1", &[(FORWARDED, quoted)], "198.51.100.7");
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let both = |forwarded| [(PLAIN, "198.51.100.7"), (FORWARDED, forwarded)];
        check("127.0.0.1", &both("for=198.51.100.7"), "198.51.100.7");
        check("127.0.0.1", &both("for=203.0.113.9"), "127.0.0.1");
    }

    #[test]
    fn a_client_has_one_address_in_its_network() {
        let address =
            |words: &str| ClientAddress::from(words.parse::<IpAddr>().expect("an address"));
        assert!(address("2001:db8::1") == address("2001:db8::ffff:2"));
        assert!(address("2001:db8::1") != address("2001:db8:0:1::1"));
        assert!(address("::ffff:192.0.2.1") == address("192.0.2.1"));
        assert!(address("192.0.2.1") != address("192.0.2.2"));
    }
}
