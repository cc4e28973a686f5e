//! What a reader hands out: messages out of order, of unknown kinds, about streams that are not there.

use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::ErrorKind::{self, Bug, Data, Unsupported};
use dstream_abi::raw::{ArrowArray, ArrowSchema, Buf, RawArray, RawMessage, RawSchema, msg};
use dstream_abi::*;
use std::sync::Arc;
use std::time::Duration;

use crate::crude::{self, Step, counted, released};
use crate::given::{batch, checkpoint, records, schema};
use crate::says;

/// Nulls of the batch, nulls of the column, three numbers.
const SIZES: &[i64] = &[0, 0, 12];

/// Reads all of it, up to the first error.
fn read(steps: Vec<Step>) -> Result<Vec<Next>> {
    let mut reader = crude::reader(steps);
    let mut all = Vec::new();
    loop {
        match reader.next(Duration::ZERO)? {
            Next::End => return Ok(all),
            other => all.push(other),
        }
    }
}

fn first() -> Step {
    schema(records().schema(), 0, 1)
}

fn changed(step: Step, change: impl FnOnce(&mut RawMessage) + 'static) -> Step {
    Box::new(move |out| {
        step(out);
        change(out);
    })
}

#[test]
fn messages_in_order_arrive() {
    let all = vec![
        first(),
        batch(records(), 0, 1, SIZES),
        schema(records().schema(), 0, 2),
        batch(records(), 0, 2, SIZES),
        schema(records().schema(), 1, 1),
        checkpoint(|| counted("{\"at\": 7}")),
        Box::new(|out| (out.kind, out.stream) = (msg::STREAM_END, 1)),
    ];
    assert_eq!(read(all).unwrap().len(), 7);
}

#[test]
fn a_kind_that_is_not_known_is_skipped_only_where_that_is_allowed() {
    for kind in [0, 5, 99, u32::MAX] {
        let words = format!("a message of kind {kind}, which this host does not know");
        says(read(vec![Box::new(move |out| out.kind = kind)]), Unsupported, &words);
        // Its stream may be none, and what it carries is released.
        released();
        let step: Step = Box::new(move |out| {
            (out.kind, out.stream, out.flags) = (kind, u32::MAX, msg::IGNORABLE);
            (out.bookmark, out.array) = (counted("no JSON"), ArrowArray::empty());
        });
        assert!(matches!(read(vec![step]).unwrap()[..], [Next::Pending]), "{kind}");
        assert_eq!(released(), 1, "{kind}");
    }
}

#[test]
fn a_stream_that_the_partition_does_not_have_is_named() {
    for stream in [2, u32::MAX] {
        let words = format!("a message names stream {stream} of 2");
        says(read(vec![schema(records().schema(), stream, 1)]), Bug, &words);
        says(read(vec![first(), batch(records(), stream, 1, SIZES)]), Bug, &words);
        let end = move |out: &mut RawMessage| (out.kind, out.stream) = (msg::STREAM_END, stream);
        says(read(vec![Box::new(end)]), Bug, &words);
    }
}

#[test]
fn versions_of_a_schema_rise_by_one_from_one() {
    for version in [0, 2, u32::MAX] {
        let words = format!("schema version {version} comes after 0");
        let error = says(read(vec![schema(records().schema(), 1, version)]), Bug, &words);
        assert_eq!(error.stream_name(), Some("b"));
    }
    for version in [0, 1, 3, u32::MAX] {
        let words = format!("schema version {version} comes after 1");
        says(read(vec![first(), schema(records().schema(), 0, version)]), Bug, &words);
    }
}

#[test]
fn a_batch_comes_after_its_schema() {
    let words = "a batch of schema version 1 before that schema";
    let error = says(read(vec![batch(records(), 1, 1, SIZES)]), Bug, words);
    assert_eq!(error.stream_name(), Some("b"));
    says(read(vec![first(), batch(records(), 1, 1, SIZES)]), Bug, words);
    says(read(vec![first(), batch(records(), 0, 2, SIZES)]), Bug, "a batch of schema version 2 before");
    let second = schema(records().schema(), 0, 2);
    says(read(vec![first(), second, batch(records(), 0, 1, SIZES)]), Bug, words);
}

/// The schema of the message as `change` leaves it. What it was before is kept, for its maker would look for everything
/// where it had been.
fn with_schema(change: impl FnOnce(&mut RawSchema) + 'static) -> Step {
    changed(first(), move |out| {
        let whole = crude::keep(std::mem::replace(&mut out.schema, ArrowSchema::empty()));
        // SAFETY: RawSchema mirrors ArrowSchema (asserted where it is defined).
        let mut schema = unsafe { std::ptr::from_ref(whole).cast::<RawSchema>().read() };
        schema.release = Some(forget_schema);
        change(&mut schema);
        // SAFETY: as above; what is there is empty.
        unsafe { std::ptr::from_mut(&mut out.schema).cast::<RawSchema>().write(schema) };
    })
}

#[test]
fn a_schema_that_is_not_there_or_cannot_be_read_is_named() {
    type Change = fn(&mut RawSchema);
    let cases: [(Change, &str); 8] = [
        (|schema| schema.release = None, "a schema is released already"),
        (|schema| schema.format = std::ptr::null(), "a schema has no format"),
        (|schema| schema.format = c"\xff".as_ptr(), "the format of a schema is not UTF-8"),
        (|schema| schema.format = c"+x".as_ptr(), "a schema cannot be read"),
        (|schema| schema.name = c"\xfe".as_ptr(), "the name of a schema is not UTF-8"),
        (|schema| schema.children = std::ptr::null_mut(), "a schema has no pointer to its children"),
        (|schema| schema.n_children = -1, "a schema claims -1 children"),
        (|schema| schema.n_children = i64::MAX, "a schema claims 9223372036854775807 children"),
    ];
    for (change, words) in cases {
        let error = says(read(vec![with_schema(change)]), ErrorKind::Schema, words);
        assert_eq!(error.stream_name(), Some("a"));
    }
    for entries in [-1, i32::MIN, i32::MAX] {
        let broken = with_schema(move |schema| {
            schema.metadata = std::ptr::from_ref(crude::keep(entries)).cast();
        });
        let words = format!("a schema claims {entries} entries of metadata");
        says(read(vec![broken]), ErrorKind::Schema, &words);
    }
}

unsafe extern "C" fn forget_schema(schema: *mut RawSchema) {
    // SAFETY: called with the schema itself; what is in it is left.
    unsafe { (*schema).release = None };
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let field = || Field::new("c", DataType::Int32, true);
    let twice = Arc::new(Schema::new(vec![field(), field()]));
    says(read(vec![schema(twice, 0, 1)]), ErrorKind::Schema, "column `c` stands twice in the schema");
}

#[test]
fn a_batch_without_honest_sizes_is_refused() {
    let cases: [(&'static [i64], ErrorKind, &str); 5] = [
        (&[], Data, "buffer_bytes has fewer entries than the batch has buffers"),
        (&[0, 0], Data, "buffer_bytes has fewer entries than the batch has buffers"),
        (&[0, 0, 12, 0], Data, "buffer_bytes has more entries than the batch has buffers"),
        (&[0, 0, -1], Data, "buffer_bytes holds -1"),
        (&[0, 0, 11], Data, "column `c`: buffer 1 has 11 bytes, 12 are needed"),
    ];
    for (sizes, kind, words) in cases {
        let error = says(read(vec![first(), batch(records(), 0, 1, sizes)]), kind, words);
        assert_eq!(error.stream_name(), Some("a"));
    }
    let missing = changed(batch(records(), 0, 1, SIZES), |out| out.buffer_bytes = std::ptr::null());
    says(read(vec![first(), missing]), Bug, "a batch comes without the sizes of its buffers");
    let endless = changed(batch(records(), 0, 1, SIZES), |out| out.n_buffer_bytes = usize::MAX);
    says(read(vec![first(), endless]), Bug, "a batch comes without the sizes of its buffers");
}

#[test]
fn a_batch_with_other_columns_than_declared_is_refused() {
    let wider = || {
        let column = records().column(0).clone();
        arrow::array::RecordBatch::try_from_iter([("c", column.clone()), ("d", column)]).unwrap()
    };
    let more = batch(wider(), 0, 1, &[0, 0, 12, 0, 12]);
    says(read(vec![first(), more]), Data, "a batch is malformed: 2 children instead of 1");
    let fewer = vec![schema(wider().schema(), 0, 1), batch(records(), 0, 1, SIZES)];
    says(read(fewer), Data, "a batch is malformed: 1 children instead of 2");
    let released = changed(batch(records(), 0, 1, SIZES), |out| out.array = ArrowArray::empty());
    says(read(vec![first(), released]), Data, "a batch is malformed: the array is released already");
    let orphan = changed(batch(records(), 0, 1, SIZES), |out| {
        // SAFETY: RawArray mirrors ArrowArray (asserted where it is defined).
        let array = unsafe { &mut *std::ptr::from_mut(&mut out.array).cast::<RawArray>() };
        array.length = -3;
    });
    says(read(vec![first(), orphan]), Data, "a batch is malformed: length -3 at offset 0");
}

#[test]
fn a_bookmark_that_is_no_json_or_too_large_is_refused() {
    let large = || counted(&format!("\"{}\"", "b".repeat(MAX_BOOKMARK_BYTES - 1)));
    says(read(vec![checkpoint(large)]), Bug, "a bookmark of 33554433 bytes: 33554432 are allowed");
    let endless = || Buf { ptr: std::ptr::dangling(), len: usize::MAX, ..Buf::EMPTY };
    says(read(vec![checkpoint(endless)]), Bug, &format!("a bookmark of {} bytes", usize::MAX));
    says(read(vec![checkpoint(|| Buf::EMPTY)]), Bug, "a checkpoint without a bookmark");
    let null = || Buf { len: 9, ..Buf::EMPTY };
    says(read(vec![checkpoint(null)]), Bug, "a checkpoint without a bookmark");
    for text in ["", "{ no JSON", "1 2", "nul"] {
        says(read(vec![checkpoint(move || counted(text))]), Bug, "a bookmark is not JSON: ");
    }
    let garbled = || Buf { ptr: b"\"\xff\"".as_ptr(), len: 3, ..Buf::EMPTY };
    says(read(vec![checkpoint(garbled)]), Bug, "a bookmark is not JSON: ");
    let deep = || counted(&format!("{}{}", "[".repeat(30_000), "]".repeat(30_000)));
    says(read(vec![checkpoint(deep)]), Bug, "a bookmark is not JSON: ");
    // Miri would read the longest one for hours.
    let longest = if cfg!(miri) { 64 << 10 } else { MAX_BOOKMARK_BYTES };
    let fits = move || counted(&format!("\"{}\"", "b".repeat(longest - 2)));
    assert_eq!(read(vec![checkpoint(fits)]).unwrap().len(), 1);
}
