//! Who is connected to without a proxy: what `NO_PROXY` says.
//!
//! Every tool reads that variable its own way. Here a name stands for itself and what ends in it behind a dot, an
//! address and a network for addresses that were typed, a port for that port alone. What cannot be read exempts
//! nobody.

use std::net::IpAddr;
use std::str::FromStr;

use crate::Host;

/// Hosts that are connected to directly.
///
/// ```
/// # use streamtask_proto as streamtask;
/// use streamtask::NoProxy;
///
/// let inside = NoProxy::new("localhost, .corp.example, 10.0.0.0/8, build.example:8080");
/// # drop(inside);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Everybody,
    Name(String, Option<u16>),
    Address(IpAddr, Option<u16>),
    /// The first bits of an address.
    Network(IpAddr, u8),
}

impl NoProxy {
    /// Reads a list with commas or spaces between. `example.org` and `.example.org` are both the name and all
    /// below it; `10.0.0.0/8` is for addresses that were typed, as nothing is looked up for this; `host:port`
    /// is that port alone; `*` is everybody. An entry that makes no sense is passed over.
    pub fn new(list: &str) -> Self {
        let words = list.split([',', ' ', '\t']).map(str::trim).filter(|word| !word.is_empty());
        NoProxy(words.filter_map(|word| word.parse().ok()).collect())
    }

    /// Whether this host is among them.
    pub(crate) fn exempts(&self, host: &Host) -> bool {
        self.0.iter().any(|entry| entry.is_for(host))
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        if word == "*" {
            return Ok(Entry::Everybody);
        }
        if let Some((address, bits)) = word.split_once('/') {
            let address: IpAddr = bare(address).parse().map_err(drop)?;
            let bits: u8 = bits.parse().map_err(drop)?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            return if bits <= most { Ok(Entry::Network(address, bits)) } else { Err(()) };
        }
        if let Ok(address) = bare(word).parse() {
            return Ok(Entry::Address(address, None));
        }
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(drop)?)),
            None => (word, None),
        };
        if let Ok(address) = bare(host).parse() {
            return Ok(Entry::Address(address, port));
        }
        let host = host.strip_prefix("*.").unwrap_or(host);
        let name = plain(host.strip_prefix('.').unwrap_or(host));
        match name.is_empty() || name.contains(['*', ':']) {
            true => Err(()),
            false => Ok(Entry::Name(name.to_ascii_lowercase(), port)),
        }
    }
}

impl Entry {
    fn is_for(&self, host: &Host) -> bool {
        let is_port = |port: &Option<u16>| port.is_none_or(|port| port == host.port());
        let typed = host.address().map(|address| address.ip().to_canonical());
        match (self, typed) {
            (Entry::Everybody, _) => true,
            (Entry::Name(name, port), None) => is_port(port) && is_below(name, host.name()),
            (Entry::Address(address, port), Some(typed)) => {
                is_port(port) && address.to_canonical() == typed
            }
            (Entry::Network(network, bits), Some(typed)) => is_within(*network, *bits, typed),
            (Entry::Name(..), Some(_)) | (Entry::Address(..) | Entry::Network(..), None) => false,
        }
    }
}

/// Whether `host` is this name, or ends in it behind a dot.
fn is_below(name: &str, host: &str) -> bool {
    let host = plain(host).to_ascii_lowercase();
    let above = host.strip_suffix(name);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

fn is_within(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let differ = network.to_bits() ^ address.to_bits();
            differ.checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let differ = network.to_bits() ^ address.to_bits();
            differ.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn bare(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

fn plain(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempt(list: &str, host: &str, port: u16) -> bool {
        NoProxy::new(list).exempts(&Host::new(host, port).expect(host))
    }

    #[test]
    fn a_name_stands_for_itself_and_for_all_below_it_and_for_nothing_that_only_ends_so() {
        for list in
            ["example.org", ".example.org", "*.example.org", "x, EXAMPLE.org.", "a example.org"]
        {
            assert!(exempt(list, "example.org", 1), "{list}");
            assert!(exempt(list, "Mail.Example.Org.", 1), "{list}");
            assert!(!exempt(list, "myexample.org", 1), "{list}");
            assert!(!exempt(list, "example.org.evil", 1), "{list}");
        }
    }

    #[test]
    fn a_port_is_that_port_alone() {
        assert!(exempt("example.org:8080", "mail.example.org", 8080));
        assert!(!exempt("example.org:8080", "mail.example.org", 80));
        assert!(
            exempt("[2001:db8::1]:25", "2001:db8::1", 25) && !exempt("127.0.0.1:25", "127.1", 26)
        );
    }

    #[test]
    fn addresses_and_networks_are_for_what_was_typed_in_any_spelling() {
        assert!(exempt("127.0.0.1", "127.1", 1) && exempt("::1", "[::1]", 1));
        assert!(exempt("10.0.0.0/8", "10.200.3.4", 1) && !exempt("10.0.0.0/8", "11.0.0.1", 1));
        assert!(exempt("10.1.2.3/32", "10.1.2.3", 1) && !exempt("10.1.2.3/32", "10.1.2.2", 1));
        assert!(exempt("0.0.0.0/0", "8.8.8.8", 1) && !exempt("0.0.0.0/0", "2001:db8::1", 1));
        assert!(exempt("2001:db8::/32", "2001:db8:1::9", 1) && exempt("::/0", "2001::1", 1));
        assert!(exempt("192.168.0.0/16", "::ffff:192.168.1.1", 1));
        assert!(!exempt("10.0.0.0/8", "ten.example", 1), "nothing is looked up");
    }

    #[test]
    fn everybody_is_exempt_by_a_star_and_nobody_by_what_makes_no_sense() {
        assert!(exempt("*", "anybody", 1) && exempt("a,*", "10.0.0.1", 1));
        for list in ["", ",", "10.0.0.0/33", "10.0.0.0/x", "a*b", "h:port", ".", "/8", "::1/129"] {
            for host in ["anybody", "h", "10.0.0.1", "::1", "a"] {
                assert!(!exempt(list, host, 1), "{list:?} {host}");
            }
        }
    }
}
