//! A pipeline that copies the numbers from 0 on into a folder, ten in a window.

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use object_store::memory::InMemory;
use serde_json::{Value, json};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

use dstream_sdk::{
    Commit, CommitRecord, CommitWindow, ConnectorConfig, Context, Pipeline, ReplicationMethod, Result,
    StreamPlan, Target, WriteMode, WriteRequest, Writer,
};

use crate::csv::{Csv, CsvEncoding};
use crate::ipc::{Ipc, IpcEncoding};
use crate::jsonl::{Jsonl, JsonlEncoding};
use crate::parquet::{Parquet, ParquetEncoding};
use crate::remote::{Address, Bucket};
use crate::store::{Local, Objects, Store};
use crate::tap::Format;
use crate::target::options::{Files, Layout};
use crate::target::{Encoding, FilesTarget, FromConfig};
use crate::testing::{self, Read, context, read};

pub(super) type TestTarget = FilesTarget<()>;

const WINDOW: i64 = 10;

/// How the numbers are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub(super) write_mode: WriteMode,
    pub(super) generation: u64,
    pub(super) is_explicit: bool,
}

pub(super) fn mode(write_mode: WriteMode) -> Mode {
    Mode { write_mode, generation: 1, is_explicit: false }
}

/// A run that has begun.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) run: String,
    pub(super) epoch: u64,
    /// Of the record of the copy that is being made: its sequence, its generation, the next number, whether all is there.
    pub(super) record: (u64, u64, i64, bool),
    window: u64,
}

/// A folder or a bucket, and who writes to it.
#[derive(Clone, Debug)]
pub(super) struct World {
    folder: Arc<TempDir>,
    /// What there is where a bucket is written to.
    memory: Arc<InMemory>,
    pipeline: String,
    table: String,
    kind: Kind,
}

/// What is written: a format, its options and where rows go.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    format: &'static str,
    options: Value,
    in_bucket: bool,
}

impl Kind {
    pub(super) fn new(format: &'static str, options: Value) -> Kind {
        Kind { format, options, in_bucket: false }
    }

    /// Everything that is done in buckets.
    pub(super) fn in_buckets() -> Vec<Kind> {
        let kinds = vec![
            Kind::new("parquet", json!({})),
            Kind::new("csv", json!({"max_file_rows": 3, "compression": "gzip"})),
        ];
        kinds.into_iter().map(|kind| Kind { in_bucket: true, ..kind }).collect()
    }

    pub(super) fn is_in_bucket(&self) -> bool {
        self.in_bucket
    }

    /// One for everything that a target does in a way of its own.
    pub(super) fn all() -> Vec<Kind> {
        vec![
            Kind::new("parquet", json!({})),
            Kind::new("arrow", json!({})),
            Kind::new("csv", json!({"max_file_rows": 3, "compression": "gzip"})),
            Kind::new("csv", json!({"layout": "file", "header": false})),
            Kind::new("csv", json!({"layout": "file", "compression": "zstd"})),
            Kind::new("jsonl", json!({"max_file_bytes": 1})),
            Kind::new("jsonl", json!({"layout": "file"})),
        ]
    }

    pub(super) fn made(&self) -> (Box<dyn Encoding>, Files) {
        fn of<E: Encoding + FromConfig + 'static>(config: &ConnectorConfig) -> (Box<dyn Encoding>, Files) {
            let (encoding, files) = E::from_config(config).unwrap();
            (Box::new(encoding), files)
        }
        let config = json!({
            "name": "n", "type": self.format, "connection": {"path": "unused"}, "options": self.options,
        });
        let config = serde_json::from_value(config).unwrap();
        match self.format {
            "parquet" => of::<ParquetEncoding>(&config),
            "arrow" => of::<IpcEncoding>(&config),
            "csv" => of::<CsvEncoding>(&config),
            _ => of::<JsonlEncoding>(&config),
        }
    }

    pub(super) fn is_one_file(&self) -> bool {
        self.made().1.layout == Layout::File
    }

    pub(super) fn ending(&self) -> String {
        self.made().0.ending()
    }
}

static RUNS: AtomicU64 = AtomicU64::new(0);

impl World {
    pub(super) fn new() -> World {
        World::of(&Kind::new("parquet", json!({})))
    }

    pub(super) fn of(kind: &Kind) -> World {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let memory = Arc::new(InMemory::new());
        World { folder, memory, pipeline: "numbers".into(), table: "numbers".into(), kind: kind.clone() }
    }

    /// The same folder, written to in another way.
    pub(super) fn with(&self, kind: &Kind) -> World {
        World { kind: kind.clone(), ..self.clone() }
    }

    pub(super) fn pipeline(&self, pipeline: &str) -> World {
        World { pipeline: pipeline.into(), ..self.clone() }
    }

    pub(super) fn table(&self, table: &str) -> World {
        World { pipeline: table.into(), table: table.into(), ..self.clone() }
    }

    pub(super) fn above(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    pub(super) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(super) fn target(&self) -> TestTarget {
        self.target_with(|store| store)
    }

    /// A target whose store is wrapped.
    pub(super) fn target_with(
        &self,
        wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static,
    ) -> TestTarget {
        let (folder, bucket) = (self.path(""), self.bucket("out"));
        let in_bucket = self.kind.in_bucket;
        let open = move || -> Result<Arc<dyn Store>> {
            Ok(wrap(match in_bucket {
                true => Arc::new(Objects::new(bucket.clone())?),
                false => Arc::new(Local::open(context(), &folder)?),
            }))
        };
        let (encoding, files) = self.kind.made();
        FilesTarget::new(Box::new(|| Ok(())), Box::new(open), encoding, files)
    }

    /// The bucket, at a key.
    fn bucket(&self, key: &str) -> Arc<Bucket> {
        let address = Address::parse(&format!("s3://bucket/{key}")).unwrap();
        Arc::new(Bucket::of_test(context(), self.memory.clone(), address))
    }

    pub(super) fn begin(&self, target: &TestTarget) -> Result<Running> {
        self.begin_as(target, &format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed)))
    }

    pub(super) fn begin_as(&self, target: &TestTarget, run: &str) -> Result<Running> {
        let begun = target.begin(&Pipeline { pipeline: self.pipeline.clone(), run: run.into() })?;
        let record = begun.records.first().map_or((0, 0, 0, false), |record| {
            let of = |key: &str| record.value[key].clone();
            let (generation, next) = (of("generation").as_u64().unwrap(), of("next").as_i64().unwrap());
            (record.sequence, generation, next, of("complete").as_bool().unwrap())
        });
        Ok(Running { run: run.into(), epoch: begun.epoch, record, window: 0 })
    }

    fn plan(&self, run: &Running, mode: Mode) -> StreamPlan {
        StreamPlan {
            stream: self.table.clone(),
            table: self.table.clone(),
            write_mode: mode.write_mode,
            write_mode_is_explicit: mode.is_explicit,
            key_properties: Vec::new(),
            replication_method: ReplicationMethod::FullTable,
            generation: mode.generation,
            resumed: run.record.0 > 0 && run.record.1 == mode.generation,
        }
    }

    pub(super) fn writer(&self, target: &TestTarget, run: &Running, mode: Mode) -> Result<Box<dyn Writer>> {
        let request = WriteRequest {
            pipeline: self.pipeline.clone(),
            epoch: run.epoch,
            partition: self.table.clone(),
            streams: vec![self.plan(run, mode)],
            buffer_bytes: 1 << 20,
        };
        let mut writer = target.open_writer(Context::detached(Arc::default()), request)?;
        writer.declare(0, 1, schema())?;
        Ok(writer)
    }

    /// Writes and commits these numbers.
    pub(super) fn window(
        &self,
        target: &TestTarget,
        run: &mut Running,
        writer: &mut dyn Writer,
        mode: Mode,
        numbers: Range<i64>,
    ) -> Result<()> {
        let next = numbers.end;
        let window = self.try_prepared(run, writer, numbers)?;
        self.commit(target, run, mode, vec![window], next, false)
    }

    /// A window with these numbers, which is not committed.
    pub(super) fn prepared(
        &self,
        run: &mut Running,
        writer: &mut dyn Writer,
        numbers: Range<i64>,
    ) -> CommitWindow {
        self.try_prepared(run, writer, numbers).unwrap()
    }

    fn try_prepared(
        &self,
        run: &mut Running,
        writer: &mut dyn Writer,
        numbers: Range<i64>,
    ) -> Result<CommitWindow> {
        if !numbers.is_empty() {
            writer.write(0, 1, batch(numbers).into())?;
        }
        run.window += 1;
        let prepared = writer.prepare(run.window)?;
        Ok(CommitWindow { window: run.window, partition: self.table.clone(), prepared })
    }

    pub(super) fn publish(&self, target: &TestTarget, run: &mut Running, mode: Mode) -> Result<()> {
        let next = run.record.2;
        self.commit(target, run, mode, Vec::new(), next, true)
    }

    pub(super) fn commit(
        &self,
        target: &TestTarget,
        run: &mut Running,
        mode: Mode,
        windows: Vec<CommitWindow>,
        next: i64,
        complete: bool,
    ) -> Result<()> {
        let sequence = run.record.0 + 1;
        let value = json!({"generation": mode.generation, "next": next, "complete": complete});
        let records = vec![CommitRecord { key: "numbers".into(), sequence, value }];
        let publish = if complete { vec![self.plan(run, mode)] } else { Vec::new() };
        let (pipeline, epoch) = (self.pipeline.clone(), run.epoch);
        target.commit(&Commit { pipeline, epoch, windows, records, publish })?;
        run.record = (sequence, mode.generation, next, complete);
        Ok(())
    }

    /// Copies what is not there yet of the numbers below `end`.
    pub(super) fn run(&self, mode: Mode, end: i64) -> Result<()> {
        let target = self.target();
        let run = self.begin(&target)?;
        self.finish(&target, run, mode, end)
    }

    /// The rest of a run.
    pub(super) fn finish(&self, target: &TestTarget, mut run: Running, mode: Mode, end: i64) -> Result<()> {
        let is_of_copy = run.record.0 > 0 && run.record.1 == mode.generation;
        if is_of_copy && run.record.3 {
            return Ok(());
        }
        let mut next = if is_of_copy { run.record.2 } else { 0 };
        let mut writer = self.writer(target, &run, mode)?;
        loop {
            let to = end.min(next + WINDOW);
            self.window(target, &mut run, &mut *writer, mode, next..to)?;
            next = to;
            if next == end {
                break;
            }
        }
        match mode.write_mode {
            WriteMode::Overwrite => self.publish(target, &mut run, mode),
            _ => Ok(()),
        }
    }

    /// The names of the files in a folder.
    pub(super) fn files(&self, folder: &str) -> Vec<String> {
        if self.kind.in_bucket {
            let listed = Objects::new(self.bucket("out")).unwrap().list(folder).unwrap();
            return listed.into_iter().map(|file| file.name).collect();
        }
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The entries of the log, in order.
    pub(super) fn log(&self) -> Vec<PathBuf> {
        let notes = self.path(&self.notes()).join("log");
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(notes).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    }

    /// The folder of what the pipeline notes.
    pub(super) fn notes(&self) -> String {
        super::super::names::notes_of(&self.pipeline)
    }

    /// Files that wait for a commit.
    pub(super) fn staged(&self) -> Vec<String> {
        self.files(&format!("{}/stage", self.notes()))
    }

    pub(super) fn ending(&self) -> String {
        self.kind.ending()
    }

    /// The one file of the table, where there is one.
    pub(super) fn one_file(&self) -> PathBuf {
        self.path(&format!("{}.{}", self.table, self.kind.ending()))
    }

    /// The numbers that a reader finds, in order.
    pub(super) fn visible(&self) -> Vec<i64> {
        let files: Vec<PathBuf> = match self.kind.is_one_file() {
            true => self.one_file().exists().then(|| self.one_file()).into_iter().collect(),
            false => {
                let names = self.files(&self.table).into_iter();
                let of_kind = names.filter(|name| name.ends_with(&self.kind.ending()));
                let table = match self.kind.in_bucket {
                    true => Path::new("out").join(&self.table),
                    false => self.path(&self.table),
                };
                of_kind.map(|name| table.join(name)).collect()
            }
        };
        let mut numbers: Vec<i64> = files.into_iter().flat_map(|file| self.numbers_in(file)).collect();
        numbers.sort_unstable();
        numbers
    }

    fn read<F: Format>(&self, file: PathBuf, options: Value) -> Read {
        let tap = match self.kind.in_bucket {
            true => testing::tap_of_bucket::<F>(self.bucket(file.to_str().unwrap()), options),
            false => testing::tap::<F>(file, options),
        };
        read(&tap, None).unwrap()
    }

    fn numbers_in(&self, file: PathBuf) -> Vec<i64> {
        let batches = match self.kind.format {
            // A file of JSON lines without lines has no columns.
            "jsonl" if std::fs::metadata(&file).unwrap().len() == 0 => return Vec::new(),
            "jsonl" => self.read::<Jsonl>(file, json!({"types": {"n": "int64"}})),
            "csv" => {
                let header = self.kind.options.get("header").is_none();
                if !header && !self.kind.in_bucket && std::fs::metadata(&file).unwrap().len() == 0 {
                    return Vec::new();
                }
                let types = json!({if header { "n" } else { "column_1" }: "int64"});
                self.read::<Csv>(file, json!({"types": types, "header": header}))
            }
            "arrow" => self.read::<Ipc>(file, json!({})),
            _ => self.read::<Parquet>(file, json!({})),
        };
        let of_batch = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        batches.batches.iter().flat_map(of_batch).collect()
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn batch(numbers: Range<i64>) -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from_iter_values(numbers))]).unwrap()
}
