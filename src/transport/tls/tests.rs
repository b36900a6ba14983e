use super::*;
use crate::transport::verify::fixture::{Authority, Pair, feed, read, take_ciphertext, trusting};

use std::io::{Read, Write};

use rcgen::date_time_ymd;
use rustls::unbuffered::ConnectionState;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ServerConfig, SupportedProtocolVersion};

const BOTH: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;
const MEBIBYTE: usize = 1 << 20;

fn pair(versions: &[&'static SupportedProtocolVersion]) -> Pair {
    let authority = Authority::new("root");
    let server = authority.issue(|_| {}).serve(versions);
    Pair::new(&trusting(&[&authority.certificate]), "localhost", server)
}

fn open_pair(versions: &[&'static SupportedProtocolVersion]) -> Pair {
    let mut pair = pair(versions);
    pair.exchange().unwrap();
    assert!(!pair.client.is_handshaking());
    pair
}

fn refused_pair() -> Pair {
    let authority = Authority::new("root");
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let config = trusting(&[&authority.certificate]);
    Pair::new(&config, "localhost", expired.serve(BOTH))
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

fn read_all(session: &mut TlsSession) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 5000];
    while let Plain::Bytes(count) = read(session, &mut buffer) {
        all.extend_from_slice(&buffer[..count]);
    }
    all
}

fn server_reads_all(server: &mut rustls::ServerConnection, into: &mut Vec<u8>) {
    let mut buffer = [0; 5000];
    while let Ok(count @ 1..) = server.reader().read(&mut buffer) {
        into.extend_from_slice(&buffer[..count]);
    }
}

#[test]
fn an_open_session_tells_version_suite_and_chain() {
    let newer = open_pair(BOTH);
    assert_eq!(newer.client.version(), Some("TLS 1.3"));
    assert_eq!(newer.client.cipher_suite(), Some("TLS_AES_128_GCM_SHA256"));
    assert_eq!(newer.client.peer_certificates().len(), 1);
    assert!(!newer.client.is_resumed());

    let older = open_pair(&[&TLS12]);
    assert_eq!(older.client.version(), Some("TLS 1.2"));
    assert_eq!(older.client.cipher_suite(), Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    assert_eq!(older.client.peer_certificates().len(), 1);
}

#[test]
fn before_the_handshake_nothing_is_known_and_the_hello_waits() {
    let session = pair(BOTH).client;
    assert!(session.is_handshaking() && session.wants_write());
    assert_eq!((session.version(), session.cipher_suite()), (None, None));
    assert!(session.peer_certificates().is_empty());
}

#[test]
fn the_server_hears_the_name_but_no_address() {
    let authority = Authority::new("root");
    let config = trusting(&[&authority.certificate]);
    for (name, heard) in [("localhost", Some("localhost")), ("127.0.0.1", None)] {
        let mut pair = Pair::new(&config, name, authority.issue(|_| {}).serve(BOTH));
        pair.exchange().unwrap();
        assert_eq!(pair.server.server_name(), heard);
        assert_eq!(pair.server.alpn_protocol(), None);
    }
}

#[test]
fn ciphertext_may_arrive_byte_by_byte() {
    for versions in [&[&TLS13], &[&TLS12]] {
        let mut pair = pair(versions);
        pair.exchange_by(1).unwrap();
        assert!(!pair.client.is_handshaking());
        pair.server.writer().write_all(b"hello").unwrap();
        pair.exchange_by(1).unwrap();
        assert_eq!(read_all(&mut pair.client), b"hello");
        assert_eq!(read(&mut pair.client, &mut [0; 8]), Plain::Empty);
    }
}

#[test]
fn a_mebibyte_arrives_whole_however_little_room_there_is() {
    for versions in [&[&TLS13], &[&TLS12]] {
        let mut pair = open_pair(versions);
        pair.server.set_buffer_limit(None);
        pair.server.writer().write_all(&pattern(MEBIBYTE)).unwrap();
        let mut plain = Vec::with_capacity(MEBIBYTE);
        // Cut anywhere, into room that is sometimes too small.
        for (at, piece) in pair.take_for_client().chunks(50_001).enumerate() {
            let mut buffer = vec![0; pair.client.held_bytes()];
            buffer.extend_from_slice(piece);
            let room = &mut Room::spare(&mut plain, 20_000 * (at % 4));
            pair.client.receive(&mut buffer, room).unwrap();
            plain.extend(read_all(&mut pair.client));
            assert!(pair.client.held_bytes() < 17 * 1024);
        }
        assert!(plain == pattern(MEBIBYTE));
        assert_eq!(pair.client.held_bytes(), 0);
    }
}

#[test]
fn a_mebibyte_leaves_whole_in_bounded_steps() {
    for versions in [&[&TLS13], &[&TLS12]] {
        let mut pair = open_pair(versions);
        let message = pattern(MEBIBYTE);
        let mut rest = message.as_slice();
        let mut arrived = Vec::new();
        while !rest.is_empty() {
            let accepted = pair.client.write(rest).unwrap();
            assert_eq!(accepted, rest.len().min(64 * 1024));
            rest = &rest[accepted..];
            let ciphertext = take_ciphertext(&mut pair.client);
            let mut ciphertext = ciphertext.as_slice();
            while !ciphertext.is_empty() {
                pair.server.read_tls(&mut ciphertext).unwrap();
                pair.server.process_new_packets().unwrap();
                server_reads_all(&mut pair.server, &mut arrived);
            }
        }
        assert!(arrived == message);
    }
}

#[test]
fn a_full_buffer_accepts_nothing_until_ciphertext_is_taken() {
    let mut pair = open_pair(BOTH);
    let data = pattern(MEBIBYTE);
    assert_eq!(pair.client.write(&data).unwrap(), 64 * 1024);
    assert_eq!(pair.client.write(&data).unwrap(), 0);
    take_ciphertext(&mut pair.client);
    assert!(pair.client.write(&data).unwrap() > 0);
}

#[test]
fn nothing_is_accepted_before_the_end_of_the_handshake() {
    let mut pair = pair(BOTH);
    assert_eq!(pair.client.write(b"early").unwrap(), 0);
    pair.exchange().unwrap();
    assert_eq!(pair.client.write(b"early").unwrap(), 5);
}

#[test]
fn both_sides_change_their_keys_whenever_the_server_wants() {
    let mut pair = open_pair(&[&TLS13]);
    for round in 0..5 {
        pair.server.refresh_traffic_keys().unwrap();
        pair.server.writer().write_all(b"from the server").unwrap();
        pair.exchange_by(if round == 0 { 1 } else { 7 }).unwrap();
        assert_eq!(read_all(&mut pair.client), b"from the server");
        assert_eq!(pair.client.write(b"to the server").unwrap(), 13);
        assert_eq!(pair.client.write(&pattern(15_000)).unwrap(), 15_000);
        pair.exchange().unwrap();
        let mut arrived = Vec::new();
        server_reads_all(&mut pair.server, &mut arrived);
        assert_eq!(pair.server_error, None);
        assert_eq!(arrived.len(), 15_013, "before round {round} was over");
    }
}

#[test]
fn an_idle_session_holds_no_buffer() {
    for versions in [&[&TLS13], &[&TLS12]] {
        let mut pair = open_pair(versions);
        pair.server.writer().write_all(&pattern(10_000)).unwrap();
        let ciphertext = pair.take_for_client();
        let (front, back) = ciphertext.split_at(ciphertext.len() / 2);
        feed(&mut pair.client, front).unwrap();
        assert!(pair.client.held_bytes() > 0);
        feed(&mut pair.client, back).unwrap();
        assert_eq!(read_all(&mut pair.client).len(), 10_000);
        pair.client.write(&pattern(10_000)).unwrap();
        take_ciphertext(&mut pair.client);
        let session = &pair.client;
        assert_eq!((session.held.capacity(), session.plain.capacity()), (0, 0));
        assert!(session.ciphertext().is_empty());
    }
}

#[test]
fn a_large_record_is_found_where_it_was_decrypted() {
    for versions in [&[&TLS13], &[&TLS12]] {
        for (bytes, is_found) in [(16 * 1024, true), (1024, true), (1023, false), (1, false)] {
            let mut pair = open_pair(versions);
            pair.server.writer().write_all(&pattern(bytes)).unwrap();
            let mut ciphertext = pair.take_for_client();
            let connection = &mut pair.client.connection;
            let (shown, found) = in_place::look_for_plaintext(&mut ciphertext, |buffer| {
                let status = connection.process_tls_records(buffer);
                let Ok(ConnectionState::ReadTraffic(mut traffic)) = status.state else { panic!() };
                let shown = traffic.next_record().unwrap().unwrap().payload.to_vec();
                assert!(traffic.next_record().is_none());
                shown
            });
            assert_eq!(found.is_some(), is_found);
            match found {
                Some(found) => {
                    assert!(ciphertext[found] == pattern(bytes));
                    assert_eq!(shown, pattern(1));
                }
                None => assert!(shown == pattern(bytes)),
            }
        }
    }
}

#[test]
fn connections_with_the_same_chain_share_one_copy() {
    let (authority, server) = resumable_server(BOTH);
    let config = trusting(&[&authority.certificate]);
    let chains = [(); 3].map(|()| {
        let mut pair = Pair::with_server(&config, "localhost", &server);
        pair.exchange().unwrap();
        pair.client.peer_certificates()
    });
    assert!(chains.iter().all(|chain| Arc::ptr_eq(chain, &chains[0])));
}

#[test]
fn close_notify_comes_after_the_data_before_it() {
    for versions in [&[&TLS13], &[&TLS12]] {
        let mut pair = open_pair(versions);
        pair.server.writer().write_all(b"last").unwrap();
        pair.server.send_close_notify();
        pair.exchange().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(read(&mut pair.client, &mut buffer), Plain::Bytes(4));
        assert_eq!(read(&mut pair.client, &mut buffer), Plain::Closed);
        assert_eq!(read(&mut pair.client, &mut buffer), Plain::Closed);
        // RFC 8446 §6.1: what follows is ignored, and consumed lest the caller try for ever.
        assert_eq!(feed(&mut pair.client, b"anything"), Ok(()));
        // The other direction is still open.
        assert_eq!(pair.client.write(b"answer").unwrap(), 6);
    }
}

#[test]
fn our_close_notify_reaches_the_server_once_and_ends_writing() {
    let mut pair = open_pair(BOTH);
    assert_eq!(pair.client.write(b"end").unwrap(), 3);
    pair.client.send_close_notify();
    pair.client.send_close_notify();
    assert!(pair.client.write(b"more").is_err());
    pair.exchange().unwrap();
    let mut buffer = [0; 8];
    assert_eq!(pair.server.reader().read(&mut buffer).unwrap(), 3);
    assert_eq!(pair.server.reader().read(&mut buffer).unwrap(), 0);
    assert!(!pair.client.wants_write());
}

#[test]
fn close_notify_instead_of_the_flight_is_closed_and_consumes_everything() {
    let close_notify = [21, 3, 3, 0, 2, 1, 0];
    for step in 1..=close_notify.len() {
        let mut session = pair(BOTH).client;
        for piece in close_notify.chunks(step) {
            assert_eq!(read(&mut session, &mut [0; 8]), Plain::Empty);
            assert_eq!(feed(&mut session, piece), Ok(()));
        }
        assert_eq!(feed(&mut session, b"more"), Ok(()));
        assert!(session.is_handshaking());
        assert_eq!(read(&mut session, &mut [0; 8]), Plain::Closed);
        assert!(session.write(b"data").is_err());
    }
}

#[test]
fn close_notify_within_the_flight_is_closed_and_consumes_everything() {
    let mut pair = pair(&[&TLS13]);
    pair.deliver_to_server();
    let flight = pair.take_for_client();
    // The ServerHello alone; what follows it is encrypted, but alerts may still come plain.
    let hello = 5 + usize::from(u16::from_be_bytes([flight[3], flight[4]]));
    assert_eq!(feed(&mut pair.client, &flight[..hello]), Ok(()));
    let twice = [21, 3, 3, 0, 2, 1, 0].repeat(2);
    assert_eq!(feed(&mut pair.client, &twice), Ok(()));
    assert_eq!(feed(&mut pair.client, &flight[hello..]), Ok(()));
    assert!(pair.client.is_handshaking());
    assert_eq!(read(&mut pair.client, &mut [0; 8]), Plain::Closed);
    assert!(pair.client.write(b"data").is_err());
}

#[test]
fn a_refused_certificate_is_told_to_the_server() {
    let mut pair = refused_pair();
    let fault = pair.exchange().unwrap_err();
    assert_eq!(fault, TlsFault::Certificate(CertificateFault::Expired.into()));
    assert!(pair.client.wants_write());
    pair.deliver_to_server();
    let heard = rustls::Error::AlertReceived(AlertDescription::CertificateExpired);
    assert_eq!(pair.server_error, Some(heard));
    assert!(!pair.client.wants_write());
}

#[test]
fn a_fault_is_final() {
    let mut pair = refused_pair();
    let fault = pair.exchange().unwrap_err();
    for _ in 0..3 {
        assert_eq!(feed(&mut pair.client, &[0; 100_000]), Err(fault.clone()));
    }
    assert!(pair.client.write(b"data").is_err());
    assert_eq!(read(&mut pair.client, &mut [0; 8]), Plain::Empty);
    pair.client.send_close_notify();
    pair.deliver_to_server();
    let heard = rustls::Error::AlertReceived(AlertDescription::CertificateExpired);
    assert_eq!(pair.server_error, Some(heard));
}

#[test]
fn a_fatal_alert_of_the_server_carries_its_number() {
    for number in [40, 70, 80, 112, 255] {
        let mut session = pair(BOTH).client;
        let fault = feed(&mut session, &[21, 3, 3, 0, 2, 2, number]).unwrap_err();
        assert_eq!(fault.alert(), Some(number));
    }
    assert_eq!(TlsFault::BadRecord.alert(), None);
}

#[test]
fn an_alert_after_data_leaves_the_data_readable() {
    let mut pair = open_pair(&[&TLS13]);
    pair.server.writer().write_all(b"data").unwrap();
    let mut ciphertext = pair.take_for_client();
    ciphertext.extend_from_slice(&[23, 3, 3, 0, 32]);
    ciphertext.extend_from_slice(&[7; 32]);
    assert_eq!(feed(&mut pair.client, &ciphertext), Err(TlsFault::BadRecord));
    assert_eq!(read_all(&mut pair.client), b"data");
}

#[test]
fn what_is_not_tls_is_said_to_be_none() {
    for bytes in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", // an HTTP/2 SETTINGS frame
        &[0xFF; 100_000],
    ] {
        assert_eq!(feed(&mut pair(BOTH).client, bytes), Err(TlsFault::NotTls));
        let mut session = pair(BOTH).client;
        let ends = bytes.iter().find_map(|byte| feed(&mut session, &[*byte]).err());
        assert_eq!(ends, Some(TlsFault::NotTls));
        assert!(session.wants_write());
    }
}

#[test]
fn garbage_in_an_open_session_is_a_bad_record_and_told_to_the_server() {
    for garbage in [b"GARBAGE GARBAGE".as_slice(), &[23, 3, 3, 0, 20, 0, 0, 0], &[0xFF; 8]] {
        let mut pair = open_pair(BOTH);
        let ends =
            garbage.iter().chain(&[0; 64]).find_map(|byte| feed(&mut pair.client, &[*byte]).err());
        assert_eq!(ends, Some(TlsFault::BadRecord));
        pair.deliver_to_server();
        assert!(matches!(pair.server_error, Some(rustls::Error::AlertReceived(_))));
    }
}

#[test]
fn every_cut_and_flipped_flight_ends_without_panic() {
    let mut whole = pair(BOTH);
    whole.deliver_to_server();
    let flight = whole.take_for_client();
    for at in (0..flight.len()).step_by(7) {
        let mut pair = pair(BOTH);
        pair.deliver_to_server();
        let mut flight = pair.take_for_client();
        flight.truncate(flight.len().min(at + 200));
        if let Some(byte) = flight.get_mut(at) {
            *byte ^= 0x20;
        }
        // A flip in a length may only make the session wait for more; never may it open.
        let _ = feed(&mut pair.client, &flight);
        let opened = !pair.client.is_handshaking();
        assert!(!opened || at >= flight.len(), "flipped at {at}");
    }
}

#[test]
fn a_server_without_a_common_version_is_a_fault_on_both_sides() {
    let mut session = pair(BOTH).client;
    // A ServerHello of TLS 1.1.
    let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend_from_slice(&[1; 32]);
    hello.extend_from_slice(&[0, 0xC0, 0x13, 0]);
    let fault = feed(&mut session, &hello).unwrap_err();
    assert_eq!(fault, TlsFault::Handshake(HandshakeFault::Incompatible));
    assert!(session.wants_write());
}

#[test]
fn an_endless_handshake_message_is_refused() {
    let mut session = pair(BOTH).client;
    let mut record = vec![22, 3, 3, 0x40, 0, 2, 0xFF, 0xFF, 0xFF];
    record.resize(5 + 0x4000, 0);
    let ends = (0..100).find_map(|_| feed(&mut session, &record).err());
    assert_eq!(ends, Some(TlsFault::Handshake(HandshakeFault::Malformed)));
}

fn resumable_server(
    versions: &[&'static SupportedProtocolVersion],
) -> (Authority, Arc<ServerConfig>) {
    let authority = Authority::new("root");
    let mut server = authority.issue(|_| {}).serve(versions);
    server.session_storage = rustls::server::ServerSessionMemoryCache::new(16);
    (authority, Arc::new(server))
}

#[test]
fn a_reconnect_resumes_and_keeps_the_chain() {
    for versions in [&[&TLS13], &[&TLS12]] {
        let (authority, server) = resumable_server(versions);
        let config = trusting(&[&authority.certificate]);
        let connect = || {
            let mut pair = Pair::with_server(&config, "localhost", &server);
            pair.exchange().unwrap();
            pair.client
        };
        let first = connect();
        assert!(!first.is_resumed());
        let certificates = first.peer_certificates();
        drop(first);
        let second = connect();
        assert!(second.is_resumed());
        assert_eq!(second.peer_certificates(), certificates);
    }
}

#[test]
fn other_trust_judges_anew_instead_of_resuming() {
    let (authority, server) = resumable_server(BOTH);
    let first = trusting(&[&authority.certificate]);
    Pair::with_server(&first, "localhost", &server).exchange().unwrap();
    let other = trusting(&[&Authority::new("other").certificate]);
    assert_eq!(
        Pair::with_server(&other, "localhost", &server).exchange(),
        Err(TlsFault::Certificate(CertificateFault::UnknownIssuer.into()))
    );
}
