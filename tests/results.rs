//! Every result has its line: the test that provokes it in a client, or, beside the constant, why
//! no client can meet it. A new constant fails here until it has one of the two.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(target_os = "linux")]
#[path = "results/descriptors.rs"]
mod descriptors;
mod support;

use std::collections::BTreeSet;
use std::path::Path;

/// The result, and a test whose crate asserts it by its name: `file::function`.
type Line = (&'static str, &'static str);

#[rustfmt::skip]
const PROVOKED: &[Line] = &[
    ("WS_OK", "messages.rs::thousands_of_messages_keep_their_order"),
    ("WS_E_BOUNDS", "reader_writer/texts.rs::text_is_read_whole_or_not_at_all"),
    ("WS_E_ILLEGAL_METHOD_CALL", "handshake/request.rs::connect_wait_gives_the_network_s_answer"),
    ("WS_E_CLOSED", "closing.rs::what_the_application_closes_with_goes_out_and_comes_back"),
    ("WS_E_POINTER", "misuse/settings.rs::records_are_filled_as_far_as_the_caller_knows_them"),
    ("WS_E_ABORT", "handshake/leaving.rs::cancel_abort_and_close_end_a_connect_at_every_stage"),
    ("WS_E_UNEXPECTED", "process.rs::the_child_of_a_fork_is_refused_and_the_parent_goes_on"),
    ("WS_E_HANDLE", "lifetimes.rs::a_socket_may_free_itself_inside_its_callback"),
    ("WS_E_OUTOFMEMORY", "results/descriptors.rs::without_descriptors_a_connect_fails_and_with_some_it_works_again"),
    ("WS_E_INVALIDARG", "closing.rs::what_may_not_be_sent_is_refused_and_the_connection_lives_on"),
    ("WS_E_INSUFFICIENT_BUFFER", "misuse/settings.rs::texts_come_whole_with_their_nul_or_not_at_all"),
    ("WS_E_NO_UNICODE_TRANSLATION", "fragments.rs::a_frame_that_makes_the_text_invalid_is_refused_and_the_message_goes_on"),
    ("WS_E_REENTRANT", "misuse/own_callbacks.rs::shutdown_is_refused_inside_every_callback"),
    ("WS_E_INVALID_OPERATION", "lifetimes.rs::one_thread_at_a_time_takes_from_a_queue"),
    ("WS_E_MESSAGE_TOO_BIG", "compression/receiving.rs::a_message_may_be_as_large_as_the_limit_and_one_more_ends_the_connection"),
    ("WS_E_WOULD_BLOCK", "timeouts.rs::a_full_queue_refuses_and_send_ready_comes_once_when_it_has_drained"),
    ("WS_E_TIMEOUT", "handshake.rs::a_silent_server_is_a_timeout"),
    ("WS_E_NAME_NOT_RESOLVED", "reach/addresses.rs::a_name_without_an_address_is_not_resolved"),
    ("WS_E_CANNOT_CONNECT", "reach/addresses.rs::a_port_where_nobody_listens_cannot_be_connected_to"),
    ("WS_E_CONNECTION_ABORTED", "handshake.rs::connections_that_end_before_the_answer_is_whole"),
    ("WS_E_CONNECTION_RESET", "handshake.rs::connections_that_end_before_the_answer_is_whole"),
    ("WS_E_SEC_CERT_DATE_INVALID", "certificates/matrix.rs::each_fault_is_told_and_passes_only_with_its_own_bits"),
    ("WS_E_SEC_CERT_CN_INVALID", "certificates/matrix.rs::each_fault_is_told_and_passes_only_with_its_own_bits"),
    ("WS_E_HTTPS_TO_HTTP_ON_REDIR", "reach/redirects.rs::from_ws_to_wss_is_followed_and_back_is_refused"),
    ("WS_E_CLIENT_AUTH_CERT_NEEDED", "certificates/client_certificates.rs::a_server_that_wants_one_and_gets_none_says_so"),
    ("WS_E_SEC_CERT_ERRORS", "certificates/matrix.rs::each_fault_is_told_and_passes_only_with_its_own_bits"),
    ("WS_E_SEC_CERT_REV_FAILED", "certificates/revocation.rs::lists_that_do_not_cover_or_do_not_hold_are_told_apart"),
    ("WS_E_INVALID_SERVER_RESPONSE", "handshake.rs::what_is_not_http_fails"),
    ("WS_E_INVALID_HEADER", "handshake.rs::header_lines_are_judged"),
    ("WS_E_REDIRECT_FAILED", "reach/redirects.rs::a_location_that_leads_nowhere_fails"),
    ("WS_E_SECURITY_CHANNEL_ERROR", "tls.rs::what_is_not_tls_fails_the_channel"),
    ("WS_E_SERVER_UNREACHABLE", "reach/addresses.rs::an_address_without_a_way_to_it_is_unreachable"),
    ("WS_E_PROXY_SERVER_UNREACHABLE", "reach/http_proxies.rs::nobody_at_the_proxys_port_is_a_proxy_that_cannot_be_reached"),
    ("WS_E_SEC_INVALID_CERT", "certificates/matrix.rs::each_fault_is_told_and_passes_only_with_its_own_bits"),
    ("WS_E_SEC_CERT_REVOKED", "certificates/revocation.rs::a_revoked_certificate_is_refused_whatever_is_ignored"),
    ("WS_E_CRYPT_NO_REVOCATION_CHECK", "certificates/revocation.rs::lists_that_do_not_cover_or_do_not_hold_are_told_apart"),
    ("WS_E_TRUST_CERT_SIGNATURE", "certificates/matrix.rs::signatures_that_nobody_accepts_any_more_are_refused_whatever_is_ignored"),
    ("WS_E_CERT_UNTRUSTEDROOT", "certificates/matrix.rs::each_fault_is_told_and_passes_only_with_its_own_bits"),
    ("WS_E_CERT_WRONG_USAGE", "certificates/matrix.rs::each_fault_is_told_and_passes_only_with_its_own_bits"),
    ("WS_E_SECURITY_PROBLEM", "tls/validation.rs::a_rejection_inside_the_callback_ends_the_connect"),
    ("WS_E_INVALID_PROTOCOL_OPERATION", "hostile/frames.rs::frames_of_messages_come_in_their_order"),
    ("WS_E_INVALID_PROTOCOL_FORMAT", "compression/receiving.rs::what_does_not_inflate_or_does_not_end_ends_the_connection"),
    ("WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED", "handshake.rs::extensions_that_were_not_offered_fail"),
    ("WS_E_SUBPROTOCOL_NOT_SUPPORTED", "handshake.rs::subprotocols_are_those_that_were_offered"),
    ("WS_E_HTTP_STATUS_PROXY_AUTH_REQ", "reach/http_proxies.rs::a_proxy_that_is_never_content_is_asked_twice_and_a_stranger_asks_once"),
];

/// Every other of the statuses that have a name.
const STATUSES: &str = "handshake/refusals.rs::every_status_with_a_name_is_that_code";
/// How a comment begins that says why no client can meet the result.
const REASON: &str = "/// Never raised here: ";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All sources of a directory and those below it.
fn sources(directory: &str) -> String {
    let mut all = String::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let name = format!("{directory}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            all += &sources(&name);
        } else if name.ends_with(".rs") {
            all += &read(&name);
        }
    }
    all
}

/// The constants in the order of their file, each with the comment above it.
fn constants() -> Vec<(String, String)> {
    let text = read("src/ffi/result.rs");
    let lines: Vec<&str> = text.lines().collect();
    let mut constants = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix("pub const WS_") else { continue };
        let (name, rest) = rest.split_once(':').unwrap();
        assert!(rest.starts_with(" ws_result = "), "{line}");
        constants.push((format!("WS_{name}"), lines[at - 1].to_owned()));
    }
    constants
}

/// Whether `name` stands in `text` as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let is_part =
        |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    text.match_indices(name).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + name.len()..].chars().next())
    })
}

fn is_status(name: &str) -> bool {
    name.starts_with("WS_E_HTTP_STATUS_")
}

#[test]
fn every_result_is_provoked_by_a_test_or_says_why_it_cannot_be() {
    let provoked: BTreeSet<&str> = PROVOKED.iter().map(|(name, _)| *name).collect();
    assert_eq!(provoked.len(), PROVOKED.len(), "a result has two lines");
    let constants = constants();
    let known: BTreeSet<&str> = constants.iter().map(|(name, _)| name.as_str()).collect();
    assert!(provoked.is_subset(&known), "{:?}", provoked.difference(&known));
    for (name, comment) in &constants {
        let has_reason = comment.strip_prefix(REASON).is_some_and(|reason| reason.len() > 20);
        let has_test = provoked.contains(name.as_str()) || is_status(name) && !has_reason;
        assert_ne!(has_test, has_reason, "{name}: a line in PROVOKED, or \"{REASON}…\" above it");
    }
}

#[test]
fn the_tests_that_are_named_exist_and_assert_what_they_are_named_for() {
    let statuses = constants()
        .into_iter()
        .filter(|(name, comment)| is_status(name) && !comment.starts_with(REASON));
    let statuses: Vec<String> = statuses.map(|(name, _)| name).collect();
    let lines = PROVOKED.iter().copied();
    for (name, test) in lines.chain(statuses.iter().map(|name| (name.as_str(), STATUSES))) {
        let (file, function) = test.split_once("::").unwrap();
        let text = read(&format!("tests/{file}"));
        let (before, _) = text.split_once(&format!("\nfn {function}() {{")).expect(test);
        // Attributes may stand between.
        let item = before.rsplit("\n\n").next().unwrap();
        assert!(item.lines().any(|line| line == "#[test]"), "{test}");
        // Tables and verdicts have other places in the same crate; this one names all.
        let room = file.split_once('/').map_or(file.trim_end_matches(".rs"), |(room, _)| room);
        let whole = match room {
            "results" => text.clone(),
            room => read(&format!("tests/{room}.rs")) + &sources(&format!("tests/{room}")),
        };
        let code = whole.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_named = code.into_iter().any(|line| names(line, name));
        assert!(is_named, "{name} is not asserted by {test}");
    }
}

#[test]
fn what_is_said_to_be_never_raised_is_named_nowhere_in_the_library() {
    let library = ["base", "client", "handshake", "http", "protocol", "reactor", "transport"]
        .map(|room| sources(&format!("src/{room}")))
        .concat();
    let mut shapes = String::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".rs") && !["result.rs", "mapping.rs"].contains(&name.as_str()) {
            shapes += &read(&format!("src/ffi/{name}"));
        }
    }
    for (name, comment) in constants() {
        if comment.starts_with(REASON) {
            assert!(!names(&library, &name) && !names(&shapes, &name), "{name} is raised");
        }
    }
}
