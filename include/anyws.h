/*
 * anyws: a WebSocket client for C and for every language that can call C.
 *
 * The vocabulary is that of Windows.Networking.Sockets, the shape is plain C: opaque handles,
 * callbacks that you register, results laid out as HRESULTs. RFC 6455 over TCP and TLS.
 *
 * THE SHORTEST PROGRAM
 *
 *     #include <anyws.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         ws_socket *socket = ws_message_socket_new();
 *         ws_message *message = NULL;
 *         ws_result result = ws_connect_wait(socket, "wss://echo.example/", 10000);
 *
 *         if (WS_SUCCEEDED(result))
 *             result = ws_send_text(socket, "hello", 5);
 *         if (WS_SUCCEEDED(result))
 *             result = ws_receive(socket, &message, 10000);
 *         if (WS_SUCCEEDED(result))
 *             printf("%s\n", (const char *)message->data);
 *         else
 *             printf("%s: %s\n", ws_result_name(result), ws_last_error_message());
 *         ws_message_release(message);
 *         ws_socket_free(socket);
 *         return WS_SUCCEEDED(result) ? 0 : 1;
 *     }
 *
 * LIFE OF A SOCKET
 *
 *        ..._new         ws_connect            connected
 *           |                |                     |
 *           v                v                     v     ws_close, or the
 *        CREATED -------> CONNECTING -----------> OPEN ---------------------> CLOSING
 *           ^                |                     |     server's close frame    |
 *           +----------------+                     |                             |
 *            failed, cancelled                     +----------> CLOSED <---------+
 *                                                  lost, ws_abort    closing handshake
 *
 * Controls, handlers and the queue are set in CREATED. One connection per socket: CLOSED is the
 * end. ws_socket_free is legal in every state.
 *
 * THREADS
 *
 * Events reach you in one of three ways, chosen before ws_connect:
 * - callbacks on the library's I/O thread, the fastest. Its stack has 1 MiB. What you do there
 *   holds up every socket of that thread;
 * - an event queue: ws_event_queue_dispatch runs the callbacks on your thread, or
 *   ws_event_queue_next hands over records and nothing is ever called;
 * - pull: with neither a message handler nor a queue, ws_receive takes the messages.
 *
 *  1. Every function may be called from any thread at any time on any handle value. Calls on one
 *     socket behave as if made one after the other.
 *  2. Callbacks of one socket never overlap, and never run inside a ws_ call other than
 *     ws_event_queue_dispatch. Order: completed(connect), then messages, pongs, send-ready and
 *     completions, then closed, then released.
 *  3. The library holds no lock while your code runs. Your callback may call every function on any
 *     handle except those listed as WS_E_REENTRANT.
 *  4. Each accepted operation completes once, each connect that succeeded gives one closed, each
 *     socket with a released handler gives one released. Exception: ws_socket_free ends pending
 *     operations without a completion; released is the only callback that still comes, and a
 *     thread in a _wait call gets WS_E_ABORT. If you need each one answered, call ws_abort and wait
 *     for closed first.
 *  5. ws_socket_free ends the handle at once: later use of the value is WS_E_HANDLE, also from
 *     other threads, also a second free. Outside callbacks it waits for a callback of this socket
 *     that is running on another thread, and for nothing else. Inside any callback it never waits.
 *     When it returns no callback of this socket begins, except released. It never waits for the
 *     network, a name lookup, a proxy or TLS.
 *  6. user_data may be freed in released, or after ws_socket_free returned outside a callback.
 *  7. A deadlock you can make yourself: calling ws_socket_free while holding a lock that your
 *     callback is waiting for. The library reports it once after 5 s through the log; use released.
 *  8. Message data is borrowed until the callback returns unless retained. A retained message
 *     outlives socket, queue and ws_shutdown.
 *  9. A C++ exception out of a callback ends the process; longjmp out of one is undefined.
 * 10. After a fork the child may not use handles made before: every call returns WS_E_UNEXPECTED.
 *     Call ws_ functions in the child only after exec, or fork before the library is first used.
 * 11. After ws_shutdown returned WS_OK no library thread exists. If it returns WS_E_TIMEOUT (a
 *     callback or the system's name lookup has not returned) do not unload.
 * 12. Nothing runs at exit. Call ws_shutdown before main returns if callbacks must not race static
 *     destructors.
 *
 * OWNERSHIP
 *
 * What a ..._new or ws_receive gave you is yours until its ..._free or ..._release. What you hand
 * in is copied before the call returns, except where a comment says "kept". Handles look like
 * pointers and are never followed: NULL, stale or invented ones answer WS_E_HANDLE.
 *
 * ERRORS
 *
 * A call answers mistakes in its arguments and in the socket's state; what the network does arrives
 * in completions and in closed. Only ..._wait and ws_receive answer both. ws_result_name names a
 * result, ws_last_error_message explains this thread's last failing call, ws_get_error the
 * connection's end. Every function with a result may also answer WS_E_UNEXPECTED: in the child of a
 * fork, and for a defect inside the library.
 *
 * STRINGS AND UNITS
 *
 * Text is UTF-8 and ends in NUL unless a length goes with it; NULL with length 0 is empty. Texts
 * that come out are copied into your buffer; a buffer of NULL and 0 asks for the length. Sizes are
 * bytes; names that end in _ms are milliseconds: 0 polls, WS_INFINITE waits for ever.
 *
 * WHEN NOTHING HAPPENS
 *
 * - Did ws_connect answer WS_OK? If not, ws_last_error_message says what was wrong.
 * - Does somebody call ws_event_queue_dispatch or _next, when the socket has a queue?
 * - Does a callback wait for something? No other socket of that I/O thread moves meanwhile.
 * - Does ws_buffered_amount grow? The server does not read, or the network is slow.
 * - What does ws_set_log_callback tell at WS_LOG_DEBUG?
 *
 * CHAPTERS
 *
 * Results; Web error statuses; The types, constants and callback shapes of the header;
 * Names of controls; The library; Sockets; Controls; Events; Sending; Stream sockets;
 * The types of data writers and data readers; Data writers; Written values; Storing; Data readers;
 * Read values; Information and errors; Statistics; Event queues.
 */
#ifndef ANYWS_H
#define ANYWS_H

#include <stddef.h>
#include <stdint.h>

/* On Windows define ANYWS_STATIC before this line to link with the static library. */
#if defined(_WIN32) && !defined(ANYWS_STATIC)
#define WS_API __declspec(dllimport)
#else
#define WS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ==============================================================================================
 * The version of this header.
 * ============================================================================================== */

/** The version of this header; that of the library which was loaded: ws_version. */
#define WS_VERSION_MAJOR 0
#define WS_VERSION_MINOR 1
#define WS_VERSION_PATCH 0
/** The same as one number: 0xMMmmpp. */
#define WS_VERSION 0x000100
/** The same as text. */
#define WS_VERSION_STRING "0.1.0"

/* ==============================================================================================
 * Results: what every call answers, every completion carries, and ws_closed tells.
 * ============================================================================================== */

/** Whether a result says that it worked. */
#define WS_SUCCEEDED(result) ((ws_result)(result) >= 0)
/** Whether a result says that it failed. */
#define WS_FAILED(result) ((ws_result)(result) < 0)

/**
 * What a call, an operation or a connection came to, laid out as an HRESULT: negative is failure.
 */
typedef int32_t ws_result;

/** It worked. As the end of a connection: after a closing handshake. Status: UNKNOWN. */
#define WS_OK ((ws_result)0)

/* Calls, handles and lifetimes: COM and the Windows Runtime (E_..., RO_E_..., RPC_E_...). */

/** Never raised here: the result is not there yet. Status: UNKNOWN. */
#define WS_E_PENDING ((ws_result)0x8000000Au)
/** A read past the end of the data, or an index past the end. Status: UNKNOWN. */
#define WS_E_BOUNDS ((ws_result)0x8000000Bu)
/** Never raised here: the collection changed meanwhile. Status: UNKNOWN. */
#define WS_E_CHANGED_STATE ((ws_result)0x8000000Cu)
/** Never raised here: the object cannot enter this state. Status: UNKNOWN. */
#define WS_E_ILLEGAL_STATE_CHANGE ((ws_result)0x8000000Du)
/** The call does not fit the state: connect twice, send before open. Status: UNKNOWN. */
#define WS_E_ILLEGAL_METHOD_CALL ((ws_result)0x8000000Eu)
/** The socket, or its output, is closed or closing. Status: UNKNOWN. */
#define WS_E_CLOSED ((ws_result)0x80000013u)
/** Never raised here: a handler set too late. Status: UNKNOWN. */
#define WS_E_ILLEGAL_DELEGATE_ASSIGNMENT ((ws_result)0x80000018u)
/** Never raised here: an operation not started yet. Status: UNKNOWN. */
#define WS_E_ASYNC_OPERATION_NOT_STARTED ((ws_result)0x80000019u)
/** Never raised here: every function works on every system. Status: UNKNOWN. */
#define WS_E_NOTIMPL ((ws_result)0x80004001u)
/** Never raised here: the object has no such interface. Status: UNKNOWN. */
#define WS_E_NOINTERFACE ((ws_result)0x80004002u)
/** A pointer is NULL where a value is required. Status: UNKNOWN. */
#define WS_E_POINTER ((ws_result)0x80004003u)
/** The operation was cancelled, or its socket aborted or freed. Status: OPERATION_CANCELED. */
#define WS_E_ABORT ((ws_result)0x80004004u)
/** Never raised here: every failure has a code that says more. Status: UNKNOWN. */
#define WS_E_FAIL ((ws_result)0x80004005u)
/** A defect inside the library, or a call in the child of a fork. Status: UNKNOWN. */
#define WS_E_UNEXPECTED ((ws_result)0x8000FFFFu)
/** Never raised here: a call between processes was cancelled. Status: OPERATION_CANCELED. */
#define WS_E_RPC_CALL_CANCELED ((ws_result)0x80010002u)
/** Never raised here: the other process is gone. Status: DISCONNECTED. */
#define WS_E_RPC_DISCONNECTED ((ws_result)0x80010108u)
/** Never raised here: a call between processes took too long. Status: TIMEOUT. */
#define WS_E_RPC_TIMEOUT ((ws_result)0x8001011Fu)
/** Never raised here: here WS_E_SERVER_UNREACHABLE. Status: UNKNOWN. */
#define WS_E_ACCESSDENIED ((ws_result)0x80070005u)
/** The handle is NULL, stale, freed, invented or of another kind. Status: UNKNOWN. */
#define WS_E_HANDLE ((ws_result)0x80070006u)
/** There is not enough memory for what was asked or received. Status: UNKNOWN. */
#define WS_E_OUTOFMEMORY ((ws_result)0x8007000Eu)
/** An argument is out of range or malformed; see ws_last_error_message. Status: UNKNOWN. */
#define WS_E_INVALIDARG ((ws_result)0x80070057u)

/* Queues, buffers and the system (ERROR_..., WSA...). Network failures come as the codes of the
 * next chapter; the system's own number is in ws_error. */

/** Never raised here: a connection reset below a named pipe. Status: CONNECTION_RESET. */
#define WS_E_NETNAME_DELETED ((ws_result)0x80070040u)
/** Never raised here: the system's own timeout. Status: TIMEOUT. */
#define WS_E_SEM_TIMEOUT ((ws_result)0x80070079u)
/** The buffer is too small; the needed length was stored. Status: UNKNOWN. */
#define WS_E_INSUFFICIENT_BUFFER ((ws_result)0x8007007Au)
/** Never raised here: overlapped I/O was cancelled. Status: OPERATION_CANCELED. */
#define WS_E_OPERATION_ABORTED ((ws_result)0x800703E3u)
/** Text or a close reason is not UTF-8; on receiving, close 1007. Status: UNKNOWN. */
#define WS_E_NO_UNICODE_TRANSLATION ((ws_result)0x80070459u)
/** The call would wait for the callback it is called from. Status: UNKNOWN. */
#define WS_E_REENTRANT ((ws_result)0x8007046Bu)
/** Never raised here: the user cancelled; here WS_E_ABORT. Status: OPERATION_CANCELED. */
#define WS_E_CANCELLED ((ws_result)0x800704C7u)
/** Never raised here: here WS_E_CANNOT_CONNECT. Status: CANNOT_CONNECT. */
#define WS_E_CONNECTION_REFUSED ((ws_result)0x800704C9u)
/** Never raised here: the peer ended the connection. Status: DISCONNECTED. */
#define WS_E_GRACEFUL_DISCONNECT ((ws_result)0x800704CAu)
/** Never raised here: there is no connection. Status: DISCONNECTED. */
#define WS_E_CONNECTION_INVALID ((ws_result)0x800704CDu)
/** Never raised here: here WS_E_SERVER_UNREACHABLE. Status: SERVER_UNREACHABLE. */
#define WS_E_NETWORK_UNREACHABLE ((ws_result)0x800704CFu)
/** Never raised here: here WS_E_SERVER_UNREACHABLE. Status: SERVER_UNREACHABLE. */
#define WS_E_HOST_UNREACHABLE ((ws_result)0x800704D0u)
/** Never raised here: here WS_E_CONNECTION_ABORTED. Status: CONNECTION_ABORTED. */
#define WS_E_ERROR_CONNECTION_ABORTED ((ws_result)0x800704D4u)
/** Never raised here: here WS_E_TIMEOUT. Status: TIMEOUT. */
#define WS_E_ERROR_TIMEOUT ((ws_result)0x800705B4u)
/** A second read, write or dispatch while one is under way. Status: UNKNOWN. */
#define WS_E_INVALID_OPERATION ((ws_result)0x800710DDu)
/** A message over MAX_MESSAGE_SIZE or MAX_FRAGMENTS; close 1009. Status: UNKNOWN. */
#define WS_E_MESSAGE_TOO_BIG ((ws_result)0x800710F0u)
/** Never raised here: here WS_E_ILLEGAL_METHOD_CALL. Status: UNKNOWN. */
#define WS_E_INVALID_STATE ((ws_result)0x8007139Fu)
/** The send queue is full and nothing was queued. Status: UNKNOWN. */
#define WS_E_WOULD_BLOCK ((ws_result)0x80072733u)
/** Never raised here: here WS_E_SERVER_UNREACHABLE. Status: SERVER_UNREACHABLE. */
#define WS_E_WSAENETUNREACH ((ws_result)0x80072743u)
/** Never raised here: here WS_E_CONNECTION_ABORTED. Status: CONNECTION_ABORTED. */
#define WS_E_WSAECONNABORTED ((ws_result)0x80072745u)
/** Never raised here: here WS_E_CONNECTION_RESET. Status: CONNECTION_RESET. */
#define WS_E_WSAECONNRESET ((ws_result)0x80072746u)
/** Never raised here: here WS_E_TIMEOUT. Status: TIMEOUT. */
#define WS_E_WSAETIMEDOUT ((ws_result)0x8007274Cu)
/** Never raised here: here WS_E_CANNOT_CONNECT. Status: CANNOT_CONNECT. */
#define WS_E_WSAECONNREFUSED ((ws_result)0x8007274Du)
/** Never raised here: here WS_E_SERVER_UNREACHABLE. Status: SERVER_UNREACHABLE. */
#define WS_E_WSAEHOSTUNREACH ((ws_result)0x80072751u)
/** Never raised here: here WS_E_NAME_NOT_RESOLVED. Status: HOST_NAME_NOT_RESOLVED. */
#define WS_E_WSAHOST_NOT_FOUND ((ws_result)0x80072AF9u)

/* Connections, TLS and responses (WININET_E_..., ERROR_INTERNET_...). */

/** A deadline passed: of the connect, the close, a send, a silence or a wait. Status: TIMEOUT. */
#define WS_E_TIMEOUT ((ws_result)0x80072EE2u)
/** Never raised here: a defect of the original's HTTP client. Status: UNKNOWN. */
#define WS_E_INTERNAL_ERROR ((ws_result)0x80072EE4u)
/** Never raised here: here WS_E_INVALIDARG. Status: UNKNOWN. */
#define WS_E_INVALID_URL ((ws_result)0x80072EE5u)
/** Never raised here: here WS_E_INVALIDARG. Status: UNKNOWN. */
#define WS_E_UNRECOGNIZED_SCHEME ((ws_result)0x80072EE6u)
/** The host's name is unknown, or has no address. Status: HOST_NAME_NOT_RESOLVED. */
#define WS_E_NAME_NOT_RESOLVED ((ws_result)0x80072EE7u)
/** Never raised here: a protocol the original does not have. Status: UNKNOWN. */
#define WS_E_PROTOCOL_NOT_FOUND ((ws_result)0x80072EE8u)
/** Never raised here: the original's HTTP client was shut down. Status: OPERATION_CANCELED. */
#define WS_E_SHUTDOWN ((ws_result)0x80072EECu)
/** Never raised here: here WS_E_HTTP_STATUS_DENIED. Status: UNAUTHORIZED. */
#define WS_E_INCORRECT_USER_NAME ((ws_result)0x80072EEDu)
/** Never raised here: here WS_E_HTTP_STATUS_DENIED. Status: UNAUTHORIZED. */
#define WS_E_INCORRECT_PASSWORD ((ws_result)0x80072EEEu)
/** Never raised here: here WS_E_HTTP_STATUS_DENIED. Status: UNAUTHORIZED. */
#define WS_E_LOGIN_FAILURE ((ws_result)0x80072EEFu)
/** Never raised here: here WS_E_ABORT. Status: OPERATION_CANCELED. */
#define WS_E_OPERATION_CANCELLED ((ws_result)0x80072EF1u)
/** Never raised here: here WS_E_ILLEGAL_METHOD_CALL. Status: UNKNOWN. */
#define WS_E_INCORRECT_HANDLE_STATE ((ws_result)0x80072EF3u)
/** Nobody listens at the server's port, or a SOCKS proxy refused. Status: CANNOT_CONNECT. */
#define WS_E_CANNOT_CONNECT ((ws_result)0x80072EFDu)
/** The connection ended without a closing handshake. Status: CONNECTION_ABORTED. */
#define WS_E_CONNECTION_ABORTED ((ws_result)0x80072EFEu)
/** The connection was reset. Status: CONNECTION_RESET. */
#define WS_E_CONNECTION_RESET ((ws_result)0x80072EFFu)
/** Never raised here: the original's client starts the request again. Status: UNKNOWN. */
#define WS_E_FORCE_RETRY ((ws_result)0x80072F00u)
/**
 * Never raised here: a request the proxy cannot take. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
 */
#define WS_E_INVALID_PROXY_REQUEST ((ws_result)0x80072F01u)
/** The certificate has expired or is not valid yet. Status: CERTIFICATE_EXPIRED. */
#define WS_E_SEC_CERT_DATE_INVALID ((ws_result)0x80072F05u)
/** The certificate is for another host. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT. */
#define WS_E_SEC_CERT_CN_INVALID ((ws_result)0x80072F06u)
/** Never raised here: ws to wss is followed. Status: HTTP_TO_HTTPS_ON_REDIRECTION. */
#define WS_E_HTTP_TO_HTTPS_ON_REDIR ((ws_result)0x80072F07u)
/** A redirect from wss to ws was refused. Status: HTTPS_TO_HTTP_ON_REDIRECTION. */
#define WS_E_HTTPS_TO_HTTP_ON_REDIR ((ws_result)0x80072F08u)
/** The server wants a client certificate. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_CLIENT_AUTH_CERT_NEEDED ((ws_result)0x80072F0Cu)
/** Never raised here: here WS_E_CERT_UNTRUSTEDROOT. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_INVALID_CA ((ws_result)0x80072F0Du)
/** Never raised here: client authentication is not set up. Status: UNKNOWN. */
#define WS_E_CLIENT_AUTH_NOT_SETUP ((ws_result)0x80072F0Eu)
/** Never raised here: here WS_E_REDIRECT_FAILED. Status: REDIRECT_FAILED. */
#define WS_E_REDIRECT_SCHEME_CHANGE ((ws_result)0x80072F10u)
/** The certificate has errors of several kinds. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_SEC_CERT_ERRORS ((ws_result)0x80072F17u)
/** Never raised here: WS_E_CRYPT_NO_REVOCATION_CHECK. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_SEC_CERT_NO_REV ((ws_result)0x80072F18u)
/** Whether it was revoked is not known. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_SEC_CERT_REV_FAILED ((ws_result)0x80072F19u)
/**
 * Never raised here: WS_E_INVALID_SERVER_RESPONSE. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
 */
#define WS_E_HEADER_NOT_FOUND ((ws_result)0x80072F76u)
/**
 * Never raised here: WS_E_INVALID_SERVER_RESPONSE. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE.
 */
#define WS_E_DOWNLEVEL_SERVER ((ws_result)0x80072F77u)
/** Not HTTP, or not an upgrade. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_INVALID_SERVER_RESPONSE ((ws_result)0x80072F78u)
/** A header line is malformed. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_INVALID_HEADER ((ws_result)0x80072F79u)
/** Never raised here: a query the original does not know. Status: UNKNOWN. */
#define WS_E_INVALID_QUERY_REQUEST ((ws_result)0x80072F7Au)
/** Never raised here: the same name again replaces. Status: UNKNOWN. */
#define WS_E_HEADER_ALREADY_EXISTS ((ws_result)0x80072F7Bu)
/** Too many redirects, or a Location that is bad or missing. Status: REDIRECT_FAILED. */
#define WS_E_REDIRECT_FAILED ((ws_result)0x80072F7Cu)
/** TLS failed, in the handshake or in a record. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_SECURITY_CHANNEL_ERROR ((ws_result)0x80072F7Du)
/** Never raised here: the system has no network. Status: SERVER_UNREACHABLE. */
#define WS_E_TCPIP_NOT_INSTALLED ((ws_result)0x80072F7Fu)
/** Never raised here: a redirect the original did not follow. Status: REDIRECT_FAILED. */
#define WS_E_NOT_REDIRECTED ((ws_result)0x80072F80u)
/** Never raised here: here WS_E_CONNECTION_ABORTED. Status: DISCONNECTED. */
#define WS_E_DISCONNECTED ((ws_result)0x80072F83u)
/** There is no way to the server's host or network. Status: SERVER_UNREACHABLE. */
#define WS_E_SERVER_UNREACHABLE ((ws_result)0x80072F84u)
/** Nobody answers as a proxy at the proxy's port. Status: SERVER_UNREACHABLE. */
#define WS_E_PROXY_SERVER_UNREACHABLE ((ws_result)0x80072F85u)
/** Never raised here: a proxy script that does not run. Status: UNKNOWN. */
#define WS_E_BAD_AUTO_PROXY_SCRIPT ((ws_result)0x80072F86u)
/** Never raised here: a proxy script that is not there. Status: UNKNOWN. */
#define WS_E_UNABLE_TO_DOWNLOAD_SCRIPT ((ws_result)0x80072F87u)
/** Never raised here: a redirect the user must allow. Status: REDIRECT_FAILED. */
#define WS_E_REDIRECT_NEEDS_CONFIRMATION ((ws_result)0x80072F88u)
/** The certificate is not a valid one. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_SEC_INVALID_CERT ((ws_result)0x80072F89u)
/** The certificate was revoked. Status: CERTIFICATE_REVOKED. */
#define WS_E_SEC_CERT_REVOKED ((ws_result)0x80072F8Au)
/** Never raised here: a check of the original's HTTP client. Status: UNKNOWN. */
#define WS_E_FAILED_DUETOSECURITYCHECK ((ws_result)0x80072F8Bu)
/** Never raised here: the original's HTTP client was not started. Status: UNKNOWN. */
#define WS_E_NOT_INITIALIZED ((ws_result)0x80072F8Cu)
/** Never raised here: here WS_E_HTTP_STATUS_DENIED. Status: UNAUTHORIZED. */
#define WS_E_LOGIN_FAILURE_DISPLAY_ENTITY_BODY ((ws_result)0x80072F8Eu)
/** Never raised here: bad content coding. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_DECODING_FAILED ((ws_result)0x80072F8Fu)

/* Certificates, as TLS on Windows names them (SEC_E_..., CRYPT_E_..., TRUST_E_..., CERT_E_...). */

/**
 * Never raised here: a certificate of another host. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT.
 */
#define WS_E_SEC_WRONG_PRINCIPAL ((ws_result)0x80090322u)
/** Never raised here: a chain to an untrusted root. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_SEC_UNTRUSTED_ROOT ((ws_result)0x80090325u)
/** Never raised here: a certificate not understood. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_SEC_CERT_UNKNOWN ((ws_result)0x80090327u)
/** Never raised here: a certificate out of date. Status: CERTIFICATE_EXPIRED. */
#define WS_E_SEC_CERT_EXPIRED ((ws_result)0x80090328u)
/** Never raised here: here WS_E_SEC_CERT_REVOKED. Status: CERTIFICATE_REVOKED. */
#define WS_E_CRYPT_REVOKED ((ws_result)0x80092010u)
/** Revocation could not be checked. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_CRYPT_NO_REVOCATION_CHECK ((ws_result)0x80092012u)
/** Never raised here: no list is fetched. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_CRYPT_REVOCATION_OFFLINE ((ws_result)0x80092013u)
/** A signature in the chain is wrong. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_TRUST_CERT_SIGNATURE ((ws_result)0x80096004u)
/** Never raised here: here WS_E_SEC_CERT_DATE_INVALID. Status: CERTIFICATE_EXPIRED. */
#define WS_E_CERT_EXPIRED ((ws_result)0x800B0101u)
/** The chain ends in a root that is not trusted. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_CERT_UNTRUSTEDROOT ((ws_result)0x800B0109u)
/** Never raised here: here WS_E_CERT_UNTRUSTEDROOT. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_CERT_CHAINING ((ws_result)0x800B010Au)
/** Never raised here: here WS_E_SEC_CERT_REVOKED. Status: CERTIFICATE_REVOKED. */
#define WS_E_CERT_REVOKED ((ws_result)0x800B010Cu)
/**
 * Never raised here: a certificate of another host. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT.
 */
#define WS_E_CERT_CN_NO_MATCH ((ws_result)0x800B010Fu)
/** The certificate is not for servers. Status: CERTIFICATE_CONTAINS_ERRORS. */
#define WS_E_CERT_WRONG_USAGE ((ws_result)0x800B0110u)
/** Never raised here: a name not allowed. Status: CERTIFICATE_COMMON_NAME_IS_INCORRECT. */
#define WS_E_CERT_INVALID_NAME ((ws_result)0x800B0114u)

/* Custom validation, and the addresses of the original's downloader (INET_E_...). */

/** Never raised here: here WS_E_INVALIDARG. Status: UNKNOWN. */
#define WS_E_INET_INVALID_URL ((ws_result)0x800C0002u)
/** Never raised here: here WS_E_CANNOT_CONNECT. Status: CANNOT_CONNECT. */
#define WS_E_INET_CANNOT_CONNECT ((ws_result)0x800C0004u)
/** Never raised here: here WS_E_NAME_NOT_RESOLVED. Status: HOST_NAME_NOT_RESOLVED. */
#define WS_E_RESOURCE_NOT_FOUND ((ws_result)0x800C0005u)
/** Never raised here: here WS_E_TIMEOUT. Status: TIMEOUT. */
#define WS_E_CONNECTION_TIMEOUT ((ws_result)0x800C000Bu)
/** Never raised here: here WS_E_INVALIDARG. Status: UNKNOWN. */
#define WS_E_UNKNOWN_PROTOCOL ((ws_result)0x800C000Du)
/** The custom validation rejected the server, or its chain has no pinned key. Status: UNKNOWN. */
#define WS_E_SECURITY_PROBLEM ((ws_result)0x800C000Eu)
/** Never raised here: here WS_E_REDIRECT_FAILED. Status: REDIRECT_FAILED. */
#define WS_E_INET_REDIRECT_FAILED ((ws_result)0x800C0014u)
/** Never raised here: here WS_E_SEC_INVALID_CERT. Status: CERTIFICATE_IS_INVALID. */
#define WS_E_INVALID_CERTIFICATE ((ws_result)0x800C0019u)

/* The server, or the proxy, answered with an HTTP status instead of the upgrade: 0x80190000 plus
 * the status, also for one without a constant here (HTTP_E_STATUS_...). */

/** Never raised here: some status, unnamed. Status: UNEXPECTED_STATUS_CODE. */
#define WS_E_HTTP_STATUS_UNEXPECTED ((ws_result)0x80190001u)
/** Never raised here: some 3xx. Status: UNEXPECTED_REDIRECTION. */
#define WS_E_HTTP_STATUS_UNEXPECTED_REDIRECTION ((ws_result)0x80190003u)
/** Never raised here: some 4xx. Status: UNEXPECTED_CLIENT_ERROR. */
#define WS_E_HTTP_STATUS_UNEXPECTED_CLIENT_ERROR ((ws_result)0x80190004u)
/** Never raised here: some 5xx. Status: UNEXPECTED_SERVER_ERROR. */
#define WS_E_HTTP_STATUS_UNEXPECTED_SERVER_ERROR ((ws_result)0x80190005u)
/** The answer was 300. Status: MULTIPLE_CHOICES. */
#define WS_E_HTTP_STATUS_AMBIGUOUS ((ws_result)0x8019012Cu)
/** The answer was 301. Status: MOVED_PERMANENTLY. */
#define WS_E_HTTP_STATUS_MOVED ((ws_result)0x8019012Du)
/** The answer was 302. Status: FOUND. */
#define WS_E_HTTP_STATUS_REDIRECT ((ws_result)0x8019012Eu)
/** The answer was 303. Status: SEE_OTHER. */
#define WS_E_HTTP_STATUS_REDIRECT_METHOD ((ws_result)0x8019012Fu)
/** The answer was 304. Status: NOT_MODIFIED. */
#define WS_E_HTTP_STATUS_NOT_MODIFIED ((ws_result)0x80190130u)
/** The answer was 305. Status: USE_PROXY. */
#define WS_E_HTTP_STATUS_USE_PROXY ((ws_result)0x80190131u)
/** The answer was 307. Status: TEMPORARY_REDIRECT. */
#define WS_E_HTTP_STATUS_REDIRECT_KEEP_VERB ((ws_result)0x80190133u)
/** The answer was 400. Status: BAD_REQUEST. */
#define WS_E_HTTP_STATUS_BAD_REQUEST ((ws_result)0x80190190u)
/** The answer was 401, also after the credential if one was set. Status: UNAUTHORIZED. */
#define WS_E_HTTP_STATUS_DENIED ((ws_result)0x80190191u)
/** The answer was 402. Status: PAYMENT_REQUIRED. */
#define WS_E_HTTP_STATUS_PAYMENT_REQ ((ws_result)0x80190192u)
/** The answer was 403. Status: FORBIDDEN. */
#define WS_E_HTTP_STATUS_FORBIDDEN ((ws_result)0x80190193u)
/** The answer was 404. Status: NOT_FOUND. */
#define WS_E_HTTP_STATUS_NOT_FOUND ((ws_result)0x80190194u)
/** The answer was 405. Status: METHOD_NOT_ALLOWED. */
#define WS_E_HTTP_STATUS_BAD_METHOD ((ws_result)0x80190195u)
/** The answer was 406. Status: NOT_ACCEPTABLE. */
#define WS_E_HTTP_STATUS_NONE_ACCEPTABLE ((ws_result)0x80190196u)
/** A proxy answered 407 or refused the password. Status: PROXY_AUTHENTICATION_REQUIRED. */
#define WS_E_HTTP_STATUS_PROXY_AUTH_REQ ((ws_result)0x80190197u)
/** The answer was 408. Status: REQUEST_TIMEOUT. */
#define WS_E_HTTP_STATUS_REQUEST_TIMEOUT ((ws_result)0x80190198u)
/** The answer was 409. Status: CONFLICT. */
#define WS_E_HTTP_STATUS_CONFLICT ((ws_result)0x80190199u)
/** The answer was 410. Status: GONE. */
#define WS_E_HTTP_STATUS_GONE ((ws_result)0x8019019Au)
/** The answer was 411. Status: LENGTH_REQUIRED. */
#define WS_E_HTTP_STATUS_LENGTH_REQUIRED ((ws_result)0x8019019Bu)
/** The answer was 412. Status: PRECONDITION_FAILED. */
#define WS_E_HTTP_STATUS_PRECOND_FAILED ((ws_result)0x8019019Cu)
/** The answer was 413. Status: REQUEST_ENTITY_TOO_LARGE. */
#define WS_E_HTTP_STATUS_REQUEST_TOO_LARGE ((ws_result)0x8019019Du)
/** The answer was 414. Status: REQUEST_URI_TOO_LONG. */
#define WS_E_HTTP_STATUS_URI_TOO_LONG ((ws_result)0x8019019Eu)
/** The answer was 415. Status: UNSUPPORTED_MEDIA_TYPE. */
#define WS_E_HTTP_STATUS_UNSUPPORTED_MEDIA ((ws_result)0x8019019Fu)
/** The answer was 416. Status: REQUESTED_RANGE_NOT_SATISFIABLE. */
#define WS_E_HTTP_STATUS_RANGE_NOT_SATISFIABLE ((ws_result)0x801901A0u)
/** The answer was 417. Status: EXPECTATION_FAILED. */
#define WS_E_HTTP_STATUS_EXPECTATION_FAILED ((ws_result)0x801901A1u)
/** The answer was 500. Status: INTERNAL_SERVER_ERROR. */
#define WS_E_HTTP_STATUS_SERVER_ERROR ((ws_result)0x801901F4u)
/** The answer was 501. Status: NOT_IMPLEMENTED. */
#define WS_E_HTTP_STATUS_NOT_SUPPORTED ((ws_result)0x801901F5u)
/** The answer was 502. Status: BAD_GATEWAY. */
#define WS_E_HTTP_STATUS_BAD_GATEWAY ((ws_result)0x801901F6u)
/** The answer was 503. Status: SERVICE_UNAVAILABLE. */
#define WS_E_HTTP_STATUS_SERVICE_UNAVAIL ((ws_result)0x801901F7u)
/** The answer was 504. Status: GATEWAY_TIMEOUT. */
#define WS_E_HTTP_STATUS_GATEWAY_TIMEOUT ((ws_result)0x801901F8u)
/** The answer was 505. Status: HTTP_VERSION_NOT_SUPPORTED. */
#define WS_E_HTTP_STATUS_VERSION_NOT_SUP ((ws_result)0x801901F9u)

/* JSON and feeds, which share the original's web facility (WEB_E_...). */

/** Never raised here: an unknown format. Status: UNKNOWN. */
#define WS_E_WEB_UNSUPPORTED_FORMAT ((ws_result)0x83750001u)
/** Never raised here: ill-formed XML. Status: UNKNOWN. */
#define WS_E_WEB_INVALID_XML ((ws_result)0x83750002u)
/** Never raised here: an element is missing. Status: UNKNOWN. */
#define WS_E_WEB_MISSING_REQUIRED_ELEMENT ((ws_result)0x83750003u)
/** Never raised here: an attribute is missing. Status: UNKNOWN. */
#define WS_E_WEB_MISSING_REQUIRED_ATTRIBUTE ((ws_result)0x83750004u)
/** Never raised here: content of another kind. Status: UNKNOWN. */
#define WS_E_WEB_UNEXPECTED_CONTENT ((ws_result)0x83750005u)
/** Never raised here: too large a resource. Status: UNKNOWN. */
#define WS_E_WEB_RESOURCE_TOO_LARGE ((ws_result)0x83750006u)
/** Never raised here: not a JSON string. Status: UNKNOWN. */
#define WS_E_WEB_INVALID_JSON_STRING ((ws_result)0x83750007u)
/** Never raised here: not a JSON number. Status: UNKNOWN. */
#define WS_E_WEB_INVALID_JSON_NUMBER ((ws_result)0x83750008u)
/** Never raised here: no such JSON value. Status: UNKNOWN. */
#define WS_E_WEB_JSON_VALUE_NOT_FOUND ((ws_result)0x83750009u)

/* The WebSocket protocol (E_... of the original's WebSocket facility). */

/** A right frame at the wrong time; close 1002. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_INVALID_PROTOCOL_OPERATION ((ws_result)0x83760001u)
/** A broken frame or bad deflate data; 1002, 1007. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_INVALID_PROTOCOL_FORMAT ((ws_result)0x83760002u)
/** An extension not offered. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED ((ws_result)0x83760003u)
/** A subprotocol not offered. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_SUBPROTOCOL_NOT_SUPPORTED ((ws_result)0x83760004u)
/** Never raised here: it answers 426. Status: ERROR_HTTP_INVALID_SERVER_RESPONSE. */
#define WS_E_PROTOCOL_VERSION_NOT_SUPPORTED ((ws_result)0x83760005u)

/* ==============================================================================================
 * Web error statuses: what a result means to people who think in HTTP.
 * ============================================================================================== */

/** The kind of failure behind a result: one of WS_WEB_ERROR_STATUS_.... */
typedef int32_t ws_web_error_status;

/** The result has no status of its own; read the result itself. */
#define WS_WEB_ERROR_STATUS_UNKNOWN ((ws_web_error_status)0)
/** The server's certificate is for another host. */
#define WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT ((ws_web_error_status)1)
/** The server's certificate has expired or is not valid yet. */
#define WS_WEB_ERROR_STATUS_CERTIFICATE_EXPIRED ((ws_web_error_status)2)
/** The server's certificate has errors, or one of the client's is missing. */
#define WS_WEB_ERROR_STATUS_CERTIFICATE_CONTAINS_ERRORS ((ws_web_error_status)3)
/** The server's certificate was revoked. */
#define WS_WEB_ERROR_STATUS_CERTIFICATE_REVOKED ((ws_web_error_status)4)
/** The server's certificate is not trusted, or TLS failed. */
#define WS_WEB_ERROR_STATUS_CERTIFICATE_IS_INVALID ((ws_web_error_status)5)
/** There is no way to the server or the proxy. */
#define WS_WEB_ERROR_STATUS_SERVER_UNREACHABLE ((ws_web_error_status)6)
/** A deadline passed. */
#define WS_WEB_ERROR_STATUS_TIMEOUT ((ws_web_error_status)7)
/** The server broke HTTP or the WebSocket protocol. */
#define WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE ((ws_web_error_status)8)
/** The connection ended without a closing handshake. */
#define WS_WEB_ERROR_STATUS_CONNECTION_ABORTED ((ws_web_error_status)9)
/** The connection was reset. */
#define WS_WEB_ERROR_STATUS_CONNECTION_RESET ((ws_web_error_status)10)
/** The connection is gone. */
#define WS_WEB_ERROR_STATUS_DISCONNECTED ((ws_web_error_status)11)
/** A redirect led from ws to wss. */
#define WS_WEB_ERROR_STATUS_HTTP_TO_HTTPS_ON_REDIRECTION ((ws_web_error_status)12)
/** A redirect led from wss to ws. */
#define WS_WEB_ERROR_STATUS_HTTPS_TO_HTTP_ON_REDIRECTION ((ws_web_error_status)13)
/** Nobody listens at the server's port. */
#define WS_WEB_ERROR_STATUS_CANNOT_CONNECT ((ws_web_error_status)14)
/** The host's name is unknown. */
#define WS_WEB_ERROR_STATUS_HOST_NAME_NOT_RESOLVED ((ws_web_error_status)15)
/** The operation was cancelled. */
#define WS_WEB_ERROR_STATUS_OPERATION_CANCELED ((ws_web_error_status)16)
/** A redirect could not be followed. */
#define WS_WEB_ERROR_STATUS_REDIRECT_FAILED ((ws_web_error_status)17)
/** The HTTP status is not 101 and has no name here. */
#define WS_WEB_ERROR_STATUS_UNEXPECTED_STATUS_CODE ((ws_web_error_status)18)
/** An HTTP status 3xx without a name here. */
#define WS_WEB_ERROR_STATUS_UNEXPECTED_REDIRECTION ((ws_web_error_status)19)
/** An HTTP status 4xx without a name here. */
#define WS_WEB_ERROR_STATUS_UNEXPECTED_CLIENT_ERROR ((ws_web_error_status)20)
/** An HTTP status 5xx without a name here. */
#define WS_WEB_ERROR_STATUS_UNEXPECTED_SERVER_ERROR ((ws_web_error_status)21)
/** Never comes of a result: the server lacks byte ranges. */
#define WS_WEB_ERROR_STATUS_INSUFFICIENT_RANGE_SUPPORT ((ws_web_error_status)22)
/** Never comes of a result: the server sends no length. */
#define WS_WEB_ERROR_STATUS_MISSING_CONTENT_LENGTH_SUPPORT ((ws_web_error_status)23)
/** HTTP status 300. */
#define WS_WEB_ERROR_STATUS_MULTIPLE_CHOICES ((ws_web_error_status)300)
/** HTTP status 301. */
#define WS_WEB_ERROR_STATUS_MOVED_PERMANENTLY ((ws_web_error_status)301)
/** HTTP status 302. */
#define WS_WEB_ERROR_STATUS_FOUND ((ws_web_error_status)302)
/** HTTP status 303. */
#define WS_WEB_ERROR_STATUS_SEE_OTHER ((ws_web_error_status)303)
/** HTTP status 304. */
#define WS_WEB_ERROR_STATUS_NOT_MODIFIED ((ws_web_error_status)304)
/** HTTP status 305. */
#define WS_WEB_ERROR_STATUS_USE_PROXY ((ws_web_error_status)305)
/** HTTP status 307. */
#define WS_WEB_ERROR_STATUS_TEMPORARY_REDIRECT ((ws_web_error_status)307)
/** HTTP status 400. */
#define WS_WEB_ERROR_STATUS_BAD_REQUEST ((ws_web_error_status)400)
/** HTTP status 401. */
#define WS_WEB_ERROR_STATUS_UNAUTHORIZED ((ws_web_error_status)401)
/** HTTP status 402. */
#define WS_WEB_ERROR_STATUS_PAYMENT_REQUIRED ((ws_web_error_status)402)
/** HTTP status 403. */
#define WS_WEB_ERROR_STATUS_FORBIDDEN ((ws_web_error_status)403)
/** HTTP status 404. */
#define WS_WEB_ERROR_STATUS_NOT_FOUND ((ws_web_error_status)404)
/** HTTP status 405. */
#define WS_WEB_ERROR_STATUS_METHOD_NOT_ALLOWED ((ws_web_error_status)405)
/** HTTP status 406. */
#define WS_WEB_ERROR_STATUS_NOT_ACCEPTABLE ((ws_web_error_status)406)
/** HTTP status 407. */
#define WS_WEB_ERROR_STATUS_PROXY_AUTHENTICATION_REQUIRED ((ws_web_error_status)407)
/** HTTP status 408. */
#define WS_WEB_ERROR_STATUS_REQUEST_TIMEOUT ((ws_web_error_status)408)
/** HTTP status 409. */
#define WS_WEB_ERROR_STATUS_CONFLICT ((ws_web_error_status)409)
/** HTTP status 410. */
#define WS_WEB_ERROR_STATUS_GONE ((ws_web_error_status)410)
/** HTTP status 411. */
#define WS_WEB_ERROR_STATUS_LENGTH_REQUIRED ((ws_web_error_status)411)
/** HTTP status 412. */
#define WS_WEB_ERROR_STATUS_PRECONDITION_FAILED ((ws_web_error_status)412)
/** HTTP status 413. */
#define WS_WEB_ERROR_STATUS_REQUEST_ENTITY_TOO_LARGE ((ws_web_error_status)413)
/** HTTP status 414. */
#define WS_WEB_ERROR_STATUS_REQUEST_URI_TOO_LONG ((ws_web_error_status)414)
/** HTTP status 415. */
#define WS_WEB_ERROR_STATUS_UNSUPPORTED_MEDIA_TYPE ((ws_web_error_status)415)
/** HTTP status 416. */
#define WS_WEB_ERROR_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE ((ws_web_error_status)416)
/** HTTP status 417. */
#define WS_WEB_ERROR_STATUS_EXPECTATION_FAILED ((ws_web_error_status)417)
/** HTTP status 500. */
#define WS_WEB_ERROR_STATUS_INTERNAL_SERVER_ERROR ((ws_web_error_status)500)
/** HTTP status 501. */
#define WS_WEB_ERROR_STATUS_NOT_IMPLEMENTED ((ws_web_error_status)501)
/** HTTP status 502. */
#define WS_WEB_ERROR_STATUS_BAD_GATEWAY ((ws_web_error_status)502)
/** HTTP status 503. */
#define WS_WEB_ERROR_STATUS_SERVICE_UNAVAILABLE ((ws_web_error_status)503)
/** HTTP status 504. */
#define WS_WEB_ERROR_STATUS_GATEWAY_TIMEOUT ((ws_web_error_status)504)
/** HTTP status 505. */
#define WS_WEB_ERROR_STATUS_HTTP_VERSION_NOT_SUPPORTED ((ws_web_error_status)505)

/* ==============================================================================================
 * The types, constants and callback shapes of the header.
 * ============================================================================================== */

/** A WebSocket. A value that looks like a pointer and is never dereferenced. */
typedef struct ws_socket ws_socket;

/** A queue that carries events to a thread of yours. */
typedef struct ws_event_queue ws_event_queue;

/** A question whether a server's certificate is accepted. */
typedef struct ws_validation ws_validation;

/** Where a socket stands in its life: one of WS_STATE_... */
typedef uint32_t ws_state;
/** What ws_get_state answers for a handle that is not a live socket. */
#define WS_STATE_NONE ((ws_state)0u)
/** Not connected yet, or the last connect failed: controls and handlers may be set. */
#define WS_STATE_CREATED ((ws_state)1u)
/** A connect is under way. */
#define WS_STATE_CONNECTING ((ws_state)2u)
/** Messages may be sent and are received. */
#define WS_STATE_OPEN ((ws_state)3u)
/** A close frame has been sent or received. */
#define WS_STATE_CLOSING ((ws_state)4u)
/** The connection has ended for good. */
#define WS_STATE_CLOSED ((ws_state)5u)

/** Names an operation of a socket: ws_cancel takes it, completions carry it. */
typedef uint64_t ws_operation;
/** The connect of a socket. */
#define WS_OPERATION_CONNECT ((ws_operation)1u)

/** What a message holds: one of WS_MESSAGE_TYPE_... */
typedef uint32_t ws_message_type;
/** Bytes. */
#define WS_MESSAGE_TYPE_BINARY ((ws_message_type)0u)
/** Text in UTF-8; received text has been checked. */
#define WS_MESSAGE_TYPE_UTF8 ((ws_message_type)1u)

/** How messages are handed over: one of WS_RECEIVE_MODE_... */
typedef uint32_t ws_receive_mode;
/** Whole. */
#define WS_RECEIVE_MODE_FULL_MESSAGE ((ws_receive_mode)0u)
/** In portions, as they arrive. A portion of text may end inside a code point. */
#define WS_RECEIVE_MODE_PARTIAL_MESSAGE ((ws_receive_mode)1u)

/** A timeout in milliseconds that never ends. 0 polls. */
#define WS_INFINITE ((uint32_t)0xFFFFFFFFu)

/** How far a failed connection had come: one of WS_ERROR_PHASE_... */
typedef uint32_t ws_error_phase;
/** Nothing has failed. */
#define WS_ERROR_PHASE_NONE ((ws_error_phase)0u)
/** Looking up the host name. */
#define WS_ERROR_PHASE_NAME ((ws_error_phase)1u)
/** Connecting to an address. */
#define WS_ERROR_PHASE_TCP ((ws_error_phase)2u)
/** Finding a proxy, reaching it, and asking it for a connection. */
#define WS_ERROR_PHASE_PROXY ((ws_error_phase)3u)
/** The TLS handshake and the certificate. */
#define WS_ERROR_PHASE_TLS ((ws_error_phase)4u)
/** The upgrade request and its answer. */
#define WS_ERROR_PHASE_HTTP ((ws_error_phase)5u)
/** The open connection. */
#define WS_ERROR_PHASE_WEBSOCKET ((ws_error_phase)6u)
/** The closing handshake. */
#define WS_ERROR_PHASE_CLOSING ((ws_error_phase)7u)

/** A message, or in partial mode a portion of one. Made by the library. */
typedef struct ws_message {
    /** The bytes; never NULL, and one zero byte follows them. */
    const uint8_t *data;
    /** How many; the zero byte is not counted. */
    size_t len;
    /** WS_MESSAGE_TYPE_UTF8 or WS_MESSAGE_TYPE_BINARY, as the server sent it. */
    ws_message_type type;
    /** 1 for a whole message or its last portion, else 0. */
    uint8_t is_complete;
} ws_message;

/** One message of a batch. */
typedef struct ws_buffer {
    /** The bytes; may be NULL if len is 0. */
    const void *data;
    /** How many. */
    size_t len;
} ws_buffer;

/** How a connection ended. Made by the library, borrowed during the callback. */
typedef struct ws_closed {
    /** WS_OK after a closing handshake, else why the connection ended. */
    ws_result result;
    /** The code that the server sent; 1005 for an empty close frame, 1006 for none. */
    uint16_t code;
    /** The reason that the server sent: UTF-8, never NULL, ended by a NUL; it may hold others. */
    const char *reason;
    /** 1 after a closing handshake, else 0. */
    uint8_t was_clean;
    /** 1 when the server's close frame came before ws_close was called, else 0. */
    uint8_t by_peer;
    /** The length of reason in bytes, without the NUL at its end. */
    size_t reason_length;
} ws_closed;

/** Why the last connect failed, or why the connection ended. Filled by ws_get_error. */
typedef struct ws_error {
    /** Set by you to sizeof(ws_error) before the call. */
    uint32_t struct_size;
    /** The failure; WS_OK when there was none. */
    ws_result result;
    /** The same as ws_get_web_error_status(result). */
    ws_web_error_status web_error_status;
    /** How far the connection had come, also when you ended it. */
    ws_error_phase phase;
    /** The status of the server's answer to the upgrade request; 0 when there was none. */
    uint32_t http_status;
    /**
     * errno, WSAGetLastError(), or the code of getaddrinfo (EAI_...) for a name without an address;
     * 0 when the system had no part in it.
     */
    int32_t system_error;
    /** The fatal TLS alert that the server sent (RFC 8446 section 6); 0 for none. */
    uint32_t tls_alert;
    /**
     * What is wrong with the server's certificate, also what was ignored: bits of
     * WS_CERTIFICATE_ERROR_...; 0 when that was not the failure.
     */
    uint32_t certificate_errors;
    /** A sentence in English, ended by a NUL. Holds no secret. May change between versions. */
    char text[256];
} ws_error;

/**
 * Told when an operation has ended.
 *
 * @param socket  The handle that the operation was begun with.
 * @param operation  WS_OPERATION_CONNECT, or the number that ws_send_async gave.
 * @param result  WS_OK, or why it failed; WS_E_ABORT when it was cancelled.
 * @param bytes  What a send took of the message, in bytes; 0 for a connect.
 * @param user_data  What the operation was begun with.
 * @ownership  user_data is yours again; the socket stays.
 * @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
 *     not longjmp.
 * @since 0.1
 */
typedef void (*ws_completed_fn)(struct ws_socket *socket,
                                ws_operation operation,
                                ws_result result,
                                uint64_t bytes,
                                void *user_data);

/**
 * Told of each message.
 *
 * @param socket  The socket it came from.
 * @param message  Borrowed until the callback returns; ws_message_retain keeps it longer.
 * @param user_data  What the handler was registered with.
 * @ownership  message is borrowed until the callback returns.
 * @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
 *     not longjmp.
 * @since 0.1
 */
typedef void (*ws_message_received_fn)(struct ws_socket *socket,
                                       const struct ws_message *message,
                                       void *user_data);

/**
 * Told once for each connect that succeeded: the connection has ended.
 *
 * @param socket  The socket.
 * @param closed  How it ended; borrowed until the callback returns.
 * @param user_data  What the handler was registered with.
 * @ownership  closed is borrowed until the callback returns; the socket stays yours.
 * @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
 *     not longjmp.
 * @since 0.1
 */
typedef void (*ws_closed_fn)(struct ws_socket *socket,
                             const struct ws_closed *closed,
                             void *user_data);

/**
 * Asked whether the server's certificate is accepted. Returning without ws_validation_reject and
 * without a deferral accepts it.
 *
 * @param socket  The socket; its information tells about the certificate.
 * @param validation  The question; valid until the connect has ended.
 * @param user_data  What the handler was registered with.
 * @ownership  The question goes with its connect.
 * @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
 *     not longjmp.
 * @since 0.1
 */
typedef void (*ws_validation_fn)(struct ws_socket *socket,
                                 struct ws_validation *validation,
                                 void *user_data);

/**
 * Told that the send queue fell below half its limit after WS_E_WOULD_BLOCK.
 *
 * @param socket  The socket.
 * @param user_data  What the handler was registered with.
 * @ownership  Nothing is handed over.
 * @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
 *     not longjmp.
 * @since 0.1
 */
typedef void (*ws_send_ready_fn)(struct ws_socket *socket, void *user_data);

/**
 * Told that the server answered a ping: of ws_ping, or of the heartbeat (PING_INTERVAL_MS).
 *
 * @param socket  The socket.
 * @param round_trip_us  From the ping to the answer, in microseconds; 0 for less than one.
 * @param user_data  What the handler was registered with.
 * @ownership  Nothing is handed over.
 * @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
 *     not longjmp.
 * @since 0.1
 */
typedef void (*ws_pong_fn)(struct ws_socket *socket, uint64_t round_trip_us, void *user_data);

/**
 * The last callback of a socket ever: every user_data may be freed.
 *
 * @param socket  The old handle, for comparison only.
 * @param user_data  What the handler was registered with.
 * @ownership  Every user_data of the socket is yours again.
 * @threads  As the others, or the thread that calls ws_shutdown. Must not throw and must not
 *     longjmp.
 * @since 0.1
 */
typedef void (*ws_released_fn)(struct ws_socket *socket, void *user_data);

/**
 * Told when an event queue turns non-empty.
 *
 * @param queue  The queue.
 * @param user_data  What the hook was registered with.
 * @ownership  Nothing is handed over.
 * @threads  The I/O thread. Must not throw and must not longjmp.
 * @since 0.1
 */
typedef void (*ws_wake_fn)(struct ws_event_queue *queue, void *user_data);

/** How much the log tells: one of WS_LOG_... */
typedef uint32_t ws_log_level;
/** Nothing. */
#define WS_LOG_OFF ((ws_log_level)0u)
/** What must not happen. */
#define WS_LOG_ERROR ((ws_log_level)1u)
/** What is probably a mistake. */
#define WS_LOG_WARNING ((ws_log_level)2u)
/** Connections that open, fail and close. */
#define WS_LOG_INFORMATION ((ws_log_level)3u)
/** Everything. */
#define WS_LOG_DEBUG ((ws_log_level)4u)

/**
 * Receives a line of the log.
 *
 * @param level  One of WS_LOG_...
 * @param text  The line: UTF-8, without a line end; borrowed until the callback returns. It never
 *     holds payload, or the value of a header that carries a secret.
 * @param user_data  What the callback was registered with.
 * @ownership  text is borrowed until the callback returns.
 * @threads  Any thread, also inside a call of yours. Must not throw and must not longjmp.
 * @since 0.1
 */
typedef void (*ws_log_fn)(ws_log_level level, const char *text, void *user_data);

/** What an event tells: one of WS_EVENT_... */
typedef uint32_t ws_event_type;
/** An operation has ended: operation, result, bytes. */
#define WS_EVENT_COMPLETED ((ws_event_type)1u)
/** A message: message. */
#define WS_EVENT_MESSAGE_RECEIVED ((ws_event_type)2u)
/** The connection has ended: closed. */
#define WS_EVENT_CLOSED ((ws_event_type)3u)
/** The server's certificate is to be judged: validation, which is a deferral already. */
#define WS_EVENT_SERVER_CUSTOM_VALIDATION_REQUESTED ((ws_event_type)4u)
/** The send queue has room again. */
#define WS_EVENT_SEND_READY ((ws_event_type)5u)
/** A ping was answered: round_trip_us. */
#define WS_EVENT_PONG ((ws_event_type)6u)
/** The last event of the socket. */
#define WS_EVENT_RELEASED ((ws_event_type)7u)

/**
 * An event taken with ws_event_queue_next. Made by the library, valid until ws_event_release,
 * also after its socket was freed. What does not belong to the type is 0 or NULL.
 */
typedef struct ws_event {
    /** One of WS_EVENT_... */
    ws_event_type type;
    /** The socket it came from; stale once that was freed. */
    struct ws_socket *socket;
    /** Of COMPLETED the operation's, elsewhere that of ws_set_user_data. */
    void *user_data;
    /** COMPLETED: which operation. */
    ws_operation operation;
    /** COMPLETED: WS_OK, or why it failed. */
    ws_result result;
    /** COMPLETED: bytes of the message. */
    uint64_t bytes;
    /** MESSAGE_RECEIVED: the message, as long as the event; ws_message_retain keeps it longer. */
    const struct ws_message *message;
    /** CLOSED: how the connection ended, as long as the event. */
    const struct ws_closed *closed;
    /** SERVER_CUSTOM_VALIDATION_REQUESTED: to be answered with ws_validation_complete. */
    struct ws_validation *validation;
    /** PONG: from the ping to the answer, in microseconds. */
    uint64_t round_trip_us;
} ws_event;

/** Names a piece of information: one of WS_INFORMATION_... */
typedef uint32_t ws_information;
/** Text: our address on the connection. */
#define WS_INFORMATION_LOCAL_ADDRESS ((ws_information)1u)
/** Integer: our port. */
#define WS_INFORMATION_LOCAL_PORT ((ws_information)2u)
/** Text: the server's address. */
#define WS_INFORMATION_REMOTE_ADDRESS ((ws_information)3u)
/** Integer: the server's port. */
#define WS_INFORMATION_REMOTE_PORT ((ws_information)4u)
/** Text: the subprotocol that the server chose; empty for none. */
#define WS_INFORMATION_PROTOCOL ((ws_information)5u)
/** Text: the server's Sec-WebSocket-Extensions; empty for none. */
#define WS_INFORMATION_EXTENSIONS ((ws_information)6u)
/** Integer: the status of the answer to the upgrade request, also of a refusal; 0 before it. */
#define WS_INFORMATION_HTTP_STATUS ((ws_information)7u)
/** Bytes: the first 64 KiB of the body of a refusal. */
#define WS_INFORMATION_RESPONSE_BODY ((ws_information)8u)
/** Bytes: the server's certificate in DER; of length 0 without TLS. */
#define WS_INFORMATION_SERVER_CERTIFICATE ((ws_information)9u)
/** Bytes, by index from 0: the certificates that the server sent besides its own, in DER. */
#define WS_INFORMATION_SERVER_INTERMEDIATE_CERTIFICATES ((ws_information)10u)
/**
 * Integer: what is wrong with the server's certificate, bits of WS_CERTIFICATE_ERROR_..., also what
 * was ignored; 0 without TLS.
 */
#define WS_INFORMATION_SERVER_CERTIFICATE_ERRORS ((ws_information)11u)
/** Integer, WS_SSL_ERROR_SEVERITY_...: how grave these are. */
#define WS_INFORMATION_SERVER_CERTIFICATE_ERROR_SEVERITY ((ws_information)12u)
/** Text: "TLS 1.3" or "TLS 1.2"; empty without TLS. */
#define WS_INFORMATION_TLS_VERSION ((ws_information)13u)
/** Text: the cipher suite's name at the IANA; empty without TLS. */
#define WS_INFORMATION_TLS_CIPHER_SUITE ((ws_information)14u)
/** Text: the URI that was connected to, normalised. */
#define WS_INFORMATION_REQUEST_URI ((ws_information)15u)
/** Integer: 1 when the TLS session was resumed, else 0. */
#define WS_INFORMATION_TLS_RESUMED ((ws_information)16u)

/* ==============================================================================================
 * Names of controls: what each is, its unit, its range and its default.
 * ============================================================================================== */

/** Names a control: one of WS_CONTROL_... */
typedef uint32_t ws_control;
/** Integer, WS_MESSAGE_TYPE_..., default BINARY, live: the type of what ws_send sends. */
#define WS_CONTROL_MESSAGE_TYPE ((ws_control)1u)
/**
 * Integer, bytes, default 64 MiB: a larger message ends the connection with
 * WS_E_MESSAGE_TOO_BIG. 0xFFFFFFFF for no limit.
 */
#define WS_CONTROL_MAX_MESSAGE_SIZE ((ws_control)2u)
/**
 * Integer, WS_RECEIVE_MODE_..., default FULL_MESSAGE: whether messages are handed over whole, or in
 * portions as they arrive.
 */
#define WS_CONTROL_RECEIVE_MODE ((ws_control)3u)
/** Text, default empty: subprotocols in order of preference, separated by commas. */
#define WS_CONTROL_SUPPORTED_PROTOCOLS ((ws_control)4u)
/** Integer, bytes, default 0: the system's send buffer (SO_SNDBUF); 0 leaves it to the system. */
#define WS_CONTROL_OUTBOUND_BUFFER_SIZE ((ws_control)5u)
/** Integer, 0 or 1, default 1: small messages leave at once (TCP_NODELAY). */
#define WS_CONTROL_NO_DELAY ((ws_control)6u)
/**
 * Integer, milliseconds, default 0 for none: how often an empty pong is sent that answers nothing.
 * It keeps the ways to the server open; the server does not answer it.
 */
#define WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS ((ws_control)7u)
/** Integer, milliseconds, read-only: the interval that is in effect, which is the desired one. */
#define WS_CONTROL_ACTUAL_UNSOLICITED_PONG_INTERVAL_MS ((ws_control)8u)
/**
 * Integer, bits of WS_CERTIFICATE_ERROR_..., default 0: faults of the server's certificate that do
 * not prevent the connection. All that is wrong with a chain is found, and each fault is ignored
 * only if all of its bits are set. A revoked certificate and an invalid signature are never
 * ignored: their bits are WS_E_INVALIDARG. Pin a key or judge the certificate yourself when you
 * ignore faults, or you talk to anybody.
 */
#define WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS ((ws_control)9u)
/**
 * Bytes, PEM, default none: the certificate that is shown when the server asks for one, with its
 * chain behind it, and its private key (PKCS#8, PKCS#1 or SEC1), which is not encrypted and belongs
 * to the first certificate. The bytes of the key are overwritten once they have been read; the form
 * that is signed with lives as long as a socket or a connection needs it.
 */
#define WS_CONTROL_CLIENT_CERTIFICATE ((ws_control)10u)
/**
 * Bytes, PEM, default none: root certificates besides the system's, or with TRUST_SYSTEM_STORE 0
 * instead of them. A certificate that is the server's own needs no root.
 */
#define WS_CONTROL_TRUSTED_CERTIFICATES ((ws_control)11u)
/**
 * Integer, 0 or 1, default 1: whether the system's root certificates are trusted. On Linux and the
 * BSDs they are files: those that SSL_CERT_FILE and SSL_CERT_DIR name, else the system's, else
 * roots that came with the library. A connect reads them when they were last read five minutes ago
 * or longer.
 */
#define WS_CONTROL_TRUST_SYSTEM_STORE ((ws_control)12u)
/**
 * Integer, milliseconds, default 60000: for the name lookup, and for each address from TCP to the
 * answer of the upgrade request; bytes that trickle in do not extend it. Behind "socks5:" each
 * address that the proxy is asked for has as long. A lookup of the system's cannot be stopped: one
 * that hangs is left alone with its thread. Four of one name and sixty in all may be under way;
 * what comes after them waits for its turn, until this.
 */
#define WS_CONTROL_CONNECT_TIMEOUT_MS ((ws_control)13u)
/**
 * Integer, default 5: addresses of the host that are tried, or that a "socks5:" proxy is asked for.
 */
#define WS_CONTROL_MAX_CONNECT_ADDRESSES ((ws_control)14u)
/** Integer, milliseconds, default 0 for none: over everything until the connection is open. */
#define WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS ((ws_control)15u)
/**
 * Integer, milliseconds, default 30000, live: when nothing leaves for that long while data waits
 * the connection ends with WS_E_TIMEOUT.
 */
#define WS_CONTROL_SEND_TIMEOUT_MS ((ws_control)16u)
/** Integer, milliseconds, default 10000, live: how long the closing handshake may take. */
#define WS_CONTROL_CLOSE_TIMEOUT_MS ((ws_control)17u)
/**
 * Integer, milliseconds, default 30000, live: silence in the middle of a message, or after a ping
 * of ws_ping, ends the connection with WS_E_TIMEOUT. An idle open socket never times out.
 */
#define WS_CONTROL_RECEIVE_TIMEOUT_MS ((ws_control)18u)
/**
 * Integer, milliseconds, default 0 for none, live: the heartbeat. A ping is sent so long after the
 * connection has opened, and again so long after each; its answers arrive as pong. It goes on
 * while nobody dispatches the queue, and ends when closing begins. A ping is left out while an
 * earlier one waits to leave.
 */
#define WS_CONTROL_PING_INTERVAL_MS ((ws_control)19u)
/**
 * Integer, milliseconds, default 10000, live: when the first unanswered ping of the heartbeat is
 * so old the connection ends with WS_E_TIMEOUT, whatever else arrives. While the socket is not
 * read because of RECEIVE_QUEUE_LIMIT the time stands still, and afterwards it begins anew.
 */
#define WS_CONTROL_PONG_TIMEOUT_MS ((ws_control)20u)
/**
 * Text, default empty: the proxy that connects, "http://host:port", "https:", "socks5h:" (names are
 * looked up by the proxy) or "socks5:" (by us); no scheme means http; user and password may stand
 * before an @, percent-encoded; without a port it is 1080, or 443 for https. "direct:" for none.
 * Empty takes it from the environment: https_proxy for wss, http_proxy for ws, else all_proxy,
 * unless no_proxy lists the host; lower case wins over upper; never for loopback.
 */
#define WS_CONTROL_PROXY ((ws_control)21u)
/**
 * Integer, 0 to 20, default 0: how many redirections in a row are followed, never from wss to ws.
 * To another origin no request header, credential or client certificate of yours travels.
 */
#define WS_CONTROL_MAX_REDIRECTS ((ws_control)22u)
/**
 * Integer, 0 or 1, default 0: whether compression (permessage-deflate, RFC 7692) is offered to the
 * server. Once agreed upon it takes memory per connection, from the first compressed message on:
 * 47 KiB to receive and 288 KiB to send (176 KiB at a window of 12, 162 KiB at 9); without
 * context take-over it is given back after each message. Do not compress secrets together with
 * what others can choose.
 */
#define WS_CONTROL_COMPRESSION ((ws_control)23u)
/**
 * Integer, 9 to 15, default 15: the largest window that we compress with, as a power of 2 in bytes.
 */
#define WS_CONTROL_COMPRESSION_CLIENT_MAX_WINDOW_BITS ((ws_control)24u)
/**
 * Integer, 9 to 15, default 15: the largest window that the server may compress with. Below 15 a
 * server that does not grant it is refused with WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED.
 */
#define WS_CONTROL_COMPRESSION_SERVER_MAX_WINDOW_BITS ((ws_control)25u)
/** Integer, 0 or 1, default 0: 1 compresses each message that we send by itself. */
#define WS_CONTROL_COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER ((ws_control)26u)
/**
 * Integer, 0 or 1, default 0: 1 asks the server to do so; one that does not grant it is refused
 * with WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED.
 */
#define WS_CONTROL_COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER ((ws_control)27u)
/** Integer, 0 to 9, default 6, live: how hard messages are compressed; 0 stores them. */
#define WS_CONTROL_COMPRESSION_LEVEL ((ws_control)28u)
/** Integer, bytes, default 64, live: smaller messages are sent uncompressed. */
#define WS_CONTROL_COMPRESSION_THRESHOLD ((ws_control)29u)
/**
 * Integer, 0 or 1, default 1: whether a later connection may take up the TLS session of an earlier
 * one, which is faster. Sockets with the same host, port, proxy and TLS controls share sessions,
 * others never. The certificate that the session began with is judged again by what holds now.
 */
#define WS_CONTROL_TLS_SESSION_RESUMPTION ((ws_control)31u)
/**
 * Integer, bytes on the wire, default 16 MiB, live: with more waiting, ws_send answers
 * WS_E_WOULD_BLOCK. An empty queue takes one message of any size.
 */
#define WS_CONTROL_SEND_QUEUE_LIMIT ((ws_control)32u)
/**
 * Integer, bytes, default 16 MiB: with more waiting in an event queue or for ws_receive, the
 * socket is not read until you have taken half of it. Each message counts 128 bytes more than it
 * holds. Nothing is dropped.
 */
#define WS_CONTROL_RECEIVE_QUEUE_LIMIT ((ws_control)33u)
/**
 * Integer, default 65536: frames of one message, empty ones included, except one that only ends
 * some payload; more end the connection with WS_E_MESSAGE_TOO_BIG.
 */
#define WS_CONTROL_MAX_FRAGMENTS ((ws_control)34u)
/**
 * Bytes, PEM (X509 CRL), default none: revocation lists. A certificate that one of them names is
 * refused with WS_E_SEC_CERT_REVOKED whatever is ignorable, also when the list has expired. With
 * lists the server's certificate has to be covered by one that its issuer has signed: by none is
 * WS_CERTIFICATE_ERROR_REVOCATION_INFORMATION_MISSING, by one that has expired, is not valid yet or
 * has a wrong signature is WS_CERTIFICATE_ERROR_REVOCATION_FAILURE. Authorities in between may be
 * left out. Lists are never fetched.
 */
#define WS_CONTROL_CERTIFICATE_REVOCATION_LISTS ((ws_control)35u)
/**
 * Text, default empty for any: public keys one of which has to be in the server's chain, else the
 * connect fails with WS_E_SECURITY_PROBLEM. Each is sha256/ and the base64 of the SHA-256 of its
 * SubjectPublicKeyInfo (RFC 7469), separated by spaces or commas. The rest of the chain is judged
 * all the same, and what is ignorable there does not ignore a pin. Where the platform judges chains
 * (Windows, macOS, Android) a root of its own cannot be pinned.
 */
#define WS_CONTROL_PINNED_PUBLIC_KEYS ((ws_control)36u)
/**
 * Integer, 0 or 1, default 0: whether the secrets of the connection are written to the file that
 * the environment variable SSLKEYLOGFILE names, for debugging: who reads it reads the connection.
 */
#define WS_CONTROL_TLS_KEY_LOG ((ws_control)37u)

/**
 * What is wrong with a server's certificate: bits of WS_CERTIFICATE_ERROR_... Bit n is
 * ChainValidationResult n of the original.
 */
typedef uint32_t ws_certificate_errors;
/** The chain leads to no root that is trusted. */
#define WS_CERTIFICATE_ERROR_UNTRUSTED ((ws_certificate_errors)2u)
/** A certificate was revoked. Never ignorable. */
#define WS_CERTIFICATE_ERROR_REVOKED ((ws_certificate_errors)4u)
/** A certificate has expired or is not valid yet. */
#define WS_CERTIFICATE_ERROR_EXPIRED ((ws_certificate_errors)8u)
/** The chain ends where an issuer is missing. Comes with UNTRUSTED. */
#define WS_CERTIFICATE_ERROR_INCOMPLETE_CHAIN ((ws_certificate_errors)16u)
/** A signature in the chain is not valid, or of a kind that is too weak. Never ignorable. */
#define WS_CERTIFICATE_ERROR_INVALID_SIGNATURE ((ws_certificate_errors)32u)
/** A certificate is not for servers. */
#define WS_CERTIFICATE_ERROR_WRONG_USAGE ((ws_certificate_errors)64u)
/** The certificate is for another name or address. */
#define WS_CERTIFICATE_ERROR_INVALID_NAME ((ws_certificate_errors)128u)
/** A policy of an authority is not kept. Not told apart here: it never occurs. */
#define WS_CERTIFICATE_ERROR_INVALID_CERTIFICATE_AUTHORITY_POLICY ((ws_certificate_errors)256u)
/**
 * An authority's certificate is used by a server, or the other way round, or a chain is too deep.
 */
#define WS_CERTIFICATE_ERROR_BASIC_CONSTRAINTS_ERROR ((ws_certificate_errors)512u)
/** A certificate has a critical extension that is not understood. */
#define WS_CERTIFICATE_ERROR_UNKNOWN_CRITICAL_EXTENSION ((ws_certificate_errors)1024u)
/** No revocation list covers the certificate. */
#define WS_CERTIFICATE_ERROR_REVOCATION_INFORMATION_MISSING ((ws_certificate_errors)2048u)
/** The revocation list for the certificate has expired or is broken. */
#define WS_CERTIFICATE_ERROR_REVOCATION_FAILURE ((ws_certificate_errors)4096u)
/** Something else: a certificate that cannot be read, a chain that is too long. */
#define WS_CERTIFICATE_ERROR_OTHER_ERRORS ((ws_certificate_errors)8192u)

/** How grave the faults of a certificate are: SocketSslErrorSeverity of the original. */
typedef uint32_t ws_ssl_error_severity;
/** There are none. */
#define WS_SSL_ERROR_SEVERITY_NONE ((ws_ssl_error_severity)0u)
/** Each of them can be ignored. */
#define WS_SSL_ERROR_SEVERITY_IGNORABLE ((ws_ssl_error_severity)1u)
/** One of them can never be ignored. */
#define WS_SSL_ERROR_SEVERITY_FATAL ((ws_ssl_error_severity)2u)

/** Who asks for a credential: one of WS_CREDENTIAL_... */
typedef uint32_t ws_credential;
/** The server, with HTTP status 401. */
#define WS_CREDENTIAL_SERVER ((ws_credential)1u)
/** The proxy, with HTTP status 407 or as SOCKS does. It comes before one in the proxy's URI. */
#define WS_CREDENTIAL_PROXY ((ws_credential)2u)

/** How a control's value is set: one of WS_CONTROL_TYPE_... */
typedef uint32_t ws_control_type;
/** ws_set_control. */
#define WS_CONTROL_TYPE_INTEGER ((ws_control_type)1u)
/** ws_set_control_string. */
#define WS_CONTROL_TYPE_STRING ((ws_control_type)2u)
/** ws_set_control_bytes. */
#define WS_CONTROL_TYPE_BYTES ((ws_control_type)3u)

/** What there is to know of a control. Filled by ws_get_control_info. */
typedef struct ws_control_info {
    /** Set by you to sizeof(ws_control_info) before the call. */
    uint32_t struct_size;
    /** WS_CONTROL_TYPE_... */
    ws_control_type type;
    /** The control's name without WS_CONTROL_, of static lifetime. */
    const char *name;
    /** Of integers: the value of a new socket. */
    uint64_t default_value;
    /** Of integers: the smallest value. */
    uint64_t minimum;
    /** Of integers: the largest value. */
    uint64_t maximum;
    /** 1 when it exists for message sockets, else 0. */
    uint8_t for_message_sockets;
    /** 1 when it exists for stream sockets, else 0. */
    uint8_t for_stream_sockets;
    /** 1 when it may also be set while connected, else 0: only before connect. */
    uint8_t is_live;
    /** 1 when it can be read but not set, else 0. */
    uint8_t is_read_only;
} ws_control_info;

/* ==============================================================================================
 * The library: version, threads, log, shutdown, names of results.
 * ============================================================================================== */

/**
 * Answers the version of the library that is loaded: 0xMMmmpp.
 *
 * WS_VERSION is that of the header; they differ when a program meets another library at run time.
 *
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks and in the child of a fork. Never blocks.
 * @since 0.1
 */
WS_API uint32_t ws_version(void);

/**
 * Answers the version of the library that is loaded as text, such as "0.1.0".
 *
 * @ownership  The text belongs to the library and lives as long as it is loaded.
 * @threads  Any thread, also inside callbacks and in the child of a fork. Never blocks.
 * @since 0.1
 */
WS_API const char *ws_version_string(void);

/**
 * Answers the number that changes when programs must be compiled again.
 *
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks and in the child of a fork. Never blocks.
 * @since 0.1
 */
WS_API uint32_t ws_abi_version(void);

/**
 * Sets how many I/O threads the first socket or queue will start.
 *
 * Sockets are spread over them; the callbacks of one socket always come from the same one. The
 * default is 1, and is in force again after ws_shutdown.
 *
 * @param[in] count  from 1 to 64.
 * @return WS_OK  the next start uses that many.
 * @return WS_E_INVALIDARG  count is out of range.
 * @return WS_E_ILLEGAL_METHOD_CALL  the threads have been started already, or are just ending.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_io_threads(uint32_t count);

/**
 * Registers the function that receives the lines of the log, in place of an earlier one.
 *
 * A line that the function itself causes is dropped. Called outside callbacks, this waits for
 * calls of an earlier function that are just running, so that what its user_data points at may be
 * freed afterwards.
 *
 * @param[in] on_log  kept; NULL turns the log off.
 * @param[in] user_data  kept and handed to on_log; may be NULL.
 * @param[in] level  the most talkative level that is wanted, one of WS_LOG_...; WS_LOG_OFF for
 *     none.
 * @return WS_OK  lines go to on_log from now on.
 * @return WS_E_INVALIDARG  level is none of WS_LOG_...
 * @ownership  The caller keeps what user_data points at until the function was replaced.
 * @threads  Any thread, also inside callbacks. Waits for nothing but a running call of the earlier
 *     function.
 * @since 0.1
 */
WS_API ws_result ws_set_log_callback(ws_log_fn on_log, void *user_data, ws_log_level level);

/**
 * Ends all sockets as ws_socket_free does, then all queues, and joins every thread of the
 * library.
 *
 * Nothing new can be made while it is under way, also not after it has timed out; calling it
 * again goes on waiting. After WS_OK every handle is stale, every released callback has run
 * (those of queues on this thread), and the library may be unloaded or used afresh. Without
 * anything to end it is WS_OK at once. Threads of yours inside ws_event_queue_dispatch are not
 * waited for.
 *
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @return WS_OK  no thread of the library is left.
 * @return WS_E_REENTRANT  called inside a callback.
 * @return WS_E_TIMEOUT  a callback or the system's name lookup has not returned; do not unload.
 * @ownership  Sockets, queues, data writers and data readers are gone after WS_OK; retained
 *     messages and events stay yours.
 * @threads  Any thread, not inside callbacks. Blocks for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_shutdown(uint32_t timeout_ms);

/**
 * Answers a sentence in English about the last call on this thread that failed.
 *
 * It says what was wrong with which argument, or how the network failed. Calls that succeed leave
 * it as it is; it is empty before the first failure. Programs decide by codes: the words may
 * change.
 *
 * @ownership  The text belongs to the library and lives until the next failing call on this
 *     thread.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API const char *ws_last_error_message(void);

/**
 * Answers the WebErrorStatus of a result: the original's WebSocketError.GetStatus.
 *
 * Every number has one; WS_OK, and what is no result of ours, is WS_WEB_ERROR_STATUS_UNKNOWN.
 *
 * @param[in] result  any number.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_web_error_status ws_get_web_error_status(ws_result result);

/**
 * Answers the name of a result, such as "WS_E_TIMEOUT".
 *
 * An HTTP status without a constant is "WS_E_HTTP_STATUS_(other)", any other number without one
 * "WS_E_(unknown)".
 *
 * @param[in] result  any number.
 * @ownership  The text belongs to the library and lives as long as it is loaded.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API const char *ws_result_name(ws_result result);

/**
 * Answers the name of a WebErrorStatus, such as "WS_WEB_ERROR_STATUS_TIMEOUT".
 *
 * A number without a name is "WS_WEB_ERROR_STATUS_(unknown)".
 *
 * @param[in] status  any number.
 * @ownership  The text belongs to the library and lives as long as it is loaded.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API const char *ws_web_error_status_name(ws_web_error_status status);

/**
 * Answers the name of a phase, such as "WS_ERROR_PHASE_TLS".
 *
 * A number without a name is "WS_ERROR_PHASE_(unknown)".
 *
 * @param[in] phase  any number.
 * @ownership  The text belongs to the library and lives as long as it is loaded.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API const char *ws_error_phase_name(ws_error_phase phase);

/* ==============================================================================================
 * Sockets: made, connected, closed, freed.
 * ============================================================================================== */

/**
 * Makes a socket for messages.
 *
 * The first socket or queue starts the library's I/O threads. NULL means failure, about which
 * ws_last_error_message tells: no thread or handle could be had, or ws_shutdown is under way.
 *
 * @ownership  The socket is yours until ws_socket_free or ws_shutdown.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_socket *ws_message_socket_new(void);

/**
 * Ends the connection at once if it is open, then releases the socket.
 *
 * An open connection is told with an empty close frame if the system takes it without waiting;
 * what still waits to be sent is lost. Pending operations end without a completion, a thread in a
 * _wait call of this socket gets WS_E_ABORT. When this returns no callback of the socket begins
 * any more, except released, which is the last event and comes even if the socket was never
 * connected.
 *
 * @param[in] socket  the handle is stale as soon as the call begins. NULL is WS_OK and does
 *     nothing.
 * @return WS_OK  it is freed.
 * @return WS_E_HANDLE  socket is not a live socket: invented, or freed before.
 * @ownership  user_data may be freed in released, or after this returned outside a callback.
 * @threads  Any thread, also inside callbacks, where it never waits. Elsewhere it blocks while a
 *     callback of this socket runs on another thread, and for nothing else.
 * @since 0.1
 */
WS_API ws_result ws_socket_free(ws_socket *socket);

/**
 * Starts to connect.
 *
 * What the network does arrives in on_completed; after its WS_OK the socket is open, and a closed
 * event will follow. After a failure the socket is in WS_STATE_CREATED again: controls and
 * handlers may be changed and connect called once more. ws_cancel with WS_OPERATION_CONNECT,
 * ws_close and ws_abort cancel it, and on_completed gets WS_E_ABORT.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] uri  absolute, ws or wss, at most 8192 bytes, without fragment and user-info. Copied.
 * @param[in] on_completed  kept until the connect has ended; NULL when nobody wants to know.
 * @param[in] user_data  kept and handed to on_completed; may be NULL.
 * @return WS_OK  the connect is under way.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  uri is NULL.
 * @return WS_E_INVALIDARG  uri is not such a URI; ws_last_error_message says why.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting, or has been connected before.
 * @return WS_E_CLOSED  another thread frees the socket at this moment.
 * @ownership  The caller keeps uri. user_data must live until on_completed has returned.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_connect(ws_socket *socket,
                            const char *uri,
                            ws_completed_fn on_completed,
                            void *user_data);

/**
 * Connects, and waits until the connection is open or has failed.
 *
 * The same as ws_connect, without a completion: the network's answer is the result.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] uri  as for ws_connect.
 * @param[in] timeout_ms  then the connect is cancelled, in milliseconds; 0 cancels it at once,
 *     WS_INFINITE leaves it to the socket's own timeouts.
 * @return WS_OK  the connection is open.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  uri is NULL.
 * @return WS_E_INVALIDARG  uri is not such a URI; ws_last_error_message says why.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting, or has been connected before.
 * @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
 * @return WS_E_TIMEOUT  timeout_ms, or a timeout of the socket's controls, have passed.
 * @return WS_E_ABORT  another thread cancelled the connect or freed the socket.
 * @return WS_E_CLOSED  another thread freed the socket just before the connect began.
 * @return WS_E_NAME_NOT_RESOLVED  the host name has no address.
 * @return WS_E_CANNOT_CONNECT  nobody listens at the server's port.
 * @return WS_E_SERVER_UNREACHABLE  there is no way to the server.
 * @return WS_E_CONNECTION_RESET  the server reset the connection.
 * @return WS_E_CONNECTION_ABORTED  the server ended the connection before it was open.
 * @return WS_E_SECURITY_CHANNEL_ERROR  TLS failed.
 * @return WS_E_SEC_..., WS_E_CERT_..., WS_E_CRYPT_..., WS_E_TRUST_...  something is wrong with the
 *     server's certificate.
 * @return WS_E_SECURITY_PROBLEM  the custom validation rejected the certificate.
 * @return WS_E_HTTP_STATUS_...  the server refused the upgrade with this status.
 * @return WS_E_INVALID_SERVER_RESPONSE, WS_E_INVALID_HEADER  the answer is not a WebSocket
 *     upgrade.
 * @return WS_E_SUBPROTOCOL_NOT_SUPPORTED, WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED  the server chose
 *     what was not offered.
 * @return WS_E_OUTOFMEMORY  no memory, thread or descriptor could be had.
 * @ownership  The caller keeps uri.
 * @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms, and at most 50 ms
 *     more for cancelling.
 * @since 0.1
 */
WS_API ws_result ws_connect_wait(ws_socket *socket, const char *uri, uint32_t timeout_ms);

/**
 * Starts the closing handshake.
 *
 * The close frame leaves behind everything that was sent before; from now on no message is
 * delivered and none can be sent. The end arrives as closed, at the latest after the control
 * CLOSE_TIMEOUT_MS. While connecting it cancels the connect. Closing again, or after the end,
 * changes nothing.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] code  1000 to 1003, 1007 to 1014, 3000 to 4999; 0 sends an empty close frame.
 * @param[in] reason  NUL-terminated UTF-8 of at most 123 bytes, copied; NULL for none.
 * @return WS_OK  the closing handshake is under way, or was already.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_INVALIDARG  code is another one, reason is too long or not UTF-8, or stands with
 *     code 0.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket was never connected.
 * @ownership  The caller keeps reason.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_close(ws_socket *socket, uint16_t code, const char *reason);

/**
 * Closes, and waits until the connection has ended.
 *
 * The same as ws_close. While connecting it cancels the connect and does not wait for that.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] code  as for ws_close.
 * @param[in] reason  as for ws_close.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 *     The closing handshake goes on after it.
 * @return WS_OK  the connection ended with a closing handshake, or had ended before.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_INVALIDARG  as for ws_close.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket was never connected.
 * @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
 * @return WS_E_TIMEOUT  timeout_ms have passed; or, in WS_STATE_CLOSED, CLOSE_TIMEOUT_MS have.
 * @return WS_E_ABORT  another thread aborted the connection or freed the socket.
 * @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  it was lost before the server's close
 *     frame.
 * @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION,
 *     WS_E_NO_UNICODE_TRANSLATION, WS_E_MESSAGE_TOO_BIG  the server broke the protocol meanwhile.
 * @return WS_E_SECURITY_CHANNEL_ERROR  TLS failed meanwhile.
 * @return WS_E_OUTOFMEMORY  memory ran out meanwhile.
 * @ownership  The caller keeps reason.
 * @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_close_wait(ws_socket *socket,
                               uint16_t code,
                               const char *reason,
                               uint32_t timeout_ms);

/**
 * Drops the connection now.
 *
 * The server sees a reset. Pending operations complete with WS_E_ABORT, then closed comes with
 * WS_E_ABORT and code 1006. While connecting it cancels the connect; after the end it does
 * nothing.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @return WS_OK  the connection is being dropped, or has ended before.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is in WS_STATE_CREATED.
 * @ownership  Nothing is handed over; the socket stays yours.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_abort(ws_socket *socket);

/**
 * Answers where the socket stands: one of WS_STATE_...
 *
 * Other threads and the network may move it at any time. It is WS_STATE_NONE when socket is not a
 * live socket.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_state ws_get_state(ws_socket *socket);

/**
 * Keeps a pointer of yours with the socket.
 *
 * Events of ws_event_queue_next carry it, except COMPLETED. Handlers get the one they were
 * registered with instead.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] user_data  kept, never followed; may be NULL.
 * @return WS_OK  it is kept in place of the earlier one.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @ownership  The caller keeps what user_data points at.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_user_data(ws_socket *socket, void *user_data);

/**
 * Answers the pointer of ws_set_user_data.
 *
 * It is NULL when none was set and when socket is not a live socket.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API void *ws_get_user_data(ws_socket *socket);

/* ==============================================================================================
 * Controls: what a socket is told before it connects.
 * ============================================================================================== */

/**
 * Sets a control that is an integer.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] control  one of WS_CONTROL_... whose type is integer.
 * @param[in] value  in the unit and range of the control; ws_get_control_info tells both ends.
 * @return WS_OK  it is set: a live control from now on, another one for the next connect.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_INVALIDARG  control is unknown, of another type, read-only or not for this kind of
 *     socket, or value is out of its range.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected and control is not live.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_control(ws_socket *socket, ws_control control, uint64_t value);

/**
 * Sets a control that is a text.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] control  one of WS_CONTROL_... whose type is string.
 * @param[in] value  NUL-terminated UTF-8, copied; an empty text unsets the control.
 * @return WS_OK  it is set.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_INVALIDARG  control is unknown or of another type, or value is not what it takes.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  The caller keeps value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_control_string(ws_socket *socket, ws_control control, const char *value);

/**
 * Sets a control that is bytes.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] control  one of WS_CONTROL_... whose type is bytes.
 * @param[in] data  copied; may be NULL if len is 0, which unsets the control.
 * @param[in] len  size of data in bytes.
 * @return WS_OK  it is set.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  control is unknown or of another type, data is not what it takes, or
 *     len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_control_bytes(ws_socket *socket,
                                      ws_control control,
                                      const void *data,
                                      size_t len);

/**
 * Reads a control that is an integer.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] control  one of WS_CONTROL_... whose type is integer.
 * @param[out] value  its value; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_INVALIDARG  control is unknown, of another type or not for this kind of socket.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_control(ws_socket *socket, ws_control control, uint64_t *value);

/**
 * Reads a control that is a text.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] control  one of WS_CONTROL_... whose type is string.
 * @param[out] buf  gets the text and a NUL; NULL with capacity 0 asks for the length alone.
 * @param[in] capacity  size of buf in bytes.
 * @param[out] length  bytes of the text without its NUL, also when buf is too small; may be NULL.
 * @return WS_OK  buf is filled, or only length was asked for.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
 * @return WS_E_INVALIDARG  control is unknown, of another type or not for this kind of socket.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
 * @ownership  The caller owns buf and length.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_control_string(ws_socket *socket,
                                       ws_control control,
                                       char *buf,
                                       size_t capacity,
                                       size_t *length);

/**
 * Tells what there is to know of a control: name, type, default, range, and when it may be set.
 *
 * @param[in] control  one of WS_CONTROL_...
 * @param[in,out] info  its struct_size says how much of the rest is filled.
 * @return WS_OK  info is filled.
 * @return WS_E_POINTER  info is NULL.
 * @return WS_E_INVALIDARG  control is unknown, or struct_size is less than 8.
 * @ownership  The caller owns info; its name has static lifetime.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_control_info(ws_control control, ws_control_info *info);

/**
 * Adds a header to the upgrade request, or replaces the one of that name.
 *
 * Host, Origin, Authorization, Cookie and User-Agent may be set. Sec-WebSocket-*, Upgrade,
 * Connection, Content-Length and Transfer-Encoding belong to the library.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] name  an RFC 7230 token in any case, copied.
 * @param[in] value  NUL-terminated UTF-8 without control characters, copied; may be empty.
 * @return WS_OK  the next connect sends it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  name or value is NULL.
 * @return WS_E_INVALIDARG  name or value is malformed, the name belongs to the library, or it
 *     would be more than 100 headers, 32 KiB in all, or 8 KiB in this one.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  The caller keeps name and value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_request_header(ws_socket *socket, const char *name, const char *value);

/**
 * Stores a user and a password, to be sent to the server or to the proxy that asks for them.
 *
 * They are sent only in answer to a challenge, Digest (the strongest hash first) or else Basic, and
 * once; to send them unasked set the header Authorization. They are overwritten in memory when they
 * are replaced or the socket is released. To another origin they never travel.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] which  WS_CREDENTIAL_SERVER or WS_CREDENTIAL_PROXY.
 * @param[in] user  NUL-terminated UTF-8 without control characters, at most 8192 bytes, copied; one
 *     with a colon is not sent as Basic, which cannot carry it. NULL removes the credential.
 * @param[in] password  the same, with colons; not looked at when user is NULL.
 * @return WS_OK  it is set, or removed.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  password is NULL and user is not.
 * @return WS_E_INVALIDARG  which is neither, or user or password is malformed or too long.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  The caller keeps user and password.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_credential(ws_socket *socket,
                                   ws_credential which,
                                   const char *user,
                                   const char *password);

/* ==============================================================================================
 * Events: handlers, messages, the judgement of certificates, and pulling instead.
 * ============================================================================================== */

/**
 * Registers what is called with each message, in place of an earlier function.
 *
 * With neither this nor a queue messages wait for ws_receive. With a queue and without this
 * function ws_event_queue_dispatch drops them.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] on_message_received  kept; NULL for none.
 * @param[in] user_data  kept and handed to the function; may be NULL.
 * @return WS_OK  the next connect uses it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected, or a stream socket.
 * @ownership  What user_data points at must live until released, or until ws_socket_free has
 *     returned outside a callback.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_on_message_received(ws_socket *socket,
                                        ws_message_received_fn on_message_received,
                                        void *user_data);

/**
 * Registers what is called when the connection has ended, in place of an earlier function.
 *
 * It is called once for each connect that succeeded; nothing but released follows it.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] on_closed  kept; NULL for none.
 * @param[in] user_data  kept and handed to the function; may be NULL.
 * @return WS_OK  the next connect uses it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  What user_data points at must live until released, or until ws_socket_free has
 *     returned outside a callback.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_on_closed(ws_socket *socket, ws_closed_fn on_closed, void *user_data);

/**
 * Registers what is asked whether the server's certificate is accepted, in place of an earlier
 * one.
 *
 * It is asked for wss, after the library's own check has passed and before the upgrade request
 * leaves. With a queue, ws_event_queue_next gives the question as an event, but only when a
 * function is registered here too; there it is a deferral already.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] on_validation  kept; NULL for none: the library's own check decides.
 * @param[in] user_data  kept and handed to the function; may be NULL.
 * @return WS_OK  the next connect uses it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  What user_data points at must live until released, or until ws_socket_free has
 *     returned outside a callback.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_on_server_custom_validation_requested(ws_socket *socket,
                                                          ws_validation_fn on_validation,
                                                          void *user_data);

/**
 * Registers what is called when the send queue has room again, in place of an earlier function.
 *
 * It is called once after WS_E_WOULD_BLOCK, when less than half of the limit is left in the
 * queue.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] on_send_ready  kept; NULL for none.
 * @param[in] user_data  kept and handed to the function; may be NULL.
 * @return WS_OK  the next connect uses it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  What user_data points at must live until released, or until ws_socket_free has
 *     returned outside a callback.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_on_send_ready(ws_socket *socket,
                                  ws_send_ready_fn on_send_ready,
                                  void *user_data);

/**
 * Registers what is called when a ping is answered, in place of an earlier function: one of
 * ws_ping, or one of the heartbeat (PING_INTERVAL_MS).
 *
 * One answer may stand for several pings, of which it then tells the last.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] on_pong  kept; NULL for none.
 * @param[in] user_data  kept and handed to the function; may be NULL.
 * @return WS_OK  the next connect uses it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  What user_data points at must live until released, or until ws_socket_free has
 *     returned outside a callback.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_on_pong(ws_socket *socket, ws_pong_fn on_pong, void *user_data);

/**
 * Registers what is called last of all, in place of an earlier function.
 *
 * It comes after ws_socket_free or ws_shutdown, once, also when the socket was never connected:
 * every user_data of the socket may be freed there.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] on_released  kept; NULL for none.
 * @param[in] user_data  kept and handed to the function; may be NULL.
 * @return WS_OK  the next connect uses it.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  What user_data points at must live until released, or until ws_socket_free has
 *     returned outside a callback.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_on_released(ws_socket *socket, ws_released_fn on_released, void *user_data);

/**
 * Keeps a message past its callback or its event.
 *
 * A message that still lies in the read buffer is copied, a larger one is shared. What is kept
 * outlives socket, queue and ws_shutdown. NULL means that message was NULL, or a fork.
 *
 * @param[in] message  borrowed in a callback or an event, or kept already; may be NULL.
 * @ownership  What it answers is yours until ws_message_release; each retain needs its release.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_message *ws_message_retain(const ws_message *message);

/**
 * Gives a kept or received message back.
 *
 * A borrowed message is left alone. Releasing more often than retaining is undefined.
 *
 * @param[in] message  from ws_message_retain or ws_receive; NULL does nothing.
 * @ownership  The message is not yours any more, and its data must not be read.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API void ws_message_release(ws_message *message);

/**
 * Takes the next message of a socket that has neither a message handler nor a queue.
 *
 * Messages that arrived are handed over before the end is told, and the end is told again and
 * again. Several threads may take messages of one socket; each goes to one of them.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[out] message  the message; untouched on failure.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @return WS_OK  message is filled.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  message is NULL.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket has a message handler or a queue, is in
 *     WS_STATE_CREATED, or is a stream socket.
 * @return WS_E_REENTRANT  called on the I/O thread, and timeout_ms is not 0.
 * @return WS_E_TIMEOUT  no message came in time; or, in WS_STATE_CLOSED, the connection timed out.
 * @return WS_E_CLOSED  the connection ended with a closing handshake.
 * @return WS_E_ABORT  the connection was aborted, or the socket has been freed meanwhile.
 * @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost.
 * @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION,
 *     WS_E_NO_UNICODE_TRANSLATION, WS_E_MESSAGE_TOO_BIG  the server broke the protocol or a limit.
 * @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed.
 * @return WS_E_OUTOFMEMORY  there was no memory for a message.
 * @ownership  The message is yours until ws_message_release.
 * @threads  Any thread, also inside callbacks; on the I/O thread with timeout_ms 0 only. Blocks
 *     for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_receive(ws_socket *socket, ws_message **message, uint32_t timeout_ms);

/**
 * Lets the answer to a validation come later, also after the callback has returned.
 *
 * The connect waits for it within its own timeouts. Taking a deferral again changes nothing.
 *
 * @param[in] validation  what the callback or the event was given.
 * @return WS_OK  ws_validation_complete will be awaited.
 * @return WS_E_HANDLE  validation is not a live question: the connect it belongs to has ended.
 * @return WS_E_ILLEGAL_METHOD_CALL  it has been answered already.
 * @ownership  Nothing to be freed: the question goes with its connect.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_validation_get_deferral(ws_validation *validation);

/**
 * Answers a validation.
 *
 * Inside the callback the answer takes effect when the callback returns, afterwards at once. A
 * rejected connect completes with WS_E_SECURITY_PROBLEM.
 *
 * @param[in] validation  what the callback or the event was given.
 * @param[in] accept  0 rejects the server's certificate, anything else accepts it.
 * @return WS_OK  the answer counts.
 * @return WS_E_HANDLE  validation is not a live question: the connect it belongs to has ended.
 * @return WS_E_ILLEGAL_METHOD_CALL  it has been answered already.
 * @ownership  Nothing to be freed: the question goes with its connect.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_validation_complete(ws_validation *validation, uint8_t accept);

/**
 * Rejects the server's certificate: ws_validation_complete with 0.
 *
 * @param[in] validation  what the callback or the event was given.
 * @return WS_OK  the answer counts.
 * @return WS_E_HANDLE  validation is not a live question: the connect it belongs to has ended.
 * @return WS_E_ILLEGAL_METHOD_CALL  it has been answered already.
 * @ownership  Nothing to be freed: the question goes with its connect.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_validation_reject(ws_validation *validation);

/* ==============================================================================================
 * Sending: messages, pings, and taking back what has not left.
 * ============================================================================================== */

/**
 * Queues one whole message of the type that the control MESSAGE_TYPE names.
 *
 * The bytes are copied, or have left, before this returns. Messages leave in the order in which
 * they were accepted; there is no completion, and a later failure arrives as closed.
 *
 * A lone message leaves at once, those of a burst together: of a callback when it returns, of
 * another thread within microseconds. In a flood from such a thread the last ones may wait for a
 * millisecond. Many that are there at once cost less with ws_send_batch.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty message.
 * @return WS_OK  the message was accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
 *     that was begun with ws_send_nonfinal_frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text and data is not UTF-8; nothing was queued.
 * @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
 *     tell.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send(ws_socket *socket, const void *data, size_t len);

/**
 * Queues one whole text message, whatever the control MESSAGE_TYPE says.
 *
 * The bytes are copied, or have left, before this returns. Messages leave in the order in which
 * they were accepted; there is no completion, and a later failure arrives as closed.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] text  UTF-8, need not end in NUL; borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of text in bytes; 0 sends an empty message.
 * @return WS_OK  the message was accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  text is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
 *     that was begun with ws_send_nonfinal_frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  text is not UTF-8; nothing was queued.
 * @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
 *     tell.
 * @ownership  The caller keeps text.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send_text(ws_socket *socket, const char *text, size_t len);

/**
 * Queues one whole binary message, whatever the control MESSAGE_TYPE says.
 *
 * The bytes are copied, or have left, before this returns. Messages leave in the order in which
 * they were accepted; there is no completion, and a later failure arrives as closed.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty message.
 * @return WS_OK  the message was accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
 *     that was begun with ws_send_nonfinal_frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
 *     tell.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send_binary(ws_socket *socket, const void *data, size_t len);

/**
 * Queues one whole message, and tells when the system has taken it.
 *
 * ws_cancel takes it back as long as none of it has left: it then completes with WS_E_ABORT. When
 * the connection ends first it completes with the reason, after a closing handshake with
 * WS_E_CLOSED.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] type  WS_MESSAGE_TYPE_BINARY or WS_MESSAGE_TYPE_UTF8.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty message.
 * @param[in] on_completed  kept until the operation has ended; NULL when nobody wants to know.
 * @param[in] user_data  kept and handed to on_completed; may be NULL.
 * @param[out] operation  its number, stored before on_completed can be called; may be NULL.
 * @return WS_OK  the message was accepted; on_completed will be called once.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  type is none of WS_MESSAGE_TYPE_..., or len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
 *     that was begun with ws_send_nonfinal_frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text and data is not UTF-8; nothing was queued.
 * @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
 *     tell.
 * @ownership  The caller keeps data; user_data must live until on_completed has returned.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send_async(ws_socket *socket,
                               ws_message_type type,
                               const void *data,
                               size_t len,
                               ws_completed_fn on_completed,
                               void *user_data,
                               ws_operation *operation);

/**
 * Sends one whole message: waits for room in the send queue, and until the system has taken it.
 *
 * After WS_E_TIMEOUT the message has been taken back, or, if some of it had left, goes on
 * leaving.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] type  WS_MESSAGE_TYPE_BINARY or WS_MESSAGE_TYPE_UTF8.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty message.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @return WS_OK  the system has taken the message.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  type is none of WS_MESSAGE_TYPE_..., or len is larger than PTRDIFF_MAX.
 * @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
 *     that was begun with ws_send_nonfinal_frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed, its output is closed, or it closed while
 *     the call waited.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text and data is not UTF-8; nothing was queued.
 *     Or the server sent such text, and the connection ended.
 * @return WS_E_TIMEOUT  timeout_ms have passed; or, in WS_STATE_CLOSED, the connection timed out.
 * @return WS_E_ABORT  the connection was aborted or the socket freed while the call waited.
 * @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost meanwhile.
 * @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION, WS_E_MESSAGE_TOO_BIG  the
 *     server broke the protocol or a limit meanwhile.
 * @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed
 *     meanwhile.
 * @return WS_E_OUTOFMEMORY  memory ran out meanwhile.
 * @ownership  The caller keeps data.
 * @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_send_wait(ws_socket *socket,
                              ws_message_type type,
                              const void *data,
                              size_t len,
                              uint32_t timeout_ms);

/**
 * Queues whole messages of one type, one after the other, as many as there is room for.
 *
 * It does what as many calls of ws_send_text or ws_send_binary would do, for less: the messages
 * leave together, and no other thread's message comes in between. The bytes are copied, or have
 * left, before this returns; there is no completion.
 *
 * When they do not all fit into the send queue, the first ones are accepted, WS_E_WOULD_BLOCK is
 * answered, and on_send_ready will tell when to go on with messages + *accepted. A batch with a
 * mistake in any message is refused whole.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] type  WS_MESSAGE_TYPE_BINARY or WS_MESSAGE_TYPE_UTF8, of all of them.
 * @param[in] messages  count buffers, borrowed for the call as is what they point at; each is one
 *     message, one of len 0 an empty one; may be NULL if count is 0.
 * @param[in] count  how many there are; 0 sends nothing.
 * @param[out] accepted  how many of them, from the first, were accepted; stored in every case, 0
 *     when it is none; may be NULL.
 * @return WS_OK  all messages were accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  messages is NULL and count is not 0, or data of a message is NULL and its
 *     len is not 0.
 * @return WS_E_INVALIDARG  type is none of WS_MESSAGE_TYPE_..., len of a message is larger than
 *     PTRDIFF_MAX, or count is larger than any array of ws_buffer.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
 *     that was begun with ws_send_nonfinal_frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text and a message is not UTF-8; nothing was
 *     queued.
 * @return WS_E_WOULD_BLOCK  the send queue is full and took only the first *accepted messages,
 *     perhaps none; on_send_ready will tell.
 * @ownership  The caller keeps messages and what they point at.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send_batch(ws_socket *socket,
                               ws_message_type type,
                               const ws_buffer *messages,
                               size_t count,
                               size_t *accepted);

/**
 * Queues a frame of a message that goes on: the original's SendNonfinalFrameAsync.
 *
 * The first frame begins a message of the type that the control MESSAGE_TYPE names, the following
 * ones continue it, and ws_send_final_frame ends it. Until then no whole message can be sent;
 * pings and a close frame can. A text may be cut anywhere, also inside a character. The receiver
 * sees one message; a frame may be cut further on its way. With compression the message is
 * compressed if its first frame is as large as COMPRESSION_THRESHOLD.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty frame.
 * @return WS_OK  the frame was accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a stream socket.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the message is text and data makes it invalid UTF-8;
 *     nothing was queued, and the message can go on with other data.
 * @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
 *     tell.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks; the frames of one message are best sent by one
 *     thread. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send_nonfinal_frame(ws_socket *socket, const void *data, size_t len);

/**
 * Queues the last frame of a message: the original's SendFinalFrameAsync.
 *
 * Without a ws_send_nonfinal_frame before it, it is a whole message of the type that the control
 * MESSAGE_TYPE names.
 *
 * @param[in] socket  from ws_message_socket_new.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty frame.
 * @return WS_OK  the frame was accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a stream socket.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the message is text and with data would end as invalid
 *     UTF-8; nothing was queued, and the message can go on with other data.
 * @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
 *     tell.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_send_final_frame(ws_socket *socket, const void *data, size_t len);

/**
 * Sends a ping.
 *
 * It overtakes messages that wait. The answer arrives as pong; while it is missing, the silence
 * that the control RECEIVE_TIMEOUT_MS allows ends the connection.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] data  what the server is to send back, borrowed for the call; may be NULL if len is
 *     0.
 * @param[in] len  size of data in bytes, at most 125.
 * @return WS_OK  the ping was accepted.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than 125.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet.
 * @return WS_E_CLOSED  the socket is closing or closed.
 * @return WS_E_WOULD_BLOCK  16 pings wait to leave already.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_ping(ws_socket *socket, const void *data, size_t len);

/**
 * Cancels a connect, a read, or a message or write that has not begun to leave.
 *
 * What is cancelled completes with WS_E_ABORT; after a message the connection lives on. An
 * operation that has begun to leave, has ended or never was is left alone.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] operation  WS_OPERATION_CONNECT, WS_OPERATION_READ, WS_OPERATION_WRITE, or the number
 *     that ws_send_async gave.
 * @return WS_OK  it will complete with WS_E_ABORT if it still could be cancelled.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_cancel(ws_socket *socket, ws_operation operation);

/**
 * Answers how many bytes wait to leave, frame headers included.
 *
 * It is what the control SEND_QUEUE_LIMIT limits, and 0 when socket is not a live socket.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API uint64_t ws_buffered_amount(ws_socket *socket);

/* ==============================================================================================
 * Stream sockets: bytes in and out, in place of messages.
 * ============================================================================================== */

/** How a read ends: one of WS_READ_.... */
typedef uint32_t ws_read_options;
/** When the buffer is full, or the stream has ended. */
#define WS_READ_NONE ((ws_read_options)0u)
/** As soon as there is at least one byte. */
#define WS_READ_PARTIAL ((ws_read_options)1u)

/** The number of the read that is under way, for ws_cancel. */
#define WS_OPERATION_READ ((ws_operation)2u)
/** The number of the write that is under way, for ws_cancel. */
#define WS_OPERATION_WRITE ((ws_operation)3u)

/**
 * Makes a socket for a stream of bytes over binary messages.
 *
 * What the server sends can be read as it arrives, inside a frame as well as across frames and
 * messages; each write is one binary message. It connects and closes like any socket; the calls
 * that send, receive or hear of messages answer WS_E_ILLEGAL_METHOD_CALL, and controls that are
 * for messages WS_E_INVALIDARG. However much passes through, and however slow either side is, it
 * holds less than 256 KiB more than while it is idle; with compression the two contexts of the
 * connection, about 350 KiB, come on top with the first compressed message.
 *
 * The first socket or queue starts the library's I/O threads. NULL means failure, about which
 * ws_last_error_message tells: no thread or handle could be had, or ws_shutdown is under way.
 *
 * @ownership  The socket is yours until ws_socket_free or ws_shutdown.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_socket *ws_stream_socket_new(void);

/**
 * Begins a read.
 *
 * The bytes go into buf as they arrive, from the system without resting elsewhere where that is
 * possible. After a clean close a read completes with WS_OK and fewer bytes than asked for, in the
 * end 0; after a lost connection with its result, when what arrived before has been read; after
 * ws_close or ws_abort with WS_E_ABORT. What nobody reads stays with the system but for at most
 * 256 KiB, and the server is slowed down. Text messages are read as their bytes, unchecked.
 *
 * What had arrived can be read after closed was told, too; such a read completes after it.
 *
 * @param[in] socket  from ws_stream_socket_new.
 * @param[out] buf  filled until the read has ended; may be NULL if capacity is 0.
 * @param[in] capacity  size of buf in bytes; with 0 the read completes at once.
 * @param[in] options  WS_READ_NONE or WS_READ_PARTIAL.
 * @param[in] on_completed  called with WS_OPERATION_READ and the bytes read, also if it failed;
 *     NULL when nobody wants to know.
 * @param[in] user_data  kept and handed to on_completed; may be NULL.
 * @return WS_OK  the read is under way; on_completed will be called once.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0.
 * @return WS_E_INVALIDARG  options is none of WS_READ_..., or capacity is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
 * @return WS_E_INVALID_OPERATION  another read is under way.
 * @ownership  buf is borrowed until the read has completed, or ws_socket_free has returned.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_read(ws_socket *socket,
                         void *buf,
                         size_t capacity,
                         ws_read_options options,
                         ws_completed_fn on_completed,
                         void *user_data);

/**
 * Reads, and waits for the bytes.
 *
 * @param[in] socket  from ws_stream_socket_new.
 * @param[out] buf  filled with what arrives; may be NULL if capacity is 0.
 * @param[in] capacity  size of buf in bytes.
 * @param[in] options  WS_READ_NONE or WS_READ_PARTIAL.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @param[out] bytes  how many were read, also on failure, except that a refused argument leaves it
 *     as it is; may be NULL.
 * @return WS_OK  as many as asked for were read; fewer, or 0, after a clean close.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0.
 * @return WS_E_INVALIDARG  options is none of WS_READ_..., or capacity is larger than PTRDIFF_MAX.
 * @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
 * @return WS_E_INVALID_OPERATION  another read is under way.
 * @return WS_E_TIMEOUT  timeout_ms have passed, and bytes says what had come by then; or the
 *     connection timed out, in WS_STATE_CLOSED.
 * @return WS_E_ABORT  the connection was closed or aborted here, the read cancelled, or the socket
 *     freed.
 * @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost.
 * @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION  the server broke the
 *     protocol.
 * @return WS_E_NO_UNICODE_TRANSLATION  the server sent a close reason that is not UTF-8.
 * @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed.
 * @return WS_E_OUTOFMEMORY  memory ran out.
 * @ownership  The caller keeps buf.
 * @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_read_wait(ws_socket *socket,
                              void *buf,
                              size_t capacity,
                              ws_read_options options,
                              uint32_t timeout_ms,
                              size_t *bytes);

/**
 * Begins to write bytes, as one binary message.
 *
 * They are masked and sent piece by piece as the system takes them, without a copy of the whole;
 * over ws without compression and when nothing is in the way, the first of them inside this call.
 * ws_close lets a write that is under way come to its end first, for as long as the controls allow;
 * pings and pongs do not wait for it.
 *
 * @param[in] socket  from ws_stream_socket_new.
 * @param[in] data  may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty message.
 * @param[in] on_completed  called with WS_OPERATION_WRITE and len when the system has taken
 *     everything, or with 0 and why when it never will; NULL when nobody wants to know.
 * @param[in] user_data  kept and handed to on_completed; may be NULL.
 * @return WS_OK  the write is under way; on_completed will be called once.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
 * @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
 * @return WS_E_INVALID_OPERATION  another write is under way.
 * @ownership  data is borrowed until the write has completed, or ws_socket_free has returned.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_write(ws_socket *socket,
                          const void *data,
                          size_t len,
                          ws_completed_fn on_completed,
                          void *user_data);

/**
 * Writes bytes as one binary message, and waits until the system has taken them.
 *
 * A write that times out before anything of it has left is taken back; afterwards half a message
 * is on its way, and the connection is dropped: closed tells WS_E_TIMEOUT.
 *
 * @param[in] socket  from ws_stream_socket_new.
 * @param[in] data  may be NULL if len is 0.
 * @param[in] len  size of data in bytes; 0 sends an empty message.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @param[out] bytes  len if it was written, 0 if not, except that a refused argument leaves it as
 *     it is; may be NULL.
 * @return WS_OK  the system has taken everything.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
 * @return WS_E_CLOSED  the socket is closing or closed, its output is closed, or it closed while
 *     the call waited.
 * @return WS_E_INVALID_OPERATION  another write is under way.
 * @return WS_E_TIMEOUT  timeout_ms have passed; or the connection timed out.
 * @return WS_E_ABORT  the connection was aborted, the write cancelled, or the socket freed.
 * @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost meanwhile.
 * @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION  the server broke the
 *     protocol meanwhile.
 * @return WS_E_NO_UNICODE_TRANSLATION  the server sent a close reason that is not UTF-8.
 * @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed
 *     meanwhile.
 * @return WS_E_OUTOFMEMORY  memory ran out meanwhile.
 * @ownership  The caller keeps data.
 * @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_write_wait(ws_socket *socket,
                               const void *data,
                               size_t len,
                               uint32_t timeout_ms,
                               size_t *bytes);

/* ==============================================================================================
 * The types of data writers and data readers.
 * ============================================================================================== */

/** Puts values together as bytes. A value that looks like a pointer and is never dereferenced. */
typedef struct ws_data_writer ws_data_writer;

/** Takes values out of bytes. A value that looks like a pointer and is never dereferenced. */
typedef struct ws_data_reader ws_data_reader;

/** In which order the bytes of a number stand: one of WS_BYTE_ORDER_... */
typedef uint32_t ws_byte_order;
/** The least significant byte first. */
#define WS_BYTE_ORDER_LITTLE_ENDIAN ((ws_byte_order)0u)
/** The most significant byte first, as networks do; the default of writers and readers. */
#define WS_BYTE_ORDER_BIG_ENDIAN ((ws_byte_order)1u)

/** In which encoding text stands in the bytes: one of WS_UNICODE_ENCODING_... */
typedef uint32_t ws_unicode_encoding;
/** UTF-8, a code unit is one byte; the default of writers and readers. */
#define WS_UNICODE_ENCODING_UTF8 ((ws_unicode_encoding)0u)
/** UTF-16, a code unit is two bytes, the least significant first. */
#define WS_UNICODE_ENCODING_UTF16LE ((ws_unicode_encoding)1u)
/** UTF-16, a code unit is two bytes, the most significant first. */
#define WS_UNICODE_ENCODING_UTF16BE ((ws_unicode_encoding)2u)

/** A GUID, as the systems that have them lay it out. */
typedef struct ws_guid {
    /** The first 8 hexadecimal digits. */
    uint32_t data1;
    /** The next 4. */
    uint16_t data2;
    /** The next 4. */
    uint16_t data3;
    /** The last 16, two each. */
    uint8_t data4[8];
} ws_guid;

/* ==============================================================================================
 * Data writers: values become bytes, and the bytes a message.
 * ============================================================================================== */

/**
 * Makes a data writer, over memory or over the output of a socket.
 *
 * NULL means failure, about which ws_last_error_message tells: socket is neither NULL nor a live
 * socket, or no memory or handle is left. A writer over a socket owns its output: see
 * ws_data_writer_free. One writer per socket is the rule, though more are not refused.
 *
 * @param[in] socket  from ws_message_socket_new, in any state; NULL for memory alone, to be taken
 *     out with ws_data_writer_detach_buffer.
 * @ownership  The writer is yours until ws_data_writer_free or ws_shutdown. The socket stays
 *     yours, and may be freed before the writer.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_data_writer *ws_data_writer_new(ws_socket *socket);

/**
 * Ends a data writer, and with it the output of the socket that it was not detached from.
 *
 * As in the original: unless ws_data_writer_detach_stream was called before, the socket's output
 * is closed for good. What was stored still leaves, receiving goes on, and ws_close and ws_ping
 * work as before; but everything else that sends on the socket, also through other writers,
 * answers WS_E_CLOSED. Bytes that were not stored are dropped.
 *
 * @param[in] writer  the handle is stale as soon as the call begins. NULL is WS_OK and does
 *     nothing.
 * @return WS_OK  it is freed.
 * @return WS_E_HANDLE  writer is not a live data writer: invented, or freed before.
 * @ownership  The socket stays yours.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_free(ws_data_writer *writer);

/**
 * Sets the order in which the bytes of numbers are written from now on.
 *
 * Without it the order is WS_BYTE_ORDER_BIG_ENDIAN.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] order  WS_BYTE_ORDER_LITTLE_ENDIAN or WS_BYTE_ORDER_BIG_ENDIAN.
 * @return WS_OK  it is set.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_INVALIDARG  order is none of WS_BYTE_ORDER_...
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_set_byte_order(ws_data_writer *writer, ws_byte_order order);

/**
 * Answers the order in which the bytes of numbers are written; 0 for what is no live data writer.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_byte_order ws_data_writer_get_byte_order(ws_data_writer *writer);

/**
 * Sets the encoding in which text is written from now on.
 *
 * Without it the encoding is WS_UNICODE_ENCODING_UTF8. A message of text must be UTF-8 as a whole:
 * the others are for binary messages.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] encoding  one of WS_UNICODE_ENCODING_...
 * @return WS_OK  it is set.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_INVALIDARG  encoding is none of WS_UNICODE_ENCODING_...
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_set_unicode_encoding(ws_data_writer *writer,
                                                     ws_unicode_encoding encoding);

/**
 * Answers the encoding in which text is written; 0 for what is no live data writer.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_unicode_encoding ws_data_writer_get_unicode_encoding(ws_data_writer *writer);

/**
 * Answers how many bytes were written and not yet stored or detached; 0 for what is no live data
 * writer.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API size_t ws_data_writer_unstored_buffer_length(ws_data_writer *writer);

/* ==============================================================================================
 * Written values: numbers, times, bytes and text, put into a data writer.
 * ============================================================================================== */

/**
 * Writes an unsigned number of 8 bits: 1 byte.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_u8(ws_data_writer *writer, uint8_t value);

/**
 * Writes an unsigned number of 16 bits: 2 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_u16(ws_data_writer *writer, uint16_t value);

/**
 * Writes an unsigned number of 32 bits: 4 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_u32(ws_data_writer *writer, uint32_t value);

/**
 * Writes an unsigned number of 64 bits: 8 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_u64(ws_data_writer *writer, uint64_t value);

/**
 * Writes a signed number of 8 bits: 1 byte.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_i8(ws_data_writer *writer, int8_t value);

/**
 * Writes a signed number of 16 bits: 2 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_i16(ws_data_writer *writer, int16_t value);

/**
 * Writes a signed number of 32 bits: 4 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_i32(ws_data_writer *writer, int32_t value);

/**
 * Writes a signed number of 64 bits: 8 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_i64(ws_data_writer *writer, int64_t value);

/**
 * Writes a number of IEEE 754 in 32 bits: 4 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_f32(ws_data_writer *writer, float value);

/**
 * Writes a number of IEEE 754 in 64 bits: 8 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  the number.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_f64(ws_data_writer *writer, double value);

/**
 * Writes a truth value: 1 byte, which is 0 or 1.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] value  0 for false, anything else for true.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_boolean(ws_data_writer *writer, uint8_t value);

/**
 * Writes a GUID: 16 bytes, of which the first 4, the next 2 and the next 2 stand in the
 * writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] guid  borrowed for the call.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_POINTER  guid is NULL.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  The caller keeps guid.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_guid(ws_data_writer *writer, const ws_guid *guid);

/**
 * Writes a point in time: 8 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] universal_time_100ns  in units of 100 nanoseconds since 1601-01-01 00:00 UTC, as in
 *     the original's DateTime and in FILETIME; before that it is negative.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_date_time(ws_data_writer *writer,
                                                int64_t universal_time_100ns);

/**
 * Writes a span of time: 8 bytes in the writer's byte order.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] duration_100ns  in units of 100 nanoseconds; may be negative.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_time_span(ws_data_writer *writer, int64_t duration_100ns);

/**
 * Writes bytes as they are. Their number is not written.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] data  borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of data in bytes.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_bytes(ws_data_writer *writer, const void *data, size_t len);

/**
 * Writes text in the writer's encoding.
 *
 * Neither its length, nor a NUL, nor a byte order mark is written: a reader must know where it
 * ends. ws_data_writer_measure_string tells the length beforehand.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] text  UTF-8, borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of text in bytes; it may hold NULs.
 * @return WS_OK  it is written.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_POINTER  text is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_NO_UNICODE_TRANSLATION  text is not UTF-8; nothing was written.
 * @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
 * @ownership  The caller keeps text.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_write_string(ws_data_writer *writer, const char *text, size_t len);

/**
 * Tells how many bytes a text becomes in the writer's encoding.
 *
 * Divided by the size of a code unit, 1 for UTF-8 and 2 for UTF-16, it is what
 * ws_data_reader_read_string wants to know.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[in] text  UTF-8, borrowed for the call; may be NULL if len is 0.
 * @param[in] len  size of text in bytes.
 * @param[out] length  the size in bytes; untouched on failure.
 * @return WS_OK  length is filled.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_POINTER  text is NULL and len is not 0, or length is NULL.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_NO_UNICODE_TRANSLATION  text is not UTF-8.
 * @ownership  The caller keeps text and owns length.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_measure_string(ws_data_writer *writer,
                                               const char *text,
                                               size_t len,
                                               size_t *length);

/* ==============================================================================================
 * Storing: what a data writer holds becomes a message, or is handed out.
 * ============================================================================================== */

/**
 * Queues what was written as one message: the original's StoreAsync for those who need not know
 * when it has left.
 *
 * The message has the type that the control MESSAGE_TYPE names at this moment, and leaves as one
 * of ws_send does. The writer is empty afterwards, and can be written to again at once. Without
 * anything written an empty message is sent. After a failure the bytes are still in the writer:
 * after WS_E_WOULD_BLOCK, store again when on_send_ready tells.
 *
 * @param[in] writer  from ws_data_writer_new, over a socket.
 * @param[out] bytes  how many were stored; may be NULL. Untouched on failure.
 * @return WS_OK  the message was accepted.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_INVALID_OPERATION  writer has no socket or was detached from it, or another store
 *     of this writer is under way.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a message that was begun frame
 *     by frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text, and what was written is not UTF-8.
 * @return WS_E_WOULD_BLOCK  the send queue is full; on_send_ready will tell.
 * @ownership  The caller owns bytes.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_store(ws_data_writer *writer, size_t *bytes);

/**
 * Queues what was written as one message, and tells when the system has taken it.
 *
 * It is to ws_data_writer_store what ws_send_async is to ws_send: the operation belongs to the
 * socket, ws_cancel takes it back, and the bytes that then have not left are gone. Until the
 * message has left, other stores of this writer are refused; inside on_completed they are not.
 *
 * @param[in] writer  from ws_data_writer_new, over a socket.
 * @param[in] on_completed  kept until the operation has ended; NULL when nobody wants to know.
 * @param[in] user_data  kept and handed to on_completed; may be NULL.
 * @param[out] operation  its number, stored before on_completed can be called; may be NULL.
 * @return WS_OK  the message was accepted; on_completed will be called once.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_INVALID_OPERATION  writer has no socket or was detached from it, or another store
 *     of this writer is under way.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a message that was begun frame
 *     by frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text, and what was written is not UTF-8.
 * @return WS_E_WOULD_BLOCK  the send queue is full; on_send_ready will tell.
 * @ownership  user_data must live until on_completed has returned. The writer may be freed before.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_store_async(ws_data_writer *writer,
                                            ws_completed_fn on_completed,
                                            void *user_data,
                                            ws_operation *operation);

/**
 * Sends what was written as one message: waits for room in the send queue, and until the system
 * has taken it.
 *
 * It is to ws_data_writer_store what ws_send_wait is to ws_send. After WS_E_TIMEOUT, and when the
 * connection ended while the call waited, the bytes are gone from the writer: as after
 * ws_send_wait some of them may have left. After every other failure they are still there.
 *
 * @param[in] writer  from ws_data_writer_new, over a socket.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @param[out] bytes  how many were stored; may be NULL. Untouched on failure.
 * @return WS_OK  the system has taken the message.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
 * @return WS_E_INVALID_OPERATION  writer has no socket or was detached from it, or another store
 *     of this writer is under way.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a message that was begun frame
 *     by frame has not ended.
 * @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed; or
 *     that happened while the call waited.
 * @return WS_E_NO_UNICODE_TRANSLATION  the type is text, and what was written is not UTF-8.
 * @return WS_E_TIMEOUT  timeout_ms have passed.
 * @return WS_E_ABORT, WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED, WS_E_(other)  the connection
 *     ended while the call waited, with what ws_send_wait answers then.
 * @ownership  The caller owns bytes.
 * @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most; others
 *     may use the writer meanwhile, but not store.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_store_wait(ws_data_writer *writer,
                                           uint32_t timeout_ms,
                                           size_t *bytes);

/**
 * Asks whether the output of the writer's socket takes what will be stored.
 *
 * Nothing has to be flushed: what was stored leaves by itself. What was only written is not
 * stored by this, as in the original's FlushAsync.
 *
 * @param[in] writer  from ws_data_writer_new, over a socket.
 * @return WS_OK  the output is open.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_INVALID_OPERATION  writer has no socket, or was detached from it.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet.
 * @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_flush(ws_data_writer *writer);

/**
 * Takes the socket's output from the writer, so that ws_data_writer_free leaves it open.
 *
 * What was stored leaves; what was only written stays in the writer, which goes on as one over
 * memory. A store that is under way goes on.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @return WS_OK  the writer owns no output, or never did.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @ownership  The output belongs to the socket alone.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_detach_stream(ws_data_writer *writer);

/**
 * Takes the bytes that were written and not stored out of the writer, by copying them to you.
 *
 * The writer is empty afterwards. Asking for the length, and failing, takes nothing out.
 *
 * @param[in] writer  from ws_data_writer_new.
 * @param[out] buf  gets the bytes; NULL with a capacity of 0 to ask for the length alone.
 * @param[in] capacity  the size of buf in bytes.
 * @param[out] length  how many bytes there are, also when capacity is too small; may be NULL when
 *     buf is not.
 * @return WS_OK  buf is filled and the writer empty; or, without buf, length is.
 * @return WS_E_HANDLE  writer is not a live data writer.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is less than length; buf is untouched.
 * @ownership  The caller owns buf and length.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_writer_detach_buffer(ws_data_writer *writer,
                                              void *buf,
                                              size_t capacity,
                                              size_t *length);

/* ==============================================================================================
 * Data readers: values out of bytes, those of a message or others.
 * ============================================================================================== */

/**
 * Makes a data reader over a copy of bytes.
 *
 * NULL means failure, about which ws_last_error_message tells: data is NULL and len is not 0, len
 * is larger than PTRDIFF_MAX, or no memory or handle is left.
 *
 * @param[in] data  copied; may be NULL if len is 0.
 * @param[in] len  size of data in bytes.
 * @ownership  The reader is yours until ws_data_reader_free or ws_shutdown. The caller keeps data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_data_reader *ws_data_reader_new(const void *data, size_t len);

/**
 * Makes a data reader over a message: the original's GetDataReader.
 *
 * The reader keeps the bytes, without copying them where ws_message_retain copies nothing, and so
 * outlives message, socket and queue. Several readers of one message know nothing of each other.
 * NULL means failure, about which ws_last_error_message tells: message is NULL, or no handle is
 * left.
 *
 * @param[in] message  one that is borrowed or retained at this moment.
 * @ownership  The reader is yours until ws_data_reader_free or ws_shutdown. What you hold of the
 *     message stays yours.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_data_reader *ws_data_reader_from_message(const ws_message *message);

/**
 * Ends a data reader.
 *
 * @param[in] reader  the handle is stale as soon as the call begins. NULL is WS_OK and does
 *     nothing.
 * @return WS_OK  it is freed.
 * @return WS_E_HANDLE  reader is not a live data reader: invented, or freed before.
 * @ownership  What it kept of a message is let go. Readers that came out of it stay.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_free(ws_data_reader *reader);

/**
 * Sets the order in which the bytes of numbers stand in what is read from now on.
 *
 * Without it the order is WS_BYTE_ORDER_BIG_ENDIAN.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[in] order  WS_BYTE_ORDER_LITTLE_ENDIAN or WS_BYTE_ORDER_BIG_ENDIAN.
 * @return WS_OK  it is set.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_INVALIDARG  order is none of WS_BYTE_ORDER_...
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_set_byte_order(ws_data_reader *reader, ws_byte_order order);

/**
 * Answers the order in which the bytes of numbers are read; 0 for what is no live data reader.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_byte_order ws_data_reader_get_byte_order(ws_data_reader *reader);

/**
 * Sets the encoding of the text that is read from now on.
 *
 * Without it the encoding is WS_UNICODE_ENCODING_UTF8.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[in] encoding  one of WS_UNICODE_ENCODING_...
 * @return WS_OK  it is set.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_INVALIDARG  encoding is none of WS_UNICODE_ENCODING_...
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_set_unicode_encoding(ws_data_reader *reader,
                                                     ws_unicode_encoding encoding);

/**
 * Answers the encoding in which text is read; 0 for what is no live data reader.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_unicode_encoding ws_data_reader_get_unicode_encoding(ws_data_reader *reader);

/**
 * Answers how many bytes are left to be read; 0 for what is no live data reader.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @ownership  Nothing is handed over.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API size_t ws_data_reader_unconsumed_length(ws_data_reader *reader);

/**
 * Takes the bytes that were not read out of the reader, by copying them to you.
 *
 * Nothing is left to be read afterwards. Asking for the length, and failing, takes nothing out.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] buf  gets the bytes; NULL with a capacity of 0 to ask for the length alone.
 * @param[in] capacity  the size of buf in bytes.
 * @param[out] length  how many bytes there are, also when capacity is too small; may be NULL when
 *     buf is not.
 * @return WS_OK  buf is filled and nothing is left; or, without buf, length is.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is less than length; buf is untouched.
 * @ownership  The caller owns buf and length. What the reader kept of a message is let go.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_detach_buffer(ws_data_reader *reader,
                                              void *buf,
                                              size_t capacity,
                                              size_t *length);

/**
 * Lets go of what the reader reads from, such as a message, before the reader is freed.
 *
 * Nothing is left to be read afterwards. Readers that came out of it stay as they are.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @return WS_OK  the reader keeps nothing any more.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @ownership  What you hold of the message stays yours.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_detach_stream(ws_data_reader *reader);

/* ==============================================================================================
 * Read values: numbers, times, bytes and text, taken out of a data reader.
 * ============================================================================================== */

/**
 * Reads an unsigned number of 8 bits: 1 byte.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_u8(ws_data_reader *reader, uint8_t *value);

/**
 * Reads an unsigned number of 16 bits: 2 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_u16(ws_data_reader *reader, uint16_t *value);

/**
 * Reads an unsigned number of 32 bits: 4 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_u32(ws_data_reader *reader, uint32_t *value);

/**
 * Reads an unsigned number of 64 bits: 8 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_u64(ws_data_reader *reader, uint64_t *value);

/**
 * Reads a signed number of 8 bits: 1 byte.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_i8(ws_data_reader *reader, int8_t *value);

/**
 * Reads a signed number of 16 bits: 2 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_i16(ws_data_reader *reader, int16_t *value);

/**
 * Reads a signed number of 32 bits: 4 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_i32(ws_data_reader *reader, int32_t *value);

/**
 * Reads a signed number of 64 bits: 8 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_i64(ws_data_reader *reader, int64_t *value);

/**
 * Reads a number of IEEE 754 in 32 bits: 4 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_f32(ws_data_reader *reader, float *value);

/**
 * Reads a number of IEEE 754 in 64 bits: 8 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  the number; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_f64(ws_data_reader *reader, double *value);

/**
 * Reads a truth value: 1 byte, of which every value but 0 is true.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] value  0 or 1; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_boolean(ws_data_reader *reader, uint8_t *value);

/**
 * Reads a GUID: 16 bytes, of which the first 4, the next 2 and the next 2 stand in the reader's
 * byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] guid  untouched on failure.
 * @return WS_OK  guid is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  guid is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns guid.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_guid(ws_data_reader *reader, ws_guid *guid);

/**
 * Reads a point in time: 8 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] universal_time_100ns  in units of 100 nanoseconds since 1601-01-01 00:00 UTC, as in
 *     the original's DateTime and in FILETIME; untouched on failure.
 * @return WS_OK  universal_time_100ns is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  universal_time_100ns is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns universal_time_100ns.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_date_time(ws_data_reader *reader,
                                               int64_t *universal_time_100ns);

/**
 * Reads a span of time: 8 bytes in the reader's byte order.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] duration_100ns  in units of 100 nanoseconds; untouched on failure.
 * @return WS_OK  duration_100ns is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  duration_100ns is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns duration_100ns.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_time_span(ws_data_reader *reader, int64_t *duration_100ns);

/**
 * Reads bytes as they are.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[out] data  gets len bytes; may be NULL if len is 0. Untouched on failure.
 * @param[in] len  how many bytes to read.
 * @return WS_OK  data is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  data is NULL and len is not 0.
 * @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @ownership  The caller owns data.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_bytes(ws_data_reader *reader, void *data, size_t len);

/**
 * Reads bytes into a data reader of their own, without copying them.
 *
 * It begins with the byte order and the encoding of the one that it came out of, and needs it no
 * more.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[in] len  how many bytes to read.
 * @param[out] buffer  the new reader; untouched on failure.
 * @return WS_OK  buffer is filled.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_POINTER  buffer is NULL.
 * @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
 * @return WS_E_OUTOFMEMORY  no handle is left; nothing was consumed.
 * @ownership  buffer is yours until ws_data_reader_free or ws_shutdown.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_buffer(ws_data_reader *reader,
                                            size_t len,
                                            ws_data_reader **buffer);

/**
 * Reads text in the reader's encoding, and gives it as UTF-8 that ends in NUL.
 *
 * Nothing is replaced or left out: a byte order mark is a character like any other, and so is
 * NUL. Asking for the length, and failing, consumes nothing.
 *
 * @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
 * @param[in] code_units  how many code units to read: bytes in UTF-8, pairs of bytes in UTF-16.
 * @param[out] buf  gets the text and its NUL; NULL with a capacity of 0 to ask for the length
 *     alone.
 * @param[in] capacity  the size of buf in bytes.
 * @param[out] length  the length of the text in bytes of UTF-8 without its NUL, also when capacity
 *     is too small; may be NULL when buf is not.
 * @return WS_OK  buf is filled and the text consumed; or, without buf, length is.
 * @return WS_E_HANDLE  reader is not a live data reader.
 * @return WS_E_BOUNDS  fewer code units are left; nothing was consumed.
 * @return WS_E_NO_UNICODE_TRANSLATION  it is not UTF-8, or has a surrogate without its other half;
 *     nothing was consumed.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
 * @return WS_E_OUTOFMEMORY  memory ran out.
 * @ownership  The caller owns buf and length.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_data_reader_read_string(ws_data_reader *reader,
                                            size_t code_units,
                                            char *buf,
                                            size_t capacity,
                                            size_t *length);

/* ==============================================================================================
 * Information and errors: what became known of a connection, and why it failed.
 * ============================================================================================== */

/**
 * Reads information that is an integer.
 *
 * Information belongs to the last connect and stays readable, also after a failure, until the
 * socket connects again or is freed. What is not known is 0.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] information  one of WS_INFORMATION_... whose type is integer.
 * @param[out] value  its value; untouched on failure.
 * @return WS_OK  value is filled.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  value is NULL.
 * @return WS_E_INVALIDARG  information is unknown or of another type.
 * @ownership  The caller owns value.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_information(ws_socket *socket, ws_information information, uint64_t *value);

/**
 * Reads information that is a text. What is not known is empty.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] information  one of WS_INFORMATION_... whose type is text.
 * @param[out] buf  gets the text and a NUL; NULL with capacity 0 asks for the length alone.
 * @param[in] capacity  size of buf in bytes.
 * @param[out] length  bytes of the text without its NUL, also when buf is too small; may be NULL.
 * @return WS_OK  buf is filled, or only length was asked for.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
 * @return WS_E_INVALIDARG  information is unknown or of another type.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
 * @ownership  The caller owns buf and length.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_information_string(ws_socket *socket,
                                           ws_information information,
                                           char *buf,
                                           size_t capacity,
                                           size_t *length);

/**
 * Reads information that is bytes.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] information  one of WS_INFORMATION_... whose type is bytes.
 * @param[in] index  0, or which one of several.
 * @param[out] buf  gets the bytes, without a NUL; NULL with capacity 0 asks for the length alone.
 * @param[in] capacity  size of buf in bytes.
 * @param[out] length  how many bytes there are, also when buf is too small; may be NULL.
 * @return WS_OK  buf is filled, or only length was asked for.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
 * @return WS_E_INVALIDARG  information is unknown or of another type.
 * @return WS_E_BOUNDS  there are not so many; length is untouched.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is less than length; buf is untouched.
 * @ownership  The caller owns buf and length.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_information_bytes(ws_socket *socket,
                                          ws_information information,
                                          uint32_t index,
                                          void *buf,
                                          size_t capacity,
                                          size_t *length);

/**
 * Reads a header of the server's answer to the upgrade request, also of a refusal.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] name  the header's name in any case, NUL-terminated; borrowed for the call.
 * @param[in] index  0, or which one of several headers of that name.
 * @param[out] buf  gets the value, byte by byte as the server sent it, and a NUL; NULL with
 *     capacity 0 asks for the length alone.
 * @param[in] capacity  size of buf in bytes.
 * @param[out] length  bytes of the value without its NUL, also when buf is too small; may be NULL.
 * @return WS_OK  buf is filled, or only length was asked for.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  name is NULL; or buf is NULL and capacity is not 0, or length is NULL as
 *     well.
 * @return WS_E_INVALIDARG  name is not UTF-8.
 * @return WS_E_BOUNDS  there is no answer yet, or it has no such header, or not so many.
 * @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
 * @ownership  The caller owns buf and length, and keeps name.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_response_header(ws_socket *socket,
                                        const char *name,
                                        uint32_t index,
                                        char *buf,
                                        size_t capacity,
                                        size_t *length);

/**
 * Tells why the last connect failed, or why the connection ended.
 *
 * A connect that succeeds clears it. After a closing handshake, and before any failure, its
 * result is WS_OK.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in,out] error  its struct_size says how much of the rest is filled.
 * @return WS_OK  error is filled.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  error is NULL.
 * @return WS_E_INVALIDARG  struct_size is less than 8.
 * @ownership  The caller owns error.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_error(ws_socket *socket, ws_error *error);

/* ==============================================================================================
 * Statistics: how much has passed over a connection, and how long things took.
 * ============================================================================================== */

/**
 * What is counted of a connection. Filled by ws_get_statistics.
 *
 * Bytes, frames and messages are those behind the opening handshake. What is sent counts when it
 * is queued, bytes_sent when the system has taken it; what is received counts at the end of the
 * I/O thread's turn, after its callbacks.
 */
typedef struct ws_statistics {
    /** Set by you to sizeof(ws_statistics) before the call. */
    uint32_t struct_size;
    /** 1 when outbound_bits_per_second has reached what the path can do. */
    uint8_t outbound_bandwidth_peaked;
    /** The same of inbound_bits_per_second. No system tells it: 0. */
    uint8_t inbound_bandwidth_peaked;
    /** 0. */
    uint16_t reserved;
    /**
     * An estimate of the path, as the original has it, while the connection is open: on Linux the
     * TCP delivery rate. Where the system estimates nothing this and the next three are 0.
     */
    uint64_t outbound_bits_per_second;
    /** The same of what arrives. */
    uint64_t inbound_bits_per_second;
    /** How much outbound_bits_per_second varies. */
    uint64_t outbound_bits_per_second_instability;
    /** How much inbound_bits_per_second varies. */
    uint64_t inbound_bits_per_second_instability;
    /** Bytes on the wire: frames with their headers; with TLS what is inside it. */
    uint64_t bytes_sent;
    /** The same of what arrived. */
    uint64_t bytes_received;
    /** Bytes of messages as you sent them. */
    uint64_t payload_bytes_sent;
    /** Bytes of messages as you get them. */
    uint64_t payload_bytes_received;
    /** Messages whose last frame was queued. */
    uint64_t messages_sent;
    /** Messages whose last frame has arrived. */
    uint64_t messages_received;
    /** Frames of every kind. */
    uint64_t frames_sent;
    /** Frames of every kind. */
    uint64_t frames_received;
    /** Pings of ws_ping and of the heartbeat. */
    uint64_t pings_sent;
    /** Pings of the server. */
    uint64_t pings_received;
    /** Answers to pings, and unsolicited pongs. */
    uint64_t pongs_sent;
    /** Pongs of the server, whether they answer a ping or not. */
    uint64_t pongs_received;
    /** Bytes of compressed messages as they are on the wire. */
    uint64_t compressed_bytes_sent;
    /** Bytes of the same messages before they were compressed. */
    uint64_t uncompressed_bytes_sent;
    /** Bytes of compressed messages as they were on the wire. */
    uint64_t compressed_bytes_received;
    /** Bytes of the same messages after they were inflated. */
    uint64_t uncompressed_bytes_received;
    /** The last time from a ping to its answer, in microseconds; 0 when none was answered. */
    uint64_t round_trip_us;
    /** A mean in which later ones weigh more (RFC 6298, chapter 2), in microseconds. */
    uint64_t smoothed_round_trip_us;
    /** The shortest, in microseconds. */
    uint64_t min_round_trip_us;
    /**
     * Looking up the name and preparing TLS, in microseconds. This and the next four are 0 for
     * what there was no need of, or what has not ended.
     */
    uint64_t name_us;
    /** Talking to a proxy, its TLS handshake included. */
    uint64_t proxy_us;
    /** Connecting to an address, those that failed before included, in microseconds. */
    uint64_t tcp_us;
    /** The TLS handshake, in microseconds. A custom validation counts nowhere. */
    uint64_t tls_us;
    /** The upgrade request and its answer, in microseconds. */
    uint64_t http_us;
} ws_statistics;

/**
 * Tells how much has passed over the connection, how long round trips and the phases of connecting
 * took.
 *
 * It belongs to the last connect and stays readable until the socket connects again or is freed.
 * Before the first connect everything is 0. The numbers are not all of the same moment.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in,out] statistics  its struct_size says how much of the rest is filled.
 * @return WS_OK  statistics is filled.
 * @return WS_E_HANDLE  socket is not a live socket.
 * @return WS_E_POINTER  statistics is NULL.
 * @return WS_E_INVALIDARG  struct_size is less than 8.
 * @ownership  The caller owns statistics.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_get_statistics(ws_socket *socket, struct ws_statistics *statistics);

/* ==============================================================================================
 * Event queues: events on a thread of yours, with callbacks or without.
 * ============================================================================================== */

/**
 * Makes an event queue.
 *
 * The first socket or queue starts the library's I/O threads. NULL means failure, about which
 * ws_last_error_message tells: no thread or handle could be had, or ws_shutdown is under way.
 *
 * @ownership  The queue is yours until ws_event_queue_free or ws_shutdown.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_event_queue *ws_event_queue_new(void);

/**
 * Ends an event queue.
 *
 * Events that wait in it are dropped, and so are later ones of its sockets, which need not be
 * freed before it; only released is still called, on the I/O thread. A thread that waits in
 * ws_event_queue_dispatch or ws_event_queue_next gets WS_E_ABORT.
 *
 * @param[in] queue  the handle is stale as soon as the call begins. NULL is WS_OK and does
 *     nothing.
 * @return WS_OK  it is freed.
 * @return WS_E_HANDLE  queue is not a live queue.
 * @return WS_E_REENTRANT  called inside a callback that this queue is just dispatching.
 * @ownership  The descriptor of ws_event_queue_get_wait_handle goes with the queue. Events that
 *     were taken stay valid until ws_event_release.
 * @threads  Any thread, also inside callbacks other than this queue's. Outside callbacks it waits
 *     for a wake hook that is running, and for nothing else: a callback that another thread
 *     dispatches may still be running when this returns.
 * @since 0.1
 */
WS_API ws_result ws_event_queue_free(ws_event_queue *queue);

/**
 * Sends the events of a socket to a queue.
 *
 * Without a queue callbacks run on the I/O thread. Several sockets may share one queue.
 *
 * @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
 * @param[in] queue  from ws_event_queue_new; NULL for none.
 * @return WS_OK  the next connect uses the queue.
 * @return WS_E_HANDLE  socket is not a live socket, or queue is not a live queue.
 * @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
 * @ownership  The queue stays yours and may be freed before the socket.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_set_event_queue(ws_socket *socket, ws_event_queue *queue);

/**
 * Calls the handlers of the events that wait, on this thread.
 *
 * It waits for the first event only, and drops events that have no handler. One thread at a time
 * takes events out of a queue.
 *
 * @param[in] queue  from ws_event_queue_new.
 * @param[in] max_events  at most this many; 0 for all that were there when the first was found.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @param[out] dispatched  how many events were taken, dropped ones included; may be NULL.
 *     Untouched on failure.
 * @return WS_OK  that many events were taken; 0 when none came in time.
 * @return WS_E_HANDLE  queue is not a live queue.
 * @return WS_E_REENTRANT  called on the I/O thread, and timeout_ms is not 0.
 * @return WS_E_INVALID_OPERATION  another thread takes events of this queue, or the call was made
 *     inside a callback that this queue is just dispatching.
 * @return WS_E_ABORT  the queue was freed while the call waited.
 * @ownership  The caller owns dispatched.
 * @threads  Any thread, also inside callbacks of other queues; on the I/O thread with timeout_ms 0
 *     only. Blocks for timeout_ms at most, and as long as your handlers run.
 * @since 0.1
 */
WS_API ws_result ws_event_queue_dispatch(ws_event_queue *queue,
                                         size_t max_events,
                                         uint32_t timeout_ms,
                                         size_t *dispatched);

/**
 * Takes one event out, without calling anything.
 *
 * For languages that cannot be called from C. Every event of the queue's sockets comes, also
 * those without a handler, except validations, which need
 * ws_on_server_custom_validation_requested.
 *
 * @param[in] queue  from ws_event_queue_new.
 * @param[out] event  the event; untouched on failure.
 * @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
 * @return WS_OK  event is filled.
 * @return WS_E_HANDLE  queue is not a live queue.
 * @return WS_E_POINTER  event is NULL.
 * @return WS_E_REENTRANT  called on the I/O thread, and timeout_ms is not 0.
 * @return WS_E_INVALID_OPERATION  another thread takes events of this queue, or the call was made
 *     inside a callback that this queue is just dispatching.
 * @return WS_E_TIMEOUT  no event came in time.
 * @return WS_E_ABORT  the queue was freed while the call waited.
 * @ownership  The event is yours until ws_event_release, also after its socket or queue was freed.
 * @threads  Any thread, also inside callbacks of other queues; on the I/O thread with timeout_ms 0
 *     only. Blocks for timeout_ms at most.
 * @since 0.1
 */
WS_API ws_result ws_event_queue_next(ws_event_queue *queue, ws_event **event, uint32_t timeout_ms);

/**
 * Gives an event back, and what it points at.
 *
 * @param[in] event  from ws_event_queue_next; NULL does nothing.
 * @ownership  The event is not yours any more. A message that was retained stays.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API void ws_event_release(ws_event *event);

/**
 * Gives something that a loop of yours can wait for: it is readable while events wait.
 *
 * A file descriptor for select, poll, epoll and their kin; on Windows the HANDLE of an event
 * object. Wait for it, never read, write or close it. The same one is given each time.
 *
 * @param[in] queue  from ws_event_queue_new.
 * @param[out] handle  the descriptor or HANDLE; untouched on failure.
 * @return WS_OK  handle is filled.
 * @return WS_E_HANDLE  queue is not a live queue.
 * @return WS_E_POINTER  handle is NULL.
 * @return WS_E_OUTOFMEMORY  the system gave no descriptor.
 * @ownership  It belongs to the queue and goes with it.
 * @threads  Any thread, also inside callbacks. Never blocks.
 * @since 0.1
 */
WS_API ws_result ws_event_queue_get_wait_handle(ws_event_queue *queue, intptr_t *handle);

/**
 * Registers a hook that is called when the queue turns non-empty, in place of an earlier one.
 *
 * It should do no more than wake your loop. It is not called for events that wait already. Called
 * outside callbacks, this waits for an earlier hook that is just running, so that what its
 * user_data points at may be freed afterwards.
 *
 * @param[in] queue  from ws_event_queue_new.
 * @param[in] on_wake  kept; NULL for none.
 * @param[in] user_data  kept and handed to on_wake; may be NULL.
 * @return WS_OK  it is registered.
 * @return WS_E_HANDLE  queue is not a live queue.
 * @ownership  The caller keeps what user_data points at until the hook was replaced or the queue
 *     freed.
 * @threads  Any thread, also inside callbacks. Waits for nothing but a running hook.
 * @since 0.1
 */
WS_API ws_result ws_event_queue_set_wake(ws_event_queue *queue,
                                         ws_wake_fn on_wake,
                                         void *user_data);

#ifdef __cplusplus
}
#endif

#endif /* ANYWS_H */
