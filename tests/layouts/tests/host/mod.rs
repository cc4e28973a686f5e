//! The host's side: two libraries, opened the way `dstreams` opens them, and one sync between them.

use arrow::array::{ArrayData, RecordBatch, make_array};
use arrow::buffer::Buffer;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dstream_abi::import::Validation;
use dstream_abi::*;
use dstream_core::commit::Protocol;
use dstream_core::pipeline::{Interrupt, Limits};
use dstream_core::plugin::{Library, Trust};
use dstream_core::sync::{self, Request, StateSource, StreamStatus};
use dstream_core::tables;

/// Of every stream: what the tap told and what the target saw, batch by batch.
pub(crate) type Seen = Vec<(String, Vec<Value>, Vec<Value>)>;

/// What a tap between the two copies.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Copied {
    Nothing,
    LastBuffer,
    Everything,
}

/// Whether the run ends within a batch.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    None,
    At(u64),
}

/// A copy of the library that only its owner can change, whatever the mask was when it was built; a library of its own,
/// so that no other test shares its settings.
fn library(name: &str, folder: &Path) -> Arc<Library> {
    let file = format!("{}dstream_{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let test = std::env::current_exe().expect("a test has a file");
    let built = test.parent().expect("and a folder").join(&file);
    let copy = folder.join(file);
    std::fs::copy(built, &copy).expect("the library was built");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    }
    Library::open(&copy, Trust::Required).expect("opens")
}

/// Syncs every stream of the tap into the witness.
pub(crate) fn sync(tap: &str, validation: Validation, copied: Copied, cut: Cut) -> Seen {
    let folder = tempfile::tempdir().expect("temp folder");
    let (from, to) = (library("layouts", folder.path()), library("faulty", folder.path()));
    assert_ne!(from.path(), to.path());
    from.plugin().set_validation(validation);
    let folders = ["told", "seen"].map(|name| folder.path().join(name));
    folders.iter().for_each(|folder| std::fs::create_dir(folder).expect("a folder"));
    let context = || Context::detached(Arc::new(AtomicBool::new(false)));
    let config = |type_name: &str, folder: &Path| -> ConnectorConfig {
        let options = json!({ "addresses": folder });
        serde_json::from_value(json!({ "name": type_name, "type": type_name, "options": options }))
            .expect("a config")
    };
    let tap = from.tap(tap, context(), &config(tap, &folders[0])).expect("opens");
    let target = to.target("witness", context(), &config("witness", &folders[1])).expect("opens");
    let streams: Vec<SelectedStream> =
        tap.discover().expect("discovers").streams.into_iter().map(selected).collect();
    let manifest = to.manifest().connectors.iter().find(|one| one.type_name == "witness");
    let manifest = manifest.and_then(|one| one.target.as_ref()).expect("a target");
    let names: Vec<String> = streams.iter().map(|stream| stream.name.clone()).collect();
    let tap: Arc<dyn Tap> =
        if copied == Copied::Nothing { tap.into() } else { Arc::new(Copier(tap, copied)) };
    let request = Request {
        tap,
        target: target.into(),
        transactional: false,
        pipeline: "zero copy".into(),
        lock_identity: None,
        fingerprint: Default::default(),
        tables: tables::plan(&streams, &Default::default(), manifest).expect("tables"),
        streams,
        state: StateSource::None,
        full_refresh: false,
        limits: Limits {
            parallel: NonZeroUsize::new(2).expect("two"),
            rows_per_stream: match cut {
                Cut::None => None,
                Cut::At(rows) => Some(rows),
            },
            ..Limits::default()
        },
        interrupt: Interrupt::default(),
        protocol: Protocol::default(),
    };
    let (outcome, report) = sync::prepare(request).expect("starts").run();
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    for stream in &report.streams {
        let wanted = if cut == Cut::None { StreamStatus::Complete } else { StreamStatus::Limited };
        assert_eq!(stream.status, wanted, "{}: {:?}", stream.stream, stream.error);
    }
    let read = |folder: &Path, name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
        serde_json::from_str(&text).expect("a list of batches")
    };
    let pair = |name: String| {
        let (told, seen) = (read(&folders[0], &name), read(&folders[1], &name));
        (name, told, seen)
    };
    names.into_iter().map(pair).collect()
}

fn selected(stream: StreamInfo) -> SelectedStream {
    SelectedStream {
        upserted: false,
        name: stream.name,
        schema: stream.schema,
        key_properties: vec![],
        replication_method: ReplicationMethod::FullTable,
        replication_key: None,
    }
}

/// Address and bytes of every buffer; `None`: made when the array was exported.
fn buffers(told: &Value) -> Vec<Option<(u64, u64)>> {
    let range = |buffer: &Value| buffer[0].as_u64().zip(buffer[1].as_u64());
    told.as_array().expect("a list of buffers").iter().map(range).collect()
}

/// As C sees it: the same addresses in the same order, null for null. As arrow-rs opens it: within those.
pub(crate) fn compare(told: &Value, seen: &Value) -> Result<(), String> {
    let told_buffers = buffers(told);
    let given: Vec<u64> =
        seen["given"].as_array().expect("addresses").iter().filter_map(Value::as_u64).collect();
    assert_eq!(told_buffers.len(), given.len(), "told {told}, given {given:?}");
    for (at, (told, given)) in told_buffers.iter().zip(&given).enumerate() {
        match told {
            Some((address, _)) if address == given => {}
            Some((address, bytes)) => {
                return Err(format!("buffer {at} of {bytes} bytes was at {address:#x}, is at {given:#x}"));
            }
            None if *given != 0 => {}
            None => return Err(format!("buffer {at} is missing")),
        }
    }
    compare_opened(told, seen)
}

/// Every buffer that is not empty lies within one of the tap's, or is one that was made on export.
pub(crate) fn compare_opened(told: &Value, seen: &Value) -> Result<(), String> {
    let (told, opened) = (buffers(told), buffers(&seen["opened"]));
    let given = seen["given"].as_array().expect("addresses");
    let exported: Vec<u64> = told
        .iter()
        .zip(given)
        .filter_map(|(told, given)| given.as_u64().filter(|_| told.is_none()))
        .collect();
    for (address, bytes) in opened.into_iter().flatten() {
        let is_within = |(start, size): &(u64, u64)| *start <= address && address + bytes <= start + size;
        if !told.iter().flatten().any(is_within) && !exported.contains(&address) {
            return Err(format!("{bytes} bytes at {address:#x} are none of the tap's"));
        }
    }
    Ok(())
}

/// A tap that copies what another hands out: what the engine must never do.
struct Copier(Box<dyn Tap>, Copied);

struct CopyingReader(Box<dyn Reader>, Copied);

impl Tap for Copier {
    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn discover(&self) -> Result<Catalog> {
        self.0.discover()
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        self.0.plan(selection)
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        Ok(Box::new(CopyingReader(self.0.open_reader(context, request)?, self.1)))
    }
}

impl Reader for CopyingReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        Ok(match self.0.next(timeout)? {
            Next::Message(Message::Batch { stream, version, batch, source_bytes }) => {
                let batch = copy(&batch.into_records()?, self.1)?.into();
                Message::Batch { stream, version, batch, source_bytes }.into()
            }
            other => other,
        })
    }
}

fn copy(records: &RecordBatch, copied: Copied) -> Result<RecordBatch> {
    let columns = records.columns().iter().map(|column| make_array(copy_data(&column.to_data(), copied)));
    Ok(RecordBatch::try_new(records.schema(), columns.collect())?)
}

fn copy_data(data: &ArrayData, copied: Copied) -> ArrayData {
    let last = data.buffers().len().saturating_sub(1);
    let of_buffer = |at: usize, buffer: &Buffer| match copied {
        Copied::Everything => Buffer::from(buffer.as_slice()),
        Copied::LastBuffer if at == last => Buffer::from(buffer.as_slice()),
        Copied::LastBuffer | Copied::Nothing => buffer.clone(),
    };
    let buffers = data.buffers().iter().enumerate().map(|(at, buffer)| of_buffer(at, buffer)).collect();
    let children = data.child_data().iter().map(|child| copy_data(child, copied)).collect();
    data.clone().into_builder().buffers(buffers).child_data(children).build().expect("the same array")
}
