//! Every case. The order is that of a connector's life.

use crate::case::{Case, Need};
use crate::subject::{Role, Subject};
use crate::tap::{bookmarks, catalog, lifetime, order, plan, selection, waiting};
use crate::target::{batches, commits, fences, modes, types};
use crate::verdict::Step;
use crate::{manifest, trace};
use dstream_abi::WriteMode;

type Run = fn(&Subject<'_>) -> Step<String>;
type Needs = &'static [Need];

const NONE: Needs = &[];
const CONFIG: Needs = &[Need::Config];

const fn both(name: &'static str, needs: Needs, promise: &'static str, run: Run) -> Case {
    Case { name, promise, role: None, needs, run }
}

const fn tap(name: &'static str, needs: Needs, promise: &'static str, run: Run) -> Case {
    Case { name, promise, role: Some(Role::Tap), needs, run }
}

const fn target(name: &'static str, needs: Needs, promise: &'static str, run: Run) -> Case {
    Case { name, promise, role: Some(Role::Target), needs, run }
}

static CASES: &[Case] = &[
    both(
        "the-manifest-is-what-the-library-has",
        NONE,
        "the manifest names the roles that the library has tables for, and no other",
        manifest::the_manifest_is_what_the_library_has,
    ),
    both(
        "the-schema-of-options-is-valid",
        NONE,
        "the options are described by a JSON Schema, and its defaults fit it",
        manifest::the_schema_of_options_is_valid,
    ),
    both(
        "unknown-options-are-refused",
        NONE,
        "the JSON Schema refuses an option that does not exist",
        manifest::unknown_options_are_refused,
    ),
    both("options-are-explained", NONE, "every option has a description", manifest::options_are_explained),
    both(
        "secrets-are-marked",
        NONE,
        "an option whose name says that it is a secret is marked as one",
        manifest::secrets_are_marked,
    ),
    both(
        "bad-options-are-refused",
        CONFIG,
        "`open` answers a value of a wrong type with an error of kind `config`",
        manifest::bad_options_are_refused,
    ),
    both(
        "check-passes",
        CONFIG,
        "`check` finds nothing wrong with the config that was given",
        trace::check_passes,
    ),
    both(
        "looking-leaves-no-trace",
        CONFIG,
        "`open`, `check`, `discover` and `plan` make, change and remove no file",
        trace::looking_leaves_no_trace,
    ),
    tap(
        "the-catalog-holds-together",
        CONFIG,
        "names are unique, and keys are columns that there are",
        catalog::the_catalog_holds_together,
    ),
    tap(
        "the-catalog-survives-a-file",
        CONFIG,
        "a catalog that was written as JSON and read again is the same",
        catalog::the_catalog_survives_a_file,
    ),
    tap(
        "discovering-twice-gives-the-same",
        CONFIG,
        "`discover` answers the same, also through another tap",
        catalog::discovering_twice_gives_the_same,
    ),
    tap(
        "the-plan-has-every-stream",
        CONFIG,
        "every selected stream is in a partition, no other is; the id of a stream read as a whole is its name",
        plan::the_plan_has_every_stream,
    ),
    tap(
        "the-plan-is-the-same-in-every-run",
        CONFIG,
        "ids of partitions are the same in every run: bookmarks are kept by them",
        plan::the_plan_is_the_same_in_every_run,
    ),
    tap(
        "a-key-is-read-once",
        CONFIG,
        "a key identifies one record, in whichever partition it is",
        plan::a_key_is_read_once,
    ),
    tap(
        "messages-come-in-order",
        CONFIG,
        "the schema of a stream comes before its batches, also of an empty stream, and its end after them",
        order::messages_come_in_order,
    ),
    tap(
        "batches-fit-the-selection",
        CONFIG,
        "the selected columns come in their order and with their types, valid in every value, not null where none may be",
        order::batches_fit_the_selection,
    ),
    tap(
        "the-selected-columns-come",
        CONFIG,
        "a selection of columns gives these columns of every record, in the order that was asked for",
        selection::the_selected_columns_come,
    ),
    tap(
        "unknown-columns-are-not-made-up",
        CONFIG,
        "a selected column that the source does not have is an error of kind `schema`, or null where it may be",
        selection::unknown_columns_are_not_made_up,
    ),
    tap(
        "batches-are-not-too-large",
        CONFIG,
        "a batch has no more records and bytes than were asked for",
        order::batches_are_not_too_large,
    ),
    tap(
        "the-end-is-covered",
        CONFIG,
        "a stream that goes on by bookmark ends with a checkpoint after its last record",
        bookmarks::the_end_is_covered,
    ),
    tap(
        "reading-on-gives-the-rest",
        CONFIG,
        "a reader that begins at a bookmark gives every record that came after it",
        bookmarks::reading_on_gives_the_rest,
    ),
    tap(
        "reading-on-gives-exactly-the-rest",
        &[Need::Config, Need::Exact],
        "a reader that begins at a bookmark gives the records that came after it and no other",
        bookmarks::reading_on_gives_exactly_the_rest,
    ),
    tap(
        "a-strange-bookmark-is-refused",
        CONFIG,
        "a bookmark that the tap did not make is an error of kind `bookmark_lost` or `config`",
        selection::a_strange_bookmark_is_refused,
    ),
    tap(
        "reading-twice-gives-the-same",
        &[Need::Config, Need::Deterministic],
        "two readings of a source that did not change give the same records in the same order",
        bookmarks::reading_twice_gives_the_same,
    ),
    tap(
        "readers-do-not-disturb-each-other",
        CONFIG,
        "readers that work at once, of one partition or of several, give what each gives alone",
        lifetime::readers_do_not_disturb_each_other,
    ),
    tap(
        "a-reader-can-be-closed-at-any-moment",
        CONFIG,
        "a reader can be closed after any message, and the next one is not touched by it",
        lifetime::a_reader_can_be_closed_at_any_moment,
    ),
    tap(
        "batches-outlive-their-reader",
        CONFIG,
        "batches stay what they are once reader and tap are closed; parts of them are released by any thread",
        lifetime::batches_outlive_their_reader,
    ),
    tap(
        "a-timeout-of-zero-does-not-wait",
        CONFIG,
        "`next` comes back within its timeout, and gives everything all the same",
        waiting::a_timeout_of_zero_does_not_wait,
    ),
    tap(
        "a-cancelled-reader-ends-soon",
        CONFIG,
        "once the run is told to stop, `next` comes back soon, with `cancelled` or with what it has",
        waiting::a_cancelled_reader_ends_soon,
    ),
    target(
        "committed-rows-are-there",
        CONFIG,
        "rows are counted by `prepare`, and there after the commit, once",
        commits::committed_rows_are_there,
    ),
    target(
        "empty-windows-are-committed",
        CONFIG,
        "a window without rows and a commit without windows keep their records",
        commits::empty_windows_are_committed,
    ),
    target(
        "every-type-is-written-or-refused",
        CONFIG,
        "`declare` refuses a type with `unsupported` or `schema`, or the type can be written",
        types::every_type_is_written_or_refused,
    ),
    target(
        "a-new-column-is-added-or-refused",
        CONFIG,
        "`declare` of a next version with a column more adds it, or refuses it with `schema`",
        batches::a_new_column_is_added_or_refused,
    ),
    target(
        "a-window-larger-than-the-buffer-arrives",
        CONFIG,
        "a window of which the writer may keep nothing in memory arrives as any other",
        batches::a_window_larger_than_the_buffer_arrives,
    ),
    target(
        "what-is-not-committed-is-not-there",
        CONFIG,
        "what is written or prepared is not seen before its commit, and dropped with its writer",
        commits::what_is_not_committed_is_not_there,
    ),
    target(
        "writers-do-not-disturb-each-other",
        CONFIG,
        "writers that work at once, on one table or on several, are committed together or one by one",
        fences::writers_do_not_disturb_each_other,
    ),
    target(
        "batches-are-let-go",
        CONFIG,
        "every batch is released once, at the latest when everything is closed, also where writing it failed",
        batches::batches_are_let_go,
    ),
    target(
        "a-cancelled-writer-comes-back",
        CONFIG,
        "once the run is told to stop, `write` comes back soon, with `cancelled` or with what it did",
        batches::a_cancelled_writer_comes_back,
    ),
    target(
        "append-adds-every-record",
        &[Need::Config, Need::Mode(WriteMode::Append)],
        "with `append` every record becomes a row",
        modes::append_adds_every_record,
    ),
    target(
        "upsert-keeps-the-newest",
        &[Need::Config, Need::Mode(WriteMode::Upsert)],
        "with `upsert` a record replaces the one with its key: of its batch, of its window, of an older one",
        modes::upsert_keeps_the_newest,
    ),
    target(
        "a-null-in-a-key-is-refused",
        &[Need::Config, Need::Mode(WriteMode::Upsert), Need::KeepsRecords],
        "with `upsert` a null in a key is an error of kind `data`, and nothing of its window is kept",
        modes::a_null_in_a_key_is_refused,
    ),
    target(
        "overwrite-swaps-when-published",
        &[Need::Config, Need::Mode(WriteMode::Overwrite)],
        "with `overwrite` a generation is built aside, over several runs, and takes the table's place when published",
        modes::overwrite_swaps_when_published,
    ),
    target(
        "other-modes-are-refused",
        CONFIG,
        "a write mode that the manifest does not claim is an error of kind `unsupported`",
        modes::other_modes_are_refused,
    ),
    target(
        "records-come-back",
        &[Need::Config, Need::Transactional],
        "`begin` answers every record of its pipeline, as it was committed, also to a target that is opened anew",
        commits::records_come_back,
    ),
    target(
        "a-commit-again-changes-nothing",
        &[Need::Config, Need::Transactional],
        "a commit that was done is answered with OK, and its rows are not written again",
        commits::a_commit_again_changes_nothing,
    ),
    target(
        "a-gap-in-sequences-is-refused",
        &[Need::Config, Need::Transactional],
        "a record whose sequence is not the next one is an error, and nothing of its commit is kept",
        commits::a_gap_in_sequences_is_refused,
    ),
    target(
        "epochs-rise",
        &[Need::Config, Need::Transactional],
        "every `begin` of a pipeline answers a higher epoch",
        fences::epochs_rise,
    ),
    target(
        "an-older-run-is-fenced",
        &[Need::Config, Need::Transactional],
        "once a newer run has begun, a commit of an older one is an error of kind `fenced`, and nothing of it is kept",
        fences::an_older_run_is_fenced,
    ),
];

/// The cases of a role.
pub fn cases(role: Role) -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(move |case| case.role.is_none_or(|of| of == role))
}

/// The case of this name.
pub fn find_case(role: Role, name: &str) -> Option<&'static Case> {
    cases(role).find(|case| case.name == name)
}
