//! Frames to a server that does not read: the queue's limit holds for them, too, and none is lost.

use std::sync::mpsc::Receiver;

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::support::client::{Client, Mode, Told};
use crate::support::gate::Gate;
use crate::support::server::Tls;
use crate::{BINARY, CONTINUATION, FINAL, close, connected, everywhere, next, telling_behind};

const LIMIT: u64 = 100_000;

fn numbered(number: usize) -> Vec<u8> {
    let mut bytes = (number as u32).to_be_bytes().to_vec();
    bytes.resize(10_000, number as u8);
    bytes
}

/// Sends frames of one message until one is refused. Returns how many were accepted.
fn fill(client: &Client, first: usize) -> usize {
    let mut number = first;
    loop {
        match client.send_frame(&numbered(number), false) {
            WS_OK => number += 1,
            WS_E_WOULD_BLOCK => return number,
            other => panic!("{other:x}"),
        }
        assert!(number < 100_000, "the limit does not hold");
    }
}

fn frames_arrive(frames: &Receiver<(u8, Vec<u8>)>, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let (first, payload) = next(frames);
        assert_eq!(first, if number == 0 { BINARY } else { CONTINUATION });
        assert!(payload == numbered(number), "frame {number}");
    }
}

#[test]
fn a_full_queue_refuses_frames_and_tells_once_when_there_is_room() {
    everywhere(a_full_queue);
}

fn a_full_queue(mode: Mode, tls: Tls) {
    let gate = Gate::default();
    let (server, frames) = telling_behind(&gate, tls);
    let controls =
        [(WS_CONTROL_SEND_QUEUE_LIMIT, LIMIT), (WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024)];
    let mut client = connected(mode, &server, &controls);
    let accepted = fill(&client, 0);
    let buffered = anyws::ffi::send::ws_buffered_amount(client.socket);
    assert!(buffered <= LIMIT && buffered > LIMIT - 20_000, "{buffered}");
    assert_eq!(client.send_frame(&numbered(accepted), true), WS_E_WOULD_BLOCK, "a final one, too");
    assert_eq!(client.try_next(), None);
    gate.open();
    assert_eq!(client.next(), Told::SendReady);
    // The refused ones left no trace: the message goes on where it was.
    assert_eq!(client.send_frame(&numbered(accepted), false), WS_OK);
    assert_eq!(client.send_frame(b"end", true), WS_OK);
    frames_arrive(&frames, 0..accepted + 1);
    assert_eq!(next(&frames), (FINAL, b"end".to_vec()));
    assert_eq!(close(&mut client), [], "send-ready is told once");
}

#[test]
fn an_empty_queue_takes_a_frame_of_any_size() {
    everywhere(|mode, tls| {
        let (server, frames) = crate::telling(tls);
        let client = connected(mode, &server, &[(WS_CONTROL_SEND_QUEUE_LIMIT, 1_000)]);
        let bytes = crate::pattern(3 << 20);
        assert_eq!(client.send_frame(&bytes, false), WS_OK);
        let mut arrived = Vec::new();
        while arrived.len() < bytes.len() {
            let (first, payload) = next(&frames);
            assert_eq!(first, if arrived.is_empty() { BINARY } else { CONTINUATION });
            arrived.extend(payload);
        }
        assert!(arrived == bytes);
        // It has left: that the next is accepted may take the moment until this is noticed.
        assert!(crate::support::server::eventually(|| client.send_frame(b"", true) == WS_OK));
        assert_eq!(next(&frames), (FINAL, Vec::new()));
    });
}
