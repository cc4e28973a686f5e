//! MB/s of Singer messages and of the Arrow form, out and in, on one thread.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use arrow::array::*;
use dstream_abi::*;
use dstream_core::arrows::{ArrowsReader, ArrowsTarget};
use dstream_core::singer::{BatchLimits, Incoming, SingerReader, SingerTarget, Source};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ROWS: usize = 200_000;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn columns(kind: &str) -> RecordBatch {
    let ids = Int64Array::from_iter_values((0..ROWS as i64).map(|id| id * 7919));
    let floats = Float64Array::from_iter_values((0..ROWS).map(|id| id as f64 / 7.0));
    let texts =
        StringArray::from_iter_values((0..ROWS).map(|id| format!("customer number {id} of the shop")));
    let times = TimestampMicrosecondArray::from_iter_values(
        (0..ROWS as i64).map(|id| 1_700_000_000_000_000 + id * 1_000_003),
    );
    let decimals = Decimal128Array::from_iter_values((0..ROWS as i128).map(|id| id * 12_345))
        .with_precision_and_scale(20, 2)
        .unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(ids)),
        ("ratio", Arc::new(floats)),
        ("name", Arc::new(texts)),
        ("created_at", Arc::new(times.with_timezone("UTC"))),
        ("total", Arc::new(decimals)),
    ];
    RecordBatch::try_from_iter(columns.into_iter().filter(|(name, _)| kind == "mixed" || kind == *name))
        .unwrap()
}

fn write(target: &dyn Target, batch: &RecordBatch) {
    let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).unwrap();
    let plan = StreamPlan {
        stream: "s".into(),
        table: "s".into(),
        write_mode: WriteMode::Append,
        write_mode_is_explicit: false,
        key_properties: vec![],
        replication_method: ReplicationMethod::FullTable,
        generation: 1,
        resumed: false,
    };
    let request = WriteRequest {
        pipeline: "p".into(),
        epoch: begun.epoch,
        partition: "s".into(),
        streams: vec![plan],
        buffer_bytes: 1 << 20,
    };
    let mut writer = target.open_writer(Context::detached(Arc::default()), request).unwrap();
    writer.declare(0, 1, batch.schema()).unwrap();
    for start in (0..ROWS).step_by(20_000) {
        writer.write(0, 1, batch.slice(start, 20_000).into()).unwrap();
    }
    writer.prepare(1).unwrap();
}

fn read(source: &mut dyn Source) -> usize {
    let mut rows = 0;
    loop {
        match source.next(Duration::from_secs(1)).unwrap() {
            Incoming::Records { records, .. } => rows += records.num_rows(),
            Incoming::End => return rows,
            _ => {}
        }
    }
}

fn best(bytes: usize, mut run: impl FnMut()) -> String {
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    format!("{:6.0} MB/s", bytes as f64 / 1e6 / best.as_secs_f64())
}

fn main() {
    for kind in ["mixed", "id", "ratio", "name", "created_at", "total"] {
        let batch = columns(kind);
        let singer = Sink::default();
        write(&SingerTarget::new(singer.clone()), &batch);
        let text = singer.0.lock().unwrap().clone();
        let singer_out = best(text.len(), || {
            singer.0.lock().unwrap().clear();
            write(&SingerTarget::new(singer.clone()), &batch);
        });
        let singer_in = best(text.len(), || {
            let mut reader =
                SingerReader::new(io::Cursor::new(text.clone()), BatchLimits::default()).unwrap();
            assert_eq!(read(&mut reader), ROWS);
        });
        let arrows = Sink::default();
        let arrows_out = |sink: &Sink| {
            let target = ArrowsTarget::new(sink.clone());
            write(&target, &batch);
            target.finish().unwrap();
        };
        arrows_out(&arrows);
        let bytes = arrows.0.lock().unwrap().clone();
        let out = best(bytes.len(), || {
            arrows.0.lock().unwrap().clear();
            arrows_out(&arrows);
        });
        let input = best(bytes.len(), || {
            let mut reader = ArrowsReader::new(io::Cursor::new(bytes.clone())).unwrap();
            assert_eq!(read(&mut reader), ROWS);
        });
        println!("{kind:10}  singer out {singer_out}  in {singer_in}   arrows out {out}  in {input}");
    }
}
