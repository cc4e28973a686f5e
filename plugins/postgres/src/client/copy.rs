//! Rows in and out by COPY: out of the buffer where they came, into the buffer from which they are sent.

use bytes::{BufMut, BytesMut};
use dstream_sdk::{Error, Result};
use postgres_protocol::message::backend::{self, Message};
use postgres_protocol::message::frontend;
use std::time::{Duration, Instant};

use super::Client;

/// How far a COPY to us is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyState {
    /// Whoever takes the rows has enough for now.
    Paused,
    /// Nothing came for the time allowed.
    Waiting,
    /// That was the last row.
    Done,
}

impl Client {
    /// Starts a `COPY … TO STDOUT`. It does not wait: a sort may take minutes, and the server says nothing before its
    /// first rows. What it thinks of the statement, [`copy_rows`](Client::copy_rows) tells.
    ///
    /// # Errors
    /// `Unavailable`: the session was lost.
    pub(crate) fn start_copy_out(&mut self, sql: &str) -> Result<()> {
        frontend::query(sql, &mut self.outbox).map_err(|_| Error::bug("a statement holds NUL"))?;
        self.begin_statement()?;
        self.send()
    }

    /// Hands every row that comes to `take`, until it answers that it has enough. One call of it is one message of the
    /// server, which is one row; the first and the last one of a binary copy carry its head and its end.
    ///
    /// # Errors
    /// What the server says, and what `take` does: then the session can only be dropped.
    pub(crate) fn copy_rows(
        &mut self,
        limit: Duration,
        mut take: impl FnMut(&[u8]) -> Result<bool>,
    ) -> Result<CopyState> {
        let until = Instant::now().checked_add(limit);
        loop {
            // The time is looked at once for all that is there.
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            let Some(mut frame) = self.next_frame(left)? else { return Ok(CopyState::Waiting) };
            while frame.tag == backend::COPY_DATA_TAG {
                let has_enough = take(self.inbox.body(frame)).inspect_err(|_| self.is_lost = true)?;
                self.inbox.pass(frame);
                if has_enough {
                    return Ok(CopyState::Paused);
                }
                match self.inbox.peek() {
                    Ok(Some(next)) if next.tag == backend::COPY_DATA_TAG => frame = next,
                    // What it is, a notice in between among others, is looked at once more.
                    _ => break,
                }
            }
            if frame.tag == backend::COPY_OUT_RESPONSE_TAG {
                self.inbox.pass(frame);
            } else if frame.tag != backend::COPY_DATA_TAG {
                self.end_copy()?;
                return Ok(CopyState::Done);
            }
        }
    }

    /// Starts a `COPY … FROM STDIN`.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn start_copy_in(&mut self, sql: &str) -> Result<()> {
        self.start_copy(sql, |message| matches!(message, Message::CopyInResponse(_)))
    }

    /// Sends the bytes as one message, and leaves the buffer empty.
    ///
    /// # Errors
    /// `Unavailable`: the session was lost. What the server thinks of the rows, the end tells.
    pub(crate) fn copy_send(&mut self, bytes: &mut BytesMut) -> Result<()> {
        let length = u32::try_from(bytes.len() + 4).ok().filter(|length| *length < 1 << 30);
        let length = length
            .ok_or_else(|| Error::data("a record is larger than 1 GiB, which the server does not take"))?;
        self.outbox.put_u8(b'd');
        self.outbox.put_u32(length);
        self.send()?;
        self.send_bytes(bytes)?;
        bytes.clear();
        Ok(())
    }

    /// Ends a COPY from us; answers how many rows the server took.
    ///
    /// # Errors
    /// What the server says of the rows: none of them is in the table then.
    pub(crate) fn finish_copy_in(&mut self) -> Result<u64> {
        frontend::copy_done(&mut self.outbox);
        self.finish()
    }

    /// Gives a COPY from us up. The transaction that it is in has failed.
    ///
    /// # Errors
    /// `Unavailable`: the session was lost.
    #[cfg(test)]
    pub(crate) fn give_up_copy_in(&mut self) -> Result<()> {
        frontend::copy_fail("given up", &mut self.outbox).map_err(|_| Error::bug("a message holds NUL"))?;
        match self.finish() {
            Err(_) if !self.is_lost => Ok(()),
            other => other.map(drop),
        }
    }

    fn finish(&mut self) -> Result<u64> {
        self.send()?;
        self.end_copy()
    }

    fn start_copy(&mut self, sql: &str, is_wanted: impl Fn(&Message) -> bool) -> Result<()> {
        frontend::query(sql, &mut self.outbox).map_err(|_| Error::bug("a statement holds NUL"))?;
        self.begin_statement()?;
        self.send()?;
        let mut failed = None;
        loop {
            match self.next_message()? {
                message if is_wanted(&message) => return Ok(()),
                Message::ErrorResponse(body) => {
                    failed.get_or_insert_with(|| super::error::of_server(&body, &self.settings));
                }
                Message::ReadyForQuery(body) => {
                    self.end_statement(body.status());
                    return Err(failed.unwrap_or_else(|| Error::bug("the statement is no COPY of this kind")));
                }
                _ => {}
            }
        }
    }

    /// From the end of the rows to the end of the statement.
    fn end_copy(&mut self) -> Result<u64> {
        let (mut failed, mut rows) = (None, 0);
        loop {
            match self.next_message()? {
                Message::CommandComplete(body) => {
                    let tag = body.tag().unwrap_or_default();
                    rows = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                Message::ErrorResponse(body) => {
                    failed.get_or_insert_with(|| super::error::of_server(&body, &self.settings));
                }
                Message::ReadyForQuery(body) => {
                    self.end_statement(body.status());
                    return failed.map_or(Ok(rows), Err);
                }
                _ => {}
            }
        }
    }
}
