//! What a stream needs of its table, without a file.

use super::*;
use arrow::datatypes::DataType;
use dstream_sdk::{ErrorKind, ReplicationMethod, WriteMode};

fn shape(columns: &[(&str, DataType)]) -> Shape {
    let fields: Vec<_> = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect();
    Shape::new(&Schema::new(fields)).unwrap()
}

fn plan(write_mode: WriteMode) -> StreamPlan {
    StreamPlan {
        stream: "s".into(),
        table: "t".into(),
        write_mode,
        write_mode_is_explicit: false,
        key_properties: vec!["id".into()],
        replication_method: ReplicationMethod::FullTable,
        generation: 1,
        resumed: false,
    }
}

fn found(columns: &[(&str, &str)]) -> Found {
    let column = |(name, declared): &(&str, &str)| FoundColumn {
        name: (*name).into(),
        declared: (*declared).into(),
        is_required: false,
        is_generated: false,
        arrow: None,
    };
    Found {
        kind: "table".into(),
        strict: false,
        columns: columns.iter().map(column).collect(),
        unique: vec![],
    }
}

#[test]
fn a_table_that_has_every_column_needs_nothing() {
    let fit = fit(
        &found(&[("ID", "bigint"), ("x", "real")]),
        &shape(&[("id", DataType::Int32), ("x", DataType::Float64)]),
        &plan(WriteMode::Append),
    )
    .unwrap();
    assert_eq!((fit.add.len(), fit.gone.len(), fit.real), (0, 0, vec![1]));
}

#[test]
fn a_strict_table_takes_bytes_only_where_it_converts_nothing() {
    let blob = shape(&[("x", DataType::Binary)]);
    let mut there = found(&[("x", "TEXT")]);
    fit(&there, &blob, &plan(WriteMode::Append)).unwrap();
    there.strict = true;
    assert_eq!(fit(&there, &blob, &plan(WriteMode::Append)).unwrap_err().kind(), ErrorKind::Schema);
    there.columns[0].declared = "ANY".into();
    fit(&there, &blob, &plan(WriteMode::Append)).unwrap();
}

#[test]
fn a_key_column_is_not_added_to_a_table_that_is_there() {
    let error = fit(&found(&[("x", "TEXT")]), &shape(&[("id", DataType::Int64)]), &plan(WriteMode::Upsert))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("`id`"), "{error}");
}

#[test]
fn a_column_of_several_types_is_noted_with_the_widest() {
    let noted_after = |before: DataType, now: DataType| {
        let mut there = found(&[("x", "")]);
        there.columns[0].arrow = Some(shape(&[("x", before)]).columns.remove(0).arrow);
        let fit = fit(&there, &shape(&[("x", now)]), &plan(WriteMode::Append)).unwrap();
        fit.arrow
            .into_iter()
            .next()
            .map(|(_, arrow)| serde_json::from_str::<FieldJson>(&arrow).unwrap().format)
    };
    assert_eq!(noted_after(DataType::Int32, DataType::Int32), None);
    assert_eq!(noted_after(DataType::Int64, DataType::Int8), None);
    assert_eq!(noted_after(DataType::Int32, DataType::Int8).as_deref(), Some("l"));
    assert_eq!(noted_after(DataType::Date32, DataType::Utf8).as_deref(), Some("u"));
    assert_eq!(noted_after(DataType::Null, DataType::Date32).as_deref(), Some("tdD"));
    assert_eq!(noted_after(DataType::Date32, DataType::Null), None);
}
