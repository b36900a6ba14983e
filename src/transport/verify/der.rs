//! The little of DER that certificates and revocation lists are made of: elements, and times.
//!
//! Owns lengths and tags: what does not fit is `None`, never a panic. Refuses to know what the
//! elements mean; signatures are checked elsewhere.

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// One element, and the bytes that it takes with tag and length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
    pub(super) whole: &'d [u8],
}

/// Elements that follow one another.
#[derive(Clone, Debug)]
pub(super) struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    pub(super) fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn element(&mut self) -> Option<Element<'d>> {
        let all = self.0;
        let (&tag, rest) = all.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            let number = rest.get(..count).filter(|bytes| (1..=4).contains(&bytes.len()))?;
            let len = number.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            (len, rest.get(count..)?)
        };
        let content = rest.get(..len)?;
        let whole = all.get(..all.len() - rest.len() + len)?;
        self.0 = rest.get(len..)?;
        Some(Element { tag, content, whole })
    }

    /// The next element, which has to be of this kind.
    pub(super) fn required(&mut self, tag: u8) -> Option<Element<'d>> {
        self.element().filter(|element| element.tag == tag)
    }

    /// The next element if it is of this kind; else nothing is read.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Element<'d>> {
        if self.0.first() == Some(&tag) { self.element() } else { None }
    }

    /// Seconds since 1970; a time before that is 0.
    pub(super) fn time(&mut self) -> Option<u64> {
        let element = self.element()?;
        let (century, digits) = match element.tag {
            UTC_TIME => (None, element.content),
            GENERALIZED_TIME => {
                let (century, digits) = element.content.split_at_checked(2)?;
                (Some(two_digits(century)?), digits)
            }
            _ => return None,
        };
        if digits.len() != 13 || digits.last() != Some(&b'Z') {
            return None;
        }
        let mut numbers = [0; 6];
        for (number, pair) in numbers.iter_mut().zip(digits.chunks(2)) {
            *number = two_digits(pair)?;
        }
        let [short_year, month, day, hour, minute, second] = numbers;
        // RFC 5280 §4.1.2.5.1: two digits mean 1950 to 2049.
        let century = century.unwrap_or(if short_year >= 50 { 19 } else { 20 });
        let days = days_since_1970(century * 100 + short_year, month, day)?;
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(u64::try_from(seconds).unwrap_or(0))
    }
}

impl<'d> Iterator for Reader<'d> {
    type Item = Element<'d>;

    fn next(&mut self) -> Option<Element<'d>> {
        self.element()
    }
}

/// `content` with tag and length before it.
pub(super) fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut whole = vec![tag];
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => whole.push(short),
        _ => {
            let number = (len as u64).to_be_bytes();
            let number: Vec<u8> = number.into_iter().skip_while(|byte| *byte == 0).collect();
            whole.push(0x80 | number.len() as u8);
            whole.extend(number);
        }
    }
    whole.extend_from_slice(content);
    whole
}

fn two_digits(pair: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(pair).ok()?;
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // A year that begins in March has its leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<u64> {
        Reader::new(&wrapped(tag, text.as_bytes())).time()
    }

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(time(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, "700102000001Z"), Some(86_401));
        assert_eq!(time(UTC_TIME, "240229123456Z"), Some(1_709_210_096));
        assert_eq!(time(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(UTC_TIME, "500101000000Z"), Some(0));
        assert_eq!(time(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(GENERALIZED_TIME, "99991231235959Z"), Some(253_402_300_799));
        for broken in ["", "7001010000Z", "7001010000000", "70010100000xZ", "701301000000Z"] {
            assert_eq!(time(UTC_TIME, broken), None, "{broken}");
        }
        assert_eq!(time(INTEGER, "700101000000Z"), None);
    }

    #[test]
    fn elements_of_every_length_come_back() {
        for len in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; len];
            let whole = wrapped(OCTET_STRING, &content);
            let mut reader = Reader::new(&whole);
            let element = reader.required(OCTET_STRING).unwrap();
            assert_eq!((element.content, element.whole), (&content[..], &whole[..]));
            assert!(reader.element().is_none());
            assert!(Reader::new(&whole[..whole.len() - 1]).element().is_none());
        }
        assert!(Reader::new(&[0x30, 0x80, 0, 0]).element().is_none());
        assert!(Reader::new(&[0x30, 0x85, 0, 0, 0, 0, 0]).element().is_none());
    }
}
