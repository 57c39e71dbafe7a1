//! Which addresses a crawl may connect to: those of the public internet, and
//! those that the operator allows besides. Looked at as numbers, after names
//! have been resolved: a name may lead anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::Host;

/// Networks that are nobody's on the public internet.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What the operator allows besides the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    hosts: Vec<String>,
    nets: Vec<IpNet>,
}

impl Allowed {
    /// Reads what is allowed: names of hosts, addresses, and networks such as
    /// `10.1.0.0/16`. A name is allowed wherever it leads.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut allowed = Self::default();
        for entry in entries.into_iter().map(str::trim).filter(|it| !it.is_empty()) {
            if let Ok(net) = entry.parse() {
                allowed.nets.push(net);
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                allowed.nets.push(address.into());
            } else {
                allowed.hosts.push(entry.trim_end_matches('.').to_ascii_lowercase());
            }
        }
        allowed
    }

    /// Whether a crawl may connect there.
    pub(super) fn address(&self, address: IpAddr) -> bool {
        is_public(address) || self.nets.iter().any(|it| it.contains(&address.to_canonical()))
    }

    /// Whether a crawl may connect to wherever this name leads.
    pub(super) fn name(&self, name: &str) -> bool {
        self.hosts.iter().any(|it| it.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }

    /// Whether this is worth trying: an address is looked at here and now, a
    /// name once it is resolved.
    pub(super) fn host(&self, host: &Host<&str>) -> bool {
        match host {
            Host::Domain(_) => true,
            Host::Ipv4(it) => self.address(IpAddr::V4(*it)),
            Host::Ipv6(it) => self.address(IpAddr::V6(*it)),
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let within = |(net, length): &(Ipv4Addr, u32)| {
        let mask = u32::MAX << (32 - length);
        bits & mask == net.to_bits() & mask
    };
    !NOT_PUBLIC_V4.iter().any(within)
}

/// Public are those under `2000::/3`, except what is set aside there; and what
/// stands for an address of the old kind is what that one is.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let it = address.segments();
    let embedded = |high: u16, low: u16| {
        is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
    };
    match it {
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, documentation, benchmarks and other things set aside.
        [0x2001, second, ..] => 0x01FF < second && second != 0x0DB8,
        [0x3FFF, ..] => false,
        [first, ..] => first & 0xE000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones_however_they_are_written() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.9.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
        ];
        for it in private {
            assert!(!is_public(it.parse().unwrap()), "{it}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:4860::1",
        ];
        for it in public {
            assert!(is_public(it.parse().unwrap()), "{it}");
        }
    }

    #[test]
    fn an_operator_may_allow_names_addresses_and_networks() {
        let allowed = Allowed::new(["127.0.0.1", " 10.1.0.0/16", "Intranet.example.", "fd00::/8"]);
        let address = |it: &str| allowed.address(it.parse().unwrap());
        assert!(address("127.0.0.1") && address("::ffff:127.0.0.1"));
        assert!(address("10.1.9.9") && address("fd12::1"));
        assert!(!address("127.0.0.2") && !address("10.2.0.1") && !address("fc00::1"));
        assert!(allowed.name("intranet.example") && allowed.name("INTRANET.example."));
        assert!(!allowed.name("other.example"));
        assert!(!Allowed::default().address("127.0.0.1".parse().unwrap()));
    }
}
