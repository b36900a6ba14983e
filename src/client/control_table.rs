//! The table of controls: setters, getters and `ws_get_control_info` all come from it. Refuses to
//! know the values of a socket.

use crate::transport::tls::CertificateFault;

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
    IgnorableServerCertificateErrors = 9,
    ClientCertificate = 10,
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
    Proxy = 21,
    MaxRedirects = 22,
    Compression = 23,
    CompressionClientMaxWindowBits = 24,
    CompressionServerMaxWindowBits = 25,
    CompressionClientNoContextTakeover = 26,
    CompressionServerNoContextTakeover = 27,
    CompressionLevel = 28,
    CompressionThreshold = 29,
    TlsSessionResumption = 31,
    SendQueueLimit = 32,
    ReceiveQueueLimit = 33,
    MaxFragments = 34,
    CertificateRevocationLists = 35,
    PinnedPublicKeys = 36,
    TlsKeyLog = 37,
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

/// Every value of ChainValidationResult that can be ignored.
const IGNORABLE: u64 = (CertificateFault::FULL_MASK & !CertificateFault::FATAL_MASK) as u64;

/// Every control. The place in the table is the place of an integer's value.
pub const TABLE: [ControlInfo; 36] = [
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
    integer(Control::MaxRedirects, c"MAX_REDIRECTS", (0, 0, 20), false),
    integer(
        Control::IgnorableServerCertificateErrors,
        c"IGNORABLE_SERVER_CERTIFICATE_ERRORS",
        (0, 0, IGNORABLE),
        false,
    ),
    integer(Control::TlsSessionResumption, c"TLS_SESSION_RESUMPTION", (1, 0, 1), false),
    integer(Control::TlsKeyLog, c"TLS_KEY_LOG", (0, 0, 1), false),
    other(Control::SupportedProtocols, c"SUPPORTED_PROTOCOLS", ControlType::Text),
    other(Control::TrustedCertificates, c"TRUSTED_CERTIFICATES", ControlType::Bytes),
    other(Control::Proxy, c"PROXY", ControlType::Text),
    other(Control::ClientCertificate, c"CLIENT_CERTIFICATE", ControlType::Bytes),
    other(Control::CertificateRevocationLists, c"CERTIFICATE_REVOCATION_LISTS", ControlType::Bytes),
    other(Control::PinnedPublicKeys, c"PINNED_PUBLIC_KEYS", ControlType::Text),
];

/// So many of them, the first, are integers.
pub(super) const INTEGERS: usize = 30;

/// The values of a new socket.
pub(super) static DEFAULTS: [u64; INTEGERS] = {
    let mut defaults = [0; INTEGERS];
    let mut rest: &[ControlInfo] = &TABLE;
    let mut places: &mut [u64] = &mut defaults;
    while let ([row, rows @ ..], [place, others @ ..]) = (rest, places) {
        if let ControlType::Integer { default, .. } = row.value {
            *place = default;
        }
        (rest, places) = (rows, others);
    }
    defaults
};

/// Finds the row of a control by its number.
pub fn info(number: u32) -> Option<&'static ControlInfo> {
    TABLE.iter().find(|row| row.control as u32 == number)
}

/// Where a control stands in the table; known to the compiler wherever the control is.
#[inline]
pub(super) const fn place_in_table(control: Control) -> usize {
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
        Control::MaxRedirects => 26,
        Control::IgnorableServerCertificateErrors => 27,
        Control::TlsSessionResumption => 28,
        Control::TlsKeyLog => 29,
        Control::SupportedProtocols => 30,
        Control::TrustedCertificates => 31,
        Control::Proxy => 32,
        Control::ClientCertificate => 33,
        Control::CertificateRevocationLists => 34,
        Control::PinnedPublicKeys => 35,
    }
}
