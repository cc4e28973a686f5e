//! What readers see of a target, whatever happens to the runs that write it.

mod faults; // a store that fails at one of its calls
mod full; // no room, no place
mod growing; // one file that grows
mod round_trip; // values of all types, out and in again
mod sweep; // every call fails once
mod world; // a pipeline that copies numbers into a folder

use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dstream_sdk::{ErrorKind, WriteMode};
use faults::{Faulty, When};
use world::{Kind, Mode, World, mode};

#[test]
fn rows_are_in_files_of_the_table_and_nowhere_else() {
    let world = World::new();
    world.run(mode(WriteMode::Append), 25).unwrap();
    assert_eq!(world.visible(), (0..25).collect::<Vec<_>>());
    let names = world.files("numbers");
    assert!(names.iter().all(|name| name.starts_with("part-") && name.ends_with(".parquet")), "{names:?}");
    assert_eq!(names.len(), 3, "a window is a file: {names:?}");
    assert!(world.staged().is_empty());
}

#[test]
fn what_a_killed_run_had_begun_to_note_is_gone_after_the_next_one() {
    let world = World::new();
    world.run(mode(WriteMode::Append), 25).unwrap();
    let notes = world.notes();
    world.write(&format!("{notes}/stage/0123456789abcdef.draft"), "{\"version\":1,");
    world.run(mode(WriteMode::Append), 40).unwrap();
    assert_eq!(world.visible(), (0..40).collect::<Vec<_>>());
    assert!(world.staged().is_empty(), "{:?}", world.staged());
    let entries = world.files(&format!("{notes}/log"));
    assert!(entries.iter().all(|name| name.ends_with(".log")), "{entries:?}");
}

#[test]
fn a_second_run_adds_what_is_new() {
    let world = World::new();
    world.run(mode(WriteMode::Append), 25).unwrap();
    world.run(mode(WriteMode::Append), 25).unwrap();
    world.run(mode(WriteMode::Append), 40).unwrap();
    assert_eq!(world.visible(), (0..40).collect::<Vec<_>>());
}

#[test]
fn a_copy_takes_the_place_of_the_one_before_once_it_is_complete() {
    let world = World::new();
    world.run(mode(WriteMode::Overwrite), 25).unwrap();
    let first = world.files("numbers");
    let next = world::Mode { generation: 2, ..mode(WriteMode::Overwrite) };
    let target = world.target();
    let mut run = world.begin(&target).unwrap();
    let mut writer = world.writer(&target, &run, next).unwrap();
    world.window(&target, &mut run, &mut *writer, next, 0..10).unwrap();
    assert_eq!(world.files("numbers"), first, "the old files stay until the copy is complete");
    world.publish(&target, &mut run, next).unwrap();
    assert_eq!(world.visible(), (0..10).collect::<Vec<_>>());
    assert!(world.files("numbers").iter().all(|name| !first.contains(name)));
    assert!(world.staged().is_empty());
}

#[test]
fn a_copy_that_is_given_up_for_another_leaves_nothing_behind() {
    let world = World::new();
    let target = world.target();
    let mut run = world.begin(&target).unwrap();
    let first = mode(WriteMode::Overwrite);
    let mut writer = world.writer(&target, &run, first).unwrap();
    world.window(&target, &mut run, &mut *writer, first, 0..10).unwrap();
    drop((writer, target));
    assert_eq!(world.staged().len(), 1, "a window of it is committed");
    world.run(world::Mode { generation: 2, ..first }, 25).unwrap();
    assert_eq!(world.visible(), (0..25).collect::<Vec<_>>());
    assert!(world.staged().is_empty(), "{:?}", world.staged());
}

#[test]
fn an_empty_copy_has_columns_and_no_rows() {
    let world = World::new();
    world.run(mode(WriteMode::Overwrite), 0).unwrap();
    assert_eq!(world.files("numbers").len(), 1);
    assert_eq!(world.visible(), Vec::<i64>::new());
}

#[test]
fn what_somebody_else_put_into_the_folder_stays() {
    let world = World::new();
    world.run(mode(WriteMode::Overwrite), 25).unwrap();
    world.write("numbers/README", "by hand");
    world.run(world::Mode { generation: 2, ..mode(WriteMode::Overwrite) }, 10).unwrap();
    assert!(world.files("numbers").contains(&"README".to_owned()));
}

#[test]
fn a_folder_with_files_of_others_is_written_to_only_explicitly() {
    let world = World::new();
    world.write("numbers/other.parquet", "x");
    let error = world.run(mode(WriteMode::Append), 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("is there already"), "{error}");
    let explicit = world::Mode { is_explicit: true, ..mode(WriteMode::Append) };
    world.run(explicit, 5).unwrap();
    let error = world.pipeline("other").run(mode(WriteMode::Append), 5).unwrap_err();
    assert!(error.message().contains("belongs to the pipeline `numbers`"), "{error}");
    let error = world.pipeline("other").run(mode(WriteMode::Overwrite), 5).unwrap_err();
    assert!(error.message().contains("belongs to the pipeline `numbers`"), "{error}");
}

#[test]
fn files_that_are_gone_or_cut_stop_the_run() {
    for (what, said) in [("gone", "is gone"), ("cut", "were committed")] {
        let world = World::new();
        world.run(mode(WriteMode::Append), 25).unwrap();
        let file = world.path("numbers").join(&world.files("numbers")[0]);
        match what {
            "gone" => std::fs::remove_file(&file).unwrap(),
            _ => std::fs::write(&file, "x").unwrap(),
        }
        let error = world.run(mode(WriteMode::Append), 40).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
        assert!(error.message().contains(said), "{error}");
        assert!(error.hint_text().unwrap().contains("--full-refresh"));
    }
}

#[test]
fn every_bit_of_the_log_that_is_flipped_is_noticed() {
    let world = World::new();
    world.run(mode(WriteMode::Append), 25).unwrap();
    let last = world.log().pop().unwrap();
    let bytes = std::fs::read(&last).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&last, damaged).unwrap();
        let error = world.run(mode(WriteMode::Append), 25).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BookmarkLost, "byte {at}: {error}");
    }
    for length in 0..bytes.len() {
        std::fs::write(&last, &bytes[..length]).unwrap();
        assert_eq!(world.run(mode(WriteMode::Append), 25).unwrap_err().kind(), ErrorKind::BookmarkLost);
    }
    std::fs::write(&last, &bytes).unwrap();
    world.run(mode(WriteMode::Append), 30).unwrap();
    assert_eq!(world.visible(), (0..30).collect::<Vec<_>>());
}

#[test]
fn an_entry_that_is_missing_is_noticed() {
    let world = World::new();
    world.run(mode(WriteMode::Append), 45).unwrap();
    let log = world.log();
    std::fs::remove_file(&log[log.len() - 2]).unwrap();
    let error = world.run(mode(WriteMode::Append), 45).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BookmarkLost, "{error}");
}

#[test]
fn a_run_that_slept_commits_nothing_more() {
    let world = World::new();
    let (old, new) = (world.target(), world.target());
    let mut sleeping = world.begin(&old).unwrap();
    let append = mode(WriteMode::Append);
    let mut writer = world.writer(&old, &sleeping, append).unwrap();
    world.window(&old, &mut sleeping, &mut *writer, append, 0..10).unwrap();
    let awake = world.begin(&new).unwrap();
    let error = world.window(&old, &mut sleeping, &mut *writer, append, 10..20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    // Its own file cannot be committed by a newer begin either: that is refused as well.
    assert_eq!(world.begin_as(&old, &sleeping.run).unwrap_err().kind(), ErrorKind::Fenced);
    drop(writer);
    world.finish(&new, awake, append, 30).unwrap();
    assert_eq!(world.visible(), (0..30).collect::<Vec<_>>());
}

#[test]
fn a_number_that_is_free_again_is_not_taken_by_a_run_that_slept() {
    let world = World::new();
    let old = world.target();
    let mut sleeping = world.begin(&old).unwrap();
    let append = mode(WriteMode::Append);
    let mut writer = world.writer(&old, &sleeping, append).unwrap();
    // Two runs later the number that it would take next is no longer in use.
    world.run(append, 10).unwrap();
    world.run(append, 20).unwrap();
    world.run(append, 20).unwrap();
    let error = world.window(&old, &mut sleeping, &mut *writer, append, 0..10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    world.run(append, 30).unwrap();
    assert_eq!(world.visible(), (0..30).collect::<Vec<_>>());
}

#[test]
fn hostile_names_stay_beneath_the_folder() {
    let world = World::new();
    for table in ["../up", "/etc/x", "a/b", ".hidden", "_dstreams", "..", "con", "a\nb", "\u{e4}"] {
        world.table(table).run(mode(WriteMode::Append), 5).unwrap();
    }
    let above: Vec<_> =
        std::fs::read_dir(world.above()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(above, ["out"], "nothing is beside the folder");
}

#[test]
fn another_file_begins_once_one_has_its_rows_or_bytes() {
    for (options, files) in [(json!({"max_file_rows": 3}), 4), (json!({"max_file_bytes": 1}), 1)] {
        for format in ["csv", "jsonl", "parquet", "arrow"] {
            let world = World::of(&Kind::new(format, options.clone()));
            world.run(mode(WriteMode::Append), 10).unwrap();
            assert_eq!(world.files("numbers").len(), files, "{format} {options}");
            assert_eq!(world.visible(), (0..10).collect::<Vec<_>>());
        }
    }
    // Bytes are looked at between the batches of a window, too.
    let world = World::of(&Kind::new("csv", json!({"max_file_bytes": 20})));
    let target = world.target();
    let mut run = world.begin(&target).unwrap();
    let mut writer = world.writer(&target, &run, mode(WriteMode::Append)).unwrap();
    world.window(&target, &mut run, &mut *writer, mode(WriteMode::Append), 0..10_000).unwrap();
    assert_eq!(world.files("numbers").len(), 3);
    assert_eq!(world.visible(), (0..10_000).collect::<Vec<_>>());
}

#[test]
fn a_table_whose_last_file_is_gone_can_be_written_anew() {
    for kind in Kind::all() {
        let world = World::of(&kind);
        world.run(mode(WriteMode::Append), 15).unwrap();
        match kind.is_one_file() {
            true => std::fs::remove_file(world.one_file()).unwrap(),
            false => std::fs::remove_file(world.path("numbers").join(world.files("numbers").pop().unwrap()))
                .unwrap(),
        }
        let error = world.run(mode(WriteMode::Append), 25).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
        let anew = world::Mode { generation: 2, ..mode(WriteMode::Overwrite) };
        world.run(anew, 12).unwrap();
        assert_eq!(world.visible(), (0..12).collect::<Vec<_>>(), "{kind:?}");
    }
}

#[test]
fn a_commit_of_two_windows_has_the_rows_of_both() {
    for kind in Kind::all().into_iter().chain(Kind::in_buckets()) {
        for write_mode in [WriteMode::Append, WriteMode::Overwrite] {
            let world = World::of(&kind);
            let (target, mode) = (world.target(), mode(write_mode));
            let mut run = world.begin(&target).unwrap();
            let mut writers: Vec<_> = (0..2).map(|_| world.writer(&target, &run, mode).unwrap()).collect();
            let windows: Vec<_> = (0..4)
                .map(|at| {
                    world.prepared(&mut run, &mut *writers[at % 2], at as i64 * 10..at as i64 * 10 + 10)
                })
                .collect();
            world.commit(&target, &mut run, mode, windows, 40, false).unwrap();
            if write_mode == WriteMode::Overwrite {
                world.publish(&target, &mut run, mode).unwrap();
            }
            assert_eq!(world.visible(), (0..40).collect::<Vec<_>>(), "{kind:?} {write_mode:?}");
            drop(writers);
            world.run(Mode { generation: 2, ..mode }, 41).unwrap();
        }
    }
}

#[test]
fn steps_that_failed_once_are_carried_out_before_the_next_commit() {
    for kind in Kind::all().into_iter().chain(Kind::in_buckets()) {
        for at in 0..12 {
            let world = World::of(&kind);
            let left = Arc::new(AtomicI64::new(i64::MAX));
            let counter = left.clone();
            let target =
                world.target_with(move |store| Arc::new(Faulty::new(store, counter.clone(), When::Before)));
            let mut run = world.begin(&target).unwrap();
            let append = mode(WriteMode::Append);
            let mut writer = world.writer(&target, &run, append).unwrap();
            let first = world.prepared(&mut run, &mut *writer, 0..10);
            left.store(at, Ordering::Relaxed);
            if world.commit(&target, &mut run, append, vec![first.clone()], 10, false).is_ok() {
                continue;
            }
            left.store(i64::MAX, Ordering::Relaxed);
            // The host asks for the same once more, then for what comes next.
            world.commit(&target, &mut run, append, vec![first], 10, false).unwrap();
            world.window(&target, &mut run, &mut *writer, append, 10..20).unwrap();
            assert_eq!(world.visible(), (0..20).collect::<Vec<_>>(), "{kind:?} call {at}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_folder_is_not_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["numbers", "_dstreams"] {
        let world = World::new();
        std::fs::create_dir_all(world.path("")).unwrap();
        let link = world.path(name);
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        world.run(mode(WriteMode::Append), 5).unwrap_err();
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "through `{name}`");
    }
}
