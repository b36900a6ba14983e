//! The receiving machine after the handshake: any bytes, in any pieces, in every mode, with and
//! without compression. What it tells is what a slow model makes of the whole; besides, see `reader`.
#![no_main]

use std::sync::Arc;

use anyws::protocol::Fault;
use anyws::protocol::deflate::{Deflater, Inflater, Parameters, Spares};
use anyws::protocol::receiver::{Limits, Mode, Receiver};
use anyws_fuzz::model::{self, End, Terms, Told};
use anyws_fuzz::reader::{Reader, is_rot};
use anyws_fuzz::{Choices, Counted, Cuts, Frame};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static COUNTED: Counted = Counted;

/// What inflates to more than this takes the model too long.
const ENOUGH: u64 = 256 * 1024;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let set = choices.byte();
    let mode = [Mode::FullMessage, Mode::PartialMessage, Mode::Stream][usize::from(set) % 3];
    let (inflates, keeps_context) = (set & 4 != 0, set & 8 != 0);
    let (reads_directly, is_built, discards) = (set & 16 != 0, set & 32 != 0, set & 64 != 0);
    let cuts = Cuts::new(&mut choices);
    let (limits, room) = (choices.byte(), choices.byte());
    let discards_after = discards.then(|| usize::from(choices.byte()));
    let limits = limits_of(limits, mode, inflates);
    let room = [1, 2, 63, 1000, 65_536][usize::from(room) % 5];
    let agreed = Parameters {
        client_max_window_bits: 15,
        server_max_window_bits: 15,
        client_no_context_takeover: !keeps_context,
        server_no_context_takeover: !keeps_context,
    };
    let wire = if is_built { built(&mut choices, &agreed) } else { choices.rest().to_vec() };

    let inflater = inflates.then(|| Inflater::new(&agreed, Arc::new(Spares::default())));
    let mut reader = Reader::new(Receiver::new(mode, limits, inflater), mode, limits, room);
    reader.reads_directly = reads_directly;
    reader.discards_after = discards_after;
    reader.takes_bursts = set & 128 != 0;
    if !reader.read(&wire, cuts, ENOUGH) {
        return;
    }
    if reader.is_discarding {
        still_judges_frames(&reader);
    } else {
        let limits = (mode == Mode::FullMessage).then_some(limits);
        let checks_text = mode != Mode::Stream;
        compare(&reader, &wire, Terms { inflates, keeps_context, checks_text, limits });
    }
    if reader.end != End::Open {
        reader.is_deaf();
    }
});

fn limits_of(choice: u8, mode: Mode, inflates: bool) -> Limits {
    // As the session has it: the limits bind whole messages only.
    if mode != Mode::FullMessage {
        return Limits { max_message_size: u64::MAX, max_fragments: u32::MAX };
    }
    let sizes = [u64::MAX, 64 << 20, 0, 1, 125, 1000, 70_000, 140_000];
    let counts = [u32::MAX, 65_536, 1, 3];
    Limits {
        max_message_size: sizes[usize::from(choice) % 8],
        // Whether the bare end of a compressed message counts, the model cannot tell.
        max_fragments: if inflates { u32::MAX } else { counts[usize::from(choice / 8) % 4] },
    }
}

/// Mostly legal frames, so that the fuzzer need not find out how to write lengths.
fn built(choices: &mut Choices, agreed: &Parameters) -> Vec<u8> {
    let mut deflater = Deflater::new(agreed, Arc::new(Spares::default()));
    let mut wire = Vec::new();
    while !choices.is_empty() && wire.len() < 150_000 {
        let what = choices.byte();
        let first = match what % 16 {
            0 | 1 => 0x81,
            2 => 0x82,
            3 => 0x01,
            4 => 0x02,
            5 => 0x00,
            6 | 7 => 0x80,
            8 => 0x89,
            9 => 0x8a,
            10 => 0x88,
            11 => 0xc1,
            12 => 0xc2,
            13 => 0x41,
            14 => 0x42,
            _ => choices.byte(),
        };
        let payload = match choices.byte() {
            len @ 0..=200 => choices.take(usize::from(len)).to_vec(),
            some @ 201..=240 => b"0123456789abc\n".repeat(usize::from(some) - 200),
            // Long enough for a buffer of its own, and for reading into it directly.
            many @ 241..=250 => b"0123456789abc\n".repeat(usize::from(many - 240) * 600),
            _ => {
                // Only the header, and a length that lies.
                wire.extend_from_slice(&[first, 127, 0, 0]);
                wire.extend_from_slice(choices.take(6));
                continue;
            }
        };
        // Compressing much takes longer than reading it.
        if what & 0x10 == 0 || payload.len() > 4000 {
            Frame::write(first, &payload, &mut wire);
            continue;
        }
        let mut deflated = Vec::new();
        let level = u32::from(what >> 5);
        if deflater.deflate(level, &payload, first & 0x80 != 0, &mut deflated).is_ok() {
            Frame::write(first, &deflated, &mut wire);
        }
    }
    wire
}

fn compare(reader: &Reader, wire: &[u8], terms: Terms) {
    let account = model::read(wire, terms);
    let may_rot = account.end == End::Rotten || account.is_inside_compressed;
    if may_rot && is_rot(&reader.end) {
        // It was found out early: of what is told besides messages, some may be missing.
        let (told, missing) = account.told.split_at(reader.told.len().min(account.told.len()));
        assert_eq!(reader.told, told);
        assert!(!missing.iter().any(|one| matches!(one, Told::Message(..))), "{missing:?}");
        return;
    }
    assert_eq!(reader.told, account.told);
    assert_eq!(reader.end, account.end);
    if account.is_inside_compressed || terms.limits.is_some() {
        return;
    }
    // In portions everything is told that has come, up to a piece that is not text.
    let nothing = (anyws::protocol::MessageKind::Binary, Vec::new());
    let (_, told) = reader.portion.as_ref().unwrap_or(&nothing);
    let (kind, arrived) = account.unfinished.as_ref().unwrap_or(&nothing);
    assert!(arrived.starts_with(told));
    if account.end != End::Fault(Fault::TextNotUtf8) {
        assert_eq!(told.len(), arrived.len());
        assert!(reader.portion.as_ref().is_none_or(|(told, _)| told == kind));
    }
}

/// Who drops what arrives looks at frames, not at what is in the messages.
fn still_judges_frames(reader: &Reader) {
    let of_messages = [
        Fault::TextNotUtf8,
        Fault::NotInflatable,
        Fault::MessageTooBig,
        Fault::TooManyFragments,
        Fault::OutOfMemory,
    ];
    let is_of_message = of_messages.iter().any(|fault| reader.end == End::Fault(*fault));
    assert!(!is_of_message, "{:?}", reader.end);
}
