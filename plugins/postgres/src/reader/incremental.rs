//! Rows in the order of the replication key, from the bookmark on.

use dstream_sdk::{
    Bookmark, Boundary, Context, Error, KeyValue, Message, Next, ReadRequest, Reader, Result, tracing, wait,
};
use serde_json::{Value, json};
use std::time::Duration;

use super::Opening;
use super::bound::Key;
use super::copy::{Copy, Filled, batch_message, schema_message};
use super::gate::{Gate, Upper};
use super::origin::Origin;
use crate::client::Client;
use crate::quote::quote;
use crate::tap::{Source, begin, is_key};
use crate::types::ReadColumn;

/// Between two looks at transactions that have to end.
const PAUSE: Duration = Duration::from_millis(25);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Schema,
    /// Up to where?
    Gate,
    /// Rows without a value of the key.
    Nulls,
    Rows,
    Checkpoint,
    Count,
    End,
    Over,
}

/// Reads a stream in the order of its replication key.
pub(crate) struct IncrementalReader {
    context: Context,
    client: Client,
    copy: Copy,
    source: Source,
    origin: Origin,
    columns: Vec<ReadColumn>,
    key: Key,
    boundary: Boundary,
    /// That of the run before.
    last: Option<KeyValue>,
    /// Not to be read again.
    has_nulls: bool,
    lookback: u64,
    gate: Gate,
    upper: Upper,
    /// Records without a value of the key that came.
    nulls: u64,
    /// What the last checkpoint said.
    marked: Option<Bookmark>,
    is_open: bool,
    step: Step,
    after_checkpoint: Step,
}

impl IncrementalReader {
    /// Begins where the bookmark says.
    ///
    /// # Errors
    /// `BookmarkLost`: the table or its filter is another one now. `Config`: the column cannot be followed.
    pub(crate) fn open(opening: Opening, request: &ReadRequest) -> Result<IncrementalReader> {
        let Opening { context, mut client, source, columns, wishes } = opening;
        let key = find_key(&source, &columns, request, &wishes)?;
        let origin = Origin::find(&mut client, &source)?;
        origin.check(request.bookmark.as_ref())?;
        // Only rows without a value were there.
        let has_nulls = request.bookmark.is_some();
        let bookmark =
            request.bookmark.as_ref().filter(|bookmark| bookmark.get(&key.name) != Some(&Value::Null));
        let is_upserted = request.streams.first().is_some_and(|stream| stream.upserted);
        let boundary = Boundary::new(&key.name, &key.data_type, bookmark)?;
        let mut boundary = boundary.counting_crowds(!is_upserted);
        let last = boundary.lower_bound().cloned();
        let lookback = wishes.lookback.get(&source.stream).copied().unwrap_or(0);
        if lookback > 0 {
            if !is_upserted {
                return Err(Error::config(
                    "`options.lookback` reads records again, and they would stand twice: the stream is not upserted",
                )
                .hint("name its key with `options.key_properties` and upsert it, or take the lookback out"));
            }
            boundary = boundary.looking_back();
        }
        let gate = Gate::open(&mut client, &source, &key, &wishes)?;
        let copy = Copy::new(&columns, request);
        Ok(IncrementalReader {
            context,
            client,
            copy,
            source,
            origin,
            columns,
            key,
            boundary,
            last,
            has_nulls,
            lookback,
            gate,
            upper: Upper::Nothing,
            nulls: 0,
            marked: None,
            is_open: false,
            step: Step::Schema,
            after_checkpoint: Step::Rows,
        })
    }

    fn step(&mut self, timeout: Duration) -> Result<Next> {
        loop {
            match self.step {
                Step::Schema => {
                    self.step = Step::Gate;
                    return Ok(schema_message(self.copy.schema(), Some(&self.source)).into());
                }
                Step::Gate => match self.gate.poll(&mut self.client)? {
                    None => {
                        wait(&self.context, PAUSE.min(timeout))?;
                        return Ok(Next::Pending);
                    }
                    Some(Upper::Nothing) => self.step = Step::End,
                    Some(upper) => {
                        self.upper = upper;
                        // What is read is seen in one snapshot, which begins here.
                        begin(&mut self.client)?;
                        self.start_nulls()?;
                    }
                },
                Step::Nulls => match self.copy.fill(&mut self.client, timeout, &mut self.is_open)? {
                    Filled::Batch(batch, bytes) => {
                        self.nulls += batch.num_rows() as u64;
                        return Ok(batch_message(batch, bytes).into());
                    }
                    Filled::TimeIsUp => return Ok(Next::Pending),
                    Filled::Done if self.is_open => return Ok(Next::Pending),
                    Filled::Done => {
                        self.start_rows()?;
                        if self.nulls > 0 {
                            return Ok(self.mark(json!({ self.key.name.as_str(): null })));
                        }
                    }
                },
                Step::Rows => match self.copy.fill(&mut self.client, timeout, &mut self.is_open)? {
                    Filled::Batch(batch, bytes) => {
                        let batch = self.boundary.take(batch)?;
                        (self.step, self.after_checkpoint) = (Step::Checkpoint, Step::Rows);
                        if batch.num_rows() > 0 {
                            return Ok(batch_message(batch, bytes).into());
                        }
                    }
                    Filled::TimeIsUp => return Ok(Next::Pending),
                    Filled::Done if self.is_open => return Ok(Next::Pending),
                    Filled::Done => (self.step, self.after_checkpoint) = (Step::Checkpoint, Step::Count),
                },
                Step::Checkpoint => {
                    self.step = self.after_checkpoint;
                    let is_last = self.step == Step::Count;
                    if is_last {
                        self.boundary.check_end()?;
                    }
                    let bookmark =
                        if is_last { self.boundary.last_bookmark() } else { self.boundary.bookmark() };
                    if let Some(bookmark) = bookmark.filter(|bookmark| self.marked.as_ref() != Some(bookmark))
                    {
                        return Ok(self.mark(bookmark));
                    }
                }
                Step::Count => {
                    self.count()?;
                    self.client.run("COMMIT")?;
                    self.step = Step::End;
                }
                Step::End => {
                    self.step = Step::Over;
                    return Ok(Message::StreamEnd { stream: 0 }.into());
                }
                Step::Over => return Ok(Next::End),
            }
        }
    }

    /// Once, when the stream is read for the first time.
    fn start_nulls(&mut self) -> Result<()> {
        self.step = Step::Nulls;
        let is_nullable = self.source.column(&self.key.name).is_none_or(|column| column.is_nullable);
        if self.has_nulls || !is_nullable {
            return Ok(());
        }
        let sql = self.source.sql(
            &self.columns,
            &self.source.from,
            &[format!("{} IS NULL", quote(&self.key.name)?)],
        );
        self.copy.start(&mut self.client, &sql)?;
        self.is_open = true;
        Ok(())
    }

    fn start_rows(&mut self) -> Result<()> {
        self.step = Step::Rows;
        let Upper::To { bound, .. } = &self.upper else { return Ok(()) };
        let mut conditions = vec![format!("{} <= {bound}", self.key.sql)];
        if let Some(last) = &self.last {
            conditions.push(format!("{} >= {}", self.key.sql, self.key.lower(last, self.lookback)?));
        }
        let mut order = vec![self.key.sql.clone()];
        for column in &self.source.key {
            order.push(quote(column)?);
        }
        let sql = self.source.sql(&self.columns, &self.source.from, &conditions);
        self.copy.start(&mut self.client, &format!("{sql} ORDER BY {}", order.join(", ")))?;
        self.is_open = true;
        Ok(())
    }

    fn mark(&mut self, bookmark: Bookmark) -> Next {
        self.marked = Some(bookmark.clone());
        let mut bookmark = bookmark;
        self.origin.sign(&mut bookmark);
        Message::Checkpoint { bookmark }.into()
    }

    /// Says what was not read, and why.
    fn count(&mut self) -> Result<()> {
        let (key, stream) = (&self.key, self.source.stream.as_str());
        let (above, future) = match &self.upper {
            Upper::To { bound, now } => {
                let future = now.as_ref().map_or("false".to_owned(), |now| format!("{} > {now}", key.sql));
                (format!("{} > {bound}", key.sql), future)
            }
            _ => ("false".to_owned(), "false".to_owned()),
        };
        let sql = format!(
            "SELECT count(*) FILTER (WHERE {0} IS NULL), count(*) FILTER (WHERE {above}), count(*) FILTER (WHERE {future}) \
             FROM {1}{2}",
            key.sql,
            self.source.from,
            self.source.conditions(&[format!("({} IS NULL OR {above})", key.sql)])
        );
        let rows = self.client.query(&sql, &[])?;
        let Some(row) = rows.first() else { return Ok(()) };
        let (nulls, above, future): (u64, u64, u64) = (row.number(0)?, row.number(1)?, row.number(2)?);
        let column = &key.name;
        if nulls > 0 {
            let read = self.nulls;
            tracing::warn!(
                stream,
                column,
                records = nulls,
                read,
                "records have no value in the replication key: they are read once, when the stream is read for the first \
                 time, and cannot be followed"
            );
        }
        if future > 0 {
            tracing::warn!(
                stream,
                column,
                records = future,
                "records lie in the future: they are read when it has come"
            );
        }
        if above > future {
            let records = above - future;
            tracing::info!(
                stream,
                column,
                records,
                "records are left for the next run: transactions that began before them may still be running"
            );
        }
        Ok(())
    }
}

/// The column that is followed.
fn find_key(
    source: &Source,
    columns: &[ReadColumn],
    request: &ReadRequest,
    wishes: &crate::tap::Wishes,
) -> Result<Key> {
    let named = request.streams.first().and_then(|stream| stream.replication_key.as_deref());
    let offered = || {
        let keys = columns
            .iter()
            .filter(|column| is_key(source, column.field.name(), column.field.data_type(), wishes));
        let names: Vec<String> = keys.map(|column| format!("`{}`", column.field.name())).collect();
        match names.is_empty() {
            true => "none of its columns can be followed: choose `FULL_TABLE`".to_owned(),
            false => format!("these can be followed: {}", names.join(", ")),
        }
    };
    let name = named.ok_or_else(|| {
        Error::config("an incremental stream has no replication key")
            .hint(format!("name one with `dstreams catalog set`; {}", offered()))
    })?;
    let column = columns.iter().find(|column| column.field.name() == name).ok_or_else(|| {
        Error::config(format!("the replication key `{name}` is not selected"))
            .hint("select it in the catalog")
    })?;
    let data_type = column.field.data_type();
    match is_key(source, name, data_type, wishes) {
        true => Key::new(name, data_type),
        false => Err(Error::config(format!(
            "the column `{name}` of type {data_type} cannot be the replication key"
        ))
        .hint(format!("{}; text is in `options.text_keys` where its values only grow", offered()))),
    }
}

impl Reader for IncrementalReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        self.step(timeout).map_err(|error| super::named(error, &self.source.stream))
    }
}
