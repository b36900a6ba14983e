//! Which proxy stands before a target: what the control and the environment say is read as a slow
//! model reads it, and `no_proxy` covers what the model says, label by label and bit by bit.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyws::http::uri::MAX_URI_BYTES;
use anyws::http::{Host, Uri};
use anyws::transport::no_proxy::{covers, is_loopback};
use anyws::transport::proxy::{Proxy, for_target};
use libfuzzer_sys::fuzz_target;

/// `socks5h` and the like.
const SCHEMES: [(&str, u16); 4] =
    [("http", 1080), ("https", 443), ("socks5", 1080), ("socks5h", 1080)];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let target = Uri::parse(target).or_else(|_| Uri::parse(&format!("ws://{target}")));
    let target = target.unwrap_or_else(|_| Uri::parse("wss://a.example.com:8443/").expect("good"));
    let control = lines.next().unwrap_or_default();
    let variables: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
    let variable = |wanted: &str| {
        let found = variables.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| (*value).to_owned())
    };
    for text in [control].into_iter().chain(variables.iter().map(|(_, value)| *value)) {
        is_read_as(text, &Proxy::parse(text).map_err(|_| ()));
        assert_eq!(covers(text, &target), is_covered(text, &target), "{text:?} {target:?}");
    }
    assert_eq!(is_loopback(target.host()), is_this_machine(target.host()));
    let chosen = for_target(control, &target, variable).map_err(|fault| fault.variable);
    let expected = choice(control, &target, &variable);
    assert_eq!(chosen, expected, "{control:?} {variables:?}");
});

/// What curl's manual says of the variables, one after the other.
fn choice(
    control: &str,
    target: &Uri,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, &'static str> {
    if !control.is_empty() {
        return Proxy::parse(control).map_err(|_| "PROXY");
    }
    let mut names = match (target.is_secure(), variable("REQUEST_METHOD")) {
        (true, _) => vec!["https_proxy", "HTTPS_PROXY"],
        (false, None) => vec!["http_proxy", "HTTP_PROXY"],
        // Whoever asks a CGI program sets HTTP_PROXY there.
        (false, Some(_)) => vec!["http_proxy"],
    };
    names.extend(["all_proxy", "ALL_PROXY"]);
    let Some(name) = names.into_iter().find(|name| variable(name).is_some()) else {
        return Ok(None);
    };
    let exceptions = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if is_this_machine(target.host()) || is_covered(&exceptions, target) {
        return Ok(None);
    }
    Proxy::parse(variable(name).unwrap_or_default().trim()).map_err(|_| name)
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Name(name) => labels(name).first() == Some(&"localhost"),
        Host::V4(address) => address.octets()[0] == 127,
        Host::V6 { address, .. } => {
            let segments = address.segments();
            segments == [0, 0, 0, 0, 0, 0, 0, 1]
                || segments[..6] == [0, 0, 0, 0, 0, 0xffff] && segments[6] >> 8 == 127
        }
    }
}

/// The last first.
fn labels(name: &str) -> Vec<&str> {
    name.strip_suffix('.').unwrap_or(name).rsplit('.').collect()
}

fn is_covered(list: &str, target: &Uri) -> bool {
    let is_separator = |c: char| c == ',' || c.is_whitespace();
    list.split(is_separator).any(|entry| !entry.is_empty() && is_covered_by(entry, target))
}

fn is_covered_by(entry: &str, target: &Uri) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some(at) = entry.find('/') {
        let (block, count) = (&entry[..at], &entry[at + 1..]);
        let inside = block.strip_prefix('[').and_then(|block| block.strip_suffix(']'));
        let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let (Ok(block), Ok(count)) = (inside.unwrap_or(block).parse(), count.parse::<usize>())
        else {
            return false;
        };
        let (block, address) = (bits(block), address(target.host()).map(bits));
        let Some(address) = address.filter(|address| address.len() == block.len()) else {
            return false;
        };
        return is_number && count <= block.len() && block[..count] == address[..count];
    }
    if let Ok(listed) = entry.parse::<IpAddr>() {
        return address(target.host()) == Some(unmapped(listed));
    }
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let Some((listed, port)) = place(entry) else { return false };
    if port.is_some_and(|port| port != target.port()) {
        return false;
    }
    match (&listed, target.host()) {
        (Host::Name(listed), Host::Name(name)) => labels(name).starts_with(&labels(listed)),
        (listed, host) => address(listed).is_some() && address(listed) == address(host),
    }
}

fn address(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Name(_) => None,
        Host::V4(address) => Some(IpAddr::V4(*address)),
        Host::V6 { address, .. } => Some(unmapped(IpAddr::V6(*address))),
    }
}

/// `::ffff:1.2.3.4` is 1.2.3.4.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) if six.octets()[..12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] => {
            let [.., a, b, c, d] = six.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    }
}

fn bits(address: IpAddr) -> Vec<bool> {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect()
}

/// A host, and a port if there is one, of nothing that is anybody's to forgive.
fn place(text: &str) -> Option<(Host, Option<u16>)> {
    let is_strange = |c: char| c.is_control() || " \\/?#@".contains(c);
    if text.len() > MAX_URI_BYTES || text.chars().any(is_strange) {
        return None;
    }
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at(end);
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse::<u16>().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
    };
    if let Some(inside) = host.strip_prefix('[') {
        let inside = inside.strip_suffix(']')?;
        let (address, zone) =
            inside.split_once("%25").map_or((inside, None), |(a, z)| (a, Some(z)));
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_zone = |zone: &str| !zone.is_empty() && zone.bytes().all(is_letter);
        zone.is_none_or(is_zone).then_some(())?;
        let address: Ipv6Addr = address.parse().ok()?;
        return Some((Host::V6 { address, zone: zone.map(str::to_owned) }, port));
    }
    if host.contains('%') {
        return None;
    }
    let host = match url::Host::parse(host).ok()? {
        url::Host::Ipv4(address) => (address.to_string() == host).then_some(Host::V4(address))?,
        url::Host::Ipv6(_) => return None,
        url::Host::Domain(name) => {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let is_label =
                |label: &&str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
            let is_name = labels(&name).iter().all(is_label);
            (is_name && name.trim_end_matches('.').len() <= 253).then_some(Host::Name(name))?
        }
    };
    Some((host, port))
}

/// The name of a proxy, taken apart from its front.
fn is_read_as(text: &str, ours: &Result<Option<Proxy>, ()>) {
    if let Ok(Some(proxy)) = ours {
        let shown = proxy.to_string();
        let again =
            Proxy::parse(&shown.replace('%', "%25")).map(|again| again.map(|p| p.to_string()));
        assert_eq!(again, Ok(Some(shown)));
    }
    let expected = read(text);
    let ours = ours.as_ref().map(|proxy| {
        proxy.as_ref().map(|proxy| {
            let scheme = proxy.to_string().split(':').next().map(str::to_owned);
            let login = proxy.credential().map(|c| (c.user().to_owned(), c.password().to_owned()));
            assert_eq!(proxy.is_secure(), matches!(proxy, Proxy::Https(_)));
            (scheme.unwrap_or_default(), proxy.host().clone(), proxy.port(), login)
        })
    });
    assert_eq!(ours.ok(), expected, "{text:?}");
}

type Named = (String, Host, u16, Option<(String, String)>);

/// Scheme, host, port and login; `None` when it names nothing, not even that there is none.
fn read(text: &str) -> Option<Option<Named>> {
    if ["", "direct:", "direct://"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some(None);
    }
    let (scheme, rest) = match text.find("://") {
        Some(at) => (&text[..at], &text[at + 3..]),
        None => ("http", text),
    };
    let mut schemes = SCHEMES.into_iter();
    let (scheme, default) = schemes.find(|(known, _)| known.eq_ignore_ascii_case(scheme))?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (login, rest) = match rest.rfind('@') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let (host, port) = place(rest).filter(|_| text.len() <= MAX_URI_BYTES)?;
    let login = match login {
        Some(login) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            Some((decoded(user)?, decoded(password)?))
        }
        None => None,
    };
    Some(Some((scheme.to_owned(), host, port.unwrap_or(default), login)))
}

/// RFC 3986 §2.1, and no control characters.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let digits = part.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.bytes().any(|byte| byte.is_ascii_control()))
}
