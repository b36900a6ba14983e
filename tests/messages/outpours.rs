//! Whoever sends in a callback as long as it is accepted: everything arrives in order, the callback
//! comes to an end however quick the server is, and a limit that is set meanwhile holds at once.

use std::ffi::{CString, c_void};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use anyws::ffi::events::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;
use tungstenite::Message;

use crate::support::DEADLINE;
use crate::support::client::{Client, Mode, Told};
use crate::support::gate::Gate;
use crate::support::server::{self, BOTH, Server, Tls, eventually, frame, upgrade, upgrade_then};

/// Of each path that a message may take, and beyond what is worth a write.
const SIZES: [usize; 9] = [4, 100, 125, 126, 1_000, 16_384, 65_535, 65_536, 200_000];

fn numbered(number: u32, size: usize) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(size, number as u8);
    bytes
}

/// A socket of its own that sends in its callbacks.
struct Flood {
    next: u32,
    count: u32,
    size: fn(u32) -> usize,
    refused: u32,
    /// Called after each message, with how many there were.
    after_each: Box<dyn FnMut(*mut ws_socket, u64)>,
    told: Sender<(u32, u32)>,
}

impl Flood {
    fn pour(&mut self, socket: *mut ws_socket) {
        while self.next < self.count {
            let bytes = numbered(self.next, (self.size)(self.next));
            match ws_send_binary(socket, bytes.as_ptr().cast(), bytes.len()) {
                WS_OK => {
                    self.next += 1;
                    (self.after_each)(socket, u64::from(self.next));
                }
                WS_E_WOULD_BLOCK => {
                    self.refused += 1;
                    break;
                }
                other => panic!("{other:#x}"),
            }
        }
        let _ = self.told.send((self.next, self.refused));
    }
}

unsafe extern "C-unwind" fn on_message(
    socket: *mut ws_socket,
    _: *const ws_message,
    user_data: *mut c_void,
) {
    unsafe { &mut *user_data.cast::<Flood>() }.pour(socket);
}

unsafe extern "C-unwind" fn on_send_ready(socket: *mut ws_socket, user_data: *mut c_void) {
    unsafe { &mut *user_data.cast::<Flood>() }.pour(socket);
}

/// Begins to send when the server has said something. Told after each callback: how many messages
/// were accepted, and how often one was refused.
fn flood(
    uri: &str,
    count: u32,
    size: fn(u32) -> usize,
    goes_on: bool,
    after_each: impl FnMut(*mut ws_socket, u64) + 'static,
) -> (Client, Receiver<(u32, u32)>) {
    let (told, seen) = channel();
    let after_each = Box::new(after_each);
    let flood = Flood { next: 0, count, size, refused: 0, after_each, told };
    let user_data = Box::into_raw(Box::new(flood)).cast();
    let client = Client::trusting(Mode::Callback);
    client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 4 << 20);
    assert_eq!(ws_on_message_received(client.socket, Some(on_message), user_data), WS_OK);
    let on_room: ws_send_ready_fn = if goes_on { Some(on_send_ready) } else { None };
    assert_eq!(ws_on_send_ready(client.socket, on_room, user_data), WS_OK);
    let uri = CString::new(uri).unwrap();
    assert_eq!(ws_connect_wait(client.socket, uri.as_ptr(), 10_000), WS_OK);
    (client, seen)
}

#[test]
fn what_a_callback_sends_until_it_is_refused_arrives_in_order() {
    const COUNT: u32 = 900;
    let size = |number: u32| SIZES[number as usize % SIZES.len()];
    for tls in BOTH {
        let (teller, arrived) = channel();
        let gate = Gate::default();
        let has_refused = gate.clone();
        let server = Server::start(tls, move |peer| {
            peer.send(Message::text("go")).unwrap();
            gate.pass();
            for number in 0..COUNT {
                let message = server::next_message(peer).expect("a message").into_data();
                assert!(message == numbered(number, size(number)), "{number}");
            }
            let _ = teller.send(());
            while peer.read().is_ok() {}
        });
        let (client, seen) = flood(&server.uri(), COUNT, size, true, |_, _| {});
        let (accepted, refused) = seen.recv_timeout(DEADLINE).expect("the end of the callback");
        assert!(accepted < COUNT && refused == 1, "{accepted} {tls:?}");
        has_refused.open();
        arrived.recv_timeout(DEADLINE).expect("all of them");
        assert!(eventually(|| client.statistics().messages_sent == u64::from(COUNT)));
        let payload_bytes: usize = (0..COUNT).map(size).sum();
        assert_eq!(client.statistics().payload_bytes_sent, payload_bytes as u64);
    }
}

#[test]
fn a_callback_whose_server_keeps_up_is_refused_all_the_same() {
    const MOST: u32 = 3_000;
    const BYTES: usize = 65_535;
    let read = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&read);
    let server = Server::raw(Tls::No, move |mut stream| {
        upgrade_then(&mut stream, &frame(0x81, b"go"));
        let mut buffer = vec![0; 1 << 20];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            read.fetch_add(count as u64, Ordering::SeqCst);
        }
    });
    let (_client, seen) = flood(
        &server.uri(),
        MOST,
        |_| BYTES,
        false,
        move |socket, sent| {
            // The system never has cause to take less than it is offered.
            let left = sent * (BYTES as u64 + 8) - ws_buffered_amount(socket);
            assert!(eventually(|| count.load(Ordering::SeqCst) >= left));
        },
    );
    let (accepted, refused) = seen.recv_timeout(DEADLINE).expect("the end of the callback");
    assert!(accepted < MOST && refused == 1, "{accepted}");
}

#[test]
fn a_limit_that_is_lowered_holds_for_the_next_message() {
    for tls in BOTH {
        let gate = Gate::default();
        let server = {
            let gate = gate.clone();
            Server::raw(tls, move |mut stream| {
                upgrade(&mut stream);
                gate.pass();
                server::read_to_end(&mut stream);
            })
        };
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        // More than the sockets hold.
        while ws_buffered_amount(client.socket) < 100_000 {
            assert_eq!(client.send_binary(&[7; 1_000]), WS_OK);
        }
        assert_eq!(client.send_binary(&[7; 10]), WS_OK);
        client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 50_000);
        assert_eq!(client.send_binary(&[7; 10]), WS_E_WOULD_BLOCK);
        client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 1 << 20);
        assert_eq!(client.send_binary(&[7; 10]), WS_OK);
        gate.open();
        assert_eq!(client.next(), Told::SendReady);
    }
}
