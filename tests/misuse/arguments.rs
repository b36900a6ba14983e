//! One argument at a time, over the whole of its range: what goes over the wire. Texts, close
//! codes, pings, addresses, headers.

use std::ffi::CString;
use std::ptr::{null, null_mut};

use anyws::ffi::controls::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::sheet::{Answer, Sheet};
use crate::subjects::{assert_alive, echo_uri, socket_of, subject};
use crate::support::client::{Client, Mode};
use crate::support::server::Nobody;

pub const OK: Answer = Answer::Result(WS_OK);
pub const INVALID: Answer = Answer::Result(WS_E_INVALIDARG);

pub fn ok_if(is_good: bool) -> Answer {
    if is_good { OK } else { INVALID }
}

#[test]
fn text_that_is_not_utf8_is_refused_wherever_it_goes_wrong_and_nothing_is_queued() {
    let client = Client::connected(Mode::Callback, echo_uri().to_str().unwrap());
    let mut sheet = Sheet::default();
    let refused = Answer::Result(WS_E_NO_UNICODE_TRANSLATION);
    let mut wrong: Vec<Vec<u8>> = (0x80..=0xffu8).map(|byte| vec![byte]).collect();
    let sequences: [&[u8]; 12] = [
        b"\xed\xa0\x80", // lone surrogates
        b"\xed\xbf\xbf",
        b"\xc0\x80", // longer than need be
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80", // beyond U+10FFFF
        b"\xf7\xbf\xbf\xbf",
        b"\xc3", // cut off
        b"\xe2\x82",
        b"\xf0\x9f\x8e",
        b"\x80\x80",
        b"\xf8\x88\x80\x80\x80",
    ];
    wrong.extend(sequences.map(<[u8]>::to_vec));
    for offset in 0..=70 {
        for piece in &wrong {
            for behind in [0, 40] {
                let mut text = vec![b'a'; offset];
                text.extend_from_slice(piece);
                text.resize(text.len() + behind, b'b');
                let what = format_args!("{piece:x?} at {offset}, {behind} behind it");
                sheet.cell(&what, refused, "text", &mut || {
                    Answer::Result(ws_send_text(client.socket, text.as_ptr().cast(), text.len()))
                });
            }
        }
    }
    sheet.pass(71 * 140 * 2);
    assert_eq!(client.send_text("the first to arrive"), WS_OK);
    assert_eq!(client.next_text(), "the first to arrive");
}

#[test]
fn text_that_is_merely_odd_arrives_as_it_was() {
    let client = Client::connected(Mode::Callback, echo_uri().to_str().unwrap());
    for text in [
        "a\0b\0",
        "\0",
        "\u{feff}x",
        "\u{fffe}\u{ffff}",
        "\u{10ffff}\u{1fffe}",
        "\u{d7ff}\u{e000}",
        "\u{7f}\u{80}",
    ] {
        assert_eq!(client.send_text(text), WS_OK);
        assert_eq!(client.next_text(), text);
    }
}

#[test]
fn each_close_code_is_judged() {
    // Closing again changes nothing: any number of codes can be tried.
    let socket = socket_of(subject(WS_STATE_CLOSED));
    let mut sheet = Sheet::default();
    for code in 0..=u16::MAX {
        let is_good = matches!(code, 0 | 1000..=1003 | 1007..=1014 | 3000..=4999);
        sheet.cell(&code, ok_if(is_good), "code", &mut || {
            Answer::Result(ws_close(socket, code, null()))
        });
        if code % 251 == 0 {
            sheet.cell(&format_args!("wait, {code}"), ok_if(is_good), "code", &mut || {
                Answer::Result(ws_close_wait(socket, code, null(), 0))
            });
        }
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(65_536);
}

#[test]
fn a_close_reason_has_123_bytes_of_utf8_at_most() {
    let socket = socket_of(subject(WS_STATE_CLOSED));
    let mut sheet = Sheet::default();
    let mut reasons: Vec<(Vec<u8>, bool)> =
        (0..300).map(|len| (vec![b'x'; len], len <= 123)).collect();
    let split = |len: usize, end: &[u8]| [&vec![b'x'; len], end].concat();
    reasons.extend([
        (split(121, "é".as_bytes()), true),
        (split(122, "é".as_bytes()), false),
        (split(122, b"\xc3"), false),
        (split(120, b"\xe2\x82"), false),
        (split(119, "🎮".as_bytes()), true),
        (split(120, "🎮".as_bytes()), false),
        (b"\xff".to_vec(), false),
        (b"\xed\xa0\x80".to_vec(), false),
        (vec![b'x'; 1 << 20], false),
    ]);
    for (reason, is_good) in reasons {
        let text = CString::new(reason.clone()).unwrap();
        let what = format_args!("{} bytes, {:x?}", reason.len(), reason.last());
        sheet.cell(&what, ok_if(is_good), "reason", &mut || {
            Answer::Result(ws_close(socket, 1000, text.as_ptr()))
        });
        let is_empty = reason.is_empty();
        sheet.cell(&format_args!("code 0, {what}"), ok_if(is_empty), "reason", &mut || {
            Answer::Result(ws_close(socket, 0, text.as_ptr()))
        });
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(600);
}

#[test]
fn a_ping_has_125_bytes_at_most_and_sixteen_may_wait() {
    let socket = socket_of(subject(WS_STATE_OPEN));
    let payload = [9u8; 200];
    let mut sheet = Sheet::default();
    for len in (0..=125).chain([126, 127, 200]) {
        let ping = || ws_ping(socket, payload.as_ptr().cast(), len);
        if len > 125 {
            sheet.cell(&len, INVALID, "len", &mut || Answer::Result(ping()));
        } else {
            assert!(crate::support::server::eventually(|| ping() == WS_OK), "{len}");
        }
    }
    let mut answers: Vec<ws_result> = (0..100_000).map(|_| ws_ping(socket, null(), 0)).collect();
    answers.sort_unstable();
    answers.dedup();
    assert!(
        answers.iter().all(|answer| [WS_OK, WS_E_WOULD_BLOCK].contains(answer)),
        "{answers:x?}"
    );
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(3);
}

#[test]
fn an_address_is_refused_unless_it_says_exactly_where_to_go() {
    let nobody = Nobody::new();
    let good = nobody.uri();
    let port = good.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let here = |text: &str| text.replace("PORT", &port).into_bytes();
    let legal = [
        "ws://127.0.0.1:PORT",
        "WSS://127.0.0.1:PORT/",
        "wS://LOCALHOST:PORT/a?b=c&d",
        "ws://localhost.:PORT/%00%0d%0a",
        "ws://127.0.0.1:PORT/ä?ö",
        "ws://[::1]:PORT/",
        "ws://127.0.0.1:PORT?x",
        "wss://localhost:PORT/a/../b",
    ];
    let illegal = [
        "",
        "w",
        ":",
        "ws",
        "ws:",
        "ws:/",
        "ws://",
        "wss://",
        "ws:///",
        "ws:///path",
        "ws://:80/",
        "http://127.0.0.1:PORT/",
        "https://127.0.0.1:PORT/",
        "ftp://a/",
        "file:///etc/passwd",
        "//127.0.0.1:PORT/",
        "/",
        "127.0.0.1:PORT",
        "ws:127.0.0.1:PORT",
        " ws://127.0.0.1:PORT/",
        "ws://127.0.0.1:PORT/ ",
        "ws://127.0.0.1:0/",
        "ws://127.0.0.1:65536/",
        "ws://127.0.0.1:-1/",
        "ws://127.0.0.1:+80/",
        "ws://127.0.0.1:80 /",
        "ws://127.0.0.1:0x50/",
        "ws://127.0.0.1:8o/",
        "ws://127.0.0.1:99999999999999999999/",
        "ws://127.0.0.1:PORT/#",
        "ws://127.0.0.1:PORT/#a",
        "ws://127.0.0.1:PORT#a",
        "ws://user@127.0.0.1:PORT/",
        "ws://user:pw@127.0.0.1:PORT/",
        "ws://@127.0.0.1:PORT/",
        "ws://[::1",
        "ws://::1/",
        "ws://[::1]x/",
        "ws://[]/",
        "ws://[::g]/",
        "ws://[127.0.0.1]/",
        "ws://a b/",
        "ws://127.0.0.1:PORT/a b",
        "ws://127.0.0.1%00/",
        "ws://127.0.0.1%0d%0aHost:x/",
        "ws://127.0.0.1:PORT/\t",
        "ws://127.0.0.1:PORT/\r\nX: y",
        "ws\t://127.0.0.1:PORT/",
        "ws://127.\n0.0.1:PORT/",
        "ws://127.0.0.1:PORT/\u{7f}",
        "ws:\\\\127.0.0.1:PORT/",
        "ws://127.0.0.1:PORT\\a",
        "ws://127.0.0.1\\@x/",
        "ws://1.2.3/",
        "ws://0x7f.1/",
        "ws://017700000001/",
        "ws://2130706433/",
        "ws://256.1.1.1/",
        "ws://a..b/",
        "ws://.a/",
        "ws://a_b<c>/",
        "ws://a|b/",
        "ws://a^b/",
        "ws://%41/",
        "ws://*/",
        "ws://\u{ff11}\u{ff12}7.0.0.1/",
    ];
    let mut cases: Vec<(Vec<u8>, bool)> = legal.iter().map(|text| (here(text), true)).collect();
    cases.extend(illegal.iter().map(|text| (here(text), false)));
    let long = |len: usize| format!("{good}{}", "a".repeat(len - good.len())).into_bytes();
    cases.extend([
        (long(8192), true),
        (long(8193), false),
        (long(64 << 10), false),
        (long(1 << 20), false),
    ]);
    cases.push((b"ws://127.0.0.1/\xff".to_vec(), false));
    cases.push((b"\xff".to_vec(), false));
    for byte in (1..=0x20u8).chain([0x7f]) {
        cases.push(([good.as_bytes(), &[byte]].concat(), false));
        cases.push(([b"ws://127.0", &[byte][..], b".0.1/"].concat(), false));
    }
    for label in [64, 300] {
        cases.push((format!("ws://{}/", "a".repeat(label)).into_bytes(), false));
    }
    let mut sheet = Sheet::default();
    for (text, is_good) in cases {
        let uri = CString::new(text).unwrap();
        let socket = ws_message_socket_new();
        let shown: String = uri.to_string_lossy().chars().take(60).collect();
        sheet.cell(&shown, ok_if(is_good), "uri", &mut || {
            Answer::Result(ws_connect(socket, uri.as_ptr(), None, null_mut()))
        });
        assert_eq!(ws_socket_free(socket), WS_OK);
    }
    assert_alive();
    sheet.pass(140);
}

#[test]
fn an_address_is_read_up_to_its_nul_and_no_further() {
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let start = unsafe { libc::mmap(null_mut(), 2 * page, access, flags, -1, 0) }.cast::<u8>();
    assert_ne!(start.cast(), libc::MAP_FAILED);
    // The second page cannot be read; the NUL is the last byte of the first.
    assert_eq!(unsafe { libc::mprotect(start.add(page).cast(), page, libc::PROT_NONE) }, 0);
    let socket = ws_message_socket_new();
    for text in ["http://127.0.0.1/", "", "x"] {
        let begin = unsafe { start.add(page - 1 - text.len()) };
        unsafe { begin.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        assert_eq!(ws_connect(socket, begin.cast(), None, null_mut()), WS_E_INVALIDARG);
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    unsafe { libc::munmap(start.cast(), 2 * page) };
}

pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[test]
fn header_names_are_tokens_and_not_ours() {
    let mut sheet = Sheet::default();
    let mut try_name = |name: &[u8], is_good: bool| {
        // A new one each time: all good ones together are more than a socket takes.
        let socket = socket_of(subject(WS_STATE_CREATED));
        let text = CString::new(name).unwrap();
        let shown = String::from_utf8_lossy(&name[..name.len().min(40)]).into_owned();
        sheet.cell(&shown, ok_if(is_good), "name", &mut || {
            Answer::Result(ws_set_request_header(socket, text.as_ptr(), c"v".as_ptr()))
        });
        assert_eq!(ws_socket_free(socket), WS_OK);
    };
    for byte in 1..=255u8 {
        try_name(&[b'X', byte], is_token(byte));
        try_name(&[byte, b'X'], is_token(byte));
    }
    try_name(b"", false);
    try_name(&[b'a'; 64 << 10], false);
    for ours in [
        "Upgrade",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Anything",
    ] {
        for name in [ours.to_owned(), ours.to_lowercase(), ours.to_uppercase()] {
            try_name(name.as_bytes(), false);
        }
    }
    let socket = socket_of(subject(WS_STATE_CREATED));
    for theirs in ["Host", "Origin", "Authorization", "Cookie", "User-Agent", "origin", "COOKIE"] {
        let name = CString::new(theirs).unwrap();
        assert_eq!(ws_set_request_header(socket, name.as_ptr(), c"v".as_ptr()), WS_OK, "{theirs}");
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(540);
}

#[test]
fn header_values_hold_no_control_characters() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let mut sheet = Sheet::default();
    let mut try_value = |value: &[u8], is_good: bool| {
        let text = CString::new(value).unwrap();
        let shown = format!("{:x?}", &value[..value.len().min(20)]);
        sheet.cell(&shown, ok_if(is_good), "value", &mut || {
            Answer::Result(ws_set_request_header(socket, c"X-Value".as_ptr(), text.as_ptr()))
        });
    };
    for byte in 1..=255u8 {
        // Above 0x7f a byte alone is not UTF-8.
        let is_good = byte == b'\t' || (0x20..0x7f).contains(&byte);
        for value in [vec![byte], vec![byte, b'b'], vec![b'a', byte], vec![b'a', byte, b'b']] {
            try_value(&value, is_good);
        }
    }
    for good in ["", " ", " a ", "\ta\t", "ä€🎮", "a: b, c; d=\"e\""] {
        try_value(good.as_bytes(), true);
    }
    try_value(&[b'v'; 8192 - 7], true);
    try_value(&[b'v'; 8192 - 6], false);
    try_value(&[b'v'; 64 << 10], false);
    try_value(&[b'v'; 1 << 20], false);
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(1_020);
}

#[test]
fn a_socket_takes_100_headers_and_32_kib_of_them() {
    for (value, limit) in [(0usize, 100usize), (8000, 4), (320, 99)] {
        let socket = socket_of(subject(WS_STATE_CREATED));
        let value = CString::new(vec![b'v'; value]).unwrap();
        let taken = (0..1_000).take_while(|number| {
            let name = CString::new(format!("X-{number:04}")).unwrap();
            ws_set_request_header(socket, name.as_ptr(), value.as_ptr()) == WS_OK
        });
        let taken = taken.count();
        let bytes = taken * (6 + value.to_bytes().len() + 4);
        assert!(taken == limit.min(100) && bytes <= 32 << 10, "{taken}, {bytes}");
        // The same name again replaces, and is never one too many.
        assert_eq!(ws_set_request_header(socket, c"x-0000".as_ptr(), value.as_ptr()), WS_OK);
        assert_eq!(ws_socket_free(socket), WS_OK);
    }
}
