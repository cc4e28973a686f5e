//! Append, upsert, overwrite.

use super::kit::*;
use arrow::array::{Int64Array, StringArray};
use dstream_sdk::*;
use std::sync::Arc;

#[test]
fn append_makes_every_record_a_row() {
    let place = place();
    let run = place.run();
    for _ in 0..2 {
        run.sync(&plan("t", WriteMode::Append), &[people(&[(1, "a"), (1, "a")])]).unwrap();
    }
    assert_eq!(place.rows("SELECT * FROM t"), ["1|a"; 4]);
}

#[test]
fn upsert_replaces_the_row_of_the_key_and_the_newest_wins() {
    let place = place();
    let run = place.run();
    let upsert = plan("t", WriteMode::Upsert);
    run.sync(&upsert, &[people(&[(1, "a"), (2, "b"), (1, "c")]), people(&[(2, "d")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), ["1|c", "2|d"]);
    run.sync(&upsert, &[people(&[(2, "e"), (3, "f")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), ["1|c", "2|e", "3|f"]);
}

#[test]
fn upsert_keeps_the_newest_of_many_rows_with_few_keys() {
    let place = place();
    let names: Vec<String> = (0..1000).map(|row| format!("n{row}")).collect();
    let rows: Vec<(i64, &str)> =
        names.iter().enumerate().map(|(row, name)| ((row % 7) as i64, name.as_str())).collect();
    place.run().sync(&plan("t", WriteMode::Upsert), &[people(&rows)]).unwrap();
    let expected: Vec<String> =
        (0..7).map(|id| format!("{id}|n{}", (0..1000).rev().find(|row| row % 7 == id).unwrap())).collect();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), expected);
}

#[test]
fn upsert_takes_rows_that_are_keys_alone() {
    let place = place();
    let run = place.run();
    for _ in 0..2 {
        run.sync(&plan("t", WriteMode::Upsert), &[numbers(0..100), numbers(50..101)]).unwrap();
    }
    assert_eq!(place.rows("SELECT count(*), max(id) FROM t"), ["101|100"]);
}

#[test]
fn upsert_takes_a_key_of_several_columns() {
    let place = place();
    let mut upsert = plan("t", WriteMode::Upsert);
    upsert.key_properties = vec!["name".into(), "id".into()];
    place.run().sync(&upsert, &[people(&[(1, "a"), (1, "b"), (1, "a")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY name"), ["1|a", "1|b"]);
}

#[test]
fn upsert_without_a_key_or_with_an_unknown_one_is_refused() {
    let place = place();
    let run = place.run();
    let mut upsert = plan("t", WriteMode::Upsert);
    upsert.key_properties = vec![];
    assert_error(run.sync(&upsert, &[numbers(0..1)]), ErrorKind::Config, &["key"]);
    upsert.key_properties = vec!["other".into()];
    assert_error(run.sync(&upsert, &[numbers(0..1)]), ErrorKind::Config, &["`other`"]);
}

#[test]
fn a_null_key_is_refused_with_the_column_and_the_row() {
    let place = place();
    let run = place.run();
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("name", Arc::new(StringArray::from(vec!["a", "b"]))),
    ]);
    assert_error(
        run.sync(&plan("t", WriteMode::Upsert), &[rows]),
        ErrorKind::Data,
        &["`id`", "row 2", "`t`"],
    );
    assert_eq!(place.count("t"), 0);
}

#[test]
fn an_empty_stream_still_makes_its_table() {
    let place = place();
    let run = place.run();
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let table = mode.to_string();
        run.sync(&plan(&table, mode), &[people(&[])]).unwrap();
        assert_eq!(place.count(&table), 0);
    }
    let mut writer = run.writer(&[plan("declared", WriteMode::Append)]);
    writer.declare(0, 1, people(&[]).schema()).unwrap();
    let commit = run.commit_of(writer.prepare(1).unwrap(), "declared", 1);
    run.target.commit(&commit).unwrap();
    assert_eq!(place.count("declared"), 0);
    let overwrite = plan("over", WriteMode::Overwrite);
    run.sync_and_publish(&overwrite, &[people(&[])], std::slice::from_ref(&overwrite)).unwrap();
    assert_eq!(place.count("over"), 0);
}

fn generation(number: u64, resumed: bool) -> StreamPlan {
    StreamPlan { generation: number, resumed, ..plan("t", WriteMode::Overwrite) }
}

#[test]
fn overwritten_rows_stay_until_the_new_ones_are_published() {
    let place = place();
    let run = place.run();
    let first = generation(1, false);
    run.sync_and_publish(&first, &[numbers(0..3)], std::slice::from_ref(&first)).unwrap();
    assert_eq!(place.count("t"), 3);

    let run = place.run();
    let second = generation(2, false);
    run.sync(&second, &[numbers(10..14)]).unwrap();
    run.sync(&second, &[numbers(14..15)]).unwrap();
    assert_eq!(place.rows("SELECT min(id), count(*) FROM t"), ["0|3"]);
    let publish = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        records: vec![CommitRecord { key: "t".into(), sequence: 4, value: 0.into() }],
        publish: vec![second],
        ..Commit::default()
    };
    run.target.commit(&publish).unwrap();
    assert_eq!(place.rows("SELECT min(id), count(*) FROM t"), ["10|5"]);
    run.target.commit(&publish).unwrap();
    assert_eq!(place.tables(), ["t"]);
    assert!(place.rows("SELECT relname FROM pg_class WHERE relname LIKE '%\\_new%'").is_empty());
}

#[test]
fn a_resumed_generation_goes_on_with_what_was_built_aside() {
    let place = place();
    place.run().sync(&generation(1, false), &[numbers(0..3)]).unwrap();
    let resumed = generation(1, true);
    place.run().sync_and_publish(&resumed, &[numbers(3..5)], std::slice::from_ref(&resumed)).unwrap();
    assert_eq!(place.count("t"), 5);
}

#[test]
fn a_generation_that_starts_over_drops_what_was_built_aside() {
    let place = place();
    place.run().sync(&generation(1, false), &[numbers(0..3)]).unwrap();
    // The number may be the same, where the user cleared the state.
    for number in [1, 2] {
        let again = generation(number, false);
        place.run().sync_and_publish(&again, &[numbers(3..5)], std::slice::from_ref(&again)).unwrap();
        assert_eq!(place.count("t"), 2);
        place.run().sync(&generation(2, false), &[numbers(0..9)]).unwrap();
    }
}

#[test]
fn partitions_of_one_generation_build_the_same_table() {
    let place = place();
    let run = place.run();
    let plan = generation(1, false);
    let mut writers: Vec<_> = (0..3)
        .map(|at| {
            let mut writer = run.writer(std::slice::from_ref(&plan));
            writer.declare(0, 1, numbers(0..0).schema()).unwrap();
            writer.write(0, 1, numbers(at * 10..at * 10 + 10).into()).unwrap();
            writer
        })
        .collect();
    for (at, writer) in writers.iter_mut().enumerate() {
        let mut commit = run.commit_of(writer.prepare(1).unwrap(), &format!("t/{at}"), 1);
        if at == 2 {
            commit.publish = vec![plan.clone()];
        }
        run.target.commit(&commit).unwrap();
    }
    assert_eq!(place.count("t"), 30);
}

#[test]
fn rows_of_a_published_generation_go_into_the_table() {
    let place = place();
    let run = place.run();
    let first = generation(1, false);
    run.sync_and_publish(&first, &[numbers(0..3)], std::slice::from_ref(&first)).unwrap();
    run.sync(&first, &[numbers(3..4)]).unwrap();
    place.run().sync(&generation(1, true), &[numbers(4..5)]).unwrap();
    assert_eq!(place.count("t"), 5);
}

#[test]
fn publishing_what_was_not_built_is_refused() {
    let place = place();
    let run = place.run();
    let commit = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        publish: vec![generation(1, false)],
        ..Commit::default()
    };
    assert_error(run.target.commit(&commit), ErrorKind::NotFound, &["`t`"]);
}

#[test]
fn what_was_built_aside_and_dropped_by_someone_is_missed() {
    let place = place();
    place.run().sync(&generation(1, false), &[numbers(0..3)]).unwrap();
    place.sql("DROP TABLE _dstreams_new_t");
    let outcome = place.run().sync(&generation(1, true), &[numbers(3..5)]);
    assert_error(outcome, ErrorKind::Schema, &["`t`", "gone"]);
}

