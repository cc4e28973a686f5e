//! The commands that change a catalog.

use super::*;

#[test]
fn patterns_name_streams_first_and_then_columns() {
    let mut file = file();
    let changes = file.deselect(&texts(&["public.*"])).unwrap();
    assert_eq!(changes.streams, ["public.orders", "public.order_lines"]);
    assert_eq!(names(&file), ["log"]);

    let changes = file.select(&texts(&["public.order_lines", "log"])).unwrap();
    assert_eq!(changes.streams, ["public.order_lines"], "what is selected already is no change");

    // Columns of a stream that was not selected: these, its keys, and no others.
    let changes = file.select(&texts(&["public.orders.*_at"])).unwrap();
    assert_eq!(changes.streams, ["public.orders"]);
    assert_eq!(columns(&to_selection(&file).unwrap()[0]), ["id", "created_at", "updated_at"]);

    // Columns of a stream that is selected: these too.
    file.select(&texts(&["public.orders.total"])).unwrap();
    assert_eq!(columns(&to_selection(&file).unwrap()[0]), ["id", "total", "created_at", "updated_at"]);

    let changes = file.deselect(&texts(&["*.total"])).unwrap();
    assert_eq!(changes.columns.len(), 2);
    assert_eq!(columns(&to_selection(&file).unwrap()[1]), ["id", "line"]);
}

#[test]
fn a_stream_whose_name_looks_like_a_pattern_or_a_column_is_that_stream() {
    let methods = [ReplicationMethod::FullTable];
    let streams = vec![
        stream("a", &["b", "c"], &[], &methods),
        stream("a.b", &["c"], &[], &methods),
        stream("[x]*", &["c"], &[], &methods),
    ];
    let mut file = CatalogFile::from_discovered(&Catalog { streams }, tap()).unwrap();
    assert_eq!(file.deselect(&texts(&["a.b"])).unwrap().streams, ["a.b"]);
    assert_eq!(file.deselect(&texts(&["[x]*"])).unwrap().streams, ["[x]*"]);
    assert_eq!(names(&file), ["a"]);
}

#[test]
fn a_pattern_that_names_nothing_says_what_there_is() {
    let mut file = file();
    let cases = [
        ("public.order", "names no stream", "`public.orders`"),
        ("zzz", "names no stream", "`public.orders`, `public.order_lines`, `log`"),
        ("public.orders.totl", "no column `totl`", "`total`"),
        ("log.*_x", "no column `*_x`", "`n`, `at`"),
    ];
    for (pattern, message, hint) in cases {
        let error = file.select(&texts(&[pattern])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(message), "{error}");
        assert!(error.hint_text().unwrap().contains(hint), "{:?}", error.hint_text());
    }
    assert!(file.select(&texts(&["[a"])).unwrap_err().message().contains("no pattern"));
}

#[test]
fn what_is_always_selected_cannot_be_deselected() {
    let mut file = file();
    let settings = StreamSettings { replication_key: Some("updated_at".into()), ..StreamSettings::default() };
    file.set("public.orders", &settings).unwrap();
    for (pattern, why) in [
        ("public.orders.id", "it is a key"),
        ("public.orders.updated_at", "it is the replication key"),
        ("public.orders.i?", "it is a key"),
    ] {
        let error = file.deselect(&texts(&[pattern])).unwrap_err();
        assert!(error.message().contains(why), "{error}");
    }
    // A wildcard takes what it can.
    file.deselect(&texts(&["public.orders.*"])).unwrap();
    assert_eq!(columns(&to_selection(&file).unwrap()[0]), ["id", "updated_at"]);
    assert_eq!(file.deselect(&texts(&["public.orders.*"])).unwrap(), Changes::default());
}

#[test]
fn editing_a_stream_without_metadata_keeps_it_selected() {
    let bare = json!({"streams": [{"tap_stream_id": "s", "schema": {"properties": {"a": {}, "b": {}}}}]});
    let mut file = foreign(bare.clone());
    file.deselect(&texts(&["s.a"])).unwrap();
    assert_eq!(columns(&to_selection(&file).unwrap()[0]), ["b"]);
    let mut file = foreign(bare);
    file.set("s", &StreamSettings { key_properties: texts(&["a"]), ..StreamSettings::default() }).unwrap();
    assert_eq!(columns(&to_selection(&file).unwrap()[0]), ["a", "b"]);
}

#[test]
fn settings_are_checked_against_what_the_tap_offers() {
    use ReplicationMethod::*;
    let method = |method| StreamSettings { replication_method: Some(method), ..StreamSettings::default() };
    let follow =
        |column: &str| StreamSettings { replication_key: Some(column.into()), ..StreamSettings::default() };
    let keys = |keys: &[&str]| StreamSettings { key_properties: texts(keys), ..StreamSettings::default() };
    let cases = [
        ("public.order", method(FullTable), "no stream `public.order`", "`public.orders`"),
        ("public.orders", follow("updatedat"), "no column `updatedat`", "`updated_at`"),
        ("public.orders", follow("total"), "cannot be the replication key", "`created_at`, `updated_at`"),
        ("public.orders", keys(&["idd"]), "no column `idd`", "`id`"),
        ("public.orders", method(LogBased), "does not offer", "`FULL_TABLE`, `INCREMENTAL`"),
        ("public.orders", method(Incremental), "needs a replication key", "`created_at`, `updated_at`"),
        (
            "public.orders",
            StreamSettings { replication_method: Some(FullTable), ..follow("updated_at") },
            "follows no replication key",
            "INCREMENTAL",
        ),
        ("log", follow("n"), "does not offer", "`FULL_TABLE`"),
    ];
    for (stream, settings, message, hint) in cases {
        let mut file = file();
        let error = file.set(stream, &settings).unwrap_err();
        assert!(error.message().contains(message), "{error}");
        assert!(error.hint_text().unwrap().contains(hint), "{:?}", error.hint_text());
    }
    let mut file = file();
    file.set("public.order_lines", &keys(&["id"])).unwrap();
    assert_eq!(to_selection(&file).unwrap()[1].key_properties, ["id"]);
    file.deselect(&texts(&["public.order_lines.line"])).unwrap();
}

#[test]
fn a_tap_with_its_own_position_takes_no_replication_key() {
    let info = stream("lines", &["n"], &[], &[ReplicationMethod::Incremental]);
    let mut file = CatalogFile::from_discovered(&Catalog { streams: vec![info] }, tap()).unwrap();
    assert_eq!(to_selection(&file).unwrap()[0].replication_key, None);
    let settings = StreamSettings { replication_key: Some("n".into()), ..StreamSettings::default() };
    assert!(file.set("lines", &settings).unwrap_err().message().contains("position of its own"));
}

#[test]
fn the_view_counts_columns_as_if_the_stream_were_selected() {
    let mut file = file();
    file.deselect(&texts(&["public.orders.total", "public.orders"])).unwrap();
    let view = &file.view().unwrap()[0];
    assert_eq!((view.is_selected, view.selected_columns, view.columns), (false, 3, 4));
    let columns = file.view_columns("public.orders").unwrap();
    assert_eq!(columns[0].role, ColumnRole::Key);
    assert_eq!(columns[1].data_type, "Decimal128(12, 2)");
    assert!(!columns[1].is_selected && columns[2].is_selected);
    assert!(file.view_columns("public.ordrs").unwrap_err().hint_text().unwrap().contains("`public.orders`"));
}
