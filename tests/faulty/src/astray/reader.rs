//! One partition being read.

use arrow::array::Int64Array;
use arrow::datatypes::SchemaRef;
use dstream_abi::{Context, Error, Message, Next, ReadRequest, Reader, ReplicationMethod, Result};
use serde_json::json;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::Settings;
use super::numbers::{Shared, batch, schema, shared};

/// Bytes of a record, more than it takes.
const ROW_BYTES: u64 = 64;

/// More than any call may take that is not to wait.
pub(crate) const LATE: Duration = Duration::from_millis(2500);

pub(crate) struct AstrayReader {
    settings: Settings,
    context: Context,
    schema: SchemaRef,
    rows: Range<i64>,
    batch_rows: i64,
    is_incremental: bool,
    step: Step,
    /// The position of all readers of the tap, for those that share it.
    position: Arc<AtomicI64>,
    is_turned: bool,
    has_waited: bool,
    handed_out: Vec<Shared>,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Schema,
    Batch,
    Checkpoint,
    End,
}

impl AstrayReader {
    pub(crate) fn new(
        settings: Settings,
        context: Context,
        request: &ReadRequest,
        rows: Range<i64>,
        position: Arc<AtomicI64>,
        is_turned: bool,
    ) -> AstrayReader {
        let stream = &request.streams[0];
        let rows_limit = match settings.has("ignores_batch_rows") {
            true => i64::MAX,
            false => i64::try_from(request.max_batch_rows.get()).unwrap_or(i64::MAX),
        };
        let bytes_limit = match settings.has("ignores_batch_bytes") {
            true => i64::MAX,
            false => i64::try_from(request.max_batch_bytes.get() / ROW_BYTES).unwrap_or(i64::MAX),
        };
        let mut rows = rows;
        if settings.has("remembers_closed_reader") {
            // What a reader that was closed early left unread is taken for read.
            rows.start = rows.start.max(position.load(Ordering::SeqCst).min(rows.end));
        } else {
            position.store(rows.start, Ordering::SeqCst);
        }
        AstrayReader {
            schema: if settings.has("ignores_selection") { schema() } else { stream.schema.clone() },
            is_incremental: stream.replication_method == ReplicationMethod::Incremental,
            settings,
            context,
            rows,
            batch_rows: rows_limit.min(bytes_limit).max(1),
            step: Step::Schema,
            position,
            is_turned,
            has_waited: false,
            handed_out: Vec::new(),
        }
    }

    fn start(&self) -> i64 {
        match self.settings.has("shares_position") {
            true => self.position.load(Ordering::SeqCst),
            false => self.rows.start,
        }
    }

    fn next_batch(&mut self) -> Result<Message> {
        let from = self.start();
        let to = self.rows.end.min(from.saturating_add(self.batch_rows));
        let (mut ids, memory) = shared(from..to);
        if self.settings.has("overwrites_on_close") {
            self.handed_out.push(memory);
        }
        if self.is_turned {
            ids = ids.iter().rev().collect();
        }
        if self.settings.has("nulls_in_required") && from <= 8 && to > 8 {
            ids = ids.iter().map(|id| id.filter(|id| *id != 8)).collect::<Int64Array>();
        }
        self.rows.start = to;
        if self.settings.has("shares_position") {
            self.position.store(to, Ordering::SeqCst);
        }
        self.step = Step::Checkpoint;
        let batch = batch(&self.schema, ids)?.into();
        Ok(Message::Batch { stream: 0, version: 1, batch, source_bytes: 0 })
    }

    fn wait(&mut self, timeout: Duration) -> Result<()> {
        if self.settings.has("ignores_timeout") && timeout.is_zero() && !self.has_waited {
            self.has_waited = true;
            std::thread::sleep(LATE);
        }
        if self.context.is_cancelled() {
            if self.settings.has("ignores_cancel") {
                std::thread::sleep(LATE);
                return Ok(());
            }
            return Err(match self.settings.has("blames_cancel_on_source") {
                true => Error::unavailable("the source hung up"),
                false => Error::cancelled("the run was told to stop"),
            });
        }
        Ok(())
    }
}

impl Drop for AstrayReader {
    fn drop(&mut self) {
        self.handed_out.iter().for_each(Shared::overwrite);
        if self.settings.has("remembers_closed_reader") && self.step != Step::End {
            self.position.store(self.rows.start, Ordering::SeqCst);
        }
        if self.settings.has("aborts_when_closed_early") && self.step == Step::Checkpoint {
            std::process::abort();
        }
    }
}

impl Reader for AstrayReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        self.wait(timeout)?;
        if self.step == Step::Schema {
            self.step = Step::Batch;
            if !(self.rows.is_empty() && self.settings.has("no_schema_when_empty")) {
                return Ok(Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }.into());
            }
        }
        if self.step == Step::Checkpoint {
            self.step = Step::Batch;
            let is_last = self.rows.is_empty() && self.is_incremental;
            if !(is_last && self.settings.has("no_last_checkpoint")) {
                return Ok(Message::Checkpoint { bookmark: json!({ "next": self.rows.start }) }.into());
            }
        }
        if self.step == Step::Batch {
            if self.start() < self.rows.end {
                return self.next_batch().map(Next::from);
            }
            self.step = Step::End;
            if !self.settings.has("no_stream_end") {
                return Ok(Message::StreamEnd { stream: 0 }.into());
            }
        }
        Ok(Next::End)
    }
}
