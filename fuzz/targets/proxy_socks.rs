//! A way through a proxy, HTTP or SOCKS5: what it answers, cut anywhere, is what a slow model makes of
//! the whole; nothing behind the answer is taken; no login goes out unasked; memory stays bounded.
#![no_main]

use anyws::http::auth::{answer, is_stale};
use anyws::http::body::MAX_BODY_BYTES;
use anyws::http::{Credential, HeadReader, Host, Response, Uri, Version};
use anyws::transport::http_proxy::{HttpProxy, ProxyFault, ProxyStep};
use anyws::transport::socks5::{Refusal, Socks5, SocksFault, SocksStep};
use anyws_fuzz::{Choices, Counted, Cuts, trimmed};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static COUNTED: Counted = Counted;

const CNONCE: [u8; 16] = *b"a sample cnonce!";
/// A head and a body at their limits, each in a buffer that has just doubled.
const MOST_OF_HTTP: isize = 512 * 1024;
/// The longest reply, likewise, and the longest login.
const MOST_OF_SOCKS: isize = 4 * 1024;
const TARGETS: [&str; 4] =
    ["ws://server.example.com/chat", "wss://127.0.0.1", "ws://[2001:db8::1]:81", "wss://h.:8443/"];
const CREDENTIALS: [Option<(&str, &str)>; 6] = [
    None,
    Some(("user", "p@ss:word")),
    Some(("us:er", "canary")),
    Some(("", "canary")),
    Some(("usér", "")),
    Some(("LONG", "canary")),
];

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let flags = choices.byte();
    let uri = Uri::parse(TARGETS[usize::from(flags >> 1 & 3)]).expect("good");
    let login = CREDENTIALS[usize::from(flags >> 3 & 7) % 6];
    let credential = login.map(|(user, password)| {
        let user =
            if user == "LONG" { "u".repeat(254 + usize::from(flags >> 6)) } else { user.into() };
        Credential::new(&user, password).expect("good")
    });
    let cuts = Cuts::new(&mut choices);
    if flags & 1 == 0 {
        let inputs = choices.rest().split(|byte| *byte == 0xff);
        let connections: Vec<Wire> = inputs.map(|input| Wire::new(input, &cuts)).collect();
        http(&uri, credential, &connections);
    } else {
        socks(&uri, credential, &Wire::new(choices.rest(), &cuts));
    }
});

/// What comes on one connection, and where it is cut.
struct Wire {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Wire {
    /// 0xFD is a cut besides the others; 0xFE stands for much of what came before it.
    fn new(input: &[u8], cuts: &Cuts) -> Wire {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for part in input.split(|byte| *byte == 0xfd) {
            let begun = bytes.len();
            for byte in part {
                if *byte == 0xfe && bytes.len() < 200_000 {
                    let last = bytes[bytes.len().saturating_sub(8)..].to_vec();
                    bytes.extend_from_slice(&last.repeat(1500));
                } else {
                    bytes.push(*byte);
                }
            }
            let mut end = begun;
            for piece in cuts.clone().pieces(&bytes[begun..]) {
                end += piece.len();
                ends.push(end);
            }
        }
        Wire { bytes, ends }
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(from, to)| &self.bytes[from..*to])
    }
}

/// The end of the piece that brings the byte before `at`.
fn brought(ends: &[usize], at: usize) -> usize {
    ends.iter().copied().find(|end| *end >= at).unwrap_or(at)
}

#[derive(Debug, PartialEq)]
enum End<F> {
    /// After so many bytes of the last connection.
    Connected(usize),
    Refused(u16, Vec<u8>),
    Failed(F),
    /// The proxy wanted another connection, and there is none.
    Left,
}

fn http(uri: &Uri, credential: Option<Credential>, connections: &[Wire]) {
    let before = Counted::bytes_in_use();
    let headers = [("User-Agent", "sample")];
    let target = uri.connect_target();
    let mut proxy = HttpProxy::new(&target, &headers, credential.clone(), CNONCE);
    let mut requests = vec![proxy.request().to_vec()];
    let (mut end, mut noted) = (None, Counted::bytes_in_use() - before);
    for wire in connections {
        let mut at = 0;
        let mut steps = wire.pieces().map(Some).chain([None]);
        while end.is_none() {
            let Some(piece) = steps.next() else { break };
            let step = match piece {
                Some(piece) => proxy.receive(piece),
                None => proxy.receive_eof(),
            };
            let used = Counted::bytes_in_use() - before - noted;
            assert!(used <= MOST_OF_HTTP, "{used} bytes");
            at += piece.map_or(0, <[u8]>::len);
            match step {
                Ok(ProxyStep::More) => assert!(piece.is_some(), "nothing more comes"),
                Ok(ProxyStep::Connected) => end = Some(End::Connected(at)),
                Ok(ProxyStep::Refused { status }) => {
                    end = Some(End::Refused(status, proxy.body().to_vec()));
                }
                Ok(ProxyStep::Authenticate { reconnect }) => {
                    requests.push(proxy.request().to_vec());
                    noted = Counted::bytes_in_use() - before;
                    if reconnect {
                        break;
                    }
                }
                Err(fault) => end = Some(End::Failed(fault)),
            }
        }
    }
    let end = end.unwrap_or(End::Left);
    let expected = Tunnel::new(target, credential).led_through(connections);
    match (&end, &expected.0) {
        (End::Refused(status, body), End::Refused(expected, whole)) => {
            assert_eq!(status, expected);
            let response = proxy.response().expect("a refusal has a head");
            assert_eq!(response.status, *status);
            // Chunks are read elsewhere; a length that is not to be believed is not.
            let has_framing = ["Transfer-Encoding", "Content-Length"]
                .iter()
                .any(|name| response.headers.count(name) > 0);
            assert!(body.len() <= MAX_BODY_BYTES);
            if !has_framing && ![204, 304].contains(status) {
                assert!(*body == whole[..whole.len().min(MAX_BODY_BYTES)]);
            }
        }
        _ => assert_eq!(end, expected.0),
    }
    assert_eq!(requests, expected.1);
    // It has ended, and repeats itself.
    let again = match end {
        End::Connected(_) => Ok(ProxyStep::Connected),
        End::Refused(status, _) => Ok(ProxyStep::Refused { status }),
        End::Failed(fault) => Err(fault),
        End::Left => return,
    };
    assert_eq!(proxy.receive(b"HTTP/1.1 200 \r\n\r\n"), again);
    assert_eq!(proxy.receive_eof(), again);
}

/// What RFC 9110 §9.3.6 and §11.7 make of the whole of each connection.
struct Tunnel {
    target: String,
    credential: Option<Credential>,
    answers: usize,
    interim: usize,
    requests: Vec<Vec<u8>>,
}

impl Tunnel {
    fn new(target: String, credential: Option<Credential>) -> Tunnel {
        let mut tunnel =
            Tunnel { target, credential, answers: 0, interim: 0, requests: Vec::new() };
        tunnel.ask("");
        tunnel
    }

    fn ask(&mut self, line: &str) {
        let target = &self.target;
        let request = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: sample\r\n{line}\r\n"
        );
        self.requests.push(request.into_bytes());
    }

    fn led_through(mut self, connections: &[Wire]) -> (End<ProxyFault>, Vec<Vec<u8>>) {
        let end = connections.iter().find_map(|wire| self.connection(&wire.bytes, &wire.ends));
        (end.unwrap_or(End::Left), self.requests)
    }

    /// `None`: it goes on over another one.
    fn connection(&mut self, bytes: &[u8], ends: &[usize]) -> Option<End<ProxyFault>> {
        let mut at = 0;
        loop {
            let (response, len) = match HeadReader::new().receive(&bytes[at..]) {
                Ok(Some(read)) => read,
                Ok(None) if at == bytes.len() => return Some(End::Failed(ProxyFault::Eof)),
                Ok(None) => return Some(End::Failed(ProxyFault::Truncated)),
                Err(fault) => return Some(End::Failed(ProxyFault::Head(fault))),
            };
            at += len;
            let is_early = |at: usize| brought(ends, at) > at;
            match response.status {
                101 => return Some(End::Failed(ProxyFault::SwitchedProtocols)),
                100..=199 if self.interim == 8 => {
                    return Some(End::Failed(ProxyFault::TooManyInterim));
                }
                100..=199 => {
                    self.interim += 1;
                    continue;
                }
                200..=299 if is_early(at) => return Some(End::Failed(ProxyFault::EarlyBytes)),
                200..=299 => return Some(End::Connected(at)),
                _ => {}
            }
            let Some(answer) = self.answer(&response) else {
                return Some(End::Refused(response.status, bytes[at..].to_vec()));
            };
            self.ask(&format!("Proxy-Authorization: {answer}\r\n"));
            self.answers += 1;
            self.interim = 0;
            let length = length(&response).filter(|_| stays_open(&response))?;
            if length > bytes.len() - at {
                return None;
            }
            at += length;
            if is_early(at) {
                self.requests.pop();
                return Some(End::Failed(ProxyFault::EarlyBytes));
            }
        }
    }

    /// Once, and once more if the first was only late.
    fn answer(&self, response: &Response) -> Option<String> {
        let challenges = || response.headers.values("proxy-authenticate");
        let is_due = self.answers == 0 || self.answers == 1 && is_stale(challenges());
        if response.status != 407 || !is_due {
            return None;
        }
        answer(challenges(), self.credential.as_ref()?, "CONNECT", &self.target, CNONCE)
    }
}

/// RFC 9112 §6.3, of a body that can be skipped.
fn length(response: &Response) -> Option<usize> {
    let codings = response.headers.values("transfer-encoding");
    if codings.flat_map(|line| line.split(|byte| *byte == b',')).any(|one| !trimmed(one).is_empty())
    {
        return None;
    }
    let said: Vec<&[u8]> = response
        .headers
        .values("content-length")
        .flat_map(|line| line.split(|byte| *byte == b','))
        .map(trimmed)
        .collect();
    let number = |digits: &[u8]| {
        let is_number = digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok()?.parse::<usize>().ok().filter(|_| is_number)
    };
    let first = number(said.first()?)?;
    let is_one = said.iter().all(|said| number(said) == Some(first));
    (is_one && first <= MAX_BODY_BYTES).then_some(first)
}

/// RFC 9112 §9.3.
fn stays_open(response: &Response) -> bool {
    let mut said = Vec::new();
    for name in ["connection", "proxy-connection"] {
        for line in response.headers.values(name) {
            said.extend(
                line.split(|byte| *byte == b',').map(|one| trimmed(one).to_ascii_lowercase()),
            );
        }
    }
    let says = |word: &[u8]| said.iter().any(|one| one == word);
    !says(b"close") && (response.version == Version::Http11 || says(b"keep-alive"))
}

fn socks(uri: &Uri, credential: Option<Credential>, wire: &Wire) {
    let is_long = |text: &str| text.len() > 255;
    let is_too_long =
        credential.as_ref().is_some_and(|c| is_long(c.user()) || is_long(c.password()));
    let before = Counted::bytes_in_use();
    let mut socks = match Socks5::new(uri.host(), uri.port(), credential.clone()) {
        Ok(socks) => socks,
        Err(fault) => {
            assert!(is_too_long);
            return assert_eq!(fault, SocksFault::CredentialTooLong);
        }
    };
    assert!(!is_too_long);
    let (mut requests, mut noted) = (Vec::new(), 0);
    let note = |socks: &Socks5, requests: &mut Vec<Vec<u8>>, noted: &mut isize| {
        let before = Counted::bytes_in_use();
        requests.push(socks.request().to_vec());
        *noted += Counted::bytes_in_use() - before;
    };
    note(&socks, &mut requests, &mut noted);
    let (mut end, mut at) = (None, 0);
    for piece in wire.pieces() {
        let step = socks.receive(piece);
        at += piece.len();
        let used = Counted::bytes_in_use() - before - noted;
        assert!(used <= MOST_OF_SOCKS, "{used} bytes");
        match step {
            Ok(SocksStep::More) => {}
            Ok(SocksStep::Send) => note(&socks, &mut requests, &mut noted),
            Ok(SocksStep::Connected) => end = Some(End::Connected(at)),
            Err(fault) => end = Some(End::Failed(fault)),
        }
        if end.is_some() {
            break;
        }
    }
    let end = end.unwrap_or_else(|| match socks.receive_eof() {
        Err(fault) => End::Failed(fault),
        Ok(step) => panic!("{step:?} at the end"),
    });
    let expected = conversation(uri, credential.as_ref(), &wire.bytes, &wire.ends);
    assert_eq!((&end, &requests), (&expected.0, &expected.1));
    let again = match end {
        End::Failed(fault) => Err(fault),
        _ => Ok(SocksStep::Connected),
    };
    assert_eq!(socks.receive(&[5, 0]), again);
    assert_eq!(socks.receive_eof(), again);
}

/// RFC 1928 and RFC 1929, answer by answer: what was said to the proxy, and what came of it.
fn conversation(
    uri: &Uri,
    credential: Option<&Credential>,
    bytes: &[u8],
    ends: &[usize],
) -> (End<SocksFault>, Vec<Vec<u8>>) {
    let credential = credential.filter(|credential| !credential.user().is_empty());
    let mut said = vec![if credential.is_some() { vec![5, 2, 0, 2] } else { vec![5, 1, 0] }];
    let end = converse(uri, credential, bytes, ends, &mut said);
    (end.map_or_else(End::Failed, End::Connected), said)
}

fn converse(
    uri: &Uri,
    credential: Option<&Credential>,
    bytes: &[u8],
    ends: &[usize],
    said: &mut Vec<Vec<u8>>,
) -> Result<usize, SocksFault> {
    let byte = |at: usize| bytes.get(at).copied().ok_or(SocksFault::Eof);
    let is_version = |at: usize, version: u8| match byte(at)? {
        same if same == version => Ok(()),
        _ => Err(SocksFault::BadVersion),
    };
    let is_last = |at: usize| {
        if brought(ends, at) > at { Err(SocksFault::EarlyBytes) } else { Ok(()) }
    };
    is_version(0, 5)?;
    let method = byte(1)?;
    is_last(2)?;
    let mut at = 2;
    match (method, credential) {
        (0, _) => {}
        (2, Some(credential)) => {
            let mut login = vec![1];
            for text in [credential.user(), credential.password()] {
                login.push(text.len() as u8);
                login.extend_from_slice(text.as_bytes());
            }
            said.push(login);
            is_version(2, 1)?;
            if byte(3)? != 0 {
                return Err(SocksFault::LoginRefused);
            }
            is_last(4)?;
            at = 4;
        }
        (0xff, None) => return Err(SocksFault::LoginRequired),
        (0xff, Some(_)) => return Err(SocksFault::NoAcceptableMethod),
        _ => return Err(SocksFault::MethodNotOffered),
    }
    let mut connect = vec![5, 1, 0];
    match uri.host() {
        Host::V4(address) => connect.extend([&[1][..], &address.octets()].concat()),
        Host::V6 { address, .. } => connect.extend([&[4][..], &address.octets()].concat()),
        Host::Name(name) => connect.extend([&[3, name.len() as u8][..], name.as_bytes()].concat()),
    }
    connect.extend([(uri.port() >> 8) as u8, uri.port() as u8]);
    said.push(connect);
    is_version(at, 5)?;
    match byte(at + 1)? {
        0 => {}
        reply => return Err(SocksFault::Refused(Refusal::from(reply))),
    }
    let len = match byte(at + 3)? {
        1 => 4,
        4 => 16,
        3 => 1 + usize::from(byte(at + 4)?),
        _ => return Err(SocksFault::BadAddressType),
    };
    let end = at + 4 + len + 2;
    if end > bytes.len() {
        return Err(SocksFault::Eof);
    }
    is_last(end)?;
    Ok(end)
}
