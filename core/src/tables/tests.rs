use super::*;
use crate::config::TargetOptions;
use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::{
    ErrorKind, ReplicationMethod, Result, SelectedStream, TapManifest, TargetManifest, WriteMode,
};

use ReplicationMethod::{FullTable, Incremental, LogBased};
use WriteMode::{Append, Overwrite, Upsert};

fn stream(name: &str, method: ReplicationMethod, keys: &[&str]) -> SelectedStream {
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("Name", DataType::Utf8, true)];
    SelectedStream {
        upserted: false,
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

fn one(stream: SelectedStream, write_mode: Option<WriteMode>, target: &TargetManifest) -> Result<TablePlan> {
    plan(&[stream], &options(write_mode, None), target).map(|mut plans| plans.remove(0))
}

#[test]
fn a_defaulted_write_mode_never_doubles_rows() {
    for (method, keys, first, later) in [
        (FullTable, &["id"][..], Upsert, Upsert),
        (Incremental, &["id"], Upsert, Upsert),
        (LogBased, &["id"], Upsert, Upsert),
        (FullTable, &[], Overwrite, Overwrite),
        (Incremental, &[], Overwrite, Append),
        (LogBased, &[], Overwrite, Append),
    ] {
        let plan = one(stream("a", method, keys), None, &every()).unwrap();
        assert_eq!((plan.write_mode(true), plan.write_mode(false)), (first, later), "{method} {keys:?}");
        assert!(!plan.is_explicit && !plan.starts_over);
        assert_eq!(plan.warning(), None);
    }
}

#[test]
fn a_defaulted_write_mode_is_one_that_the_target_offers() {
    for (offers, method, keys, modes) in [
        (&[Append][..], FullTable, &["id"][..], Some((Append, Append))),
        (&[Append], Incremental, &[], Some((Append, Append))),
        (&[Append, Overwrite], FullTable, &["id"], Some((Overwrite, Overwrite))),
        (&[Append, Overwrite], Incremental, &["id"], Some((Overwrite, Append))),
        (&[Append, Upsert], FullTable, &[], Some((Append, Append))),
        (&[Overwrite], FullTable, &[], Some((Overwrite, Overwrite))),
        (&[Overwrite], Incremental, &[], None),
        (&[], FullTable, &[], None),
    ] {
        let plan = one(stream("a", method, keys), None, &target(offers));
        let Some((first, later)) = modes else {
            assert_eq!(plan.unwrap_err().kind(), ErrorKind::Config);
            continue;
        };
        let plan = plan.unwrap();
        assert_eq!((plan.write_mode(true), plan.write_mode(false)), (first, later), "{offers:?} {method}");
        assert_eq!(plan.warning().is_some(), first == Append, "{offers:?} {method}");
    }
}

#[test]
fn an_explicit_mode_is_that_mode_and_says_what_it_does() {
    let plan = |mode| one(stream("a", Incremental, &["id"]), Some(mode), &every()).unwrap();
    for mode in [Append, Upsert, Overwrite] {
        let plan = plan(mode);
        assert_eq!((plan.write_mode(true), plan.write_mode(false)), (mode, mode));
        assert!(plan.is_explicit);
        assert_eq!(plan.starts_over, mode == Overwrite, "a table is replaced by the whole stream only");
        assert_eq!(plan.warning().is_some(), mode == Append);
    }
    assert!(!one(stream("a", FullTable, &[]), Some(Overwrite), &every()).unwrap().starts_over);
}

#[test]
fn a_write_mode_that_cannot_be_is_refused_with_a_hint() {
    let error = one(stream("a", FullTable, &[]), Some(Upsert), &every()).unwrap_err();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Config, Some("a")));
    assert!(error.hint_text().unwrap().contains("--key"));
    let offers = target(&[Append, Overwrite]);
    let error = one(stream("a", FullTable, &["id"]), Some(Upsert), &offers).unwrap_err();
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
    let error = plan(&streams, &options(None, None), &every()).unwrap_err();
    assert!(error.message().contains("`public.orders` and `old.orders`"), "{error}");
    assert!(error.hint_text().unwrap().contains("{schema}_{table}"));
    plan(&streams, &options(None, Some("{stream}")), &every()).unwrap();
    plan(&streams, &options(None, Some("one")), &every()).unwrap_err();

    let streams = [stream("orders", FullTable, &[]), stream("old.orders", FullTable, &[])];
    let error = plan(&streams, &options(None, None), &every()).unwrap_err();
    assert!(error.hint_text().unwrap().contains("{stream}"), "one of them has no schema: {error}");
    plan(&streams, &options(None, Some("{stream}")), &every()).unwrap();

    let streams = [stream("Orders", FullTable, &[]), stream("orders", FullTable, &[])];
    plan(&streams, &options(None, None), &every()).unwrap();
    let folds = TargetManifest { case_insensitive_names: true, ..every() };
    let error = plan(&streams, &options(None, None), &folds).unwrap_err();
    assert!(error.message().contains("`Orders` and `orders`, which are one"), "{error}");
}

#[test]
fn columns_that_differ_by_case_alone_are_refused_where_the_target_does_not_tell_case() {
    let mut one = stream("a", FullTable, &[]);
    let mut fields: Vec<_> = one.schema.fields().iter().cloned().collect();
    fields.push(Field::new("name", DataType::Utf8, true).into());
    one.schema = Schema::new(fields).into();
    plan(std::slice::from_ref(&one), &options(None, None), &every()).unwrap();
    let folds = TargetManifest { case_insensitive_names: true, ..every() };
    let error = plan(&[one], &options(None, None), &folds).unwrap_err();
    assert!(error.message().contains("`Name` and `name`"), "{error}");
}

/// The matrix of docs/guarantees.md.
#[test]
fn the_promise_follows_tap_target_mode_and_key() {
    use Promise::*;
    for (exact, transactional, mode, method, keys, promise) in [
        (true, true, None, Incremental, &["id"][..], ExactlyOnce),
        (true, true, None, Incremental, &[], ExactlyOnce),
        (true, true, None, FullTable, &[], ExactlyOnce),
        (true, true, Some(Append), FullTable, &[], ExactlyOnce),
        (false, true, None, Incremental, &["id"], ExactlyOncePerKey),
        (false, true, None, FullTable, &["id"], ExactlyOncePerKey),
        (false, true, None, Incremental, &[], AtLeastOnce),
        (false, true, Some(Append), Incremental, &["id"], AtLeastOnce),
        (false, true, Some(Append), FullTable, &[], AtLeastOnce),
        (false, true, None, FullTable, &[], ExactlyOnce),
        (false, true, Some(Overwrite), Incremental, &[], ExactlyOnce),
        (true, false, None, Incremental, &["id"], EffectivelyOncePerKey),
        (false, false, None, FullTable, &["id"], EffectivelyOncePerKey),
        (true, false, None, Incremental, &[], AtLeastOnce),
        (true, false, None, FullTable, &[], AtLeastOnce),
    ] {
        let tap = TapManifest { exact, ..TapManifest::default() };
        let target = TargetManifest { transactional, ..every() };
        let stream = stream("orders", method, keys);
        let plan = one(stream.clone(), mode, &target).unwrap();
        let explained = explain(&stream, &plan, &tap, &target);
        assert_eq!(explained.promise, promise, "{exact} {transactional} {mode:?} {method} {keys:?}");
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
