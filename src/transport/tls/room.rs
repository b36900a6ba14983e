//! Where decrypted bytes go: the front of a slice, or the end of a vector that has reserved room.
//!
//! Owns the count of what was put there. Refuses to grow anything: what does not fit is returned to
//! whoever has it.

/// Room for so many bytes, and how many of them are there already.
#[derive(Debug)]
pub struct Room<'a> {
    place: Place<'a>,
    filled: usize,
    size: usize,
}

#[derive(Debug)]
enum Place<'a> {
    Slice(&'a mut [u8]),
    Spare(&'a mut Vec<u8>),
}

impl<'a> Room<'a> {
    pub fn slice(bytes: &'a mut [u8]) -> Room<'a> {
        Room { filled: 0, size: bytes.len(), place: Place::Slice(bytes) }
    }

    /// At most `count` bytes behind what is in `target`, within the capacity that it has.
    pub fn spare(target: &'a mut Vec<u8>, count: usize) -> Room<'a> {
        let size = count.min(target.capacity() - target.len());
        Room { filled: 0, size, place: Place::Spare(target) }
    }

    pub fn filled(&self) -> usize {
        self.filled
    }

    pub fn left(&self) -> usize {
        self.size - self.filled
    }

    /// Takes what fits; how much that was.
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.left());
        let bytes = bytes.get(..count).unwrap_or_default();
        match &mut self.place {
            Place::Slice(place) => {
                if let Some(place) = place.get_mut(self.filled..self.filled + count) {
                    place.copy_from_slice(bytes);
                }
            }
            Place::Spare(target) => target.extend_from_slice(bytes),
        }
        self.filled += count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_takes_what_fits() {
        let mut bytes = [0; 5];
        let mut room = Room::slice(&mut bytes);
        assert_eq!((room.put(b"abc"), room.put(b"def"), room.put(b"g")), (3, 2, 0));
        assert_eq!((room.filled(), room.left()), (5, 0));
        assert_eq!(&bytes, b"abcde");
    }

    #[test]
    fn a_vector_takes_what_fits_and_does_not_move() {
        let mut target = Vec::with_capacity(8);
        target.extend_from_slice(b"ab");
        let address = target.as_ptr();
        let mut room = Room::spare(&mut target, 100);
        assert_eq!((room.left(), room.put(b"cdefghij")), (6, 6));
        assert_eq!((target.as_slice(), target.as_ptr()), (b"abcdefgh".as_slice(), address));
        assert_eq!(Room::spare(&mut Vec::with_capacity(8), 3).left(), 3);
    }
}
