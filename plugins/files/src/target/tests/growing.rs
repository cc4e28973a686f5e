//! One file that grows: what becomes of it when a run ends amid an append, or when somebody else writes to it.

use arrow::datatypes::{DataType, Field, Schema};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use dstream_sdk::{ErrorKind, WriteMode};

use super::faults::{Faulty, When};
use super::world::{Kind, Mode, World, mode};

fn growing(format: &'static str) -> Kind {
    Kind::new(format, json!({"layout": "file"}))
}

fn append_to(world: &World, bytes: &[u8]) {
    OpenOptions::new().append(true).open(world.one_file()).unwrap().write_all(bytes).unwrap();
}

/// A run that ends when it has noted its last append, and has not begun with it.
fn stopped_before_an_append(kind: &Kind) -> World {
    for at in 0.. {
        let world = World::of(kind);
        world.run(mode(WriteMode::Append), 15).unwrap();
        let (before, log) = (fs::metadata(world.one_file()).unwrap().len(), world.log());
        let left = Arc::new(AtomicI64::new(at));
        let target = world.target_with(move |store| Arc::new(Faulty::new(store, left.clone(), When::Before)));
        let run =
            world.begin(&target).and_then(|run| world.finish(&target, run, mode(WriteMode::Append), 25));
        let last = world.log().pop().unwrap();
        let is_new = !log.contains(&last);
        let last = fs::read_to_string(last).unwrap();
        if is_new && last.contains("\"append\"") && fs::metadata(world.one_file()).unwrap().len() == before {
            run.unwrap_err();
            return world;
        }
    }
    unreachable!("a run has an append");
}

#[test]
fn one_file_has_one_header_and_all_rows_in_order() {
    let world = World::of(&growing("csv"));
    world.run(mode(WriteMode::Append), 12).unwrap();
    world.run(mode(WriteMode::Append), 14).unwrap();
    let lines: Vec<String> = (0..14).map(|n| format!("{n}\n")).collect();
    assert_eq!(fs::read_to_string(world.one_file()).unwrap(), format!("n\n{}", lines.concat()));
    assert_eq!(world.files(""), ["_dstreams", "numbers.csv"]);
}

#[test]
fn a_new_copy_takes_the_place_of_the_file_at_once() {
    let world = World::of(&growing("csv"));
    world.run(mode(WriteMode::Overwrite), 12).unwrap();
    let old = fs::read(world.one_file()).unwrap();
    let next = Mode { generation: 2, ..mode(WriteMode::Overwrite) };
    let target = world.target();
    let mut run = world.begin(&target).unwrap();
    let mut writer = world.writer(&target, &run, next).unwrap();
    world.window(&target, &mut run, &mut *writer, next, 0..2).unwrap();
    world.window(&target, &mut run, &mut *writer, next, 2..3).unwrap();
    assert_eq!(fs::read(world.one_file()).unwrap(), old, "the old rows stay until the copy is complete");
    world.publish(&target, &mut run, next).unwrap();
    assert_eq!(fs::read_to_string(world.one_file()).unwrap(), "n\n0\n1\n2\n");
    assert!(world.staged().is_empty());
}

#[test]
fn an_append_that_was_cut_short_is_done_again_from_where_it_began() {
    for torn in ["", "1", "15\n1", "garbage"] {
        let world = stopped_before_an_append(&growing("csv"));
        append_to(&world, torn.as_bytes());
        world.run(mode(WriteMode::Append), 25).unwrap();
        assert_eq!(world.visible(), (0..25).collect::<Vec<_>>(), "after `{torn}`");
    }
}

#[test]
fn what_somebody_else_wrote_is_never_cut_off() {
    // Behind an append that was begun.
    let world = stopped_before_an_append(&growing("csv"));
    append_to(&world, &[b'x'; 1000]);
    let before = fs::read(world.one_file()).unwrap();
    let error = world.run(mode(WriteMode::Append), 25).unwrap_err();
    assert!(error.hint_text().unwrap().contains("cut it to"), "{error}");
    assert_eq!(fs::read(world.one_file()).unwrap(), before);
    // Behind what was committed; before the run, and while it goes on.
    let world = World::of(&growing("csv"));
    world.run(mode(WriteMode::Append), 15).unwrap();
    let target = world.target();
    let mut run = world.begin(&target).unwrap();
    let mut writer = world.writer(&target, &run, mode(WriteMode::Append)).unwrap();
    append_to(&world, b"99\n");
    let before = fs::read(world.one_file()).unwrap();
    let error = world.window(&target, &mut run, &mut *writer, mode(WriteMode::Append), 15..20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    assert!(error.message().contains("were committed"), "{error}");
    drop((writer, target));
    let error = world.run(mode(WriteMode::Append), 25).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    assert_eq!(fs::read(world.one_file()).unwrap(), before);
}

#[test]
fn a_file_that_was_there_is_not_appended_to() {
    for explicit in [false, true] {
        let world = World::of(&growing("csv"));
        world.write("numbers.csv", "a,b\n");
        let append = Mode { is_explicit: explicit, ..mode(WriteMode::Append) };
        let error = world.run(append, 5).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert_eq!(fs::read_to_string(world.one_file()).unwrap(), "a,b\n");
    }
}

#[test]
fn another_way_of_writing_is_refused_until_the_stream_is_written_anew() {
    let kinds = [
        growing("csv"),
        Kind::new("csv", json!({"layout": "file", "compression": "gzip"})),
        Kind::new("csv", json!({"layout": "file", "delimiter": ";"})),
        Kind::new("csv", json!({"delimiter": "|"})),
        Kind::new("csv", json!({"compression": "zstd"})),
    ];
    for one in &kinds {
        for other in kinds.iter().filter(|other| format!("{other:?}") != format!("{one:?}")) {
            let world = World::of(one);
            world.run(mode(WriteMode::Append), 15).unwrap();
            let other = world.with(other);
            let error = other.run(mode(WriteMode::Append), 25).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{one:?}, {error}");
            assert!(error.hint_text().unwrap().contains("--full-refresh"), "{error}");
            other.run(Mode { generation: 2, ..mode(WriteMode::Overwrite) }, 12).unwrap();
            assert_eq!(other.visible(), (0..12).collect::<Vec<_>>(), "{one:?}, {other:?}");
            let mut left = world.files("");
            left.retain(|name| name != "_dstreams" && !(name == "numbers" && world.files(name).is_empty()));
            assert_eq!(left.len(), 1, "{left:?}");
            let parts = world.files("numbers");
            assert!(parts.iter().all(|part| part.ends_with(&format!(".{}", other.ending()))), "{parts:?}");
        }
    }
}

#[test]
fn parts_that_are_packed_follow_one_another_as_one_text() {
    for compression in ["gzip", "zstd"] {
        for format in ["csv", "jsonl"] {
            let world = World::of(&Kind::new(format, json!({"layout": "file", "compression": compression})));
            world.run(mode(WriteMode::Append), 25).unwrap();
            world.run(mode(WriteMode::Append), 27).unwrap();
            let packed = fs::read(world.one_file()).unwrap();
            let mut text = String::new();
            match compression {
                "gzip" => flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap(),
                _ => zstd::Decoder::new(&packed[..]).unwrap().read_to_string(&mut text).unwrap(),
            };
            let lines =
                (0..27).map(|n| if format == "csv" { format!("{n}\n") } else { format!("{{\"n\":{n}}}\n") });
            let head = if format == "csv" { "n\n" } else { "" };
            assert_eq!(text, format!("{head}{}", lines.collect::<String>()));
            assert_eq!(world.visible(), (0..27).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_column_more_fits_into_json_lines_and_not_under_a_header() {
    for (format, fits) in [("csv", false), ("jsonl", true)] {
        let world = World::of(&growing(format));
        world.run(mode(WriteMode::Append), 5).unwrap();
        let target = world.target();
        let run = world.begin(&target).unwrap();
        let mut writer = world.writer(&target, &run, mode(WriteMode::Append)).unwrap();
        let columns = ["n", "m"].map(|name| Field::new(name, DataType::Int64, true));
        let outcome = writer.declare(0, 2, Arc::new(Schema::new(columns.to_vec())));
        assert_eq!(outcome.is_ok(), fits, "{format}: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Schema);
            assert!(error.message().contains("has the columns `n`, now there are `n`, `m`"), "{error}");
            assert!(error.hint_text().unwrap().contains("--full-refresh"));
        }
    }
}
