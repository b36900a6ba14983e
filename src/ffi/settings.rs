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
/// Integer, bits of WS_CERTIFICATE_ERROR_…, default 0: faults of the server's certificate that do
/// not prevent the connection. All that is wrong with a chain is found, and each fault is ignored
/// only if all of its bits are set. A revoked certificate and an invalid signature are never
/// ignored: their bits are WS_E_INVALIDARG. Pin a key or judge the certificate yourself when you
/// ignore faults, or you talk to anybody.
pub const WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS: ws_control = 9;
/// Bytes, PEM, default none: the certificate that is shown when the server asks for one, with its
/// chain behind it, and its private key (PKCS#8, PKCS#1 or SEC1), which is not encrypted and belongs
/// to the first certificate. The bytes of the key are overwritten once they have been read; the form
/// that is signed with lives as long as a socket or a connection needs it.
pub const WS_CONTROL_CLIENT_CERTIFICATE: ws_control = 10;
/// Bytes, PEM, default none: root certificates besides the system's, or with TRUST_SYSTEM_STORE 0
/// instead of them. A certificate that is the server's own needs no root.
pub const WS_CONTROL_TRUSTED_CERTIFICATES: ws_control = 11;
/// Integer, 0 or 1, default 1: whether the system's root certificates are trusted. On Linux and the
/// BSDs they are files: those that SSL_CERT_FILE and SSL_CERT_DIR name, else the system's, else
/// roots that came with the library. A connect reads them when they were last read five minutes ago
/// or longer.
pub const WS_CONTROL_TRUST_SYSTEM_STORE: ws_control = 12;
/// Integer, milliseconds, default 60000: for the name lookup, and for each address from TCP to the
/// answer of the upgrade request; bytes that trickle in do not extend it. Behind "socks5:" each
/// address that the proxy is asked for has as long. A lookup of the system's cannot be stopped: one
/// that hangs is left alone with its thread. Four of one name and sixty in all may be under way;
/// what comes after them waits for its turn, until this.
pub const WS_CONTROL_CONNECT_TIMEOUT_MS: ws_control = 13;
/// Integer, default 5: addresses of the host that are tried, or that a "socks5:" proxy is asked for.
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
/// Integer, 0 or 1, default 1: whether a later connection may take up the TLS session of an earlier
/// one, which is faster. Sockets with the same host, port, proxy and TLS controls share sessions,
/// others never. The certificate that the session began with is judged again by what holds now.
pub const WS_CONTROL_TLS_SESSION_RESUMPTION: ws_control = 31;
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
/// Bytes, PEM (X509 CRL), default none: revocation lists. A certificate that one of them names is
/// refused with WS_E_SEC_CERT_REVOKED whatever is ignorable, also when the list has expired. With
/// lists the server's certificate has to be covered by one that its issuer has signed: by none is
/// WS_CERTIFICATE_ERROR_REVOCATION_INFORMATION_MISSING, by one that has expired, is not valid yet or
/// has a wrong signature is WS_CERTIFICATE_ERROR_REVOCATION_FAILURE. Authorities in between may be
/// left out. Lists are never fetched.
pub const WS_CONTROL_CERTIFICATE_REVOCATION_LISTS: ws_control = 35;
/// Text, default empty for any: public keys one of which has to be in the server's chain, else the
/// connect fails with WS_E_SECURITY_PROBLEM. Each is sha256/ and the base64 of the SHA-256 of its
/// SubjectPublicKeyInfo (RFC 7469), separated by spaces or commas. The rest of the chain is judged
/// all the same, and what is ignorable there does not ignore a pin. Where the platform judges chains
/// (Windows, macOS, Android) a root of its own cannot be pinned.
pub const WS_CONTROL_PINNED_PUBLIC_KEYS: ws_control = 36;
/// Integer, 0 or 1, default 0: whether the secrets of the connection are written to the file that
/// the environment variable SSLKEYLOGFILE names, for debugging: who reads it reads the connection.
pub const WS_CONTROL_TLS_KEY_LOG: ws_control = 37;

/// What is wrong with a server's certificate: bits of WS_CERTIFICATE_ERROR_…. Bit n is
/// ChainValidationResult n of the original.
pub type ws_certificate_errors = u32;
/// The chain leads to no root that is trusted.
pub const WS_CERTIFICATE_ERROR_UNTRUSTED: ws_certificate_errors = 0x2;
/// A certificate was revoked. Never ignorable.
pub const WS_CERTIFICATE_ERROR_REVOKED: ws_certificate_errors = 0x4;
/// A certificate has expired or is not valid yet.
pub const WS_CERTIFICATE_ERROR_EXPIRED: ws_certificate_errors = 0x8;
/// The chain ends where an issuer is missing. Comes with UNTRUSTED.
pub const WS_CERTIFICATE_ERROR_INCOMPLETE_CHAIN: ws_certificate_errors = 0x10;
/// A signature in the chain is not valid, or of a kind that is too weak. Never ignorable.
pub const WS_CERTIFICATE_ERROR_INVALID_SIGNATURE: ws_certificate_errors = 0x20;
/// A certificate is not for servers.
pub const WS_CERTIFICATE_ERROR_WRONG_USAGE: ws_certificate_errors = 0x40;
/// The certificate is for another name or address.
pub const WS_CERTIFICATE_ERROR_INVALID_NAME: ws_certificate_errors = 0x80;
/// A policy of an authority is not kept. Not told apart here: it never occurs.
pub const WS_CERTIFICATE_ERROR_INVALID_CERTIFICATE_AUTHORITY_POLICY: ws_certificate_errors = 0x100;
/// An authority's certificate is used by a server, or the other way round, or a chain is too deep.
pub const WS_CERTIFICATE_ERROR_BASIC_CONSTRAINTS_ERROR: ws_certificate_errors = 0x200;
/// A certificate has a critical extension that is not understood.
pub const WS_CERTIFICATE_ERROR_UNKNOWN_CRITICAL_EXTENSION: ws_certificate_errors = 0x400;
/// No revocation list covers the certificate.
pub const WS_CERTIFICATE_ERROR_REVOCATION_INFORMATION_MISSING: ws_certificate_errors = 0x800;
/// The revocation list for the certificate has expired or is broken.
pub const WS_CERTIFICATE_ERROR_REVOCATION_FAILURE: ws_certificate_errors = 0x1000;
/// Something else: a certificate that cannot be read, a chain that is too long.
pub const WS_CERTIFICATE_ERROR_OTHER_ERRORS: ws_certificate_errors = 0x2000;

/// How grave the faults of a certificate are: SocketSslErrorSeverity of the original.
pub type ws_ssl_error_severity = u32;
/// There are none.
pub const WS_SSL_ERROR_SEVERITY_NONE: ws_ssl_error_severity = 0;
/// Each of them can be ignored.
pub const WS_SSL_ERROR_SEVERITY_IGNORABLE: ws_ssl_error_severity = 1;
/// One of them can never be ignored.
pub const WS_SSL_ERROR_SEVERITY_FATAL: ws_ssl_error_severity = 2;

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
