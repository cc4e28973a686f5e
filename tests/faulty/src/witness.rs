//! A target that tells where the buffers are that it is given: as C sees them, and once arrow-rs has opened the batch.

use arrow::array::{Array, ArrayData};
use arrow::datatypes::SchemaRef;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::PathBuf;

use dstream_abi::export::target_table;
use dstream_abi::raw::{Err, RawArray, Status, TargetV1, WriterObject};
use dstream_abi::{
    Batch, Begun, Commit, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Prepared, Result, Target,
    WriteRequest, Writer,
};

/// What the target on the safe traits is, but for `write`.
static OPENED: TargetV1 = target_table::<Witness>();

pub(crate) static TABLE: TargetV1 = TargetV1 { write: Some(write), ..target_table::<Witness>() };

thread_local! {
    /// The addresses of the batch that this thread hands to the writer.
    static GIVEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn write(
    writer: *mut WriterObject,
    stream: u32,
    version: u32,
    array: *mut RawArray,
    err: *mut Err,
) -> Status {
    let mut given = Vec::new();
    // SAFETY: dstream.h, "write": array points to one array, which is the target's now.
    unsafe { collect_raw(&*array, &mut given) };
    GIVEN.set(given);
    let Some(open) = OPENED.write else { return Status::BUG };
    // SAFETY: the host's own call, handed on.
    unsafe { open(writer, stream, version, array, err) }
}

/// Depth first: buffers, children, dictionary.
///
/// # Safety
/// `array` and everything in it is as the C Data Interface wants it.
unsafe fn collect_raw(array: &RawArray, addresses: &mut Vec<usize>) {
    for at in 0..array.n_buffers as usize {
        // SAFETY: the caller's promise: n_buffers pointers.
        addresses.push(unsafe { array.buffers.add(at).read() }.addr());
    }
    for at in 0..array.n_children as usize {
        // SAFETY: the caller's promise: n_children pointers.
        let child = unsafe { array.children.add(at).read() };
        // SAFETY: the caller's promise: each is an array.
        unsafe { collect_raw(&*child, addresses) };
    }
    // SAFETY: the caller's promise: null or an array.
    if let Some(values) = unsafe { array.dictionary.as_ref() } {
        // SAFETY: as above.
        unsafe { collect_raw(values, addresses) };
    }
}

/// Those that hold something; arrow-rs points empty ones to nowhere.
fn collect_opened(data: &ArrayData, ranges: &mut Vec<Value>) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(nulls).filter(|buffer| !buffer.is_empty()) {
        ranges.push(json!([buffer.as_ptr().addr(), buffer.len()]));
    }
    data.child_data().iter().for_each(|child| collect_opened(child, ranges));
}

struct Witness {
    folder: PathBuf,
}

impl OpenTarget for Witness {
    fn open(_: Context, config: ConnectorConfig) -> Result<Witness> {
        let folder = config.options["addresses"]
            .as_str()
            .ok_or_else(|| Error::config("`addresses` names no folder").hint("name one in `options`"))?;
        Ok(Witness { folder: folder.into() })
    }
}

impl Target for Witness {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn begin(&self, _: &Pipeline) -> Result<Begun> {
        Ok(Begun { epoch: 1, ..Begun::default() })
    }

    fn open_writer(&self, _: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        let file = self.folder.join(format!("{}.json", request.partition));
        Ok(Box::new(WitnessWriter { file, seen: Vec::new(), rows: 0 }))
    }

    fn commit(&self, _: &Commit) -> Result<()> {
        Ok(())
    }
}

struct WitnessWriter {
    file: PathBuf,
    seen: Vec<Value>,
    rows: u64,
}

impl Writer for WitnessWriter {
    fn declare(&mut self, _: u32, _: u32, _: SchemaRef) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _: u32, _: u32, batch: Batch) -> Result<()> {
        let records = batch.into_records()?;
        let mut opened = Vec::new();
        records.columns().iter().for_each(|column| collect_opened(&column.to_data(), &mut opened));
        self.seen.push(json!({ "given": GIVEN.take(), "opened": opened }));
        self.rows += records.num_rows() as u64;
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Prepared> {
        let told = json!(self.seen).to_string();
        std::fs::write(&self.file, told).map_err(|error| {
            Error::resource(format!("`{}` cannot be written: {error}", self.file.display()))
        })?;
        Ok(Prepared { rows: std::mem::take(&mut self.rows), message: Value::Null })
    }
}
