//! The access list: which peers may speak to us.
//!
//! Entries are addresses, `a-b` ranges and CIDR blocks of both families; an IPv4 peer on an IPv6 socket counts as
//! IPv4. An empty list lets everybody in; a list that cannot be read is an error, never everybody.

use std::net::IpAddr;

use ipnet::IpNet;

/// A list of address ranges.
#[derive(Debug, Clone, Default)]
pub struct Access {
    ranges: Vec<(IpAddr, IpAddr)>,
}

impl Access {
    /// Reads a list; the error is one line that names the entry.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Access, String> {
        let ranges = entries.iter().map(|entry| range(entry.as_ref())).collect::<Result<_, _>>()?;
        Ok(Access { ranges })
    }

    /// Whether `peer` may speak to us.
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.ranges.is_empty() || self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&peer))
    }
}

fn range(entry: &str) -> Result<(IpAddr, IpAddr), String> {
    let address = |text: &str| text.trim().parse::<IpAddr>().map(|address| address.to_canonical()).ok();
    let read = match (entry.split_once('/'), entry.split_once('-')) {
        (Some(_), _) => entry.trim().parse::<IpNet>().ok().map(block),
        (None, Some((low, high))) => address(low).zip(address(high)),
        (None, None) => address(entry).map(|address| (address, address)),
    };
    match read {
        Some((low, high)) if low.is_ipv4() == high.is_ipv4() && low <= high => Ok((low, high)),
        _ => Err(format!("{entry:?} is no address, a-b range or CIDR block")),
    }
}

fn block(net: IpNet) -> (IpAddr, IpAddr) {
    let (low, high) = (net.network(), net.broadcast());
    let mapped = |address: IpAddr| matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    if mapped(low) && mapped(high) { (low.to_canonical(), high.to_canonical()) } else { (low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_what_is_listed() {
        let entries =
            ["10.0.0.1", "192.168.1.10-192.168.1.20", "172.16.0.0/12", "::1", "fd00::/8", "fe80::1-fe80::f"];
        let access = Access::parse(&entries).unwrap();
        let yes = [
            "10.0.0.1",
            "::ffff:10.0.0.1",
            "192.168.1.10",
            "192.168.1.20",
            "172.31.255.255",
            "::1",
            "fdab::1",
            "fe80::f",
        ];
        let no = [
            "10.0.0.2",
            "192.168.1.9",
            "192.168.1.21",
            "172.32.0.0",
            "::2",
            "fe00::1",
            "fe80::10",
            "::ffff:1.1.1.1",
        ];
        for peer in yes {
            assert!(access.allows(peer.parse().unwrap()), "{peer}");
        }
        for peer in no {
            assert!(!access.allows(peer.parse().unwrap()), "{peer}");
        }
        let mapped = Access::parse(&["::ffff:10.0.0.0/104"]).unwrap();
        assert!(mapped.allows("10.200.0.1".parse().unwrap()));
        assert!(!mapped.allows("11.0.0.1".parse().unwrap()));
    }

    #[test]
    fn an_empty_list_is_everybody_and_a_bad_one_an_error() {
        assert!(Access::parse::<&str>(&[]).unwrap().allows("8.8.8.8".parse().unwrap()));
        for bad in [
            "",
            "10.0.0",
            "10.0.0.1/33",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-::1",
            "host",
            "10.0.0.1-",
            "1.1.1.1/",
        ] {
            assert!(Access::parse(&[bad]).unwrap_err().contains("is no address"), "{bad}");
        }
    }
}
