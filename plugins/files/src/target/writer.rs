//! One partition being written: a file a stream and window, or several where it becomes large.

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use dstream_sdk::{
    Batch, Context, Error, Prepared, Result, StreamPlan, TableClaim, WriteRequest, Writer, schema_json,
};

use super::encode::{Encode, Ended};
use super::open::{self, Place, STAGED, Wanted};
use super::options::Layout;
use super::state::DataFile;
use super::{Files, Shared};
use crate::store::Store;

/// Records after which the bytes of a file are looked at, where they are limited.
const LOOK_ROWS: usize = 4096;

/// The writer.
pub(crate) struct FilesWriter {
    shared: Arc<Shared>,
    context: Context,
    store: Arc<dyn Store>,
    /// The folder of its files, and what their names begin with.
    folder: String,
    prefix: String,
    next_file: u64,
    streams: Vec<Stream>,
}

/// One stream.
struct Stream {
    plan: StreamPlan,
    place: Place,
    declared: Option<(u32, SchemaRef)>,
    open: Option<Open>,
    /// Files of this window that are complete.
    files: Vec<StagedFile>,
    /// A file was made in this or an earlier window.
    has_files: bool,
}

/// A file that is being written.
struct Open {
    name: String,
    rows: u64,
    file: Box<dyn Encode>,
}

/// A file that waits for its commit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StagedFile {
    pub(crate) file: DataFile,
    /// Bytes before its first record.
    pub(crate) head: u64,
}

/// What `prepare` says of a stream.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PreparedStream {
    pub(crate) plan: StreamPlan,
    pub(crate) is_aside: bool,
    #[serde(with = "schema_json")]
    pub(crate) schema: SchemaRef,
    pub(crate) files: Vec<StagedFile>,
}

impl FilesWriter {
    pub(crate) fn open(shared: Arc<Shared>, context: Context, request: WriteRequest) -> Result<FilesWriter> {
        let mut guard = shared.run();
        let run = guard.as_mut().ok_or_else(|| Error::bug("a writer before a run has begun"))?;
        let dialect = shared.encoding.dialect();
        let wanted = Wanted { layout: shared.files.layout, ending: &run.ending, dialect: &dialect };
        let mut streams = Vec::with_capacity(request.streams.len());
        for plan in request.streams {
            let claim = TableClaim { pipeline: &request.pipeline, epoch: request.epoch, plan: &plan };
            let place = open::claim(&*run.store, run.log.state(), claim, &wanted)
                .map_err(|error| error.stream(&plan.stream))?;
            let has_files = place.has_files;
            streams.push(Stream { plan, place, declared: None, open: None, files: Vec::new(), has_files });
        }
        run.writers += 1;
        let prefix = format!("{:06}-{:06}", request.epoch, run.writers);
        let (store, folder) = (run.store.clone(), open::stage_folder(&run.notes));
        drop(guard);
        Ok(FilesWriter { shared, context, store, folder, prefix, next_file: 0, streams })
    }

    fn stream(&mut self, stream: u32) -> Result<&mut Stream> {
        let found = self.streams.get_mut(stream as usize);
        found.ok_or_else(|| Error::bug(format!("there is no stream {stream} in the request")))
    }

    /// Opens a file for a stream that has none open.
    fn open_file(&mut self, at: usize) -> Result<()> {
        let stream = &mut self.streams[at];
        let Some((_, schema)) = &stream.declared else {
            return Err(Error::bug("a file for a stream that was not declared"));
        };
        self.next_file += 1;
        let ending = self.shared.encoding.ending();
        let name = format!("{}/{}-{:06}.{ending}{STAGED}", self.folder, self.prefix, self.next_file);
        let staged = self.store.stage(&name)?;
        let grows = self.shared.files.layout == Layout::File;
        let file = self.shared.encoding.open(&stream.plan.stream, schema, staged, grows)?;
        stream.open = Some(Open { name, rows: 0, file });
        stream.has_files = true;
        Ok(())
    }
}

/// Files of one table have columns of one type each: readers take the type of one file for that of all.
fn check_columns(known: &SchemaRef, schema: &SchemaRef, table: &str) -> Result<()> {
    for field in schema.fields() {
        let Ok(before) = known.field_with_name(field.name()) else { continue };
        if before.data_type() != field.data_type() {
            let (name, was, is) = (field.name(), before.data_type(), field.data_type());
            return Err(Error::schema(format!(
                "column `{name}` is {is} now, the files of the table `{table}` have it as {was}"
            ))
            .hint("run with `--full-refresh` to write the stream anew"));
        }
    }
    Ok(())
}

/// One file has one header.
fn check_same_columns(known: &SchemaRef, schema: &SchemaRef, table: &str) -> Result<()> {
    let names =
        |schema: &SchemaRef| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let (known, new) = (names(known), names(schema));
    match known == new {
        true => Ok(()),
        false => Err(Error::schema(format!(
            "the file of the table `{table}` has the columns {}, now there are {}",
            listed(&known),
            listed(&new)
        ))
        .hint("run with `--full-refresh` to write the stream anew, or set `layout` to `folder`")),
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", name.escape_debug())).collect::<Vec<_>>().join(", ")
}

impl Stream {
    fn close_file(&mut self) -> Result<()> {
        if let Some(Open { name, rows, file }) = self.open.take() {
            let Ended { bytes, head } = file.finish()?;
            self.files.push(StagedFile { file: DataFile { name, bytes, rows }, head });
        }
        Ok(())
    }
}

impl Writer for FilesWriter {
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()> {
        let shared = self.shared.clone();
        let stream = self.stream(stream)?;
        let named = |error: Error| error.stream(&stream.plan.stream);
        shared.encoding.check(&stream.plan.stream, &schema).map_err(named)?;
        if let Some(known) = &stream.place.schema {
            check_columns(known, &schema, &stream.plan.table).map_err(named)?;
        }
        let known = stream.place.schema.as_ref().or(stream.declared.as_ref().map(|(_, schema)| schema));
        let grows = shared.files.layout == Layout::File && !shared.encoding.takes_other_columns();
        if let (Some(known), true) = (known, grows) {
            check_same_columns(known, &schema, &stream.plan.table).map_err(named)?;
        }
        // Another shape is another file.
        stream.close_file()?;
        stream.declared = Some((version, schema));
        Ok(())
    }

    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()> {
        if self.context.is_cancelled() {
            return Err(Error::cancelled("the run was told to stop"));
        }
        let at = stream as usize;
        let is_declared =
            self.stream(stream)?.declared.as_ref().is_some_and(|(declared, _)| *declared == version);
        if !is_declared {
            return Err(Error::bug(format!(
                "a batch of stream {stream} has version {version}, which was not declared"
            )));
        }
        let records = batch.into_records()?;
        let Files { max_rows, max_bytes, .. } = self.shared.files;
        // Bytes are looked at now and then.
        let most = max_bytes.map_or(usize::MAX, |_| LOOK_ROWS);
        let mut first = 0;
        while first < records.num_rows() {
            if self.streams[at].open.is_none() {
                self.open_file(at)?;
            }
            let stream = &mut self.streams[at];
            let Some(open) = &mut stream.open else { break };
            let room = max_rows.map_or(usize::MAX, |max| (max.get() - open.rows) as usize);
            let rows = (records.num_rows() - first).min(room).min(most);
            let written = open.file.write(&records.slice(first, rows));
            written.map_err(|error| error.stream(&stream.plan.stream))?;
            open.rows += rows as u64;
            first += rows;
            let is_full = max_rows.is_some_and(|max| open.rows >= max.get())
                || max_bytes.is_some_and(|max| open.file.bytes() >= max.get());
            if is_full {
                stream.close_file()?;
            }
        }
        Ok(())
    }

    fn prepare(&mut self, _window: u64) -> Result<Prepared> {
        for at in 0..self.streams.len() {
            // A table without rows has its columns all the same.
            if self.streams[at].declared.is_some() && !self.streams[at].has_files {
                self.open_file(at)?;
            }
            self.streams[at].close_file()?;
        }
        let mut rows = 0;
        let mut prepared = Vec::new();
        for stream in &mut self.streams {
            let Some((_, schema)) = &stream.declared else { continue };
            let files = std::mem::take(&mut stream.files);
            rows += files.iter().map(|staged| staged.file.rows).sum::<u64>();
            prepared.push(PreparedStream {
                plan: stream.plan.clone(),
                is_aside: stream.place.is_aside,
                schema: schema.clone(),
                files,
            });
        }
        if prepared.iter().any(|stream| !stream.files.is_empty()) {
            self.store.sync_folder(&self.folder)?;
        }
        let message = serde_json::to_value(&prepared)
            .map_err(|error| Error::bug(format!("a prepared window is no JSON: {error}")))?;
        Ok(Prepared { rows, message })
    }
}

impl Drop for FilesWriter {
    fn drop(&mut self) {
        // What was not committed; what stays is removed by the next run.
        for stream in &mut self.streams {
            let open = stream.open.take().map(|open| open.name);
            for name in stream.files.drain(..).map(|staged| staged.file.name).chain(open) {
                let _ = self.store.remove(&name);
            }
        }
    }
}
