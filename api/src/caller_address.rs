//! The address that a request comes from: that of its sender, or what a proxy says that is trusted.
//!
//! A header can be written by anybody. It is believed only as far as proxies have written it that
//! an operator has named: from the right, as long as each address is one of theirs.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from. Not there, if nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerAddress(pub(crate) IpAddr);

/// Proxies that are believed: an address, or a range such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxies(IpNet);

/// This is no address and no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address, and no range of addresses such as 10.0.0.0/8")]
pub struct NoRange(String);

impl FromStr for TrustedProxies {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, NoRange> {
        let range = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        range.map(Self).map_err(|_| NoRange(text.to_owned()))
    }
}

/// Who is believed, and whether it was said that somebody is not.
pub(crate) struct Trust {
    proxies: Vec<TrustedProxies>,
    said: AtomicBool,
}

impl Trust {
    pub(crate) fn new(proxies: Vec<TrustedProxies>) -> Self {
        Self { proxies, said: AtomicBool::new(false) }
    }

    /// Whether this is the first who says for whom they come and is not believed: it may be a
    /// proxy that the operator has forgotten.
    fn is_first_stranger(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let says = [header::FORWARDED, X_FORWARDED_FOR].iter().any(|it| headers.contains_key(it));
        let stranger = says && !is_trusted(&peer.to_canonical(), &self.proxies);
        stranger && !self.said.swap(true, Ordering::Relaxed)
    }
}

/// Tells whatever answers the request where it comes from.
pub(crate) async fn told(
    State(trust): State<Arc<Trust>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(&ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        if trust.is_first_stranger(peer.ip(), request.headers()) {
            tracing::warn!(
                peer = %peer.ip().to_canonical(),
                "for whom it sends requests is not believed: if it is a proxy of yours, name it \
                 with --trusted-proxies, or all who come by it are counted as one. Said once"
            );
        }
        let address = CallerAddress(of(peer.ip(), request.headers(), &trust.proxies));
        request.extensions_mut().insert(address);
    }
    next.run(request).await
}

fn is_trusted(address: &IpAddr, trusted: &[TrustedProxies]) -> bool {
    trusted.iter().any(|proxies| proxies.0.contains(address))
}

/// The last address on the way here that is not a trusted proxy's; the proxy's, where it does not
/// tell.
fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[TrustedProxies]) -> IpAddr {
    let mut known = peer.to_canonical();
    for said in forwarded(headers).into_iter().rev() {
        let Some(said) = said.filter(|_| is_trusted(&known, trusted)) else { break };
        known = said;
    }
    known
}

/// What was said on the way, the nearest last; `None` for what is no address. If both headers are
/// there, one of them is the sender's own, and nobody knows which.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: HeaderName| {
        let lines = headers.get_all(name).into_iter().map(|it| it.to_str().unwrap_or_default());
        lines.flat_map(|it| it.split(',')).map(str::trim).collect::<Vec<_>>()
    };
    let (standard, common) = (values(header::FORWARDED), values(X_FORWARDED_FOR));
    if standard.is_empty() {
        common.into_iter().map(address).collect()
    } else if common.is_empty() {
        standard.into_iter().map(|it| address(node(it)?)).collect()
    } else {
        Vec::new()
    }
}

/// The `for` of an element of `Forwarded`, RFC 7239.
fn node(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|it| it.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    named.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// An address, with or without brackets and a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|it| it.ip()));
    address.ok().map(|it: IpAddr| it.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            headers.append(name, value);
        });
        let trusted = ["10.0.0.0/8", "2001:db8::7"].map(|it| it.parse().unwrap());
        of(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        for name in ["x-forwarded-for", "forwarded"] {
            let said = if name == "forwarded" { "for=192.0.2.1" } else { "192.0.2.1" };
            assert_eq!(from("198.51.100.9", &[(name, said)]), "198.51.100.9");
            assert_eq!(from("::ffff:198.51.100.9", &[(name, said)]), "198.51.100.9");
            assert_eq!(from("10.1.2.3", &[(name, said)]), "192.0.2.1");
            assert_eq!(from("::ffff:10.1.2.3", &[(name, said)]), "192.0.2.1");
        }
        assert_eq!(from("10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn what_stands_before_the_first_stranger_from_the_right_is_the_strangers_own() {
        let way = "203.0.113.5, 192.0.2.1, 10.9.9.9";
        assert_eq!(from("10.1.2.3", &[("x-forwarded-for", way)]), "192.0.2.1");
        let lines = [("x-forwarded-for", "203.0.113.5"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(from("10.1.2.3", &lines), "192.0.2.1");
        let inside = [("x-forwarded-for", "10.4.4.4, 10.9.9.9")];
        assert_eq!(from("10.1.2.3", &inside), "10.4.4.4");
        let way = "for=203.0.113.5, for=192.0.2.1;proto=https, For=\"10.9.9.9:80\"";
        assert_eq!(from("10.1.2.3", &[("forwarded", way)]), "192.0.2.1");
    }

    #[test]
    fn an_address_comes_in_brackets_and_with_a_port() {
        let said = |value: &str| from("10.1.2.3", &[("x-forwarded-for", value)]);
        assert_eq!(said("192.0.2.1:4711"), "192.0.2.1");
        assert_eq!(said("2001:db8::1"), "2001:db8::1");
        assert_eq!(said("[2001:db8::1]"), "2001:db8::1");
        assert_eq!(said("[2001:db8::1]:4711"), "2001:db8::1");
        let standard = [("forwarded", "for=\"[2001:db8::1]:4711\";by=10.1.2.3")];
        assert_eq!(from("2001:db8::7", &standard), "2001:db8::1");
    }

    /// The proxy is counted for who hides behind it.
    #[test]
    fn where_a_proxy_does_not_tell_it_is_the_proxy() {
        for said in ["unknown", "_hidden", "", "192.0.2.1, garbage", "for=192.0.2.1"] {
            assert_eq!(from("10.1.2.3", &[("x-forwarded-for", said)]), "10.1.2.3", "{said}");
        }
        for said in ["for=unknown", "proto=https", "for=\"", "192.0.2.1"] {
            assert_eq!(from("10.1.2.3", &[("forwarded", said)]), "10.1.2.3", "{said}");
        }
        let both = [("forwarded", "for=192.0.2.1"), ("x-forwarded-for", "192.0.2.2")];
        assert_eq!(from("10.1.2.3", &both), "10.1.2.3");
    }

    /// Must never: an operator who is not told that all people come from one address.
    #[test]
    fn a_proxy_that_was_forgotten_is_spoken_of_once() {
        let trust = Trust::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let first = |peer: &str, name: &'static str| {
            let said = [(HeaderName::from_static(name), "192.0.2.1".parse().unwrap())];
            trust.is_first_stranger(peer.parse().unwrap(), &HeaderMap::from_iter(said))
        };
        assert!(!first("::ffff:10.1.2.3", "x-forwarded-for"));
        assert!(!first("172.17.0.1", "accept"));
        assert!(first("172.17.0.1", "x-forwarded-for"));
        assert!(!first("172.17.0.1", "forwarded"));
    }

    #[test]
    fn a_range_is_written_in_one_of_two_ways() {
        for good in ["10.0.0.0/8", "127.0.0.1", "::1", "2001:db8::/32"] {
            good.parse::<TrustedProxies>().unwrap();
        }
        for bad in ["", "localhost", "10.0.0.0/33", "10.0.0", "*"] {
            assert_eq!(bad.parse::<TrustedProxies>(), Err(NoRange(bad.to_owned())));
        }
    }
}
