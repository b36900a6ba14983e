//! Every read and write through a pointer of the caller. Nothing else in the boundary
//! dereferences one.

use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;

use crate::client::incoming::Target;
use crate::client::staging::Lent;

use super::guard::{Failure, plain};
use super::result::*;
use super::types::ws_buffer;

/// The bytes that `data` and `len` name; `NULL, 0` is empty.
#[inline]
pub fn bytes<'a>(data: *const c_void, len: usize) -> Result<&'a [u8], Failure> {
    counted(data, len, c"data is NULL and len is not 0")
}

/// The same of a text, which nobody has checked yet.
#[inline]
pub fn text_bytes<'a>(text: *const c_char, len: usize) -> Result<&'a [u8], Failure> {
    counted(text.cast(), len, c"text is NULL and len is not 0")
}

#[inline]
fn counted<'a>(data: *const c_void, len: usize, null: &'static CStr) -> Result<&'a [u8], Failure> {
    if len > isize::MAX as usize {
        return plain(WS_E_INVALIDARG, c"len is larger than PTRDIFF_MAX");
    }
    if data.is_null() {
        return match len {
            0 => Ok(&[]),
            _ => plain(WS_E_POINTER, null),
        };
    }
    // SAFETY: the caller promises that `data` points at `len` readable bytes that nobody changes
    // during the call; that they are not too many was checked.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// The buffers of a batch. `look` has seen each of them.
#[inline(always)]
pub fn buffers<'a>(
    messages: *const ws_buffer,
    count: usize,
    mut look: impl FnMut(&'a [u8]),
) -> Result<Buffers<'a>, Failure> {
    const MOST: usize = isize::MAX as usize / size_of::<ws_buffer>();
    if count > MOST {
        return plain(WS_E_INVALIDARG, c"count is larger than any array of ws_buffer");
    }
    if messages.is_null() && count > 0 {
        return plain(WS_E_POINTER, c"messages is NULL and count is not 0");
    }
    let buffers = Buffers { next: messages, left: count, _borrowed: PhantomData };
    let mut unseen = buffers.clone();
    while let Some(buffer) = unseen.next_buffer() {
        look(counted(buffer.data, buffer.len, c"data of a message is NULL and its len is not 0")?);
    }
    Ok(buffers)
}

/// The bytes of one buffer after the other.
#[derive(Clone)]
pub struct Buffers<'a> {
    next: *const ws_buffer,
    left: usize,
    _borrowed: PhantomData<&'a [u8]>,
}

impl Buffers<'_> {
    #[inline]
    fn next_buffer(&mut self) -> Option<ws_buffer> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: the caller promises `count` readable buffers at `messages`, of which one for each
        // that is left has not been read; alignment is not assumed.
        unsafe {
            let buffer = self.next.read_unaligned();
            self.next = self.next.add(1);
            Some(buffer)
        }
    }
}

impl<'a> Iterator for Buffers<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let buffer = self.next_buffer()?;
        // Good when they were looked at; whoever changes them meanwhile sends nothing.
        Some(bytes(buffer.data, buffer.len).unwrap_or_default())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Buffers<'_> {}

/// Room of the caller that it leaves alone until an operation has ended, or gives to it to read.
pub struct Borrowed {
    start: *mut u8,
    len: usize,
}

// SAFETY: the memory is the caller's promise, which holds for whatever thread uses it; one at a
// time does.
unsafe impl Send for Borrowed {}

impl Target for Borrowed {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the caller promises `len` writable bytes until the operation has ended, and the
        // library lets go of this before it says so.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl Lent for Borrowed {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the same, of readable bytes.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

/// Room that an operation fills.
pub fn room(buf: *mut c_void, capacity: usize) -> Result<Borrowed, Failure> {
    borrowed(
        buf,
        capacity,
        c"capacity is larger than PTRDIFF_MAX",
        c"buf is NULL and capacity is not 0",
    )
}

/// Bytes that an operation sends.
pub fn lent(data: *const c_void, len: usize) -> Result<Borrowed, Failure> {
    let data = data.cast_mut();
    borrowed(data, len, c"len is larger than PTRDIFF_MAX", c"data is NULL and len is not 0")
}

fn borrowed(
    start: *mut c_void,
    len: usize,
    large: &'static CStr,
    null: &'static CStr,
) -> Result<Borrowed, Failure> {
    if len > isize::MAX as usize {
        return plain(WS_E_INVALIDARG, large);
    }
    match (start.is_null(), len) {
        (true, 0) => Ok(Borrowed { start: std::ptr::dangling_mut(), len: 0 }),
        (true, _) => plain(WS_E_POINTER, null),
        (false, len) => Ok(Borrowed { start: start.cast(), len }),
    }
}

/// A NUL-terminated text of the caller.
fn terminated<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the caller promises that a text which is not NULL ends in NUL.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

/// A text of the caller that must be there and be UTF-8. `null` and `broken` name the argument.
pub fn text<'a>(
    text: *const c_char,
    null: &'static CStr,
    broken: &'static CStr,
) -> Result<&'a str, Failure> {
    match terminated(text).map(CStr::to_str) {
        None => plain(WS_E_POINTER, null),
        Some(Err(_)) => plain(WS_E_INVALIDARG, broken),
        Some(Ok(text)) => Ok(text),
    }
}

/// A text that may be NULL, which is an empty one.
pub fn optional_bytes<'a>(text: *const c_char) -> &'a [u8] {
    terminated(text).map_or(&[], CStr::to_bytes)
}

/// Reads a value that must be there.
pub fn read<T: Copy>(place: *const T, null: &'static CStr) -> Result<T, Failure> {
    if place.is_null() {
        return plain(WS_E_POINTER, null);
    }
    // SAFETY: the caller promises a readable value; alignment is not assumed. The types read here
    // are plain numbers: every pattern of bits is one.
    Ok(unsafe { place.read_unaligned() })
}

/// Writes `value` where the caller wants it.
pub fn write<T>(place: *mut T, value: T, null: &'static CStr) -> Result<(), Failure> {
    if place.is_null() {
        return plain(WS_E_POINTER, null);
    }
    // SAFETY: the caller promises a writable place for one value; alignment is not assumed.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// The same, but NULL means that the caller does not want to know.
pub fn write_if_wanted<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: as in `write`.
        unsafe { place.write_unaligned(value) };
    }
}

/// Copies `value` and a closing NUL into the caller's buffer. `length` gets the length without the
/// NUL, also when the buffer is too small; then the buffer stays as it was.
pub fn write_text(
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    value: &[u8],
) -> Result<(), Failure> {
    write_if_wanted(length, value.len());
    if buffer.is_null() && capacity == 0 && !length.is_null() {
        return Ok(()); // the length was asked for
    }
    if buffer.is_null() {
        return plain(WS_E_POINTER, c"buf is NULL");
    }
    if capacity <= value.len() {
        return plain(WS_E_INSUFFICIENT_BUFFER, c"capacity is too small for the text and its NUL");
    }
    // SAFETY: the caller promises `capacity` writable bytes at `buffer`, and the value with its
    // NUL is not longer; the value is ours, so they do not overlap.
    unsafe {
        buffer.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len());
        buffer.cast::<u8>().add(value.len()).write(0);
    }
    Ok(())
}

/// The same without a NUL.
pub fn write_bytes(
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
    value: &[u8],
) -> Result<(), Failure> {
    write_if_wanted(length, value.len());
    if buffer.is_null() && capacity == 0 && !length.is_null() {
        return Ok(());
    }
    if buffer.is_null() {
        return plain(WS_E_POINTER, c"buf is NULL");
    }
    if capacity < value.len() {
        return plain(WS_E_INSUFFICIENT_BUFFER, c"capacity is too small");
    }
    // SAFETY: as in `write_text`.
    unsafe { buffer.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len()) };
    Ok(())
}

/// Fills a record of the caller that begins with its own size: as much of `value` as the caller
/// knows, and never more. `T` begins with `uint32_t struct_size`, which is left as it is.
pub fn write_record<T: Copy>(record: *mut T, value: T, null: &'static CStr) -> Result<(), Failure> {
    if record.is_null() {
        return plain(WS_E_POINTER, null);
    }
    // SAFETY: the caller promises that the record begins with its size.
    let size = unsafe { record.cast::<u32>().read_unaligned() } as usize;
    if size < RECORD_HEAD {
        return plain(WS_E_INVALIDARG, c"struct_size is smaller than any version of the record");
    }
    let known = size.min(size_of::<T>());
    let head = size_of::<u32>();
    // SAFETY: the caller promises `size` writable bytes; `known` is not more than that nor than
    // the value has. Both are plain data.
    unsafe {
        let source = (&raw const value).cast::<u8>().add(head);
        record.cast::<u8>().add(head).copy_from_nonoverlapping(source, known - head);
    }
    Ok(())
}

/// The size and one field: no version of any record is smaller.
const RECORD_HEAD: usize = 8;
