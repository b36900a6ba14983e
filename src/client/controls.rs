//! What a socket can be told before it connects: one table describes every control, and setters,
//! getters and `ws_get_control_info` all come from it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rustls_pki_types::CertificateDer;

use crate::base::lock::lock;
use crate::handshake::{DeflateOffer, protocols};
use crate::transport::trust;

use super::error::Misuse;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Control {
    MessageType = 1,
    MaxMessageSize = 2,
    ReceiveMode = 3,
    SupportedProtocols = 4,
    OutboundBufferSize = 5,
    NoDelay = 6,
    DesiredUnsolicitedPongIntervalMs = 7,
    ActualUnsolicitedPongIntervalMs = 8,
    TrustedCertificates = 11,
    TrustSystemStore = 12,
    ConnectTimeoutMs = 13,
    MaxConnectAddresses = 14,
    TotalConnectTimeoutMs = 15,
    SendTimeoutMs = 16,
    CloseTimeoutMs = 17,
    ReceiveTimeoutMs = 18,
    PingIntervalMs = 19,
    PongTimeoutMs = 20,
    Compression = 23,
    CompressionClientMaxWindowBits = 24,
    CompressionServerMaxWindowBits = 25,
    CompressionClientNoContextTakeover = 26,
    CompressionServerNoContextTakeover = 27,
    CompressionLevel = 28,
    CompressionThreshold = 29,
    SendQueueLimit = 32,
    ReceiveQueueLimit = 33,
    MaxFragments = 34,
}

impl Control {
    /// An open connection compares the clock with it.
    pub fn is_timed(self) -> bool {
        matches!(
            self,
            Control::SendTimeoutMs
                | Control::CloseTimeoutMs
                | Control::ReceiveTimeoutMs
                | Control::PingIntervalMs
                | Control::PongTimeoutMs
        )
    }
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
    /// Tells what is in effect, and cannot be set.
    pub is_read_only: bool,
    /// It says something of messages: stream sockets have none.
    pub is_of_messages: bool,
}

const fn integer(
    control: Control,
    name: &'static std::ffi::CStr,
    (default, min, max): (u64, u64, u64),
    is_live: bool,
) -> ControlInfo {
    let value = ControlType::Integer { default, min, max };
    ControlInfo { control, name, value, is_live, is_read_only: false, is_of_messages: false }
}

const fn read_only(row: ControlInfo) -> ControlInfo {
    ControlInfo { is_read_only: true, ..row }
}

const fn of_messages(row: ControlInfo) -> ControlInfo {
    ControlInfo { is_of_messages: true, ..row }
}

const fn other(control: Control, name: &'static std::ffi::CStr, value: ControlType) -> ControlInfo {
    ControlInfo { control, name, value, is_live: false, is_read_only: false, is_of_messages: false }
}

const MS: u64 = u32::MAX as u64;
/// Stands for "no limit" in `MAX_MESSAGE_SIZE`, as in the original.
pub const NO_LIMIT: u64 = 0xffff_ffff;

/// Every control. The place in the table is the place of an integer's value.
pub const TABLE: [ControlInfo; 28] = [
    of_messages(integer(Control::MessageType, c"MESSAGE_TYPE", (0, 0, 1), true)),
    of_messages(integer(
        Control::MaxMessageSize,
        c"MAX_MESSAGE_SIZE",
        (64 << 20, 1, NO_LIMIT),
        false,
    )),
    of_messages(integer(Control::ReceiveMode, c"RECEIVE_MODE", (0, 0, 1), false)),
    integer(Control::OutboundBufferSize, c"OUTBOUND_BUFFER_SIZE", (0, 0, 1 << 30), false),
    integer(Control::NoDelay, c"NO_DELAY", (1, 0, 1), false),
    integer(
        Control::DesiredUnsolicitedPongIntervalMs,
        c"DESIRED_UNSOLICITED_PONG_INTERVAL_MS",
        (0, 0, MS),
        false,
    ),
    read_only(integer(
        Control::ActualUnsolicitedPongIntervalMs,
        c"ACTUAL_UNSOLICITED_PONG_INTERVAL_MS",
        (0, 0, MS),
        false,
    )),
    integer(Control::TrustSystemStore, c"TRUST_SYSTEM_STORE", (1, 0, 1), false),
    integer(Control::ConnectTimeoutMs, c"CONNECT_TIMEOUT_MS", (60_000, 1, MS), false),
    integer(Control::MaxConnectAddresses, c"MAX_CONNECT_ADDRESSES", (5, 1, 100), false),
    integer(Control::TotalConnectTimeoutMs, c"TOTAL_CONNECT_TIMEOUT_MS", (0, 0, MS), false),
    integer(Control::SendTimeoutMs, c"SEND_TIMEOUT_MS", (30_000, 1, MS), true),
    integer(Control::CloseTimeoutMs, c"CLOSE_TIMEOUT_MS", (10_000, 1, MS), true),
    integer(Control::ReceiveTimeoutMs, c"RECEIVE_TIMEOUT_MS", (30_000, 1, MS), true),
    integer(Control::PingIntervalMs, c"PING_INTERVAL_MS", (0, 0, MS), true),
    integer(Control::PongTimeoutMs, c"PONG_TIMEOUT_MS", (10_000, 1, MS), true),
    integer(Control::Compression, c"COMPRESSION", (0, 0, 1), false),
    integer(
        Control::CompressionClientMaxWindowBits,
        c"COMPRESSION_CLIENT_MAX_WINDOW_BITS",
        (15, 9, 15),
        false,
    ),
    integer(
        Control::CompressionServerMaxWindowBits,
        c"COMPRESSION_SERVER_MAX_WINDOW_BITS",
        (15, 9, 15),
        false,
    ),
    integer(
        Control::CompressionClientNoContextTakeover,
        c"COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER",
        (0, 0, 1),
        false,
    ),
    integer(
        Control::CompressionServerNoContextTakeover,
        c"COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER",
        (0, 0, 1),
        false,
    ),
    integer(Control::CompressionLevel, c"COMPRESSION_LEVEL", (6, 0, 9), true),
    integer(Control::CompressionThreshold, c"COMPRESSION_THRESHOLD", (64, 0, MS), true),
    integer(Control::SendQueueLimit, c"SEND_QUEUE_LIMIT", (16 << 20, 1, u64::MAX), true),
    of_messages(integer(
        Control::ReceiveQueueLimit,
        c"RECEIVE_QUEUE_LIMIT",
        (16 << 20, 1, u64::MAX),
        false,
    )),
    of_messages(integer(
        Control::MaxFragments,
        c"MAX_FRAGMENTS",
        (65_536, 1, u32::MAX as u64),
        false,
    )),
    other(Control::SupportedProtocols, c"SUPPORTED_PROTOCOLS", ControlType::Text),
    other(Control::TrustedCertificates, c"TRUSTED_CERTIFICATES", ControlType::Bytes),
];

const INTEGERS: usize = 26;

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
/// Comes before what is wrong with the moment.
pub const READ_ONLY: Misuse = Misuse::Invalid("this control can be read, but not set");

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
        if row.is_read_only {
            return Err(READ_ONLY);
        }
        if value < min || value > max {
            return Err(Misuse::Invalid("value is outside the range of this control"));
        }
        if let Some(place) = self.place(row.control) {
            place.store(value, Ordering::Relaxed);
        }
        Ok(())
    }

    pub fn get_integer(&self, row: &ControlInfo) -> Result<u64, Misuse> {
        match (row.value, row.control) {
            // What is asked for is what is done.
            (_, Control::ActualUnsolicitedPongIntervalMs) => {
                Ok(self.integer(Control::DesiredUnsolicitedPongIntervalMs))
            }
            (ControlType::Integer { .. }, control) => Ok(self.integer(control)),
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

    /// What is offered of permessage-deflate.
    pub fn compression(&self) -> Option<DeflateOffer> {
        (self.integer(Control::Compression) == 1).then(|| DeflateOffer {
            client_max_window_bits: self.integer(Control::CompressionClientMaxWindowBits) as u8,
            server_max_window_bits: self.integer(Control::CompressionServerMaxWindowBits) as u8,
            client_no_context_takeover: self.integer(Control::CompressionClientNoContextTakeover)
                == 1,
            server_no_context_takeover: self.integer(Control::CompressionServerNoContextTakeover)
                == 1,
        })
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
        Control::ReceiveMode => 2,
        Control::OutboundBufferSize => 3,
        Control::NoDelay => 4,
        Control::DesiredUnsolicitedPongIntervalMs => 5,
        Control::ActualUnsolicitedPongIntervalMs => 6,
        Control::TrustSystemStore => 7,
        Control::ConnectTimeoutMs => 8,
        Control::MaxConnectAddresses => 9,
        Control::TotalConnectTimeoutMs => 10,
        Control::SendTimeoutMs => 11,
        Control::CloseTimeoutMs => 12,
        Control::ReceiveTimeoutMs => 13,
        Control::PingIntervalMs => 14,
        Control::PongTimeoutMs => 15,
        Control::Compression => 16,
        Control::CompressionClientMaxWindowBits => 17,
        Control::CompressionServerMaxWindowBits => 18,
        Control::CompressionClientNoContextTakeover => 19,
        Control::CompressionServerNoContextTakeover => 20,
        Control::CompressionLevel => 21,
        Control::CompressionThreshold => 22,
        Control::SendQueueLimit => 23,
        Control::ReceiveQueueLimit => 24,
        Control::MaxFragments => 25,
        Control::SupportedProtocols => 26,
        Control::TrustedCertificates => 27,
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
            if row.is_read_only {
                assert_eq!(controls.set_integer(row, default), Err(READ_ONLY));
                continue;
            }
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
    fn the_actual_pong_interval_is_the_desired_one() {
        let controls = Controls::default();
        let row = |control: Control| info(control as u32).unwrap();
        let desired = row(Control::DesiredUnsolicitedPongIntervalMs);
        let actual = row(Control::ActualUnsolicitedPongIntervalMs);
        controls.set_integer(desired, 1234).unwrap();
        assert_eq!(controls.get_integer(actual), Ok(1234));
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
