//! Arrow files that lie, or are cut: an error with the name of the file, never a panic.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::ipc::CompressionType;
use serde_json::json;
use std::sync::Arc;

use dstream_sdk::{Error, ErrorKind, Result};

use super::Ipc;
use super::samples::{every_type, file, ipc, numbers, options, stream};
use crate::tap::FilesTap;
use crate::testing::{Folder, Random, Read, read, tap};

fn error_of(content: impl AsRef<[u8]>) -> Error {
    let folder = Folder::with("a.arrow", content);
    let error = read(&ipc(&folder, "a.arrow"), None).unwrap_err();
    assert!(error.message().contains("a.arrow`"), "{error}");
    error
}

/// A change somewhere may be another value, or an error, and nothing else.
fn read_damaged(content: &[u8]) -> Result<Read> {
    let folder = Folder::with("a.arrow", content);
    let limits = json!({"max_record_batch_bytes": 1 << 20});
    let tap: FilesTap<Ipc> = tap(folder.path("a.arrow"), limits);
    let read = read(&tap, None);
    if let Err(error) = &read {
        assert!(
            matches!(error.kind(), ErrorKind::Data | ErrorKind::Unsupported | ErrorKind::Schema),
            "{:?}: {error}",
            error.kind()
        );
    }
    read
}

/// Columns of which a long one takes many bytes: one of nulls alone can be as long as it likes.
fn every_type_but_null() -> RecordBatch {
    let batch = every_type();
    let is_null = |at: &usize| *batch.column(*at).data_type() == DataType::Null;
    let columns: Vec<usize> = (0..batch.num_columns()).filter(|at| !is_null(at)).collect();
    batch.project(&columns).unwrap()
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    let batches = [numbers(0, 20), numbers(20, 5)];
    let whole = file(&batches, options(Some(CompressionType::ZSTD)));
    for end in 0..whole.len() {
        assert_eq!(error_of(&whole[..end]).kind(), ErrorKind::Data, "cut at {end}");
    }
}

#[test]
fn a_stream_that_is_cut_amid_a_message_is_an_error() {
    let whole = stream(&[numbers(0, 20), numbers(20, 5)], options(None));
    // Between two messages a stream may end.
    let ends = [stream(&[numbers(0, 20)], options(None)).len() - 8, whole.len() - 8];
    let schema = stream(&[numbers(0, 0)], options(None)).len();
    for end in 0..whole.len() {
        let folder = Folder::with("a.arrow", &whole[..end]);
        match read(&ipc(&folder, "a.arrow"), None) {
            Ok(read) => {
                let rows = read.rows().len();
                assert!(
                    ends.contains(&end) && [20, 25].contains(&rows) || end < schema && rows == 0,
                    "cut at {end}"
                );
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "cut at {end}: {error}"),
        }
    }
    let error = error_of([&whole[..], &whole[..]].concat());
    assert!(error.message().contains("something follows its end"), "{error}");
}

#[test]
fn a_byte_changed_anywhere_is_a_value_or_an_error() {
    let mut random = Random::new();
    let batch = every_type_but_null();
    for codec in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        for whole in [
            file(std::slice::from_ref(&batch), options(codec)),
            stream(std::slice::from_ref(&batch), options(codec)),
        ] {
            for _ in 0..250 {
                let mut damaged = whole.clone();
                for _ in 0..1 + random.below(3) {
                    let at = random.below(damaged.len());
                    damaged[at] = *random.one_of(&[&0_u8, &1, &0x7f, &0x80, &0xff, &(random_byte(at))]);
                }
                let _ = read_damaged(&damaged);
            }
        }
    }
}

fn random_byte(at: usize) -> u8 {
    (at * 131 % 256) as u8
}

/// Where the headers are, nearly every byte has a meaning.
#[test]
fn every_byte_of_a_footer_may_lie() {
    let batch = every_type_but_null().slice(0, 2);
    let columns: Vec<usize> = (0..batch.num_columns()).filter(|at| at % 4 == 0 || *at > 40).collect();
    let batch = batch.project(&columns).unwrap();
    let whole = file(&[batch], options(None));
    let footer = i32::from_le_bytes(whole[whole.len() - 10..whole.len() - 6].try_into().unwrap()) as usize;
    for at in whole.len() - 10 - footer..whole.len() {
        for byte in [0, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            let _ = read_damaged(&damaged);
        }
    }
}

#[test]
fn what_is_no_arrow_file_is_an_error() {
    for content in [
        &b""[..],
        b"A",
        b"ARROW1",
        b"ARROW1\0\0ARROW1",
        b"a,b\n1,2\n",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\0\0\0\0\0\0\0\0",
        b"\x10\0\0\0aaaaaaaaaaaaaaaa",
    ] {
        assert_eq!(error_of(content).kind(), ErrorKind::Data, "{content:?}");
    }
    assert_eq!(error_of(b"FEA1....").kind(), ErrorKind::Unsupported);
    assert_eq!(error_of([0x1f, 0x8b, 8, 0]).kind(), ErrorKind::Unsupported);
}

#[test]
fn a_batch_larger_than_allowed_is_an_error_before_memory_is_taken() {
    let zeros: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![0; 1 << 20]));
    let batch = RecordBatch::try_new(
        Arc::new(Schema::new(vec![arrow::datatypes::Field::new("n", DataType::Int64, false)])),
        vec![zeros],
    )
    .unwrap();
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let content = file(std::slice::from_ref(&batch), options(Some(codec)));
        assert!(content.len() < 1 << 16);
        let error = read_damaged(&content).unwrap_err();
        assert!(
            error.message().contains("a record batch of 83")
                && error.message().contains("1048576 are allowed"),
            "{error}"
        );
        assert!(error.hint_text().unwrap().contains("max_record_batch_bytes"));
        // The length before the packed bytes lies: less than comes, or more.
        let prefix = (8_u64 << 20).to_le_bytes();
        let at = content.windows(8).position(|bytes| bytes == prefix).unwrap();
        for lie in [100_u64, (8 << 20) - 1, (8 << 20) + 1, 1 << 62, u64::MAX / 2, u64::MAX - 1] {
            let mut lying = content.clone();
            lying[at..at + 8].copy_from_slice(&lie.to_le_bytes());
            assert_eq!(error_of(&lying).kind(), ErrorKind::Data, "{lie}");
        }
    }
}
