//! Web error statuses: what a result means to people who think in HTTP.
//!
//! The numbers and names are those of the original's WebErrorStatus; from 300 on they are the HTTP
//! statuses themselves. Which result has which status is not known here but in `mapping`.

#![allow(non_camel_case_types)]

use std::ffi::CStr;

/// The kind of failure behind a result: one of `WS_WEB_ERROR_STATUS_…`.
pub type ws_web_error_status = i32;

/// The result has no status of its own; read the result itself.
pub const WS_WEB_ERROR_STATUS_UNKNOWN: ws_web_error_status = 0;
/// The server's certificate is for another host.
pub const WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT: ws_web_error_status = 1;
/// The server's certificate has expired or is not valid yet.
pub const WS_WEB_ERROR_STATUS_CERTIFICATE_EXPIRED: ws_web_error_status = 2;
/// The server's certificate has errors, or one of the client's is missing.
pub const WS_WEB_ERROR_STATUS_CERTIFICATE_CONTAINS_ERRORS: ws_web_error_status = 3;
/// The server's certificate was revoked.
pub const WS_WEB_ERROR_STATUS_CERTIFICATE_REVOKED: ws_web_error_status = 4;
/// The server's certificate is not trusted, or TLS failed.
pub const WS_WEB_ERROR_STATUS_CERTIFICATE_IS_INVALID: ws_web_error_status = 5;
/// There is no way to the server or the proxy.
pub const WS_WEB_ERROR_STATUS_SERVER_UNREACHABLE: ws_web_error_status = 6;
/// A deadline passed.
pub const WS_WEB_ERROR_STATUS_TIMEOUT: ws_web_error_status = 7;
/// The server broke HTTP or the WebSocket protocol.
pub const WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE: ws_web_error_status = 8;
/// The connection ended without a closing handshake.
pub const WS_WEB_ERROR_STATUS_CONNECTION_ABORTED: ws_web_error_status = 9;
/// The connection was reset.
pub const WS_WEB_ERROR_STATUS_CONNECTION_RESET: ws_web_error_status = 10;
/// The connection is gone.
pub const WS_WEB_ERROR_STATUS_DISCONNECTED: ws_web_error_status = 11;
/// A redirect led from ws to wss.
pub const WS_WEB_ERROR_STATUS_HTTP_TO_HTTPS_ON_REDIRECTION: ws_web_error_status = 12;
/// A redirect led from wss to ws.
pub const WS_WEB_ERROR_STATUS_HTTPS_TO_HTTP_ON_REDIRECTION: ws_web_error_status = 13;
/// Nobody listens at the server's port.
pub const WS_WEB_ERROR_STATUS_CANNOT_CONNECT: ws_web_error_status = 14;
/// The host's name is unknown.
pub const WS_WEB_ERROR_STATUS_HOST_NAME_NOT_RESOLVED: ws_web_error_status = 15;
/// The operation was cancelled.
pub const WS_WEB_ERROR_STATUS_OPERATION_CANCELED: ws_web_error_status = 16;
/// A redirect could not be followed.
pub const WS_WEB_ERROR_STATUS_REDIRECT_FAILED: ws_web_error_status = 17;
/// The HTTP status is not 101 and has no name here.
pub const WS_WEB_ERROR_STATUS_UNEXPECTED_STATUS_CODE: ws_web_error_status = 18;
/// An HTTP status 3xx without a name here.
pub const WS_WEB_ERROR_STATUS_UNEXPECTED_REDIRECTION: ws_web_error_status = 19;
/// An HTTP status 4xx without a name here.
pub const WS_WEB_ERROR_STATUS_UNEXPECTED_CLIENT_ERROR: ws_web_error_status = 20;
/// An HTTP status 5xx without a name here.
pub const WS_WEB_ERROR_STATUS_UNEXPECTED_SERVER_ERROR: ws_web_error_status = 21;
/// Never comes of a result: the server lacks byte ranges.
pub const WS_WEB_ERROR_STATUS_INSUFFICIENT_RANGE_SUPPORT: ws_web_error_status = 22;
/// Never comes of a result: the server sends no length.
pub const WS_WEB_ERROR_STATUS_MISSING_CONTENT_LENGTH_SUPPORT: ws_web_error_status = 23;
/// HTTP status 300.
pub const WS_WEB_ERROR_STATUS_MULTIPLE_CHOICES: ws_web_error_status = 300;
/// HTTP status 301.
pub const WS_WEB_ERROR_STATUS_MOVED_PERMANENTLY: ws_web_error_status = 301;
/// HTTP status 302.
pub const WS_WEB_ERROR_STATUS_FOUND: ws_web_error_status = 302;
/// HTTP status 303.
pub const WS_WEB_ERROR_STATUS_SEE_OTHER: ws_web_error_status = 303;
/// HTTP status 304.
pub const WS_WEB_ERROR_STATUS_NOT_MODIFIED: ws_web_error_status = 304;
/// HTTP status 305.
pub const WS_WEB_ERROR_STATUS_USE_PROXY: ws_web_error_status = 305;
/// HTTP status 307.
pub const WS_WEB_ERROR_STATUS_TEMPORARY_REDIRECT: ws_web_error_status = 307;
/// HTTP status 400.
pub const WS_WEB_ERROR_STATUS_BAD_REQUEST: ws_web_error_status = 400;
/// HTTP status 401.
pub const WS_WEB_ERROR_STATUS_UNAUTHORIZED: ws_web_error_status = 401;
/// HTTP status 402.
pub const WS_WEB_ERROR_STATUS_PAYMENT_REQUIRED: ws_web_error_status = 402;
/// HTTP status 403.
pub const WS_WEB_ERROR_STATUS_FORBIDDEN: ws_web_error_status = 403;
/// HTTP status 404.
pub const WS_WEB_ERROR_STATUS_NOT_FOUND: ws_web_error_status = 404;
/// HTTP status 405.
pub const WS_WEB_ERROR_STATUS_METHOD_NOT_ALLOWED: ws_web_error_status = 405;
/// HTTP status 406.
pub const WS_WEB_ERROR_STATUS_NOT_ACCEPTABLE: ws_web_error_status = 406;
/// HTTP status 407.
pub const WS_WEB_ERROR_STATUS_PROXY_AUTHENTICATION_REQUIRED: ws_web_error_status = 407;
/// HTTP status 408.
pub const WS_WEB_ERROR_STATUS_REQUEST_TIMEOUT: ws_web_error_status = 408;
/// HTTP status 409.
pub const WS_WEB_ERROR_STATUS_CONFLICT: ws_web_error_status = 409;
/// HTTP status 410.
pub const WS_WEB_ERROR_STATUS_GONE: ws_web_error_status = 410;
/// HTTP status 411.
pub const WS_WEB_ERROR_STATUS_LENGTH_REQUIRED: ws_web_error_status = 411;
/// HTTP status 412.
pub const WS_WEB_ERROR_STATUS_PRECONDITION_FAILED: ws_web_error_status = 412;
/// HTTP status 413.
pub const WS_WEB_ERROR_STATUS_REQUEST_ENTITY_TOO_LARGE: ws_web_error_status = 413;
/// HTTP status 414.
pub const WS_WEB_ERROR_STATUS_REQUEST_URI_TOO_LONG: ws_web_error_status = 414;
/// HTTP status 415.
pub const WS_WEB_ERROR_STATUS_UNSUPPORTED_MEDIA_TYPE: ws_web_error_status = 415;
/// HTTP status 416.
pub const WS_WEB_ERROR_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE: ws_web_error_status = 416;
/// HTTP status 417.
pub const WS_WEB_ERROR_STATUS_EXPECTATION_FAILED: ws_web_error_status = 417;
/// HTTP status 500.
pub const WS_WEB_ERROR_STATUS_INTERNAL_SERVER_ERROR: ws_web_error_status = 500;
/// HTTP status 501.
pub const WS_WEB_ERROR_STATUS_NOT_IMPLEMENTED: ws_web_error_status = 501;
/// HTTP status 502.
pub const WS_WEB_ERROR_STATUS_BAD_GATEWAY: ws_web_error_status = 502;
/// HTTP status 503.
pub const WS_WEB_ERROR_STATUS_SERVICE_UNAVAILABLE: ws_web_error_status = 503;
/// HTTP status 504.
pub const WS_WEB_ERROR_STATUS_GATEWAY_TIMEOUT: ws_web_error_status = 504;
/// HTTP status 505.
pub const WS_WEB_ERROR_STATUS_HTTP_VERSION_NOT_SUPPORTED: ws_web_error_status = 505;

/// The constant's own name, or `WS_WEB_ERROR_STATUS_(unknown)`.
pub fn web_error_status_name(status: ws_web_error_status) -> &'static CStr {
    NAMES
        .binary_search_by_key(&status, |(number, _)| *number)
        .ok()
        .and_then(|row| NAMES.get(row))
        .map_or(c"WS_WEB_ERROR_STATUS_(unknown)", |(_, name)| name)
}

/// Every status, ascending: the search above relies on it.
#[rustfmt::skip]
const NAMES: &[(ws_web_error_status, &CStr)] = &[
    (WS_WEB_ERROR_STATUS_UNKNOWN, c"WS_WEB_ERROR_STATUS_UNKNOWN"),
    (WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT, c"WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT"),
    (WS_WEB_ERROR_STATUS_CERTIFICATE_EXPIRED, c"WS_WEB_ERROR_STATUS_CERTIFICATE_EXPIRED"),
    (WS_WEB_ERROR_STATUS_CERTIFICATE_CONTAINS_ERRORS, c"WS_WEB_ERROR_STATUS_CERTIFICATE_CONTAINS_ERRORS"),
    (WS_WEB_ERROR_STATUS_CERTIFICATE_REVOKED, c"WS_WEB_ERROR_STATUS_CERTIFICATE_REVOKED"),
    (WS_WEB_ERROR_STATUS_CERTIFICATE_IS_INVALID, c"WS_WEB_ERROR_STATUS_CERTIFICATE_IS_INVALID"),
    (WS_WEB_ERROR_STATUS_SERVER_UNREACHABLE, c"WS_WEB_ERROR_STATUS_SERVER_UNREACHABLE"),
    (WS_WEB_ERROR_STATUS_TIMEOUT, c"WS_WEB_ERROR_STATUS_TIMEOUT"),
    (WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE, c"WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE"),
    (WS_WEB_ERROR_STATUS_CONNECTION_ABORTED, c"WS_WEB_ERROR_STATUS_CONNECTION_ABORTED"),
    (WS_WEB_ERROR_STATUS_CONNECTION_RESET, c"WS_WEB_ERROR_STATUS_CONNECTION_RESET"),
    (WS_WEB_ERROR_STATUS_DISCONNECTED, c"WS_WEB_ERROR_STATUS_DISCONNECTED"),
    (WS_WEB_ERROR_STATUS_HTTP_TO_HTTPS_ON_REDIRECTION, c"WS_WEB_ERROR_STATUS_HTTP_TO_HTTPS_ON_REDIRECTION"),
    (WS_WEB_ERROR_STATUS_HTTPS_TO_HTTP_ON_REDIRECTION, c"WS_WEB_ERROR_STATUS_HTTPS_TO_HTTP_ON_REDIRECTION"),
    (WS_WEB_ERROR_STATUS_CANNOT_CONNECT, c"WS_WEB_ERROR_STATUS_CANNOT_CONNECT"),
    (WS_WEB_ERROR_STATUS_HOST_NAME_NOT_RESOLVED, c"WS_WEB_ERROR_STATUS_HOST_NAME_NOT_RESOLVED"),
    (WS_WEB_ERROR_STATUS_OPERATION_CANCELED, c"WS_WEB_ERROR_STATUS_OPERATION_CANCELED"),
    (WS_WEB_ERROR_STATUS_REDIRECT_FAILED, c"WS_WEB_ERROR_STATUS_REDIRECT_FAILED"),
    (WS_WEB_ERROR_STATUS_UNEXPECTED_STATUS_CODE, c"WS_WEB_ERROR_STATUS_UNEXPECTED_STATUS_CODE"),
    (WS_WEB_ERROR_STATUS_UNEXPECTED_REDIRECTION, c"WS_WEB_ERROR_STATUS_UNEXPECTED_REDIRECTION"),
    (WS_WEB_ERROR_STATUS_UNEXPECTED_CLIENT_ERROR, c"WS_WEB_ERROR_STATUS_UNEXPECTED_CLIENT_ERROR"),
    (WS_WEB_ERROR_STATUS_UNEXPECTED_SERVER_ERROR, c"WS_WEB_ERROR_STATUS_UNEXPECTED_SERVER_ERROR"),
    (WS_WEB_ERROR_STATUS_INSUFFICIENT_RANGE_SUPPORT, c"WS_WEB_ERROR_STATUS_INSUFFICIENT_RANGE_SUPPORT"),
    (WS_WEB_ERROR_STATUS_MISSING_CONTENT_LENGTH_SUPPORT, c"WS_WEB_ERROR_STATUS_MISSING_CONTENT_LENGTH_SUPPORT"),
    (WS_WEB_ERROR_STATUS_MULTIPLE_CHOICES, c"WS_WEB_ERROR_STATUS_MULTIPLE_CHOICES"),
    (WS_WEB_ERROR_STATUS_MOVED_PERMANENTLY, c"WS_WEB_ERROR_STATUS_MOVED_PERMANENTLY"),
    (WS_WEB_ERROR_STATUS_FOUND, c"WS_WEB_ERROR_STATUS_FOUND"),
    (WS_WEB_ERROR_STATUS_SEE_OTHER, c"WS_WEB_ERROR_STATUS_SEE_OTHER"),
    (WS_WEB_ERROR_STATUS_NOT_MODIFIED, c"WS_WEB_ERROR_STATUS_NOT_MODIFIED"),
    (WS_WEB_ERROR_STATUS_USE_PROXY, c"WS_WEB_ERROR_STATUS_USE_PROXY"),
    (WS_WEB_ERROR_STATUS_TEMPORARY_REDIRECT, c"WS_WEB_ERROR_STATUS_TEMPORARY_REDIRECT"),
    (WS_WEB_ERROR_STATUS_BAD_REQUEST, c"WS_WEB_ERROR_STATUS_BAD_REQUEST"),
    (WS_WEB_ERROR_STATUS_UNAUTHORIZED, c"WS_WEB_ERROR_STATUS_UNAUTHORIZED"),
    (WS_WEB_ERROR_STATUS_PAYMENT_REQUIRED, c"WS_WEB_ERROR_STATUS_PAYMENT_REQUIRED"),
    (WS_WEB_ERROR_STATUS_FORBIDDEN, c"WS_WEB_ERROR_STATUS_FORBIDDEN"),
    (WS_WEB_ERROR_STATUS_NOT_FOUND, c"WS_WEB_ERROR_STATUS_NOT_FOUND"),
    (WS_WEB_ERROR_STATUS_METHOD_NOT_ALLOWED, c"WS_WEB_ERROR_STATUS_METHOD_NOT_ALLOWED"),
    (WS_WEB_ERROR_STATUS_NOT_ACCEPTABLE, c"WS_WEB_ERROR_STATUS_NOT_ACCEPTABLE"),
    (WS_WEB_ERROR_STATUS_PROXY_AUTHENTICATION_REQUIRED, c"WS_WEB_ERROR_STATUS_PROXY_AUTHENTICATION_REQUIRED"),
    (WS_WEB_ERROR_STATUS_REQUEST_TIMEOUT, c"WS_WEB_ERROR_STATUS_REQUEST_TIMEOUT"),
    (WS_WEB_ERROR_STATUS_CONFLICT, c"WS_WEB_ERROR_STATUS_CONFLICT"),
    (WS_WEB_ERROR_STATUS_GONE, c"WS_WEB_ERROR_STATUS_GONE"),
    (WS_WEB_ERROR_STATUS_LENGTH_REQUIRED, c"WS_WEB_ERROR_STATUS_LENGTH_REQUIRED"),
    (WS_WEB_ERROR_STATUS_PRECONDITION_FAILED, c"WS_WEB_ERROR_STATUS_PRECONDITION_FAILED"),
    (WS_WEB_ERROR_STATUS_REQUEST_ENTITY_TOO_LARGE, c"WS_WEB_ERROR_STATUS_REQUEST_ENTITY_TOO_LARGE"),
    (WS_WEB_ERROR_STATUS_REQUEST_URI_TOO_LONG, c"WS_WEB_ERROR_STATUS_REQUEST_URI_TOO_LONG"),
    (WS_WEB_ERROR_STATUS_UNSUPPORTED_MEDIA_TYPE, c"WS_WEB_ERROR_STATUS_UNSUPPORTED_MEDIA_TYPE"),
    (WS_WEB_ERROR_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE, c"WS_WEB_ERROR_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE"),
    (WS_WEB_ERROR_STATUS_EXPECTATION_FAILED, c"WS_WEB_ERROR_STATUS_EXPECTATION_FAILED"),
    (WS_WEB_ERROR_STATUS_INTERNAL_SERVER_ERROR, c"WS_WEB_ERROR_STATUS_INTERNAL_SERVER_ERROR"),
    (WS_WEB_ERROR_STATUS_NOT_IMPLEMENTED, c"WS_WEB_ERROR_STATUS_NOT_IMPLEMENTED"),
    (WS_WEB_ERROR_STATUS_BAD_GATEWAY, c"WS_WEB_ERROR_STATUS_BAD_GATEWAY"),
    (WS_WEB_ERROR_STATUS_SERVICE_UNAVAILABLE, c"WS_WEB_ERROR_STATUS_SERVICE_UNAVAILABLE"),
    (WS_WEB_ERROR_STATUS_GATEWAY_TIMEOUT, c"WS_WEB_ERROR_STATUS_GATEWAY_TIMEOUT"),
    (WS_WEB_ERROR_STATUS_HTTP_VERSION_NOT_SUPPORTED, c"WS_WEB_ERROR_STATUS_HTTP_VERSION_NOT_SUPPORTED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and number of every constant, read from this file's text.
    fn constants() -> Vec<(String, ws_web_error_status)> {
        include_str!("status.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("pub const "))
            .filter_map(|line| line.split_once(": ws_web_error_status = "))
            .map(|(name, number)| (name.to_owned(), number.trim_end_matches(';').parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_names_ascend_without_a_repetition() {
        assert!(NAMES.is_sorted_by(|(one, _), (next, _)| one < next));
    }

    #[test]
    fn every_constant_has_its_own_name() {
        let constants = constants();
        assert_eq!(constants.len(), NAMES.len());
        for (name, number) in constants {
            assert_eq!(web_error_status_name(number).to_str().unwrap(), name);
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_original() {
        let original = (0..=23).chain(300..=305).chain([307]).chain(400..=417).chain(500..=505);
        assert!(NAMES.iter().map(|(number, _)| *number).eq(original));
        assert_eq!(WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT, 1);
        assert_eq!(WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE, 8);
        assert_eq!(WS_WEB_ERROR_STATUS_MISSING_CONTENT_LENGTH_SUPPORT, 23);
        assert_eq!(WS_WEB_ERROR_STATUS_HTTP_VERSION_NOT_SUPPORTED, 505);
    }

    #[test]
    fn a_number_without_a_constant_is_named_unknown() {
        for number in [-1, 24, 299, 306, 308, 418, 429, 511, i32::MIN, i32::MAX] {
            assert_eq!(web_error_status_name(number), c"WS_WEB_ERROR_STATUS_(unknown)");
        }
    }
}
