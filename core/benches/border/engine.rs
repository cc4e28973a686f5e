//! What the host adds to a batch that nobody looks at: at the border alone, and in a whole run of the pipeline.

use arrow::array::RecordBatch;
use dstream_abi::import::Validation;
use dstream_abi::*;
use dstream_core::commit::Protocol;
use dstream_core::pipeline::{Interrupt, Limits, WindowLimits};
use dstream_core::sync::{self, Request, StateSource, StreamStatus};
use dstream_core::tables;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::measure::{Cost, measure};
use crate::tables::{Supply, config, context, plugin};

/// One thread: `next` with the gate, the guard that counts bytes in flight, `write`, release.
pub(crate) fn border(records: &RecordBatch, validation: Validation) -> Cost {
    let supply = Supply::new(records, None);
    supply.offer();
    let plugin = plugin();
    plugin.set_validation(validation);
    let request = ReadRequest {
        partition: Partition::whole("s"),
        streams: vec![],
        bookmark: None,
        max_batch_rows: NonZeroUsize::MIN,
        max_batch_bytes: NonZeroU64::MIN,
    };
    let mut reader =
        plugin.tap("bench", context(), &config()).unwrap().open_reader(context(), request).unwrap();
    let (pipeline, partition) = ("p".into(), "s".into());
    let request = WriteRequest { pipeline, epoch: 1, partition, streams: vec![], buffer_bytes: 0 };
    let mut writer =
        plugin.target("bench", context(), &config()).unwrap().open_writer(context(), request).unwrap();
    let first = reader.next(Duration::ZERO).unwrap();
    assert!(matches!(first, Next::Message(Message::Schema { .. })));
    let in_flight = Arc::new(());
    let mut batches = 0;
    let cost = measure(|| {
        let Ok(Next::Message(Message::Batch { stream, version, batch, .. })) = reader.next(Duration::ZERO)
        else {
            panic!("the tap of this bench has batches only");
        };
        let batch = batch.with_guard(in_flight.clone());
        writer.write(stream, version, batch).unwrap();
        batches += 1;
    });
    assert_eq!(Arc::strong_count(&in_flight), 1, "every batch was released");
    supply.check(batches);
    cost
}

/// Two threads and everything between them, a bookmark after each batch, from the first message to the last commit: wall
/// time per batch of whole runs.
pub(crate) fn pipeline(records: &RecordBatch, batches: u64) -> Cost {
    Cost::of((0..9).map(|_| {
        let supply = Supply::new(records, Some(batches));
        supply.offer();
        let plugin = plugin();
        let tap = Through(plugin.tap("bench", context(), &config()).unwrap());
        let target = Through(plugin.target("bench", context(), &config()).unwrap());
        let prepared = sync::prepare(request(records, tap, target)).expect("starts");
        let started = Instant::now();
        let (outcome, report) = prepared.run();
        let took = started.elapsed();
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        assert_eq!(report.streams[0].status, StreamStatus::Complete, "{:?}", report.streams[0].error);
        assert_eq!(report.streams[0].committed_rows, batches * records.num_rows() as u64);
        supply.check(batches);
        took.as_nanos() as f64 / batches as f64
    }))
}

fn request(records: &RecordBatch, tap: Through<dyn Tap>, target: Through<dyn Target>) -> Request {
    let streams = vec![SelectedStream {
        upserted: false,
        name: "s".into(),
        schema: records.schema(),
        key_properties: vec![],
        replication_method: ReplicationMethod::FullTable,
        replication_key: None,
    }];
    let manifest = TargetManifest { write_modes: vec![WriteMode::Append], ..TargetManifest::default() };
    Request {
        tap: Arc::new(tap),
        target: Arc::new(target),
        transactional: false,
        pipeline: "bench".into(),
        lock_identity: None,
        fingerprint: Default::default(),
        tables: tables::plan(&streams, &Default::default(), &manifest).unwrap(),
        streams,
        state: StateSource::None,
        full_refresh: false,
        limits: Limits {
            // One window: what is measured is the way of a batch, not that of a commit.
            memory_bytes: 1 << 50,
            window: WindowLimits { bytes: u64::MAX, rows: u64::MAX, duration: Duration::MAX },
            ..Limits::default()
        },
        interrupt: Interrupt::default(),
        protocol: Protocol::default(),
    }
}

/// The tables of the bench with the cold calls answered here.
struct Through<T: ?Sized>(Box<T>);

impl Tap for Through<dyn Tap> {
    fn check(&self) -> Result<()> {
        Ok(())
    }
    fn discover(&self) -> Result<Catalog> {
        Ok(Catalog::default())
    }
    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        Ok(selection.streams.iter().map(|stream| Partition::whole(&stream.name)).collect())
    }
    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        self.0.open_reader(context, request)
    }
}

impl Target for Through<dyn Target> {
    fn check(&self) -> Result<()> {
        Ok(())
    }
    fn begin(&self, _: &Pipeline) -> Result<Begun> {
        Ok(Begun { epoch: 1, ..Begun::default() })
    }
    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        self.0.open_writer(context, request)
    }
    fn commit(&self, _: &Commit) -> Result<()> {
        Ok(())
    }
}
