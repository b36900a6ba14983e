//! The head of a response, read from bytes as they arrive, within limits.
//!
//! Each byte is looked at once, whatever the pieces; `httparse` sees the head once, when it is whole.
//! What cannot become an HTTP/1 response fails at the first byte that shows it. Refuses to know
//! bodies, and what a status means.

use std::fmt;

use super::headers::Headers;

/// The status line, and each header line, without its line end.
pub const MAX_LINE_BYTES: usize = 8 * 1024;
/// Header lines of one head.
pub const MAX_HEADERS: usize = 128;
/// All lines of one head, without line ends.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub version: Version,
    pub status: u16,
    /// Empty if left out, or not ASCII.
    pub reason: String,
    pub headers: Headers,
}

/// The versions that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
}

/// Gathers one head after another.
#[derive(Debug, Default)]
pub struct HeadReader {
    /// What has been accepted, line ends included: at most `MAX_HEAD_BYTES` and two more per line.
    head: Vec<u8>,
    /// Bytes of the line that is arriving; `line_bytes <= MAX_LINE_BYTES`.
    line_bytes: usize,
    /// Bytes of all lines; `line_bytes <= text_bytes <= MAX_HEAD_BYTES`.
    text_bytes: usize,
    /// Lines that have ended; the status line is the first.
    lines: usize,
    /// The last byte was a CR, so the next must be LF.
    after_return: bool,
    fault: Option<HeadFault>,
    #[cfg(test)]
    bytes_examined: usize,
}

impl HeadReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes; once the head is whole, gives it and how many of these bytes belonged to it. The
    /// reader is then ready for the next head. After a fault it answers that fault for ever.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<(Response, usize)>, HeadFault> {
        let outcome = match self.fault {
            Some(fault) => Err(fault),
            None => self.gather(bytes),
        };
        if let Err(fault) = outcome {
            *self = Self { fault: Some(fault), ..Self::default() };
        }
        outcome
    }

    /// Whether part of a head has arrived.
    pub fn has_begun(&self) -> bool {
        !self.head.is_empty()
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<Option<(Response, usize)>, HeadFault> {
        let mut end = None;
        let mut index = 0;
        while let Some((&byte, _)) = bytes.get(index..).and_then(<[u8]>::split_first) {
            index += 1;
            if self.examine(byte)? {
                end = Some(index);
                break;
            }
            index += self.skip(bytes.get(index..).unwrap_or_default());
        }
        self.head.extend_from_slice(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes));
        let Some(consumed) = end else { return Ok(None) };
        #[cfg(test)]
        {
            self.bytes_examined += self.head.len();
        }
        let response = parse(&self.head)?;
        *self = Self {
            #[cfg(test)]
            bytes_examined: self.bytes_examined,
            ..Self::default()
        };
        Ok(Some((response, consumed)))
    }

    /// Takes at once what follows inside a header line and neither ends it nor reaches a limit.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        if self.lines == 0 || self.line_bytes == 0 || self.after_return {
            return 0;
        }
        let room = (MAX_LINE_BYTES - self.line_bytes).min(MAX_HEAD_BYTES - self.text_bytes);
        let is_plain = |byte: &&u8| !matches!(byte, b'\n' | b'\r' | 0);
        let count = bytes.iter().take(room).take_while(is_plain).count();
        self.line_bytes += count;
        self.text_bytes += count;
        #[cfg(test)]
        {
            self.bytes_examined += count;
        }
        count
    }

    /// Looks at the next byte; true if the head ends with it.
    fn examine(&mut self, byte: u8) -> Result<bool, HeadFault> {
        #[cfg(test)]
        {
            self.bytes_examined += 1;
        }
        let in_status_line = self.lines == 0;
        let malformed =
            if in_status_line { HeadFault::BadStatusLine } else { HeadFault::BadHeader };
        if self.after_return && byte != b'\n' {
            return Err(malformed);
        }
        if in_status_line && !self.after_return {
            check_status_line_byte(self.line_bytes, byte)?;
        }
        match byte {
            // RFC 9112 §2.2: a recipient may take a single LF as line end.
            b'\n' => {
                self.after_return = false;
                if self.line_bytes == 0 {
                    return Ok(true);
                }
                self.lines += 1;
                self.line_bytes = 0;
            }
            b'\r' => self.after_return = true,
            0 => return Err(malformed),
            _ => {
                if self.line_bytes == 0 && !in_status_line {
                    // RFC 9112 §5.2: obsolete folding; a client may refuse it.
                    if matches!(byte, b' ' | b'\t') {
                        return Err(HeadFault::Folding);
                    }
                    if self.lines > MAX_HEADERS {
                        return Err(HeadFault::TooManyHeaders);
                    }
                }
                self.line_bytes += 1;
                self.text_bytes += 1;
                if self.line_bytes > MAX_LINE_BYTES {
                    return Err(HeadFault::LineTooLong);
                }
                if self.text_bytes > MAX_HEAD_BYTES {
                    return Err(HeadFault::HeadTooLarge);
                }
            }
        }
        Ok(false)
    }
}

/// Why bytes are not the head of a response we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    NotHttp,
    BadStatusLine,
    UnsupportedVersion,
    LineTooLong,
    TooManyHeaders,
    HeadTooLarge,
    BadHeader,
    Folding,
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => "The server's answer is not HTTP.",
            Self::BadStatusLine => "The status line of the server's answer is malformed.",
            Self::UnsupportedVersion => "The server answered with an unsupported version of HTTP.",
            Self::LineTooLong => "A line of the server's answer is longer than 8192 bytes.",
            Self::TooManyHeaders => "The server's answer has more than 128 headers.",
            Self::HeadTooLarge => "The headers of the server's answer are larger than 64 KiB.",
            Self::BadHeader => "A header line of the server's answer is malformed.",
            Self::Folding => "A header of the server's answer is folded over several lines.",
        })
    }
}

impl std::error::Error for HeadFault {}

/// RFC 9112 §4: `HTTP/1.1 101` and then a space or the line's end.
fn check_status_line_byte(position: usize, byte: u8) -> Result<(), HeadFault> {
    let (fits, fault) = match position {
        0..=4 => (b"HTTP/".get(position) == Some(&byte), HeadFault::NotHttp),
        5 if byte.is_ascii_digit() => (byte == b'1', HeadFault::UnsupportedVersion),
        5 => (false, HeadFault::BadStatusLine),
        6 => (byte == b'.', HeadFault::BadStatusLine),
        7 if byte.is_ascii_digit() => (byte <= b'1', HeadFault::UnsupportedVersion),
        7 => (false, HeadFault::BadStatusLine),
        8 => (byte == b' ', HeadFault::BadStatusLine),
        // RFC 9110 §15: there is no status below 100.
        9 => (matches!(byte, b'1'..=b'9'), HeadFault::BadStatusLine),
        10 | 11 => (byte.is_ascii_digit(), HeadFault::BadStatusLine),
        // Many servers leave out the space together with the reason.
        12 => (matches!(byte, b' ' | b'\r' | b'\n'), HeadFault::BadStatusLine),
        _ => (true, HeadFault::BadStatusLine),
    };
    if fits { Ok(()) } else { Err(fault) }
}

fn parse(head: &[u8]) -> Result<Response, HeadFault> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        // The two views of where the head ends differ: trust neither.
        Ok(_) => return Err(HeadFault::BadHeader),
        Err(httparse::Error::Version) => return Err(HeadFault::UnsupportedVersion),
        Err(httparse::Error::Status) => return Err(HeadFault::BadStatusLine),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadFault::TooManyHeaders),
        Err(_) => return Err(HeadFault::BadHeader),
    }
    let version = match parsed.version {
        Some(0) => Version::Http10,
        Some(1) => Version::Http11,
        _ => return Err(HeadFault::UnsupportedVersion),
    };
    let status = parsed.code.ok_or(HeadFault::BadStatusLine)?;
    let mut headers = Headers::default();
    headers.reserve(parsed.headers.len(), head.len());
    for field in parsed.headers.iter() {
        headers.append(field.name, super::headers::trim(field.value));
    }
    Ok(Response { version, status, reason: parsed.reason.unwrap_or_default().to_owned(), headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds whole, byte by byte, and split once at every position (of long heads: at some), and
    /// expects the same each time.
    fn read(bytes: &[u8]) -> Result<Option<(Response, usize)>, HeadFault> {
        let whole = feed(bytes.chunks(bytes.len().max(1)));
        assert_eq!(feed(bytes.chunks(1)), whole);
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 512) {
            let (left, right) = bytes.split_at(at);
            assert_eq!(feed([left, right].into_iter()), whole, "split at {at}");
        }
        whole
    }

    fn feed<'a>(
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<(Response, usize)>, HeadFault> {
        let mut reader = HeadReader::new();
        let mut before = 0;
        for piece in pieces {
            if let Some((response, consumed)) = reader.receive(piece)? {
                return Ok(Some((response, before + consumed)));
            }
            before += piece.len();
        }
        Ok(None)
    }

    fn response(bytes: &[u8]) -> Response {
        read(bytes).unwrap().unwrap().0
    }

    #[test]
    fn a_head_is_read_and_what_follows_is_left() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Empty:\r\n\r\n";
        let (response, consumed) = read(&[&head[..], b"\x81\x00"].concat()).unwrap().unwrap();
        assert_eq!((response.version, response.status), (Version::Http11, 101));
        assert_eq!(response.reason, "Switching Protocols");
        assert_eq!(response.headers.get("upgrade", 0), Some(&b"websocket"[..]));
        assert_eq!(response.headers.get("x-empty", 0), Some(&b""[..]));
        assert_eq!(consumed, head.len());
    }

    #[test]
    fn a_head_that_has_not_ended_is_awaited() {
        assert_eq!(read(b""), Ok(None));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nA: b\r\n\r"), Ok(None));
    }

    #[test]
    fn the_reader_goes_on_with_the_next_head() {
        let mut reader = HeadReader::new();
        let two = b"HTTP/1.1 100\r\n\r\nHTTP/1.0 404 Gone Fishing\r\nA: 1\r\n\r\n";
        let (first, consumed) = reader.receive(two).unwrap().unwrap();
        assert_eq!((first.status, consumed, reader.has_begun()), (100, 16, false));
        let (second, rest) = reader.receive(&two[consumed..]).unwrap().unwrap();
        assert_eq!((second.version, second.status), (Version::Http10, 404));
        assert_eq!(consumed + rest, two.len());
    }

    #[test]
    fn a_missing_reason_is_an_empty_one() {
        for bytes in ["HTTP/1.1 101 \r\n\r\n", "HTTP/1.1 101\r\n\r\n", "HTTP/1.1 101\n\n"] {
            assert_eq!(response(bytes.as_bytes()).reason, "", "{bytes:?}");
        }
        assert_eq!(response(b"HTTP/1.1 101 \xff\r\n\r\n").status, 101);
    }

    #[test]
    fn a_bare_line_feed_ends_a_line() {
        let response = response(b"HTTP/1.1 101 Hi\nA: 1\r\nB:2\n\r\n");
        assert_eq!(response.headers.get("b", 0), Some(&b"2"[..]));
        assert_eq!(response.headers.len(), 2);
    }

    #[test]
    fn space_around_a_value_is_not_part_of_it() {
        let response = response(b"HTTP/1.1 101 X\r\nA:\t  b \tc\xff \t\r\n\r\n");
        assert_eq!(response.headers.get("a", 0), Some(&b"b \tc\xff"[..]));
    }

    #[test]
    fn malformed_status_lines_are_refused_at_the_deciding_byte() {
        use HeadFault::*;
        for (bytes, fault, deciding) in [
            (&b"\x15\x03\x03\0\x02"[..], NotHttp, 1),
            (b"\x00\x00\x12\x04", NotHttp, 1),
            (b"SSH-2.0-OpenSSH\r\n", NotHttp, 1),
            (b"http/1.1 101", NotHttp, 1),
            (b"\r\nHTTP/1.1 101", NotHttp, 1),
            (b" HTTP/1.1 101", NotHttp, 1),
            (b"HTTPS/1.1", NotHttp, 5),
            (b"HTTP\n", NotHttp, 5),
            (b"HTTP/2 200", UnsupportedVersion, 6),
            (b"HTTP/0.9 200", UnsupportedVersion, 6),
            (b"HTTP/1.2 101", UnsupportedVersion, 8),
            (b"HTTP/1 101", BadStatusLine, 7),
            (b"HTTP/x", BadStatusLine, 6),
            (b"HTTP/1.x", BadStatusLine, 8),
            (b"HTTP/1.10 101", BadStatusLine, 9),
            (b"HTTP/1.1  101", BadStatusLine, 10),
            (b"HTTP/1.1\t101", BadStatusLine, 9),
            (b"HTTP/1.1 99 X", BadStatusLine, 12),
            (b"HTTP/1.1 099 X", BadStatusLine, 10),
            (b"HTTP/1.1 1010 X", BadStatusLine, 13),
            (b"HTTP/1.1 10 1", BadStatusLine, 12),
            (b"HTTP/1.1 +10 X", BadStatusLine, 10),
            (b"HTTP/1.1 101\tX", BadStatusLine, 13),
            (b"HTTP/1.1 101 a\rb", BadStatusLine, 16),
            (b"HTTP/1.1 101 a\0b", BadStatusLine, 15),
            (b"HTTP/1.1 101\r\r\n", BadStatusLine, 14),
        ] {
            assert_eq!(read(bytes), Err(fault), "{bytes:?}");
            assert_eq!(read(&bytes[..deciding]), Err(fault), "{bytes:?}");
            assert_eq!(read(&bytes[..deciding - 1]), Ok(None), "{bytes:?}");
        }
    }

    #[test]
    fn malformed_header_lines_are_refused() {
        use HeadFault::*;
        for (line, fault) in [
            ("A: b\r\n c", Folding),
            ("A: b\r\n\tc", Folding),
            (" A: b", Folding),
            ("A : b", BadHeader),
            ("A\t: b", BadHeader),
            (": b", BadHeader),
            (":", BadHeader),
            ("no colon", BadHeader),
            ("A: b\0c", BadHeader),
            ("A\0: b", BadHeader),
            ("A: b\rc", BadHeader),
            ("A: b\r", BadHeader),
            ("A: b\x01c", BadHeader),
            ("A: b\x7fc", BadHeader),
            ("A b: c", BadHeader),
            ("Ä: c", BadHeader),
            ("A(: c", BadHeader),
        ] {
            let bytes = format!("HTTP/1.1 101 X\r\nOk: 1\r\n{line}\r\n\r\n");
            let first = format!("HTTP/1.1 101 X\r\n{line}\r\n\r\n");
            assert_eq!(read(bytes.as_bytes()), Err(fault), "{line:?}");
            assert_eq!(read(first.as_bytes()), Err(fault), "{line:?}");
        }
    }

    #[test]
    fn the_line_limit_is_exact_and_counts_no_line_end() {
        for start in ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nA:"] {
            let line_start = start.rfind('\n').map_or(0, |at| at + 1);
            let room = MAX_LINE_BYTES - (start.len() - line_start);
            let fits = format!("{start}{}\r\n\r\n", "x".repeat(room));
            assert!(read(fits.as_bytes()).unwrap().is_some());
            let over = format!("{start}{}", "x".repeat(room + 1));
            assert_eq!(read(over.as_bytes()), Err(HeadFault::LineTooLong));
        }
    }

    #[test]
    fn the_header_count_limit_is_exact() {
        let fits = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS));
        assert_eq!(response(fits.as_bytes()).headers.len(), MAX_HEADERS);
        let over = format!("HTTP/1.1 200 OK\r\n{}C", "A: b\n".repeat(MAX_HEADERS));
        assert_eq!(read(over.as_bytes()), Err(HeadFault::TooManyHeaders));
    }

    /// A head of exactly so many bytes, line ends not counted.
    fn head_of(text_bytes: usize) -> Vec<u8> {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        let mut left = text_bytes - 15;
        while left > 0 {
            let line = left.min(1000).max(left.min(3));
            head.extend(format!("A:{}\r\n", "x".repeat(line - 2)).bytes());
            left -= line;
        }
        head.extend(b"\r\n");
        head
    }

    #[test]
    fn the_total_limit_is_exact_and_counts_no_line_end() {
        assert!(read(&head_of(MAX_HEAD_BYTES)).unwrap().is_some());
        assert_eq!(read(&head_of(MAX_HEAD_BYTES + 1)), Err(HeadFault::HeadTooLarge));
    }

    #[test]
    fn each_byte_is_examined_at_most_twice_however_the_bytes_arrive() {
        let head = head_of(MAX_HEAD_BYTES);
        let mut reader = HeadReader::new();
        let mut responses = 0;
        for piece in head.chunks(1) {
            responses += usize::from(reader.receive(piece).unwrap().is_some());
        }
        assert_eq!((responses, reader.bytes_examined), (1, 2 * head.len()));
    }

    #[test]
    fn an_endless_head_fails_and_keeps_nothing() {
        let mut reader = HeadReader::new();
        reader.receive(b"HTTP/1.1 200 OK\r\n").unwrap();
        let endless = vec![b'x'; 1 << 20];
        assert_eq!(reader.receive(&endless), Err(HeadFault::LineTooLong));
        assert_eq!(reader.receive(b"HTTP/1.1 200 OK\r\n\r\n"), Err(HeadFault::LineTooLong));
        assert_eq!(reader.head.capacity(), 0);
    }
}
