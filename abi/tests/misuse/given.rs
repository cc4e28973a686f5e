//! What host and library are given: config, requests, records, messages.

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StructArray};
use arrow::datatypes::SchemaRef;
use dstream_abi::raw::*;
use dstream_abi::*;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::crude::Step;

pub(crate) fn context() -> Context {
    Context::detached(Arc::new(AtomicBool::new(false)))
}

pub(crate) fn config() -> ConnectorConfig {
    serde_json::from_value(serde_json::json!({ "name": "crude", "type": "crude" })).unwrap()
}

pub(crate) fn read_request() -> ReadRequest {
    ReadRequest {
        partition: Partition {
            id: "p".into(),
            streams: vec!["a".into(), "b".into()],
            data: Default::default(),
        },
        streams: vec![],
        bookmark: None,
        max_batch_rows: NonZeroUsize::MIN,
        max_batch_bytes: NonZeroU64::MIN,
    }
}

pub(crate) fn write_request() -> WriteRequest {
    let (pipeline, partition) = ("p".into(), "p".into());
    WriteRequest { pipeline, epoch: 1, partition, streams: vec![], buffer_bytes: 0 }
}

/// Three numbers.
pub(crate) fn records() -> RecordBatch {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    RecordBatch::try_from_iter([("c", column)]).unwrap()
}

pub(crate) fn schema(schema: SchemaRef, stream: u32, version: u32) -> Step {
    Box::new(move |out| {
        (out.kind, out.stream, out.schema_version) = (msg::SCHEMA, stream, version);
        out.schema = ArrowSchema::try_from(schema.as_ref()).unwrap();
    })
}

/// A batch with the sizes of its buffers.
pub(crate) fn batch(records: RecordBatch, stream: u32, version: u32, sizes: &'static [i64]) -> Step {
    Box::new(move |out| {
        (out.kind, out.stream, out.schema_version) = (msg::BATCH, stream, version);
        out.array = ArrowArray::new(&StructArray::from(records).into());
        (out.buffer_bytes, out.n_buffer_bytes) = (sizes.as_ptr(), sizes.len());
    })
}

pub(crate) fn checkpoint(bookmark: impl FnOnce() -> Buf + 'static) -> Step {
    Box::new(move |out| (out.kind, out.bookmark) = (msg::CHECKPOINT, bookmark()))
}
