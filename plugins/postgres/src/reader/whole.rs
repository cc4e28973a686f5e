//! A stream that is read at one go and has no position to read on from: a view, a query, a table of another server.

use dstream_sdk::{Error, Message, Next, ReadRequest, Reader, Result};
use std::time::Duration;

use super::Opening;
use super::copy::{Copy, Filled, batch_message, schema_message};
use crate::client::Client;
use crate::tap::{begin, check_files};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Schema,
    Batch,
    End,
    Over,
}

/// Reads a stream at one go.
pub(crate) struct WholeReader {
    client: Client,
    copy: Copy,
    stream: String,
    sql: String,
    is_open: bool,
    step: Step,
}

impl WholeReader {
    /// Begins to read.
    ///
    /// # Errors
    /// `BookmarkLost`: it has no bookmarks.
    pub(crate) fn open(opening: Opening, request: &ReadRequest) -> Result<WholeReader> {
        let Opening { mut client, source, columns, .. } = opening;
        if request.bookmark.is_some() {
            return Err(Error::bookmark_lost("it is read at one go, and a bookmark means nothing for it")
                .hint("run once with `--full-refresh`"));
        }
        begin(&mut client)?;
        let sql = source.sql(&columns, &source.from, &[]);
        let copy = Copy::new(&columns, request);
        Ok(WholeReader { client, copy, stream: source.stream, sql, is_open: false, step: Step::Schema })
    }

    fn step(&mut self, timeout: Duration) -> Result<Next> {
        match self.step {
            Step::Schema => {
                self.step = Step::Batch;
                self.copy.start(&mut self.client, &self.sql)?;
                self.is_open = true;
                Ok(schema_message(self.copy.schema(), None).into())
            }
            Step::Batch => Ok(match self.copy.fill(&mut self.client, timeout, &mut self.is_open)? {
                Filled::Batch(batch, bytes) => batch_message(batch, bytes).into(),
                Filled::TimeIsUp => Next::Pending,
                Filled::Done if self.is_open => Next::Pending,
                Filled::Done => {
                    self.step = Step::End;
                    check_files(&mut self.client)?;
                    self.client.run("COMMIT")?;
                    return self.step(timeout);
                }
            }),
            Step::End => {
                self.step = Step::Over;
                Ok(Message::StreamEnd { stream: 0 }.into())
            }
            Step::Over => Ok(Next::End),
        }
    }
}

impl Reader for WholeReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        self.step(timeout).map_err(|error| super::named(error, &self.stream))
    }
}
