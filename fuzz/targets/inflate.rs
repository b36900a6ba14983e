//! Compressed messages in any pieces and into any room, against a second inflater that has each
//! whole. Both keep their window from message to message, as agreed.
#![no_main]

use std::sync::Arc;

use anyws::protocol::deflate::{Inflater, Parameters, Spares};
use anyws_fuzz::{Choices, Cuts, oracle};
use libfuzzer_sys::fuzz_target;

/// A message that comes to more than this is let be: the other inflater would take for ever.
const ENOUGH: usize = 128 * 1024;
const LARGEST_ROOM: usize = 4096;
/// Bytes behind the room, which are to stay as they are.
const BEHIND: usize = 16;
const CANARY: u8 = 0xa5;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let keeps_context = choices.bit();
    let mut rooms = Cuts::new(&mut choices);
    let cuts = Cuts::new(&mut choices);
    let parameters = Parameters {
        client_max_window_bits: 15,
        server_max_window_bits: 15,
        client_no_context_takeover: false,
        server_no_context_takeover: !keeps_context,
    };
    let mut inflater = Inflater::new(&parameters, Arc::new(Spares::default()));
    let mut history = Vec::new();
    while !choices.is_empty() {
        // The last message has no end but that of the input: most of the fuzzer's bytes go there.
        let len = usize::from(choices.byte());
        let payload = if len > 200 { choices.rest() } else { choices.take(len) };
        if !keeps_context {
            history.clear();
        }
        let ours = match inflate(&mut inflater, payload, cuts.clone(), &mut rooms) {
            Ok(whole) if whole.len() > ENOUGH => return,
            Ok(whole) => Some(whole),
            Err(()) => None,
        };
        let theirs = oracle::inflate(payload, &mut history);
        assert!(ours == theirs, "{payload:x?}: {ours:x?}, not {theirs:x?}");
        if ours.is_none() {
            assert!(inflater.inflate(b"\x00", &mut [0; 8]).is_err(), "alive after a fault");
            return;
        }
    }
});

fn inflate(
    inflater: &mut Inflater,
    payload: &[u8],
    cuts: Cuts,
    rooms: &mut Cuts,
) -> Result<Vec<u8>, ()> {
    let mut whole = Vec::new();
    let mut output = [CANARY; LARGEST_ROOM + BEHIND];
    for piece in cuts.pieces(payload) {
        let mut rest = piece;
        // A full output may have left data behind.
        loop {
            let room = rooms.next(LARGEST_ROOM);
            output[room..room + BEHIND].fill(CANARY);
            let step = inflater.inflate(rest, &mut output[..room]).map_err(drop)?;
            assert!(step.consumed <= rest.len() && step.produced <= room);
            assert_eq!(output[room..room + BEHIND], [CANARY; BEHIND]);
            rest = &rest[step.consumed..];
            whole.extend_from_slice(&output[..step.produced]);
            if whole.len() > ENOUGH {
                return Ok(whole);
            }
            if step.produced < room {
                assert!(rest.is_empty(), "there was room, and input");
                break;
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    loop {
        let room = rooms.next(LARGEST_ROOM);
        let (produced, ends) = inflater.finish(&mut output[..room]).map_err(drop)?;
        whole.extend_from_slice(&output[..produced]);
        if ends || whole.len() > ENOUGH {
            return Ok(whole);
        }
        assert!(produced > 0, "it would go on like this for ever");
    }
}
