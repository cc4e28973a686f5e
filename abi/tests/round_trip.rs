//! In process, through the C tables of both sides: what the target is given is what the tap had, and no buffer moved.

#![allow(clippy::unwrap_used)] // a test may

mod echo;

use arrow::array::*;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use dstream_abi::*;
use std::sync::Arc;
use std::time::Duration;

/// One column of every layout of Arrow.
fn every_layout() -> RecordBatch {
    let strings = StringArray::from(vec![Some("a"), None, Some("ccc")]);
    let ints = Int64Array::from(vec![Some(1), Some(2), None]);
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0i32, 1, 1, 3]));
    let list = ListArray::new(item(DataType::Int64), offsets.clone(), Arc::new(ints.clone()), None);
    let large = LargeListArray::new(
        item(DataType::Utf8),
        OffsetBuffer::new(ScalarBuffer::from(vec![0i64, 1, 1, 3])),
        Arc::new(strings.clone()),
        Some(NullBuffer::from(vec![true, false, true])),
    );
    let fixed = FixedSizeListArray::new(
        item(DataType::Int32),
        2,
        Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5, 6])),
        None,
    );
    let view = ListViewArray::new(
        item(DataType::Int64),
        ScalarBuffer::from(vec![0i32, 1, 0]),
        ScalarBuffer::from(vec![1i32, 2, 3]),
        Arc::new(ints.clone()),
        None,
    );
    let structs = StructArray::from(vec![
        (Arc::new(Field::new("x", DataType::Int64, true)), Arc::new(ints.clone()) as ArrayRef),
        (Arc::new(Field::new("y", DataType::Utf8, true)), Arc::new(strings.clone()) as ArrayRef),
    ]);
    let dictionary: DictionaryArray<Int32Type> = vec![Some("red"), None, Some("red")].into_iter().collect();
    let keys = Arc::new(StringArray::from(vec!["k1", "k2", "k3"]));
    let entries = StructArray::from(vec![
        (Arc::new(Field::new("keys", DataType::Utf8, false)), keys as ArrayRef),
        (Arc::new(Field::new("values", DataType::Int64, true)), Arc::new(ints.clone()) as ArrayRef),
    ]);
    let entry = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    let map = MapArray::new(entry, offsets, entries, None, false);
    let union_fields = UnionFields::try_new(
        vec![0, 1],
        vec![Field::new("i", DataType::Int64, true), Field::new("s", DataType::Utf8, true)],
    )
    .unwrap();
    let children = vec![Arc::new(ints.clone()) as ArrayRef, Arc::new(strings.clone()) as ArrayRef];
    let type_ids = ScalarBuffer::from(vec![0i8, 1, 0]);
    let sparse = UnionArray::try_new(union_fields.clone(), type_ids.clone(), None, children.clone()).unwrap();
    let dense =
        UnionArray::try_new(union_fields, type_ids, Some(ScalarBuffer::from(vec![0i32, 2, 1])), children)
            .unwrap();
    let runs =
        RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec!["r", "s"]))
            .unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("null", Arc::new(NullArray::new(3))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("int64", Arc::new(ints)),
        ("float64", Arc::new(Float64Array::from(vec![1.5, f64::NAN, -0.0]))),
        (
            "decimal128",
            Arc::new(Decimal128Array::from(vec![1, -2, 3]).with_precision_and_scale(38, 4).unwrap()),
        ),
        ("decimal256", Arc::new(Decimal256Array::from(vec![Some(i256::from(7)), None, Some(i256::MAX)]))),
        ("timestamp", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("UTC"))),
        ("interval", Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 3); 3]))),
        ("utf8", Arc::new(strings)),
        ("large_binary", Arc::new(LargeBinaryArray::from(vec![Some(&b"x"[..]), None, Some(b"zz")]))),
        ("fixed_binary", Arc::new(FixedSizeBinaryArray::try_from(vec![&b"ab"[..], b"cd", b"ef"]).unwrap())),
        (
            "utf8_view",
            Arc::new(StringViewArray::from(vec![Some("short"), None, Some("longer than twelve bytes")])),
        ),
        ("list", Arc::new(list)),
        ("large_list", Arc::new(large)),
        ("list_view", Arc::new(view)),
        ("fixed_list", Arc::new(fixed)),
        ("struct", Arc::new(structs)),
        ("dictionary", Arc::new(dictionary)),
        ("map", Arc::new(map)),
        ("sparse_union", Arc::new(sparse)),
        ("dense_union", Arc::new(dense)),
        ("run_end", Arc::new(runs)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// The address of every buffer, depth first.
fn addresses(data: &ArrayData, out: &mut Vec<usize>) {
    let real = |buffer: &Buffer| (!buffer.is_empty()).then(|| buffer.as_ptr() as usize);
    out.extend(data.nulls().and_then(|nulls| real(nulls.buffer())));
    out.extend(data.buffers().iter().filter_map(real));
    data.child_data().iter().for_each(|child| addresses(child, out));
}

fn addresses_of(records: &RecordBatch) -> Vec<usize> {
    let mut out = Vec::new();
    records.columns().iter().for_each(|column| addresses(&column.to_data(), &mut out));
    out
}

/// Moves what was given under `name` from the tap to the target, as the engine does.
fn pump(name: &str, validation: import::Validation) -> Result<Vec<Bookmark>> {
    let plugin = echo::plugin_with(validation);
    let tap = plugin.tap("echo", echo::context(), &echo::config(name, None))?;
    let target = plugin.target("echo", echo::context(), &echo::config(name, None))?;
    let mut reader = tap.open_reader(echo::context(), echo::read_request())?;
    let mut writer = target.open_writer(echo::context(), echo::write_request())?;
    drop(tap);
    let mut bookmarks = Vec::new();
    loop {
        match reader.next(Duration::from_secs(1))? {
            Next::Message(Message::Schema { stream, version, schema }) => {
                writer.declare(stream, version, schema)?
            }
            Next::Message(Message::Batch { stream, version, batch, source_bytes }) => {
                assert_eq!(source_bytes, 5);
                assert!(batch.bytes() > 0 || batch.rows() == 0);
                writer.write(stream, version, batch)?;
            }
            Next::Message(Message::Checkpoint { bookmark }) => bookmarks.push(bookmark),
            Next::Message(Message::StreamEnd { .. }) | Next::Pending => {}
            Next::End => return Ok(bookmarks),
        }
    }
}

#[test]
fn every_layout_crosses_both_borders_with_its_buffers_in_place() {
    for validation in [import::Validation::Structural, import::Validation::Full] {
        let name = format!("layouts {validation:?}");
        let records = every_layout();
        let before = addresses_of(&records);
        // Miri takes a quarter of a minute for each.
        let batches = if cfg!(miri) { 1 } else { 2 };
        echo::give(&name, vec![records.clone(); batches]);
        let bookmarks = pump(&name, validation).unwrap();
        let taken = echo::taken(&name);
        assert_eq!(taken, vec![records; batches]);
        assert_eq!(addresses_of(&taken[0]), before);
        let all: Vec<_> = (1..=batches).map(|at| serde_json::json!({ "batches": at })).collect();
        assert_eq!(bookmarks, all);
    }
}

#[test]
fn slices_cross_as_the_records_they_show() {
    for validation in [import::Validation::Structural, import::Validation::Full] {
        let name = format!("slices {validation:?}");
        let whole = every_layout();
        let mut slices: Vec<_> = (0..4).flat_map(|at| (0..=3 - at).map(move |rows| (at, rows))).collect();
        if cfg!(miri) {
            // The rest takes minutes and shows Miri nothing new.
            slices = vec![(1, 2), (3, 0)];
        }
        let batches: Vec<_> = slices.iter().map(|(at, n)| whole.slice(*at, *n)).collect();
        echo::give(&name, batches.clone());
        pump(&name, validation).unwrap();
        assert_eq!(echo::taken(&name), batches);
    }
}

#[test]
fn a_batch_outlives_its_reader_and_its_tap() {
    let records = every_layout();
    echo::give("outlives", vec![records.clone()]);
    let tap = echo::plugin().tap("echo", echo::context(), &echo::config("outlives", None)).unwrap();
    let mut reader = tap.open_reader(echo::context(), echo::read_request()).unwrap();
    let batch = loop {
        if let Next::Message(Message::Batch { batch, .. }) = reader.next(Duration::ZERO).unwrap() {
            break batch;
        }
    };
    drop(reader);
    drop(tap);
    let batch = std::thread::spawn(move || batch.into_records().unwrap()).join().unwrap();
    assert_eq!(batch, records);
}

#[test]
fn a_guard_lives_until_the_last_buffer_is_released() {
    struct Flag(Arc<std::sync::atomic::AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let batch = Batch::from(every_layout()).with_guard(Flag(dropped.clone()));
    let records = batch.into_records().unwrap();
    let one = records.column(2).slice(1, 1);
    drop(records);
    assert!(!dropped.load(std::sync::atomic::Ordering::SeqCst), "a slice still holds the buffers");
    drop(one);
    assert!(dropped.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn documents_cross_as_they_are() {
    echo::give("documents", vec![every_layout()]);
    let plugin = echo::plugin();
    let tap = plugin.tap("echo", echo::context(), &echo::config("documents", None)).unwrap();
    tap.check().unwrap();
    let catalog = tap.discover().unwrap();
    assert_eq!(catalog.streams[0].schema, every_layout().schema());
    let target = plugin.target("echo", echo::context(), &echo::config("documents", None)).unwrap();
    let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).unwrap();
    assert_eq!((begun.epoch, begun.records[0].sequence), (3, 2));
    assert_eq!(begun.window, Some(WindowWish { rows: 7, bytes: 8, seconds: 9 }));
    let mut writer = target.open_writer(echo::context(), echo::write_request()).unwrap();
    assert_eq!(writer.prepare(9).unwrap().message, 9);
    assert_eq!(plugin.manifest().id, "dstream-abi-tests");
    assert!(plugin.tap("nothing", echo::context(), &echo::config("x", None)).is_err());
}

#[test]
fn cancelling_the_context_of_the_host_is_seen_across_the_border() {
    let flag = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let context = Context::detached(flag.clone());
    let target = echo::plugin().target("echo", context, &echo::config("cancel", None)).unwrap();
    target.commit(&Commit::default()).unwrap();
    flag.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(target.commit(&Commit::default()).unwrap_err().kind(), ErrorKind::Cancelled);
}
