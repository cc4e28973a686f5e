//! From a socket to a session: who asks, and how values are written.

use bytes::BytesMut;
use dstream_sdk::{Context, Error, Result};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ChannelBinding, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Client;
use super::inbox::Inbox;
use super::settings::Settings;
use super::socket::{Socket, check_time};

/// The oldest server whose catalogs and functions are used here.
const OLDEST: u32 = 12;

/// Opens a session. A probe waits only as long as a connection may take, and asks nobody else.
///
/// # Errors
/// As [`Client::connect`].
pub(super) fn connect(settings: &Arc<Settings>, context: &Context, is_probe: bool) -> Result<Client> {
    let now = Instant::now();
    let until = now.checked_add(settings.connect_timeout).unwrap_or(now + Duration::from_secs(86_400));
    let socket = Socket::connect(settings, context, until)?;
    let mut client = Client {
        socket,
        inbox: Inbox::new(),
        outbox: BytesMut::with_capacity(8 << 10),
        settings: settings.clone(),
        context: context.clone(),
        process_id: 0,
        secret_key: 0,
        version: 0,
        status: b'I',
        is_busy: true,
        is_lost: false,
        silent_since: Instant::now(),
        silence: Duration::ZERO,
        is_probe,
    };
    let parameters = [
        ("user", settings.user.as_str()),
        ("database", &settings.database),
        ("application_name", &settings.application_name),
        ("client_encoding", "UTF8"),
    ];
    frontend::startup_message(parameters, &mut client.outbox)
        .map_err(|_| Error::config("user, database or name of the connector holds NUL"))?;
    client.send()?;
    client.log_in(until)?;
    client.set_up()?;
    Ok(client)
}

impl Client {
    /// Answers the server's questions until it is ready.
    fn log_in(&mut self, until: Instant) -> Result<()> {
        let mut scram = None;
        let mut version = None;
        loop {
            check_time(&self.settings.clone(), &self.context.clone(), until)?;
            match self.next_message_until(until)? {
                Message::AuthenticationOk | Message::AuthenticationSaslFinal(_) => {}
                Message::AuthenticationCleartextPassword => {
                    let password = self.password()?;
                    self.answer(|out| frontend::password_message(&password, out))?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let password = self.password()?;
                    let hash = md5_hash(self.settings.user.as_bytes(), &password, body.salt());
                    self.answer(|out| frontend::password_message(hash.as_bytes(), out))?;
                }
                Message::AuthenticationSasl(body) => {
                    let offered: Vec<String> =
                        body.mechanisms().map(|name| Ok(name.to_owned())).collect().unwrap_or_default();
                    if !offered.iter().any(|name| name == sasl::SCRAM_SHA_256) {
                        return Err(Error::unsupported(
                            "the server asks for a way to log in that is not offered here",
                        )
                        .hint("SCRAM-SHA-256, md5, password, certificate and trust are"));
                    }
                    let state = ScramSha256::new(&self.password()?, ChannelBinding::unsupported());
                    self.answer(|out| {
                        frontend::sasl_initial_response(sasl::SCRAM_SHA_256, state.message(), out)
                    })?;
                    scram = Some(state);
                }
                Message::AuthenticationSaslContinue(body) => {
                    let Some(state) = &mut scram else { return Err(disorder()) };
                    state
                        .update(body.data())
                        .map_err(|error| Error::denied(format!("logging in failed: {error}")))?;
                    self.answer(|out| frontend::sasl_response(state.message(), out))?;
                }
                Message::ParameterStatus(body) if body.name().is_ok_and(|name| name == "server_version") => {
                    version = body.value().ok().and_then(version_of);
                }
                Message::ParameterStatus(_) => {}
                Message::BackendKeyData(body) => {
                    (self.process_id, self.secret_key) = (body.process_id(), body.secret_key());
                }
                Message::ErrorResponse(body) => {
                    self.is_lost = true;
                    return Err(super::error::of_server(&body, &self.settings));
                }
                Message::ReadyForQuery(body) => {
                    self.end_statement(body.status());
                    self.version = version.unwrap_or(0);
                    return self.check_version();
                }
                _ => {
                    return Err(Error::unsupported(
                        "the server asks for a way to log in that is not offered here",
                    )
                    .hint("SCRAM-SHA-256, md5, password, certificate and trust are"));
                }
            }
        }
    }

    fn next_message_until(&mut self, until: Instant) -> Result<Message> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.next_frame(left.min(Duration::from_secs(1)))?.is_some() {
                return self.next_message();
            }
            check_time(&self.settings.clone(), &self.context.clone(), until)?;
        }
    }

    fn answer(&mut self, write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>) -> Result<()> {
        write(&mut self.outbox).map_err(|_| Error::config("the password holds NUL"))?;
        self.send()
    }

    fn password(&self) -> Result<Vec<u8>> {
        let password = self.settings.password.as_ref().map(|password| password.expose().clone().into_bytes());
        password.ok_or_else(|| {
            Error::denied(format!(
                "the server of {} asks for a password, and none is known",
                self.settings.place()
            ))
            .hint("set `password` of `auth`, or have it in the file that `PGPASSFILE` names")
        })
    }

    fn check_version(&self) -> Result<()> {
        match self.version / 10_000 {
            major if major >= OLDEST => Ok(()),
            major => Err(Error::unsupported(format!(
                "the server of {} has version {major}, and the oldest that is known here is {OLDEST}",
                self.settings.place()
            ))
            .hint("update the server")),
        }
    }

    /// How values are written as text, and how long the server waits.
    fn set_up(&mut self) -> Result<()> {
        let ms = |limit: Duration| if limit == Duration::MAX { 0 } else { limit.as_millis() };
        let mut sql = format!(
            "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 3; \
             SET bytea_output = 'hex'; SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning; \
             SET standard_conforming_strings = on; SET statement_timeout = {}; SET lock_timeout = {}",
            ms(self.settings.statement_timeout),
            ms(self.settings.lock_timeout)
        );
        if self.version >= 140_000 {
            // A server that is at work notices that we are gone, and lets go of its locks.
            sql.push_str("; SET client_connection_check_interval = 10000; SET idle_session_timeout = 0");
        }
        self.run(&sql)
    }
}

/// `15.4 (Debian …)` → 150004, `16beta1` → 160000.
fn version_of(text: &str) -> Option<u32> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    let major: u32 = numbers.next()?.parse().ok()?;
    let minor: u32 = numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
    Some(major * 10_000 + minor)
}

fn disorder() -> Error {
    Error::unavailable("the server does not keep to the order of logging in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_in_every_form() {
        for (text, version) in
            [("15.4 (Debian 15.4-1)", 150_004), ("16beta1", 160_000), ("9.6.24", 90_006), ("12", 120_000)]
        {
            assert_eq!(version_of(text), Some(version), "{text}");
        }
        assert_eq!(version_of("x"), None);
    }
}
