//! What a stream socket holds while much more than that passes through it, counted by the
//! allocator of this program, in which nothing else happens. What the servers allocate counts not.
//!
//! A gibibyte in each direction: `ANYWS_STREAM_MIB=1024 cargo test --test stream_memory`; without it
//! a quarter of that. Over TLS it is half as much, compressed an eighth.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "stream_memory/counting.rs"]
mod counting;
#[path = "stream_memory/peers.rs"]
mod peers;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyws::ffi::result::*;
use anyws::ffi::stream::*;

use counting::{Counting, peak_above};
use peers::{PATTERN_BYTES, Peer, pattern};
use support::client::Mode;
use support::server::{BOTH, Tls, eventually};
use support::stream_client::StreamClient;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the promise allows beyond an idle connection.
const LIMIT: usize = 256 * 1024;
const READ_BYTES: usize = 1 << 20;

/// One test at a time: they share the allocator.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much goes each way.
fn total() -> usize {
    let megabytes = std::env::var("ANYWS_STREAM_MIB").ok().and_then(|text| text.parse().ok());
    megabytes.unwrap_or(256usize) << 20
}

fn read_all(client: &StreamClient, total: usize, room: &mut [u8]) {
    let pattern = pattern();
    let mut done = 0;
    while done < total {
        let capacity = room.len().min(total - done);
        let (buf, mut count) = (room.as_mut_ptr().cast(), 0);
        let (socket, place) = (client.socket(), &raw mut count);
        let result = ws_read_wait(socket, buf, capacity, WS_READ_NONE, 60_000, place);
        assert_eq!((result, count), (WS_OK, capacity));
        let at = done % PATTERN_BYTES;
        assert!(room[..count] == pattern[at..at + count], "at {done}");
        done += count;
    }
}

fn write_all(socket: usize, total: usize, piece: usize) {
    let mut done = 0;
    while done < total {
        let at = done % PATTERN_BYTES;
        let bytes = &pattern()[at..][..piece.min(total - done).min(PATTERN_BYTES - at)];
        let (data, mut count) = (bytes.as_ptr().cast(), 0);
        let socket = std::ptr::without_provenance_mut(socket);
        let result = ws_write_wait(socket, data, bytes.len(), 60_000, &raw mut count);
        assert_eq!((result, count), (WS_OK, bytes.len()));
        done += count;
    }
}

/// An open connection, and what is allocated while nothing happens on it. With compression the two
/// contexts belong to that, which a connection keeps for as long as it lives.
fn idle(peer: &Peer, compression: u64) -> (StreamClient, usize) {
    let (client, before) = asleep(peer, compression);
    peer.begin();
    (client, before)
}

/// The same with a peer that does nothing before it is told to begin.
fn asleep(peer: &Peer, compression: u64) -> (StreamClient, usize) {
    let client = StreamClient::compressing(Mode::Pull, &peer.server.uri(), compression);
    let greeting = &pattern()[..peers::GREETING_BYTES];
    assert_eq!(client.write_wait(greeting, 60_000), (WS_OK, greeting.len()));
    assert!(client.read_all(greeting.len()) == greeting);
    std::thread::park_timeout(Duration::from_millis(50));
    (client, counting::begin())
}

fn check(what: std::fmt::Arguments<'_>, before: usize) {
    let peak = peak_above(before);
    println!("{what}: {} KiB above idle", peak / 1024);
    assert!(peak < LIMIT, "{what}: {peak} bytes above idle");
}

#[test]
fn memory_does_not_grow_with_what_passes_in_both_directions_at_once() {
    let _turn = turn();
    let mut room = vec![0; READ_BYTES];
    for (total, piece) in [(total(), PATTERN_BYTES), (total() / 8, 100_000)] {
        let peer = Peer::of_both_directions(total);
        let (client, before) = idle(&peer, 0);
        let handle = client.socket().addr();
        std::thread::scope(|scope| {
            scope.spawn(move || write_all(handle, total, piece));
            read_all(&client, total, &mut room);
        });
        peer.has_taken(total);
        check(format_args!("both at once, writes of {piece}"), before);
        client.client.free();
    }
}

#[test]
fn memory_does_not_grow_with_what_passes_over_tls() {
    let _turn = turn();
    let total = total() / 2;
    let peer = Peer::that_sends_and_takes(Tls::Good, total, 1 << 20);
    let (client, before) = idle(&peer, 0);
    let mut room = vec![0; READ_BYTES];
    let before = before + room.capacity();
    read_all(&client, total, &mut room);
    check(format_args!("reading over TLS"), before);
    write_all(client.socket().addr(), total, PATTERN_BYTES);
    peer.has_taken(total);
    check(format_args!("writing over TLS"), before);
    client.client.free();
}

#[test]
fn memory_does_not_grow_with_what_is_compressed() {
    let _turn = turn();
    let total = total() / 8;
    for tls in BOTH {
        let peer = Peer::echo(tls);
        let (client, before) = idle(&peer, 1);
        let handle = client.socket().addr();
        let mut room = vec![0; READ_BYTES];
        let before = before + room.capacity();
        std::thread::scope(|scope| {
            scope.spawn(move || write_all(handle, total, 8 << 20));
            read_all(&client, total, &mut room);
        });
        check(format_args!("compressed, {tls:?}"), before);
        client.client.free();
    }
}

#[test]
fn a_reader_that_sleeps_holds_no_more() {
    let _turn = turn();
    for tls in BOTH {
        for frame_bytes in [10, 1000, 65_000, 1 << 20, 1 << 30] {
            let total = 64 << 20;
            let peer = Peer::that_sends_and_takes(tls, total, frame_bytes);
            let (client, before) = idle(&peer, 0);
            // Its writes wait, too.
            let (data, null) = (pattern().as_ptr().cast(), std::ptr::null_mut());
            assert_eq!(ws_write(client.socket(), data, PATTERN_BYTES, None, null), WS_OK);
            let sent = || peer.sent();
            let stands_still = || {
                let before = sent();
                std::thread::park_timeout(Duration::from_millis(50));
                before > 0 && sent() == before
            };
            assert!(eventually(stands_still));
            assert!(sent() < total, "it has to wait");
            // It takes a little each time: neither what it left nor what it took piles up.
            let mut room = [0u8; 4000];
            read_all(&client, 400_000, &mut room);
            assert!(eventually(stands_still));
            check(format_args!("a sleeping reader, {tls:?}, frames of {frame_bytes}"), before);
            client.client.free();
        }
    }
}

#[test]
fn a_reader_of_little_pieces_holds_no_more() {
    let _turn = turn();
    for tls in BOTH {
        for (frame_bytes, total) in [(100, 2 << 20), (100_000, 16 << 20), (1 << 30, 16 << 20)] {
            let peer = Peer::that_sends_and_takes(tls, total, frame_bytes);
            let (client, before) = idle(&peer, 0);
            let mut room = [0u8; 1000];
            read_all(&client, total, &mut room);
            check(format_args!("little pieces, {tls:?}, frames of {frame_bytes}"), before);
            client.client.free();
        }
    }
}

#[test]
fn a_write_to_a_server_that_does_not_read_holds_no_more() {
    let _turn = turn();
    for tls in BOTH {
        let peer = Peer::that_takes(tls);
        let (client, before) = asleep(&peer, 0);
        let socket = client.socket();
        let (data, null) = (pattern().as_ptr().cast(), std::ptr::null_mut());
        assert_eq!(ws_write(socket, data, PATTERN_BYTES, None, null), WS_OK);
        let sent = || client.client.statistics().bytes_sent;
        let stands_still = || {
            let before = sent();
            std::thread::park_timeout(Duration::from_millis(50));
            before > 0 && sent() == before
        };
        assert!(eventually(stands_still));
        assert!(sent() < PATTERN_BYTES as u64, "it has to wait");
        check(format_args!("a stalled write, {tls:?}"), before);
        peer.begin();
        peer.has_taken(PATTERN_BYTES);
        check(format_args!("a stalled write that went on, {tls:?}"), before);
        client.client.free();
    }
}
