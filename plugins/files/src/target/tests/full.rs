//! What is said where files cannot be written.

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use std::io::{self, ErrorKind as Io, Write};
use std::sync::Arc;

use dstream_sdk::{ErrorKind, Result};

use super::world::Kind;
use crate::store::{Local, Staged};
use crate::testing::{Folder, context};

/// A disk without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(Io::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Full {
    fn bytes(&self) -> u64 {
        0
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_full_disk_asks_for_room_in_every_form() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    for kind in Kind::all() {
        let (encoding, _) = kind.made();
        let written = encoding.open("n", &batch.schema(), Box::new(Full), false).and_then(|mut file| {
            file.write(&batch)?;
            file.finish()
        });
        let error = written.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resource, "{kind:?}: {error}");
    }
}

#[test]
fn a_place_where_no_folder_can_be_is_the_users_matter() {
    let folder = Folder::with("taken", "");
    let error = Local::open(context(), &folder.path("taken")).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("taken`"), "{error}");
}
