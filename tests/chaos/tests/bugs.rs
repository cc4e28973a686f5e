//! Every bug that is planted is found, and what a completed run says is on disk.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // helpers of tests; seeds and figures
#![cfg(target_os = "linux")]

use dstream_chaos::bug::Bug;
use dstream_chaos::durability;
use dstream_chaos::subject::Subject;

const SEED: u64 = 20_240_301;

fn subject(bug: Option<Bug>) -> Subject {
    let built = Subject::built_folder().unwrap();
    Subject::new(&built.join("dstreams"), &built, bug).unwrap()
}

#[test]
fn what_a_completed_run_has_written_is_on_disk() {
    if !durability::can_watch() {
        println!("skipped: `strace`, which shows what a run writes, is not installed");
        return;
    }
    let verdict = durability::watch(&subject(None), SEED).unwrap();
    assert!(verdict.is_clean(), "{verdict}: {:#?}", verdict.findings);
}

#[cfg(feature = "seeded-bugs")]
mod seeded {
    use super::*;
    use dstream_chaos::campaign::{self, Request};
    use dstream_chaos::pair::Pair;

    fn is_found(bug: Bug) {
        println!("cargo xtask chaos --bug {bug} --seed {SEED}");
        let verdict = bug.hunt(&subject(Some(bug)), SEED).unwrap();
        println!("{verdict}: {:#?}", verdict.findings.first());
        assert!(bug.shows_in(&verdict) > 0, "is `dstreams` built with its feature `seeded-bugs`? {verdict}");
    }

    #[test]
    fn a_state_that_is_saved_before_the_data_is_found() {
        is_found(Bug::StateBeforeData);
    }

    fn saved_state_is_found(pair: Pair) {
        let request = Request { pair, seed: SEED, kills: 200, until_violation: true };
        let bug = Bug::StateBeforeData;
        let figures = campaign::run(&subject(Some(bug)), request).unwrap();
        println!("{figures}");
        assert!(bug.shows_in(&figures.verdict) > 0, "{figures}");
    }

    #[test]
    fn a_state_that_is_saved_before_the_files_is_found() {
        saved_state_is_found(Pair::CsvParquet);
    }

    #[test]
    fn a_state_that_is_saved_before_the_objects_is_found() {
        saved_state_is_found(Pair::ParquetS3);
    }

    #[test]
    fn a_checkpoint_inside_ties_is_found() {
        is_found(Bug::CheckpointInsideTies);
    }

    #[test]
    fn a_cursor_that_is_compared_as_text_is_found() {
        is_found(Bug::StringCursor);
    }

    #[test]
    fn a_fence_that_is_missing_is_found() {
        is_found(Bug::MissingFence);
    }

    #[test]
    fn nulls_that_are_ignored_are_found() {
        is_found(Bug::IgnoredNullBitmap);
    }

    #[test]
    fn an_fsync_that_is_left_out_is_found() {
        if !durability::can_watch() {
            println!("skipped: `strace`, which shows what a run writes, is not installed");
            return;
        }
        is_found(Bug::DroppedFsync);
    }
}
