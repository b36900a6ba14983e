//! Servers that stop: in the middle of what they send, or reading what is sent to them.

use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::accounts::{Account, leave_out_this_thread, turn};
use crate::attack::{Attack, GROWTH_STEP, LITTLE, TIMEOUT, long_header, lost, row};
use crate::bystander::Bystander;
use crate::stage::{AT_ONCE, all_end_together};
use crate::support::client::{Client, MODES, Mode};
use crate::support::server::{BOTH, Server, Stream, Tls, eventually, frame, read_out, upgrade};

const SILENCE: Duration = Duration::from_millis(300);

#[test]
fn silence_in_the_middle_of_a_message_ends_the_connection() {
    let turn = turn();
    let gibibyte = [long_header(0x82, 1 << 30), vec![1; 10]].concat();
    let text = [long_header(0x81, 1 << 20), vec![b'x'; 10]].concat();
    let begun = row("between fragments", frame(0x01, b"begun"));
    let rows = vec![
        row("a message declared as 1 GiB", gibibyte).holds(LITTLE + GROWTH_STEP),
        row("a text declared as 1 MiB", text).holds(LITTLE + GROWTH_STEP),
        row("half a header", [0x82]),
        row("half a length", [0x82, 126, 1]),
        row("half a ping", [0x89, 5, 1]),
        row("half a close frame", [0x88, 2, 3]),
        // Any byte ends the silence, so pings keep it alive, for longer than it may be silent.
        begun.pings(10, SILENCE / 5),
        row("in a fragment", [0x02, 5, 1]).pings(0, SILENCE),
    ];
    let silent = |row: Attack| {
        row.set(WS_CONTROL_RECEIVE_TIMEOUT_MS, SILENCE.as_millis() as u64)
            .set(WS_CONTROL_MAX_MESSAGE_SIZE, 0xffff_ffff)
            .ends_after(SILENCE)
    };
    all_end_together(&turn, TIMEOUT, rows.into_iter().map(silent).collect());
}

/// Resident memory of this process, in bytes, where the system says it.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kibibytes| 1024 * kibibytes)
}

#[test]
fn what_is_only_declared_takes_no_memory() {
    const CLIENTS: usize = 64;
    let _turn = turn();
    let server = Server::raw(Tls::No, |mut stream| {
        upgrade(&mut stream);
        let gibibyte = [long_header(0x82, 1 << 30), vec![1; 10]].concat();
        stream.write_all(&gibibyte).unwrap();
        // Its thread takes as little as it can: it is in the same process.
        while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
    });
    let connect = || {
        let mut client = Client::new(Mode::Callback);
        client.set(WS_CONTROL_MAX_MESSAGE_SIZE, 0xffff_ffff);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        client
    };
    drop(connect());
    let before = resident();
    let account = Account::open();
    let clients: Vec<_> = std::iter::repeat_with(connect).take(CLIENTS).collect();
    // Address space for all of them is set aside once all have read the header.
    assert!(eventually(|| account.peak() > CLIENTS * GROWTH_STEP));
    let grown = resident().zip(before).map_or(0, |(now, before)| now.saturating_sub(before));
    assert!(grown < CLIENTS * 64 * 1024, "{grown} bytes for {CLIENTS} clients");
    drop(clients);
    account.settle(CLIENTS * (GROWTH_STEP + 64 * 1024), "declared only");
}

#[test]
fn who_stops_reading_costs_no_more_than_the_queue_and_nobody_else_waits() {
    const LIMIT: usize = 1 << 20;
    let _turn = turn();
    for tls in BOTH {
        let server = Server::accepting(tls, move |tcp| {
            leave_out_this_thread();
            let mut stream = Stream::new(tcp, tls);
            upgrade(&mut stream);
            // The client's end is seen without reading; TLS has nothing to say in that.
            assert!(eventually(|| is_over(&stream)));
        });
        drop(Client::connected(Mode::Callback, &server.uri()));
        let bystander = Bystander::beside(tls);
        let payload = vec![9; 64 * 1024];
        let account = Account::open();
        let mut clients = MODES.map(|mode| {
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024);
            client.set(WS_CONTROL_SEND_QUEUE_LIMIT, LIMIT as u64);
            client.set(WS_CONTROL_SEND_TIMEOUT_MS, 500);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.begin_pulling();
            client
        });
        let mut last = [Instant::now(); MODES.len()];
        let mut refused = [0; MODES.len()];
        let is_closed = |client: &Client| ws_get_state(client.socket) == WS_STATE_CLOSED;
        assert!(eventually(|| {
            for (number, client) in clients.iter().enumerate() {
                match client.send_binary(&payload) {
                    WS_OK => last[number] = Instant::now(),
                    WS_E_WOULD_BLOCK => refused[number] += 1,
                    result => assert_eq!(result, WS_E_CLOSED),
                }
            }
            clients.iter().all(is_closed)
        }));
        for (client, last) in clients.iter_mut().zip(last) {
            let (before, closed) = client.until_closed();
            assert_eq!((before, closed), (vec![], lost(WS_E_TIMEOUT)));
            assert!(last.elapsed() < Duration::from_millis(500) + 2 * AT_ONCE);
        }
        assert!(refused.iter().all(|refused| *refused > 0), "{refused:?}");
        bystander.was_served("sends that nobody reads");
        for client in clients {
            assert_eq!(client.free(), []);
        }
        // Only the last chunk of what waits may be half empty.
        account.settle(MODES.len() * (LIMIT + LIMIT / 4 + LITTLE), "sends that nobody reads");
    }
}

/// Whether the other side has ended TCP; nothing is read.
fn is_over(stream: &Stream) -> bool {
    let socket = socket2::SockRef::from(stream.tcp());
    matches!(socket.take_error(), Ok(Some(_)) | Err(_)) || stream.tcp().peer_addr().is_err()
}

#[test]
fn who_reads_little_by_little_costs_no_more_than_the_queue() {
    const LIMIT: usize = 256 * 1024;
    const TOTAL: usize = 4 << 20;
    let _turn = turn();
    for tls in BOTH {
        let (teller, told) = channel();
        let server = Server::accepting(tls, move |tcp| {
            leave_out_this_thread();
            let mut stream = Stream::new(tcp, tls);
            upgrade(&mut stream);
            // Nobody ever sends here: it is the clock.
            let (_silence, clock) = channel::<()>();
            let mut buffer = vec![0; 64 * 1024];
            let mut total = 0;
            while total < TOTAL {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => total += count,
                    _ => break,
                }
                let _ = clock.recv_timeout(Duration::from_millis(10));
            }
            let _ = teller.send(total);
            read_out(&mut stream);
        });
        let payload = vec![9; 32 * 1024];
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024);
        client.set(WS_CONTROL_SEND_QUEUE_LIMIT, LIMIT as u64);
        // The whole takes longer, but something leaves in each such time.
        client.set(WS_CONTROL_SEND_TIMEOUT_MS, 400);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        let account = Account::open();
        for _ in 0..TOTAL / payload.len() {
            let (data, len) = (payload.as_ptr().cast(), payload.len());
            let kind = WS_MESSAGE_TYPE_BINARY;
            assert_eq!(ws_send_wait(client.socket, kind, data, len, WS_INFINITE), WS_OK);
        }
        assert!(told.recv_timeout(crate::support::DEADLINE).unwrap() >= TOTAL);
        assert_eq!(client.free(), []);
        account.settle(LIMIT + LITTLE, "a slow reader");
    }
}
