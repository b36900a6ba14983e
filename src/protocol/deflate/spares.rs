//! Idle states, shared by the connections whose contexts end with each message.
//!
//! Such a connection needs a state for the moments of a message only; keeping one for each would
//! cost more than everything else about it. Owns a handful of states, all of them reset; refuses to
//! know messages.

use std::fmt;
use std::hint::black_box;
use std::sync::Mutex;

use zlib_rs::{Deflate, DeflateConfig, Inflate, Strategy};

use crate::base::lock::lock;

/// So many of each kind stay; as many connections as event loops use one at the same time.
const MAX_IDLE: usize = 4;

/// Blocks of 2^12 symbols. zlib's usual 8 takes 84 KiB more for blocks of 2^14, is no faster, and
/// writes large messages 0.3 % smaller, those below 2^12 bytes not at all.
const MEM_LEVEL: i32 = 6;

/// What one state allocates at most, rounded up; see [`super::Inflater`] and [`super::Deflater`].
const INFLATE_BYTES: usize = 48 * 1024;
const DEFLATE_BYTES: usize = 288 * 1024;

/// See the file.
#[derive(Default)]
pub struct Spares {
    inflates: Mutex<Vec<Inflate>>,
    deflates: Mutex<Vec<(DeflateKind, Deflate)>>,
}

/// What a deflating state was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeflateKind {
    /// 8 to 15; at 8 what is written holds no distances.
    pub(super) window_bits: u8,
    /// 0 to 9.
    pub(super) level: u8,
}

impl Spares {
    /// A state with an empty window; `None`: there is no memory for it.
    pub(super) fn take_inflate(&self) -> Option<Inflate> {
        if let Some(state) = lock(&self.inflates).pop() {
            return Some(state);
        }
        // zlib-rs reserves 32 KiB for any window and accepts distances up to that, whatever bits it
        // is told: a smaller agreement saves nothing here, and a peer that oversteps it is
        // understood all the same.
        has_room(INFLATE_BYTES).then(|| Inflate::new(false, 15))
    }

    pub(super) fn give_inflate(&self, mut state: Inflate) {
        let mut idle = lock(&self.inflates);
        if idle.len() < MAX_IDLE {
            // Nothing of the message is within reach of the next.
            state.reset(false);
            idle.push(state);
        }
    }

    /// A state with an empty window; `None`: there is no memory for it.
    pub(super) fn take_deflate(&self, kind: DeflateKind) -> Option<Deflate> {
        let mut idle = lock(&self.deflates);
        if let Some(at) = idle.iter().rposition(|(other, _)| *other == kind) {
            return Some(idle.remove(at).1);
        }
        drop(idle);
        // zlib writes no raw stream with a window of 256 bytes. Without distances, any window fits.
        let strategy = if kind.window_bits < 9 { Strategy::HuffmanOnly } else { Strategy::Default };
        let config = DeflateConfig {
            // Below 0: raw. RFC 7692 §7.2: no header, no checksum.
            window_bits: -i32::from(kind.window_bits.clamp(9, 15)),
            level: i32::from(kind.level.min(9)),
            mem_level: MEM_LEVEL,
            strategy,
            ..DeflateConfig::default()
        };
        has_room(DEFLATE_BYTES).then(|| Deflate::new_with_config(config))
    }

    pub(super) fn give_deflate(&self, kind: DeflateKind, mut state: Deflate) {
        state.reset();
        let mut idle = lock(&self.deflates);
        // The oldest goes: its kind is perhaps no longer asked for.
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push((kind, state));
    }

    /// How many of each kind are here.
    pub(super) fn idle(&self) -> (usize, usize) {
        (lock(&self.inflates).len(), lock(&self.deflates).len())
    }
}

impl fmt::Debug for Spares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inflates, deflates) = self.idle();
        f.debug_struct("Spares")
            .field("inflates", &inflates)
            .field("deflates", &deflates)
            .finish_non_exhaustive()
    }
}

/// zlib-rs panics where it finds no memory: asked beforehand.
fn has_room(bytes: usize) -> bool {
    let mut room: Vec<u8> = Vec::new();
    black_box(&mut room).try_reserve_exact(bytes).is_ok()
}
