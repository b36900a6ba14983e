//! Something that a foreign event loop can wait for: readable while a queue is not empty. Made
//! only when somebody asks for it.

use std::io;
use std::sync::Mutex;

use crate::base::lock::lock;

#[derive(Debug, Default)]
pub struct WaitHandle {
    signal: Mutex<Option<Signal>>,
}

#[derive(Debug)]
struct Signal {
    is_set: bool,
    pair: platform::Pair,
}

impl WaitHandle {
    /// The descriptor (a HANDLE on Windows). It belongs to the queue.
    pub fn open(&self, is_wanted: impl FnOnce() -> bool) -> io::Result<isize> {
        let mut signal = lock(&self.signal);
        let opened = match &mut *signal {
            Some(opened) => opened,
            place => place.insert(Signal { is_set: false, pair: platform::Pair::new()? }),
        };
        let handle = opened.pair.handle();
        opened.update(is_wanted());
        Ok(handle)
    }

    /// Sets or clears it. `is_wanted` is asked under a lock, so that the last word is the true one.
    pub fn update(&self, is_wanted: impl FnOnce() -> bool) {
        if let Some(signal) = &mut *lock(&self.signal) {
            signal.update(is_wanted());
        }
    }
}

impl Signal {
    fn update(&mut self, is_wanted: bool) {
        if self.is_set == is_wanted {
            return;
        }
        let done = if is_wanted { self.pair.set() } else { self.pair.clear() };
        if done {
            self.is_set = is_wanted;
        }
    }
}

#[cfg(unix)]
mod platform {
    use std::io::{self, Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    /// Two ends of which we own both: writing can neither fail for a peer that has gone nor raise
    /// SIGPIPE.
    #[derive(Debug)]
    pub struct Pair {
        read: UnixStream,
        write: UnixStream,
    }

    impl Pair {
        pub fn new() -> io::Result<Pair> {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            write.set_nonblocking(true)?;
            Ok(Pair { read, write })
        }

        pub fn handle(&self) -> isize {
            self.read.as_raw_fd() as isize
        }

        pub fn set(&mut self) -> bool {
            matches!(self.write.write(&[1]), Ok(1))
        }

        pub fn clear(&mut self) -> bool {
            let mut byte = [0; 8];
            matches!(self.read.read(&mut byte), Ok(1..))
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::io;
    use std::ptr;

    type Handle = isize;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn CreateEventW(attributes: *const u8, manual: i32, set: i32, name: *const u16) -> Handle;
        fn SetEvent(event: Handle) -> i32;
        fn ResetEvent(event: Handle) -> i32;
        fn CloseHandle(event: Handle) -> i32;
    }

    /// A manual-reset event.
    #[derive(Debug)]
    pub struct Pair(Handle);

    impl Pair {
        pub fn new() -> io::Result<Pair> {
            // SAFETY: an unnamed event without attributes.
            let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
            if event == 0 { Err(io::Error::last_os_error()) } else { Ok(Pair(event)) }
        }

        pub fn handle(&self) -> isize {
            self.0
        }

        pub fn set(&mut self) -> bool {
            // SAFETY: the event is ours until it is dropped.
            unsafe { SetEvent(self.0) != 0 }
        }

        pub fn clear(&mut self) -> bool {
            // SAFETY: as above.
            unsafe { ResetEvent(self.0) != 0 }
        }
    }

    impl Drop for Pair {
        fn drop(&mut self) {
            // SAFETY: nobody else closes it.
            unsafe { CloseHandle(self.0) };
        }
    }
}
