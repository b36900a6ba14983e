//! A link between a client and a server that is worse than loopback: it passes bytes on in pieces of
//! sizes that a seed decides, has small buffers, and stalls now and then. Changes no byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use super::random::Random;
use super::server::{Server, Tls};

/// The systems on both sides hold no more than about this.
const BUFFER_BYTES: usize = 16 * 1024;
const STALL: Duration = Duration::from_millis(3);

pub struct Relay {
    address: SocketAddr,
    tls: Tls,
}

impl Relay {
    /// Pieces have 1 to `largest` bytes; after one of `stalls` nothing passes for a while.
    pub fn new(server: &Server, seed: u64, largest: usize, stalls: usize) -> Relay {
        let (to, tls) = (server.address, server.tls);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let buffers = SockRef::from(&listener).set_recv_buffer_size(BUFFER_BYTES);
        buffers.unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to) else { return };
                for socket in [&client, &server] {
                    socket.set_nodelay(true).unwrap();
                    SockRef::from(socket).set_send_buffer_size(BUFFER_BYTES).unwrap();
                }
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let forth = Random::new(seed);
                std::thread::spawn(move || pass(client, server, forth, largest, stalls));
                let random = Random::new(seed + 1);
                std::thread::spawn(move || pass(back.0, back.1, random, largest, stalls));
            }
        });
        Relay { address, tls }
    }

    pub fn uri(&self) -> String {
        let scheme = if self.tls == Tls::No { "ws" } else { "wss" };
        format!("{scheme}://{}/", self.address)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut random: Random, largest: usize, stalls: usize) {
    let mut buffer = vec![0; largest];
    loop {
        let size = random.size(largest);
        let Ok(count) = from.read(&mut buffer[..size]) else { break };
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
        if random.below(stalls) == 0 {
            std::thread::park_timeout(STALL);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
