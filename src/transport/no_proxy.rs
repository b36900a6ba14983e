//! Targets that no proxy is asked for: loopback, and what `no_proxy` lists.
//!
//! Hosts come from the one parser of addresses, so that no spelling slips through. An entry that
//! cannot be read covers nothing, as everywhere. Refuses to know where the list comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::http::uri::{self, Host, Uri};

/// Whether it is this machine by its very name: `localhost` and names below it (RFC 6761 §6.3), or a
/// loopback address.
pub fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Name(_) => is_within(host.server_name(), "localhost"),
        Host::V4(address) => address.is_loopback(),
        Host::V6 { address, .. } => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}

/// Whether `target` is in a list as `no_proxy` has it: separated by commas or white space, each
/// entry a name (and all below it), an address, a block of addresses, or `*` for all.
pub fn covers(list: &str, target: &Uri) -> bool {
    list.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
        .any(|entry| entry_covers(entry, target))
}

fn entry_covers(entry: &str, target: &Uri) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((block, bits)) = entry.split_once('/') {
        return block_covers(block, bits, target.host());
    }
    // Without brackets an IPv6 address has no port.
    if let Ok(address) = entry.parse::<IpAddr>() {
        return address_of(target.host()) == Some(canonical(address));
    }
    // `.example.com` and `*.example.com` are `example.com` and all below it.
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let Ok((host, port)) = uri::parse_authority(entry) else { return false };
    if port.is_some_and(|port| port != target.port()) {
        return false;
    }
    match (&host, target.host()) {
        (Host::Name(_), Host::Name(_)) => {
            is_within(target.host().server_name(), host.server_name())
        }
        (host, target) => address_of(host).is_some() && address_of(host) == address_of(target),
    }
}

/// Whether `name` is `domain` or a name below it. Both in lower case, without a trailing dot.
fn is_within(name: &str, domain: &str) -> bool {
    match name.strip_suffix(domain) {
        Some(before) => before.is_empty() || before.ends_with('.'),
        None => false,
    }
}

fn block_covers(block: &str, bits: &str, host: &Host) -> bool {
    // `u32::from_str` takes a sign.
    if !bits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let block = block.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(block);
    let (Ok(block), Ok(bits)) = (block.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (block, address_of(host)) {
        (IpAddr::V4(block), Some(IpAddr::V4(address))) if bits <= Ipv4Addr::BITS => {
            let rest = Ipv4Addr::BITS - bits;
            block.to_bits().checked_shr(rest) == address.to_bits().checked_shr(rest)
        }
        (IpAddr::V6(block), Some(IpAddr::V6(address))) if bits <= Ipv6Addr::BITS => {
            let rest = Ipv6Addr::BITS - bits;
            block.to_bits().checked_shr(rest) == address.to_bits().checked_shr(rest)
        }
        _ => false,
    }
}

fn address_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Name(_) => None,
        Host::V4(address) => Some(IpAddr::V4(*address)),
        Host::V6 { address, .. } => Some(canonical(IpAddr::V6(*address))),
    }
}

/// `::ffff:1.2.3.4` is 1.2.3.4.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(list: &str, target: &str) -> bool {
        covers(list, &Uri::parse(target).unwrap())
    }

    #[test]
    fn loopback_is_known_by_name_and_address() {
        let is = |target: &str| is_loopback(Uri::parse(target).unwrap().host());
        for target in [
            "ws://localhost",
            "wss://LocalHost.:81/x",
            "ws://a.localhost",
            "ws://a.b.localhost.",
            "ws://127.0.0.1",
            "ws://127.255.255.254",
            "ws://[::1]:1",
            "ws://[::ffff:127.0.0.1]",
        ] {
            assert!(is(target), "{target}");
        }
        for target in [
            "ws://localhost.example.com",
            "ws://notlocalhost",
            "ws://128.0.0.1",
            "ws://0.0.0.0",
            "ws://[::2]",
            "ws://[::]",
            "ws://[::ffff:128.0.0.1]",
        ] {
            assert!(!is(target), "{target}");
        }
    }

    #[test]
    fn names_cover_themselves_and_what_is_below() {
        for entry in ["example.com", ".example.com", "*.example.com", "EXAMPLE.com", "example.com."]
        {
            for target in ["ws://example.com", "wss://a.example.com:81/x", "ws://A.B.Example.Com."]
            {
                assert!(covered(entry, target), "{entry} {target}");
            }
            for target in [
                "ws://notexample.com",
                "ws://example.com.evil",
                "ws://com",
                "ws://example.co",
                "ws://1.2.3.4",
            ] {
                assert!(!covered(entry, target), "{entry} {target}");
            }
        }
        assert!(covered("bücher.example", "ws://a.xn--bcher-kva.example"));
        assert!(!covered("a.example.com", "ws://example.com"));
    }

    #[test]
    fn a_port_narrows_an_entry() {
        for (entry, target, is) in [
            ("h:80", "ws://h", true),
            ("h:80", "wss://h", false),
            ("h:443", "wss://a.h", true),
            (".h:8443", "wss://a.h:8443", true),
            ("h:8443", "wss://h", false),
            ("1.2.3.4:81", "ws://1.2.3.4:81", true),
            ("1.2.3.4:81", "ws://1.2.3.4", false),
            ("[2001:db8::1]:81", "ws://[2001:db8::1]:81", true),
            ("[2001:db8::1]:81", "ws://[2001:db8::1]", false),
        ] {
            assert_eq!(covered(entry, target), is, "{entry} {target}");
        }
    }

    #[test]
    fn addresses_are_compared_as_addresses() {
        for (entry, target, is) in [
            ("1.2.3.4", "ws://1.2.3.4:99", true),
            ("1.2.3.4", "ws://11.2.3.4", false),
            ("2.3.4", "ws://1.2.3.4", false),
            ("4", "ws://1.2.3.4", false),
            ("::1:2", "ws://[0:0::1:2]", true),
            ("[::1:2]", "ws://[::1:2]:81", true),
            ("1.2.3.4", "ws://[::ffff:1.2.3.4]", true),
            ("::ffff:1.2.3.4", "ws://1.2.3.4", true),
            ("fe80::1", "ws://[fe80::1%25eth0]", true),
            ("1.2.3.4", "ws://h", false),
        ] {
            assert_eq!(covered(entry, target), is, "{entry} {target}");
        }
    }

    #[test]
    fn blocks_cover_their_addresses() {
        for (entry, target, is) in [
            ("10.0.0.0/8", "ws://10.255.0.1", true),
            ("10.1.2.3/8", "ws://10.255.0.1", true),
            ("10.0.0.0/8", "ws://11.0.0.1", false),
            ("192.168.4.0/22", "ws://192.168.7.255", true),
            ("192.168.4.0/22", "ws://192.168.8.0", false),
            ("1.2.3.4/32", "ws://1.2.3.4", true),
            ("1.2.3.4/32", "ws://1.2.3.5", false),
            ("0.0.0.0/0", "ws://9.9.9.9", true),
            ("0.0.0.0/0", "ws://[2001:db8::1]", false),
            ("0.0.0.0/0", "ws://h", false),
            ("2001:db8::/32", "ws://[2001:db8:1::1]", true),
            ("[2001:db8::]/32", "ws://[2001:db9::1]", false),
            ("::/0", "ws://[2001:db8::1]", true),
            ("2001:db8::1/128", "ws://[2001:db8::1]", true),
            ("10.0.0.0/8", "ws://[::ffff:10.1.1.1]", true),
            ("10.0.0.0/33", "ws://10.0.0.0", false),
            ("::/129", "ws://[::2]", false),
            ("10.0.0.0/", "ws://10.0.0.0", false),
            ("10.0.0.0/-1", "ws://10.0.0.0", false),
            ("10.0.0.0/+8", "ws://10.0.0.0", false),
            ("h/8", "ws://h", false),
        ] {
            assert_eq!(covered(entry, target), is, "{entry} {target}");
        }
    }

    #[test]
    fn a_list_has_any_separators_and_a_star_for_all() {
        for list in ["a,h", "a, h ,b", " h ", "a h", "a\th", ",,h,", "*", "a,*", "a, <local>,h"] {
            assert!(covered(list, "wss://h/x"), "{list:?}");
        }
        for list in ["", " ", ",", "a,b", "**", "*.", ".", "h/", "<local>", "h:x", "h:0", "[h]"] {
            assert!(!covered(list, "wss://h/x"), "{list:?}");
        }
    }
}
