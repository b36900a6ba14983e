//! What the fuzz targets share: how a fuzzer's bytes become choices and cuts, frames written and read
//! the slow way, a count of the memory in use, and the second inflater that the unit tests have too.
//! Knows nothing of what a target expects, and uses nothing of the library's own codecs: what agrees
//! with them here agrees for a reason of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

pub mod ledger;
pub mod model;
#[path = "../../src/protocol/deflate/oracle.rs"]
pub mod oracle;
pub mod reader;
pub mod site;
pub mod world;

/// For `oracle`: RFC 7692 §7.2.1.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The bytes of an input, taken from the front. When there are no more they are zeros.
pub struct Choices<'d> {
    rest: &'d [u8],
}

impl<'d> Choices<'d> {
    pub fn new(data: &'d [u8]) -> Choices<'d> {
        Choices { rest: data }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn word(&mut self) -> u16 {
        u16::from(self.byte()) << 8 | u16::from(self.byte())
    }

    /// `0..limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// As many of `count` bytes as there are.
    pub fn take(&mut self, count: usize) -> &'d [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    pub fn rest(&mut self) -> &'d [u8] {
        self.take(self.rest.len())
    }
}

/// Of more than this only the end is cut into small pieces.
const MUCH: usize = 4096;

/// Where bytes are cut into pieces. Two bytes of the input say how, so that it stays short.
#[derive(Clone, Debug)]
pub struct Cuts {
    style: u8,
    state: u64,
}

impl Cuts {
    pub fn new(choices: &mut Choices) -> Cuts {
        let (style, seed) = (choices.byte(), choices.byte());
        Cuts { style: style % 6, state: u64::from(seed) * 0x9e37_79b9 + 1 }
    }

    /// The length of the next piece, from 1 to `left`; 0 when nothing is left.
    pub fn next(&mut self, left: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let random = (self.state >> 20) as usize;
        let wanted = match self.style {
            0 => left,
            // Byte by byte, much takes too long; a header or an end within it is met all the same.
            1..=3 if left > MUCH => 1 + random % MUCH,
            1 => 1,
            2 => 1 + random % 3,
            3 => 1 + random % 16,
            4 => 1 + random % 300,
            _ => [1, 2, 7, 130, left][random % 5],
        };
        wanted.clamp(1.min(left), left)
    }

    pub fn pieces<'b>(mut self, mut bytes: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        std::iter::from_fn(move || {
            let (piece, rest) = bytes.split_at(self.next(bytes.len()));
            bytes = rest;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

/// A frame as the bytes say it, of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub first: u8,
    pub key: Option<[u8; 4]>,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Takes a frame from the front; `None` when it is not all there.
    pub fn read(bytes: &mut &[u8]) -> Option<Frame> {
        let [first, second, rest @ ..] = *bytes else { return None };
        let (len, rest) = match second & 0x7f {
            126 => rest.split_first_chunk().map(|(n, r)| (u64::from(u16::from_be_bytes(*n)), r))?,
            127 => rest.split_first_chunk().map(|(n, r)| (u64::from_be_bytes(*n), r))?,
            short => (u64::from(short), rest),
        };
        let (key, rest) = match second & 0x80 {
            0 => (None, rest),
            _ => rest.split_first_chunk::<4>().map(|(key, rest)| (Some(*key), rest))?,
        };
        let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        *bytes = rest;
        let key_at = |at: usize| key.map_or(0, |key| key[at % 4]);
        let payload = payload.iter().enumerate().map(|(at, byte)| byte ^ key_at(at)).collect();
        Some(Frame { first: *first, key, payload })
    }

    /// As a server sends it.
    pub fn write(first: u8, payload: &[u8], wire: &mut Vec<u8>) {
        wire.push(first);
        match payload.len() {
            len @ 0..=125 => wire.push(len as u8),
            len @ 126..=0xffff => {
                wire.push(126);
                wire.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                wire.push(127);
                wire.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        wire.extend_from_slice(payload);
    }
}

/// RFC 9110 §5.6.2, read off the page.
pub fn is_token(text: &[u8]) -> bool {
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !text.is_empty() && text.iter().all(is_letter)
}

/// Without space and tab at both ends.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let is_ink = |b: &u8| !matches!(b, b' ' | b'\t');
    let Some(from) = text.iter().position(is_ink) else { return b"" };
    let to = text.iter().rposition(is_ink).map_or(from, |last| last + 1);
    &text[from..to]
}

/// Counts the bytes that are in use. A target that asks for them installs it.
pub struct Counted;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

impl Counted {
    pub fn bytes_in_use() -> isize {
        IN_USE.load(Ordering::Relaxed)
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        IN_USE.fetch_add(size as isize - layout.size() as isize, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
