//! A tap and a target on the safe traits that panic in the callback that `panic_in` names.

use arrow::array::{Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;
use std::time::Duration;

use dstream_abi::{
    Batch, Begun, Catalog, Commit, ConnectorConfig, Context, Message, Next, OpenTap, OpenTarget, Partition,
    Pipeline, Prepared, ReadRequest, Reader, ReplicationMethod, Result, Selection, StreamInfo, Tap, Target,
    WriteRequest, Writer,
};

#[derive(Clone)]
struct Fuse {
    call: String,
    payload: String,
}

/// A payload that is worse than the panic that carries it.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload of a panic panics");
    }
}

impl Fuse {
    fn new(config: &ConnectorConfig) -> Fuse {
        let text = |key: &str| config.options[key].as_str().unwrap_or_default().to_owned();
        Fuse { call: text("panic_in"), payload: text("payload") }
    }

    fn burn(&self, call: &str) {
        if self.call != call {
            return;
        }
        match &*self.payload {
            "number" => std::panic::panic_any(42_u64),
            "bomb" => std::panic::panic_any(Bomb),
            _ => panic!("asked to panic in {call}"),
        }
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("c", DataType::Int32, true)]))
}

/// The tap.
pub(crate) struct PanickyTap(Fuse);

impl OpenTap for PanickyTap {
    fn open(_: Context, config: ConnectorConfig) -> Result<PanickyTap> {
        let fuse = Fuse::new(&config);
        fuse.burn("open");
        Ok(PanickyTap(fuse))
    }
}

impl Drop for PanickyTap {
    fn drop(&mut self) {
        self.0.burn("close");
    }
}

impl Tap for PanickyTap {
    fn check(&self) -> Result<()> {
        self.0.burn("check");
        Ok(())
    }

    fn discover(&self) -> Result<Catalog> {
        self.0.burn("discover");
        let numbers = StreamInfo {
            name: "numbers".into(),
            schema: schema(),
            key_properties: vec![],
            replication_methods: vec![ReplicationMethod::FullTable],
            replication_keys: vec![],
            row_count: Some(4),
            description: None,
        };
        Ok(Catalog { streams: vec![numbers] })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        self.0.burn("plan");
        Ok(selection.streams.iter().map(|stream| Partition::whole(&stream.name)).collect())
    }

    fn open_reader(&self, _: Context, _: ReadRequest) -> Result<Box<dyn Reader>> {
        self.0.burn("open_reader");
        Ok(Box::new(PanickyReader(self.0.clone(), 0)))
    }
}

struct PanickyReader(Fuse, u32);

impl Drop for PanickyReader {
    fn drop(&mut self) {
        self.0.burn("close_reader");
    }
}

impl Reader for PanickyReader {
    fn next(&mut self, _: Duration) -> Result<Next> {
        self.0.burn("next");
        self.1 += 1;
        Ok(match self.1 {
            1 => Message::Schema { stream: 0, version: 1, schema: schema() }.into(),
            2 => {
                let column = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
                let batch = RecordBatch::try_new(schema(), vec![column])?.into();
                Message::Batch { stream: 0, version: 1, batch, source_bytes: 0 }.into()
            }
            3 => Message::StreamEnd { stream: 0 }.into(),
            _ => Next::End,
        })
    }
}

/// The target.
pub(crate) struct PanickyTarget(Fuse);

impl OpenTarget for PanickyTarget {
    fn open(_: Context, config: ConnectorConfig) -> Result<PanickyTarget> {
        let fuse = Fuse::new(&config);
        fuse.burn("open");
        Ok(PanickyTarget(fuse))
    }
}

impl Drop for PanickyTarget {
    fn drop(&mut self) {
        self.0.burn("close");
    }
}

impl Target for PanickyTarget {
    fn check(&self) -> Result<()> {
        self.0.burn("check");
        Ok(())
    }

    fn begin(&self, _: &Pipeline) -> Result<Begun> {
        self.0.burn("begin");
        Ok(Begun { epoch: 1, ..Begun::default() })
    }

    fn open_writer(&self, _: Context, _: WriteRequest) -> Result<Box<dyn Writer>> {
        self.0.burn("open_writer");
        Ok(Box::new(PanickyWriter(self.0.clone(), 0)))
    }

    fn commit(&self, _: &Commit) -> Result<()> {
        self.0.burn("commit");
        Ok(())
    }
}

struct PanickyWriter(Fuse, u64);

impl Drop for PanickyWriter {
    fn drop(&mut self) {
        self.0.burn("close_writer");
    }
}

impl Writer for PanickyWriter {
    fn declare(&mut self, _: u32, _: u32, _: SchemaRef) -> Result<()> {
        self.0.burn("declare");
        Ok(())
    }

    fn write(&mut self, _: u32, _: u32, batch: Batch) -> Result<()> {
        self.0.burn("write");
        self.1 += batch.rows() as u64;
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Prepared> {
        self.0.burn("prepare");
        Ok(Prepared { rows: std::mem::take(&mut self.1), message: serde_json::Value::Null })
    }
}
