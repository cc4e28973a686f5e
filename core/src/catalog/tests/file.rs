//! The file and what it is checked against.

use super::*;

#[test]
fn what_was_discovered_is_selected_exactly() {
    let selected = to_selection(&file()).unwrap();
    for (selected, discovered) in selected.iter().zip(shop().streams) {
        assert_eq!(selected.name, discovered.name);
        assert_eq!(selected.schema, discovered.schema);
        assert_eq!(selected.key_properties, discovered.key_properties);
        assert_eq!(selected.replication_method, discovered.replication_methods[0]);
    }
}

#[test]
fn a_saved_catalog_comes_back_and_has_one_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.json");
    file().save(&path).unwrap();
    assert_eq!(CatalogFile::load(&path).unwrap(), file());
    let first = std::fs::read(&path).unwrap();
    CatalogFile::load(&path).unwrap().save(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
}

#[test]
fn a_catalog_that_cannot_be_written_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = file().save(&folder.path().join("missing/catalog.json")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("missing"), "{error}");
}

#[test]
fn the_file_is_a_singer_catalog() {
    let value = serde_json::to_value(file()).unwrap();
    assert_eq!(value["tap"], json!({"type": "sqlite", "name": "shop"}));
    let orders = &value["streams"][0];
    assert_eq!(orders["tap_stream_id"], "public.orders");
    assert_eq!(orders["stream"], "public.orders");
    assert_eq!(orders["key_properties"], json!(["id"]));
    assert_eq!(orders["replication_method"], "FULL_TABLE");
    assert_eq!(orders["schema"]["type"], "object");
    assert_eq!(
        orders["schema"]["properties"]["id"],
        json!({"type": ["integer"], "x-arrow": {"format": "l", "nullable": false}})
    );
    assert_eq!(
        orders["metadata"][0],
        json!({"breadcrumb": [], "metadata": {
            "selected": true, "inclusion": "available", "table-key-properties": ["id"],
            "replication-method": "FULL_TABLE", "valid-replication-keys": ["created_at", "updated_at"],
            "x-dstreams.replication-methods": ["FULL_TABLE", "INCREMENTAL"], "row-count": 3}})
    );
    assert_eq!(
        orders["metadata"][1],
        json!({"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}})
    );
}

#[test]
fn the_catalog_of_another_tap_is_refused() {
    file().check_tap("sqlite", "shop").unwrap();
    foreign(json!({"streams": []})).check_tap("any", "any").unwrap();
    for (type_name, name) in [("csv", "shop"), ("sqlite", "other")] {
        let error = file().check_tap(type_name, name).unwrap_err();
        assert!(error.message().contains("another tap"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_catalog_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.json");
    let cases = [
        ("", "is empty"),
        ("[]", "must hold an object, found a list"),
        ("{\"streams\": 1}", "`streams` must be a list, found a number"),
        ("{\"bookmarks\": {}}", "this is no catalog"),
        ("{\"streams\": [{}]}", "`streams[0]`"),
        ("{\"streams\": [{\"schema\": {}}]}", "no `tap_stream_id`"),
        ("{\"streams\": [", "is not JSON"),
        (
            "{\"streams\": [{\"tap_stream_id\": \"a\", \"schema\": {}}, {\"stream\": \"a\", \"schema\": {}}]}",
            "two streams are named `a`",
        ),
    ];
    for (text, message) in cases {
        std::fs::write(&path, text).unwrap();
        let error = CatalogFile::load(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(message), "{error}");
        assert!(error.message().contains("catalog.json"), "{error}");
    }
}

#[test]
fn a_tap_that_contradicts_itself_is_refused() {
    let mut twice = shop();
    twice.streams.push(twice.streams[0].clone());
    let mut no_key = shop();
    no_key.streams[0].key_properties = vec!["uid".into()];
    for catalog in [twice, no_key] {
        assert_eq!(CatalogFile::from_discovered(&catalog, tap()).unwrap_err().kind(), ErrorKind::Schema);
    }
}

#[test]
fn drift_names_the_column_and_both_types() {
    let schema = |columns: &[(&str, DataType, bool)]| {
        Schema::new(
            columns.iter().map(|(name, of, null)| Field::new(*name, of.clone(), *null)).collect::<Vec<_>>(),
        )
    };
    let selected = schema(&[("id", DataType::Int64, false), ("total", DataType::Decimal128(12, 2), true)]);
    check_drift(&selected, &selected).unwrap();
    let wider = schema(&[
        ("total", DataType::Decimal128(12, 2), false),
        ("new", DataType::Utf8, true),
        ("id", DataType::Int64, false),
    ]);
    check_drift(&selected, &wider).unwrap();
    let cases = [
        (
            schema(&[("id", DataType::Int64, false)]),
            "column `total` is gone, the catalog says Decimal128(12, 2)",
        ),
        (
            schema(&[("id", DataType::Int64, false), ("total", DataType::Utf8, true)]),
            "column `total` is Utf8, the catalog says Decimal128(12, 2)",
        ),
        (
            schema(&[("id", DataType::Int64, true), ("total", DataType::Decimal128(12, 2), true)]),
            "column `id` can be null now, the catalog says it cannot",
        ),
    ];
    for (actual, message) in cases {
        let error = check_drift(&selected, &actual).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(error.message(), message);
    }
    check_delivered(&selected, &selected).unwrap();
    assert!(check_delivered(&selected, &wider).unwrap_err().message().contains("column 1 is `total`"));
    let more = schema(&[
        ("id", DataType::Int64, false),
        ("total", DataType::Decimal128(12, 2), true),
        ("new", DataType::Utf8, true),
    ]);
    assert!(check_delivered(&selected, &more).unwrap_err().message().contains("`new` is delivered"));
}
