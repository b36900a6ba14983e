//! Frames that RFC 6455 forbids: each fails at its header, and close frames at their payload.

use crate::accounts::turn;
use crate::attack::{FORMAT, NOT_UTF8, OPERATION, long_header, row, text};
use crate::stage::all_end;
use crate::support::server::frame;

#[test]
fn masked_frames_reserved_bits_and_reserved_opcodes_fail_at_the_header() {
    let turn = turn();
    let mut rows = vec![
        row("masked text, header only", [0x81, 0x85]),
        row("masked text, whole", [0x81, 0x81, 1, 2, 3, 4, 0x60]),
        row("masked ping", [0x89, 0x80]),
        row("masked close", [0x88, 0x82]),
    ];
    for first in [0xc1, 0xa1, 0x91, 0xf2, 0xc9, 0xa8, 0x9a, 0x41, 0x11] {
        rows.push(row(format!("reserved bits {first:#x}"), [first]));
    }
    // A header that is nearly the one that would allow it.
    let nearly = row("a reserved bit that another header names", [0xc1]);
    rows.push(nearly.answers_with("Sec-WebSocket-Extension", "permessage-deflate"));
    for opcode in (3..=7).chain(11..=15) {
        rows.push(row(format!("opcode {opcode}"), [0x80 | opcode]));
    }
    all_end(&turn, FORMAT, rows);
}

#[test]
fn control_frames_are_whole_and_short() {
    let turn = turn();
    let mut rows = Vec::new();
    for opcode in [8, 9, 10] {
        rows.push(row(format!("fragmented control {opcode}"), [opcode, 0]));
        rows.push(row(format!("control {opcode} of 126"), [0x80 | opcode, 126]));
        rows.push(row(format!("control {opcode} of 126 and length"), [0x80 | opcode, 126, 0, 126]));
        rows.push(row(format!("control {opcode} of 64 KiB"), long_header(0x80 | opcode, 65_536)));
        rows.push(row(format!("control {opcode} of 2^63"), long_header(0x80 | opcode, 1 << 63)));
    }
    let inside = [frame(0x01, b"begun"), vec![0x09, 0x00]].concat();
    rows.push(row("fragmented ping inside a message", inside));
    all_end(&turn, FORMAT, rows);
}

#[test]
fn lengths_have_their_shortest_form_and_no_highest_bit() {
    let turn = turn();
    all_end(
        &turn,
        FORMAT,
        vec![
            row("16 bits for 5", [0x82, 126, 0, 5]),
            row("16 bits for 125", [0x82, 126, 0, 125]),
            row("64 bits for 5", long_header(0x82, 5)),
            row("64 bits for 65535", long_header(0x81, 65_535)),
            row("highest bit", long_header(0x82, 1 << 63)),
            row("all bits", long_header(0x82, u64::MAX)),
            row("64 bits for 5 in a fragment", long_header(0x02, 5)),
        ],
    );
}

#[test]
fn close_frames_hold_a_legal_code_or_nothing() {
    let turn = turn();
    let mut rows = vec![row("close of one byte", frame(0x88, &[3]))];
    for code in [0u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        rows.push(row(format!("close {code}"), frame(0x88, &code.to_be_bytes())));
    }
    all_end(&turn, FORMAT, rows);
}

#[test]
fn a_close_reason_is_utf8() {
    let turn = turn();
    let reason = |bytes: &[u8]| frame(0x88, &[&1000u16.to_be_bytes(), bytes].concat());
    all_end(
        &turn,
        NOT_UTF8,
        vec![
            row("reason of 0xff", reason(&[0xff])),
            row("reason cut inside a character", reason(b"gut \xc3")),
            row("reason with a surrogate", reason(&[0xed, 0xa0, 0x80])),
        ],
    );
}

#[test]
fn frames_of_messages_come_in_their_order() {
    let turn = turn();
    let whole = [frame(0x01, b"a"), frame(0x80, b"b"), vec![0x80, 0]].concat();
    all_end(
        &turn,
        OPERATION,
        vec![
            row("continuation of nothing", [0x80, 0]),
            row("continuation of nothing, not final", [0x00, 1]),
            row("text in text", [frame(0x01, b"a"), vec![0x81, 0]].concat()),
            row("binary in text", [frame(0x01, b"a"), vec![0x82, 1]].concat()),
            row("fragment in fragment", [frame(0x02, b"a"), vec![0x02, 1]].concat()),
            row("continuation behind a whole message", whole).delivers(text("ab")),
            row("text in an empty binary", [frame(0x02, b""), vec![0x01, 0]].concat()),
        ],
    );
}
