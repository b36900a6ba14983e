//! What belongs to the one kind of socket alone, and what to both.

use std::ptr::{null, null_mut};

use anyws::ffi::controls::*;
use anyws::ffi::data_writer::*;
use anyws::ffi::events::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::storing::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;
use anyws::ffi::written_values::*;

use crate::pair;
use crate::support::client::{Client, Mode, last_error_message};
use crate::support::random::Random;
use crate::support::server::{BOTH, Server, Tls, read_frame};
use crate::support::stream_client::StreamClient;
use crate::support::stream_server::frame_echo;

type Call = (&'static str, fn(*mut ws_socket) -> ws_result);

unsafe extern "C-unwind" fn on_message(
    _: *mut ws_socket,
    _: *const ws_message,
    _: *mut std::ffi::c_void,
) {
}

const OF_MESSAGES: [Call; 10] = [
    ("ws_send", |s| ws_send(s, b"x".as_ptr().cast(), 1)),
    ("ws_send_text", |s| ws_send_text(s, c"x".as_ptr(), 1)),
    ("ws_send_binary", |s| ws_send_binary(s, b"x".as_ptr().cast(), 1)),
    ("ws_send_async", |s| {
        ws_send_async(s, 0, b"x".as_ptr().cast(), 1, None, null_mut(), null_mut())
    }),
    ("ws_send_wait", |s| ws_send_wait(s, 0, b"x".as_ptr().cast(), 1, 1000)),
    ("ws_send_nonfinal_frame", |s| ws_send_nonfinal_frame(s, b"x".as_ptr().cast(), 1)),
    ("ws_send_final_frame", |s| ws_send_final_frame(s, b"x".as_ptr().cast(), 1)),
    ("ws_receive", |s| {
        let mut message = null_mut();
        ws_receive(s, &raw mut message, 0)
    }),
    ("ws_on_message_received", |s| ws_on_message_received(s, Some(on_message), null_mut())),
    ("ws_on_message_received of nothing", |s| ws_on_message_received(s, None, null_mut())),
];

const OF_STREAMS: [Call; 4] = [
    ("ws_read", |s| ws_read(s, null_mut(), 0, WS_READ_NONE, None, null_mut())),
    ("ws_read_wait", |s| ws_read_wait(s, null_mut(), 0, WS_READ_NONE, 0, null_mut())),
    ("ws_write", |s| ws_write(s, null(), 0, None, null_mut())),
    ("ws_write_wait", |s| ws_write_wait(s, null(), 0, 0, null_mut())),
];

#[test]
fn a_stream_socket_knows_no_messages_and_a_message_socket_no_stream() {
    let server = Server::echo(Tls::No);
    for is_connected in [false, true] {
        let (stream, message) = if is_connected {
            let stream = StreamClient::connected(Mode::Callback, &server.uri()).client;
            (stream, Client::connected(Mode::Callback, &server.uri()))
        } else {
            (Client::stream(Mode::Callback), Client::new(Mode::Callback))
        };
        for (calls, client, word) in [
            (&OF_MESSAGES[..], &stream, "stream socket"),
            (&OF_STREAMS, &message, "message socket"),
        ] {
            for (name, call) in calls {
                assert_eq!(call(client.socket), WS_E_ILLEGAL_METHOD_CALL, "{name}");
                let told = last_error_message();
                assert!(told.contains(word), "{name}: {told}");
            }
        }
        // Neither was harmed.
        let expected = if is_connected { WS_STATE_OPEN } else { WS_STATE_CREATED };
        assert_eq!(ws_get_state(stream.socket), expected);
        assert_eq!(stream.free(), []);
        assert_eq!(message.free(), []);
    }
}

#[test]
fn controls_for_messages_are_not_for_streams() {
    let client = Client::stream(Mode::Callback);
    for control in [
        WS_CONTROL_MESSAGE_TYPE,
        WS_CONTROL_RECEIVE_MODE,
        WS_CONTROL_MAX_MESSAGE_SIZE,
        WS_CONTROL_MAX_FRAGMENTS,
        WS_CONTROL_RECEIVE_QUEUE_LIMIT,
    ] {
        let mut value = 0;
        assert_eq!(ws_get_control(client.socket, control, &raw mut value), WS_E_INVALIDARG);
        assert_eq!(ws_set_control(client.socket, control, 1), WS_E_INVALIDARG, "{control}");
        let mut info: ws_control_info = unsafe { std::mem::zeroed() };
        info.struct_size = size_of::<ws_control_info>() as u32;
        assert_eq!(ws_get_control_info(control, &raw mut info), WS_OK);
    }
    for control in [
        WS_CONTROL_NO_DELAY,
        WS_CONTROL_COMPRESSION,
        WS_CONTROL_PING_INTERVAL_MS,
        WS_CONTROL_SEND_TIMEOUT_MS,
        WS_CONTROL_OUTBOUND_BUFFER_SIZE,
    ] {
        let mut value = 0;
        assert_eq!(ws_get_control(client.socket, control, &raw mut value), WS_OK, "{control}");
        assert_eq!(ws_set_control(client.socket, control, value), WS_OK, "{control}");
    }
}

#[test]
fn the_state_is_judged_before_anything_is_read_or_written() {
    for mode in [Mode::Callback, Mode::Next] {
        let server = frame_echo(Tls::No);
        let client = StreamClient { client: Client::stream(mode).that_trusts() };
        let mut room = [0u8; 4];
        let mut all = |expected: [ws_result; 2]| {
            let (socket, buf) = (client.socket(), room.as_mut_ptr().cast());
            let [read, write] = expected;
            assert_eq!(ws_read(socket, buf, 4, WS_READ_NONE, None, null_mut()), read);
            assert_eq!(ws_read_wait(socket, buf, 4, WS_READ_NONE, 0, null_mut()), read);
            assert_eq!(ws_write(socket, buf, 4, None, null_mut()), write);
            assert_eq!(ws_write_wait(socket, buf, 4, 0, null_mut()), write);
        };
        all([WS_E_ILLEGAL_METHOD_CALL; 2]);
        let mut client = StreamClient { client: Client::stream(mode).that_trusts() };
        client.client.connect(&server.uri());
        assert_eq!(client.client.connect_result(), WS_OK);
        client.close();
    }
}

#[test]
fn a_data_writer_stores_into_a_stream_socket() {
    for tls in BOTH {
        let (client, mut stream) = pair(Mode::Callback, tls);
        let writer = ws_data_writer_new(client.socket());
        assert!(!writer.is_null(), "{}", last_error_message());
        assert_eq!(ws_data_writer_write_u32(writer, 0x0102_0304), WS_OK);
        let mut stored = 0;
        assert_eq!(ws_data_writer_store(writer, &raw mut stored), WS_OK);
        assert_eq!((stored, read_frame(&mut stream)), (4, Some((0x82, vec![1, 2, 3, 4]))));
        assert_eq!(client.write(b"both"), (WS_OK, 4));
        assert_eq!(read_frame(&mut stream), Some((0x82, b"both".to_vec())));
        assert_eq!(ws_data_writer_free(writer), WS_OK);
        assert_eq!(client.begin_write(b"x"), WS_E_CLOSED, "its output is closed");
        crate::send(&mut stream, &crate::support::server::frame(0x82, b"still"));
        assert_eq!(client.read_all(5), b"still");
    }
}

#[test]
fn statistics_count_what_passed() {
    for compression in [0, 1] {
        let server = frame_echo(Tls::No);
        let client = StreamClient::compressing(Mode::Pull, &server.uri(), compression);
        let bytes = Random::new(3).words(500_000);
        let mut sent = 0;
        for len in [0, 10, 200_000] {
            assert_eq!(client.write(&bytes[..len]), (WS_OK, len));
            sent += len as u64;
        }
        let half = client.read_all(100_000);
        assert!(half[10..] == bytes[..100_000 - 10]);
        client.read_all(sent as usize - 100_000);
        let there = || client.client.statistics().payload_bytes_received == sent;
        assert!(crate::support::server::eventually(there));
        let statistics = client.client.statistics();
        assert_eq!((statistics.messages_sent, statistics.messages_received), (3, 3));
        assert_eq!(statistics.payload_bytes_sent, sent);
        let framed = sent + 3 * 2;
        if compression == 0 {
            assert!(statistics.bytes_sent >= framed && statistics.bytes_received >= framed);
            assert_eq!(statistics.compressed_bytes_sent, 0);
        } else {
            assert!(statistics.bytes_sent < framed / 2, "{}", statistics.bytes_sent);
            assert_eq!(statistics.uncompressed_bytes_sent, 200_000);
            assert_eq!(statistics.uncompressed_bytes_received, 200_000);
        }
        assert_eq!(statistics.frames_sent, statistics.frames_received);
        client.close();
    }
}
