//! The cases of a target, in the order of its life.

use dstream_abi::WriteMode;

use super::CONFIG;
use crate::case::{Case, Need};
use crate::target::{batches, commits, fences, modes, types};

pub(super) static CASES: &[Case] = &[
    Case::new(
        "committed-rows-are-there",
        CONFIG,
        "rows are counted by `prepare`, and there after the commit, once",
        commits::committed_rows_are_there,
    ),
    Case::new(
        "empty-windows-are-committed",
        CONFIG,
        "a window without rows and a commit without windows keep their records",
        commits::empty_windows_are_committed,
    ),
    Case::new(
        "every-type-is-written-or-refused",
        CONFIG,
        "`declare` refuses a type with `unsupported` or `schema`, or the type can be written",
        types::every_type_is_written_or_refused,
    ),
    Case::new(
        "a-new-column-is-added-or-refused",
        CONFIG,
        "`declare` of a next version with a column more adds it, or refuses it with `schema`",
        batches::a_new_column_is_added_or_refused,
    ),
    Case::new(
        "a-window-larger-than-the-buffer-arrives",
        CONFIG,
        "a window of which the writer may keep nothing in memory arrives as any other",
        batches::a_window_larger_than_the_buffer_arrives,
    ),
    Case::new(
        "what-is-not-committed-is-not-there",
        CONFIG,
        "what is written or prepared is not seen before its commit, and dropped with its writer",
        commits::what_is_not_committed_is_not_there,
    ),
    Case::new(
        "writers-do-not-disturb-each-other",
        CONFIG,
        "writers that work at once, on one table or on several, are committed one by one, in any order",
        fences::writers_do_not_disturb_each_other,
    ),
    Case::new(
        "batches-are-let-go",
        CONFIG,
        "every batch is released once, at the latest when everything is closed, also where writing it failed",
        batches::batches_are_let_go,
    ),
    Case::new(
        "a-cancelled-writer-comes-back",
        CONFIG,
        "once the run is told to stop, `write` comes back soon, with `cancelled` or with what it did",
        batches::a_cancelled_writer_comes_back,
    ),
    Case::new(
        "append-adds-every-record",
        &[Need::Config, Need::Mode(WriteMode::Append)],
        "with `append` every record becomes a row",
        modes::append_adds_every_record,
    ),
    Case::new(
        "upsert-keeps-the-newest",
        &[Need::Config, Need::Mode(WriteMode::Upsert)],
        "with `upsert` a record replaces the one with its key: of its batch, of its window, of an older one",
        modes::upsert_keeps_the_newest,
    ),
    Case::new(
        "a-null-in-a-key-is-refused",
        &[Need::Config, Need::Mode(WriteMode::Upsert), Need::KeepsRecords],
        "with `upsert` a null in a key is an error of kind `data`, and nothing of its window is kept",
        modes::a_null_in_a_key_is_refused,
    ),
    Case::new(
        "overwrite-swaps-when-published",
        &[Need::Config, Need::Mode(WriteMode::Overwrite)],
        "with `overwrite` a generation is built aside, over several runs, and takes the table's place when published",
        modes::overwrite_swaps_when_published,
    ),
    Case::new(
        "other-modes-are-refused",
        CONFIG,
        "a write mode that the manifest does not claim is an error of kind `unsupported`",
        modes::other_modes_are_refused,
    ),
    Case::new(
        "records-come-back",
        &[Need::Config, Need::Transactional],
        "`begin` answers every record of its pipeline, as it was committed, also to a target that is opened anew",
        commits::records_come_back,
    ),
    Case::new(
        "a-commit-again-changes-nothing",
        &[Need::Config, Need::Transactional],
        "a commit that was done is answered with OK, and its rows are not written again",
        commits::a_commit_again_changes_nothing,
    ),
    Case::new(
        "a-gap-in-sequences-is-refused",
        &[Need::Config, Need::Transactional],
        "a record whose sequence is not the next one is an error, and nothing of its commit is kept",
        commits::a_gap_in_sequences_is_refused,
    ),
    Case::new(
        "epochs-rise",
        &[Need::Config, Need::Transactional],
        "every `begin` of a pipeline answers a higher epoch",
        fences::epochs_rise,
    ),
    Case::new(
        "an-older-run-is-fenced",
        &[Need::Config, Need::Transactional],
        "once a newer run has begun, a commit of an older one is an error of kind `fenced`, and nothing of it is kept",
        fences::an_older_run_is_fenced,
    ),
    Case::new(
        "a-run-that-was-taken-over-stays-so",
        &[Need::Config, Need::Transactional],
        "a run that begins again after another one has begun is answered with an error of kind `fenced`; the newer run goes on",
        fences::a_run_that_was_taken_over_stays_so,
    ),
];
