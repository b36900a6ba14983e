//! Addresses, good and bad.

use super::*;

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap_or_else(|fault| panic!("{text:?}: {fault}"))
}

fn fault(text: &str) -> UriFault {
    match Uri::parse(text) {
        Ok(uri) => panic!("{text:?} was read as {uri:?}"),
        Err(fault) => fault,
    }
}

#[test]
fn a_plain_address_gives_every_part() {
    let uri = uri("ws://Example.COM:8080/chat/./a/../b?x=1&y=%20");
    assert!(!uri.is_secure());
    assert_eq!(*uri.host(), Host::Name("example.com".into()));
    assert_eq!(uri.port(), 8080);
    assert_eq!(uri.authority(), "example.com:8080");
    assert_eq!(uri.target(), "/chat/b?x=1&y=%20");
    assert_eq!(uri.as_str(), "ws://example.com:8080/chat/b?x=1&y=%20");
}

#[test]
fn the_default_port_is_known_and_not_written() {
    for text in ["wss://h", "WSS://h:443", "wSs://h:/", "wss://h:00443/"] {
        let uri = uri(text);
        assert!(uri.is_secure());
        assert_eq!((uri.port(), uri.authority(), uri.as_str()), (443, "h".into(), "wss://h/"));
    }
    assert_eq!(uri("ws://h").port(), 80);
    assert_eq!(uri("ws://h:443").authority(), "h:443");
    assert_eq!(uri("ws://h:65535").port(), 65535);
    assert_eq!(uri("ws://h:1").port(), 1);
}

#[test]
fn the_target_is_never_empty() {
    assert_eq!(uri("ws://h").target(), "/");
    assert_eq!(uri("ws://h?q").target(), "/?q");
    assert_eq!(uri("ws://h/?").target(), "/?");
    assert_eq!(uri("ws://h?a/b@c:d").target(), "/?a/b@c:d");
    assert_eq!(uri("ws://h//other/x").target(), "//other/x");
}

#[test]
fn escapes_in_the_target_stay_escaped() {
    assert_eq!(uri("ws://h/%00%0d%0a?%0D%0A").target(), "/%00%0d%0a?%0D%0A");
    assert_eq!(uri("ws://h/é?ü").target(), "/%C3%A9?%C3%BC");
}

#[test]
fn the_target_is_always_visible_ascii() {
    for c in (0u32..0x3000).filter_map(char::from_u32) {
        if let Ok(uri) = Uri::parse(&format!("ws://h/{c}?{c}")) {
            assert!(uri.target().bytes().all(|b| b.is_ascii_graphic()), "{c:?}");
            assert!(uri.target().starts_with('/'));
        }
    }
}

#[test]
fn forbidden_characters_are_refused_wherever_they_stand() {
    let whole = "wss://host.example:80/path?query";
    for c in (0u8..=0x20).chain([0x7f, b'\\']).map(char::from).chain(['\u{85}', '\u{9f}']) {
        for at in 0..=whole.len() {
            let text = format!("{}{c}{}", &whole[..at], &whole[at..]);
            assert_eq!(fault(&text), UriFault::ForbiddenCharacter, "{text:?}");
        }
    }
}

#[test]
fn what_is_no_websocket_address_is_refused_by_name() {
    use UriFault::*;
    for (text, expected) in [
        ("", Empty),
        ("w", NotAbsolute),
        ("host", NotAbsolute),
        ("/path", NotAbsolute),
        ("//host:80/path", NotAbsolute),
        ("ws", NotAbsolute),
        ("ws:", NotAbsolute),
        ("ws:host", NotAbsolute),
        ("ws:/host", NotAbsolute),
        (":", NotAbsolute),
        ("http:", UnsupportedScheme),
        ("http://h/", UnsupportedScheme),
        ("localhost:80", UnsupportedScheme),
        ("ws+unix://h", UnsupportedScheme),
        ("ſws://h", NotAbsolute),
        ("ws://", NoHost),
        ("ws:///", NoHost),
        ("ws:///host", NoHost),
        ("ws://?q", NoHost),
        ("ws://:80", NoHost),
        ("ws://h#", Fragment),
        ("ws://h/#x", Fragment),
        ("ws://h?q#", Fragment),
        ("ws://user@h", UserInfo),
        ("ws://user:secret@h/", UserInfo),
        ("ws://@h", UserInfo),
        ("ws://h:0", BadPort),
        ("ws://h:65536", BadPort),
        ("ws://h:99999999999999999999", BadPort),
        ("ws://h:-1", BadPort),
        ("ws://h:+80", BadPort),
        ("ws://h:8o", BadPort),
        ("ws://h:８０", BadPort),
        ("ws://[::1]:x", BadPort),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn hosts_that_are_not_what_they_look_like_are_refused() {
    for host in [
        "1.2.3",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3.4.",
        "1.2.3.4.5",
        "256.1.1.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "%31.2.3.4",
        "ex%61mple.com",
        "a%00b",
        "a%0d%0ab",
        "a%2fb",
        "[::1",
        "::1]",
        "[]",
        "[::1]x",
        "::1",
        "2001:db8::1",
        "[::g]",
        "[1.2.3.4]",
        "[v1.x]",
        "[::1%]",
        "[::1%lo]",
        "[::1%25]",
        "[::1%25a%20b]",
        "[::1%25a/b]",
        ".",
        "..",
        "a..b",
        ".a",
        "a\"b",
        "a{b",
        "a<b",
        "a|b",
        "a^b",
        "a!b",
        "a*b",
        "xn--",
        "xn--a",
        "xn--99999999999",
        "a／b",
        "a＠b",
        "a：80",
        "\u{200b}",
        "\u{ad}",
        "[::1]]",
        "[[::1]]",
    ] {
        assert_eq!(fault(&format!("ws://{host}/")), UriFault::BadHost, "{host:?}");
    }
    let long = "a".repeat(64);
    assert_eq!(fault(&format!("ws://{long}/")), UriFault::BadHost);
    assert_eq!(fault(&format!("ws://{}/", ["a"; 128].join("."))), UriFault::BadHost);
}

#[test]
fn a_name_of_the_longest_legal_form_is_read() {
    let label = "a".repeat(63);
    let name = [&label[..], &label, &label, &label[..61]].join(".");
    assert_eq!(name.len(), 253);
    assert_eq!(uri(&format!("ws://{name}/")).host().server_name(), name);
    assert_eq!(uri(&format!("ws://{name}./")).host().server_name(), name);
}

#[test]
fn international_names_become_ascii() {
    assert_eq!(*uri("ws://BÜCHER.example").host(), Host::Name("xn--bcher-kva.example".into()));
    assert_eq!(uri("ws://xn--bcher-kva.example"), uri("ws://bücher.example/"));
}

#[test]
fn a_trailing_dot_is_kept_for_dns_and_dropped_for_the_certificate() {
    let uri = uri("wss://example.com./");
    assert_eq!(*uri.host(), Host::Name("example.com.".into()));
    assert_eq!(uri.host().server_name(), "example.com");
    assert_eq!(uri.authority(), "example.com.");
}

#[test]
fn addresses_are_read_as_addresses() {
    assert_eq!(*uri("ws://127.0.0.1").host(), Host::V4(Ipv4Addr::LOCALHOST));
    let six = uri("ws://[0:0::0001]:81/");
    assert_eq!(*six.host(), Host::V6 { address: Ipv6Addr::LOCALHOST, zone: None });
    assert_eq!(six.authority(), "[::1]:81");
    assert_eq!(six.as_str(), "ws://[::1]:81/");
    assert_eq!(six.host().server_name(), "");
    assert_eq!(six.host().to_string(), "::1");
}

#[test]
fn a_zone_is_kept_for_the_connection_and_never_sent() {
    let uri = uri("ws://[fe80::1%25eth0.1]:81/x");
    let zone = Some("eth0.1".to_owned());
    assert_eq!(*uri.host(), Host::V6 { address: "fe80::1".parse().unwrap(), zone });
    assert_eq!(uri.authority(), "[fe80::1]:81");
    assert_eq!(uri.as_str(), "ws://[fe80::1%25eth0.1]:81/x");
    assert_eq!(uri.host().to_string(), "fe80::1%eth0.1");
}

#[test]
fn the_length_limit_is_exact() {
    let base = "ws://h/";
    let longest = format!("{base}{}", "a".repeat(MAX_URI_BYTES - base.len()));
    assert_eq!(uri(&longest).as_str(), longest);
    assert_eq!(fault(&format!("{longest}a")), UriFault::TooLong);
    assert_eq!(fault(&"a".repeat(1 << 20)), UriFault::TooLong);
}

#[test]
fn the_normal_form_parses_to_itself() {
    for text in [
        "ws://h",
        "wss://H:80/a%20b",
        "ws://h/a/../b?c='",
        "wss://[::ffff:1.2.3.4]",
        "ws://[fe80::1%25lo]",
        "ws://ü.example./ü?ü",
        "ws://h/%zz|^[]",
        "ws://h?",
        "ws://h//x//",
    ] {
        let once = uri(text);
        assert_eq!(uri(once.as_str()), once, "{text:?}");
    }
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    assert!(uri("ws://h/a").same_origin(&uri("WS://H:80/b")));
    for other in ["wss://h:80/", "ws://h:81/", "ws://h./", "ws://i/"] {
        assert!(!uri("ws://h/").same_origin(&uri(other)), "{other}");
    }
}

#[test]
fn any_mutation_is_read_or_refused_and_never_gains_an_authority() {
    let whole = "wss://host.example:8080/path?query";
    for at in 0..=whole.len() {
        for c in (0u8..=255).map(char::from) {
            let text = format!("{}{c}{}", &whole[..at], &whole[at..]);
            if let Ok(uri) = Uri::parse(&text) {
                let authority = text[6 - usize::from(!uri.is_secure())..].split(['/', '?']).next();
                let shown = authority.unwrap().split(':').next().unwrap().to_lowercase();
                let shown = url::Host::parse(&shown).unwrap().to_string();
                assert_eq!(uri.host().to_string(), shown, "{text:?}");
            }
        }
    }
}

#[test]
fn names_made_to_be_slow_are_refused_like_any_other() {
    for host in ["xn--".to_owned() + &"9".repeat(8000), "ü".repeat(4000), "xn--a.".repeat(1300)] {
        assert_eq!(fault(&format!("ws://{host}/")), UriFault::BadHost);
    }
}

#[test]
fn connect_names_the_port_always_and_a_zone_never() {
    for (text, target) in [
        ("ws://Example.com/x", "example.com:80"),
        ("wss://example.com.", "example.com.:443"),
        ("wss://example.com:8443", "example.com:8443"),
        ("ws://127.0.0.1", "127.0.0.1:80"),
        ("wss://[::1]", "[::1]:443"),
        ("ws://[fe80::1%25eth0]:81/x", "[fe80::1]:81"),
    ] {
        assert_eq!(uri(text).connect_target(), target);
    }
}

#[test]
fn an_authority_is_read_as_in_an_address() {
    let name = |text: &str| Host::Name(text.to_owned());
    let six = Host::from("::1".parse::<IpAddr>().unwrap());
    for (text, host, port) in [
        ("proxy", name("proxy"), None),
        ("Proxy:3128", name("proxy"), Some(3128)),
        ("proxy:", name("proxy"), None),
        ("bücher.example", name("xn--bcher-kva.example"), None),
        ("[::1]", six.clone(), None),
        ("[::1]:81", six, Some(81)),
        ("1.2.3.4:65535", Host::V4(Ipv4Addr::new(1, 2, 3, 4)), Some(65535)),
    ] {
        assert_eq!(parse_authority(text), Ok((host, port)), "{text}");
    }
    for (text, fault) in [
        ("", UriFault::NoHost),
        (":80", UriFault::NoHost),
        ("a b", UriFault::ForbiddenCharacter),
        ("a/b", UriFault::BadHost),
        ("a?b", UriFault::BadHost),
        ("a#b", UriFault::BadHost),
        ("user@a", UriFault::UserInfo),
        ("::1", UriFault::BadHost),
        ("0x7f.1", UriFault::BadHost),
        ("a:0", UriFault::BadPort),
        ("a:x", UriFault::BadPort),
        ("a:65536", UriFault::BadPort),
        (&"a".repeat(MAX_URI_BYTES + 1), UriFault::TooLong),
    ] {
        assert_eq!(parse_authority(text), Err(fault), "{text}");
    }
}

/// What is taken as it stands is what the long way makes of it.
#[test]
fn plain_addresses_are_in_normal_form() {
    let hosts = [
        "localhost",
        "a",
        "a.b",
        "a-b.c-d.e2",
        "localhost.",
        "a.b.",
        "1a.b",
        "1.2.3.4",
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "256.1.1.1",
        "1.2.3",
        "01.2.3.4",
        "1.2.3.4.",
        "0x7f.1",
        "a.1",
        "a.0x1",
        "a.1.",
        "xn--nxasmq6b",
        "xn--a",
        "ab--c.d",
        "-a",
        "a-",
        "-",
        "a..b",
        ".a",
        ".",
        "..",
        "A.b",
        "a_b",
        "4294967295",
        "1",
        "a.b1",
        "a.1b",
        "e1",
        "0xa",
    ];
    let tails = [
        "",
        "/",
        "/a",
        "/a/b",
        "/a/",
        "//",
        "/a//b",
        "?",
        "?a=b",
        "/?",
        "/?a=b&c=d,e",
        "/a?b?c",
        "/.",
        "/..",
        "/a/./b",
        "/a/../b",
        "/a.b",
        "/a./b",
        "/a..b",
        "/...",
        "/?/../a",
        "/?a/.",
        "/~a_b-c",
        "?/../",
        "/a?/./b",
        "/%41",
        "/a%2fb",
        "/ä",
        "/a;b",
        "/a:b",
        "/?'",
    ];
    for (host, tail) in hosts.iter().flat_map(|host| tails.map(|tail| (*host, tail))) {
        let short = plain_host(host).filter(|_| is_plain_tail(tail));
        let Some(plain) = short else { continue };
        let (long, url) = read_host(host, tail).unwrap();
        assert_eq!(plain, long, "{host}{tail}");
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let parsed = Uri::parse(&format!("ws://{host}:81{tail}")).unwrap();
        assert_eq!(parsed.target(), format!("{}{query}", url.path()), "{host}{tail}");
        assert_eq!(parsed.authority(), format!("{host}:81"));
    }
    let refused = ["1.2.3", "01.2.3.4", "a.1", "xn--a", "a..b", "", "A", "256.1.1.1", "ab--c.d"];
    assert!(refused.iter().all(|host| plain_host(host).is_none()));
    assert!(plain_host("example.org").is_some() && plain_host("10.0.0.1").is_some());
}
