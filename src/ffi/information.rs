//! Information and errors: what became known of a connection, and why it failed.

use std::ffi::{c_char, c_void};

use crate::base::lock::lock;
use crate::client::information::Information;
use crate::client::{Cause, Error};
use crate::transport::tls::TlsFault;

use super::entry::find_socket;
use super::guard::{Failure, checked, plain};
use super::mapping;
use super::outcome;
use super::pointer;
use super::result::*;
use super::types::*;

const NOT_THIS_TYPE: Failure =
    Failure::Plain(WS_E_INVALIDARG, c"information is none of WS_INFORMATION_... of this type");

/// Reads information that is an integer.
///
/// Information belongs to the last connect and stays readable, also after a failure, until the
/// socket connects again or is freed. What is not known is 0.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] information  one of WS_INFORMATION_… whose type is integer.
/// @param[out] value  its value; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_INVALIDARG  information is unknown or of another type.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_information(
    socket: *mut ws_socket,
    information: ws_information,
    value: *mut u64,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let known = lock(&entry.socket.link.information);
        let found = match information {
            WS_INFORMATION_LOCAL_PORT => known.local().map_or(0, |address| address.port().into()),
            WS_INFORMATION_REMOTE_PORT => known.remote().map_or(0, |address| address.port().into()),
            WS_INFORMATION_HTTP_STATUS => known.http_status().into(),
            WS_INFORMATION_SERVER_CERTIFICATE_ERRORS => known.certificate_errors().into(),
            WS_INFORMATION_SERVER_CERTIFICATE_ERROR_SEVERITY => {
                outcome::severity(known.certificate_errors()).into()
            }
            WS_INFORMATION_TLS_RESUMED => u64::from(known.tls_resumed()),
            _ => return Err(NOT_THIS_TYPE),
        };
        drop(known);
        pointer::write(value, found, c"value is NULL")
    })
}

/// Reads information that is a text. What is not known is empty.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] information  one of WS_INFORMATION_… whose type is text.
/// @param[out] buf  gets the text and a NUL; NULL with capacity 0 asks for the length alone.
/// @param[in] capacity  size of buf in bytes.
/// @param[out] length  bytes of the text without its NUL, also when buf is too small; may be NULL.
/// @return WS_OK  buf is filled, or only length was asked for.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
/// @return WS_E_INVALIDARG  information is unknown or of another type.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
/// @ownership  The caller owns buf and length.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_information_string(
    socket: *mut ws_socket,
    information: ws_information,
    buf: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let found = text_of(&lock(&entry.socket.link.information), information)?;
        pointer::write_text(buf, capacity, length, found.as_bytes())
    })
}

fn text_of(known: &Information, information: ws_information) -> Result<String, Failure> {
    Ok(match information {
        WS_INFORMATION_LOCAL_ADDRESS => {
            known.local().map(|address| address.ip().to_string()).unwrap_or_default()
        }
        WS_INFORMATION_REMOTE_ADDRESS => {
            known.remote().map(|address| address.ip().to_string()).unwrap_or_default()
        }
        WS_INFORMATION_PROTOCOL => known.protocol().to_owned(),
        WS_INFORMATION_EXTENSIONS => known
            .header("Sec-WebSocket-Extensions", 0)
            .map(|value| String::from_utf8_lossy(&value).into_owned())
            .unwrap_or_default(),
        WS_INFORMATION_TLS_VERSION => known.tls_version().to_owned(),
        WS_INFORMATION_TLS_CIPHER_SUITE => known.tls_cipher_suite().to_owned(),
        WS_INFORMATION_REQUEST_URI => known.request_uri(),
        _ => return Err(NOT_THIS_TYPE),
    })
}

/// Reads information that is bytes.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] information  one of WS_INFORMATION_… whose type is bytes.
/// @param[in] index  0, or which one of several.
/// @param[out] buf  gets the bytes, without a NUL; NULL with capacity 0 asks for the length alone.
/// @param[in] capacity  size of buf in bytes.
/// @param[out] length  how many bytes there are, also when buf is too small; may be NULL.
/// @return WS_OK  buf is filled, or only length was asked for.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
/// @return WS_E_INVALIDARG  information is unknown or of another type.
/// @return WS_E_BOUNDS  there are not so many; length is untouched.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is less than length; buf is untouched.
/// @ownership  The caller owns buf and length.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_information_bytes(
    socket: *mut ws_socket,
    information: ws_information,
    index: u32,
    buf: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let known = lock(&entry.socket.link.information);
        let index = index as usize;
        let found: Option<&[u8]> = match information {
            WS_INFORMATION_RESPONSE_BODY => (index == 0).then(|| known.response_body()),
            WS_INFORMATION_SERVER_CERTIFICATE => {
                (index == 0).then(|| known.certificate(0).unwrap_or_default())
            }
            WS_INFORMATION_SERVER_INTERMEDIATE_CERTIFICATES => {
                known.certificate(index.saturating_add(1))
            }
            _ => return Err(NOT_THIS_TYPE),
        };
        match found {
            Some(found) => pointer::write_bytes(buf, capacity, length, found),
            None => plain(WS_E_BOUNDS, c"index is past the end"),
        }
    })
}

/// Reads a header of the server's answer to the upgrade request, also of a refusal.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] name  the header's name in any case, NUL-terminated; borrowed for the call.
/// @param[in] index  0, or which one of several headers of that name.
/// @param[out] buf  gets the value, byte by byte as the server sent it, and a NUL; NULL with
///     capacity 0 asks for the length alone.
/// @param[in] capacity  size of buf in bytes.
/// @param[out] length  bytes of the value without its NUL, also when buf is too small; may be NULL.
/// @return WS_OK  buf is filled, or only length was asked for.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  name is NULL; or buf is NULL and capacity is not 0, or length is NULL as
///     well.
/// @return WS_E_INVALIDARG  name is not UTF-8.
/// @return WS_E_BOUNDS  there is no answer yet, or it has no such header, or not so many.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
/// @ownership  The caller owns buf and length, and keeps name.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_response_header(
    socket: *mut ws_socket,
    name: *const c_char,
    index: u32,
    buf: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let name = pointer::text(name, c"name is NULL", c"name is not an HTTP token")?;
        let known = lock(&entry.socket.link.information);
        match known.header(name, index as usize) {
            Some(value) => pointer::write_text(buf, capacity, length, &value),
            None => {
                plain(WS_E_BOUNDS, c"the answer has no header of that name, or index is too large")
            }
        }
    })
}

/// Tells why the last connect failed, or why the connection ended.
///
/// A connect that succeeds clears it. After a closing handshake, and before any failure, its
/// result is WS_OK.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in,out] error  its struct_size says how much of the rest is filled.
/// @return WS_OK  error is filled.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  error is NULL.
/// @return WS_E_INVALIDARG  struct_size is less than 8.
/// @ownership  The caller owns error.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_error(socket: *mut ws_socket, error: *mut ws_error) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let http_status = lock(&entry.socket.link.information).http_status().into();
        let last = entry.socket.link.last_error();
        pointer::write_record(error, describe(last.as_ref(), http_status), c"error is NULL")
    })
}

fn describe(error: Option<&Error>, http_status: u32) -> ws_error {
    let mut described = ws_error {
        struct_size: size_of::<ws_error>() as u32,
        result: WS_OK,
        web_error_status: mapping::web_error_status(WS_OK),
        phase: WS_ERROR_PHASE_NONE,
        http_status,
        system_error: 0,
        tls_alert: 0,
        certificate_errors: 0,
        text: [0; 256],
    };
    let Some(error) = error else { return described };
    described.result = outcome::of_error(error);
    described.web_error_status = mapping::web_error_status(described.result);
    described.phase = outcome::phase(error.phase);
    described.system_error = error.system_error;
    if let Cause::Tls(fault) = &error.cause {
        described.tls_alert = fault.alert().map_or(0, u32::from);
        if let TlsFault::Certificate(refusal) = fault {
            described.certificate_errors = refusal.all.validation_mask();
        }
    }
    let text = error.to_string();
    let mut end = text.len().min(described.text.len() - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (place, byte) in described.text.iter_mut().zip(text.bytes().take(end)) {
        *place = byte as c_char;
    }
    described
}
