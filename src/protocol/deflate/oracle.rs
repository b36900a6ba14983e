//! A second inflater, for tests alone: RFC 1951 as it is written, bit by bit, with the whole history
//! at hand. Says what a payload means and whether it is a whole message; knows no speed.

use super::TAIL;

/// The data of a message, or `None` if it is not whole or not legal. `history` is what the window
/// may reach into; it is carried from message to message.
pub fn inflate(payload: &[u8], history: &mut Vec<u8>) -> Option<Vec<u8>> {
    if payload.is_empty() {
        return Some(Vec::new());
    }
    let bytes = [payload, &TAIL].concat();
    let mut reader = Reader { bytes: &bytes, at: 0, end_of_payload: payload.len() * 8 };
    let mut message = Vec::new();
    loop {
        let is_last = reader.bits(1)? == 1;
        let start = history.len();
        match reader.bits(2)? {
            0 => stored(&mut reader, history)?,
            1 => coded(&mut reader, history, &fixed())?,
            2 => {
                let codes = dynamic(&mut reader)?;
                coded(&mut reader, history, &codes)?;
            }
            _ => return None,
        }
        message.extend_from_slice(&history[start..]);
        if is_last {
            reader.align();
            history.clear();
            if reader.at == payload.len() * 8 {
                return Some(message);
            }
        }
        // Bits behind the end of the last block are nobody's.
        if reader.at.div_ceil(8) == bytes.len() {
            return Some(message);
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end_of_payload: usize,
}

impl Reader<'_> {
    fn bits(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let bit = self.bytes.get(self.at / 8)? >> (self.at % 8) & 1;
            value |= usize::from(bit) << place;
            self.at += 1;
        }
        Some(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// Data may not come out of the bytes that were put behind the payload.
    fn is_inside(&self) -> Option<()> {
        (self.at <= self.end_of_payload).then_some(())
    }
}

fn stored(reader: &mut Reader, history: &mut Vec<u8>) -> Option<()> {
    reader.align();
    let (len, complement) = (reader.bits(16)?, reader.bits(16)?);
    if len != complement ^ 0xffff {
        return None;
    }
    for _ in 0..len {
        let byte = reader.bits(8)? as u8;
        reader.is_inside()?;
        history.push(byte);
    }
    Some(())
}

struct Code {
    /// Codes of each length.
    counts: [usize; 16],
    /// In the order of their codes.
    symbols: Vec<usize>,
}

impl Code {
    /// `None`: more codes than there are, or fewer, unless it is a single one of one bit or none.
    fn new(lengths: &[usize], may_be_incomplete: bool) -> Option<Code> {
        let mut counts = [0; 16];
        lengths.iter().for_each(|&len| counts[len] += 1);
        counts[0] = 0;
        let mut left = 1isize;
        for count in &counts[1..] {
            left = left * 2 - *count as isize;
            if left < 0 {
                return None;
            }
        }
        let used: usize = counts.iter().sum();
        if left > 0 && used > 0 && !(may_be_incomplete && used == 1 && counts[1] == 1) {
            return None;
        }
        let of_len = |len| (0..lengths.len()).filter(move |&symbol| lengths[symbol] == len);
        Some(Code { counts, symbols: (1..16).flat_map(of_len).collect() })
    }

    fn symbol(&self, reader: &mut Reader) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= reader.bits(1)?;
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

type Codes = (Code, Code);

fn fixed() -> Codes {
    let lengths: Vec<usize> = (0..288)
        .map(|n| 8 + usize::from((144..256).contains(&n)) - usize::from((256..280).contains(&n)))
        .collect();
    (Code::new(&lengths, false).unwrap(), Code::new(&[5; 32], false).unwrap())
}

fn dynamic(reader: &mut Reader) -> Option<Codes> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances) = (reader.bits(5)? + 257, reader.bits(5)? + 1);
    let of_lengths = reader.bits(4)? + 4;
    if literals > 286 || distances > 30 {
        return None;
    }
    let mut lengths = [0; 19];
    for &place in &ORDER[..of_lengths] {
        lengths[place] = reader.bits(3)?;
    }
    let code = Code::new(&lengths, false)?;
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match code.symbol(reader)? {
            16 => (*lengths.last()?, 3 + reader.bits(2)?),
            17 => (0, 3 + reader.bits(3)?),
            18 => (0, 11 + reader.bits(7)?),
            len => (len, 1),
        };
        lengths.extend(std::iter::repeat_n(value, times));
    }
    if lengths.len() != literals + distances || lengths[256] == 0 {
        return None;
    }
    let distances = lengths.split_off(literals);
    Some((Code::new(&lengths, true)?, Code::new(&distances, true)?))
}

fn coded(reader: &mut Reader, history: &mut Vec<u8>, codes: &Codes) -> Option<()> {
    loop {
        match codes.0.symbol(reader)? {
            256 => return Some(()),
            literal @ 0..256 => {
                reader.is_inside()?;
                history.push(literal as u8);
            }
            symbol @ 257..=285 => {
                let len = match symbol - 257 {
                    short @ 0..8 => 3 + short,
                    28 => 258,
                    long => {
                        let extra = long / 4 - 1;
                        3 + ((4 + long % 4) << extra) + reader.bits(extra)?
                    }
                };
                let distance = match codes.1.symbol(reader)? {
                    near @ 0..4 => 1 + near,
                    far @ 4..30 => {
                        let extra = far / 2 - 1;
                        1 + ((2 + far % 2) << extra) + reader.bits(extra)?
                    }
                    _ => return None,
                };
                let start = history.len().checked_sub(distance)?;
                reader.is_inside()?;
                for from in start..start + len {
                    history.push(history[from]);
                }
            }
            _ => return None,
        }
    }
}
