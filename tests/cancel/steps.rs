//! Every step at which a connect can hang: how to get there, and which phase it is in.

use std::any::Any;
use std::collections::VecDeque;
use std::ffi::CStr;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock};

use anyws::ffi::controls::ws_set_credential;
use anyws::ffi::result::WS_OK;
use anyws::ffi::types::*;

use crate::resolver::{Answer, Name};
use crate::stalled::{Older, cut_off, silent_after};
use crate::support::DEADLINE;
use crate::support::client::{Client, Judgement, Mode, Told};
use crate::support::hole::{BlackHole, has_v6, loopback};
use crate::support::server::{
    BOTH, Server, Stream, Tls, eventually, finish, read_out, read_request,
};

pub struct Step {
    pub name: String,
    pub phase: ws_error_phase,
    /// Sets what has to be set, connects, and returns when the connect has come that far.
    reach: Box<dyn Fn(&mut Client)>,
    /// What has to live as long.
    _kept: Vec<Box<dyn Any>>,
}

impl Step {
    fn new(
        name: impl Into<String>,
        phase: ws_error_phase,
        kept: Vec<Box<dyn Any>>,
        reach: impl Fn(&mut Client) + 'static,
    ) -> Step {
        Step { name: name.into(), phase, reach: Box::new(reach), _kept: kept }
    }

    /// A server that tells when it has been reached.
    fn at(
        name: impl Into<String>,
        phase: ws_error_phase,
        proxy: impl Into<String>,
        uri: impl Into<String>,
        (server, reached): (Server, Receiver<()>),
    ) -> Step {
        let (proxy, uri) = (proxy.into(), uri.into());
        Step::new(name, phase, vec![Box::new(server)], move |client| {
            client.set_text(WS_CONTROL_PROXY, &proxy);
            client.connect(&uri);
            reached.recv_timeout(DEADLINE).unwrap();
        })
    }

    pub fn client(&self, mode: Mode) -> Client {
        let client = Client::trusting(mode);
        client.set(WS_CONTROL_MAX_REDIRECTS, 3);
        credential(&client, WS_CREDENTIAL_SERVER);
        credential(&client, WS_CREDENTIAL_PROXY);
        client
    }

    pub fn reach(&self, client: &mut Client) {
        (self.reach)(client);
    }
}

fn credential(client: &Client, which: ws_credential) {
    let (user, password): (&CStr, &CStr) = (c"user", c"password");
    let set = ws_set_credential(client.socket, which, user.as_ptr(), password.as_ptr());
    assert_eq!(set, WS_OK);
}

pub fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    names(&mut steps);
    tcp(&mut steps);
    http_proxies(&mut steps);
    socks(&mut steps);
    tls(&mut steps);
    answers(&mut steps);
    rounds(&mut steps);
    steps
}

/// A name whose lookup hangs, until some more have been made: the threads for lookups are few.
fn dead() -> Name {
    static DEAD: Mutex<VecDeque<Name>> = Mutex::new(VecDeque::new());
    let name = Name::hanging(Answer::Code(libc::EAI_AGAIN));
    let mut dead = DEAD.lock().unwrap();
    dead.push_back(name.clone());
    if dead.len() > 20 {
        dead.pop_front().iter().for_each(Name::let_go);
    }
    name
}

fn names(steps: &mut Vec<Step>) {
    let hang = |client: &mut Client, proxy: Option<&str>| {
        let name = dead();
        let mut uri = name.uri(80);
        if let Some(scheme) = proxy {
            client.set_text(WS_CONTROL_PROXY, &format!("{scheme}://{}:8080", name.text()));
            uri = "ws://192.0.2.1/".to_owned();
        }
        client.connect(&uri);
        name.until_waiting(1);
    };
    let phase = WS_ERROR_PHASE_NAME;
    steps.push(Step::new("the server's name", phase, vec![], move |client| hang(client, None)));
    for scheme in ["http", "socks5"] {
        let name = format!("the {scheme} proxy's name");
        steps.push(Step::new(name, WS_ERROR_PHASE_PROXY, vec![], move |client| {
            hang(client, Some(scheme));
        }));
    }
}

/// Connections to `port` that are on their way.
fn on_their_way(port: u16) -> usize {
    let remote = format!(":{port:04X}");
    let is_one = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        // SYN_SENT.
        fields.get(2).is_some_and(|place| place.ends_with(&remote)) && fields[3] == "02"
    };
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .map(|table| table.lines().filter(is_one).count())
        .sum()
}

fn hole(
    name: &str,
    phase: ws_error_phase,
    addresses: &[SocketAddr],
    settings: impl Fn(&Client, u16) -> String + 'static,
) -> Option<Step> {
    let count = addresses.len();
    let mut holes: Vec<BlackHole> = Vec::new();
    for address in addresses {
        let port = holes.first().map_or(0, |first| first.address.port());
        holes.push(BlackHole::at((address.ip(), port).into()).ok()?);
    }
    let port = holes[0].address.port();
    let before = on_their_way(port);
    let kept: Vec<Box<dyn Any>> = vec![Box::new(holes)];
    Some(Step::new(name, phase, kept, move |client| {
        let uri = settings(client, port);
        client.connect(&uri);
        assert!(eventually(|| on_their_way(port) >= before + count));
    }))
}

fn tcp(steps: &mut Vec<Step>) {
    let v4: SocketAddr = (loopback(61), 0).into();
    let literal = |_: &Client, port| format!("ws://127.0.0.61:{port}/");
    steps.extend(hole("TCP", WS_ERROR_PHASE_TCP, &[v4], literal));
    let three = [61, 62, 63].map(|last| (loopback(last), 0).into());
    steps.extend(hole("TCP to three addresses", WS_ERROR_PHASE_TCP, &three, |_, port| {
        Name::of(&[61, 62, 63].map(loopback)).uri(port).replace("ws:", "wss:")
    }));
    if has_v6() {
        let both = [(Ipv6Addr::LOCALHOST, 0).into(), (std::net::Ipv4Addr::LOCALHOST, 0).into()];
        let local = |_: &Client, port| format!("ws://localhost:{port}/");
        steps.extend(hole("TCP of both families", WS_ERROR_PHASE_TCP, &both, local));
    }
    for scheme in ["http", "https", "socks5h"] {
        let name = format!("TCP to the {scheme} proxy");
        steps.extend(hole(&name, WS_ERROR_PHASE_PROXY, &[v4], move |client, port| {
            client.set_text(WS_CONTROL_PROXY, &format!("{scheme}://127.0.0.61:{port}"));
            "ws://192.0.2.1/".to_owned()
        }));
    }
}

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn say(stream: &mut Stream, text: impl AsRef<[u8]>) {
    stream.write_all(text.as_ref()).and_then(|()| stream.flush()).unwrap();
}

fn proxy_uri(server: &Server) -> String {
    server.uri().replacen("ws", "http", 1)
}

fn http_proxies(steps: &mut Vec<Step>) {
    let mut push = |name: &str, phase, tls: Tls, uri: &str, act: fn(&mut Stream)| {
        let server = silent_after(tls, act);
        let proxy = proxy_uri(&server.0);
        steps.push(Step::at(format!("{name}, {tls:?}"), phase, proxy, uri, server));
    };
    let proxy = WS_ERROR_PHASE_PROXY;
    push("TLS with the proxy", proxy, Tls::Good, "ws://192.0.2.1/", |_| {});
    for tls in BOTH {
        push("CONNECT", proxy, tls, "ws://192.0.2.1/", |stream| drop(read_request(stream)));
        push("half an answer to CONNECT", proxy, tls, "wss://192.0.2.1/", |stream| {
            read_request(stream);
            say(stream, "HTTP/1.1 200 Connec");
        });
        push("a refusal of CONNECT without its end", proxy, tls, "ws://192.0.2.1/", |stream| {
            read_request(stream);
            say(stream, "HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\n12345");
        });
        push("CONNECT with credentials", proxy, tls, "ws://192.0.2.1/", |stream| {
            read_request(stream);
            say(
                stream,
                "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
                 Connection: keep-alive\r\nContent-Length: 0\r\n\r\n",
            );
            assert!(read_request(stream).contains("Proxy-Authorization"));
        });
        push("TLS through the proxy", WS_ERROR_PHASE_TLS, tls, "wss://192.0.2.1/", |stream| {
            read_request(stream);
            say(stream, OPEN);
            take(stream, 1);
        });
        push("the request through the proxy", WS_ERROR_PHASE_HTTP, tls, "ws://192.0.2.1/", |s| {
            read_request(s);
            say(s, OPEN);
            read_request(s);
        });
    }
}

fn take(stream: &mut Stream, count: usize) {
    stream.read_exact(&mut vec![0; count]).unwrap();
}

fn socks(steps: &mut Vec<Step>) {
    let mut push = |name: &str, scheme: &str, act: fn(&mut Stream)| {
        let server = silent_after(Tls::No, act);
        let proxy = format!("{scheme}://{}", server.0.address);
        steps.push(Step::at(name, WS_ERROR_PHASE_PROXY, proxy, "wss://192.0.2.1/", server));
    };
    // With credentials the greeting has two methods; the request ends in an IPv4 address and a port.
    push("SOCKS: greeting", "socks5h", |stream| take(stream, 4));
    push("SOCKS: half a greeting", "socks5", |stream| {
        take(stream, 4);
        say(stream, [5]);
    });
    push("SOCKS: login", "socks5h", |stream| {
        take(stream, 4);
        say(stream, [5, 2]);
        take(stream, 3 + "userpassword".len());
    });
    push("SOCKS: request", "socks5", |stream| {
        take(stream, 4);
        say(stream, [5, 0]);
        take(stream, 10);
    });
    push("SOCKS: half a reply", "socks5h", |stream| {
        take(stream, 4);
        say(stream, [5, 0]);
        take(stream, 10);
        say(stream, [5, 0, 0, 1, 127]);
    });
}

fn tls(steps: &mut Vec<Step>) {
    // Nothing, a record's head, half a record, all but what the client would answer.
    for bytes in [0, 5, 60, 400] {
        let origin = Server::echo(Tls::Good);
        let link = cut_off(&origin, bytes);
        let (name, uri) = (format!("TLS after {bytes} bytes"), link.0.uri());
        steps.push(Step::at(name, WS_ERROR_PHASE_TLS, "direct:", uri, link));
    }
    let older = Older::new();
    let (server, reached) = older.without_its_last_word();
    let uri = server.uri();
    let kept: Vec<Box<dyn Any>> = vec![Box::new(server)];
    steps.push(Step::new("TLS 1.2's last flight", WS_ERROR_PHASE_TLS, kept, move |client| {
        older.trust(client);
        client.connect(&uri);
        reached.recv_timeout(DEADLINE).unwrap();
    }));
    let origin = Server::echo(Tls::Good);
    let uri = origin.uri();
    let kept: Vec<Box<dyn Any>> = vec![Box::new(origin)];
    steps.push(Step::new("a pending validation", WS_ERROR_PHASE_TLS, kept, move |client| {
        client.judge(Judgement::Defer);
        client.connect(&uri);
        let asked = client.next();
        assert!(matches!(asked, Told::Validation(_)), "{asked:?}");
    }));
}

fn answers(steps: &mut Vec<Step>) {
    let mut push = |name: &str, tls: Tls, act: fn(&mut Stream)| {
        let server = silent_after(tls, act);
        let (name, uri) = (format!("{name}, {tls:?}"), server.0.uri());
        steps.push(Step::at(name, WS_ERROR_PHASE_HTTP, "direct:", uri, server));
    };
    for tls in BOTH {
        push("no answer", tls, |stream| drop(read_request(stream)));
        push("half a status line", tls, |stream| {
            read_request(stream);
            say(stream, "HTTP/1.1 1");
        });
        push("half a head", tls, |stream| {
            read_request(stream);
            say(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConn");
        });
        push("half the body of a refusal", tls, |stream| {
            read_request(stream);
            say(stream, "HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n12345");
        });
    }
}

/// A server that leads everybody there.
fn redirecting(tls: Tls, to: impl Fn() -> String + Send + Sync + 'static) -> Server {
    Server::raw(tls, move |mut stream| {
        read_request(&mut stream);
        let to = to();
        let _ = write!(stream, "HTTP/1.1 302 There\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        finish(&mut stream);
        read_out(&mut stream);
    })
}

fn rounds(steps: &mut Vec<Step>) {
    for tls in BOTH {
        let second = silent_after(tls, |stream| drop(read_request(stream)));
        let there = second.0.uri();
        let first = redirecting(tls, move || there.clone());
        let name = format!("the second server of a redirect, {tls:?}");
        steps.push(Step::at(name, WS_ERROR_PHASE_HTTP, "direct:", first.uri(), second));

        let server = silent_after(tls, |stream| {
            if !read_request(stream).contains("Authorization: ") {
                say(
                    stream,
                    "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                     Content-Length: 0\r\n\r\n",
                );
                finish(stream);
            }
        });
        let name = format!("the answer to a challenge, {tls:?}");
        let uri = server.0.uri();
        let kept: Vec<Box<dyn Any>> = vec![Box::new(server.0)];
        let reached = server.1;
        steps.push(Step::new(name, WS_ERROR_PHASE_HTTP, kept, move |client| {
            client.connect(&uri);
            // The connection that was challenged, and the one with the answer.
            reached.recv_timeout(DEADLINE).unwrap();
            reached.recv_timeout(DEADLINE).unwrap();
        }));
    }
    // A redirect to where the lookup hangs, and to where nobody answers.
    let step = "the second name of a redirect";
    let there = Arc::new(Mutex::new(String::new()));
    let to = Arc::clone(&there);
    let first = redirecting(Tls::No, move || to.lock().unwrap().clone());
    steps.push(Step::new(step, WS_ERROR_PHASE_NAME, vec![], move |client| {
        let name = dead();
        *there.lock().unwrap() = name.uri(80);
        client.connect(&first.uri());
        name.until_waiting(1);
    }));
    let v4: SocketAddr = (loopback(64), 0).into();
    let first = OnceLock::new();
    steps.extend(hole("TCP behind a redirect", WS_ERROR_PHASE_TCP, &[v4], move |_, port| {
        let there = format!("ws://127.0.0.64:{port}/");
        let first = first.get_or_init(|| redirecting(Tls::No, move || there.clone()));
        first.uri()
    }));
}
