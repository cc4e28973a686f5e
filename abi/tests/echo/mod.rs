//! A plugin inside of the test: its tap hands out batches that the test left for it, its target keeps what it is given.
//! Both are reached through the C tables alone, so the whole border can run under Miri.
#![allow(dead_code, unreachable_pub)] // each test uses a part

pub mod callbacks;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dstream_abi::import::{Plugin, Validation};
use dstream_abi::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// What the taps hand out and what the targets were given, by the `name` of the config.
static GIVEN: LazyLock<Mutex<HashMap<String, Vec<RecordBatch>>>> = LazyLock::new(Mutex::default);
static TAKEN: LazyLock<Mutex<HashMap<String, Vec<RecordBatch>>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The hook of the library that panics on this thread.
    static PANIC_IN_HOOK: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on `start` or `stop` panics on this thread.
pub fn panic_in_hook(hook: Option<&str>) {
    PANIC_IN_HOOK.set(hook.map(str::to_owned));
}

fn start() {
    let _ = PANIC_IN_HOOK.with_borrow(|hook| step(hook, "start"));
}

fn stop(_: Duration) {
    let _ = PANIC_IN_HOOK.with_borrow(|hook| step(hook, "stop"));
}

pub fn give(name: &str, batches: Vec<RecordBatch>) {
    GIVEN.lock().unwrap().insert(name.to_owned(), batches);
}

pub fn taken(name: &str) -> Vec<RecordBatch> {
    TAKEN.lock().unwrap().remove(name).unwrap_or_default()
}

pub struct Echo {
    name: String,
    panic_in: Option<String>,
    context: Context,
}

impl Echo {
    fn new(context: Context, config: ConnectorConfig) -> Result<Echo> {
        let panic_in = config.options["panic_in"].as_str().map(str::to_owned);
        let echo = Echo { name: config.name, panic_in, context };
        echo.step("open")?;
        Ok(echo)
    }

    fn step(&self, call: &str) -> Result<()> {
        step(&self.panic_in, call)
    }
}

fn step(panic_in: &Option<String>, call: &str) -> Result<()> {
    match panic_in {
        Some(wanted) if wanted == call => panic!("asked to panic in {call}"),
        Some(wanted) if wanted.strip_prefix("error in ") == Some(call) => {
            Err(Error::data(format!("asked to fail in {call}")).stream("s").hint("do not ask").vendor_code(7))
        }
        _ => Ok(()),
    }
}

impl OpenTap for Echo {
    fn open(context: Context, config: ConnectorConfig) -> Result<Echo> {
        Echo::new(context, config)
    }
}

impl OpenTarget for Echo {
    fn open(context: Context, config: ConnectorConfig) -> Result<Echo> {
        Echo::new(context, config)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.step("close");
    }
}

impl Tap for Echo {
    fn check(&self) -> Result<()> {
        self.step("check")
    }

    fn discover(&self) -> Result<Catalog> {
        self.step("discover")?;
        let batches = GIVEN.lock().unwrap().get(&self.name).cloned().unwrap_or_default();
        let streams = batches.first().map(|batch| StreamInfo {
            name: "s".into(),
            schema: batch.schema(),
            key_properties: vec![],
            replication_methods: vec![ReplicationMethod::FullTable],
            replication_keys: vec![],
            row_count: None,
            description: None,
        });
        Ok(Catalog { streams: streams.into_iter().collect() })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        self.step("plan")?;
        Ok(selection.streams.iter().map(|stream| Partition::whole(&stream.name)).collect())
    }

    fn open_reader(&self, _: Context, _: ReadRequest) -> Result<Box<dyn Reader>> {
        self.step("open_reader")?;
        let batches = GIVEN.lock().unwrap().remove(&self.name).unwrap_or_default();
        let schema = batches.first().map(RecordBatch::schema);
        Ok(Box::new(EchoReader {
            schema,
            batches: batches.into_iter().enumerate(),
            checkpoint: None,
            panic_in: self.panic_in.clone(),
        }))
    }
}

struct EchoReader {
    schema: Option<SchemaRef>,
    batches: std::iter::Enumerate<std::vec::IntoIter<RecordBatch>>,
    checkpoint: Option<usize>,
    panic_in: Option<String>,
}

impl Reader for EchoReader {
    fn next(&mut self, _: Duration) -> Result<Next> {
        step(&self.panic_in, "next")?;
        if let Some(schema) = self.schema.take() {
            return Ok(Message::Schema { stream: 0, version: 1, schema }.into());
        }
        if let Some(done) = self.checkpoint.take() {
            return Ok(Message::Checkpoint { bookmark: serde_json::json!({ "batches": done }) }.into());
        }
        Ok(match self.batches.next() {
            Some((at, records)) => {
                self.checkpoint = Some(at + 1);
                Message::Batch { stream: 0, version: 1, batch: records.into(), source_bytes: 5 }.into()
            }
            None => Next::End,
        })
    }
}

impl Drop for EchoReader {
    fn drop(&mut self) {
        let _ = step(&self.panic_in, "close_reader");
    }
}

impl Target for Echo {
    fn check(&self) -> Result<()> {
        self.step("check")
    }

    fn begin(&self, _: &Pipeline) -> Result<Begun> {
        self.step("begin")?;
        Ok(Begun {
            epoch: 3,
            records: vec![CommitRecord { key: "k".into(), sequence: 2, value: "v".into() }],
            window: Some(WindowWish { rows: 7, bytes: 8, seconds: 9 }),
        })
    }

    fn open_writer(&self, _: Context, _: WriteRequest) -> Result<Box<dyn Writer>> {
        self.step("open_writer")?;
        Ok(Box::new(EchoWriter { name: self.name.clone(), rows: 0, panic_in: self.panic_in.clone() }))
    }

    fn commit(&self, _: &Commit) -> Result<()> {
        self.step("commit")?;
        match self.context.is_cancelled() {
            true => Err(Error::cancelled("the run is to stop")),
            false => Ok(()),
        }
    }
}

struct EchoWriter {
    name: String,
    rows: u64,
    panic_in: Option<String>,
}

impl Writer for EchoWriter {
    fn declare(&mut self, _: u32, _: u32, _: SchemaRef) -> Result<()> {
        step(&self.panic_in, "declare")
    }

    fn write(&mut self, _: u32, _: u32, batch: Batch) -> Result<()> {
        step(&self.panic_in, "write")?;
        self.rows += batch.rows() as u64;
        TAKEN.lock().unwrap().entry(self.name.clone()).or_default().push(batch.into_records()?);
        Ok(())
    }

    fn prepare(&mut self, window: u64) -> Result<Prepared> {
        step(&self.panic_in, "prepare")?;
        Ok(Prepared { rows: std::mem::take(&mut self.rows), message: window.into() })
    }
}

impl Drop for EchoWriter {
    fn drop(&mut self) {
        let _ = step(&self.panic_in, "close_writer");
    }
}

dstream_abi::export! {
    manifest: "../manifest.json",
    start: start,
    stop: stop,
    connectors: { "echo" => tap: Echo, target: Echo }
}

unsafe extern "C" {
    #[allow(clashing_extern_declarations)]
    fn dstream_plugin_v1(
        host: *const raw::HostV1,
        out: *mut *const raw::PluginV1,
        err: *mut raw::Err,
    ) -> raw::Status;
}

/// The entry of the library.
pub fn entry() -> raw::EntryV1 {
    dstream_plugin_v1
}

fn enter() -> Plugin {
    // SAFETY: the function of this very program, which stays mapped.
    unsafe { Plugin::enter(dstream_plugin_v1, "echo") }.unwrap()
}

/// The library, entered once: comparing layouts takes Miri ten seconds.
pub fn plugin() -> &'static Plugin {
    static PLUGIN: LazyLock<Plugin> = LazyLock::new(enter);
    &PLUGIN
}

/// The library, looked at in this way.
pub fn plugin_with(validation: Validation) -> &'static Plugin {
    static FULL: LazyLock<Plugin> = LazyLock::new(|| {
        let plugin = enter();
        plugin.set_validation(Validation::Full);
        plugin
    });
    match validation {
        // What a library of the Rust SDK is without being told.
        Validation::Structural => plugin(),
        Validation::Full => &FULL,
    }
}

pub fn config(name: &str, panic_in: Option<&str>) -> ConnectorConfig {
    ConnectorConfig {
        name: name.to_owned(),
        type_name: "echo".to_owned(),
        connection: serde_json::Value::Null,
        auth: serde_json::Value::Null,
        options: serde_json::json!({ "panic_in": panic_in }),
        batch_size: None,
    }
}

pub fn context() -> Context {
    Context::detached(Arc::new(AtomicBool::new(false)))
}

pub fn read_request() -> ReadRequest {
    ReadRequest {
        partition: Partition::whole("s"),
        streams: vec![],
        bookmark: None,
        max_batch_rows: NonZeroUsize::new(1000).unwrap(),
        max_batch_bytes: NonZeroU64::new(1 << 20).unwrap(),
    }
}

pub fn write_request() -> WriteRequest {
    WriteRequest {
        pipeline: "p".into(),
        epoch: 3,
        partition: "s".into(),
        streams: vec![],
        buffer_bytes: 1 << 20,
    }
}
