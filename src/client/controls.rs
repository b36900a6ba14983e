//! What a socket can be told before it connects: one table describes every control, and setters,
//! getters and `ws_get_control_info` all come from it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rustls_pki_types::CertificateDer;

use crate::base::lock::lock;
use crate::handshake::protocols;
use crate::transport::trust;

use super::error::Misuse;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Control {
    MessageType = 1,
    MaxMessageSize = 2,
    SupportedProtocols = 4,
    OutboundBufferSize = 5,
    NoDelay = 6,
    TrustedCertificates = 11,
    TrustSystemStore = 12,
    ConnectTimeoutMs = 13,
    MaxConnectAddresses = 14,
    TotalConnectTimeoutMs = 15,
    SendTimeoutMs = 16,
    CloseTimeoutMs = 17,
    ReceiveTimeoutMs = 18,
    SendQueueLimit = 32,
    ReceiveQueueLimit = 33,
    MaxFragments = 34,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlType {
    Integer { default: u64, min: u64, max: u64 },
    Text,
    Bytes,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ControlInfo {
    pub control: Control,
    pub name: &'static std::ffi::CStr,
    pub value: ControlType,
    /// May also be set while connected.
    pub is_live: bool,
}

const fn integer(
    control: Control,
    name: &'static std::ffi::CStr,
    (default, min, max): (u64, u64, u64),
    is_live: bool,
) -> ControlInfo {
    ControlInfo { control, name, value: ControlType::Integer { default, min, max }, is_live }
}

const fn other(control: Control, name: &'static std::ffi::CStr, value: ControlType) -> ControlInfo {
    ControlInfo { control, name, value, is_live: false }
}

const MS: u64 = u32::MAX as u64;
/// Stands for "no limit" in `MAX_MESSAGE_SIZE`, as in the original.
pub const NO_LIMIT: u64 = 0xffff_ffff;

/// Every control. The place in the table is the place of an integer's value.
pub const TABLE: [ControlInfo; 16] = [
    integer(Control::MessageType, c"MESSAGE_TYPE", (0, 0, 1), true),
    integer(Control::MaxMessageSize, c"MAX_MESSAGE_SIZE", (64 << 20, 1, NO_LIMIT), false),
    integer(Control::OutboundBufferSize, c"OUTBOUND_BUFFER_SIZE", (0, 0, 1 << 30), false),
    integer(Control::NoDelay, c"NO_DELAY", (1, 0, 1), false),
    integer(Control::TrustSystemStore, c"TRUST_SYSTEM_STORE", (1, 0, 1), false),
    integer(Control::ConnectTimeoutMs, c"CONNECT_TIMEOUT_MS", (60_000, 1, MS), false),
    integer(Control::MaxConnectAddresses, c"MAX_CONNECT_ADDRESSES", (5, 1, 100), false),
    integer(Control::TotalConnectTimeoutMs, c"TOTAL_CONNECT_TIMEOUT_MS", (0, 0, MS), false),
    integer(Control::SendTimeoutMs, c"SEND_TIMEOUT_MS", (30_000, 1, MS), true),
    integer(Control::CloseTimeoutMs, c"CLOSE_TIMEOUT_MS", (10_000, 1, MS), true),
    integer(Control::ReceiveTimeoutMs, c"RECEIVE_TIMEOUT_MS", (30_000, 1, MS), true),
    integer(Control::SendQueueLimit, c"SEND_QUEUE_LIMIT", (16 << 20, 1, u64::MAX), true),
    integer(Control::ReceiveQueueLimit, c"RECEIVE_QUEUE_LIMIT", (16 << 20, 1, u64::MAX), false),
    integer(Control::MaxFragments, c"MAX_FRAGMENTS", (65_536, 1, u32::MAX as u64), false),
    other(Control::SupportedProtocols, c"SUPPORTED_PROTOCOLS", ControlType::Text),
    other(Control::TrustedCertificates, c"TRUSTED_CERTIFICATES", ControlType::Bytes),
];

const INTEGERS: usize = 14;

/// Finds the row of a control by its number.
pub fn info(number: u32) -> Option<&'static ControlInfo> {
    TABLE.iter().find(|row| row.control as u32 == number)
}

/// The values of one socket. Integers can be read from any thread without a lock.
#[derive(Debug)]
pub struct Controls {
    integers: [AtomicU64; INTEGERS],
    others: Mutex<Others>,
}

#[derive(Clone, Debug, Default)]
struct Others {
    protocols_text: String,
    protocols: Vec<String>,
    trusted: Option<Arc<[CertificateDer<'static>]>>,
    headers: Vec<(String, String)>,
}

impl Default for Controls {
    fn default() -> Controls {
        let controls = Controls {
            integers: [const { AtomicU64::new(0) }; INTEGERS],
            others: Mutex::default(),
        };
        for (place, row) in controls.integers.iter().zip(&TABLE) {
            if let ControlType::Integer { default, .. } = row.value {
                place.store(default, Ordering::Relaxed);
            }
        }
        controls
    }
}

const WRONG_TYPE: Misuse = Misuse::Invalid("this control has a value of another type");

impl Controls {
    #[inline]
    pub fn integer(&self, control: Control) -> u64 {
        self.place(control).map_or(0, |place| place.load(Ordering::Relaxed))
    }

    pub fn duration(&self, control: Control) -> std::time::Duration {
        std::time::Duration::from_millis(self.integer(control))
    }

    pub fn set_integer(&self, row: &ControlInfo, value: u64) -> Result<(), Misuse> {
        let ControlType::Integer { min, max, .. } = row.value else { return Err(WRONG_TYPE) };
        if value < min || value > max {
            return Err(Misuse::Invalid("value is outside the range of this control"));
        }
        if let Some(place) = self.place(row.control) {
            place.store(value, Ordering::Relaxed);
        }
        Ok(())
    }

    pub fn get_integer(&self, row: &ControlInfo) -> Result<u64, Misuse> {
        match row.value {
            ControlType::Integer { .. } => Ok(self.integer(row.control)),
            _ => Err(WRONG_TYPE),
        }
    }

    pub fn set_text(&self, row: &ControlInfo, text: &str) -> Result<(), Misuse> {
        match row.control {
            Control::SupportedProtocols => {
                let protocols = protocols::parse_list(text).map_err(|_| {
                    Misuse::Invalid(
                        "value is not a list of distinct subprotocol names (RFC 7230 tokens)",
                    )
                })?;
                let mut others = lock(&self.others);
                others.protocols = protocols;
                others.protocols_text = text.to_owned();
                Ok(())
            }
            _ => Err(WRONG_TYPE),
        }
    }

    pub fn get_text(&self, row: &ControlInfo) -> Result<String, Misuse> {
        match row.control {
            Control::SupportedProtocols => Ok(lock(&self.others).protocols_text.clone()),
            _ => Err(WRONG_TYPE),
        }
    }

    pub fn set_bytes(&self, row: &ControlInfo, bytes: &[u8]) -> Result<(), Misuse> {
        match row.control {
            Control::TrustedCertificates => {
                let trusted = match bytes {
                    [] => None,
                    _ => Some(
                        trust::parse_certificates(bytes)
                            .map_err(|_| {
                                Misuse::Invalid("data is not PEM with usable certificates")
                            })?
                            .into(),
                    ),
                };
                lock(&self.others).trusted = trusted;
                Ok(())
            }
            _ => Err(WRONG_TYPE),
        }
    }

    /// Adds a header to the upgrade request; the same name again replaces.
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), Misuse> {
        crate::handshake::request::check_header(name, value)
            .map_err(|_| Misuse::Invalid("name or value is not allowed in the upgrade request"))?;
        let mut others = lock(&self.others);
        let replaced = others.headers.iter().position(|(old, _)| old.eq_ignore_ascii_case(name));
        let used: usize = others
            .headers
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != replaced)
            .map(|(_, (name, value))| name.len() + value.len() + 4)
            .sum();
        if used + name.len() + value.len() + 4 > MAX_HEADERS_BYTES
            || (replaced.is_none() && others.headers.len() >= MAX_HEADERS)
        {
            return Err(Misuse::Invalid("more request headers than 100, or than 32 KiB in all"));
        }
        let header = (name.to_owned(), value.to_owned());
        match replaced.and_then(|at| others.headers.get_mut(at)) {
            Some(old) => *old = header,
            None => others.headers.push(header),
        }
        Ok(())
    }

    pub fn protocols(&self) -> Vec<String> {
        lock(&self.others).protocols.clone()
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        lock(&self.others).headers.clone()
    }

    pub fn trust(&self) -> trust::TrustSettings {
        trust::TrustSettings {
            trusted: lock(&self.others).trusted.clone().unwrap_or_default(),
            trust_system_store: self.integer(Control::TrustSystemStore) == 1,
        }
    }

    #[inline]
    fn place(&self, control: Control) -> Option<&AtomicU64> {
        self.integers.get(place_in_table(control))
    }
}

/// Where a control stands in the table; known to the compiler wherever the control is.
#[inline]
const fn place_in_table(control: Control) -> usize {
    match control {
        Control::MessageType => 0,
        Control::MaxMessageSize => 1,
        Control::OutboundBufferSize => 2,
        Control::NoDelay => 3,
        Control::TrustSystemStore => 4,
        Control::ConnectTimeoutMs => 5,
        Control::MaxConnectAddresses => 6,
        Control::TotalConnectTimeoutMs => 7,
        Control::SendTimeoutMs => 8,
        Control::CloseTimeoutMs => 9,
        Control::ReceiveTimeoutMs => 10,
        Control::SendQueueLimit => 11,
        Control::ReceiveQueueLimit => 12,
        Control::MaxFragments => 13,
        Control::SupportedProtocols => 14,
        Control::TrustedCertificates => 15,
    }
}

const MAX_HEADERS: usize = 100;
const MAX_HEADERS_BYTES: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_stand_first_in_the_table_and_keep_their_ranges() {
        let controls = Controls::default();
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(place_in_table(row.control), at);
            let ControlType::Integer { default, min, max } = row.value else {
                assert!(at >= INTEGERS);
                assert_eq!(controls.set_integer(row, 1), Err(WRONG_TYPE));
                continue;
            };
            assert!(at < INTEGERS);
            assert_eq!(controls.get_integer(row), Ok(default));
            for value in [min, max, default] {
                assert_eq!(controls.set_integer(row, value), Ok(()));
                assert_eq!(controls.get_integer(row), Ok(value));
            }
            for value in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
                assert!(controls.set_integer(row, value).is_err());
            }
            assert_eq!(controls.get_integer(row), Ok(default));
        }
    }

    #[test]
    fn numbers_and_names_are_unique() {
        for (at, row) in TABLE.iter().enumerate() {
            for later in &TABLE[at + 1..] {
                assert!(row.control != later.control && row.name != later.name);
            }
        }
    }

    #[test]
    fn the_same_header_again_replaces() {
        let controls = Controls::default();
        controls.set_header("X-One", "1").unwrap();
        controls.set_header("x-one", "2").unwrap();
        assert_eq!(controls.headers(), [("x-one".to_owned(), "2".to_owned())]);
        assert!(controls.set_header("Upgrade", "x").is_err());
        for number in 1..100 {
            controls.set_header(&format!("X-{number}"), "").unwrap();
        }
        assert!(controls.set_header("X-100", "").is_err());
        controls.set_header("X-99", "still replaces").unwrap();
    }
}
