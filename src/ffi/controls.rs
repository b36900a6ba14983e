//! Controls: what a socket is told before it connects.

use std::ffi::{c_char, c_void};

use crate::client::Misuse;
use crate::client::controls::{self, Asker, ControlInfo, ControlType};
use crate::client::link::SocketKind;

use super::entry::{Entry, find_socket};
use super::guard::{Failure, checked, plain};
use super::pointer;
use super::result::*;
use super::types::*;

fn row(control: ws_control) -> Result<&'static ControlInfo, Failure> {
    controls::info(control)
        .ok_or(Failure::Plain(WS_E_INVALIDARG, c"control is none of WS_CONTROL_..."))
}

/// The control's row, if the socket is of a kind that has it.
fn row_for(entry: &Entry, control: ws_control) -> Result<&'static ControlInfo, Failure> {
    let row = row(control)?;
    if row.is_of_messages && entry.socket.link.kind == SocketKind::Stream {
        return plain(WS_E_INVALIDARG, c"control is not for stream sockets");
    }
    Ok(row)
}

fn may_be_set(entry: &Entry, row: &ControlInfo) -> Result<(), Failure> {
    if row.is_read_only {
        return Err(controls::READ_ONLY.into());
    }
    if row.is_live || entry.socket.may_be_configured() {
        return Ok(());
    }
    Err(Misuse::IllegalState("this control is set before ws_connect, or after it has failed")
        .into())
}

/// Sets a control that is an integer.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] control  one of WS_CONTROL_… whose type is integer.
/// @param[in] value  in the unit and range of the control; ws_get_control_info tells both ends.
/// @return WS_OK  it is set: a live control from now on, another one for the next connect.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_INVALIDARG  control is unknown, of another type, read-only or not for this kind of
///     socket, or value is out of its range.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected and control is not live.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_control(
    socket: *mut ws_socket,
    control: ws_control,
    value: u64,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row_for(&entry, control)?;
        may_be_set(&entry, row)?;
        entry.socket.link.controls.set_integer(row, value)?;
        entry.socket.link.control_changed(row.control);
        Ok(())
    })
}

/// Sets a control that is a text.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] control  one of WS_CONTROL_… whose type is string.
/// @param[in] value  NUL-terminated UTF-8, copied; an empty text unsets the control.
/// @return WS_OK  it is set.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_INVALIDARG  control is unknown or of another type, or value is not what it takes.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  The caller keeps value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_control_string(
    socket: *mut ws_socket,
    control: ws_control,
    value: *const c_char,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row_for(&entry, control)?;
        let value = pointer::text(value, c"value is NULL", c"value is not UTF-8")?;
        may_be_set(&entry, row)?;
        entry.socket.link.controls.set_text(row, value)?;
        Ok(())
    })
}

/// Sets a control that is bytes.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] control  one of WS_CONTROL_… whose type is bytes.
/// @param[in] data  copied; may be NULL if len is 0, which unsets the control.
/// @param[in] len  size of data in bytes.
/// @return WS_OK  it is set.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  control is unknown or of another type, data is not what it takes, or
///     len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_control_bytes(
    socket: *mut ws_socket,
    control: ws_control,
    data: *const c_void,
    len: usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row_for(&entry, control)?;
        let data = pointer::bytes(data, len)?;
        may_be_set(&entry, row)?;
        entry.socket.link.controls.set_bytes(row, data)?;
        Ok(())
    })
}

/// Reads a control that is an integer.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] control  one of WS_CONTROL_… whose type is integer.
/// @param[out] value  its value; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_INVALIDARG  control is unknown, of another type or not for this kind of socket.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_control(
    socket: *mut ws_socket,
    control: ws_control,
    value: *mut u64,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row_for(&entry, control)?;
        let current = entry.socket.link.controls.get_integer(row)?;
        pointer::write(value, current, c"value is NULL")
    })
}

/// Reads a control that is a text.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] control  one of WS_CONTROL_… whose type is string.
/// @param[out] buf  gets the text and a NUL; NULL with capacity 0 asks for the length alone.
/// @param[in] capacity  size of buf in bytes.
/// @param[out] length  bytes of the text without its NUL, also when buf is too small; may be NULL.
/// @return WS_OK  buf is filled, or only length was asked for.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
/// @return WS_E_INVALIDARG  control is unknown, of another type or not for this kind of socket.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
/// @ownership  The caller owns buf and length.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_control_string(
    socket: *mut ws_socket,
    control: ws_control,
    buf: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row_for(&entry, control)?;
        let current = entry.socket.link.controls.get_text(row)?;
        pointer::write_text(buf, capacity, length, current.as_bytes())
    })
}

/// Tells what there is to know of a control: name, type, default, range, and when it may be set.
///
/// @param[in] control  one of WS_CONTROL_….
/// @param[in,out] info  its struct_size says how much of the rest is filled.
/// @return WS_OK  info is filled.
/// @return WS_E_POINTER  info is NULL.
/// @return WS_E_INVALIDARG  control is unknown, or struct_size is less than 8.
/// @ownership  The caller owns info; its name has static lifetime.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_control_info(
    control: ws_control,
    info: *mut ws_control_info,
) -> ws_result {
    checked(|| {
        let row = row(control)?;
        let (kind, default, minimum, maximum) = match row.value {
            ControlType::Integer { default, min, max } => {
                (WS_CONTROL_TYPE_INTEGER, default, min, max)
            }
            ControlType::Text => (WS_CONTROL_TYPE_STRING, 0, 0, 0),
            ControlType::Bytes => (WS_CONTROL_TYPE_BYTES, 0, 0, 0),
        };
        let value = ws_control_info {
            struct_size: size_of::<ws_control_info>() as u32,
            r#type: kind,
            name: row.name.as_ptr(),
            default_value: default,
            minimum,
            maximum,
            for_message_sockets: 1,
            for_stream_sockets: u8::from(!row.is_of_messages),
            is_live: u8::from(row.is_live),
            is_read_only: u8::from(row.is_read_only),
        };
        pointer::write_record(info, value, c"info is NULL")
    })
}

/// Adds a header to the upgrade request, or replaces the one of that name.
///
/// Host, Origin, Authorization, Cookie and User-Agent may be set. Sec-WebSocket-*, Upgrade,
/// Connection, Content-Length and Transfer-Encoding belong to the library.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] name  an RFC 7230 token in any case, copied.
/// @param[in] value  NUL-terminated UTF-8 without control characters, copied; may be empty.
/// @return WS_OK  the next connect sends it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  name or value is NULL.
/// @return WS_E_INVALIDARG  name or value is malformed, the name belongs to the library, or it
///     would be more than 100 headers, 32 KiB in all, or 8 KiB in this one.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  The caller keeps name and value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_request_header(
    socket: *mut ws_socket,
    name: *const c_char,
    value: *const c_char,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let name = pointer::text(name, c"name is NULL", c"name is not an HTTP token")?;
        let value = pointer::text(value, c"value is NULL", c"value is not UTF-8")?;
        if !entry.socket.may_be_configured() {
            return Err(Misuse::IllegalState(
                "headers are set before ws_connect, or after it has failed",
            )
            .into());
        }
        entry.socket.link.controls.set_header(name, value)?;
        Ok(())
    })
}

/// Stores a user and a password, to be sent to the server or to the proxy that asks for them.
///
/// They are sent only in answer to a challenge, Digest (the strongest hash first) or else Basic, and
/// once; to send them unasked set the header Authorization. They are overwritten in memory when they
/// are replaced or the socket is released. To another origin they never travel.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] which  WS_CREDENTIAL_SERVER or WS_CREDENTIAL_PROXY.
/// @param[in] user  NUL-terminated UTF-8 without control characters, at most 8192 bytes, copied; one
///     with a colon is not sent as Basic, which cannot carry it. NULL removes the credential.
/// @param[in] password  the same, with colons; not looked at when user is NULL.
/// @return WS_OK  it is set, or removed.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  password is NULL and user is not.
/// @return WS_E_INVALIDARG  which is neither, or user or password is malformed or too long.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  The caller keeps user and password.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_credential(
    socket: *mut ws_socket,
    which: ws_credential,
    user: *const c_char,
    password: *const c_char,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let asker = match which {
            WS_CREDENTIAL_SERVER => Asker::Server,
            WS_CREDENTIAL_PROXY => Asker::Proxy,
            _ => return plain(WS_E_INVALIDARG, c"which is none of WS_CREDENTIAL_..."),
        };
        let login = match user.is_null() {
            true => None,
            false => Some((
                pointer::text(user, c"user is NULL", c"user is not UTF-8")?,
                pointer::text(password, c"password is NULL", c"password is not UTF-8")?,
            )),
        };
        if !entry.socket.may_be_configured() {
            return Err(Misuse::IllegalState(
                "credentials are set before ws_connect, or after it has failed",
            )
            .into());
        }
        entry.socket.link.controls.set_credential(asker, login)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_has_its_constant_and_every_constant_its_control() {
        let settings = include_str!("settings.rs");
        let constants: Vec<(&str, u32)> = settings
            .lines()
            .filter_map(|line| line.strip_prefix("pub const WS_CONTROL_"))
            .filter(|rest| rest.contains(": ws_control = "))
            .map(|rest| {
                let (name, number) = rest.split_once(": ws_control = ").unwrap();
                (name, number.trim_end_matches(';').parse().unwrap())
            })
            .collect();
        assert_eq!(constants.len(), controls::TABLE.len());
        for (name, number) in constants {
            let row = controls::info(number).unwrap();
            assert_eq!(row.name.to_str(), Ok(name));
        }
    }
}
