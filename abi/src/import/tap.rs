//! A library's tap as `Box<dyn Tap>`.

use arrow::datatypes::SchemaRef;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::array::{check_structure, check_values, malformed};
use super::host::{ErrorSink, ctx_ptr, strange};
use super::plugin::{Library, call, from_json, to_json};
use super::shape::Shape;
use super::{Validation, schema};
use crate::raw::{
    ArrowArray, ArrowSchema, Buf, RawMessage, ReaderObject, Status, Str, TapObject, TapV1, msg,
};
use crate::{
    Batch, Catalog, ConnectorConfig, Context, Error, MAX_BOOKMARK_BYTES, Message, Next, Partition,
    ReadRequest, Reader, Result, Selection, Tap,
};

struct Opened {
    table: &'static TapV1,
    object: *mut TapObject,
    library: Arc<Library>,
    _context: Context,
}

// SAFETY: dstream.h, "Threads": a const self may be called from several threads at once; close comes last, once.
unsafe impl Send for Opened {}
// SAFETY: as above.
unsafe impl Sync for Opened {}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(close) = self.table.close {
            // SAFETY: dstream.h, "close": once, after every reader of it is closed: they hold an Arc of this.
            unsafe { close(self.object) };
        }
    }
}

/// A tap across the border.
pub(crate) struct ImportedTap(Arc<Opened>);

pub(crate) fn open(
    library: &Arc<Library>,
    table: &'static TapV1,
    context: Context,
    config: &ConnectorConfig,
) -> Result<Box<dyn Tap>> {
    let open = call(table.open, library, "open")?;
    let config = to_json(config)?;
    let config = Str::new(&config);
    let (mut object, mut sink) = (std::ptr::null_mut(), ErrorSink::default());
    // SAFETY: dstream.h, "ds_tap_v1.open": every pointer is valid during the call, the context until close.
    let status = unsafe { open(ctx_ptr(&context)?, &config, &mut object, sink.as_ptr()) };
    sink.done(status, &library.name, "open")?;
    if object.is_null() {
        return Err(Error::bug(format!("`open` of plugin `{}` gave no tap", library.name)));
    }
    Ok(Box::new(ImportedTap(Arc::new(Opened { table, object, library: library.clone(), _context: context }))))
}

impl Tap for ImportedTap {
    fn check(&self) -> Result<()> {
        let check = call(self.0.table.check, &self.0.library, "check")?;
        let mut sink = ErrorSink::default();
        // SAFETY: dstream.h, "check": the tap is open.
        let status = unsafe { check(self.0.object, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "check")
    }

    fn discover(&self) -> Result<Catalog> {
        let discover = call(self.0.table.discover, &self.0.library, "discover")?;
        let (mut catalog, mut sink) = (Buf::EMPTY, ErrorSink::default());
        // SAFETY: dstream.h, "discover": the tap is open, out is empty and writable.
        let status = unsafe { discover(self.0.object, &mut catalog, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "discover")?;
        from_json(&catalog, &self.0.library, "catalog")
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        let plan = call(self.0.table.plan, &self.0.library, "plan")?;
        let selection = to_json(selection)?;
        let selection = Str::new(&selection);
        let (mut partitions, mut sink) = (Buf::EMPTY, ErrorSink::default());
        // SAFETY: dstream.h, "plan": the tap is open, out is empty and writable.
        let status = unsafe { plan(self.0.object, &selection, &mut partitions, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "plan")?;
        from_json(&partitions, &self.0.library, "plan")
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let open_reader = call(self.0.table.open_reader, &self.0.library, "open_reader")?;
        let json = to_json(&request)?;
        let json = Str::new(&json);
        let (mut object, mut sink) = (std::ptr::null_mut(), ErrorSink::default());
        // SAFETY: dstream.h, "open_reader": the tap is open, the context is valid until close_reader.
        let status =
            unsafe { open_reader(self.0.object, ctx_ptr(&context)?, &json, &mut object, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "open_reader")?;
        if object.is_null() {
            return Err(Error::bug(format!(
                "`open_reader` of plugin `{}` gave no reader",
                self.0.library.name
            )));
        }
        Ok(Box::new(ImportedReader {
            object,
            tap: self.0.clone(),
            _context: context,
            streams: request.partition.streams,
            schemas: HashMap::new(),
            failed: false,
        }))
    }
}

struct Known {
    schema: SchemaRef,
    shape: Shape,
}

struct ImportedReader {
    object: *mut ReaderObject,
    tap: Arc<Opened>,
    _context: Context,
    streams: Vec<String>,
    schemas: HashMap<u32, (u32, Known)>,
    failed: bool,
}

// SAFETY: dstream.h, "Threads": one call at a time per reader, not always from the same thread.
unsafe impl Send for ImportedReader {}

impl Drop for ImportedReader {
    fn drop(&mut self) {
        if let Some(close_reader) = self.tap.table.close_reader {
            // SAFETY: dstream.h, "close_reader": once.
            unsafe { close_reader(self.object) };
        }
    }
}

impl Reader for ImportedReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        if self.failed {
            return Err(Error::bug("a reader was asked again after an error"));
        }
        let outcome = self.next_message(timeout);
        self.failed = outcome.is_err();
        outcome
    }
}

impl ImportedReader {
    fn next_message(&mut self, timeout: Duration) -> Result<Next> {
        let library = &self.tap.library;
        let next = call(self.tap.table.next, library, "next")?;
        let mut message = RawMessage {
            struct_size: size_of::<RawMessage>() as u32,
            kind: 0,
            flags: 0,
            stream: 0,
            schema_version: 0,
            reserved: 0,
            source_bytes: 0,
            array: ArrowArray::empty(),
            schema: ArrowSchema::empty(),
            bookmark: Buf::EMPTY,
            buffer_bytes: std::ptr::null(),
            n_buffer_bytes: 0,
        };
        let mut sink = ErrorSink::default();
        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        // SAFETY: dstream.h, "next": the reader is open, this is the only call on it, out is a zeroed message.
        let status = unsafe { next(self.object, timeout_ms, &mut message, sink.as_ptr()) };
        match sink.outcome(status, &library.name, "next")? {
            Status::OK => self.take(message),
            Status::PENDING => Ok(Next::Pending),
            Status::END => Ok(Next::End),
            other => Err(strange(other, &library.name, "next")),
        }
    }

    fn take(&mut self, message: RawMessage) -> Result<Next> {
        let (stream, version) = (message.stream, message.schema_version);
        let about_stream = matches!(message.kind, msg::SCHEMA | msg::BATCH | msg::STREAM_END);
        if about_stream && stream as usize >= self.streams.len() {
            return Err(Error::bug(format!("a message names stream {stream} of {}", self.streams.len())));
        }
        Ok(Next::Message(match message.kind {
            msg::SCHEMA => {
                let known = self.schemas.get(&stream).map_or(0, |(version, _)| *version);
                if version != known + 1 {
                    return Err(self
                        .named(stream, Error::bug(format!("schema version {version} comes after {known}"))));
                }
                let schema = schema::import(message.schema).map_err(|error| self.named(stream, error))?;
                let shape = Shape::of_schema(&schema);
                self.schemas.insert(stream, (version, Known { schema: schema.clone(), shape }));
                Message::Schema { stream, version, schema }
            }
            msg::BATCH => {
                let batch = self.take_batch(
                    stream,
                    version,
                    message.array,
                    message.buffer_bytes,
                    message.n_buffer_bytes,
                );
                let source_bytes = message.source_bytes;
                let batch = batch.map_err(|error| self.named(stream, error))?;
                Message::Batch { stream, version, batch, source_bytes }
            }
            msg::CHECKPOINT => Message::Checkpoint { bookmark: take_bookmark(&message.bookmark)? },
            msg::STREAM_END => Message::StreamEnd { stream },
            _ if message.flags & msg::IGNORABLE != 0 => return Ok(Next::Pending),
            unknown => {
                return Err(Error::unsupported(format!(
                    "a message of kind {unknown}, which this host does not know"
                )));
            }
        }))
    }

    fn named(&self, stream: u32, error: Error) -> Error {
        match error.stream_name() {
            None => error.stream(&self.streams[stream as usize]),
            Some(_) => error,
        }
    }

    fn take_batch(
        &self,
        stream: u32,
        version: u32,
        mut array: ArrowArray,
        sizes: *const i64,
        n_sizes: usize,
    ) -> Result<Batch> {
        let known = match self.schemas.get(&stream) {
            Some((announced, known)) if *announced == version => known,
            _ => return Err(Error::bug(format!("a batch of schema version {version} before that schema"))),
        };
        if array.is_released() {
            return Err(malformed("the array is released already"));
        }
        if sizes.is_null() || n_sizes > 1 << 24 {
            return Err(Error::bug("a batch comes without the sizes of its buffers"));
        }
        // SAFETY: dstream.h, "buffer_bytes": n_buffer_bytes numbers, borrowed until the next call on the reader.
        let sizes = unsafe { std::slice::from_raw_parts(sizes, n_sizes) };
        let bytes = check_structure(&array, &known.shape, sizes)?;
        if self.tap.library.validation() == Validation::Full {
            check_values(&mut array, &known.schema)?;
        }
        Ok(Batch::from_raw(array, known.schema.clone(), bytes))
    }
}

fn take_bookmark(bookmark: &Buf) -> Result<crate::Bookmark> {
    if bookmark.len > MAX_BOOKMARK_BYTES {
        let what = format!("a bookmark of {} bytes: {MAX_BOOKMARK_BYTES} are allowed", bookmark.len);
        return Err(Error::bug(what));
    }
    // SAFETY: dstream.h, "ds_buf": len bytes at ptr, valid until released.
    let text = unsafe { Str { ptr: bookmark.ptr, len: bookmark.len }.bytes() };
    let text = text.ok_or_else(|| Error::bug("a checkpoint without a bookmark"))?;
    serde_json::from_slice(text).map_err(|error| Error::bug(format!("a bookmark is not JSON: {error}")))
}
