//! Controls: what a socket is told before it connects.

use std::ffi::{c_char, c_void};

use crate::client::Misuse;
use crate::client::controls::{self, ControlInfo, ControlType};

use super::entry::{Entry, find_socket};
use super::guard::{Failure, checked};
use super::pointer;
use super::result::*;
use super::types::*;

fn row(control: ws_control) -> Result<&'static ControlInfo, Failure> {
    controls::info(control)
        .ok_or(Failure::Plain(WS_E_INVALIDARG, c"control is none of WS_CONTROL_..."))
}

fn may_be_set(entry: &Entry, row: &ControlInfo) -> Result<(), Failure> {
    if row.is_live || entry.socket.may_be_configured() {
        return Ok(());
    }
    Err(Misuse::IllegalState("this control is set before ws_connect, or after it has failed")
        .into())
}

/// Sets a control that is an integer.
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_control(
    socket: *mut ws_socket,
    control: ws_control,
    value: u64,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row(control)?;
        may_be_set(&entry, row)?;
        entry.socket.link.controls.set_integer(row, value)?;
        Ok(())
    })
}

/// Sets a control that is a text.
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_control_string(
    socket: *mut ws_socket,
    control: ws_control,
    value: *const c_char,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row(control)?;
        let value = pointer::text(value, c"value is NULL", c"value is not UTF-8")?;
        may_be_set(&entry, row)?;
        entry.socket.link.controls.set_text(row, value)?;
        Ok(())
    })
}

/// Sets a control that is bytes.
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_control_bytes(
    socket: *mut ws_socket,
    control: ws_control,
    data: *const c_void,
    len: usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row(control)?;
        let data = pointer::bytes(data, len)?;
        may_be_set(&entry, row)?;
        entry.socket.link.controls.set_bytes(row, data)?;
        Ok(())
    })
}

/// Reads a control that is an integer.
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_control(
    socket: *mut ws_socket,
    control: ws_control,
    value: *mut u64,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let row = row(control)?;
        let current = entry.socket.link.controls.get_integer(row)?;
        pointer::write(value, current, c"value is NULL")
    })
}

/// Reads a control that is a text.
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
        let row = row(control)?;
        let current = entry.socket.link.controls.get_text(row)?;
        pointer::write_text(buf, capacity, length, current.as_bytes())
    })
}

/// Tells what there is to know of a control.
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
            for_stream_sockets: 0,
            is_live: u8::from(row.is_live),
        };
        pointer::write_record(info, value, c"info is NULL")
    })
}

/// Adds a header to the upgrade request.
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
