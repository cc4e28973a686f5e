//! A connector that breaks one promise fails the cases of that promise, and no other.
#![allow(clippy::print_stdout)] // what a failed test shows

mod kit;

use dstream_conformance::{Outcome, Role, Row, cases};
use kit::{Loaded, config, library_file};
use serde_json::{Value, json};
use std::path::Path;

const NONE: &[&str] = &[];

/// Cases that read every record.
const READING: &[&str] = &[
    "a-key-is-read-once",
    "messages-come-in-order",
    "batches-fit-the-selection",
    "the-selected-columns-come",
    "batches-are-not-too-large",
    "the-end-is-covered",
    "reading-on-gives-the-rest",
    "reading-on-gives-exactly-the-rest",
    "a-strange-bookmark-is-refused",
    "reading-twice-gives-the-same",
    "readers-do-not-disturb-each-other",
    "a-reader-can-be-closed-at-any-moment",
    "batches-outlive-their-reader",
    "a-timeout-of-zero-does-not-wait",
];

/// What each fault of a tap breaks.
const TAP: &[(&str, &[&str])] = &[
    ("", NONE),
    ("takes_bad_options", &["bad-options-are-refused"]),
    ("blames_bad_options_on_data", &["bad-options-are-refused"]),
    ("check_fails", &["check-passes", "looking-leaves-no-trace"]),
    ("check_writes", &["looking-leaves-no-trace"]),
    ("shuffles_catalog", &["discovering-twice-gives-the-same"]),
    ("key_of_nobody", &["the-catalog-holds-together"]),
    ("forgets_stream", &["the-plan-has-every-stream"]),
    ("other_name_for_whole", &["the-plan-has-every-stream"]),
    ("renames_partitions", &["the-plan-is-the-same-in-every-run"]),
    ("overlaps", &["a-key-is-read-once"]),
    ("makes_up_columns", &["unknown-columns-are-not-made-up"]),
    ("takes_any_bookmark", &["a-strange-bookmark-is-refused"]),
    ("panics_at_bookmark", &["a-strange-bookmark-is-refused"]),
    ("skips_after_bookmark", &["reading-on-gives-the-rest", "reading-on-gives-exactly-the-rest"]),
    ("repeats_after_bookmark", &["reading-on-gives-exactly-the-rest"]),
    ("no_schema_when_empty", &["messages-come-in-order"]),
    ("no_stream_end", &["messages-come-in-order"]),
    ("no_last_checkpoint", &["the-end-is-covered"]),
    // Refused by the host, which looks at every value here: nothing can be read.
    ("nulls_in_required", READING),
    ("ignores_batch_rows", &["batches-are-not-too-large"]),
    ("ignores_batch_bytes", &["batches-are-not-too-large"]),
    ("ignores_selection", &["the-selected-columns-come"]),
    ("shares_position", &["readers-do-not-disturb-each-other"]),
    ("remembers_closed_reader", &["a-reader-can-be-closed-at-any-moment"]),
    (
        "overwrites_on_close",
        &["a-key-is-read-once", "batches-outlive-their-reader", "a-timeout-of-zero-does-not-wait"],
    ),
    ("ignores_timeout", &["a-timeout-of-zero-does-not-wait"]),
    ("ignores_cancel", &["a-cancelled-reader-ends-soon"]),
    ("blames_cancel_on_source", &["a-cancelled-reader-ends-soon"]),
    (
        "turns_order",
        &[
            "the-selected-columns-come",
            "reading-on-gives-exactly-the-rest",
            "reading-twice-gives-the-same",
            "readers-do-not-disturb-each-other",
            "batches-outlive-their-reader",
        ],
    ),
];

/// Cases that ask for the records of what they committed.
const RECORDS: &[&str] = &[
    "committed-rows-are-there",
    "empty-windows-are-committed",
    "every-type-is-written-or-refused",
    "what-is-not-committed-is-not-there",
    "writers-do-not-disturb-each-other",
    "overwrite-swaps-when-published",
    "records-come-back",
    "a-commit-again-changes-nothing",
    "a-gap-in-sequences-is-refused",
    "an-older-run-is-fenced",
];

/// What each fault of a target breaks.
const TARGET: &[(&str, &[&str])] = &[
    ("", NONE),
    ("check_writes", &["looking-leaves-no-trace"]),
    ("counts_wrong", &["committed-rows-are-there"]),
    ("empty_window_fails", &["empty-windows-are-committed", "records-come-back"]),
    ("takes_any_type", &["every-type-is-written-or-refused"]),
    ("blames_type_on_data", &["every-type-is-written-or-refused"]),
    ("blames_new_column_on_data", &["a-new-column-is-added-or-refused"]),
    ("loses_rows_of_new_columns", &["a-new-column-is-added-or-refused"]),
    ("loses_what_does_not_fit", &["a-window-larger-than-the-buffer-arrives"]),
    (
        "shows_prepared",
        &[
            "what-is-not-committed-is-not-there",
            "writers-do-not-disturb-each-other",
            "a-gap-in-sequences-is-refused",
            "an-older-run-is-fenced",
        ],
    ),
    ("keeps_dropped_rows", &["what-is-not-committed-is-not-there"]),
    ("loses_second_writer", &["writers-do-not-disturb-each-other"]),
    ("keeps_batches", &["batches-are-let-go"]),
    ("ignores_cancel", &["a-cancelled-writer-comes-back"]),
    ("upsert_appends", &["upsert-keeps-the-newest"]),
    ("upsert_keeps_oldest", &["upsert-keeps-the-newest"]),
    ("takes_null_keys", &["a-null-in-a-key-is-refused"]),
    ("publishes_at_once", &["overwrite-swaps-when-published"]),
    ("publish_appends", &["overwrite-swaps-when-published"]),
    ("keeps_aside_of_older", &["overwrite-swaps-when-published"]),
    ("forgets_aside", &["overwrite-swaps-when-published"]),
    ("forgets_records", RECORDS),
    ("alters_records", &["records-come-back"]),
    ("mixes_pipelines", &["records-come-back", "an-older-run-is-fenced"]),
    ("doubles_commit", &["a-commit-again-changes-nothing"]),
    ("accepts_gap", &["a-gap-in-sequences-is-refused"]),
    ("epoch_stays", &["epochs-rise", "an-older-run-is-fenced", "a-run-that-was-taken-over-stays-so"]),
    ("ignores_fence", &["an-older-run-is-fenced"]),
    ("takes_over_again", &["a-run-that-was-taken-over-stays-so"]),
];

/// The tables of `astray`.
fn rows(folder: &Path, table: &str) -> Option<Vec<Row>> {
    let store: Value = serde_json::from_slice(&std::fs::read(folder.join("store.json")).ok()?).expect("JSON");
    serde_json::from_value(store["tables"][table]["rows"].clone()).ok()
}

/// The faults that broke something else than they should. Every case has a destination of its own.
fn check(type_name: &str, role: Role, faults: &[(&str, &[&str])]) {
    let library = Loaded::open(&library_file("faulty"));
    let mut wrong = Vec::new();
    for (fault, wanted) in faults {
        let mut found = Vec::new();
        for case in cases(role) {
            let folder = tempfile::tempdir().expect("temp folder");
            let subject = library
                .subject(type_name, role)
                .with_config(config(type_name, Some(folder.path()), json!({ "fault": fault })))
                .with_read_back(|table: &str| Ok(rows(folder.path(), table)));
            if let Outcome::Failed(why) = case.run(&subject) {
                println!("{fault}: {}: {why}", case.name);
                found.push(case.name);
            }
        }
        if found != *wanted {
            wrong.push(format!("{fault}: {wanted:?} were to fail, {found:?} did"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_fault_of_a_tap_fails_its_cases_and_no_other() {
    check("astray", Role::Tap, TAP);
}

#[test]
fn each_fault_of_a_target_fails_its_cases_and_no_other() {
    check("astray", Role::Target, TARGET);
}

#[test]
fn a_target_of_fewer_promises_is_held_to_them() {
    check("astray-append", Role::Target, &[("", NONE), ("takes_any_mode", &["other-modes-are-refused"])]);
}

#[test]
fn a_manifest_that_says_other_things_than_are_true_is_found() {
    let declared = [
        "the-manifest-is-well-formed",
        "the-schema-of-options-is-valid",
        "unknown-options-are-refused",
        "options-are-explained",
        "secrets-are-marked",
        "bad-options-are-refused",
    ];
    check("Misdeclared", Role::Tap, &[("", &declared)]);
}
