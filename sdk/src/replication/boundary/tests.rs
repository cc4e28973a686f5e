//! Ties at the boundary are neither lost nor doubled.

use arrow::array::{Int64Array, StringArray};
use arrow::compute::concat_batches;
use std::sync::Arc;

use super::*;

fn rows(rows: &[(Option<i64>, &str)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        ("at", Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.0))) as _, true),
        ("name", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.1))) as _, true),
    ])
    .unwrap()
}

/// Reads from `source` what a bookmark asks for, in batches of `size`; the records and a bookmark after each batch.
fn run(
    source: &RecordBatch,
    bookmark: Option<&Bookmark>,
    size: usize,
) -> (Vec<RecordBatch>, Vec<Option<Bookmark>>) {
    let mut boundary = Boundary::new("at", &DataType::Int64, bookmark).unwrap();
    let asked = match boundary.lower_bound() {
        Some(KeyValue::Int(lower)) => {
            let lower = Int64Array::new_scalar(i64::try_from(*lower).unwrap());
            let mask = cmp::gt_eq(source.column(0), &lower).unwrap();
            filter_record_batch(source, &mask).unwrap()
        }
        _ => source.clone(),
    };
    let (mut got, mut bookmarks) = (Vec::new(), Vec::new());
    for from in (0..asked.num_rows()).step_by(size) {
        let batch = asked.slice(from, size.min(asked.num_rows() - from));
        got.push(boundary.take(batch).unwrap());
        bookmarks.push(boundary.bookmark());
    }
    (got, bookmarks)
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let source = rows(&[
        (Some(1), "a"),
        (Some(2), "b"),
        (Some(2), "b"),
        (Some(2), "c"),
        (Some(2), "b"),
        (Some(3), "d"),
        (Some(3), "d"),
        (Some(3), "d"),
        (Some(4), "e"),
    ]);
    for size in 1..=9 {
        let (all, bookmarks) = run(&source, None, size);
        for (done, bookmark) in bookmarks.iter().enumerate() {
            for next_size in 1..=9 {
                let (rest, _) = run(&source, bookmark.as_ref(), next_size);
                let rest = concat_batches(&source.schema(), &rest).unwrap();
                let wanted = concat_batches(&source.schema(), &all[done + 1..]).unwrap();
                assert_eq!(rest, wanted, "batches of {size}, stopped after {done}, then of {next_size}");
            }
        }
    }
}

#[test]
fn a_chain_of_runs_over_a_growing_source_reads_every_row_once() {
    let mut known: Vec<(Option<i64>, &str)> = Vec::new();
    let mut bookmark = None;
    let mut read = 0;
    for new in [
        vec![(Some(1), "a"), (Some(1), "b")],
        vec![(Some(1), "a")],
        vec![],
        vec![(Some(1), "c"), (Some(2), "a")],
    ] {
        known.extend(new);
        let (got, bookmarks) = run(&rows(&known), bookmark.as_ref(), 2);
        read += got.iter().map(RecordBatch::num_rows).sum::<usize>();
        assert_eq!(read, known.len());
        bookmark = bookmarks.last().cloned().flatten().or(bookmark);
    }
}

#[test]
fn too_many_ties_give_no_bookmark_until_the_next_value() {
    let many: Vec<(Option<i64>, &str)> = (0..LIMIT_TIES + 1).map(|_| (Some(1), "a")).collect();
    let mut boundary = Boundary::new("at", &DataType::Int64, None).unwrap();
    boundary.take(rows(&many[1..])).unwrap();
    assert!(boundary.bookmark().unwrap().to_string().len() < 64 << 10);
    boundary.take(rows(&many[..1])).unwrap();
    assert_eq!(boundary.bookmark(), None);
    assert_eq!(boundary.last_bookmark(), Some(json!({"at": 1})));
    boundary.take(rows(&[(Some(2), "b")])).unwrap();
    assert!(boundary.bookmark().is_some());
}

/// A run over rows without a key, in batches of `size`: the records, and the bookmark of its end.
fn run_counting(
    source: &[(Option<i64>, &str)],
    bookmark: Option<&Bookmark>,
    size: usize,
) -> Result<(usize, Bookmark)> {
    let mut boundary = Boundary::new("at", &DataType::Int64, bookmark)?.counting_crowds(true);
    let lower = match boundary.lower_bound() {
        Some(KeyValue::Int(lower)) => i64::try_from(*lower).unwrap(),
        _ => i64::MIN,
    };
    let asked: Vec<_> = source.iter().copied().filter(|row| row.0.unwrap() >= lower).collect();
    let mut got = 0;
    for batch in asked.chunks(size) {
        got += boundary.take(rows(batch))?.num_rows();
    }
    boundary.check_end()?;
    Ok((got, boundary.last_bookmark().unwrap()))
}

#[test]
fn a_crowd_of_one_value_is_neither_lost_nor_doubled_without_a_key() {
    let crowd = 3 * LIMIT_TIES;
    let mut source: Vec<(Option<i64>, &str)> = vec![(Some(0), "first")];
    source.extend((0..crowd).map(|at| (Some(1), if at % 2 == 0 { "a" } else { "b" })));
    for size in [1_000, LIMIT_TIES, 1 << 20] {
        let (got, bookmark) = run_counting(&source, None, size).unwrap();
        assert_eq!(got, 1 + crowd);
        assert!(bookmark.to_string().len() < 1000);
        // Nothing new, twice, in whatever order and batches; then the next value.
        let mut again = source.clone();
        again[1..].reverse();
        for next in [1, 777, 1 << 20] {
            assert_eq!(run_counting(&again, Some(&bookmark), next).unwrap(), (0, bookmark.clone()));
        }
        again.push((Some(2), "c"));
        let (got, next) = run_counting(&again, Some(&bookmark), size).unwrap();
        assert_eq!(got, 1);
        assert_eq!(run_counting(&again, Some(&next), size).unwrap(), (0, next));
    }
}

#[test]
fn a_crowd_that_is_another_one_stops_the_stream() {
    let source: Vec<(Option<i64>, &str)> = (0..LIMIT_TIES + 5).map(|_| (Some(1), "a")).collect();
    let (_, bookmark) = run_counting(&source, None, 500).unwrap();
    let one_more = [&source[..], &[(Some(1), "new")]].concat();
    let one_less = source[1..].to_vec();
    let another = [&source[1..], &[(Some(1), "other")]].concat();
    for mut changed in [one_more, one_less, another, Vec::new()] {
        for with_next in [false, true] {
            if with_next {
                changed.push((Some(2), "b"));
            }
            let error = run_counting(&changed, Some(&bookmark), 500).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::BookmarkLost, "{error}");
        }
    }
    let damaged = json!({"at": 1, "boundary_rows": 7});
    assert!(Boundary::new("at", &DataType::Int64, Some(&damaged)).is_err());
}

#[test]
fn nulls_pass_and_hold_no_position() {
    let mut boundary = Boundary::new("at", &DataType::Int64, None).unwrap();
    assert_eq!(boundary.take(rows(&[(None, "a")])).unwrap().num_rows(), 1);
    assert_eq!(boundary.last_bookmark(), None);
    boundary.take(rows(&[(Some(5), "b"), (None, "c")])).unwrap();
    assert_eq!(boundary.bookmark().unwrap()["at"], 5);
}

#[test]
fn records_out_of_order_are_refused() {
    let mut boundary = Boundary::new("at", &DataType::Int64, None).unwrap();
    assert!(boundary.take(rows(&[(Some(2), "a"), (Some(1), "b")])).is_err());
    let mut boundary = Boundary::new("at", &DataType::Int64, None).unwrap();
    boundary.take(rows(&[(Some(2), "a")])).unwrap();
    assert!(boundary.take(rows(&[(Some(1), "b")])).is_err());
}

#[test]
fn a_bookmark_of_another_key_or_a_damaged_one_is_refused() {
    let of = |bookmark| Boundary::new("at", &DataType::Int64, Some(&bookmark)).unwrap_err();
    assert_eq!(of(json!({"id": 1})).kind(), crate::ErrorKind::BookmarkLost);
    assert_eq!(of(json!({"at": 1, "boundary": "AAA"})).to_string(), "`boundary` in the bookmark is damaged");
    let by_hand = Boundary::new("at", &DataType::Int64, Some(&json!({"at": 1}))).unwrap();
    assert_eq!(by_hand.lower_bound(), Some(&KeyValue::Int(1)));
}

#[test]
fn a_boundary_that_looks_back_takes_all_and_does_not_go_back() {
    let mut first = Boundary::new("at", &DataType::Int64, None).unwrap();
    first.take(rows(&[(Some(1), "a"), (Some(5), "b")])).unwrap();
    let bookmark = first.bookmark().unwrap();
    let again = || Boundary::new("at", &DataType::Int64, Some(&bookmark)).unwrap().looking_back();
    let at = |bookmark: Option<Bookmark>| bookmark.map(|bookmark| bookmark["at"].clone());
    let mut second = again();
    let early = rows(&[(Some(3), "late"), (Some(4), "later")]);
    assert_eq!(second.take(early.clone()).unwrap(), early);
    assert_eq!((second.bookmark(), at(second.last_bookmark())), (None, Some(5.into())));
    let known = rows(&[(Some(5), "b"), (Some(6), "c")]);
    assert_eq!(second.take(known.clone()).unwrap(), known);
    assert_eq!(at(second.bookmark()), Some(6.into()));
    // Where nothing comes at all.
    assert_eq!((again().bookmark(), at(again().last_bookmark())), (None, Some(5.into())));
}
