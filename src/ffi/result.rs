//! Results: what every call answers, every completion carries, and `ws_closed` tells.
//!
//! The numbers are the original's HRESULTs, and so are the names, with `WS_E_` for their prefix.
//! `WININET_E_`, `ERROR_INTERNET_`, `E_`, `RO_E_`, `ERROR_` and `INET_E_` leave nothing behind;
//! `RPC_E_`, `HTTP_E_`, `WEB_E_`, `SEC_E_`, `CERT_E_`, `CRYPT_E_`, `TRUST_E_` their first word;
//! Winsock keeps all (`WS_E_WSAECONNRESET`). Where two would meet `WININET_E_` is short, the other
//! keeps its word: `WS_E_ERROR_TIMEOUT`, `WS_E_INET_INVALID_URL`. Our own words: WOULD_BLOCK
//! (`WSAEWOULDBLOCK`), REENTRANT (`ERROR_POSSIBLE_DEADLOCK`), MESSAGE_TOO_BIG
//! (`ERROR_MESSAGE_EXCEEDS_MAX_SIZE`). Which status a result has is decided in `mapping`, not here.

#![allow(non_camel_case_types)]

/// What a call, an operation or a connection came to, laid out as an HRESULT: negative is failure.
pub type ws_result = i32;

/// It worked. As the end of a connection: after a closing handshake. Status: UNKNOWN.
pub const WS_OK: ws_result = 0;

// Calls, handles and lifetimes: COM and the Windows Runtime (`E_…`, `RO_E_…`, `RPC_E_…`).

/// Never raised here: the result is not there yet. Status: UNKNOWN.
pub const WS_E_PENDING: ws_result = 0x8000000Au32 as i32;
/// A read past the end of the data, or an index past the end. Status: UNKNOWN.
pub const WS_E_BOUNDS: ws_result = 0x8000000Bu32 as i32;
/// Never raised here: the collection changed meanwhile. Status: UNKNOWN.
pub const WS_E_CHANGED_STATE: ws_result = 0x8000000Cu32 as i32;
/// Never raised here: the object cannot enter this state. Status: UNKNOWN.
pub const WS_E_ILLEGAL_STATE_CHANGE: ws_result = 0x8000000Du32 as i32;
/// The call does not fit the state: connect twice, send before open. Status: UNKNOWN.
pub const WS_E_ILLEGAL_METHOD_CALL: ws_result = 0x8000000Eu32 as i32;
/// The socket, or its output, is closed or closing. Status: UNKNOWN.
pub const WS_E_CLOSED: ws_result = 0x80000013u32 as i32;
/// Never raised here: a handler set too late. Status: UNKNOWN.
pub const WS_E_ILLEGAL_DELEGATE_ASSIGNMENT: ws_result = 0x80000018u32 as i32;
/// Never raised here: an operation not started yet. Status: UNKNOWN.
pub const WS_E_ASYNC_OPERATION_NOT_STARTED: ws_result = 0x80000019u32 as i32;
/// Never raised here: every function works on every system. Status: UNKNOWN.
pub const WS_E_NOTIMPL: ws_result = 0x80004001u32 as i32;
/// Never raised here: the object has no such interface. Status: UNKNOWN.
pub const WS_E_NOINTERFACE: ws_result = 0x80004002u32 as i32;
/// A pointer is NULL where a value is required. Status: UNKNOWN.
pub const WS_E_POINTER: ws_result = 0x80004003u32 as i32;
/// The operation was cancelled, or its socket aborted or freed. Status: OPERATION_CANCELED.
pub const WS_E_ABORT: ws_result = 0x80004004u32 as i32;
/// Never raised here: every failure has a code that says more. Status: UNKNOWN.
pub const WS_E_FAIL: ws_result = 0x80004005u32 as i32;
/// A defect inside the library, or a call in the child of a fork. Status: UNKNOWN.
pub const WS_E_UNEXPECTED: ws_result = 0x8000FFFFu32 as i32;
/// Never raised here: a call between processes was cancelled. Status: OPERATION_CANCELED.
pub const WS_E_RPC_CALL_CANCELED: ws_result = 0x80010002u32 as i32;
/// Never raised here: the other process is gone. Status: DISCONNECTED.
pub const WS_E_RPC_DISCONNECTED: ws_result = 0x80010108u32 as i32;
/// Never raised here: a call between processes took too long. Status: TIMEOUT.
pub const WS_E_RPC_TIMEOUT: ws_result = 0x8001011Fu32 as i32;
/// Never raised here: here `WS_E_SERVER_UNREACHABLE`. Status: UNKNOWN.
pub const WS_E_ACCESSDENIED: ws_result = 0x80070005u32 as i32;
/// The handle is NULL, stale, freed, invented or of another kind. Status: UNKNOWN.
pub const WS_E_HANDLE: ws_result = 0x80070006u32 as i32;
/// There is not enough memory for what was asked or received. Status: UNKNOWN.
pub const WS_E_OUTOFMEMORY: ws_result = 0x8007000Eu32 as i32;
/// An argument is out of range or malformed; see `ws_last_error_message`. Status: UNKNOWN.
pub const WS_E_INVALIDARG: ws_result = 0x80070057u32 as i32;

// Queues, buffers and the system (`ERROR_…`, `WSA…`). Network failures come as the codes of the
// next chapter; the system's own number is in `ws_error`.

/// Never raised here: a connection reset below a named pipe. Status: CONNECTION_RESET.
pub const WS_E_NETNAME_DELETED: ws_result = 0x80070040u32 as i32;
/// Never raised here: the system's own timeout. Status: TIMEOUT.
pub const WS_E_SEM_TIMEOUT: ws_result = 0x80070079u32 as i32;
/// The buffer is too small; the needed length was stored. Status: UNKNOWN.
pub const WS_E_INSUFFICIENT_BUFFER: ws_result = 0x8007007Au32 as i32;
/// Never raised here: overlapped I/O was cancelled. Status: OPERATION_CANCELED.
pub const WS_E_OPERATION_ABORTED: ws_result = 0x800703E3u32 as i32;
/// Text or a close reason is not UTF-8; on receiving, close 1007. Status: UNKNOWN.
pub const WS_E_NO_UNICODE_TRANSLATION: ws_result = 0x80070459u32 as i32;
/// The call would wait for the callback it is called from. Status: UNKNOWN.
pub const WS_E_REENTRANT: ws_result = 0x8007046Bu32 as i32;
/// Never raised here: the user cancelled; here `WS_E_ABORT`. Status: OPERATION_CANCELED.
pub const WS_E_CANCELLED: ws_result = 0x800704C7u32 as i32;
/// Never raised here: here `WS_E_CANNOT_CONNECT`. Status: CANNOT_CONNECT.
pub const WS_E_CONNECTION_REFUSED: ws_result = 0x800704C9u32 as i32;
/// Never raised here: the peer ended the connection. Status: DISCONNECTED.
pub const WS_E_GRACEFUL_DISCONNECT: ws_result = 0x800704CAu32 as i32;
/// Never raised here: there is no connection. Status: DISCONNECTED.
pub const WS_E_CONNECTION_INVALID: ws_result = 0x800704CDu32 as i32;
/// Never raised here: here `WS_E_SERVER_UNREACHABLE`. Status: SERVER_UNREACHABLE.
pub const WS_E_NETWORK_UNREACHABLE: ws_result = 0x800704CFu32 as i32;
/// Never raised here: here `WS_E_SERVER_UNREACHABLE`. Status: SERVER_UNREACHABLE.
pub const WS_E_HOST_UNREACHABLE: ws_result = 0x800704D0u32 as i32;
/// Never raised here: here `WS_E_CONNECTION_ABORTED`. Status: CONNECTION_ABORTED.
pub const WS_E_ERROR_CONNECTION_ABORTED: ws_result = 0x800704D4u32 as i32;
/// Never raised here: here `WS_E_TIMEOUT`. Status: TIMEOUT.
pub const WS_E_ERROR_TIMEOUT: ws_result = 0x800705B4u32 as i32;
/// A second read, write or dispatch while one is under way. Status: UNKNOWN.
pub const WS_E_INVALID_OPERATION: ws_result = 0x800710DDu32 as i32;
/// A message over `MAX_MESSAGE_SIZE` or `MAX_FRAGMENTS`; close 1009. Status: UNKNOWN.
pub const WS_E_MESSAGE_TOO_BIG: ws_result = 0x800710F0u32 as i32;
/// Never raised here: here `WS_E_ILLEGAL_METHOD_CALL`. Status: UNKNOWN.
pub const WS_E_INVALID_STATE: ws_result = 0x8007139Fu32 as i32;
/// The send queue is full and nothing was queued. Status: UNKNOWN.
pub const WS_E_WOULD_BLOCK: ws_result = 0x80072733u32 as i32;
/// Never raised here: here `WS_E_SERVER_UNREACHABLE`. Status: SERVER_UNREACHABLE.
pub const WS_E_WSAENETUNREACH: ws_result = 0x80072743u32 as i32;
/// Never raised here: here `WS_E_CONNECTION_ABORTED`. Status: CONNECTION_ABORTED.
pub const WS_E_WSAECONNABORTED: ws_result = 0x80072745u32 as i32;
/// Never raised here: here `WS_E_CONNECTION_RESET`. Status: CONNECTION_RESET.
pub const WS_E_WSAECONNRESET: ws_result = 0x80072746u32 as i32;
/// Never raised here: here `WS_E_TIMEOUT`. Status: TIMEOUT.
pub const WS_E_WSAETIMEDOUT: ws_result = 0x8007274Cu32 as i32;
/// Never raised here: here `WS_E_CANNOT_CONNECT`. Status: CANNOT_CONNECT.
pub const WS_E_WSAECONNREFUSED: ws_result = 0x8007274Du32 as i32;
/// Never raised here: here `WS_E_SERVER_UNREACHABLE`. Status: SERVER_UNREACHABLE.
pub const WS_E_WSAEHOSTUNREACH: ws_result = 0x80072751u32 as i32;
/// Never raised here: here `WS_E_NAME_NOT_RESOLVED`. Status: HOST_NAME_NOT_RESOLVED.
pub const WS_E_WSAHOST_NOT_FOUND: ws_result = 0x80072AF9u32 as i32;

// Connections, TLS and responses (`WININET_E_…`, `ERROR_INTERNET_…`).

/// A deadline passed: of the connect, the close, a send, a silence or a wait. Status: TIMEOUT.
pub const WS_E_TIMEOUT: ws_result = 0x80072EE2u32 as i32;
/// Never raised here: a defect of the original's HTTP client. Status: UNKNOWN.
pub const WS_E_INTERNAL_ERROR: ws_result = 0x80072EE4u32 as i32;
/// Never raised here: here `WS_E_INVALIDARG`. Status: UNKNOWN.
pub const WS_E_INVALID_URL: ws_result = 0x80072EE5u32 as i32;
/// Never raised here: here `WS_E_INVALIDARG`. Status: UNKNOWN.
pub const WS_E_UNRECOGNIZED_SCHEME: ws_result = 0x80072EE6u32 as i32;
/// The host's name is unknown, or has no address. Status: HOST_NAME_NOT_RESOLVED.
pub const WS_E_NAME_NOT_RESOLVED: ws_result = 0x80072EE7u32 as i32;
/// Never raised here: a protocol the original does not have. Status: UNKNOWN.
pub const WS_E_PROTOCOL_NOT_FOUND: ws_result = 0x80072EE8u32 as i32;
/// Never raised here: the original's HTTP client was shut down. Status: OPERATION_CANCELED.
pub const WS_E_SHUTDOWN: ws_result = 0x80072EECu32 as i32;
/// Never raised here: here `WS_E_HTTP_STATUS_DENIED`. Status: UNAUTHORIZED.
pub const WS_E_INCORRECT_USER_NAME: ws_result = 0x80072EEDu32 as i32;
/// Never raised here: here `WS_E_HTTP_STATUS_DENIED`. Status: UNAUTHORIZED.
pub const WS_E_INCORRECT_PASSWORD: ws_result = 0x80072EEEu32 as i32;
/// Never raised here: here `WS_E_HTTP_STATUS_DENIED`. Status: UNAUTHORIZED.
pub const WS_E_LOGIN_FAILURE: ws_result = 0x80072EEFu32 as i32;
/// Never raised here: here `WS_E_ABORT`. Status: OPERATION_CANCELED.
pub const WS_E_OPERATION_CANCELLED: ws_result = 0x80072EF1u32 as i32;
/// Never raised here: here `WS_E_ILLEGAL_METHOD_CALL`. Status: UNKNOWN.
pub const WS_E_INCORRECT_HANDLE_STATE: ws_result = 0x80072EF3u32 as i32;
/// Nobody listens at the server's port, or a SOCKS proxy refused. Status: CANNOT_CONNECT.
pub const WS_E_CANNOT_CONNECT: ws_result = 0x80072EFDu32 as i32;
/// The connection ended without a closing handshake. Status: CONNECTION_ABORTED.
pub const WS_E_CONNECTION_ABORTED: ws_result = 0x80072EFEu32 as i32;
/// The connection was reset. Status: CONNECTION_RESET.
pub const WS_E_CONNECTION_RESET: ws_result = 0x80072EFFu32 as i32;
/// Never raised here: the original's client starts the request again. Status: UNKNOWN.
pub const WS_E_FORCE_RETRY: ws_result = 0x80072F00u32 as i32;
/// Never raised here: a request the proxy cannot take. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_INVALID_PROXY_REQUEST: ws_result = 0x80072F01u32 as i32;
/// The certificate has expired or is not valid yet. Status: CERTIFICATE_EXPIRED.
pub const WS_E_SEC_CERT_DATE_INVALID: ws_result = 0x80072F05u32 as i32;
/// The certificate is for another host. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT.
pub const WS_E_SEC_CERT_CN_INVALID: ws_result = 0x80072F06u32 as i32;
/// Never raised here: ws to wss is followed. Status: HTTP_TO_HTTPS_ON_REDIRECTION.
pub const WS_E_HTTP_TO_HTTPS_ON_REDIR: ws_result = 0x80072F07u32 as i32;
/// A redirect from wss to ws was refused. Status: HTTPS_TO_HTTP_ON_REDIRECTION.
pub const WS_E_HTTPS_TO_HTTP_ON_REDIR: ws_result = 0x80072F08u32 as i32;
/// The server wants a client certificate. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_CLIENT_AUTH_CERT_NEEDED: ws_result = 0x80072F0Cu32 as i32;
/// Never raised here: here `WS_E_CERT_UNTRUSTEDROOT`. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_INVALID_CA: ws_result = 0x80072F0Du32 as i32;
/// Never raised here: client authentication is not set up. Status: UNKNOWN.
pub const WS_E_CLIENT_AUTH_NOT_SETUP: ws_result = 0x80072F0Eu32 as i32;
/// Never raised here: here `WS_E_REDIRECT_FAILED`. Status: REDIRECT_FAILED.
pub const WS_E_REDIRECT_SCHEME_CHANGE: ws_result = 0x80072F10u32 as i32;
/// The certificate has errors of several kinds. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_SEC_CERT_ERRORS: ws_result = 0x80072F17u32 as i32;
/// Never raised here: `WS_E_CRYPT_NO_REVOCATION_CHECK`. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_SEC_CERT_NO_REV: ws_result = 0x80072F18u32 as i32;
/// Whether it was revoked is not known. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_SEC_CERT_REV_FAILED: ws_result = 0x80072F19u32 as i32;
/// Never raised here: `WS_E_INVALID_SERVER_RESPONSE`. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_HEADER_NOT_FOUND: ws_result = 0x80072F76u32 as i32;
/// Never raised here: `WS_E_INVALID_SERVER_RESPONSE`. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_DOWNLEVEL_SERVER: ws_result = 0x80072F77u32 as i32;
/// Not HTTP, or not an upgrade. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_INVALID_SERVER_RESPONSE: ws_result = 0x80072F78u32 as i32;
/// A header line is malformed. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_INVALID_HEADER: ws_result = 0x80072F79u32 as i32;
/// Never raised here: a query the original does not know. Status: UNKNOWN.
pub const WS_E_INVALID_QUERY_REQUEST: ws_result = 0x80072F7Au32 as i32;
/// Never raised here: the same name again replaces. Status: UNKNOWN.
pub const WS_E_HEADER_ALREADY_EXISTS: ws_result = 0x80072F7Bu32 as i32;
/// Too many redirects, or a Location that is bad or missing. Status: REDIRECT_FAILED.
pub const WS_E_REDIRECT_FAILED: ws_result = 0x80072F7Cu32 as i32;
/// TLS failed, in the handshake or in a record. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_SECURITY_CHANNEL_ERROR: ws_result = 0x80072F7Du32 as i32;
/// Never raised here: the system has no network. Status: SERVER_UNREACHABLE.
pub const WS_E_TCPIP_NOT_INSTALLED: ws_result = 0x80072F7Fu32 as i32;
/// Never raised here: a redirect the original did not follow. Status: REDIRECT_FAILED.
pub const WS_E_NOT_REDIRECTED: ws_result = 0x80072F80u32 as i32;
/// Never raised here: here `WS_E_CONNECTION_ABORTED`. Status: DISCONNECTED.
pub const WS_E_DISCONNECTED: ws_result = 0x80072F83u32 as i32;
/// There is no way to the server's host or network. Status: SERVER_UNREACHABLE.
pub const WS_E_SERVER_UNREACHABLE: ws_result = 0x80072F84u32 as i32;
/// Nobody answers as a proxy at the proxy's port. Status: SERVER_UNREACHABLE.
pub const WS_E_PROXY_SERVER_UNREACHABLE: ws_result = 0x80072F85u32 as i32;
/// Never raised here: a proxy script that does not run. Status: UNKNOWN.
pub const WS_E_BAD_AUTO_PROXY_SCRIPT: ws_result = 0x80072F86u32 as i32;
/// Never raised here: a proxy script that is not there. Status: UNKNOWN.
pub const WS_E_UNABLE_TO_DOWNLOAD_SCRIPT: ws_result = 0x80072F87u32 as i32;
/// Never raised here: a redirect the user must allow. Status: REDIRECT_FAILED.
pub const WS_E_REDIRECT_NEEDS_CONFIRMATION: ws_result = 0x80072F88u32 as i32;
/// The certificate is not a valid one. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_SEC_INVALID_CERT: ws_result = 0x80072F89u32 as i32;
/// The certificate was revoked. Status: CERTIFICATE_REVOKED.
pub const WS_E_SEC_CERT_REVOKED: ws_result = 0x80072F8Au32 as i32;
/// Never raised here: a check of the original's HTTP client. Status: UNKNOWN.
pub const WS_E_FAILED_DUETOSECURITYCHECK: ws_result = 0x80072F8Bu32 as i32;
/// Never raised here: the original's HTTP client was not started. Status: UNKNOWN.
pub const WS_E_NOT_INITIALIZED: ws_result = 0x80072F8Cu32 as i32;
/// Never raised here: here `WS_E_HTTP_STATUS_DENIED`. Status: UNAUTHORIZED.
pub const WS_E_LOGIN_FAILURE_DISPLAY_ENTITY_BODY: ws_result = 0x80072F8Eu32 as i32;
// WinHTTP uses the same number for a failure of TLS; that is WS_E_SECURITY_CHANNEL_ERROR here.
/// Never raised here: bad content coding. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_DECODING_FAILED: ws_result = 0x80072F8Fu32 as i32;

// Certificates, as TLS on Windows names them (`SEC_E_…`, `CRYPT_E_…`, `TRUST_E_…`, `CERT_E_…`).

/// Never raised here: a certificate of another host. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT.
pub const WS_E_SEC_WRONG_PRINCIPAL: ws_result = 0x80090322u32 as i32;
/// Never raised here: a chain to an untrusted root. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_SEC_UNTRUSTED_ROOT: ws_result = 0x80090325u32 as i32;
/// Never raised here: a certificate not understood. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_SEC_CERT_UNKNOWN: ws_result = 0x80090327u32 as i32;
/// Never raised here: a certificate out of date. Status: CERTIFICATE_EXPIRED.
pub const WS_E_SEC_CERT_EXPIRED: ws_result = 0x80090328u32 as i32;
/// Never raised here: here `WS_E_SEC_CERT_REVOKED`. Status: CERTIFICATE_REVOKED.
pub const WS_E_CRYPT_REVOKED: ws_result = 0x80092010u32 as i32;
/// Revocation could not be checked. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_CRYPT_NO_REVOCATION_CHECK: ws_result = 0x80092012u32 as i32;
/// Never raised here: no list is fetched. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_CRYPT_REVOCATION_OFFLINE: ws_result = 0x80092013u32 as i32;
/// A signature in the chain is wrong. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_TRUST_CERT_SIGNATURE: ws_result = 0x80096004u32 as i32;
/// Never raised here: here `WS_E_SEC_CERT_DATE_INVALID`. Status: CERTIFICATE_EXPIRED.
pub const WS_E_CERT_EXPIRED: ws_result = 0x800B0101u32 as i32;
/// The chain ends in a root that is not trusted. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_CERT_UNTRUSTEDROOT: ws_result = 0x800B0109u32 as i32;
/// Never raised here: here `WS_E_CERT_UNTRUSTEDROOT`. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_CERT_CHAINING: ws_result = 0x800B010Au32 as i32;
/// Never raised here: here `WS_E_SEC_CERT_REVOKED`. Status: CERTIFICATE_REVOKED.
pub const WS_E_CERT_REVOKED: ws_result = 0x800B010Cu32 as i32;
/// Never raised here: a certificate of another host. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT.
pub const WS_E_CERT_CN_NO_MATCH: ws_result = 0x800B010Fu32 as i32;
/// The certificate is not for servers. Status: CERTIFICATE_CONTAINS_ERRORS.
pub const WS_E_CERT_WRONG_USAGE: ws_result = 0x800B0110u32 as i32;
/// Never raised here: a name not allowed. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT.
pub const WS_E_CERT_INVALID_NAME: ws_result = 0x800B0114u32 as i32;

// Custom validation, and the addresses of the original's downloader (`INET_E_…`).

/// Never raised here: here `WS_E_INVALIDARG`. Status: UNKNOWN.
pub const WS_E_INET_INVALID_URL: ws_result = 0x800C0002u32 as i32;
/// Never raised here: here `WS_E_CANNOT_CONNECT`. Status: CANNOT_CONNECT.
pub const WS_E_INET_CANNOT_CONNECT: ws_result = 0x800C0004u32 as i32;
/// Never raised here: here `WS_E_NAME_NOT_RESOLVED`. Status: HOST_NAME_NOT_RESOLVED.
pub const WS_E_RESOURCE_NOT_FOUND: ws_result = 0x800C0005u32 as i32;
/// Never raised here: here `WS_E_TIMEOUT`. Status: TIMEOUT.
pub const WS_E_CONNECTION_TIMEOUT: ws_result = 0x800C000Bu32 as i32;
/// Never raised here: here `WS_E_INVALIDARG`. Status: UNKNOWN.
pub const WS_E_UNKNOWN_PROTOCOL: ws_result = 0x800C000Du32 as i32;
/// The custom validation rejected the server, or its chain has no pinned key. Status: UNKNOWN.
pub const WS_E_SECURITY_PROBLEM: ws_result = 0x800C000Eu32 as i32;
/// Never raised here: here `WS_E_REDIRECT_FAILED`. Status: REDIRECT_FAILED.
pub const WS_E_INET_REDIRECT_FAILED: ws_result = 0x800C0014u32 as i32;
/// Never raised here: here `WS_E_SEC_INVALID_CERT`. Status: CERTIFICATE_IS_INVALID.
pub const WS_E_INVALID_CERTIFICATE: ws_result = 0x800C0019u32 as i32;

// The server, or the proxy, answered with an HTTP status instead of the upgrade: 0x80190000 plus
// the status, also for one without a constant here (`HTTP_E_STATUS_…`).

/// Never raised here: some status, unnamed. Status: UNEXPECTED_STATUS_CODE.
pub const WS_E_HTTP_STATUS_UNEXPECTED: ws_result = 0x80190001u32 as i32;
/// Never raised here: some 3xx. Status: UNEXPECTED_REDIRECTION.
pub const WS_E_HTTP_STATUS_UNEXPECTED_REDIRECTION: ws_result = 0x80190003u32 as i32;
/// Never raised here: some 4xx. Status: UNEXPECTED_CLIENT_ERROR.
pub const WS_E_HTTP_STATUS_UNEXPECTED_CLIENT_ERROR: ws_result = 0x80190004u32 as i32;
/// Never raised here: some 5xx. Status: UNEXPECTED_SERVER_ERROR.
pub const WS_E_HTTP_STATUS_UNEXPECTED_SERVER_ERROR: ws_result = 0x80190005u32 as i32;
/// The answer was 300. Status: MULTIPLE_CHOICES.
pub const WS_E_HTTP_STATUS_AMBIGUOUS: ws_result = 0x8019012Cu32 as i32;
/// The answer was 301. Status: MOVED_PERMANENTLY.
pub const WS_E_HTTP_STATUS_MOVED: ws_result = 0x8019012Du32 as i32;
/// The answer was 302. Status: FOUND.
pub const WS_E_HTTP_STATUS_REDIRECT: ws_result = 0x8019012Eu32 as i32;
/// The answer was 303. Status: SEE_OTHER.
pub const WS_E_HTTP_STATUS_REDIRECT_METHOD: ws_result = 0x8019012Fu32 as i32;
/// The answer was 304. Status: NOT_MODIFIED.
pub const WS_E_HTTP_STATUS_NOT_MODIFIED: ws_result = 0x80190130u32 as i32;
/// The answer was 305. Status: USE_PROXY.
pub const WS_E_HTTP_STATUS_USE_PROXY: ws_result = 0x80190131u32 as i32;
/// The answer was 307. Status: TEMPORARY_REDIRECT.
pub const WS_E_HTTP_STATUS_REDIRECT_KEEP_VERB: ws_result = 0x80190133u32 as i32;
/// The answer was 400. Status: BAD_REQUEST.
pub const WS_E_HTTP_STATUS_BAD_REQUEST: ws_result = 0x80190190u32 as i32;
/// The answer was 401, also after the credential if one was set. Status: UNAUTHORIZED.
pub const WS_E_HTTP_STATUS_DENIED: ws_result = 0x80190191u32 as i32;
/// The answer was 402. Status: PAYMENT_REQUIRED.
pub const WS_E_HTTP_STATUS_PAYMENT_REQ: ws_result = 0x80190192u32 as i32;
/// The answer was 403. Status: FORBIDDEN.
pub const WS_E_HTTP_STATUS_FORBIDDEN: ws_result = 0x80190193u32 as i32;
/// The answer was 404. Status: NOT_FOUND.
pub const WS_E_HTTP_STATUS_NOT_FOUND: ws_result = 0x80190194u32 as i32;
/// The answer was 405. Status: METHOD_NOT_ALLOWED.
pub const WS_E_HTTP_STATUS_BAD_METHOD: ws_result = 0x80190195u32 as i32;
/// The answer was 406. Status: NOT_ACCEPTABLE.
pub const WS_E_HTTP_STATUS_NONE_ACCEPTABLE: ws_result = 0x80190196u32 as i32;
/// A proxy answered 407 or refused the password. Status: PROXY_AUTHENTICATION_REQUIRED.
pub const WS_E_HTTP_STATUS_PROXY_AUTH_REQ: ws_result = 0x80190197u32 as i32;
/// The answer was 408. Status: REQUEST_TIMEOUT.
pub const WS_E_HTTP_STATUS_REQUEST_TIMEOUT: ws_result = 0x80190198u32 as i32;
/// The answer was 409. Status: CONFLICT.
pub const WS_E_HTTP_STATUS_CONFLICT: ws_result = 0x80190199u32 as i32;
/// The answer was 410. Status: GONE.
pub const WS_E_HTTP_STATUS_GONE: ws_result = 0x8019019Au32 as i32;
/// The answer was 411. Status: LENGTH_REQUIRED.
pub const WS_E_HTTP_STATUS_LENGTH_REQUIRED: ws_result = 0x8019019Bu32 as i32;
/// The answer was 412. Status: PRECONDITION_FAILED.
pub const WS_E_HTTP_STATUS_PRECOND_FAILED: ws_result = 0x8019019Cu32 as i32;
/// The answer was 413. Status: REQUEST_ENTITY_TOO_LARGE.
pub const WS_E_HTTP_STATUS_REQUEST_TOO_LARGE: ws_result = 0x8019019Du32 as i32;
/// The answer was 414. Status: REQUEST_URI_TOO_LONG.
pub const WS_E_HTTP_STATUS_URI_TOO_LONG: ws_result = 0x8019019Eu32 as i32;
/// The answer was 415. Status: UNSUPPORTED_MEDIA_TYPE.
pub const WS_E_HTTP_STATUS_UNSUPPORTED_MEDIA: ws_result = 0x8019019Fu32 as i32;
/// The answer was 416. Status: REQUESTED_RANGE_NOT_SATISFIABLE.
pub const WS_E_HTTP_STATUS_RANGE_NOT_SATISFIABLE: ws_result = 0x801901A0u32 as i32;
/// The answer was 417. Status: EXPECTATION_FAILED.
pub const WS_E_HTTP_STATUS_EXPECTATION_FAILED: ws_result = 0x801901A1u32 as i32;
/// The answer was 500. Status: INTERNAL_SERVER_ERROR.
pub const WS_E_HTTP_STATUS_SERVER_ERROR: ws_result = 0x801901F4u32 as i32;
/// The answer was 501. Status: NOT_IMPLEMENTED.
pub const WS_E_HTTP_STATUS_NOT_SUPPORTED: ws_result = 0x801901F5u32 as i32;
/// The answer was 502. Status: BAD_GATEWAY.
pub const WS_E_HTTP_STATUS_BAD_GATEWAY: ws_result = 0x801901F6u32 as i32;
/// The answer was 503. Status: SERVICE_UNAVAILABLE.
pub const WS_E_HTTP_STATUS_SERVICE_UNAVAIL: ws_result = 0x801901F7u32 as i32;
/// The answer was 504. Status: GATEWAY_TIMEOUT.
pub const WS_E_HTTP_STATUS_GATEWAY_TIMEOUT: ws_result = 0x801901F8u32 as i32;
/// The answer was 505. Status: HTTP_VERSION_NOT_SUPPORTED.
pub const WS_E_HTTP_STATUS_VERSION_NOT_SUP: ws_result = 0x801901F9u32 as i32;

// JSON and feeds, which share the original's web facility (`WEB_E_…`).

/// Never raised here: an unknown format. Status: UNKNOWN.
pub const WS_E_WEB_UNSUPPORTED_FORMAT: ws_result = 0x83750001u32 as i32;
/// Never raised here: ill-formed XML. Status: UNKNOWN.
pub const WS_E_WEB_INVALID_XML: ws_result = 0x83750002u32 as i32;
/// Never raised here: an element is missing. Status: UNKNOWN.
pub const WS_E_WEB_MISSING_REQUIRED_ELEMENT: ws_result = 0x83750003u32 as i32;
/// Never raised here: an attribute is missing. Status: UNKNOWN.
pub const WS_E_WEB_MISSING_REQUIRED_ATTRIBUTE: ws_result = 0x83750004u32 as i32;
/// Never raised here: content of another kind. Status: UNKNOWN.
pub const WS_E_WEB_UNEXPECTED_CONTENT: ws_result = 0x83750005u32 as i32;
/// Never raised here: too large a resource. Status: UNKNOWN.
pub const WS_E_WEB_RESOURCE_TOO_LARGE: ws_result = 0x83750006u32 as i32;
/// Never raised here: not a JSON string. Status: UNKNOWN.
pub const WS_E_WEB_INVALID_JSON_STRING: ws_result = 0x83750007u32 as i32;
/// Never raised here: not a JSON number. Status: UNKNOWN.
pub const WS_E_WEB_INVALID_JSON_NUMBER: ws_result = 0x83750008u32 as i32;
/// Never raised here: no such JSON value. Status: UNKNOWN.
pub const WS_E_WEB_JSON_VALUE_NOT_FOUND: ws_result = 0x83750009u32 as i32;

// The WebSocket protocol (`E_…` of the original's WebSocket facility).

/// A right frame at the wrong time; close 1002. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_INVALID_PROTOCOL_OPERATION: ws_result = 0x83760001u32 as i32;
/// A broken frame or bad deflate data; 1002, 1007. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_INVALID_PROTOCOL_FORMAT: ws_result = 0x83760002u32 as i32;
/// An extension not offered. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED: ws_result = 0x83760003u32 as i32;
/// A subprotocol not offered. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_SUBPROTOCOL_NOT_SUPPORTED: ws_result = 0x83760004u32 as i32;
/// Never raised here: it answers 426. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
pub const WS_E_PROTOCOL_VERSION_NOT_SUPPORTED: ws_result = 0x83760005u32 as i32;
