//! Credentials and proxies, over the whole of what they may be.

use std::ffi::CString;
use std::ptr::null;

use anyws::ffi::controls::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::arguments::{INVALID, OK, ok_if};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{socket_of, subject};

fn set(socket: *mut ws_socket, which: ws_credential, user: &[u8], password: &[u8]) -> Answer {
    let (user, password) = (CString::new(user).unwrap(), CString::new(password).unwrap());
    Answer::Result(ws_set_credential(socket, which, user.as_ptr(), password.as_ptr()))
}

#[test]
fn users_and_passwords_are_judged() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let mut sheet = Sheet::default();
    let long = |len: usize| vec![b'x'; len];
    let cases: [(&[u8], bool); 13] = [
        (b"", true),
        (b"user", true),
        (b"a:b", true), // for Digest
        (b" ", true),
        ("ä密🎮".as_bytes(), true),
        (b"\"\\", true),
        (b"\r\nX: y", false),
        (b"a\rb", false),
        (b"\xff", false),
        (b"\xed\xa0\x80", false),
        (&long(8192), true),
        (&long(8193), false),
        (&long(64 << 10), false),
    ];
    for which in [WS_CREDENTIAL_SERVER, WS_CREDENTIAL_PROXY] {
        for (text, is_good) in cases {
            let what = String::from_utf8_lossy(text).chars().take(20).collect::<String>();
            let expected = ok_if(is_good);
            sheet.cell(&what, expected, "user", &mut || set(socket, which, text, b"p"));
            sheet.cell(&what, expected, "password", &mut || set(socket, which, b"u", text));
        }
        for byte in 1..=255u8 {
            let is_good = (0x20..0x7f).contains(&byte);
            for text in [vec![byte], vec![b'a', byte, b'b']] {
                let expected = ok_if(is_good);
                sheet.cell(&byte, expected, "user", &mut || set(socket, which, &text, b""));
                sheet.cell(&byte, expected, "password", &mut || set(socket, which, b"", &text));
            }
        }
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(2_000);
}

#[test]
fn two_askers_are_known_and_nobody_needs_no_password() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let mut sheet = Sheet::default();
    for which in (0..=256).chain([1 << 16, 1 << 31, u32::MAX]) {
        let is_good = [WS_CREDENTIAL_SERVER, WS_CREDENTIAL_PROXY].contains(&which);
        sheet.cell(&which, ok_if(is_good), "which", &mut || set(socket, which, b"u", b"p"));
        for password in [null(), c"p".as_ptr(), c"\n".as_ptr()] {
            sheet.cell(&which, ok_if(is_good), "which", &mut || {
                Answer::Result(ws_set_credential(socket, which, null(), password))
            });
        }
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(1_040);
}

#[test]
fn the_name_of_a_proxy_is_judged_and_reads_back_as_it_was() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let mut sheet = Sheet::default();
    for good in [
        "http://proxy:3128",
        "https://user:pass%40word@proxy/",
        "socks5://[::1]:1080",
        "SOCKS5H://127.0.0.1",
        "proxy:8080",
        "direct:",
        "http://bücher.example:1",
        "",
    ] {
        let text = CString::new(good).unwrap();
        sheet.cell(&good, OK, "", &mut || {
            Answer::Result(ws_set_control_string(socket, WS_CONTROL_PROXY, text.as_ptr()))
        });
        let (mut read, mut length) = ([0u8; 64], 0);
        let place = read.as_mut_ptr().cast();
        let result = ws_get_control_string(socket, WS_CONTROL_PROXY, place, 64, &raw mut length);
        assert_eq!((result, &read[..length]), (WS_OK, good.as_bytes()));
    }
    let long = format!("http://{}", "p".repeat(8192));
    for bad in [
        "socks4://p",
        "ws://p",
        "http://",
        "http://p:0",
        "http://p:65536",
        "http://p/path",
        "http://p?q",
        "http://a b",
        "http://p\r\nX: y",
        "http://u%zz@p",
        "http://u%0d%0a@p",
        "http://0x7f.1",
        &long,
    ] {
        let text = CString::new(bad).unwrap();
        let what = bad.chars().take(30).collect::<String>();
        sheet.cell(&what, INVALID, "value", &mut || {
            Answer::Result(ws_set_control_string(socket, WS_CONTROL_PROXY, text.as_ptr()))
        });
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(21);
}
