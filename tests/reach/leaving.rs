//! The application changes its mind on the way through proxies and redirects: the connect completes
//! once, without delay, and no connection is left. Straight to a server it is `handshake` that sees.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyws::ffi::send::ws_cancel;
use anyws::ffi::socket::ws_abort;

use super::*;
use crate::proxy::{OPEN, Proxy, behind};
use crate::site::{redirect, site};
use crate::support::DEADLINE;
use crate::support::client::{MODES, Mode, Told};
use crate::support::hole::BlackHole;
use crate::support::server::{
    BOTH, Ending, Server, Stream, Tls, eventually, read_out, read_request,
};

/// Far beyond what it takes on a machine that is free.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A connect that hangs: through which proxy it goes where, what tells that it has come that far,
/// and how the connection ended.
struct Stage {
    name: String,
    proxy: String,
    uri: String,
    reached: Receiver<()>,
    ended: Receiver<Ending>,
    /// What has to live as long.
    _servers: Vec<Server>,
    _proxy: Option<Proxy>,
}

/// A proxy that reads what `take` does and then stays silent.
fn silent(tls: Tls, name: &str, take: impl Fn(&mut Stream) + Send + Sync + 'static) -> Stage {
    let (teller, reached) = channel();
    let (end_teller, ended) = channel();
    let proxy = Proxy::scripted(tls, move |stream, _| {
        take(stream);
        teller.send(()).unwrap();
        // Whether or not there is TLS, the bytes below it end with the connection.
        let mut raw = Stream::new(stream.tcp().try_clone().unwrap(), Tls::No);
        let _ = end_teller.send(read_out(&mut raw).1);
    });
    Stage {
        name: format!("{name}, {tls:?}"),
        proxy: proxy.uri(),
        uri: "wss://localhost:4433/".to_owned(),
        reached,
        ended,
        _servers: Vec::new(),
        _proxy: Some(proxy),
    }
}

fn behind_a_redirect(tls: Tls) -> Stage {
    let (teller, reached) = channel();
    let (end_teller, ended) = channel();
    let second = Server::raw(tls, move |mut stream| {
        read_request(&mut stream);
        teller.send(()).unwrap();
        let _ = end_teller.send(read_out(&mut stream).1);
    });
    let there = second.uri();
    let (first, _) = site(tls, move |_| redirect(302, &there));
    Stage {
        name: format!("the second server, {tls:?}"),
        proxy: "direct:".to_owned(),
        uri: first.uri(),
        reached,
        ended,
        _servers: vec![first, second],
        _proxy: None,
    }
}

fn stages() -> Vec<Stage> {
    fn opened(stream: &mut Stream) {
        read_request(stream);
        stream.write_all(OPEN.as_bytes()).and_then(|()| stream.flush()).unwrap();
    }
    let mut stages = vec![silent(Tls::Good, "TLS with the proxy", |_| {})];
    let mut socks = silent(Tls::No, "SOCKS", |stream| {
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(&[5, 0]).unwrap();
        let _ = stream.read(&mut [0; 512]).unwrap();
    });
    socks.proxy = socks.proxy.replace("http:", "socks5h:");
    stages.push(socks);
    for tls in BOTH {
        stages.push(silent(tls, "CONNECT", |stream| {
            read_request(stream);
        }));
        stages.push(silent(tls, "TLS through the proxy", opened));
        let mut upgrade = silent(tls, "the upgrade through the proxy", |stream| {
            opened(stream);
            read_request(stream);
        });
        upgrade.uri = "ws://origin.test/".to_owned();
        stages.push(upgrade);
        stages.push(behind_a_redirect(tls));
    }
    stages
}

fn client_at(stage: &Stage, mode: Mode) -> Client {
    let mut client = behind(&stage.proxy, mode);
    client.set(WS_CONTROL_MAX_REDIRECTS, 3);
    client.connect(&stage.uri);
    stage.reached.recv_timeout(DEADLINE).expect(&stage.name);
    client
}

#[test]
fn cancel_abort_and_close_end_a_connect_wherever_it_is() {
    type Leave = fn(&Client) -> ws_result;
    let ways: [(&str, Leave); 3] = [
        ("cancel", |client| ws_cancel(client.socket, WS_OPERATION_CONNECT)),
        ("abort", |client| ws_abort(client.socket)),
        ("close", |client| client.close(1000, "never mind")),
    ];
    for stage in stages() {
        for (way, leave) in ways {
            for mode in MODES {
                let what = format!("{way} at {}, {mode:?}", stage.name);
                let client = client_at(&stage, mode);
                let since = Instant::now();
                assert_eq!(leave(&client), WS_OK, "{what}");
                assert_eq!(client.connect_result(), WS_E_ABORT, "{what}");
                assert!(since.elapsed() < AT_ONCE, "{what}");
                assert_eq!(client.error().result, WS_E_ABORT, "{what}");
                assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED, "{what}");
                let ending = stage.ended.recv_timeout(DEADLINE).unwrap();
                assert_ne!(ending, Ending::Never, "{what}");
                assert_eq!(client.free(), [], "{what}");
            }
        }
    }
}

#[test]
fn free_is_followed_by_released_alone_wherever_the_connect_is() {
    for stage in stages() {
        for mode in MODES {
            let what = format!("{}, {mode:?}", stage.name);
            let client = client_at(&stage, mode);
            let since = Instant::now();
            assert_eq!(client.free(), Vec::<Told>::new(), "{what}");
            assert!(since.elapsed() < AT_ONCE, "{what}");
            let ending = stage.ended.recv_timeout(DEADLINE).unwrap();
            assert_ne!(ending, Ending::Never, "{what}");
        }
    }
}

#[test]
fn after_a_cancelled_connect_the_socket_connects_another_way() {
    let origin = Server::echo(Tls::Good);
    for stage in stages() {
        let mut client = client_at(&stage, Mode::Callback);
        assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
        assert_eq!(client.connect_result(), WS_E_ABORT, "{}", stage.name);
        client.set_text(WS_CONTROL_PROXY, "direct:");
        client.connect(&origin.uri());
        assert_echoes(client);
    }
}

/// Connections to `address` that are on their way.
#[cfg(target_os = "linux")]
fn on_their_way(address: SocketAddr) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = format!(":{:04X}", address.port());
    let is_one = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        // SYN_SENT.
        fields.get(2).is_some_and(|place| place.ends_with(&remote)) && fields[3] == "02"
    };
    table.lines().filter(is_one).count()
}

#[test]
#[cfg(target_os = "linux")]
fn attempts_that_get_no_answer_are_closed_when_they_are_no_longer_wanted() {
    let hole = BlackHole::new();
    let before = on_their_way(hole.address);
    let there = format!("ws://{}/", hole.address);
    let (first, _) = site(Tls::No, move |_| redirect(307, &there));
    let proxy = format!("http://{}", hole.address);
    for (proxy, uri) in [
        (proxy.as_str(), "ws://origin.test/"),
        (&proxy.replace("http", "https"), "wss://origin.test/"),
        (&proxy.replace("http", "socks5h"), "ws://origin.test/"),
        ("direct:", &first.uri()),
        ("direct:", &format!("ws://localhost:{}/", hole.address.port())),
    ] {
        for mode in MODES {
            for frees in [false, true] {
                let what = format!("{uri} behind {proxy}, {mode:?}");
                let mut client = behind(proxy, mode);
                client.set(WS_CONTROL_MAX_REDIRECTS, 3);
                client.connect(uri);
                assert!(eventually(|| on_their_way(hole.address) > before), "{what}");
                let since = Instant::now();
                if !frees {
                    assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
                    assert_eq!(client.connect_result(), WS_E_ABORT, "{what}");
                }
                assert_eq!(client.free(), [], "{what}");
                assert!(since.elapsed() < AT_ONCE, "{what}");
                assert!(eventually(|| on_their_way(hole.address) == before), "{what}");
            }
        }
    }
}
