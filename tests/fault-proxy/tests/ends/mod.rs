//! Both ends of a connection through a proxy, in the hands of one test.

use dstream_fault_proxy::{Plan, Proxy};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// No read takes longer; what is not broken takes no time.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A server that takes connections when it is told to, and a proxy before it.
pub(crate) struct Ends {
    pub(crate) proxy: Proxy,
    listener: TcpListener,
}

impl Ends {
    pub(crate) fn new(plan: Plan) -> Ends {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let upstream = listener.local_addr().expect("it has an address");
        Ends { proxy: Proxy::start(upstream, plan).expect("the proxy starts"), listener }
    }

    /// The client's and the server's socket of a new connection.
    pub(crate) fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.proxy.address()).expect("the proxy takes connections");
        let (server, _) = self.listener.accept().expect("the proxy connects");
        for socket in [&client, &server] {
            socket.set_read_timeout(Some(LIMIT)).expect("sockets have timeouts");
            socket.set_write_timeout(Some(LIMIT)).expect("sockets have timeouts");
        }
        (client, server)
    }
}

/// Sends beside the test, as far as it gets, and gives the socket back.
pub(crate) fn send(mut socket: TcpStream, bytes: Vec<u8>) -> JoinHandle<TcpStream> {
    thread::spawn(move || {
        let _ = socket.write_all(&bytes);
        socket
    })
}

/// All that comes, and the error that ended it.
pub(crate) fn receive(socket: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut all = Vec::new();
    let end = socket.read_to_end(&mut all).err().map(|error| error.kind());
    (all, end)
}

/// As many bytes as are asked for.
pub(crate) fn exactly(socket: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    socket.read_exact(&mut bytes).expect("they come");
    bytes
}

/// Whether nothing comes for a while, not even an end.
pub(crate) fn is_silent(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_millis(60))).expect("sockets have timeouts");
    let read = socket.read(&mut [0]);
    socket.set_read_timeout(Some(LIMIT)).expect("sockets have timeouts");
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
