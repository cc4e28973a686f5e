//! A library's target as `Box<dyn Target>`.

use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use super::host::{ErrorSink, ctx_ptr};
use super::plugin::{Library, call, from_json, to_json};
use crate::raw::{ArrowSchema, Buf, Str, TargetObject, TargetV1, WriterObject};
use crate::{
    Batch, Begun, Commit, ConnectorConfig, Context, Error, Pipeline, Prepared, Result, Target, WriteRequest,
    Writer,
};

struct Opened {
    table: &'static TargetV1,
    object: *mut TargetObject,
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
            // SAFETY: dstream.h, "close": once, after every writer of it is closed: they hold an Arc of this.
            unsafe { close(self.object) };
        }
    }
}

/// A target across the border.
pub(crate) struct ImportedTarget(Arc<Opened>);

pub(crate) fn open(
    library: &Arc<Library>,
    table: &'static TargetV1,
    context: Context,
    config: &ConnectorConfig,
) -> Result<Box<dyn Target>> {
    let open = call(table.open, library, "open")?;
    let config = to_json(config)?;
    let config = Str::new(&config);
    let (mut object, mut sink) = (std::ptr::null_mut(), ErrorSink::default());
    // SAFETY: dstream.h, "ds_target_v1.open": every pointer is valid during the call, the context until close.
    let status = unsafe { open(ctx_ptr(&context)?, &config, &mut object, sink.as_ptr()) };
    sink.done(status, &library.name, "open")?;
    if object.is_null() {
        return Err(Error::bug(format!("`open` of plugin `{}` gave no target", library.name)));
    }
    let opened = Opened { table, object, library: library.clone(), _context: context };
    Ok(Box::new(ImportedTarget(Arc::new(opened))))
}

impl Target for ImportedTarget {
    fn check(&self) -> Result<()> {
        let check = call(self.0.table.check, &self.0.library, "check")?;
        let mut sink = ErrorSink::default();
        // SAFETY: dstream.h, "check": the target is open.
        let status = unsafe { check(self.0.object, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "check")
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
        let begin = call(self.0.table.begin, &self.0.library, "begin")?;
        let pipeline = to_json(pipeline)?;
        let pipeline = Str::new(&pipeline);
        let (mut begun, mut sink) = (Buf::EMPTY, ErrorSink::default());
        // SAFETY: dstream.h, "begin": the target is open, out is empty and writable.
        let status = unsafe { begin(self.0.object, &pipeline, &mut begun, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "begin")?;
        from_json(&begun, &self.0.library, "answer to begin")
    }

    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        let open_writer = call(self.0.table.open_writer, &self.0.library, "open_writer")?;
        let json = to_json(&request)?;
        let json = Str::new(&json);
        let (mut object, mut sink) = (std::ptr::null_mut(), ErrorSink::default());
        // SAFETY: dstream.h, "open_writer": the target is open, the context is valid until close_writer.
        let status =
            unsafe { open_writer(self.0.object, ctx_ptr(&context)?, &json, &mut object, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "open_writer")?;
        if object.is_null() {
            return Err(Error::bug(format!(
                "`open_writer` of plugin `{}` gave no writer",
                self.0.library.name
            )));
        }
        let target = self.0.clone();
        Ok(Box::new(ImportedWriter { object, target, _context: context, sizes: Vec::new(), failed: false }))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let commit_fn = call(self.0.table.commit, &self.0.library, "commit")?;
        let commit = to_json(commit)?;
        let commit = Str::new(&commit);
        let mut sink = ErrorSink::default();
        // SAFETY: dstream.h, "commit": the target is open.
        let status = unsafe { commit_fn(self.0.object, &commit, sink.as_ptr()) };
        sink.done(status, &self.0.library.name, "commit")
    }
}

struct ImportedWriter {
    object: *mut WriterObject,
    target: Arc<Opened>,
    _context: Context,
    sizes: Vec<i64>,
    failed: bool,
}

// SAFETY: dstream.h, "Threads": one call at a time per writer, not always from the same thread.
unsafe impl Send for ImportedWriter {}

impl Drop for ImportedWriter {
    fn drop(&mut self) {
        if let Some(close_writer) = self.target.table.close_writer {
            // SAFETY: dstream.h, "close_writer": once.
            unsafe { close_writer(self.object) };
        }
    }
}

impl ImportedWriter {
    fn checked<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.failed {
            return Err(Error::bug("a writer was called again after an error"));
        }
        let outcome = f(self);
        self.failed = outcome.is_err();
        outcome
    }
}

impl Writer for ImportedWriter {
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()> {
        self.checked(|writer| {
            let library = &writer.target.library;
            let declare = call(writer.target.table.declare, library, "declare")?;
            let schema = ArrowSchema::try_from(schema.as_ref())?;
            let mut sink = ErrorSink::default();
            // SAFETY: dstream.h, "declare": the writer is open, this is the only call on it, schema is borrowed.
            let status = unsafe {
                declare(writer.object, stream, version, std::ptr::from_ref(&schema).cast(), sink.as_ptr())
            };
            sink.done(status, &library.name, "declare")
        })
    }

    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()> {
        self.checked(|writer| {
            let library = &writer.target.library;
            let write = call(writer.target.table.write, library, "write")?;
            let mut array = batch.into_raw(&mut writer.sizes);
            let mut sink = ErrorSink::default();
            // SAFETY: dstream.h, "write": the writer is open, this is the only call on it. What the target does not take
            // is released when `array` is dropped.
            let status = unsafe {
                write(writer.object, stream, version, std::ptr::from_mut(&mut array).cast(), sink.as_ptr())
            };
            sink.done(status, &library.name, "write")
        })
    }

    fn prepare(&mut self, window: u64) -> Result<Prepared> {
        self.checked(|writer| {
            let library = &writer.target.library;
            let prepare = call(writer.target.table.prepare, library, "prepare")?;
            let (mut prepared, mut sink) = (Buf::EMPTY, ErrorSink::default());
            // SAFETY: dstream.h, "prepare": the writer is open, this is the only call on it, out is empty and writable.
            let status = unsafe { prepare(writer.object, window, &mut prepared, sink.as_ptr()) };
            sink.done(status, &library.name, "prepare")?;
            from_json(&prepared, library, "answer to prepare")
        })
    }
}
