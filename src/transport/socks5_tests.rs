//! Conversations with scripted SOCKS proxies. Each script is fed whole where it can be, byte by byte,
//! and split at every position; all must end alike.

use super::*;
use crate::http::Uri;

fn host(uri: &str) -> Host {
    Uri::parse(uri).unwrap().host().clone()
}

fn credential(user: &str, password: &str) -> Option<Credential> {
    Some(Credential::new(user, password).unwrap())
}

fn named(credential: Option<Credential>) -> Socks5 {
    Socks5::new(&host("ws://example.com"), 443, credential).unwrap()
}

const GREETING: [u8; 3] = [5, 1, 0];
const NAME_REQUEST: &[u8] = b"\x05\x01\x00\x03\x0bexample.com\x01\xbb";
const REPLY: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// Feeds each answer in pieces cut by `cut`; what we said, and how it ended.
fn talk(
    mut socks: Socks5,
    answers: &[&[u8]],
    cut: impl Fn(&[u8]) -> Vec<Vec<u8>>,
) -> (Vec<Vec<u8>>, Result<SocksStep, SocksFault>) {
    let mut said = vec![socks.request().to_vec()];
    let mut last = Ok(SocksStep::More);
    for answer in answers {
        let pieces = cut(answer);
        let count = pieces.len();
        for (at, piece) in pieces.into_iter().enumerate() {
            last = socks.receive(&piece);
            if last.is_err() {
                assert_eq!(socks.receive(b"more"), last, "a fault stays");
                assert_eq!(socks.receive_eof(), last);
                return (said, last);
            }
            if at + 1 < count {
                assert_eq!(last, Ok(SocksStep::More));
            }
        }
        if last == Ok(SocksStep::Send) {
            said.push(socks.request().to_vec());
        }
    }
    if last == Ok(SocksStep::Connected) {
        assert_eq!(socks.receive_eof(), last);
    }
    (said, last)
}

/// The same however the answers are cut.
fn converse(
    socks: impl Fn() -> Socks5,
    answers: &[&[u8]],
) -> (Vec<Vec<u8>>, Result<SocksStep, SocksFault>) {
    let whole = talk(socks(), answers, |answer| vec![answer.to_vec()]);
    let bytes = talk(socks(), answers, |answer| answer.iter().map(|&b| vec![b]).collect());
    assert_eq!(bytes, whole, "byte by byte");
    let longest = answers.iter().map(|answer| answer.len()).max().unwrap_or(0);
    for at in 0..=longest {
        let split = talk(socks(), answers, |answer| {
            let (left, right) = answer.split_at(at.min(answer.len()));
            [left, right].into_iter().filter(|p| !p.is_empty()).map(<[u8]>::to_vec).collect()
        });
        assert_eq!(split, whole, "split at {at}");
    }
    whole
}

fn fault(credential: Option<Credential>, answers: &[&[u8]]) -> SocksFault {
    converse(|| named(credential.clone()), answers).1.unwrap_err()
}

#[test]
fn a_name_is_asked_for_without_a_login() {
    let (said, ended) = converse(|| named(None), &[&[5, 0], &REPLY]);
    assert_eq!(said, [&GREETING[..], NAME_REQUEST]);
    assert_eq!(ended, Ok(SocksStep::Connected));
}

#[test]
fn addresses_are_sent_as_bytes() {
    for (uri, request) in [
        ("ws://1.2.3.4", &[5, 1, 0, 1, 1, 2, 3, 4, 0x1f, 0x90][..]),
        (
            "ws://[2001:db8::1]",
            &[5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0x90],
        ),
    ] {
        let socks = || Socks5::new(&host(uri), 8080, None).unwrap();
        let (said, ended) = converse(socks, &[&[5, 0], &REPLY]);
        assert_eq!(said, [&GREETING[..], request]);
        assert_eq!(ended, Ok(SocksStep::Connected));
    }
}

#[test]
fn a_login_is_sent_if_the_proxy_chooses_it() {
    let login = b"\x01\x04user\x05p\xc3\xa4ss";
    let socks = || named(credential("user", "päss"));
    let (said, ended) = converse(socks, &[&[5, 2], &[1, 0], &REPLY]);
    assert_eq!(said, [&[5, 2, 0, 2][..], login, NAME_REQUEST]);
    assert_eq!(ended, Ok(SocksStep::Connected));
    let (said, ended) = converse(socks, &[&[5, 0], &REPLY]);
    assert_eq!(said, [&[5, 2, 0, 2][..], NAME_REQUEST]);
    assert_eq!(ended, Ok(SocksStep::Connected));
}

#[test]
fn logins_fit_into_a_byte_each() {
    let longest = "u".repeat(255);
    let (said, _) = converse(|| named(credential(&longest, "")), &[&[5, 2], &[1, 0], &REPLY]);
    assert_eq!(said[1], [&[1, 255][..], longest.as_bytes(), &[0]].concat());
    let (said, _) = converse(|| named(credential("u", &longest)), &[&[5, 2], &[1, 0], &REPLY]);
    assert_eq!(said[1], [&[1, 1, b'u', 255][..], longest.as_bytes()].concat());
    let long = "u".repeat(256);
    for (user, password) in [(&long[..], "p"), ("u", &long)] {
        let made = Socks5::new(&host("ws://h"), 80, credential(user, password));
        assert_eq!(made.unwrap_err(), SocksFault::CredentialTooLong);
    }
    assert_eq!(named(credential("", "p")).request(), GREETING, "nobody");
}

#[test]
fn long_names_fit_or_are_refused() {
    let name = |len: usize| Host::Name("n".repeat(len));
    let socks = || Socks5::new(&name(255), 1, None).unwrap();
    let (said, _) = converse(socks, &[&[5, 0], &REPLY]);
    assert_eq!(said[1], [&[5, 1, 0, 3, 255][..], &[b'n'; 255], &[0, 1]].concat());
    assert_eq!(Socks5::new(&name(256), 1, None).unwrap_err(), SocksFault::NameTooLong);
}

#[test]
fn every_kind_of_bound_address_is_read_to_its_end() {
    let name = |len: u8| [&[5, 0, 0, 3, len][..], &vec![b'x'; len.into()], &[9, 9]].concat();
    for reply in [
        REPLY.to_vec(),
        [&[5, 0, 0, 4][..], &[7; 18]].concat(),
        [&[5, 0, 99, 1][..], &[7; 6]].concat(),
        name(0),
        name(1),
        name(255),
    ] {
        let (_, ended) = converse(|| named(None), &[&[5, 0], &reply]);
        assert_eq!(ended, Ok(SocksStep::Connected), "{reply:?}");
        let short = &reply[..reply.len() - 1];
        let (_, ended) = converse(|| named(None), &[&[5, 0], short]);
        assert_eq!(ended, Ok(SocksStep::More), "{short:?}");
        let early = [&reply[..], &[0x16]].concat();
        let mut socks = named(None);
        assert_eq!(socks.receive(&[5, 0]), Ok(SocksStep::Send));
        assert_eq!(socks.receive(&early), Err(SocksFault::EarlyBytes), "{early:?}");
    }
}

#[test]
fn each_reply_is_a_fact_from_its_second_byte_on() {
    use Refusal::*;
    for (reply, refusal) in [
        (1, GeneralFailure),
        (2, NotAllowed),
        (3, NetworkUnreachable),
        (4, HostUnreachable),
        (5, ConnectionRefused),
        (6, TimeToLiveExpired),
        (7, CommandNotSupported),
        (8, AddressTypeNotSupported),
        (9, Unassigned(9)),
        (255, Unassigned(255)),
    ] {
        for answer in [&[5, reply][..], &[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(fault(None, &[&[5, 0], answer]), SocksFault::Refused(refusal));
        }
    }
}

#[test]
fn logins_are_refused_by_any_status_but_0() {
    let user = || credential("u", "p");
    for status in 1..=255 {
        assert_eq!(fault(user(), &[&[5, 2], &[1, status]]), SocksFault::LoginRefused);
    }
}

#[test]
fn methods_that_were_not_offered_are_faults() {
    let user = || credential("u", "p");
    assert_eq!(fault(None, &[&[5, 0xff]]), SocksFault::LoginRequired);
    assert_eq!(fault(user(), &[&[5, 0xff]]), SocksFault::NoAcceptableMethod);
    assert_eq!(fault(None, &[&[5, 2]]), SocksFault::MethodNotOffered);
    for method in (1..=254).filter(|&method| method != 2) {
        assert_eq!(fault(None, &[&[5, method]]), SocksFault::MethodNotOffered, "{method}");
        assert_eq!(fault(user(), &[&[5, method]]), SocksFault::MethodNotOffered, "{method}");
    }
}

#[test]
fn the_version_is_seen_in_the_first_byte_of_each_answer() {
    for version in (0..=255).filter(|&version| version != 5) {
        assert_eq!(fault(None, &[&[version]]), SocksFault::BadVersion);
        assert_eq!(fault(None, &[&[5, 0], &[version]]), SocksFault::BadVersion);
    }
    for version in (0..=255).filter(|&version| version != 1) {
        let answers: [&[u8]; 2] = [&[5, 2], &[version]];
        assert_eq!(fault(credential("u", "p"), &answers), SocksFault::BadVersion);
    }
    assert_eq!(fault(None, &[b"HTTP/1.1 400 Bad Request\r\n\r\n"]), SocksFault::BadVersion);
}

#[test]
fn unknown_kinds_of_address_are_faults() {
    for kind in (0..=255).filter(|kind| ![1, 3, 4].contains(kind)) {
        assert_eq!(fault(None, &[&[5, 0], &[5, 0, 0, kind, 0]]), SocksFault::BadAddressType);
    }
}

#[test]
fn nobody_speaks_before_he_is_asked() {
    let both: Vec<u8> = [&[5, 0][..], &REPLY].concat();
    assert_eq!(named(None).receive(&both), Err(SocksFault::EarlyBytes));
    let mut socks = named(credential("u", "p"));
    assert_eq!(socks.receive(&[5, 2]), Ok(SocksStep::Send));
    assert_eq!(socks.receive(&[1, 0, 5]), Err(SocksFault::EarlyBytes));
    let flood = vec![5; 1 << 20];
    assert_eq!(named(None).receive(&flood), Err(SocksFault::EarlyBytes));
}

#[test]
fn the_end_is_a_fault_wherever_it_comes() {
    let answers: [&[u8]; 3] = [&[5, 2], &[1, 0], &REPLY];
    let whole: usize = answers.iter().map(|answer| answer.len()).sum();
    for count in 0..whole {
        let mut socks = named(credential("u", "p"));
        for &byte in answers.concat().iter().take(count) {
            socks.receive(&[byte]).unwrap();
        }
        assert_eq!(socks.receive_eof(), Err(SocksFault::Eof), "after {count} bytes");
    }
}

#[test]
fn nothing_secret_shows() {
    let mut socks = named(credential("hunter", "hunter2"));
    socks.receive(&[5, 2]).unwrap();
    let shown = format!("{socks:?}");
    assert!(!shown.contains("hunter") && !shown.contains("104"), "{shown}");
}
