//! What the system says when a name has no address, and what the application hears of it.

use std::ffi::CStr;

use super::*;
use crate::resolver::{Answer, Name, lists};
use crate::support::client::{MODES, Mode};
use crate::support::server::{Tls, eventually};

/// glibc's, which are not in POSIX.
const EAI_NODATA: i32 = -5;
const EAI_ADDRFAMILY: i32 = -9;
const UNKNOWN_CODE: i32 = -77;

fn sentence(code: i32) -> String {
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    text.to_str().unwrap().to_owned()
}

/// What is answered, the result, the system's error and a part of the sentence.
fn failures() -> Vec<(Answer, ws_result, i32, String)> {
    let mut failures = Vec::new();
    for code in [
        libc::EAI_NONAME,
        libc::EAI_AGAIN,
        libc::EAI_FAIL,
        libc::EAI_BADFLAGS,
        libc::EAI_FAMILY,
        libc::EAI_SERVICE,
        libc::EAI_SOCKTYPE,
        libc::EAI_OVERFLOW,
        EAI_NODATA,
        EAI_ADDRFAMILY,
        UNKNOWN_CODE,
    ] {
        failures.push((Answer::Code(code), WS_E_NAME_NOT_RESOLVED, code, sentence(code)));
    }
    let memory = libc::EAI_MEMORY;
    failures.push((Answer::Code(memory), WS_E_OUTOFMEMORY, memory, sentence(memory)));
    for (error, result) in [
        (libc::EIO, WS_E_NAME_NOT_RESOLVED),
        (libc::ECONNREFUSED, WS_E_NAME_NOT_RESOLVED),
        (libc::ETIMEDOUT, WS_E_NAME_NOT_RESOLVED),
        (libc::ENOMEM, WS_E_OUTOFMEMORY),
        (libc::EMFILE, WS_E_OUTOFMEMORY),
        (libc::ENFILE, WS_E_OUTOFMEMORY),
    ] {
        failures.push((Answer::System(error), result, error, format!("os error {error}")));
    }
    failures.push((Answer::Addresses(Vec::new()), WS_E_NAME_NOT_RESOLVED, 0, String::new()));
    failures.push((Answer::Alien, WS_E_NAME_NOT_RESOLVED, 0, String::new()));
    failures
}

#[test]
fn every_failure_of_a_lookup_has_its_result_its_code_and_its_sentence() {
    for (answer, result, code, sentence) in failures() {
        for mode in MODES {
            for scheme in ["ws", "wss"] {
                let name = Name::new(answer.clone());
                let mut client = Client::trusting(mode);
                client.connect(&name.uri(80).replace("ws", scheme));
                let text = assert_fails(&client, result, WS_ERROR_PHASE_NAME);
                assert_eq!(client.error().system_error, code, "{text}");
                assert!(text.contains(&sentence), "{text}");
                assert_eq!(client.error().http_status, 0);
                assert_eq!(name.asked(), 1, "asked once");
            }
        }
    }
    assert_eq!(WS_E_NAME_NOT_RESOLVED, 0x8007_2EE7_u32.cast_signed());
    assert_eq!(web_error_status(WS_E_NAME_NOT_RESOLVED), 15, "HOST_NAME_NOT_RESOLVED");
    assert_eq!(web_error_status(WS_E_OUTOFMEMORY), 0, "UNKNOWN");
    assert!(eventually(|| lists() == 0), "what the system gave is given back");
}

#[test]
fn the_name_of_a_proxy_fails_as_the_way_to_the_proxy() {
    for (answer, result, code, sentence) in failures() {
        let result =
            if result == WS_E_NAME_NOT_RESOLVED { WS_E_PROXY_SERVER_UNREACHABLE } else { result };
        for scheme in ["http", "https", "socks5", "socks5h"] {
            let name = Name::new(answer.clone());
            let mut client = Client::trusting(Mode::Callback);
            client.set_text(WS_CONTROL_PROXY, &format!("{scheme}://{}:3128", name.text()));
            client.connect("ws://192.0.2.1/");
            let text = assert_fails(&client, result, WS_ERROR_PHASE_PROXY);
            assert_eq!(client.error().system_error, code, "{text}");
            assert!(text.contains(&sentence), "{text}");
        }
    }
}

#[test]
fn a_name_that_was_not_found_may_be_found_the_next_time() {
    let server = Server::echo(Tls::No);
    for mode in MODES {
        let mut client = Client::trusting(mode);
        client.connect(&Name::new(Answer::Code(libc::EAI_AGAIN)).uri(80));
        assert_fails(&client, WS_E_NAME_NOT_RESOLVED, WS_ERROR_PHASE_NAME);
        client.connect(&Name::of(&[server.address.ip()]).uri(port_of(&server)));
        assert_connects(&client);
    }
}
