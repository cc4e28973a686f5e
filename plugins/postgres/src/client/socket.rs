//! The bytes to and from the server, whatever carries them, in steps that a stopped run does not wait for.

use dstream_sdk::{Context, Error, Result};
use rustls::{ClientConnection, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::settings::{Host, Settings, SslMode};
use super::tls;

/// How long one call of the system may take before somebody looks whether to go on.
const STEP: Duration = Duration::from_millis(100);
/// A peer that is gone is noticed by the system after about this long, and again and again in between.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Socket {
    /// Reaches the server and, where the mode wants it, speaks TLS with it.
    ///
    /// # Errors
    /// `Unavailable`: nobody answers. `Denied`: the certificate is not good. `Config`: TLS is wanted and not offered.
    pub(super) fn connect(settings: &Settings, context: &Context, until: Instant) -> Result<Socket> {
        let socket = match &settings.host {
            Host::Tcp(name) => Socket::Tcp(connect_tcp(name, settings, context, until)?),
            #[cfg(unix)]
            Host::Unix(folder) => {
                let path = folder.join(format!(".s.PGSQL.{}", settings.port));
                let stream = std::os::unix::net::UnixStream::connect(&path).map_err(|error| {
                    Error::unavailable(format!("the socket `{}` does not answer: {error}", path.display()))
                })?;
                Socket::Unix(stream)
            }
            #[cfg(not(unix))]
            Host::Unix(_) => {
                return Err(Error::config("this system has no sockets in folders").hint("name a host"));
            }
        };
        socket.set_steps().map_err(|error| lost(settings, &error))?;
        if settings.sslmode == SslMode::Disable || matches!(settings.host, Host::Unix(_)) {
            return Ok(socket);
        }
        socket.start_tls(settings, context, until)
    }

    fn set_steps(&self) -> std::io::Result<()> {
        match self {
            Socket::Tcp(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(STEP))?;
                stream.set_write_timeout(Some(STEP))?;
                let keepalive =
                    socket2::TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
                socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
            }
            #[cfg(unix)]
            Socket::Unix(stream) => {
                stream.set_read_timeout(Some(STEP))?;
                stream.set_write_timeout(Some(STEP))
            }
            Socket::Tls(_) => Ok(()),
        }
    }

    fn start_tls(mut self, settings: &Settings, context: &Context, until: Instant) -> Result<Socket> {
        let mut request = bytes::BytesMut::new();
        postgres_protocol::message::frontend::ssl_request(&mut request);
        let mut answer = [0];
        let mut asked = self.write_step(&request).map_err(|error| lost(settings, &error))?.unwrap_or(0);
        while asked < request.len() {
            check_time(settings, context, until)?;
            asked += self.write_step(&request[asked..]).map_err(|error| lost(settings, &error))?.unwrap_or(0);
        }
        while self.read_step(&mut answer).map_err(|error| lost(settings, &error))?.is_none() {
            check_time(settings, context, until)?;
        }
        match (answer[0], settings.sslmode, self) {
            (b'S', _, Socket::Tcp(stream)) => tls::shake_hands(settings, stream, |_| {
                check_time(settings, context, until)
            })
            .map(|stream| Socket::Tls(Box::new(stream))),
            (b'N', SslMode::Prefer, plain) => Ok(plain),
            (b'N', ..) => Err(Error::config(format!("the server of {} offers no TLS", settings.place()))
                .hint("turn TLS on at the server; only on a network that you trust set `\"tls\": {\"sslmode\": \"disable\"}` under `options`")),
            _ => Err(Error::unavailable(format!("what answers for {} is no PostgreSQL server", settings.place()))
                .hint("check host and port")),
        }
    }

    /// Reads what is there; `None`: nothing for some time.
    pub(super) fn read_step(&mut self, into: &mut [u8]) -> std::io::Result<Option<usize>> {
        let read = match self {
            Socket::Tcp(stream) => stream.read(into),
            #[cfg(unix)]
            Socket::Unix(stream) => stream.read(into),
            Socket::Tls(stream) => stream.read(into),
        };
        match in_step(read)? {
            Some(0) => Err(std::io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            other => Ok(other),
        }
    }

    /// Writes what fits; `None`: nothing does for some time.
    pub(super) fn write_step(&mut self, from: &[u8]) -> std::io::Result<Option<usize>> {
        in_step(match self {
            Socket::Tcp(stream) => stream.write(from),
            #[cfg(unix)]
            Socket::Unix(stream) => stream.write(from),
            Socket::Tls(stream) => stream.write(from),
        })
    }

    /// Hands on what TLS has kept; `None`: not all of it.
    pub(super) fn flush_step(&mut self) -> std::io::Result<Option<()>> {
        match self {
            Socket::Tls(stream) => in_step(stream.flush()),
            _ => Ok(Some(())),
        }
    }
}

fn in_step<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

fn connect_tcp(name: &str, settings: &Settings, context: &Context, until: Instant) -> Result<TcpStream> {
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let addresses = (name, settings.port).to_socket_addrs().map_err(|error| {
        Error::unavailable(format!("the host `{name}` is not known: {error}"))
            .hint("check `connection.host` and the network")
    })?;
    let mut last = None;
    for address in addresses {
        check_time(settings, context, until)?;
        match TcpStream::connect_timeout(&address, until.saturating_duration_since(Instant::now())) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(|| "it has no address".to_owned(), |error| error.to_string());
    Err(Error::unavailable(format!("the server of {} does not answer: {why}", settings.place()))
        .hint("check that it runs, host, port and firewall"))
}

/// # Errors
/// `Unavailable`: the time for connecting is over. `Cancelled`: the run was told to stop.
pub(super) fn check_time(settings: &Settings, context: &Context, until: Instant) -> Result<()> {
    if context.is_cancelled() {
        return Err(Error::cancelled("the run was told to stop"));
    }
    match Instant::now() < until {
        true => Ok(()),
        false => Err(Error::unavailable(format!(
            "the server of {} did not make a connection within {} ms",
            settings.place(),
            settings.connect_timeout.as_millis()
        ))
        .hint("check the network, or raise `connect_ms` of the option `timeouts`")),
    }
}

/// A connection that ended.
pub(super) fn lost(settings: &Settings, error: &std::io::Error) -> Error {
    Error::unavailable(format!("the connection to {} was lost: {error}", settings.place()))
        .hint("what was not committed is read again")
}
