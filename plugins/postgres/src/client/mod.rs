//! A session with a PostgreSQL server: blocking, in steps that a stopped run does not wait for.
//!
//! Messages, passwords and TLS are those of libraries; the loop that reads and writes is here, because rows are decoded
//! where they lie in its buffer (docs/decisions/0010).

mod copy; // rows in and out
mod error; // what the server says -> who must act
mod files; // services and passwords of libpq
mod inbox; // what came and is not looked at yet
mod query; // statements and their rows
mod settings; // where the server is, who asks
mod socket; // bytes, whatever carries them
mod startup; // from a socket to a session
mod tls; // what is checked of the server

pub(crate) use copy::CopyState;
pub(crate) use error::{LOCK_NOT_AVAILABLE, SAME_ROW_TWICE, UNIQUE_VIOLATION};
pub(crate) use query::Row;
pub(crate) use settings::{Settings, TimeoutOptions, TlsOptions};

use bytes::BytesMut;
use dstream_sdk::{Context, Error, Result};
use postgres_protocol::message::backend::{self, Message};
use postgres_protocol::message::frontend;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inbox::{Frame, Inbox};
use socket::{Socket, lost};

/// To connect, and again to be answered, when the server is asked whether it is still at work: both together are less
/// than the five seconds by which a limit may be exceeded.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// A session.
pub(crate) struct Client {
    socket: Socket,
    inbox: Inbox,
    outbox: BytesMut,
    settings: Arc<Settings>,
    context: Context,
    process_id: i32,
    secret_key: i32,
    /// Such as 150004.
    version: u32,
    /// `I`: no transaction, `T`: in one, `E`: in one that failed.
    status: u8,
    /// A statement is under way.
    is_busy: bool,
    /// Nothing can be said to the server any more.
    is_lost: bool,
    /// Since when nothing comes and nothing goes.
    silent_since: Instant,
    /// For how long whoever asks in short turns has heard nothing when the last turn ended. The time between turns is
    /// theirs.
    silence: Duration,
    /// Asks for another session only.
    is_probe: bool,
}

impl Client {
    /// Opens a session.
    ///
    /// # Errors
    /// `Unavailable`: no answer, or the server takes no more sessions. `Denied`: user, password or certificate.
    /// `NotFound`: no such database. `Config`: TLS, or a server that is too old.
    pub(crate) fn connect(settings: &Arc<Settings>, context: &Context) -> Result<Client> {
        startup::connect(settings, context, false)
    }

    /// The version of the server, such as 150004.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The number of the server's process that serves this session.
    #[cfg(test)]
    pub(crate) fn process_id(&self) -> i32 {
        self.process_id
    }

    /// Whose session it is and where.
    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The session can be used no more: it was lost, or a statement is under way that nobody reads.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// A transaction is open, failed or not.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.status != b'I'
    }

    /// Sends what was put into the outbox.
    fn send(&mut self) -> Result<()> {
        let bytes = self.outbox.split();
        let sent = self.send_bytes(&bytes);
        // The place is used again.
        self.outbox = bytes;
        self.outbox.clear();
        sent
    }

    fn send_bytes(&mut self, mut bytes: &[u8]) -> Result<()> {
        (self.silent_since, self.silence) = (Instant::now(), Duration::ZERO);
        while !bytes.is_empty() {
            match self.socket.write_step(bytes) {
                Ok(Some(written)) => {
                    bytes = &bytes[written..];
                    self.silent_since = Instant::now();
                }
                Ok(None) => self.wait_to_write()?,
                Err(error) => return Err(self.fail(&error)),
            }
        }
        loop {
            match self.socket.flush_step() {
                Ok(Some(())) => return Ok(()),
                Ok(None) => self.wait_to_write()?,
                Err(error) => return Err(self.fail(&error)),
            }
        }
    }

    /// The server takes nothing now. It may be waiting for us to take what it says.
    fn wait_to_write(&mut self) -> Result<()> {
        self.check_patience()?;
        match self.socket.read_step(self.inbox.room()) {
            Ok(read) => {
                self.inbox.filled(read.unwrap_or(0));
                Ok(())
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// The next message, where one is there or comes within `limit`; what is for nobody in particular is taken care of.
    fn next_frame(&mut self, limit: Duration) -> Result<Option<Frame>> {
        let begun = Instant::now();
        let mut has_looked = false;
        self.silent_since = begun.checked_sub(std::mem::take(&mut self.silence)).unwrap_or(begun);
        loop {
            match self.inbox.peek() {
                Ok(None) => {}
                Ok(Some(frame)) if self.is_aside(frame) => {
                    self.inbox.pass(frame);
                    continue;
                }
                Ok(Some(frame)) => return Ok(Some(frame)),
                Err(length) => {
                    self.is_lost = true;
                    return Err(Error::unavailable(format!(
                        "a message of {length} bytes came from the server of {}",
                        self.settings.place()
                    )));
                }
            }
            // Whoever has no time at all gets what has come all the same.
            if has_looked && begun.elapsed() >= limit {
                self.silence = self.silent_since.elapsed();
                return Ok(None);
            }
            has_looked = true;
            match self.socket.read_step(self.inbox.room()) {
                Ok(Some(read)) => {
                    self.inbox.filled(read);
                    self.silent_since = Instant::now();
                }
                Ok(None) => self.check_patience()?,
                Err(error) => return Err(self.fail(&error)),
            }
        }
    }

    /// The next message that is an answer.
    fn next_message(&mut self) -> Result<Message> {
        let Some(frame) = self.next_frame(Duration::MAX)? else {
            return Err(Error::bug("waiting without end has ended"));
        };
        let mut whole = BytesMut::from(self.inbox.whole(frame));
        self.inbox.pass(frame);
        match Message::parse(&mut whole) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(self.fail(&std::io::Error::other("a message is not whole"))),
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// Notices, changed settings and notifications come at any time.
    fn is_aside(&self, frame: Frame) -> bool {
        let tags =
            [backend::NOTICE_RESPONSE_TAG, backend::PARAMETER_STATUS_TAG, backend::NOTIFICATION_RESPONSE_TAG];
        if frame.tag == backend::NOTICE_RESPONSE_TAG
            && let Ok(Some(Message::NoticeResponse(notice))) =
                Message::parse(&mut BytesMut::from(self.inbox.whole(frame)))
        {
            error::log_notice(&notice);
        }
        // Before the session is ready, its settings are wanted.
        tags.contains(&frame.tag) && (self.version > 0 || frame.tag != backend::PARAMETER_STATUS_TAG)
    }

    /// Nothing moves: is the run over, or the server gone?
    fn check_patience(&mut self) -> Result<()> {
        if self.context.is_cancelled() {
            // Whoever drops the session tells the server.
            self.is_lost = true;
            return Err(Error::cancelled("the run was told to stop"));
        }
        if self.silent_since.elapsed() < self.settings.network_timeout {
            return Ok(());
        }
        if !self.is_probe && self.is_server_at_work() {
            self.silent_since = Instant::now();
            return Ok(());
        }
        self.is_lost = true;
        Err(Error::unavailable(format!(
            "the server of {} said nothing for {} ms, and is not at work for this session",
            self.settings.place(),
            self.settings.network_timeout.as_millis()
        ))
        .hint("check the network; `network_ms` of the option `timeouts` is how long to wait"))
    }

    /// Asks the server over another session. What cannot be found out counts as no.
    fn is_server_at_work(&self) -> bool {
        let sql = "SELECT state = 'active' AND wait_event_type IS DISTINCT FROM 'Client' FROM pg_stat_activity \
                   WHERE pid = $1";
        let mut settings = (*self.settings).clone();
        settings.connect_timeout = settings.connect_timeout.min(PROBE_TIMEOUT);
        settings.network_timeout = PROBE_TIMEOUT;
        let asked = startup::connect(&Arc::new(settings), &self.context, true).and_then(|mut probe| {
            let rows = probe.query(sql, &[&self.process_id.to_string()])?;
            Ok(rows.first().is_some_and(|row| row.get(0) == Some("t")))
        });
        asked.unwrap_or(false)
    }

    fn fail(&mut self, error: &std::io::Error) -> Error {
        self.is_lost = true;
        lost(&self.settings, error)
    }

    /// Tells the server to end what this session is doing; nobody waits for it.
    fn cancel(&self) {
        let until = Instant::now() + Duration::from_secs(2);
        let context = Context::detached(Arc::default());
        if let Ok(mut socket) = Socket::connect(&self.settings, &context, until) {
            let mut request = BytesMut::new();
            frontend::cancel_request(self.process_id, self.secret_key, &mut request);
            // The statement ends by itself once the server notices that the session is gone.
            let _ = socket.write_step(&request).and_then(|_| socket.flush_step());
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.is_busy && self.context.is_cancelled() {
            self.cancel();
        } else if !self.is_busy && !self.is_lost {
            self.outbox.clear();
            frontend::terminate(&mut self.outbox);
            let bytes = self.outbox.split();
            // The end of the connection says the same.
            let _ = self.socket.write_step(&bytes).and_then(|_| self.socket.flush_step());
        }
    }
}

#[cfg(test)]
mod tests;
