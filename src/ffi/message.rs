//! Messages as the application holds them: borrowed during a callback, or retained.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::client::inbox::{OwnedMessage, is_roomy};
use crate::protocol::{MessageKind, Part};

use super::types::*;

/// What a `ws_message` pointer of ours really points at.
#[repr(C)]
pub struct Record {
    public: ws_message,
    /// 0 while it is borrowed: it lives on a stack, or in an event.
    references: AtomicUsize,
    /// The bytes, when they can be kept without copying; they end with a zero.
    owner: Option<Arc<Vec<u8>>>,
}

// SAFETY: the pointer inside is read-only and points at what `owner` owns, or at what outlives the
// borrow; the reference count is atomic.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

#[inline]
fn public(part: Part, bytes: &[u8]) -> ws_message {
    ws_message {
        data: bytes.as_ptr(),
        len: bytes.len().saturating_sub(1),
        r#type: message_type(part.kind),
        is_complete: u8::from(part.is_complete),
    }
}

#[inline]
pub fn message_type(kind: MessageKind) -> ws_message_type {
    match kind {
        MessageKind::Binary => WS_MESSAGE_TYPE_BINARY,
        MessageKind::Text => WS_MESSAGE_TYPE_UTF8,
    }
}

impl Record {
    /// Over nothing yet: see `lend`.
    pub fn empty() -> Record {
        let part = Part { kind: MessageKind::Binary, is_complete: true };
        Record { public: public(part, &[0]), references: AtomicUsize::new(0), owner: None }
    }

    /// From now on over bytes that end with a zero and are only there for now. Of an empty record
    /// only.
    #[inline]
    pub fn lend(&mut self, part: Part, bytes: &[u8]) {
        self.public = public(part, bytes);
    }

    /// Over bytes of its own that end with a zero.
    pub fn shared(part: Part, bytes: Vec<u8>) -> Record {
        let owner = Arc::new(bytes);
        let public = public(part, &owner);
        Record { public, references: AtomicUsize::new(0), owner: Some(owner) }
    }

    pub fn as_message(&self) -> *const ws_message {
        (&raw const *self).cast()
    }

    /// Its bytes, if they are its own and nobody else has kept them.
    pub fn into_bytes(self) -> Vec<u8> {
        self.owner.and_then(Arc::into_inner).unwrap_or_default()
    }

    fn into_retained(self) -> *mut ws_message {
        self.references.store(1, Ordering::Relaxed);
        Box::into_raw(Box::new(self)).cast()
    }
}

/// A message that was pulled belongs to the application.
pub fn into_owned(message: OwnedMessage) -> *mut ws_message {
    Record::shared(message.part, message.bytes).into_retained()
}

/// The bytes of a message, the zero at their end included, and how many are before it. Nothing is
/// copied where retaining copies nothing. `None`: NULL.
pub fn shared_bytes(message: *const ws_message) -> Option<(Arc<Vec<u8>>, usize)> {
    if message.is_null() {
        return None;
    }
    // SAFETY: as in `retain`.
    let record = unsafe { &*message.cast::<Record>() };
    let bytes = match &record.owner {
        Some(owner) if !is_roomy(owner) => Arc::clone(owner),
        _ => Arc::new(copied(record)),
    };
    Some((bytes, record.public.len))
}

/// In place, the room belongs to the next read, and other memory may be too much for the message. One
/// copy, and the zero behind it.
fn copied(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(record.public.len + 1);
    // SAFETY: a borrowed message's bytes are readable while it is borrowed.
    bytes.extend_from_slice(unsafe {
        std::slice::from_raw_parts(record.public.data, record.public.len)
    });
    bytes.push(0);
    bytes
}

pub fn retain(message: *const ws_message) -> *mut ws_message {
    if message.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller promises a message of ours that is borrowed or retained at this moment;
    // every such message is the beginning of a record.
    let record = unsafe { &*message.cast::<Record>() };
    if record.references.load(Ordering::Relaxed) > 0 {
        record.references.fetch_add(1, Ordering::Relaxed);
        return message.cast_mut();
    }
    let kept = match &record.owner {
        Some(owner) if !is_roomy(owner) => Record {
            public: ws_message {
                data: record.public.data,
                len: record.public.len,
                r#type: record.public.r#type,
                is_complete: record.public.is_complete,
            },
            references: AtomicUsize::new(0),
            owner: Some(Arc::clone(owner)),
        },
        _ => {
            let kind = match record.public.r#type {
                WS_MESSAGE_TYPE_UTF8 => MessageKind::Text,
                _ => MessageKind::Binary,
            };
            let is_complete = record.public.is_complete != 0;
            Record::shared(Part { kind, is_complete }, copied(record))
        }
    };
    kept.into_retained()
}

pub fn release(message: *mut ws_message) {
    if message.is_null() {
        return;
    }
    let record = message.cast::<Record>();
    // SAFETY: the caller promises a message that it holds a reference to.
    let references = unsafe { &(*record).references };
    // A borrowed message has nothing to release.
    if references.load(Ordering::Relaxed) == 0 || references.fetch_sub(1, Ordering::Release) != 1 {
        return;
    }
    fence(Ordering::Acquire);
    // SAFETY: that was the last reference, and it came from `into_retained`.
    drop(unsafe { Box::from_raw(record) });
}
