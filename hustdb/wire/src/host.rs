//! The address of a node as tables, debts and configurations spell it: `name:port`, `1.2.3.4:port`, `[v6]:port`.
//!
//! The spelling is a host's identity towards people and in folder names, so it is kept; two spellings are the same
//! host when names are equal without case, or addresses by value, and ports are equal.

use std::{
    fmt,
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};

/// The longest host with its port, in bytes.
pub const HOST_MAX_BYTES: usize = 255;

/// A host with its port. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    text: Box<str>,
    place: Place,
    port: u16,
}

/// Where a host is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// At an address; IPv4 in IPv6 counts as IPv4.
    Address(IpAddr),
    /// Wherever this name leads, in lower case.
    Name(Box<str>),
}

impl Host {
    /// The host as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

impl FromStr for Host {
    type Err = &'static str;

    /// The host, or what is wrong with it.
    fn from_str(text: &str) -> Result<Host, &'static str> {
        if text.len() > HOST_MAX_BYTES {
            return Err("over 255 bytes");
        }
        let (place, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or("no closing bracket")?;
                let address: Ipv6Addr = address.parse().map_err(|_| "no IPv6 address in brackets")?;
                (Place::Address(IpAddr::V6(address).to_canonical()), rest.strip_prefix(':').ok_or("no port")?)
            }
            None => {
                let (name, port) = text.rsplit_once(':').ok_or("no port")?;
                (place(name)?, port)
            }
        };
        Ok(Host(Arc::new(Inner { text: text.into(), place, port: self::port(port)? })))
    }
}

fn place(name: &str) -> Result<Place, &'static str> {
    if name.contains(':') {
        return Err("an IPv6 address needs brackets");
    }
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(Place::Address(IpAddr::V4(address)));
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let mut labels = name.split('.');
    if !labels.clone().all(|label| !label.is_empty() && label.bytes().all(legal)) {
        return Err("no legal host name");
    }
    // Resolvers read such names as addresses, each in its own way.
    if labels.next_back().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err("neither an IPv4 address nor a name");
    }
    Ok(Place::Name(name.to_ascii_lowercase().into()))
}

fn port(text: &str) -> Result<u16, &'static str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain).ok_or("port is not in 1..65535")
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.port, &self.0.place) == (other.0.port, &other.0.place)
    }
}

impl Eq for Host {}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.port, &self.0.place).hash(state);
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        let address = |text: &str| Place::Address(text.parse().unwrap());
        let table = [
            ("10.0.0.1:8085", address("10.0.0.1"), 8085),
            ("[::1]:1", address("::1"), 1),
            ("[::ffff:10.0.0.1]:65535", address("10.0.0.1"), 65_535),
            ("Node-1.example_x:80", Place::Name("node-1.example_x".into()), 80),
            ("1a:80", Place::Name("1a".into()), 80),
        ];
        for (text, place, port) in table {
            let host: Host = text.parse().unwrap();
            assert_eq!((host.as_str(), host.place(), host.port()), (text, &place, port));
        }
        let long = format!("{}:80", "a".repeat(252));
        assert_eq!(long.parse::<Host>().unwrap().as_str().len(), 255);
    }

    #[test]
    fn refuses_the_rest() {
        let long = format!("{}:80", "a".repeat(253));
        let table = [
            ("", "no port"),
            ("nohost", "no port"),
            ("[::1]", "no port"),
            ("[::1]8085", "no port"),
            ("[::1:80", "no closing bracket"),
            ("[10.0.0.1]:80", "no IPv6 address in brackets"),
            ("[fe80::1%eth0]:80", "no IPv6 address in brackets"),
            ("::1:80", "an IPv6 address needs brackets"),
            ("http://a:80", "an IPv6 address needs brackets"),
            (":80", "no legal host name"),
            ("a b:80", "no legal host name"),
            ("u@a:80", "no legal host name"),
            ("a/b:80", "no legal host name"),
            ("a..b:80", "no legal host name"),
            ("a\n:80", "no legal host name"),
            ("é:80", "no legal host name"),
            ("1.2.3:80", "neither an IPv4 address nor a name"),
            ("256.1.1.1:80", "neither an IPv4 address nor a name"),
            ("a:", "port is not in 1..65535"),
            ("a:0", "port is not in 1..65535"),
            ("a:080", "port is not in 1..65535"),
            ("a:+80", "port is not in 1..65535"),
            ("a:65536", "port is not in 1..65535"),
            ("a:80/", "port is not in 1..65535"),
            (&long, "over 255 bytes"),
        ];
        for (text, wrong) in table {
            assert_eq!(text.parse::<Host>().unwrap_err(), wrong, "{text:?}");
        }
    }

    #[test]
    fn compares_by_what_is_meant() {
        let host = |text: &str| text.parse::<Host>().unwrap();
        assert_eq!(host("Node:80"), host("nODE:80"));
        assert_eq!(host("[::1]:80"), host("[0:0::0:1]:80"));
        assert_eq!(host("[::ffff:1.2.3.4]:80"), host("1.2.3.4:80"));
        assert_ne!(host("node:80"), host("node:81"));
        assert_ne!(host("node:80"), host("node2:80"));
        let set: HashSet<Host> = ["A:1", "a:1", "[::1]:1", "[0::1]:1"].map(host).into();
        assert_eq!(set.len(), 2);
        assert_eq!(host("Node:80").to_string(), "Node:80");
    }
}
