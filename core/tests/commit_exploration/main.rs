//! Every interleaving of the commit machine in a small world: up to two runs at once, three windows, two crashes, lost
//! requests and replies of `commit` and `begin`, commits that arrive late, and a state file that may not be saved.
//!
//! In every state that can be reached, the rows that can be seen are exactly those that the stored records cover; and
//! from every state one undisturbed run completes the job.
#![allow(clippy::print_stdout)] // the figures are what a reader of the test wants
#![allow(unreachable_pub)] // a program has no outside
#![allow(clippy::large_enum_variant)] // a model, moved rarely
#![allow(clippy::unwrap_used)] // a test may

mod explore; // breadth first, every state once
mod oracle; // what must hold in every state
mod run; // a run: the real machine, with models of the lanes around it
mod target; // models of a target and of what a commit carries
mod world; // everything there is, and every step it can take

use dstream_core::commit::{Protocol, SeededBug};
use explore::{Report, explore};
use target::{K1, K4, TargetRules};
use world::{Part, Scenario};

/// The whole world, not the part of it that fits into a suite.
fn is_full() -> bool {
    std::env::var_os("DSTREAMS_FULL").is_some()
}

fn scenario(name: &str) -> Scenario {
    let part = |id, stream, rows| Part { id, stream, rows };
    let base = Scenario {
        protocol: Protocol::default(),
        rules: K1,
        overwrite: false,
        partitions: vec![part("a", "a", 2)],
        runs: 3,
        crashes: 2,
        faults: 2,
    };
    // Two lanes in the whole world take more memory and time than a suite has: by command, `DSTREAMS_FULL=1`.
    let two = if is_full() { base.clone() } else { Scenario { runs: 2, crashes: 1, ..base.clone() } };
    match name {
        "one partition" => base,
        "two streams" => {
            Scenario { partitions: vec![part("a", "a", 1), part("b", "b", 1)], faults: 1, ..two }
        }
        "two partitions, published" => Scenario {
            partitions: vec![part("s/1", "s", 1), part("s/2", "s", 1)],
            overwrite: true,
            faults: 1,
            ..two
        },
        "one partition, published" => Scenario { overwrite: true, ..base },
        "append only" => Scenario { rules: K4, ..base },
        other => unreachable!("there is no scenario {other}"),
    }
}

const ALL: [&str; 5] =
    ["one partition", "two streams", "two partitions, published", "one partition, published", "append only"];

#[test]
fn no_interleaving_loses_or_doubles_a_row() {
    let mut total = Report::default();
    let wanted = if is_full() { &ALL[..] } else { &ALL[..1] };
    if !is_full() {
        println!(
            "explored here: {wanted:?}; the others take minutes and gigabytes: DSTREAMS_FULL=1 runs them"
        );
    }
    for name in wanted {
        let report = explore(&scenario(name)).unwrap_or_else(|violation| panic!("{name}: {violation}"));
        println!("{name}: {} states, {} steps", report.states, report.steps);
        total.states += report.states;
        total.steps += report.steps;
    }
    println!("all: {} states, {} steps", total.states, total.steps);
}

fn finds(bug: SeededBug, name: &str) {
    let scenario = Scenario { protocol: Protocol::seeded(bug), ..scenario(name) };
    let violation = explore(&scenario).expect_err("a seeded bug is found");
    println!("{bug:?} in `{name}`: {violation}");
}

#[test]
fn state_saved_before_the_data_is_found() {
    finds(SeededBug::StateBeforeData, "one partition");
    finds(SeededBug::StateBeforeData, "append only");
}

#[test]
fn a_window_done_again_without_a_look_is_found() {
    finds(SeededBug::NoSequenceCheck, "one partition");
}

#[test]
fn windows_kept_over_a_new_epoch_are_found() {
    finds(SeededBug::KeepWriters, "two streams");
}

#[test]
fn a_stream_published_too_early_or_never_is_found() {
    finds(SeededBug::PublishEarly, "two partitions, published");
    finds(SeededBug::PublishUnordered, "two partitions, published");
}

#[test]
fn a_run_that_overlooks_another_run_is_found() {
    if !is_full() {
        println!(
            "skipped: three runs with two lanes need more memory than a suite has; DSTREAMS_FULL=1 runs it"
        );
        return;
    }
    finds(SeededBug::IgnoreOtherRuns, "two streams");
}

#[test]
fn a_target_with_neither_fence_nor_sequence_is_found() {
    let rules = TargetRules { fence: false, sequence: false, ..K1 };
    let scenario = Scenario { rules, ..scenario("one partition") };
    let violation = explore(&scenario).expect_err("rows are doubled by a run that was thought dead");
    println!("{violation}");
}
