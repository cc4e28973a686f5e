//! Two real libraries and the real pipeline between them: the buffers that the target is given are those that the tap
//! allocated, at the same addresses, for every layout.

mod host;

use dstream_abi::import::Validation;
use host::{Copied, Cut, Seen};

/// Where the two batches of a stream are not at the addresses that the tap told.
fn differences(seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    for (stream, told, given) in seen {
        assert_eq!((told.len(), given.len()), (2, 2), "{stream}: both batches");
        for (told, given) in told.iter().zip(given) {
            found.extend(host::compare(told, given).err().map(|what| format!("{stream}: {what}")));
        }
    }
    found
}

#[test]
fn every_buffer_of_every_layout_arrives_where_the_tap_allocated_it() {
    for validation in [Validation::Structural, Validation::Full] {
        for tap in ["layouts", "sliced-layouts"] {
            let seen = host::sync(tap, validation, Copied::Nothing, Cut::None);
            assert_eq!(differences(&seen), [""; 0], "{tap}, {validation:?}");
            assert_eq!(seen.len(), 59, "layouts");
        }
    }
}

#[test]
fn a_batch_that_is_copied_on_the_way_is_noticed_in_every_layout() {
    for tap in ["layouts", "sliced-layouts"] {
        let seen = host::sync(tap, Validation::Structural, Copied::Everything, Cut::None);
        let found = differences(&seen);
        for (stream, ..) in &seen {
            // Nothing in it could be copied.
            let has_buffers = stream != "null";
            let is_found = found.iter().filter(|what| what.starts_with(&format!("{stream}: "))).count();
            assert_eq!(is_found, if has_buffers { 2 } else { 0 }, "{tap}, {stream}");
        }
    }
}

#[test]
fn a_copy_of_the_last_buffer_of_a_column_alone_is_noticed() {
    let seen = host::sync("layouts", Validation::Structural, Copied::LastBuffer, Cut::None);
    let found = differences(&seen);
    for (stream, ..) in seen.iter().filter(|(stream, ..)| stream != "null") {
        assert!(found.iter().any(|what| what.starts_with(&format!("{stream}: "))), "{stream}");
    }
}

#[test]
fn a_limit_opens_the_batch_that_it_cuts_and_moves_no_values() {
    let seen = host::sync("layouts", Validation::Structural, Copied::Nothing, Cut::At(20));
    for (stream, told, given) in &seen {
        assert_eq!(given.len(), 1, "{stream}: cut within the first batch");
        host::compare_opened(&told[0], &given[0]).unwrap_or_else(|what| panic!("{stream}: {what}"));
    }
}
