//! What `ws_get_statistics` tells of a connection.

use std::io::Write;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::support::client::{Client, Mode, Told};
use crate::support::gate::Gate;
use crate::support::server::{
    BOTH, Nobody, Server, Tls, eventually, frame, read_frame, read_request,
};
use crate::{PING, PONG, answer, close, connected, everywhere, telling_server};

#[test]
fn round_trips_of_the_heartbeat_are_told_and_kept() {
    for tls in BOTH {
        let gate = Gate::default();
        let none_is_known = gate.clone();
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            let (_silence, clock) = channel::<()>();
            while let Some((first, payload)) = read_frame(stream) {
                assert_eq!(first, PING);
                gate.pass();
                let _ = clock.recv_timeout(Duration::from_millis(30));
                if stream.write_all(&frame(PONG, &payload)).is_err() {
                    break;
                }
            }
        });
        let controls = [(WS_CONTROL_PING_INTERVAL_MS, 60)];
        let client = connected(Mode::Callback, &server, &controls);
        assert_eq!(client.statistics().round_trip_us, 0);
        none_is_known.open();
        let mut times = Vec::new();
        for _ in 0..4 {
            let Told::Pong(time) = client.next() else { panic!("not a pong") };
            assert!(time > 29_000 && time < 10_000_000, "{time}");
            times.push(time);
        }
        let known = client.statistics();
        let (least, most) = (known.min_round_trip_us, *times.iter().max().unwrap());
        assert!(least <= *times.iter().min().unwrap() && least > 29_000);
        // Another may have been answered meanwhile.
        assert!(known.round_trip_us > 29_000);
        let smoothed = known.smoothed_round_trip_us;
        assert!(smoothed >= least && smoothed <= most.max(known.round_trip_us), "{times:?}");
        assert_eq!(ws_abort(client.socket), WS_OK);
    }
}

#[test]
fn what_passes_is_counted() {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            while let Some((first, payload)) = read_frame(stream) {
                let echo = match first {
                    PING => [frame(PONG, &payload), frame(PING, b"you?")].concat(),
                    PONG => continue,
                    0x88 => frame(first, &payload),
                    _ => [frame(0x01, &payload), frame(0x80, b"!")].concat(),
                };
                stream.write_all(&echo).unwrap();
                if first == 0x88 {
                    crate::finish(stream);
                    break;
                }
            }
        });
        let mut client = connected(mode, &server, &[]);
        let begun = client.statistics();
        assert_eq!((begun.bytes_sent, begun.frames_sent, begun.bytes_received), (0, 0, 0));
        for len in [0, 10, 1000, 70_000] {
            let text = "x".repeat(len);
            assert_eq!(client.send_text(&text), WS_OK);
            assert_eq!(client.next_text(), text + "!");
        }
        assert_eq!(ws_ping(client.socket, b"me".as_ptr().cast(), 2), WS_OK);
        assert!(matches!(client.next(), Told::Pong(_)));
        let sent_bytes = 6 + 16 + (8 + 1000) + (14 + 70_000) + (6 + 2) + (6 + 4);
        let received_bytes = 2 + 12 + (4 + 1000) + (10 + 70_000) + 4 * 3 + (2 + 2) + (2 + 4);
        let is_counted = || {
            let now = client.statistics();
            now.bytes_sent == sent_bytes && now.bytes_received == received_bytes
        };
        assert!(eventually(is_counted), "{:?}", client.statistics());
        let now = client.statistics();
        assert_eq!((now.messages_sent, now.messages_received), (4, 4));
        let payload = 10 + 1000 + 70_000;
        assert_eq!((now.payload_bytes_sent, now.payload_bytes_received), (payload, payload + 4));
        assert_eq!((now.frames_sent, now.frames_received), (6, 10));
        assert_eq!((now.pings_sent, now.pings_received), (1, 1));
        assert_eq!((now.pongs_sent, now.pongs_received), (1, 1));
        assert_eq!((now.compressed_bytes_sent, now.uncompressed_bytes_sent), (0, 0));
        assert_eq!((now.compressed_bytes_received, now.uncompressed_bytes_received), (0, 0));
        assert_eq!(close(&mut client), []);
        let after = client.statistics();
        assert_eq!((after.frames_sent, after.frames_received), (7, 11), "the close frames");
        assert_eq!(after.bytes_sent, sent_bytes + 8);
        assert_eq!(after.bytes_received, received_bytes + 4);
    });
}

#[test]
fn each_phase_of_connecting_has_its_time() {
    for tls in BOTH {
        let server = Server::echo(tls);
        let client = Client::trusting(Mode::Callback);
        let before = client.statistics();
        assert_eq!((before.name_us, before.tcp_us, before.http_us), (0, 0, 0));
        let mut client = connected(Mode::Callback, &server, &[]);
        let known = client.statistics();
        assert!(known.tcp_us > 0 && known.http_us > 0, "{known:?}");
        assert_eq!(known.tls_us > 0, tls == Tls::Good);
        assert_eq!(known.proxy_us, 0);
        for time in [known.name_us, known.tcp_us, known.tls_us, known.http_us] {
            assert!(time < 20_000_000, "{known:?}");
        }
        assert_eq!((known.inbound_bandwidth_peaked, known.reserved), (0, 0));
        assert_eq!(known.outbound_bits_per_second > 0, cfg!(target_os = "linux"), "{known:?}");
        close(&mut client);
        let after = client.statistics();
        assert_eq!(after.tcp_us, known.tcp_us, "it stays readable");
        assert_eq!(after.outbound_bits_per_second, 0, "there is no path any more");
    }
}

#[test]
fn the_time_of_a_slow_answer_is_the_upgrades() {
    let server = Server::raw(Tls::Good, |mut stream| {
        read_request(&mut stream);
        let (_silence, clock) = channel::<()>();
        let _ = clock.recv_timeout(Duration::from_millis(200));
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        crate::finish(&mut stream);
    });
    let mut client = Client::trusting(Mode::Callback);
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_E_HTTP_STATUS_FORBIDDEN);
    let known = client.statistics();
    assert!(known.http_us >= 190_000, "{known:?}");
    assert!(known.tls_us > 0 && known.tcp_us > 0);
    // A new attempt forgets it.
    client.connect(&Nobody::new().uri());
    assert_eq!(client.connect_result(), WS_E_CANNOT_CONNECT);
    let known = client.statistics();
    assert_eq!((known.tcp_us, known.tls_us, known.http_us), (0, 0, 0));
}

#[test]
fn statistics_can_be_read_while_everything_moves() {
    let (server, _arrivals) = telling_server(Tls::No, answer);
    let mut client = connected(Mode::Callback, &server, &[(WS_CONTROL_PING_INTERVAL_MS, 1)]);
    let mut last = client.statistics();
    for _ in 0..20_000 {
        let now = client.statistics();
        assert!(now.frames_sent >= last.frames_sent && now.bytes_sent >= last.bytes_sent);
        assert!(now.pongs_received >= last.pongs_received);
        assert!(now.pongs_received <= now.pings_sent + 1);
        last = now;
    }
    close(&mut client);
}
