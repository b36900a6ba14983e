//! Addresses of this machine that are of no use: one that never answers, and one where nobody
//! listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A listener whose queue of connections is full, so that another connect gets no answer.
pub struct BlackHole {
    pub address: SocketAddr,
    _listener: Socket,
    _queued: Vec<Socket>,
}

impl BlackHole {
    pub fn new() -> BlackHole {
        BlackHole::at((Ipv4Addr::LOCALHOST, 0).into()).unwrap()
    }

    pub fn at(address: SocketAddr) -> io::Result<BlackHole> {
        let new = || Socket::new(Domain::for_address(address), Type::STREAM, None);
        let listener = new()?;
        listener.bind(&address.into())?;
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket().unwrap();
        let mut queued = Vec::new();
        for _ in 0..8 {
            let socket = new()?;
            socket.set_nonblocking(true)?;
            let _ = socket.connect(&address.into());
            queued.push(socket);
        }
        let late = TcpStream::connect_timeout(&address, Duration::from_millis(200));
        assert!(late.is_err(), "the queue is not full");
        Ok(BlackHole { address, _listener: listener, _queued: queued })
    }
}

/// A port that is taken on one address of this machine, and where nobody listens.
pub struct Taken(Socket);

impl Taken {
    pub fn at(address: SocketAddr) -> io::Result<Taken> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.bind(&address.into())?;
        Ok(Taken(socket))
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap().as_socket().unwrap()
    }
}

/// Whether this machine speaks IPv6 with itself. Says so when it does not.
pub fn has_v6() -> bool {
    let has = Taken::at((Ipv6Addr::LOCALHOST, 0).into()).is_ok();
    if !has {
        eprintln!("NOT TESTED: this machine has no ::1");
    }
    has
}

/// One of this machine's own, 127.0.0.0/8.
pub fn loopback(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}
