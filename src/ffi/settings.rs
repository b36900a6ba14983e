//! Names of controls: what each is, its unit, its range and its default.
#![allow(non_camel_case_types)]

use std::ffi::c_char;

/// Names a control: one of WS_CONTROL_….
pub type ws_control = u32;
/// Integer, WS_MESSAGE_TYPE_…, default BINARY, live: the type of what ws_send sends.
pub const WS_CONTROL_MESSAGE_TYPE: ws_control = 1;
/// Integer, bytes, default 64 MiB: a larger message ends the connection with
/// WS_E_MESSAGE_TOO_BIG. 0xFFFFFFFF for no limit.
pub const WS_CONTROL_MAX_MESSAGE_SIZE: ws_control = 2;
/// Integer, WS_RECEIVE_MODE_…, default FULL_MESSAGE: whether messages are handed over whole, or in
/// portions as they arrive.
pub const WS_CONTROL_RECEIVE_MODE: ws_control = 3;
/// Text, default empty: subprotocols in order of preference, separated by commas.
pub const WS_CONTROL_SUPPORTED_PROTOCOLS: ws_control = 4;
/// Integer, bytes, default 0: the system's send buffer (SO_SNDBUF); 0 leaves it to the system.
pub const WS_CONTROL_OUTBOUND_BUFFER_SIZE: ws_control = 5;
/// Integer, 0 or 1, default 1: small messages leave at once (TCP_NODELAY).
pub const WS_CONTROL_NO_DELAY: ws_control = 6;
/// Integer, milliseconds, default 0 for none: how often an empty pong is sent that answers nothing.
/// It keeps the ways to the server open; the server does not answer it.
pub const WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS: ws_control = 7;
/// Integer, milliseconds, read-only: the interval that is in effect, which is the desired one.
pub const WS_CONTROL_ACTUAL_UNSOLICITED_PONG_INTERVAL_MS: ws_control = 8;
/// Bytes, PEM, default none: root certificates besides the system's, or with TRUST_SYSTEM_STORE 0
/// instead of them.
pub const WS_CONTROL_TRUSTED_CERTIFICATES: ws_control = 11;
/// Integer, 0 or 1, default 1: whether the system's root certificates are trusted.
pub const WS_CONTROL_TRUST_SYSTEM_STORE: ws_control = 12;
/// Integer, milliseconds, default 60000: for the name lookup, and for each address from TCP to the
/// answer of the upgrade request; bytes that trickle in do not extend it.
pub const WS_CONTROL_CONNECT_TIMEOUT_MS: ws_control = 13;
/// Integer, default 5: addresses of the host that are tried.
pub const WS_CONTROL_MAX_CONNECT_ADDRESSES: ws_control = 14;
/// Integer, milliseconds, default 0 for none: over everything until the connection is open.
pub const WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS: ws_control = 15;
/// Integer, milliseconds, default 30000, live: when nothing leaves for that long while data waits
/// the connection ends with WS_E_TIMEOUT.
pub const WS_CONTROL_SEND_TIMEOUT_MS: ws_control = 16;
/// Integer, milliseconds, default 10000, live: how long the closing handshake may take.
pub const WS_CONTROL_CLOSE_TIMEOUT_MS: ws_control = 17;
/// Integer, milliseconds, default 30000, live: silence in the middle of a message, or after a ping
/// of ws_ping, ends the connection with WS_E_TIMEOUT. An idle open socket never times out.
pub const WS_CONTROL_RECEIVE_TIMEOUT_MS: ws_control = 18;
/// Integer, milliseconds, default 0 for none, live: the heartbeat. A ping is sent so long after the
/// connection has opened, and again so long after each; its answers arrive as pong. It goes on
/// while nobody dispatches the queue, and ends when closing begins. A ping is left out while an
/// earlier one waits to leave.
pub const WS_CONTROL_PING_INTERVAL_MS: ws_control = 19;
/// Integer, milliseconds, default 10000, live: when the first unanswered ping of the heartbeat is
/// so old the connection ends with WS_E_TIMEOUT, whatever else arrives. While the socket is not
/// read because of RECEIVE_QUEUE_LIMIT the time stands still, and afterwards it begins anew.
pub const WS_CONTROL_PONG_TIMEOUT_MS: ws_control = 20;
/// Text, default empty: the proxy that connects, "http://host:port", "https:", "socks5h:" (names are
/// looked up by the proxy) or "socks5:" (by us); no scheme means http; user and password may stand
/// before an @, percent-encoded; without a port it is 1080, or 443 for https. "direct:" for none.
/// Empty takes it from the environment: https_proxy for wss, http_proxy for ws, else all_proxy,
/// unless no_proxy lists the host; lower case wins over upper; never for loopback.
pub const WS_CONTROL_PROXY: ws_control = 21;
/// Integer, 0 to 20, default 0: how many redirections in a row are followed, never from wss to ws.
/// To another origin no request header, credential or client certificate of yours travels.
pub const WS_CONTROL_MAX_REDIRECTS: ws_control = 22;
/// Integer, 0 or 1, default 0: whether compression (permessage-deflate, RFC 7692) is offered to the
/// server. Once agreed upon it takes memory per connection, from the first compressed message on:
/// 47 KiB to receive and 288 KiB to send (176 KiB at a window of 12, 162 KiB at 9); without
/// context take-over it is given back after each message. Do not compress secrets together with
/// what others can choose.
pub const WS_CONTROL_COMPRESSION: ws_control = 23;
/// Integer, 9 to 15, default 15: the largest window that we compress with, as a power of 2 in bytes.
pub const WS_CONTROL_COMPRESSION_CLIENT_MAX_WINDOW_BITS: ws_control = 24;
/// Integer, 9 to 15, default 15: the largest window that the server may compress with. Below 15 a
/// server that does not grant it is refused with WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED.
pub const WS_CONTROL_COMPRESSION_SERVER_MAX_WINDOW_BITS: ws_control = 25;
/// Integer, 0 or 1, default 0: 1 compresses each message that we send by itself.
pub const WS_CONTROL_COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER: ws_control = 26;
/// Integer, 0 or 1, default 0: 1 asks the server to do so; one that does not grant it is refused
/// with WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED.
pub const WS_CONTROL_COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER: ws_control = 27;
/// Integer, 0 to 9, default 6, live: how hard messages are compressed; 0 stores them.
pub const WS_CONTROL_COMPRESSION_LEVEL: ws_control = 28;
/// Integer, bytes, default 64, live: smaller messages are sent uncompressed.
pub const WS_CONTROL_COMPRESSION_THRESHOLD: ws_control = 29;
/// Integer, bytes on the wire, default 16 MiB, live: with more waiting, ws_send answers
/// WS_E_WOULD_BLOCK. An empty queue takes one message of any size.
pub const WS_CONTROL_SEND_QUEUE_LIMIT: ws_control = 32;
/// Integer, bytes, default 16 MiB: with more waiting in an event queue or for ws_receive, the
/// socket is not read until you have taken half of it. Each message counts 128 bytes more than it
/// holds. Nothing is dropped.
pub const WS_CONTROL_RECEIVE_QUEUE_LIMIT: ws_control = 33;
/// Integer, default 65536: frames of one message, empty ones included, except one that only ends
/// some payload; more end the connection with WS_E_MESSAGE_TOO_BIG.
pub const WS_CONTROL_MAX_FRAGMENTS: ws_control = 34;

/// Who asks for a credential: one of WS_CREDENTIAL_….
pub type ws_credential = u32;
/// The server, with HTTP status 401.
pub const WS_CREDENTIAL_SERVER: ws_credential = 1;
/// The proxy, with HTTP status 407 or as SOCKS does. It comes before one in the proxy's URI.
pub const WS_CREDENTIAL_PROXY: ws_credential = 2;

/// How a control's value is set: one of WS_CONTROL_TYPE_….
pub type ws_control_type = u32;
/// ws_set_control.
pub const WS_CONTROL_TYPE_INTEGER: ws_control_type = 1;
/// ws_set_control_string.
pub const WS_CONTROL_TYPE_STRING: ws_control_type = 2;
/// ws_set_control_bytes.
pub const WS_CONTROL_TYPE_BYTES: ws_control_type = 3;

/// What there is to know of a control. Filled by ws_get_control_info.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ws_control_info {
    /// Set by you to sizeof(ws_control_info) before the call.
    pub struct_size: u32,
    /// WS_CONTROL_TYPE_….
    pub r#type: ws_control_type,
    /// The control's name without WS_CONTROL_, of static lifetime.
    pub name: *const c_char,
    /// Of integers: the value of a new socket.
    pub default_value: u64,
    /// Of integers: the smallest value.
    pub minimum: u64,
    /// Of integers: the largest value.
    pub maximum: u64,
    /// 1 when it exists for message sockets, else 0.
    pub for_message_sockets: u8,
    /// 1 when it exists for stream sockets, else 0.
    pub for_stream_sockets: u8,
    /// 1 when it may also be set while connected, else 0: only before connect.
    pub is_live: u8,
    /// 1 when it can be read but not set, else 0.
    pub is_read_only: u8,
}
