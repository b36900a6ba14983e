//! What is offered and what of an answer is accepted.

use std::sync::mpsc::channel;

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::peer::serve;
use crate::support::DEADLINE;
use crate::support::client::{Client, Mode};
use crate::support::server::{BOTH, Server, Tls, answer_upgrade, read_out, read_request};
use crate::{connected, offering};

const CLIENT_BITS: ws_control = WS_CONTROL_COMPRESSION_CLIENT_MAX_WINDOW_BITS;
const SERVER_BITS: ws_control = WS_CONTROL_COMPRESSION_SERVER_MAX_WINDOW_BITS;
const CLIENT_FRESH: ws_control = WS_CONTROL_COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER;
const SERVER_FRESH: ws_control = WS_CONTROL_COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER;

/// Connects to a server that answers with `answer`; returns what was offered, and the result.
fn offer(client: &mut Client, tls: Tls, answer: &str) -> (Vec<String>, ws_result) {
    let (teller, told) = channel();
    let lines = match answer {
        "" => String::new(),
        answer => format!("Sec-WebSocket-Extensions: {answer}\r\n"),
    };
    let server = Server::raw(tls, move |mut stream| {
        let request = read_request(&mut stream);
        let _ = teller.send(request.clone());
        answer_upgrade(&mut stream, &request, &lines, b"");
        read_out(&mut stream);
    });
    client.connect(&server.uri());
    let result = client.connect_result();
    let request = told.recv_timeout(DEADLINE).expect("a request in time");
    let offers = request.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    (offers.map(str::to_owned).collect(), result)
}

#[test]
fn the_offer_says_what_the_controls_say() {
    for (client_bits, server_bits) in
        [15, 12, 9].into_iter().flat_map(|c| [(c, 15), (c, 12), (c, 9)])
    {
        for (client_fresh, server_fresh) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let controls = [
                (CLIENT_BITS, client_bits),
                (SERVER_BITS, server_bits),
                (CLIENT_FRESH, client_fresh),
                (SERVER_FRESH, server_fresh),
            ];
            let mut parameters = vec![match client_bits {
                15 => "client_max_window_bits".to_owned(),
                bits => format!("client_max_window_bits={bits}"),
            }];
            let mut granted = "permessage-deflate".to_owned();
            for (is_set, parameter) in [
                (server_bits < 15, format!("server_max_window_bits={server_bits}")),
                (client_fresh == 1, "client_no_context_takeover".to_owned()),
                (server_fresh == 1, "server_no_context_takeover".to_owned()),
            ] {
                if is_set {
                    granted += "; ";
                    granted += &parameter;
                    parameters.push(parameter);
                }
            }
            let mut client = offering(Mode::Callback, &controls);
            let (offers, result) = offer(&mut client, Tls::No, &granted);
            assert_eq!(result, WS_OK, "{granted}");
            assert_eq!(offers.len(), 1, "{offers:?}");
            let mut offered = offers[0].split("; ");
            assert_eq!(offered.next(), Some("permessage-deflate"));
            let mut offered: Vec<_> = offered.collect();
            offered.sort_unstable();
            parameters.sort_unstable();
            assert_eq!(offered, parameters);
            assert_eq!(client.text(WS_INFORMATION_EXTENSIONS), granted);
        }
    }
}

#[test]
fn nothing_is_offered_unless_it_is_asked_for() {
    for tls in BOTH {
        let mut client = Client::trusting(Mode::Callback);
        assert_eq!(offer(&mut client, tls, ""), (vec![], WS_OK));
        assert_eq!(client.text(WS_INFORMATION_EXTENSIONS), "");
        let mut client = Client::trusting(Mode::Callback);
        let refused = (vec![], WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED);
        assert_eq!(offer(&mut client, tls, "permessage-deflate"), refused);
        assert_eq!(client.error().phase, WS_ERROR_PHASE_HTTP);
    }
}

#[test]
fn what_was_offered_may_be_answered() {
    for answer in [
        "",
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=9",
        "permessage-deflate;server_max_window_bits=8 ;server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=\"10\"; client_no_context_takeover",
    ] {
        for tls in BOTH {
            let mut client = offering(Mode::Callback, &[]);
            let (_, result) = offer(&mut client, tls, answer);
            assert_eq!(result, WS_OK, "{answer}");
            assert_eq!(client.text(WS_INFORMATION_EXTENSIONS), answer);
        }
    }
}

#[test]
fn what_was_not_offered_or_not_granted_is_refused() {
    let controls = [(CLIENT_BITS, 10), (SERVER_BITS, 12), (CLIENT_FRESH, 1), (SERVER_FRESH, 1)];
    let good = "permessage-deflate; server_max_window_bits=12; server_no_context_takeover; \
                client_no_context_takeover";
    let mut client = offering(Mode::Callback, &controls);
    assert_eq!(offer(&mut client, Tls::No, good).1, WS_OK);
    for answer in [
        "permessage-bzip2".to_owned(),
        format!("{good}, permessage-deflate"),
        format!("{good}; {good}"),
        format!("{good}; something_else"),
        format!("{good}; client_max_window_bits=11"),
        format!("{good}; client_max_window_bits"),
        format!("{good}; client_max_window_bits=010"),
        good.replace("=12", "=13"),
        good.replace("; server_max_window_bits=12", ""),
        good.replace("; server_no_context_takeover", ""),
        good.replace("; client_no_context_takeover", ""),
        good.replace("client_no_context_takeover", "client_no_context_takeover=1"),
    ] {
        for tls in BOTH {
            let mut client = offering(Mode::Callback, &controls);
            let (_, result) = offer(&mut client, tls, &answer);
            assert_eq!(result, WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED, "{answer}");
            assert_eq!(client.text(WS_INFORMATION_EXTENSIONS), answer, "also of a refused one");
        }
    }
}

/// Without an agreement messages are as they always were, and a compressed one breaks the protocol.
#[test]
fn a_server_that_does_not_agree_is_spoken_to_plainly() {
    for tls in BOTH {
        let server = serve(tls, "", |peer| {
            for _ in 0..2 {
                let arrived = peer.message();
                assert!(!arrived.is_compressed);
                peer.send_plain(arrived.opcode, &arrived.payload);
            }
            peer.send(crate::peer::TEXT, b"compressed nevertheless", 1);
        });
        let mut client = connected(Mode::Callback, &server, &[]);
        let text = "a".repeat(100_000);
        assert_eq!(client.send_text(&text), WS_OK);
        assert!(client.next_text() == text);
        assert_eq!(client.send_frame(text.as_bytes(), false), WS_OK);
        assert_eq!(client.send_frame(b"", true), WS_OK);
        assert!(client.next_message().1 == text.as_bytes());
        let (before, closed) = client.until_closed();
        assert_eq!((before, closed), (vec![], crate::lost(WS_E_INVALID_PROTOCOL_FORMAT)));
        assert_eq!(client.statistics().compressed_bytes_sent, 0);
    }
}

/// zlib writes no raw stream with a window of 8 bits: such a server is sent plain messages.
#[test]
fn a_window_of_eight_bits_is_accepted_and_not_used() {
    for tls in BOTH {
        let server = serve(tls, "permessage-deflate; client_max_window_bits=8", |peer| {
            let arrived = peer.message();
            assert!(!arrived.is_compressed);
            peer.send(arrived.opcode, &arrived.payload, 1);
        });
        let client = connected(Mode::Callback, &server, &[]);
        let text = "a".repeat(100_000);
        assert_eq!(client.send_text(&text), WS_OK);
        assert!(client.next_text() == text, "and its own are inflated");
    }
}
