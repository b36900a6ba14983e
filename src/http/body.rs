//! The first bytes of a response's body, as a person would want to read them: de-chunked, and cut
//! at a limit.
//!
//! It serves diagnosis only, so it never fails: where the framing turns out to be broken, the body
//! is what was had until then. Refuses to know content codings, trailers and what comes after.

use super::head::Response;
use super::headers::elements;

/// So much of a body is kept; reading ends there.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// So many bytes are looked at, chunk headers included: one-byte chunks with long extensions end too.
const MAX_BYTES_EXAMINED: usize = 1024 * 1024;

/// Gathers the body of one response.
#[derive(Debug)]
pub struct BodyReader {
    /// `body.len() <= MAX_BODY_BYTES`.
    body: Vec<u8>,
    framing: Framing,
    bytes_examined: usize,
}

/// Whether more of a body is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyProgress {
    Done,
    More,
}

impl BodyReader {
    pub fn new(response: &Response) -> Self {
        Self { body: Vec::new(), framing: Framing::of(response), bytes_examined: 0 }
    }

    /// Takes bytes after the head. `receive(&[])` tells whether any are awaited at all.
    pub fn receive(&mut self, mut bytes: &[u8]) -> BodyProgress {
        while !bytes.is_empty() && self.progress() == BodyProgress::More {
            let before = bytes.len();
            bytes = self.step(bytes);
            self.bytes_examined += before - bytes.len();
        }
        if self.framing == Framing::Unknown {
            self.framing = Framing::Ended;
        }
        self.progress()
    }

    /// What has arrived of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What has arrived of the body, also if the connection ended in the middle of it.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    fn progress(&self) -> BodyProgress {
        let ended = matches!(self.framing, Framing::Ended | Framing::Length { left: 0 });
        let enough = self.body.len() >= MAX_BODY_BYTES || self.bytes_examined >= MAX_BYTES_EXAMINED;
        if ended || enough { BodyProgress::Done } else { BodyProgress::More }
    }

    /// Takes some of `bytes`, at least one, and gives the rest.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match self.framing {
            Framing::Ended => &[],
            Framing::Unknown | Framing::UntilEof => self.keep(bytes, u64::MAX).1,
            Framing::Length { left } => {
                let (kept, rest) = self.keep(bytes, left);
                self.framing = Framing::Length { left: left.saturating_sub(kept) };
                rest
            }
            Framing::Chunked(Chunk::Data { left }) => {
                let (kept, rest) = self.keep(bytes, left);
                let left = left.saturating_sub(kept);
                let next = if left == 0 { Chunk::DataEnd } else { Chunk::Data { left } };
                self.framing = Framing::Chunked(next);
                rest
            }
            Framing::Chunked(chunk) => {
                let Some((&byte, rest)) = bytes.split_first() else { return &[] };
                self.framing = chunk.after(byte).map_or(Framing::Ended, Framing::Chunked);
                rest
            }
        }
    }

    /// Keeps the beginning of `bytes`, at most `limit` and what there is room for.
    fn keep<'a>(&mut self, bytes: &'a [u8], limit: u64) -> (u64, &'a [u8]) {
        let room = MAX_BODY_BYTES.saturating_sub(self.body.len());
        let count = bytes.len().min(room).min(usize::try_from(limit).unwrap_or(usize::MAX));
        let (kept, rest) = bytes.split_at(count);
        self.body.extend_from_slice(kept);
        (count as u64, rest)
    }
}

/// How many bytes the body has, where the head alone tells it.
pub fn announced_length(response: &Response) -> Option<u64> {
    match Framing::of(response) {
        Framing::Ended => Some(0),
        Framing::Length { left } => Some(left),
        Framing::Chunked(_) | Framing::UntilEof | Framing::Unknown => None,
    }
}

/// How the end of the body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Ended,
    Length {
        left: u64,
    },
    Chunked(Chunk),
    UntilEof,
    /// The length is not to be believed: what came along with the head is taken, and nothing awaited.
    Unknown,
}

impl Framing {
    /// RFC 9112 §6.3, in its order.
    fn of(response: &Response) -> Self {
        if matches!(response.status, 100..=199 | 204 | 304) {
            return Self::Ended;
        }
        let headers = &response.headers;
        // RFC 9110 §5.6.1.2: empty elements of a list are none.
        let codings = headers.elements("Transfer-Encoding").filter(|coding| !coding.is_empty());
        if let Some(coding) = codings.last() {
            let chunked = coding.eq_ignore_ascii_case(b"chunked");
            return if chunked { Self::Chunked(Chunk::START) } else { Self::UntilEof };
        }
        let mut lengths = headers.values("Content-Length").flat_map(elements).map(read_length);
        match lengths.next() {
            None => Self::UntilEof,
            Some(Some(left)) if lengths.all(|other| other == Some(left)) => Self::Length { left },
            Some(_) => Self::Unknown,
        }
    }
}

/// RFC 9110 §8.6: digits alone.
fn read_length(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    // `u64::from_str` takes a sign.
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// RFC 9112 §7.1: where in the chunked coding we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Size { size: u64, has_digit: bool },
    Extension { size: u64 },
    SizeLineFeed { size: u64 },
    Data { left: u64 },
    DataEnd,
    DataLineFeed,
}

impl Chunk {
    const START: Self = Self::Size { size: 0, has_digit: false };

    /// The place after `byte`; none after the last chunk, and none if the coding is broken.
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from(char::from(byte).to_digit(16)?);
                let size = size.checked_mul(16)?.checked_add(digit)?;
                Some(Self::Size { size, has_digit: true })
            }
            (Self::Size { has_digit: false, .. }, _) => None,
            (Self::Size { size, .. } | Self::Extension { size }, b'\r') => {
                Some(Self::SizeLineFeed { size })
            }
            (
                Self::Size { size, .. } | Self::Extension { size } | Self::SizeLineFeed { size },
                b'\n',
            ) => (size > 0).then_some(Self::Data { left: size }),
            (Self::Size { size, .. }, b';' | b' ' | b'\t') | (Self::Extension { size }, _) => {
                Some(Self::Extension { size })
            }
            (Self::DataEnd, b'\r') => Some(Self::DataLineFeed),
            (Self::DataEnd | Self::DataLineFeed, b'\n') => Some(Self::START),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HeadReader, Version};

    fn reader(headers: &str) -> BodyReader {
        let head = format!("HTTP/1.1 404 X\r\n{headers}\r\n");
        BodyReader::new(&HeadReader::new().receive(head.as_bytes()).unwrap().unwrap().0)
    }

    /// Feeds whole, byte by byte, and split at every position, and expects the same each time.
    fn read(headers: &str, bytes: &[u8]) -> (Vec<u8>, BodyProgress) {
        let whole = feed(headers, bytes.chunks(bytes.len().max(1)));
        assert_eq!(feed(headers, bytes.chunks(1)), whole);
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 512) {
            let (left, right) = bytes.split_at(at);
            assert_eq!(feed(headers, [left, right].into_iter()), whole, "split at {at}");
        }
        whole
    }

    fn feed<'a>(headers: &str, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, BodyProgress) {
        let mut reader = reader(headers);
        let mut progress = reader.receive(&[]);
        for piece in pieces {
            progress = reader.receive(piece);
        }
        (reader.into_body(), progress)
    }

    const CHUNKED: &str = "Transfer-Encoding: gzip, Chunked\r\n";

    #[test]
    fn a_length_is_obeyed_and_awaited() {
        use BodyProgress::*;
        assert_eq!(read("Content-Length: 5\r\n", b"helloXX"), (b"hello".to_vec(), Done));
        assert_eq!(read("Content-Length: 5\r\n", b"hell"), (b"hell".to_vec(), More));
        assert_eq!(read("Content-Length: 0\r\n", b"XX"), (vec![], Done));
        assert_eq!(read("Content-Length: 2, 2\r\nContent-Length: 02\r\n", b"abc").0, b"ab");
    }

    #[test]
    fn a_length_that_is_none_leaves_what_came_with_the_head() {
        for value in
            ["x", "-1", "+1", "", "1 2", "0x5", "1, 2", "1,", "99999999999999999999999", "1.0"]
        {
            let headers = format!("Content-Length: {value}\r\n");
            let mut body = reader(&headers);
            assert_eq!(body.receive(b"came along"), BodyProgress::Done, "{value:?}");
            assert_eq!(body.receive(b"too late"), BodyProgress::Done);
            assert_eq!(body.body(), b"came along");
            assert_eq!(reader(&headers).receive(b""), BodyProgress::Done);
        }
    }

    #[test]
    fn empty_elements_of_the_codings_are_none() {
        let trailing = "Transfer-Encoding: chunked, \r\n";
        assert_eq!(read(trailing, b"2\r\nab\r\n0\r\n\r\n"), (b"ab".to_vec(), BodyProgress::Done));
        let none = "Transfer-Encoding: ,\r\nContent-Length: 1\r\n";
        assert_eq!(read(none, b"ab"), (b"a".to_vec(), BodyProgress::Done));
    }

    #[test]
    fn without_a_length_the_body_lasts_until_eof() {
        assert_eq!(read("", b"all of it"), (b"all of it".to_vec(), BodyProgress::More));
        let gzip = "Transfer-Encoding: chunked, gzip\r\nContent-Length: 1\r\n";
        assert_eq!(read(gzip, b"abc"), (b"abc".to_vec(), BodyProgress::More));
    }

    #[test]
    fn some_statuses_have_no_body() {
        for status in [100, 101, 199, 204, 304] {
            let response = Response {
                version: Version::Http11,
                status,
                reason: String::new(),
                headers: Default::default(),
            };
            let mut reader = BodyReader::new(&response);
            assert_eq!(reader.receive(b"xx"), BodyProgress::Done);
            assert!(reader.body().is_empty());
        }
    }

    #[test]
    fn the_length_is_announced_by_the_head_or_not_at_all() {
        let length = |status: u16, headers: &str| {
            let head = format!("HTTP/1.1 {status} X\r\n{headers}\r\n");
            let response = HeadReader::new().receive(head.as_bytes()).unwrap().unwrap().0;
            announced_length(&response)
        };
        assert_eq!(length(407, "Content-Length: 12\r\n"), Some(12));
        assert_eq!(length(204, ""), Some(0));
        for headers in ["", CHUNKED, "Content-Length: x\r\n", "Transfer-Encoding: gzip\r\n"] {
            assert_eq!(length(407, headers), None, "{headers:?}");
        }
    }

    #[test]
    fn chunks_are_joined() {
        use BodyProgress::*;
        let coded = b"5\r\nhello\r\n1 ;a=\"b\"\r\n,\n0A\nits worlds\r\n000\r\nTrailer: x\r\n\r\n";
        assert_eq!(read(CHUNKED, coded), (b"hello,its worlds".to_vec(), Done));
        assert_eq!(read(CHUNKED, b"5\r\nhello\r\n"), (b"hello".to_vec(), More));
        assert_eq!(read(CHUNKED, b"ffffffffffffffff\r\nhel"), (b"hel".to_vec(), More));
    }

    #[test]
    fn broken_chunks_end_the_body_with_what_was_had() {
        for broken in [
            &b"\r\n"[..],
            b"g\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b" 1\r\n",
            b"0x1\r\n",
            b";\r\n",
            b"1\rX",
            b"1;a\rX",
            b"10000000000000000\r\n",
            b"1\r\nab",
            b"1\r\na\rb",
        ] {
            let coded = [&b"2\r\nok\r\n"[..], broken].concat();
            let (body, progress) = read(CHUNKED, &coded);
            assert!(body.starts_with(b"ok") && body.len() <= 3, "{broken:?}");
            assert_eq!(progress, BodyProgress::Done, "{broken:?}");
        }
        let wrapped = read(CHUNKED, b"10000000000000001\r\na");
        assert_eq!(wrapped, (vec![], BodyProgress::Done));
    }

    #[test]
    fn a_body_is_cut_at_the_limit_in_every_framing() {
        let long = vec![b'x'; MAX_BODY_BYTES + 1000];
        let chunk = [b"ffffff\r\n", &long[..]].concat();
        for (headers, bytes) in
            [("", &long), ("Content-Length: 18446744073709551615\r\n", &long), (CHUNKED, &chunk)]
        {
            let (body, progress) = read(headers, bytes);
            assert_eq!((body.len(), progress), (MAX_BODY_BYTES, BodyProgress::Done));
        }
    }

    #[test]
    fn endless_chunk_headers_end() {
        let mut extension = reader(CHUNKED);
        extension.receive(b"1;");
        let mut fed = 0;
        while extension.receive(&[b'x'; 4096]) == BodyProgress::More {
            fed += 4096;
            assert!(fed <= MAX_BYTES_EXAMINED);
        }
        assert!(extension.body().is_empty());
    }
}
