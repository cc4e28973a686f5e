//! Every case. The order is that of a connector's life.

use crate::case::{Case, Need};
use crate::subject::{Role, Subject};
use crate::tap::bookmarks;
use crate::verdict::Step;

type Run = fn(&Subject<'_>) -> Step<String>;

const fn tap(name: &'static str, needs: &'static [Need], promise: &'static str, run: Run) -> Case {
    Case { name, promise, role: Some(Role::Tap), needs, run }
}

static CASES: &[Case] = &[
    tap(
        "the-end-is-covered",
        &[Need::Config],
        "a stream that goes on by bookmark ends with a checkpoint after its last record",
        bookmarks::the_end_is_covered,
    ),
    tap(
        "reading-on-gives-the-rest",
        &[Need::Config],
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
        "reading-twice-gives-the-same",
        &[Need::Config, Need::Deterministic],
        "two readings of a source that did not change give the same records in the same order",
        bookmarks::reading_twice_gives_the_same,
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
