//! One argument at a time, over the whole of its range: what stays on this side. Subprotocols,
//! certificates, controls, records, buffers, timeouts, the library's own settings.

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use anyws::ffi::controls::*;
use anyws::ffi::information::*;
use anyws::ffi::library::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::statistics::*;
use anyws::ffi::types::*;

use crate::arguments::{INVALID, OK, is_token, ok_if};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{assert_alive, echo_uri, socket_of, subject};
use crate::support::server::pki;

#[test]
fn subprotocols_are_distinct_tokens() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let control = WS_CONTROL_SUPPORTED_PROTOCOLS;
    let long = |len: usize| "p".repeat(len);
    let cases = [
        ("".to_owned(), true),
        ("a".to_owned(), true),
        ("a, b".to_owned(), true),
        ("a,b,c".to_owned(), true),
        ("chat.v1+json, *".to_owned(), true),
        ("a, A".to_owned(), true), // they differ: names are compared as they are
        (",".to_owned(), false),
        ("a,,b".to_owned(), false),
        ("a,".to_owned(), false),
        (",a".to_owned(), false),
        (" ".to_owned(), false),
        ("a a".to_owned(), false),
        ("a, a".to_owned(), false),
        ("a,b,a".to_owned(), false),
        ("a/b".to_owned(), false),
        ("ä".to_owned(), false),
        ("a;b".to_owned(), false),
        ("\"a\"".to_owned(), false),
        ("a\r\nX: y".to_owned(), false),
        (long(8192), true),
        (long(8193), false),
        (long(1 << 20), false),
    ];
    let mut sheet = Sheet::default();
    for (list, is_good) in cases {
        let text = CString::new(list.clone()).unwrap();
        sheet.cell(
            &list.chars().take(30).collect::<String>(),
            ok_if(is_good),
            "value",
            &mut || Answer::Result(ws_set_control_string(socket, control, text.as_ptr())),
        );
    }
    for byte in 1..=255u8 {
        let text = CString::new([b'a', byte, b'b']).unwrap();
        let is_good = is_token(byte) || byte == b',';
        sheet.cell(&byte, ok_if(is_good), "value", &mut || {
            Answer::Result(ws_set_control_string(socket, control, text.as_ptr()))
        });
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(270);
}

#[test]
fn certificates_are_judged_by_the_setter() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let good = pki().ca_pem.clone().into_bytes();
    let text = String::from_utf8(good.clone()).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = data_of(&body);
    let as_pem = |kind: &str, body: &str| {
        format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n").into_bytes()
    };
    let mut broken = good.clone();
    broken[100] = b'!';
    let mut torn = der.clone();
    torn.truncate(60);
    let cases: Vec<(&str, Vec<u8>, bool)> = vec![
        ("nothing", vec![], true),
        ("a certificate", good.clone(), true),
        ("two of them", [good.clone(), good.clone()].concat(), true),
        ("one behind a comment", [b"comment\n".to_vec(), good.clone()].concat(), true),
        ("garbage", b"not a certificate at all".to_vec(), false),
        ("zeros", vec![0; 1000], false),
        ("10 MiB of garbage", vec![b'A'; 10 << 20], false),
        ("10 MiB of begin lines", b"-----BEGIN CERTIFICATE-----\n".repeat(370_000), false),
        ("DER", der, false),
        ("cut off", good[..good.len() / 2].to_vec(), false),
        ("not base64", broken, false),
        ("an empty certificate", as_pem("CERTIFICATE", ""), false),
        ("not a certificate inside", as_pem("CERTIFICATE", "AAAA"), false),
        ("a key alone", as_pem("PRIVATE KEY", "AAAA"), false),
        ("an encrypted key", as_pem("ENCRYPTED PRIVATE KEY", "AAAA"), false),
        ("a good one and a bad one", [good.clone(), as_pem("CERTIFICATE", "AAAA")].concat(), false),
    ];
    let mut sheet = Sheet::default();
    for (name, pem, is_good) in cases {
        sheet.cell(&name, ok_if(is_good), "data", &mut || {
            let data = pem.as_ptr().cast();
            let control = WS_CONTROL_TRUSTED_CERTIFICATES;
            Answer::Result(ws_set_control_bytes(socket, control, data, pem.len()))
        });
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(16);
}

fn data_of(base64: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

fn info_of(control: ws_control) -> Option<ws_control_info> {
    let mut info: ws_control_info = unsafe { std::mem::zeroed() };
    info.struct_size = size_of::<ws_control_info>() as u32;
    (ws_get_control_info(control, &raw mut info) == WS_OK).then_some(info)
}

#[test]
fn every_control_keeps_to_its_type_and_range_and_is_live_or_not() {
    let states = crate::subjects::STATES;
    let sockets = states.map(|state| socket_of(subject(state)));
    let mut sheet = Sheet::default();
    let mut known = 0;
    for control in (0..=256).chain([1 << 16, 1 << 31, u32::MAX - 1, u32::MAX]) {
        let info = info_of(control);
        known += usize::from(info.is_some());
        for (state, socket) in states.into_iter().zip(sockets) {
            let what = format!("control {control} in state {state}");
            let Some(info) = info else {
                sheet.cell(&what, INVALID, "control", &mut || {
                    Answer::Result(ws_set_control(socket, control, 0))
                });
                sheet.cell(&what, INVALID, "control", &mut || {
                    Answer::Result(ws_set_control_string(socket, control, c"".as_ptr()))
                });
                sheet.cell(&what, INVALID, "control", &mut || {
                    Answer::Result(ws_set_control_bytes(socket, control, null(), 0))
                });
                sheet.cell(&what, INVALID, "control", &mut || {
                    let mut value = 0;
                    Answer::Result(ws_get_control(socket, control, &raw mut value))
                });
                continue;
            };
            known_control(&mut sheet, &what, socket, control, &info, state == WS_STATE_CREATED);
        }
    }
    assert_eq!(known, 36);
    for socket in sockets {
        assert_eq!(ws_socket_free(socket), WS_OK);
    }
    assert_alive();
    sheet.pass(5_000);
}

fn known_control(
    sheet: &mut Sheet,
    what: &str,
    socket: *mut ws_socket,
    control: ws_control,
    info: &ws_control_info,
    is_created: bool,
) {
    let is_read_only = info.is_read_only == 1;
    let may_be_set = (is_created || info.is_live == 1) && !is_read_only;
    let setting = |answer| {
        if is_read_only {
            return INVALID;
        }
        if may_be_set { answer } else { Answer::Result(WS_E_ILLEGAL_METHOD_CALL) }
    };
    let word = |word| if may_be_set { word } else { "control" };
    let is_integer = info.r#type == WS_CONTROL_TYPE_INTEGER;
    let integer = |value: u64| move || Answer::Result(ws_set_control(socket, control, value));
    if is_integer {
        let (min, max) = (info.minimum, info.maximum);
        for (value, is_good) in [(min, true), (max, true), (info.default_value, true)] {
            sheet.cell(&what, setting(ok_if(is_good)), word(""), &mut integer(value));
        }
        for value in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
            sheet.cell(&what, setting(INVALID), word("value"), &mut integer(value));
        }
        let mut value = 0;
        sheet.cell(&what, OK, "", &mut || {
            Answer::Result(ws_get_control(socket, control, &raw mut value))
        });
        assert_eq!(value, info.default_value);
    } else {
        sheet.cell(&what, setting(INVALID), word("control"), &mut integer(0));
        sheet.cell(&what, INVALID, "control", &mut || {
            let mut value = 0;
            Answer::Result(ws_get_control(socket, control, &raw mut value))
        });
    }
    let is_text = info.r#type == WS_CONTROL_TYPE_STRING;
    sheet.cell(&what, setting(ok_if(is_text)), word("control"), &mut || {
        Answer::Result(ws_set_control_string(socket, control, c"".as_ptr()))
    });
    let is_bytes = info.r#type == WS_CONTROL_TYPE_BYTES;
    sheet.cell(&what, setting(ok_if(is_bytes)), word("control"), &mut || {
        Answer::Result(ws_set_control_bytes(socket, control, null(), 0))
    });
    sheet.cell(&what, ok_if(is_text), "control", &mut || {
        let mut length = 0;
        Answer::Result(ws_get_control_string(socket, control, null_mut(), 0, &raw mut length))
    });
}

#[test]
fn records_are_filled_as_far_as_the_caller_knows_them() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let mut sheet = Sheet::default();
    for size in (0..=600u32).chain([0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX]) {
        for which in ["ws_error", "ws_control_info", "ws_statistics"] {
            let mut record = [0xaau8; 1024];
            record[..4].copy_from_slice(&size.to_ne_bytes());
            let place = record.as_mut_ptr();
            sheet.cell(
                &format_args!("{which} of {size}"),
                ok_if(size >= 8),
                "struct_size",
                &mut || {
                    Answer::Result(match which {
                        "ws_error" => ws_get_error(socket, place.cast()),
                        "ws_statistics" => ws_get_statistics(socket, place.cast()),
                        _ => ws_get_control_info(WS_CONTROL_NO_DELAY, place.cast()),
                    })
                },
            );
            let whole = match which {
                "ws_error" => size_of::<ws_error>(),
                "ws_statistics" => size_of::<ws_statistics>(),
                _ => size_of::<ws_control_info>(),
            };
            let known = if size < 8 { 4 } else { whole.min(size as usize) };
            assert_eq!(record[..4], size.to_ne_bytes(), "struct_size is left alone");
            assert!(record[known..].iter().all(|byte| *byte == 0xaa), "{which}: past {size}");
            if size >= 16 && which == "ws_control_info" {
                assert_eq!(record[4], WS_CONTROL_TYPE_INTEGER as u8);
            }
        }
    }
    sheet.cell(&"NULL", Answer::Result(WS_E_POINTER), "info", &mut || {
        Answer::Result(ws_get_control_info(WS_CONTROL_NO_DELAY, null_mut()))
    });
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(1_800);
}

#[test]
fn texts_come_whole_with_their_nul_or_not_at_all() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let control = WS_CONTROL_SUPPORTED_PROTOCOLS;
    assert_eq!(ws_set_control_string(socket, control, c"chat, superchat".as_ptr()), WS_OK);
    let mut sheet = Sheet::default();
    for capacity in 0..=40 {
        let mut buffer = [0x55u8; 41];
        let mut length = 0;
        let is_enough = capacity > 15;
        let expected = if is_enough { WS_OK } else { WS_E_INSUFFICIENT_BUFFER };
        sheet.cell(&capacity, Answer::Result(expected), "capacity", &mut || {
            let place = buffer.as_mut_ptr().cast();
            Answer::Result(ws_get_control_string(socket, control, place, capacity, &raw mut length))
        });
        assert_eq!(length, 15, "the needed length, always");
        let written = if is_enough { &b"chat, superchat\0"[..] } else { b"" };
        assert_eq!(&buffer[..written.len()], written);
        assert!(buffer[written.len()..].iter().all(|byte| *byte == 0x55));
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(41);
}

#[test]
fn every_timeout_is_understood() {
    let closed = socket_of(subject(WS_STATE_CLOSED));
    let open = socket_of(subject(WS_STATE_OPEN));
    let queue = anyws::ffi::queue::ws_event_queue_new();
    let mut sheet = Sheet::default();
    for timeout_ms in [0, 1, 0x7fff_ffff, 0x8000_0000, WS_INFINITE - 1, WS_INFINITE] {
        let what = format!("timeout {timeout_ms}");
        sheet.cell(&what, OK, "", &mut || {
            Answer::Result(ws_close_wait(closed, 0, null(), timeout_ms))
        });
        let mut message = null_mut();
        let ended = Answer::Result(WS_E_CLOSED);
        sheet.cell(&what, ended, "", &mut || {
            Answer::Result(anyws::ffi::events::ws_receive(closed, &raw mut message, timeout_ms))
        });
        sheet.cell(&what, ended, "", &mut || {
            Answer::Result(ws_send_wait(closed, 0, null(), 0, timeout_ms))
        });
        if timeout_ms > 1 {
            sheet.cell(&what, OK, "", &mut || {
                Answer::Result(ws_send_wait(open, 0, null(), 0, timeout_ms))
            });
            let socket = ws_message_socket_new();
            sheet.cell(&what, OK, "", &mut || {
                Answer::Result(ws_connect_wait(socket, echo_uri().as_ptr(), timeout_ms))
            });
            assert_eq!(ws_socket_free(socket), WS_OK);
        } else {
            let late = Answer::Result(WS_E_TIMEOUT);
            sheet.cell(&what, late, "timeout_ms", &mut || {
                Answer::Result(anyws::ffi::events::ws_receive(open, &raw mut message, timeout_ms))
            });
            let mut event = null_mut();
            sheet.cell(&what, late, "timeout_ms", &mut || {
                Answer::Result(anyws::ffi::queue::ws_event_queue_next(
                    queue,
                    &raw mut event,
                    timeout_ms,
                ))
            });
            let socket = ws_message_socket_new();
            sheet.cell(&what, late, "timeout_ms", &mut || {
                let uri = crate::subjects::silent_uri();
                Answer::Result(ws_connect_wait(socket, uri.as_ptr(), timeout_ms))
            });
            assert_eq!(ws_socket_free(socket), WS_OK);
        }
    }
    assert_eq!(ws_socket_free(closed), WS_OK);
    assert_eq!(ws_socket_free(open), WS_OK);
    assert_eq!(anyws::ffi::queue::ws_event_queue_free(queue), WS_OK);
    assert_alive();
    sheet.pass(32);
}

#[test]
fn the_librarys_own_settings_are_judged() {
    let mut sheet = Sheet::default();
    for level in [5, 6, 255, 256, 1 << 31, u32::MAX] {
        sheet.cell(&level, INVALID, "level", &mut || {
            Answer::Result(ws_set_log_callback(None, null_mut(), level))
        });
    }
    for count in [65, 66, 1 << 31, u32::MAX] {
        sheet.cell(&count, INVALID, "count", &mut || Answer::Result(ws_set_io_threads(count)));
    }
    let socket = ws_message_socket_new();
    for count in [1, 2, 64] {
        let late = Answer::Result(WS_E_ILLEGAL_METHOD_CALL);
        sheet.cell(&count, late, "", &mut || Answer::Result(ws_set_io_threads(count)));
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    // Total, and never NULL.
    let mut number = 0x9e37_79b9u32;
    for _ in 0..100_000 {
        number ^= number << 13;
        number ^= number >> 17;
        number ^= number << 5;
        let _ = ws_get_web_error_status(number as ws_result);
        for text in [
            ws_result_name(number as ws_result),
            ws_web_error_status_name(number as _),
            ws_error_phase_name(number),
        ] {
            assert!(unsafe { CStr::from_ptr(text) }.to_bytes().starts_with(b"WS_"));
        }
    }
    sheet.pass(13);
}
