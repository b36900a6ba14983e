//! Locations, good and bad, against the addresses they are resolved from.

use super::*;
use crate::http::{Headers, Version};

fn response(locations: &[&[u8]]) -> Response {
    let mut headers = Headers::default();
    for location in locations {
        headers.append("location", *location);
    }
    Response { version: Version::Http11, status: 302, reason: String::new(), headers }
}

fn followed(current: &str, location: &str) -> Result<String, RedirectFault> {
    let current = Uri::parse(current).unwrap();
    follow(&current, &response(&[location.as_bytes()])).map(|uri| uri.as_str().to_owned())
}

#[test]
fn five_statuses_lead_elsewhere() {
    let all: Vec<u16> = (0..1000).filter(|&status| is_redirect(status)).collect();
    assert_eq!(all, [301, 302, 303, 307, 308]);
}

#[test]
fn locations_are_resolved_against_the_address_that_was_asked() {
    let current = "ws://h:81/a/b/c?q=1";
    for (location, expected) in [
        ("ws://other/x", "ws://other/x"),
        ("WS://Other:80", "ws://other/"),
        ("http://h:81/x?y", "ws://h:81/x?y"),
        ("https://h/x", "wss://h/x"),
        ("wss://h:81/", "wss://h:81/"),
        ("HTTPS://[::1]:444/", "wss://[::1]:444/"),
        ("http://h:80/", "ws://h/"),
        ("//other", "ws://other/"),
        ("//other:82/x/../y", "ws://other:82/y"),
        ("/", "ws://h:81/"),
        ("/x?y=z", "ws://h:81/x?y=z"),
        ("/x:y", "ws://h:81/x:y"),
        ("/x://y", "ws://h:81/x://y"),
        ("/..//other/", "ws://h:81//other/"),
        ("/.//other/", "ws://h:81//other/"),
        ("d", "ws://h:81/a/b/d"),
        ("./d", "ws://h:81/a/b/d"),
        ("../d", "ws://h:81/a/d"),
        ("../../../../d?e", "ws://h:81/d?e"),
        ("d/e", "ws://h:81/a/b/d/e"),
        ("d?e:f", "ws://h:81/a/b/d?e:f"),
        (".", "ws://h:81/a/b/"),
        ("..", "ws://h:81/a/"),
        ("?r=2", "ws://h:81/a/b/c?r=2"),
        ("?", "ws://h:81/a/b/c?"),
        ("/é", "ws://h:81/%C3%A9"),
        ("/%2e%2e/x", "ws://h:81/x"),
        ("ws://bücher.example", "ws://xn--bcher-kva.example/"),
        ("1a:b", "ws://h:81/a/b/1a:b"),
    ] {
        assert_eq!(followed(current, location).as_deref(), Ok(expected), "{location}");
    }
    for (current, location, expected) in [
        ("wss://h", "x", "wss://h/x"),
        ("wss://h?q", "?r", "wss://h/?r"),
        ("wss://h/a?b/c", "d", "wss://h/d"),
        ("wss://h/a/", "d", "wss://h/a/d"),
        ("wss://h/a", "//i:443/", "wss://i/"),
        ("ws://[fe80::1%25eth0]:81/a", "/b", "ws://[fe80::1%25eth0]:81/b"),
    ] {
        assert_eq!(followed(current, location).as_deref(), Ok(expected), "{current} {location}");
    }
}

#[test]
fn what_cannot_be_followed_is_refused_by_name() {
    use RedirectFault::*;
    for (location, fault) in [
        ("", NoLocation),
        ("file:///etc/passwd", UnsupportedScheme),
        ("javascript:alert(1)", UnsupportedScheme),
        ("ftp://h/", UnsupportedScheme),
        ("data:,x", UnsupportedScheme),
        ("localhost:80/x", UnsupportedScheme),
        ("ws+unix://h/", UnsupportedScheme),
        ("mailto:a@b", UnsupportedScheme),
        ("ws://user@h/", UserInfo),
        ("http://user:password@h/", UserInfo),
        ("//user@h/", UserInfo),
        ("ws://@h/", UserInfo),
        ("ws://h/#x", Fragment),
        ("/x#", Fragment),
        ("#x", Fragment),
        ("ws://h/?x#user@i", Fragment),
        ("ws:", BadLocation),
        ("ws:h", BadLocation),
        ("http:/h", BadLocation),
        ("http:///h", BadLocation),
        ("ws://", BadLocation),
        ("//", BadLocation),
        ("///h", BadLocation),
        ("ws://h:0", BadLocation),
        ("ws://h:99999", BadLocation),
        ("ws://0x7f.1/", BadLocation),
        ("ws://a..b/", BadLocation),
        ("ws://[::1/", BadLocation),
        ("/a b", BadLocation),
        ("/\\other", BadLocation),
        ("\\\\other", BadLocation),
        ("/\t/other", BadLocation),
        ("/a\u{85}", BadLocation),
        ("/a\u{7f}", BadLocation),
    ] {
        assert_eq!(followed("ws://h:81/a/b", location), Err(fault), "{location:?}");
    }
}

#[test]
fn nothing_leads_from_wss_to_ws() {
    for location in ["ws://h/", "http://h/", "HTTP://h:443/x", "ws://other:443/"] {
        assert_eq!(followed("wss://h/", location), Err(RedirectFault::Downgrade), "{location}");
        assert!(followed("ws://h/", location).is_ok());
    }
    for location in ["wss://h/", "https://other/", "//h/", "/x", "x"] {
        assert!(followed("wss://h/", location).unwrap().starts_with("wss://"), "{location}");
    }
}

#[test]
fn the_location_is_there_once_and_in_utf8() {
    let current = Uri::parse("ws://h/").unwrap();
    let fault = |locations: &[&[u8]]| follow(&current, &response(locations)).unwrap_err();
    assert_eq!(fault(&[]), RedirectFault::NoLocation);
    assert_eq!(fault(&[b"/x", b"/x"]), RedirectFault::RepeatedLocation);
    assert_eq!(fault(&[b"/x", b""]), RedirectFault::RepeatedLocation);
    assert_eq!(fault(&[b"/\xff"]), RedirectFault::BadLocation);
}

#[test]
fn long_locations_are_refused_whole_or_resolved() {
    let long = "x".repeat(MAX_URI_BYTES - "ws://h:81/a/".len());
    let current = "ws://h:81/a/b";
    assert_eq!(followed(current, &long), Ok(format!("ws://h:81/a/{long}")));
    for location in [format!("{long}x"), "x".repeat(8193), format!("/{}", "x".repeat(100 << 10))] {
        assert_eq!(followed(current, &location), Err(RedirectFault::TooLong));
    }
}

#[test]
fn a_relative_location_never_gains_another_host() {
    let current = Uri::parse("wss://host.example:8443/a/b?c").unwrap();
    let pieces = ["/", "\\", ".", "..", "?", "#", ":", "@", "//", "%2f", "\t", "x", "e.vil", ""];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                let location = format!("{first}{second}{third}x");
                if location.starts_with("//") {
                    continue;
                }
                if let Ok(next) = follow(&current, &response(&[location.as_bytes()])) {
                    assert!(next.same_origin(&current), "{location:?}: {next:?}");
                }
            }
        }
    }
}
