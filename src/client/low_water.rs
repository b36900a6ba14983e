//! How much of a large message must have arrived before the system wakes its thread for it: nobody
//! gets anything of it sooner, and each time costs more than to copy what has come meanwhile.
//!
//! The system also wakes whoever waits when it has no room for more, and when the peer ends. What
//! else there may be, a peer that dawdles or a layer in between that has something to say, is looked
//! for now and then. Refuses to know what the bytes are.

use std::time::{Duration, Instant};

use crate::transport::system;

use super::open::Open;

/// Of a message that lacks less every byte counts.
const LEAST_BYTES: usize = 128 * 1024;
/// The system must have room for it.
const MOST_BYTES: usize = 512 * 1024;
/// More than TLS may have taken already, and not decrypted: a record for each of its layers.
const RECORDS_BYTES: usize = 64 * 1024;
const LOOK_IN: Duration = Duration::from_millis(100);

impl Open {
    /// Whoever comes here for another reason than that much has arrived takes what there is.
    pub(super) fn look_in(&mut self) {
        if self.low_water > 0 {
            self.may_read = true;
            self.stream.notice_edge();
        }
    }

    /// All that was there has been read: says for how much more the thread wants to be woken, and when
    /// to look in.
    pub(super) fn set_low_water(&mut self, now: Instant) -> Option<Instant> {
        let missing = match self.late {
            None => self.receiver.missing(),
            Some(_) => 0,
        };
        if missing == 0 && self.low_water == 0 {
            return None;
        }
        let taken = if self.stream.is_secure() { RECORDS_BYTES } else { 0 };
        let wanted = missing.saturating_sub(taken).min(MOST_BYTES);
        let wanted = if wanted < LEAST_BYTES { 0 } else { wanted };
        // Half of it does as well, and saves a call.
        let fits = self.low_water <= wanted && self.low_water >= wanted / 2;
        if !fits && system::set_low_water(self.stream.tcp(), wanted.max(1)) {
            self.low_water = wanted;
        }
        (self.low_water > 0).then(|| now + LOOK_IN)
    }
}
