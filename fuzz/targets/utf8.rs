//! The validator against the standard library's, for every split; and the very byte that fails.
#![no_main]

use anyws::protocol::utf8::{Validator, is_valid};
use anyws_fuzz::{Choices, Cuts};
use libfuzzer_sys::fuzz_target;

/// Up to this length all cuts in two are tried.
const EVERY_SPLIT: usize = 160;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let cuts = Cuts::new(&mut choices);
    let repeated = choices.below(4);
    let text = choices.rest();
    // Far enough apart for the vectorised check, which takes 64 bytes at a time, to matter.
    let text = [&vec![b'a'; repeated * 61], text].concat();
    let expected = std::str::from_utf8(&text);
    assert_eq!(is_valid(&text), expected.is_ok());
    assert_eq!(passes(cuts.pieces(&text)), expected.is_ok());
    if text.len() <= EVERY_SPLIT {
        for at in 0..=text.len() {
            let (left, right) = text.split_at(at);
            assert_eq!(passes([left, right].into_iter()), expected.is_ok(), "split at {at}");
        }
    }
    let first_wrong = expected.err().and_then(|error| {
        let mut ends = error.valid_up_to() + 1..=text.len();
        let shows = |end: &usize| {
            std::str::from_utf8(&text[..*end]).is_err_and(|error| error.error_len().is_some())
        };
        ends.find(shows).map(|end| end - 1)
    });
    let mut validator = Validator::default();
    assert_eq!(text.chunks(1).position(|byte| !validator.check(byte)), first_wrong);
});

fn passes<'b>(mut pieces: impl Iterator<Item = &'b [u8]>) -> bool {
    let mut validator = Validator::default();
    pieces.all(|piece| validator.check(piece)) && validator.is_complete()
}
