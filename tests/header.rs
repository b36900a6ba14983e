//! Keeps include/anyws.h the true image of src/ffi. `BLESS=1 cargo test --test header` writes it
//! anew; the plain run fails when the two have drifted apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "header/comments.rs"]
mod comments;
#[path = "header/generator.rs"]
mod generator;
#[path = "header/source.rs"]
mod source;

use std::fs;
use std::sync::OnceLock;

use generator::{declaration, declared_name};

#[test]
fn header_is_what_the_sources_say() {
    let generated = header();
    let committed = source::read(&source::root().join("include/anyws.h"));
    let end = || std::iter::once("(the end)");
    let lines = committed.lines().chain(end()).zip(generated.lines().chain(end()));
    if let Some((number, (is, should))) = lines.enumerate().find(|(_, (is, should))| is != should) {
        panic!(
            "include/anyws.h:{}: is not what src/ffi says; BLESS=1 cargo test --test header \
             writes it anew\n  is:     {is}\n  should: {should}",
            number + 1
        );
    }
    assert!(committed == generated, "include/anyws.h differs in its line ends");
}

/// What the sources say. It is written down first if that is asked for.
fn header() -> &'static str {
    static HEADER: OnceLock<String> = OnceLock::new();
    HEADER.get_or_init(|| {
        let header = generator::header();
        if std::env::var_os("BLESS").is_some() {
            let path = source::root().join("include/anyws.h");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &header).unwrap();
        }
        header
    })
}

#[test]
fn exports_and_declarations_are_the_same_set() {
    let header = header();
    let mut declared: Vec<String> = functions(header).map(|block| declared_name(&block)).collect();
    declared.sort();
    let chapters = source::chapters();
    let mut exported = Vec::new();
    for (path, name) in source::exports() {
        assert!(
            chapters.iter().any(|chapter| chapter.path == path),
            "{}: exports {name} but is not a chapter of the header",
            path.display()
        );
        exported.push(name);
    }
    exported.sort();
    assert!(exported.len() > 40, "only {} exports were found", exported.len());
    assert_eq!(declared, exported);
}

#[test]
fn header_declares_nothing_but_our_names() {
    let header = header();
    for line in header.lines() {
        let name = if let Some(rest) = line.strip_prefix("#define ") {
            rest.split([' ', '(']).next().unwrap().to_owned()
        } else if line.starts_with("typedef") && line.ends_with(';') {
            declared_name(line)
        } else {
            continue;
        };
        assert!(name.starts_with("ws_") || name.starts_with("WS_") || name == "ANYWS_H", "{name}");
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn records_have_the_layout_that_programs_were_compiled_with() {
    use anyws::ffi::statistics::ws_statistics;
    use anyws::ffi::types::{
        ws_buffer, ws_closed, ws_control_info, ws_error, ws_event, ws_message,
    };
    use std::mem::{offset_of, size_of};

    let message = [
        offset_of!(ws_message, data),
        offset_of!(ws_message, len),
        offset_of!(ws_message, r#type),
        offset_of!(ws_message, is_complete),
        size_of::<ws_message>(),
    ];
    assert_eq!(message, [0, 8, 16, 20, 24]);

    let buffer = [offset_of!(ws_buffer, data), offset_of!(ws_buffer, len), size_of::<ws_buffer>()];
    assert_eq!(buffer, [0, 8, 16]);

    let closed = [
        offset_of!(ws_closed, result),
        offset_of!(ws_closed, code),
        offset_of!(ws_closed, reason),
        offset_of!(ws_closed, was_clean),
        offset_of!(ws_closed, by_peer),
        offset_of!(ws_closed, reason_length),
        size_of::<ws_closed>(),
    ];
    assert_eq!(closed, [0, 4, 8, 16, 17, 24, 32]);

    let error = [
        offset_of!(ws_error, struct_size),
        offset_of!(ws_error, result),
        offset_of!(ws_error, web_error_status),
        offset_of!(ws_error, phase),
        offset_of!(ws_error, http_status),
        offset_of!(ws_error, system_error),
        offset_of!(ws_error, tls_alert),
        offset_of!(ws_error, certificate_errors),
        offset_of!(ws_error, text),
        size_of::<ws_error>(),
    ];
    assert_eq!(error, [0, 4, 8, 12, 16, 20, 24, 28, 32, 288]);

    let event = [
        offset_of!(ws_event, r#type),
        offset_of!(ws_event, socket),
        offset_of!(ws_event, user_data),
        offset_of!(ws_event, operation),
        offset_of!(ws_event, result),
        offset_of!(ws_event, bytes),
        offset_of!(ws_event, message),
        offset_of!(ws_event, closed),
        offset_of!(ws_event, validation),
        offset_of!(ws_event, round_trip_us),
        size_of::<ws_event>(),
    ];
    assert_eq!(event, [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80]);

    let control_info = [
        offset_of!(ws_control_info, struct_size),
        offset_of!(ws_control_info, r#type),
        offset_of!(ws_control_info, name),
        offset_of!(ws_control_info, default_value),
        offset_of!(ws_control_info, minimum),
        offset_of!(ws_control_info, maximum),
        offset_of!(ws_control_info, for_message_sockets),
        offset_of!(ws_control_info, for_stream_sockets),
        offset_of!(ws_control_info, is_live),
        offset_of!(ws_control_info, is_read_only),
        size_of::<ws_control_info>(),
    ];
    assert_eq!(control_info, [0, 4, 8, 16, 24, 32, 40, 41, 42, 43, 48]);

    let statistics = [
        offset_of!(ws_statistics, struct_size),
        offset_of!(ws_statistics, outbound_bandwidth_peaked),
        offset_of!(ws_statistics, inbound_bandwidth_peaked),
        offset_of!(ws_statistics, reserved),
        offset_of!(ws_statistics, outbound_bits_per_second),
        offset_of!(ws_statistics, inbound_bits_per_second_instability),
        offset_of!(ws_statistics, bytes_sent),
        offset_of!(ws_statistics, payload_bytes_sent),
        offset_of!(ws_statistics, messages_sent),
        offset_of!(ws_statistics, frames_sent),
        offset_of!(ws_statistics, pings_sent),
        offset_of!(ws_statistics, pongs_received),
        offset_of!(ws_statistics, compressed_bytes_sent),
        offset_of!(ws_statistics, uncompressed_bytes_received),
        offset_of!(ws_statistics, round_trip_us),
        offset_of!(ws_statistics, min_round_trip_us),
        offset_of!(ws_statistics, name_us),
        offset_of!(ws_statistics, http_us),
        size_of::<ws_statistics>(),
    ];
    let expected = [0, 4, 5, 6, 8, 32, 40, 56, 72, 88, 104, 128, 136, 160, 168, 184, 192, 224, 232];
    assert_eq!(statistics, expected);
}

#[test]
fn every_comment_is_whole() {
    let header = header();
    let mut wrong = Vec::new();
    let mut callbacks = 0;
    for block in functions(header) {
        for fault in comments::faults_of_function(&block) {
            wrong.push(format!("{} {fault}", declared_name(&block)));
        }
    }
    for block in header.split("\n\n") {
        if declaration(block).starts_with("typedef void (*") {
            callbacks += 1;
            for fault in comments::faults_of_callback(block) {
                wrong.push(format!("{} {fault}", declared_name(block)));
            }
        }
    }
    assert!(callbacks >= 9, "only {callbacks} types of callbacks were found");
    let codes: Vec<String> = constants(header).filter(|name| name.starts_with("WS_E_")).collect();
    for code in comments::unknown_codes(header, &codes) {
        wrong.push(format!("there is no {code}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn essay_is_short_enough_to_be_read() {
    let header = header();
    let lines = header.lines().position(|line| line == " */").unwrap() + 1;
    assert!(lines <= 120, "{lines} lines");
}

#[test]
fn no_line_is_wider_than_a_screen() {
    let header = header();
    let is_wide = |line: &&str| line.len() > 100 && !line.starts_with("#define");
    assert_eq!(header.lines().find(is_wide), None);
}

#[test]
#[cfg(unix)]
fn header_compiles_without_a_warning_in_every_language() {
    let header = header();
    let uses: String = constants(header)
        .filter(|name| !["WS_API", "WS_VERSION_STRING"].contains(&name.as_str()))
        .map(|name| format!("    sum = sum * 31 + (long long){name};\n"))
        .collect();
    let program = format!(
        "#include <anyws.h>\n#include <anyws.h>\nlong long use(void);\nlong long use(void)\n{{\n    \
         long long sum = WS_FAILED(WS_E_ABORT) ? 1 : sizeof WS_VERSION_STRING;\n\
         {uses}    return sum;\n}}\n"
    );
    for standard in ["c99", "c11", "c17"] {
        compile(&["cc", "-x", "c"], standard, &["-Wextra", "-Wsign-conversion"], &program);
    }
    for standard in ["c++11", "c++17", "c++20"] {
        compile(&["c++", "-x", "c++"], standard, &["-Wextra", "-Wsign-conversion"], &program);
    }
}

#[test]
#[cfg(unix)]
fn program_of_the_essay_compiles_as_printed() {
    let header = header();
    let program: String = header
        .lines()
        .skip_while(|line| *line != " *     #include <anyws.h>")
        .map_while(|line| if line == " *" { Some("") } else { line.strip_prefix(" *     ") })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert!(program.contains("int main(void)") && program.trim_end().ends_with('}'), "{program}");
    compile(&["cc", "-x", "c"], "c99", &["-Wextra"], &program);
    compile(&["c++", "-x", "c++"], "c++11", &["-Wextra"], &program);
}

#[cfg(unix)]
fn compile(compiler: &[&str], standard: &str, warnings: &[&str], program: &str) {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let mut child = Command::new(compiler[0])
        .args(&compiler[1..])
        .arg(format!("-std={standard}"))
        .args(["-Wall", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only", "-I"])
        .arg(source::root().join("include"))
        .args(warnings)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", compiler[0]));
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{standard}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The names of all constants, those of the prologue included.
fn constants(header: &str) -> impl Iterator<Item = String> {
    header
        .lines()
        .filter_map(|line| line.strip_prefix("#define WS_")?.split_once(' '))
        .filter(|(name, _)| !name.contains('('))
        .map(|(name, _)| format!("WS_{name}"))
}

/// The comments and declarations of the header's functions.
fn functions(header: &str) -> impl Iterator<Item = String> {
    header
        .split("\n\n")
        .filter(|block| declaration(block).starts_with("WS_API "))
        .map(|block| block.trim_end().to_owned())
}
