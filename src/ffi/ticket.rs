//! Handles are tickets, not addresses: a slot number, the generation of its tenant, and a kind.
//!
//! Slots never move and never go away, so a stale or invented handle finds a slot whose generation
//! is another, and nothing is read through it. Generation, liveness and the number of calls at
//! work are one atomic word: a lookup is one compare-and-swap and takes no lock. The tenant is
//! dropped by whoever leaves it last after it was removed.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::base::lock::lock;

#[cfg(target_pointer_width = "64")]
mod layout {
    pub const KIND_BITS: u32 = 7;
    pub const INDEX_BITS: u32 = 24;
    pub const GENERATION_BITS: u32 = 32;
}
#[cfg(not(target_pointer_width = "64"))]
mod layout {
    pub const KIND_BITS: u32 = 4;
    pub const INDEX_BITS: u32 = 13;
    pub const GENERATION_BITS: u32 = 14;
}
use layout::{GENERATION_BITS, INDEX_BITS, KIND_BITS};

/// Of a handle: one more than that of its slot, so that it is never 0.
const LAST_GENERATION: u64 = (1 << GENERATION_BITS) - 1;
const LIVE: u64 = 1 << 31;
const REFERENCES: u64 = LIVE - 1;
const FIRST_SEGMENT: usize = 64;
const SEGMENTS: usize = 19;

/// All handles of one kind.
pub struct Table<T> {
    /// 1 and up; never 0, so that a handle of another kind never fits.
    kind: usize,
    /// Segment n has 64 << n slots; made when first needed, then there for good.
    segments: [OnceLock<Box<[Slot<T>]>>; SEGMENTS],
    free: Mutex<Free>,
}

#[derive(Debug)]
struct Free {
    indices: Vec<usize>,
    /// Slots from here on have never been used.
    fresh: usize,
}

struct Slot<T> {
    /// Generation (upper half), LIVE, and the number of references.
    word: AtomicU64,
    /// There while the slot is live or has references.
    tenant: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: `tenant` is written only while the slot belongs to one thread: before it becomes live,
// and after the last reference to a removed tenant has gone. In between it is only shared.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T: Send + Sync + 'static> Table<T> {
    pub const fn new(kind: usize) -> Table<T> {
        Table {
            kind,
            segments: [const { OnceLock::new() }; SEGMENTS],
            free: Mutex::new(Free { indices: Vec::new(), fresh: 0 }),
        }
    }

    /// Lets a tenant in; `make` is told its handle. `None`: there is no slot left.
    pub fn insert(&'static self, make: impl FnOnce(usize) -> T) -> Option<usize> {
        let index = {
            let mut free = lock(&self.free);
            free.indices.pop().or_else(|| {
                (free.fresh < 1 << INDEX_BITS).then(|| {
                    free.fresh += 1;
                    free.fresh - 1
                })
            })?
        };
        let slot = self.slot(index, true)?;
        let generation = slot.word.load(Ordering::Acquire) >> 32;
        let handle = self.handle(index, generation);
        let tenant = make(handle);
        // SAFETY: the slot is neither live nor on the free list: it is ours alone.
        unsafe { (*slot.tenant.get()).write(tenant) };
        slot.word.store(generation << 32 | LIVE, Ordering::Release);
        Some(handle)
    }

    /// The tenant, as long as it has not been removed.
    #[inline]
    pub fn find(&'static self, handle: usize) -> Option<Reference<T>> {
        let (slot, index, generation) = self.decode(handle)?;
        let mut word = slot.word.load(Ordering::Relaxed);
        loop {
            if word >> 32 != generation || word & LIVE == 0 {
                return None;
            }
            match slot.word.compare_exchange_weak(
                word,
                word + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Reference { table: self, slot, index }),
                Err(now) => word = now,
            }
        }
    }

    /// Whether the handle is good at this moment.
    #[inline]
    pub fn is_live(&'static self, handle: usize) -> bool {
        self.decode(handle).is_some_and(|(slot, _, generation)| {
            let word = slot.word.load(Ordering::Acquire);
            word >> 32 == generation && word & LIVE != 0
        })
    }

    /// Ends the handle. One caller gets the tenant, all others `None`.
    pub fn remove(&'static self, handle: usize) -> Option<Reference<T>> {
        let reference = self.find(handle)?;
        let before = reference.slot.word.fetch_and(!LIVE, Ordering::AcqRel);
        (before & LIVE != 0).then_some(reference)
    }

    /// Every handle that is good at this moment.
    pub fn handles(&'static self) -> Vec<usize> {
        let fresh = lock(&self.free).fresh;
        let live = (0..fresh).filter_map(|index| {
            let word = self.slot(index, false)?.word.load(Ordering::Acquire);
            (word & LIVE != 0).then(|| self.handle(index, word >> 32))
        });
        live.collect()
    }

    fn handle(&self, index: usize, generation: u64) -> usize {
        let generation = ((generation + 1) & LAST_GENERATION) as usize;
        ((generation << INDEX_BITS | index) << KIND_BITS | self.kind) << 1 | 1
    }

    #[inline]
    fn decode(&'static self, handle: usize) -> Option<(&'static Slot<T>, usize, u64)> {
        if handle & 1 == 0 || handle >> 1 & ((1 << KIND_BITS) - 1) != self.kind {
            return None;
        }
        let rest = handle >> (KIND_BITS + 1);
        let index = rest & ((1 << INDEX_BITS) - 1);
        let generation = (rest >> INDEX_BITS) as u64;
        Some((self.slot(index, false)?, index, generation.checked_sub(1)?))
    }

    #[inline]
    fn slot(&'static self, index: usize, make: bool) -> Option<&'static Slot<T>> {
        let number = (index / FIRST_SEGMENT + 1).ilog2();
        let first = FIRST_SEGMENT * ((1 << number) - 1);
        let segment = self.segments.get(number as usize)?;
        let slots = match segment.get() {
            Some(slots) => slots,
            None if make => segment.get_or_init(|| empty_slots(FIRST_SEGMENT << number)),
            None => return None,
        };
        slots.get(index - first)
    }
}

/// Memory that nobody touches before there is somebody to let in: a large segment takes no more room
/// than its tenants need.
fn empty_slots<T>(count: usize) -> Box<[Slot<T>]> {
    let Ok(layout) = Layout::array::<Slot<T>>(count) else { return Box::default() };
    // SAFETY: the layout is not empty, for a slot holds its word.
    let slots = unsafe { alloc_zeroed(layout) }.cast::<Slot<T>>();
    if slots.is_null() {
        handle_alloc_error(layout);
    }
    let slots = std::ptr::slice_from_raw_parts_mut(slots, count);
    // SAFETY: the global allocator made it with this layout, and zeros are a slot: its word is a
    // number, and its tenant may be anything.
    unsafe { Box::from_raw(slots) }
}

/// Keeps a tenant in its slot.
pub struct Reference<T: Send + Sync + 'static> {
    table: &'static Table<T>,
    slot: &'static Slot<T>,
    index: usize,
}

impl<T: Send + Sync> Deref for Reference<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a counted reference keeps the tenant where it is and nobody writes to it.
        unsafe { (*self.slot.tenant.get()).assume_init_ref() }
    }
}

impl<T: Send + Sync> Drop for Reference<T> {
    #[inline]
    fn drop(&mut self) {
        let before = self.slot.word.fetch_sub(1, Ordering::AcqRel);
        if before & (LIVE | REFERENCES) == 1 {
            self.vacate(before >> 32);
        }
    }
}

impl<T: Send + Sync> Reference<T> {
    #[cold]
    fn vacate(&self, generation: u64) {
        // SAFETY: the tenant was removed and this was the last reference: the slot is ours alone,
        // and nobody else will take the tenant out.
        let tenant = unsafe { (*self.slot.tenant.get()).assume_init_read() };
        let next = generation + 1;
        // A slot whose generations are used up is never let again.
        if next < LAST_GENERATION {
            self.slot.word.store(next << 32, Ordering::Release);
            lock(&self.table.free).indices.push(self.index);
        }
        drop(tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_handle_is_good_until_it_is_removed() {
        static TABLE: Table<u32> = Table::new(3);
        let handle = TABLE.insert(|_| 7).unwrap();
        assert_eq!(*TABLE.find(handle).unwrap(), 7);
        assert!(TABLE.is_live(handle));
        assert_eq!(TABLE.remove(handle).map(|tenant| *tenant), Some(7));
        assert!(TABLE.find(handle).is_none() && TABLE.remove(handle).is_none());
        let again = TABLE.insert(|_| 8).unwrap();
        assert_ne!(again, handle, "the same slot, another generation");
        assert!(TABLE.find(handle).is_none());
    }

    #[test]
    fn invented_handles_and_other_kinds_find_nothing() {
        static TABLE: Table<u32> = Table::new(3);
        static OTHER: Table<u32> = Table::new(4);
        let handles: Vec<_> = (0..300).map(|n| TABLE.insert(|_| n).unwrap()).collect();
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..1_000_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let found = TABLE.find(random as usize).is_some();
            assert_eq!(found, handles.contains(&(random as usize)));
        }
        for handle in &handles {
            assert!(OTHER.find(*handle).is_none());
        }
        for handle in [0, 1, 3, 7, 8, usize::MAX, 0xdead_beef] {
            assert!(TABLE.find(handle).is_none(), "{handle:x}");
        }
        assert_eq!(TABLE.handles().len(), 300);
    }

    #[test]
    fn the_tenant_is_dropped_once_by_whoever_leaves_last() {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        static TABLE: Table<Counted> = Table::new(1);
        let dropped = Arc::new(AtomicUsize::new(0));
        for _ in 0..200 {
            let handle = TABLE.insert(|_| Counted(Arc::clone(&dropped))).unwrap();
            let before = dropped.load(Ordering::SeqCst);
            let winners: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(move || {
                            while let Some(tenant) = TABLE.find(handle) {
                                drop(tenant);
                                if let Some(tenant) = TABLE.remove(handle) {
                                    drop(tenant);
                                    return 1;
                                }
                            }
                            0
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(winners, 1);
            assert_eq!(dropped.load(Ordering::SeqCst), before + 1);
        }
    }

    #[test]
    fn a_slot_taken_a_million_times_never_honours_an_old_handle() {
        static TABLE: Table<u32> = Table::new(2);
        let first = TABLE.insert(|_| 0).unwrap();
        drop(TABLE.remove(first));
        for n in 0..1_000_000 {
            let handle = TABLE.insert(|_| n).unwrap();
            assert!(handle != first);
            drop(TABLE.remove(handle));
        }
        assert!(TABLE.find(first).is_none());
    }
}
