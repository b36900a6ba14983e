//! Servers that are no slower than loopback: they send a pattern that was made before, and look at
//! samples of what they take. The pattern goes on and on, whatever the frames.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::counting::leave_out_this_thread;
use crate::support::random::Random;
use crate::support::server::{Server, Stream, Tls, eventually};
use crate::support::stream_server::{
    frame_echo_of, read_header, return_frame, server_header, upgrade_as_offered,
};

/// More than two systems hold for a connection.
pub const PATTERN_BYTES: usize = 32 << 20;
const PIECE_BYTES: usize = 256 * 1024;
/// What a client sends first, and gets back.
pub const GREETING_BYTES: usize = 1000;
/// Of the bytes that are taken one in so many is looked at.
const SAMPLE: usize = 61;

pub fn pattern() -> &'static [u8] {
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let mut random = Random::new(11);
        let mut bytes = random.words(PATTERN_BYTES / 2);
        bytes.extend(random.bytes(PATTERN_BYTES / 2));
        bytes
    })
}

#[derive(Default)]
struct Progress {
    sent: AtomicUsize,
    taken: AtomicUsize,
    may_begin: AtomicBool,
}

pub struct Peer {
    pub server: Server,
    progress: Arc<Progress>,
}

impl Peer {
    fn new(tls: Tls, serve: impl Fn(Stream, &Progress) + Send + Sync + 'static) -> Peer {
        pattern();
        let progress = Arc::<Progress>::default();
        let of_server = Arc::clone(&progress);
        // A thread is marked before anything of TLS is made.
        let server = Server::accepting(tls, move |tcp| {
            leave_out_this_thread();
            let mut stream = Stream::new(tcp, tls);
            upgrade_as_offered(&mut stream);
            of_server.sent.store(0, Ordering::SeqCst);
            of_server.taken.store(0, Ordering::SeqCst);
            of_server.may_begin.store(false, Ordering::SeqCst);
            return_frame(&mut stream).unwrap();
            if eventually(|| of_server.may_begin.load(Ordering::SeqCst)) {
                serve(stream, &of_server);
            }
        });
        Peer { server, progress }
    }

    /// Plain; `total` in one frame, while it takes as much.
    pub fn of_both_directions(total: usize) -> Peer {
        Peer::new(Tls::No, move |mut stream, progress| {
            let mut sender = Stream::Plain(stream.tcp().try_clone().unwrap());
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    leave_out_this_thread();
                    let _ = send_pattern(&mut sender, total, usize::MAX, progress);
                });
                let _ = take_pattern(&mut stream, progress);
            });
        })
    }

    pub fn that_sends_and_takes(tls: Tls, total: usize, frame_bytes: usize) -> Peer {
        Peer::new(tls, move |mut stream, progress| {
            if send_pattern(&mut stream, total, frame_bytes, progress).is_ok() {
                let _ = take_pattern(&mut stream, progress);
            }
        })
    }

    pub fn that_takes(tls: Tls) -> Peer {
        Peer::new(tls, |mut stream, progress| _ = take_pattern(&mut stream, progress))
    }

    pub fn echo(tls: Tls) -> Peer {
        Peer::new(tls, |mut stream, _| frame_echo_of(&mut stream))
    }

    /// Until now it has only returned the greeting.
    pub fn begin(&self) {
        self.progress.may_begin.store(true, Ordering::SeqCst);
    }

    pub fn sent(&self) -> usize {
        self.progress.sent.load(Ordering::SeqCst)
    }

    /// Waits until so many bytes of payload have been taken.
    pub fn has_taken(&self, count: usize) {
        assert!(eventually(|| self.progress.taken.load(Ordering::SeqCst) >= count));
    }
}

fn send_pattern(
    stream: &mut Stream,
    total: usize,
    frame_bytes: usize,
    progress: &Progress,
) -> io::Result<()> {
    let mut done = 0;
    let mut small = Vec::with_capacity(2 * PIECE_BYTES);
    while done < total {
        let len = frame_bytes.min(total - done);
        small.extend_from_slice(&server_header(0x82, len as u64));
        let mut left = len;
        while left > 0 {
            let at = done % PATTERN_BYTES;
            let count = left.min(PIECE_BYTES).min(PATTERN_BYTES - at);
            // Small frames leave together.
            if len < PIECE_BYTES / 4 {
                small.extend_from_slice(&pattern()[at..at + count]);
            } else {
                stream.write_all(&small)?;
                small.clear();
                stream.write_all(&pattern()[at..at + count])?;
            }
            if small.len() >= PIECE_BYTES {
                stream.write_all(&small)?;
                small.clear();
            }
            done += count;
            left -= count;
            progress.sent.fetch_add(count, Ordering::SeqCst);
        }
    }
    stream.write_all(&small)?;
    stream.flush()
}

fn take_pattern(stream: &mut Stream, progress: &Progress) -> io::Result<()> {
    let (mut buffer, mut position) = (vec![0; PIECE_BYTES], 0);
    while take_frame(stream, &mut buffer, &mut position, progress)? {}
    Ok(())
}

/// `false` for a close frame.
fn take_frame(
    stream: &mut Stream,
    buffer: &mut [u8],
    position: &mut usize,
    progress: &Progress,
) -> io::Result<bool> {
    let header = read_header(stream)?;
    let mut done = 0;
    while done < header.len {
        let wanted = buffer.len().min((header.len - done) as usize);
        let count = stream.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for at in (0..count).step_by(SAMPLE) {
            let byte = buffer[at] ^ header.key[(done as usize + at) & 3];
            assert_eq!(byte, pattern()[(*position + at) % PATTERN_BYTES]);
        }
        *position += count;
        done += count as u64;
        progress.taken.fetch_add(count, Ordering::SeqCst);
    }
    Ok(header.first & 0x0f != 8)
}
