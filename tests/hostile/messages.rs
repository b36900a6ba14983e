//! Messages that are not text where they say so, too long, or in too many pieces: each fails as soon
//! as that can be known, and what came of it is not kept.

use anyws::ffi::types::*;

use crate::accounts::turn;
use crate::attack::{Attack, NOT_UTF8, TOO_BIG, binary, long_header, row};
use crate::stage::all_end;
use crate::support::server::frame;

#[test]
fn text_fails_in_the_segment_that_breaks_it() {
    let turn = turn();
    // The header of a message of 1 MiB that stalls behind the broken byte.
    let stalled = |bytes: &[u8]| [long_header(0x81, 1 << 20), bytes.to_vec()].concat();
    let joint = |first: &[u8], then: &[u8]| [frame(0x01, first), then.to_vec()].concat();
    let mut rows = Vec::new();
    for (name, bytes) in [
        ("lone continuation byte", &[0x80][..]),
        ("0xff", &[0xff]),
        ("overlong 2", &[0xc0, 0xaf]),
        ("overlong 3", &[0xe0, 0x80]),
        ("overlong 4", &[0xf0, 0x80]),
        ("surrogate", &[0xed, 0xa0]),
        ("above 10FFFF", &[0xf4, 0x90]),
        ("lead byte 0xf5", &[0xf5]),
        ("broken sequence", &[0xe2, 0x82, 0x41]),
    ] {
        rows.push(row(format!("{name}, whole"), frame(0x81, bytes)));
        rows.push(row(format!("{name}, behind text"), frame(0x81, &[b"gut ", bytes].concat())));
        rows.push(row(format!("{name}, stalled"), stalled(bytes)));
        rows.push(row(
            format!("{name}, stalled far in"),
            stalled(&[&[b'x'; 5000][..], bytes].concat()),
        ));
        rows.push(row(format!("{name}, in a fragment"), frame(0x01, bytes)));
    }
    rows.push(row("cut at the end", frame(0x81, &[0xce])));
    rows.push(row("cut at the last fragment", joint(&[0xce], &frame(0x80, b""))));
    rows.push(row("broken at a joint, the rest missing", joint(&[0xce], &[0x80, 5, b'a'])));
    rows.push(row("broken behind a joint", joint("κόσ".as_bytes(), &frame(0x00, &[0xce, 0xce]))));
    all_end(&turn, NOT_UTF8, rows);
}

#[test]
fn messages_over_the_limit_fail_at_the_header() {
    let turn = turn();
    let exactly = [frame(0x82, &[7; 1000]), frame(0x02, &[7; 600]), frame(0x00, &[])].concat();
    let exactly = [exactly, frame(0x80, &[7; 400]), vec![0x82, 126, 0x03, 0xe9]].concat();
    let rows = vec![
        row("exactly the limit twice, and one more", exactly)
            .delivers(binary([7; 1000]))
            .delivers(binary([7; 1000])),
        row("one too many", [0x82, 126, 0x03, 0xe9]),
        row("text", [0x81, 126, 0x03, 0xe9]),
        row("2^63-1", long_header(0x82, (1 << 63) - 1)),
        row("2^32+5", long_header(0x82, (1 << 32) + 5)),
        row("sum of two", [frame(0x02, &[1; 600]), vec![0x80, 126, 0x01, 0x91]].concat()),
        row(
            "sum of many",
            [frame(0x02, &[1; 500]), frame(0x00, &[1; 500]), vec![0x00, 1]].concat(),
        ),
        row("beyond 64 bits", [frame(0x02, b"x"), long_header(0x80, (1 << 63) - 1)].concat()),
    ];
    let limited = |row: Attack| row.set(WS_CONTROL_MAX_MESSAGE_SIZE, 1000);
    all_end(&turn, TOO_BIG, rows.into_iter().map(limited).collect());
    all_end(&turn, TOO_BIG, vec![row("the default limit", long_header(0x82, (64 << 20) + 1))]);
}

#[test]
fn fragments_are_counted_empty_ones_included() {
    let turn = turn();
    let fragments = |count: usize| [frame(0x02, b""), frame(0x00, b"").repeat(count - 1)].concat();
    let tenth = [fragments(9), frame(0x80, b"tenth")].concat();
    let rows = vec![
        row("eleven", fragments(11)),
        row("eleven, the last final", [fragments(10), vec![0x80, 0]].concat()),
        row("eleven behind ten", [tenth, fragments(11)].concat()).delivers(binary(b"tenth")),
    ];
    let ten = |row: Attack| row.set(WS_CONTROL_MAX_FRAGMENTS, 10);
    all_end(&turn, TOO_BIG, rows.into_iter().map(ten).collect());
    all_end(&turn, TOO_BIG, vec![row("one more than the default", fragments(65_537))]);
}
