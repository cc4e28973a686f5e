//! The tap of the README compiles, runs, and is the vendor's crate.

#[allow(unreachable_pub, reason = "it is the root of a crate there")]
#[path = "../../examples/vendor-crate/src/lib.rs"]
mod folder;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use dstream_sdk::{
    Context, Message, Next, OpenTap, Partition, ReadRequest, ReplicationMethod, SelectedStream, Tap,
};
use serde_json::{Value, json};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

fn open(path: &std::path::Path, options: Value) -> dstream_sdk::Result<folder::FolderTap> {
    let config = json!({"name": "f", "type": "folder", "connection": {"path": path}, "options": options});
    folder::FolderTap::open(
        Context::detached(Arc::default()),
        serde_json::from_value(config).expect("a config"),
    )
}

fn context() -> Context {
    Context::detached(Arc::default())
}

#[test]
fn the_readme_shows_the_vendors_crate() {
    let (readme, tap) =
        (include_str!("../README.md"), include_str!("../../examples/vendor-crate/src/lib.rs"));
    let start = readme.find("```rust,ignore\n").unwrap() + "```rust,ignore\n".len();
    let end = start + readme[start..].find("```").unwrap();
    assert!(readme[start..end] == *tap, "copy examples/vendor-crate/src/lib.rs into sdk/README.md");
}

#[test]
fn the_tap_of_the_readme_lists_a_folder() {
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("a.csv"), "four").unwrap();
    std::fs::write(files.path().join("b.txt"), "").unwrap();
    std::fs::create_dir(files.path().join("c.csv")).unwrap();
    let tap = open(files.path(), json!({"extension": "csv"})).unwrap();
    tap.check().unwrap();

    let stream = tap.discover().unwrap().streams.remove(0);
    let request = ReadRequest {
        partition: Partition::whole("files"),
        streams: vec![SelectedStream {
            upserted: false,
            name: stream.name,
            schema: stream.schema,
            key_properties: stream.key_properties,
            replication_method: ReplicationMethod::FullTable,
            replication_key: None,
        }],
        bookmark: None,
        max_batch_rows: NonZeroUsize::new(100).unwrap(),
        max_batch_bytes: NonZeroU64::new(1 << 20).unwrap(),
    };
    let mut reader = tap.open_reader(context(), request).unwrap();
    assert!(matches!(reader.next(Duration::MAX / 4).unwrap(), Next::Message(Message::Schema { .. })));
    let Next::Message(Message::Batch { batch, .. }) = reader.next(Duration::from_secs(60)).unwrap() else {
        panic!()
    };
    let records = batch.into_records().unwrap();
    assert_eq!(records.column(0).as_string::<i32>().value(0), "a.csv");
    assert_eq!(records.column(1).as_primitive::<UInt64Type>().values(), &[4]);
}

#[test]
fn the_tap_of_the_readme_names_a_folder_that_is_not_there() {
    let nowhere = open(std::path::Path::new("no/such/folder"), Value::Null).unwrap();
    let error = nowhere.check().unwrap_err();
    assert!(error.to_string().starts_with("reading the folder `no/such/folder`: "), "{error}");
    let misspelt = open(std::path::Path::new("."), json!({"extention": "csv"})).unwrap_err();
    assert_eq!(
        misspelt.to_string(),
        "`options.extention` is not known here, the nearest known key is `extension`"
    );
}
