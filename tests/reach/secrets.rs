//! What must never be read in a log line, an error's text or an explanation: passwords, and the
//! headers that hold secrets.

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::Mutex;

use anyws::ffi::controls::ws_set_control_string;
use anyws::ffi::library::ws_set_log_callback;

use super::*;
use crate::proxy::{OPEN, Proxy, behind, uri_of};
use crate::site::{Reply, challenge, header, path, redirect, site};
use crate::support::client::{Mode, last_error_message};
use crate::support::server::Tls;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

unsafe extern "C-unwind" fn on_log(_: ws_log_level, text: *const c_char, _: *mut c_void) {
    let line = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    LINES.lock().unwrap().push(line);
}

const SECRETS: [&str; 5] =
    ["s3cret-proxy", "s3cret-server", "s3cret-token", "s3cret-cookie", "s3cret-answer"];

fn assert_tells_no_secret(text: &str) {
    for secret in SECRETS {
        let encoded = data_encoding::BASE64.encode(format!("user:{secret}").as_bytes());
        assert!(!text.contains(secret) && !text.contains(&encoded), "{text}");
    }
}

#[test]
fn no_secret_can_be_read_in_the_log_or_in_a_text() {
    let null = std::ptr::null_mut();
    assert_eq!(ws_set_log_callback(Some(on_log), null, WS_LOG_DEBUG), WS_OK);
    for tls in [Tls::No, Tls::Good] {
        for ends_well in [true, false] {
            let login = data_encoding::BASE64.encode(b"user:s3cret-server");
            let (origin, _) = site(tls, move |request| match path(request) {
                "/old" => redirect(302, "/new"),
                _ => match header(request, "Authorization") {
                    Some(answer) if ends_well && answer.ends_with(&login) => Reply::Echo,
                    _ => {
                        let Reply::Text(text) = challenge(&["Basic realm=\"r\""]) else {
                            unreachable!()
                        };
                        let cookie = "401 Who Are You\r\nSet-Cookie: a=s3cret-answer";
                        Reply::Text(text.replace("401 Who Are You", cookie))
                    }
                },
            });
            let proxy = Proxy::answering(
                Tls::No,
                |request| match header(request, "Proxy-Authorization") {
                    Some(_) => OPEN.to_owned(),
                    None => {
                        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\r\n".into()
                    }
                },
                origin.address,
            );
            let uri = proxy.uri().replace("//", "//user:s3cret-proxy@");
            let mut client = behind(&uri, Mode::Callback);
            client.set(WS_CONTROL_MAX_REDIRECTS, 3);
            client.set_header("Authorization", "Bearer s3cret-token");
            client.set_header("Cookie", "s3cret-cookie");
            set_credential(&client, WS_CREDENTIAL_SERVER, "user", "s3cret-server");
            client.connect(&format!("{}old", uri_of(&origin, tls)));
            match ends_well {
                true => assert_echoes(client),
                false => {
                    assert_fails(&client, http_status(401), WS_ERROR_PHASE_HTTP);
                    assert_tells_no_secret(&text_of(&client.error()));
                    let cookie = client.response_header("Set-Cookie", 0).unwrap();
                    assert_eq!(cookie, "a=s3cret-answer", "the application may read it");
                }
            }
        }
    }
    // A proxy that cannot be reached, and names that name none.
    let mut client = behind("http://user:s3cret-proxy@127.0.0.1:1/", Mode::Callback);
    client.connect("ws://origin.test/");
    assert_fails(&client, WS_E_PROXY_SERVER_UNREACHABLE, WS_ERROR_PHASE_PROXY);
    assert_tells_no_secret(&text_of(&client.error()));
    let client = Client::trusting(Mode::Callback);
    for bad in ["http://user:s3cret-proxy@host:99999", "gopher://user:s3cret-proxy@host"] {
        let bad = CString::new(bad).unwrap();
        let set = ws_set_control_string(client.socket, WS_CONTROL_PROXY, bad.as_ptr());
        assert_eq!(set, WS_E_INVALIDARG);
        assert_tells_no_secret(&last_error_message());
    }
    assert_eq!(ws_set_log_callback(None, null, WS_LOG_OFF), WS_OK);
    let lines = LINES.lock().unwrap();
    assert!(lines.len() > 4, "the log tells something: {lines:?}");
    for line in lines.iter() {
        assert_tells_no_secret(line);
    }
}
