//! One connection: two sockets, and how they end.

use anyhow::{Context, Result};
use socket2::SockRef;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::shared::POLL;

const OPEN: u8 = 0;
const CUT: u8 = 1;
const RESET: u8 = 2;

/// The two sockets of a connection, shared by the threads of its directions: closed when both are done.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
    state: AtomicU8,
}

impl Link {
    /// Connects to `upstream`. A client whose server does not answer is reset.
    pub(crate) fn connect(client: TcpStream, upstream: SocketAddr) -> Result<Link> {
        let server = match TcpStream::connect_timeout(&upstream, Duration::from_secs(10)) {
            Ok(server) => server,
            Err(error) => {
                let _ = SockRef::from(&client).set_linger(Some(Duration::ZERO));
                return Err(error).context("the server does not answer");
            }
        };
        for socket in [&client, &server] {
            socket.set_nonblocking(false)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(POLL))?;
            socket.set_write_timeout(Some(POLL))?;
        }
        Ok(Link { client, server, state: AtomicU8::new(OPEN) })
    }

    /// Whether bytes are passed on.
    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Ordering::SeqCst) == OPEN
    }

    /// Whether both sides were reset.
    pub(crate) fn is_reset(&self) -> bool {
        self.state.load(Ordering::SeqCst) == RESET
    }

    /// Resets both sides as soon as the threads have let go of the sockets.
    pub(crate) fn reset(&self) {
        self.state.store(RESET, Ordering::SeqCst);
        for socket in [&self.client, &self.server] {
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
            // Wakes a thread that reads; nothing of it is seen on the other side.
            let _ = socket.shutdown(Shutdown::Read);
        }
    }

    /// Tells both sides that the other has ended. What they still send is read and forgotten: a socket that is closed
    /// with unread bytes sends a reset.
    pub(crate) fn cut(&self) {
        let was_open = self.state.compare_exchange(OPEN, CUT, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if was_open {
            let _ = self.client.shutdown(Shutdown::Write);
            let _ = self.server.shutdown(Shutdown::Write);
        }
    }
}
