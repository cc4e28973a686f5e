use super::*;
use crate::config::TargetOptions;
use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::{
    ErrorKind, ReplicationMethod, Result, SelectedStream, StreamPlan, TapManifest, TargetManifest, WriteMode,
};

use ReplicationMethod::{FullTable, Incremental, LogBased};
use WriteMode::{Append, Overwrite, Upsert};

fn stream(name: &str, method: ReplicationMethod, keys: &[&str]) -> SelectedStream {
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("Name", DataType::Utf8, true)];
    SelectedStream {
        name: name.into(),
        schema: Schema::new(fields).into(),
        key_properties: keys.iter().map(|key| (*key).to_owned()).collect(),
        replication_method: method,
        replication_key: None,
    }
}

fn target(modes: &[WriteMode]) -> TargetManifest {
    TargetManifest { write_modes: modes.to_vec(), transactional: true, ..TargetManifest::default() }
}

fn every() -> TargetManifest {
    target(&[Append, Upsert, Overwrite])
}

fn options(write_mode: Option<WriteMode>, table: Option<&str>) -> TargetOptions {
    TargetOptions { write_mode, table: table.map(|text| Template::parse(text).unwrap()) }
}

fn modes(
    streams: &[SelectedStream],
    options: &TargetOptions,
    target: &TargetManifest,
    start: Start,
) -> Result<Tables> {
    plan_tables(streams, options, target, |_| start)
}

#[test]
fn a_defaulted_write_mode_never_doubles_rows() {
    for (method, keys, start, mode) in [
        (FullTable, &["id"][..], Start::Beginning, Upsert),
        (Incremental, &["id"], Start::Beginning, Upsert),
        (Incremental, &["id"], Start::Bookmark, Upsert),
        (FullTable, &[], Start::Beginning, Overwrite),
        (FullTable, &[], Start::Aside, Overwrite),
        (Incremental, &[], Start::Beginning, Overwrite),
        (Incremental, &[], Start::Aside, Overwrite),
        (Incremental, &[], Start::Bookmark, Append),
        (LogBased, &[], Start::Bookmark, Append),
    ] {
        let tables = modes(&[stream("a", method, keys)], &options(None, None), &every(), start).unwrap();
        assert_eq!(tables.plans[0].write_mode, mode, "{method} {keys:?} {start:?}");
        assert!(!tables.plans[0].write_mode_is_explicit);
        assert_eq!(tables.warnings, Vec::<String>::new());
        assert_eq!(tables.start_over, Vec::<String>::new());
    }
}

#[test]
fn a_defaulted_write_mode_is_one_that_the_target_offers() {
    let with_key = stream("a", FullTable, &["id"]);
    let without = stream("b", FullTable, &[]);
    let streams = [with_key, without];
    let tables = modes(&streams, &options(None, None), &target(&[Append]), Start::Beginning).unwrap();
    assert!(tables.plans.iter().all(|plan| plan.write_mode == Append));
    assert_eq!(tables.warnings.len(), 2, "{:?}", tables.warnings);
    let tables =
        modes(&streams, &options(None, None), &target(&[Append, Overwrite]), Start::Beginning).unwrap();
    assert!(tables.plans.iter().all(|plan| plan.write_mode == Overwrite));
    let error = modes(&streams, &options(None, None), &target(&[]), Start::Beginning).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn an_explicit_append_from_the_beginning_is_done_and_warned_about() {
    let streams = [stream("a", Incremental, &["id"])];
    let tables = modes(&streams, &options(Some(Append), None), &every(), Start::Beginning).unwrap();
    assert_eq!(tables.plans[0].write_mode, Append);
    assert!(tables.plans[0].write_mode_is_explicit);
    assert!(tables.warnings[0].contains("`a`"), "{:?}", tables.warnings);
    let tables = modes(&streams, &options(Some(Append), None), &every(), Start::Bookmark).unwrap();
    assert!(tables.warnings.is_empty());
}

#[test]
fn an_explicit_overwrite_starts_over() {
    let streams = [stream("a", Incremental, &[])];
    let over = |start| modes(&streams, &options(Some(Overwrite), None), &every(), start).unwrap().start_over;
    assert_eq!(over(Start::Bookmark), ["a"]);
    assert!(over(Start::Aside).is_empty() && over(Start::Beginning).is_empty());
}

#[test]
fn a_write_mode_that_cannot_be_is_refused_with_a_hint() {
    let error =
        modes(&[stream("a", FullTable, &[])], &options(Some(Upsert), None), &every(), Start::Beginning)
            .unwrap_err();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Config, Some("a")));
    assert!(error.hint_text().unwrap().contains("--key"));
    let offers = target(&[Append, Overwrite]);
    let error =
        modes(&[stream("a", FullTable, &["id"])], &options(Some(Upsert), None), &offers, Start::Beginning)
            .unwrap_err();
    assert_eq!(error.hint_text(), Some("it offers `append`, `overwrite`"));
}

#[test]
fn the_table_is_the_last_part_of_the_name_or_what_the_template_says() {
    let table =
        |template: &str, stream: &str| Template::parse(template).and_then(|found| found.table_of(stream));
    for (template, stream, name) in [
        (Template::DEFAULT, "public.orders", "orders"),
        (Template::DEFAULT, "orders", "orders"),
        ("raw_{table}", "public.orders", "raw_orders"),
        ("{schema}__{table}", "db.public.orders", "db.public__orders"),
        ("{stream}", "public.orders", "public.orders"),
        ("{{{table}}}", "orders", "{orders}"),
        ("all", "orders", "all"),
    ] {
        assert_eq!(table(template, stream).unwrap(), name);
    }
    assert_eq!(Template::parse(Template::DEFAULT).unwrap(), Template::default());
    for (template, stream, message) in [
        ("{tabel}", "a", "no placeholder `{tabel}`"),
        ("{table", "a", "stands alone"),
        ("table}", "a", "stands alone"),
        ("", "a", "is empty"),
        ("{schema}_{table}", "orders", "no part before a dot"),
        ("{table}", "orders.", "would have no name"),
    ] {
        let error = table(template, stream).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(message), "{error}");
        assert!(error.hint_text().is_some());
    }
}

#[test]
fn two_streams_in_one_table_are_refused_by_both_names() {
    let streams = [stream("public.orders", FullTable, &[]), stream("old.orders", FullTable, &[])];
    let error = modes(&streams, &options(None, None), &every(), Start::Beginning).unwrap_err();
    assert!(error.message().contains("`public.orders` and `old.orders`"), "{error}");
    assert!(error.hint_text().unwrap().contains("{schema}_{table}"));
    modes(&streams, &options(None, Some("{stream}")), &every(), Start::Beginning).unwrap();
    modes(&streams, &options(None, Some("one")), &every(), Start::Beginning).unwrap_err();

    let streams = [stream("Orders", FullTable, &[]), stream("orders", FullTable, &[])];
    modes(&streams, &options(None, None), &every(), Start::Beginning).unwrap();
    let folds = TargetManifest { case_insensitive_names: true, ..every() };
    let error = modes(&streams, &options(None, None), &folds, Start::Beginning).unwrap_err();
    assert!(error.message().contains("`Orders` and `orders`, which are one"), "{error}");
}

#[test]
fn columns_that_differ_by_case_alone_are_refused_where_the_target_does_not_tell_case() {
    let mut one = stream("a", FullTable, &[]);
    let mut fields: Vec<_> = one.schema.fields().iter().cloned().collect();
    fields.push(Field::new("name", DataType::Utf8, true).into());
    one.schema = Schema::new(fields).into();
    modes(std::slice::from_ref(&one), &options(None, None), &every(), Start::Beginning).unwrap();
    let folds = TargetManifest { case_insensitive_names: true, ..every() };
    let error = modes(&[one], &options(None, None), &folds, Start::Beginning).unwrap_err();
    assert!(error.message().contains("`Name` and `name`"), "{error}");
}

/// The matrix of docs/guarantees.md.
#[test]
fn the_promise_follows_tap_target_mode_and_key() {
    use Promise::*;
    for (exact, transactional, mode, explicit, method, keys, promise) in [
        (true, true, Upsert, false, Incremental, &["id"][..], ExactlyOnce),
        (true, true, Append, false, Incremental, &[], ExactlyOnce),
        (true, true, Overwrite, false, Incremental, &[], ExactlyOnce),
        (true, true, Append, true, FullTable, &[], ExactlyOnce),
        (false, true, Upsert, false, Incremental, &["id"], ExactlyOncePerKey),
        (false, true, Upsert, false, FullTable, &["id"], ExactlyOncePerKey),
        (false, true, Append, false, Incremental, &[], AtLeastOnce),
        (false, true, Append, true, Incremental, &["id"], AtLeastOnce),
        (false, true, Overwrite, false, FullTable, &[], ExactlyOnce),
        (false, true, Overwrite, true, Incremental, &[], ExactlyOnce),
        (false, true, Overwrite, false, Incremental, &[], AtLeastOnce),
        (true, false, Upsert, false, Incremental, &["id"], EffectivelyOncePerKey),
        (false, false, Upsert, false, FullTable, &["id"], EffectivelyOncePerKey),
        (true, false, Append, false, Incremental, &[], AtLeastOnce),
        (true, false, Overwrite, false, FullTable, &[], AtLeastOnce),
    ] {
        let tap = TapManifest { exact, ..TapManifest::default() };
        let target = TargetManifest { transactional, ..every() };
        let plan = StreamPlan {
            stream: "orders".into(),
            table: "orders".into(),
            write_mode: mode,
            write_mode_is_explicit: explicit,
            key_properties: keys.iter().map(|key| (*key).to_owned()).collect(),
            replication_method: method,
            generation: 1,
            resumed: false,
        };
        let explained = explain(&tap, &target, &plan);
        assert_eq!(explained.promise, promise, "{exact} {transactional} {mode} {explicit} {method} {keys:?}");
        let is_enough = promise <= ExactlyOncePerKey;
        let refused = check_exactly_once(std::slice::from_ref(&explained));
        assert_eq!(refused.is_ok(), is_enough);
        if let Err(error) = refused {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(
                error.message().contains("`orders`") && error.message().contains(&promise.to_string()),
                "{error}"
            );
            assert_eq!(error.hint_text(), explained.advice.as_deref());
        }
    }
}
