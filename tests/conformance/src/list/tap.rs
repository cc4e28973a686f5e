//! The cases of a tap, in the order of its life.

use super::CONFIG;
use crate::case::{Case, Need};
use crate::tap::{bookmarks, catalog, lifetime, order, plan, selection, waiting};

pub(super) static CASES: &[Case] = &[
    Case::new(
        "the-catalog-holds-together",
        CONFIG,
        "names are unique, and keys are columns that there are",
        catalog::the_catalog_holds_together,
    ),
    Case::new(
        "the-catalog-survives-a-file",
        CONFIG,
        "a catalog that was written as JSON and read again is the same",
        catalog::the_catalog_survives_a_file,
    ),
    Case::new(
        "discovering-twice-gives-the-same",
        CONFIG,
        "`discover` answers the same, also through another tap",
        catalog::discovering_twice_gives_the_same,
    ),
    Case::new(
        "the-plan-has-every-stream",
        CONFIG,
        "every selected stream is in a partition, no other is; the id of a stream read as a whole is its name",
        plan::the_plan_has_every_stream,
    ),
    Case::new(
        "the-plan-is-the-same-in-every-run",
        CONFIG,
        "ids of partitions are the same in every run: bookmarks are kept by them",
        plan::the_plan_is_the_same_in_every_run,
    ),
    Case::new(
        "a-key-is-read-once",
        CONFIG,
        "a key identifies one record, in whichever partition it is",
        plan::a_key_is_read_once,
    ),
    Case::new(
        "messages-come-in-order",
        CONFIG,
        "the schema of a stream comes before its batches, also of an empty stream, and its end after them",
        order::messages_come_in_order,
    ),
    Case::new(
        "batches-fit-the-selection",
        CONFIG,
        "the selected columns come in their order and with their types, valid in every value, not null where none may be",
        order::batches_fit_the_selection,
    ),
    Case::new(
        "the-selected-columns-come",
        CONFIG,
        "a selection of columns gives these columns of every record, in the order that was asked for",
        selection::the_selected_columns_come,
    ),
    Case::new(
        "unknown-columns-are-not-made-up",
        CONFIG,
        "a selected column that the source does not have is an error of kind `schema`, or null where it may be",
        selection::unknown_columns_are_not_made_up,
    ),
    Case::new(
        "batches-are-not-too-large",
        CONFIG,
        "a batch has no more records than were asked for, and no more bytes but for its last record",
        order::batches_are_not_too_large,
    ),
    Case::new(
        "the-end-is-covered",
        CONFIG,
        "a stream that goes on by bookmark ends with a checkpoint after its last record",
        bookmarks::the_end_is_covered,
    ),
    Case::new(
        "reading-on-gives-the-rest",
        CONFIG,
        "a reader that begins at a bookmark gives every record that came after it",
        bookmarks::reading_on_gives_the_rest,
    ),
    Case::new(
        "reading-on-gives-exactly-the-rest",
        &[Need::Config, Need::Exact],
        "a reader that begins at a bookmark gives the records that came after it and no other",
        bookmarks::reading_on_gives_exactly_the_rest,
    ),
    Case::new(
        "a-strange-bookmark-is-refused",
        CONFIG,
        "a bookmark that the tap did not make is an error of kind `bookmark_lost` or `config`",
        selection::a_strange_bookmark_is_refused,
    ),
    Case::new(
        "reading-twice-gives-the-same",
        &[Need::Config, Need::Deterministic],
        "two readings of a source that did not change give the same records in the same order",
        bookmarks::reading_twice_gives_the_same,
    ),
    Case::new(
        "readers-do-not-disturb-each-other",
        CONFIG,
        "readers that work at once, of one partition or of several, give what each gives alone",
        lifetime::readers_do_not_disturb_each_other,
    ),
    Case::new(
        "a-reader-can-be-closed-at-any-moment",
        CONFIG,
        "a reader can be closed after any message, and the next one is not touched by it",
        lifetime::a_reader_can_be_closed_at_any_moment,
    ),
    Case::new(
        "batches-outlive-their-reader",
        CONFIG,
        "batches stay what they are once reader and tap are closed; parts of them are released by any thread",
        lifetime::batches_outlive_their_reader,
    ),
    Case::new(
        "a-timeout-of-zero-does-not-wait",
        CONFIG,
        "`next` comes back within its timeout, and gives everything all the same",
        waiting::a_timeout_of_zero_does_not_wait,
    ),
    Case::new(
        "a-cancelled-reader-ends-soon",
        CONFIG,
        "once the run is told to stop, `next` comes back soon, with `cancelled` or with what it has",
        waiting::a_cancelled_reader_ends_soon,
    ),
];
