//! Connections that are lost in the midst of something: nothing of it is delivered.

use crate::accounts::turn;
use crate::attack::{ABORTED, Attack, GROWTH_STEP, LITTLE, RESET, long_header, row};
use crate::stage::all_end;
use crate::support::server::frame;

/// What a server has sent when it ends the connection without a close frame.
fn cuts() -> Vec<Attack> {
    let large = [long_header(0x82, 1 << 20), vec![1; 99]].concat();
    vec![
        row("nothing", []),
        row("half a header", [0x81]),
        row("half a length", [0x82, 126, 1]),
        row("half a long length", [0x82, 127, 0, 0, 0, 0]),
        row("no payload", [0x81, 10]),
        row("half a payload", [0x81, 10, b'h', b'a', b'l', b'f']),
        row("half of a large payload", large).holds(LITTLE + GROWTH_STEP),
        row("half a character", frame(0x01, &[0xe2, 0x82])),
        row("a fragment", frame(0x01, b"half")),
        row("a fragment and a half", [frame(0x01, b"half"), vec![0x80, 3, b'x']].concat()),
        row("half a ping", [0x89, 5, 3]),
        row("half a close frame", [0x88, 5, 3]),
    ]
}

#[test]
fn the_end_of_tcp_without_a_close_frame_is_an_aborted_connection() {
    let turn = turn();
    assert_eq!(ABORTED.result.cast_unsigned(), 0x8007_2EFE);
    all_end(&turn, ABORTED, cuts().into_iter().map(Attack::finishes).collect());
}

#[test]
fn a_reset_without_a_close_frame_is_a_reset_connection() {
    let turn = turn();
    assert_eq!(RESET.result.cast_unsigned(), 0x8007_2EFF);
    all_end(&turn, RESET, cuts().into_iter().map(Attack::resets).collect());
}
