//! Keeps the house as it was drawn: which floor sees which, where `unsafe` and the clock may be,
//! how long a file gets. Each rule is a function from a source to its faults, and each is shown to
//! bite on made-up input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "architecture/scan.rs"]
mod scan;

use std::path::Path;

use scan::{Source, crate_paths, has_word};

/// A floor, and the floors it sees. ARCHITECTURE.md has the same table.
const FLOORS: [(&str, &[&str]); 8] = [
    ("base", &[]),
    ("http", &["base"]),
    ("protocol", &["base"]),
    ("reactor", &["base"]),
    ("handshake", &["http", "protocol", "base"]),
    ("transport", &["reactor", "http", "base"]),
    ("client", &["transport", "reactor", "handshake", "http", "protocol", "base"]),
    ("ffi", &["client", "base"]),
];

/// Words of lower floors that the boundary hands on: names of failures, what a message is made of,
/// and the clock. It calls nothing else there.
const WORDS_OF_FFI: [&str; 16] = [
    "handshake",
    "handshake::RedirectFault",
    "http::HeadFault",
    "protocol::Fault",
    "protocol::MessageKind",
    "protocol::Part",
    "protocol::burst",
    "protocol::burst::Burst",
    "protocol::burst::Packed",
    "protocol::receiver::Payload",
    "reactor::mailbox::on_event_loop",
    "reactor::now",
    "transport::http_proxy::ProxyFault",
    "transport::socks5::SocksFault",
    "transport::tls::CertificateFault",
    "transport::tls::TlsFault",
];

/// Exports that can neither fail nor panic, and answer in the child of a fork as well.
const UNGUARDED: [&str; 9] = [
    "ws_abi_version",
    "ws_error_phase_name",
    "ws_event_release",
    "ws_last_error_message",
    "ws_message_release",
    "ws_result_name",
    "ws_version",
    "ws_version_string",
    "ws_web_error_status_name",
];

const MAX_LINES: usize = 500;

#[test]
fn floors_see_only_what_their_row_names() {
    judge("src", floor_faults);
}

#[test]
fn files_are_short() {
    judge("src", length_faults);
    judge("tests", length_faults);
    judge("fuzz/src", length_faults);
    judge("fuzz/targets", length_faults);
}

#[test]
fn unsafe_stays_where_it_belongs_and_says_why() {
    judge("src", unsafe_faults);
}

#[test]
fn one_place_reads_the_clock() {
    judge("src", clock_faults);
}

#[test]
fn every_export_is_guarded() {
    judge("src/ffi", export_faults);
}

#[test]
fn nothing_is_unwrapped_without_a_reason() {
    judge("src", unwrap_faults);
}

#[test]
fn every_file_says_what_it_is() {
    judge("src", heading_faults);
}

fn judge(folder: &str, rule: fn(&Source) -> Vec<String>) {
    let sources = scan::sources(Path::new(env!("CARGO_MANIFEST_DIR")), folder);
    assert!(!sources.is_empty(), "{folder} holds no source");
    let faults: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn fault(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{}: {what}", source.name, line + 1)
}

fn floor_faults(source: &Source) -> Vec<String> {
    let Some(floor) = source.floor() else { return Vec::new() };
    let Some((_, seen)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
        return vec![fault(source, 0, &format!("{floor} is no floor"))];
    };
    let sees = |path: &str| {
        let other = path.split("::").next().unwrap_or_default();
        other == floor
            || seen.contains(&other)
            || floor == "ffi" && WORDS_OF_FFI.contains(&path)
            || !FLOORS.iter().any(|(name, _)| *name == other)
    };
    crate_paths(&source.code)
        .into_iter()
        .filter(|(_, path)| !sees(path))
        .map(|(line, path)| fault(source, line, &format!("{floor} may not see {path}")))
        .collect()
}

fn length_faults(source: &Source) -> Vec<String> {
    let lines = source.lines.len();
    if lines <= MAX_LINES {
        return Vec::new();
    }
    vec![fault(source, lines - 1, &format!("{lines} lines, {MAX_LINES} are enough"))]
}

fn unsafe_faults(source: &Source) -> Vec<String> {
    let may = source.floor() == Some("ffi") || source.name == "src/transport/system.rs";
    let mut faults = Vec::new();
    for (number, line) in source.code.iter().enumerate() {
        if !has_word(line, "unsafe") {
            continue;
        }
        if !may {
            faults.push(fault(source, number, "unsafe is for src/ffi and transport/system.rs"));
        }
        let needs_reason = line.contains("unsafe {") || line.contains("unsafe impl");
        let mut above = source.lines[..number].iter().rev().take(8);
        if needs_reason
            && !above
                .by_ref()
                .take_while(|line| !line.trim().is_empty())
                .any(|line| line.contains("// SAFETY: "))
        {
            faults.push(fault(source, number, "unsafe without a SAFETY comment"));
        }
    }
    faults
}

fn clock_faults(source: &Source) -> Vec<String> {
    if source.name == "src/reactor/timers.rs" {
        return Vec::new();
    }
    let reads = |line: &str| line.contains("Instant::now") || line.contains("SystemTime::now");
    let lines = source.shipped().filter(|(_, line)| reads(line));
    lines.map(|(number, _)| fault(source, number, "only reactor/timers.rs reads a clock")).collect()
}

/// An export's body begins with a guard, or runs everything it does inside one.
fn export_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, _) in source.shipped().filter(|(_, line)| *line == "#[unsafe(no_mangle)]") {
        let body: Vec<&str> = source.code[number + 1..]
            .iter()
            .map(String::as_str)
            .take_while(|line| *line != "}")
            .collect();
        let name = body.first().and_then(|line| line.split(" fn ").nth(1)).unwrap_or_default();
        let name = name.split('(').next().unwrap_or_default();
        let guarded = |line: &&str| has_word(line, "checked") || has_word(line, "guard");
        if !body.iter().any(guarded) && !UNGUARDED.contains(&name) {
            faults.push(fault(source, number, &format!("{name} has no guard")));
        }
    }
    faults
}

/// An `expect` tells its reason itself, an `unwrap` needs one beside the allow.
fn unwrap_faults(source: &Source) -> Vec<String> {
    let is_allowed = |number: usize, line: &str| {
        source.lines[number.saturating_sub(4)..number].iter().any(|above| {
            above.contains("(clippy::expect_used") && line.contains(".expect(")
                || above.contains("(clippy::unwrap_used")
                    && (above.contains("//") || above.contains("reason = "))
        })
    };
    source
        .shipped()
        .filter(|(_, line)| line.contains(".unwrap()") || line.contains(".expect("))
        .filter(|(number, line)| !is_allowed(*number, line))
        .map(|(number, _)| fault(source, number, "unwrap needs an allow with a reason"))
        .collect()
}

fn heading_faults(source: &Source) -> Vec<String> {
    if source.lines.first().is_some_and(|line| line.starts_with("//! ")) || source.tests_from == 0 {
        return Vec::new();
    }
    vec![fault(source, 0, "a file begins with //! and what it owns")]
}

#[test]
fn a_floor_that_looks_up_or_sideways_is_found() {
    let faults = |name, text| floor_faults(&Source::new(name, text));
    assert_eq!(
        faults("src/protocol/frame.rs", "//! x\nuse crate::client::Socket;\n"),
        ["src/protocol/frame.rs:2: protocol may not see client::Socket"]
    );
    assert_eq!(faults("src/http/uri.rs", "use crate::{base::trace, protocol};\n").len(), 1);
    assert_eq!(faults("src/base/lock.rs", "let x = crate::reactor::now();\n").len(), 1);
    assert_eq!(faults("src/ffi/send.rs", "use crate::protocol::outbox::Outbox;\n").len(), 1);
    assert_eq!(faults("src/ffi/send.rs", "use crate::protocol::MessageKind;\n").len(), 0);
    assert_eq!(faults("src/client/a.rs", "// crate::ffi\nuse crate::base::lock;\n").len(), 0);
    assert_eq!(faults("src/cellar/a.rs", "\n"), ["src/cellar/a.rs:1: cellar is no floor"]);
}

#[test]
fn a_long_file_is_found() {
    let text = |lines| "x\n".repeat(lines);
    assert!(length_faults(&Source::new("src/a.rs", &text(MAX_LINES))).is_empty());
    assert_eq!(
        length_faults(&Source::new("src/a.rs", &text(MAX_LINES + 1))),
        ["src/a.rs:501: 501 lines, 500 are enough"]
    );
}

#[test]
fn unsafe_in_the_wrong_place_or_without_a_reason_is_found() {
    let faults = |name, text| unsafe_faults(&Source::new(name, text)).len();
    let reasoned = "// SAFETY: it is there\nlet x = unsafe { *p };\n";
    assert_eq!(faults("src/ffi/a.rs", reasoned), 0);
    assert_eq!(faults("src/transport/system.rs", reasoned), 0);
    assert_eq!(faults("src/transport/tcp.rs", reasoned), 1);
    assert_eq!(faults("src/ffi/a.rs", "let x = unsafe { *p };\n"), 1);
    assert_eq!(faults("src/ffi/a.rs", "// SAFETY: far away\n\nunsafe impl Send for A {}\n"), 1);
    assert_eq!(faults("src/base/a.rs", "// unsafe\nlet x = \"unsafe {\";\n"), 0);
    assert_eq!(faults("src/ffi/a.rs", "#[unsafe(no_mangle)]\n"), 0);
}

#[test]
fn a_second_clock_is_found() {
    let faults = |name, text| clock_faults(&Source::new(name, text)).len();
    assert_eq!(faults("src/client/a.rs", "let now = Instant::now();\n"), 1);
    assert_eq!(faults("src/reactor/timers.rs", "let now = Instant::now();\n"), 0);
    let in_test = "#[cfg(test)]\nmod tests {\nlet now = Instant::now();\n}\n";
    assert_eq!(faults("src/client/a.rs", in_test), 0);
}

#[test]
fn an_export_without_a_guard_is_found() {
    let faults = |body: &str| {
        let text = format!("#[unsafe(no_mangle)]\npub extern \"C\" fn ws_x() {{\n{body}\n}}\n");
        export_faults(&Source::new("src/ffi/a.rs", &text))
    };
    assert_eq!(faults("    x()"), ["src/ffi/a.rs:1: ws_x has no guard"]);
    assert_eq!(faults("    // checked(|| x())\n    x()").len(), 1);
    assert_eq!(faults("    checked(|| x())").len(), 0);
    assert_eq!(faults("    guard(0, || x())").len(), 0);
}

#[test]
fn an_unwrap_without_a_reason_is_found() {
    let faults = |text| unwrap_faults(&Source::new("src/base/a.rs", text)).len();
    assert_eq!(faults("let x = y.unwrap();\n"), 1);
    assert_eq!(faults("let x = y.expect(\"there\");\n"), 1);
    assert_eq!(faults("#[allow(clippy::unwrap_used)] // y is some\nlet x = y.unwrap();\n"), 0);
    assert_eq!(faults("#[allow(clippy::unwrap_used)]\nlet x = y.unwrap();\n"), 1);
    assert_eq!(faults("#[allow(clippy::expect_used)]\nlet x = y.expect(\"set above\");\n"), 0);
    assert_eq!(faults("let x = y.unwrap_or(0);\n"), 0);
    assert_eq!(faults("#[cfg(test)]\nmod tests {\nlet x = y.unwrap();\n}\n"), 0);
}

#[test]
fn a_file_without_a_heading_is_found() {
    assert_eq!(heading_faults(&Source::new("src/a.rs", "use x;\n")).len(), 1);
    assert_eq!(heading_faults(&Source::new("src/a.rs", "//! What it is.\n")).len(), 0);
}
