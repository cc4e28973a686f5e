//! What is selected.

use super::*;

/// The rules of Singer, one stream with a parent and a child for each line.
#[test]
fn selection_follows_singers_rules_in_their_order() {
    let rules = |root: Value, column: Value| {
        let metadata = json!([{"breadcrumb": [], "metadata": root}, {"breadcrumb": ["properties", "a"], "metadata": column}]);
        let file = foreign(json!({"streams": [{"tap_stream_id": "s", "metadata": metadata,
            "schema": {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}}]}));
        (file.streams[0].is_selected(&[]), file.streams[0].is_selected(&["properties", "a"]))
    };
    let cases = [
        // No word about the stream: the root is not selected, and nothing in it.
        (json!({}), json!({"selected": true}), (false, false)),
        (json!({"selected": true}), json!({}), (true, true)),
        (json!({"selected": true}), json!({"selected": false}), (true, false)),
        (json!({"selected": false}), json!({"inclusion": "automatic"}), (false, false)),
        (json!({"selected": true}), json!({"inclusion": "automatic", "selected": false}), (true, true)),
        (json!({"selected": true}), json!({"inclusion": "unsupported", "selected": true}), (true, false)),
        (json!({"selected-by-default": true}), json!({"selected-by-default": false}), (true, false)),
        (
            json!({"selected-by-default": true}),
            json!({"selected": true, "selected-by-default": false}),
            (true, true),
        ),
        (json!({"selected": false, "selected-by-default": true}), json!({}), (false, false)),
        (json!({"inclusion": "automatic", "selected": false}), json!({}), (true, true)),
        (json!({"inclusion": "unsupported", "selected": true}), json!({}), (false, false)),
        (json!({"selected": null, "selected-by-default": true}), json!({"selected": null}), (true, true)),
    ];
    for (root, column, expected) in cases {
        assert_eq!(rules(root.clone(), column.clone()), expected, "{root} {column}");
    }
    let bare = foreign(json!({"streams": [{"tap_stream_id": "s", "schema": {"properties": {"a": {}}}}]}));
    assert!(bare.streams[0].is_selected(&[]) && bare.streams[0].is_selected(&["properties", "a"]));
}

#[test]
fn keys_and_the_replication_key_are_selected_whatever_the_file_says() {
    let mut file = file();
    let settings = StreamSettings { replication_key: Some("updated_at".into()), ..StreamSettings::default() };
    file.set("public.orders", &settings).unwrap();
    for column in ["id", "total", "created_at", "updated_at"] {
        let metadata = file.streams[0].metadata_mut(&["properties", column]);
        metadata.insert("selected".into(), false.into());
        metadata.insert("inclusion".into(), "available".into());
    }
    let selected = &to_selection(&file).unwrap()[0];
    assert_eq!(columns(selected), ["id", "updated_at"]);
    assert_eq!(selected.replication_method, ReplicationMethod::Incremental);
    assert_eq!(selected.replication_key.as_deref(), Some("updated_at"));
}

#[test]
fn a_catalog_of_the_ecosystem_is_read_by_metadata_first() {
    let file = foreign(json!({"streams": [{
        "tap_stream_id": "public-orders", "stream": "orders", "is_view": false,
        "schema": {"type": "object", "properties": {"id": {"type": "integer"},
            "at": {"type": ["string", "null"], "format": "date-time"}, "tags": {"type": ["array", "null"]}}},
        "key_properties": ["wrong"], "replication_method": "FULL_TABLE",
        "metadata": [{"breadcrumb": [], "metadata": {"selected": true, "table-key-properties": ["id"],
            "replication-method": "INCREMENTAL", "replication-key": "at", "row-count": 12}}]}]}));
    let selected = to_selection(&file).unwrap();
    assert_eq!(selected[0].name, "public-orders");
    assert_eq!(selected[0].key_properties, ["id"]);
    assert_eq!(selected[0].replication_key.as_deref(), Some("at"));
    assert!(!selected[0].schema.field(0).is_nullable(), "a key without null cannot be null");
    assert_eq!(file.view().unwrap()[0].row_count, Some(12));
    assert_eq!(file.find_stream("orders").unwrap().name(), "public-orders");
    // What other tools wrote stays.
    assert_eq!(serde_json::to_value(&file).unwrap()["streams"][0]["is_view"], false);
}

#[test]
fn a_forced_method_wins() {
    for forced in [json!("LOG_BASED"), json!({"replication-method": "LOG_BASED", "reason": "no other"})] {
        let mut file = file();
        file.streams[0].metadata_mut(&[]).insert("forced-replication-method".into(), forced);
        assert_eq!(to_selection(&file).unwrap()[0].replication_method, ReplicationMethod::LogBased);
        let settings = StreamSettings {
            replication_method: Some(ReplicationMethod::FullTable),
            ..StreamSettings::default()
        };
        let error = file.set("public.orders", &settings).unwrap_err();
        assert!(error.hint_text().unwrap().contains("LOG_BASED"), "{error}");
    }
}

#[test]
fn a_part_of_a_column_cannot_be_left_out_in_silence() {
    let address = DataType::Struct(Fields::from(vec![Field::new("city", DataType::Utf8, true)]));
    let mut info = stream("people", &["id"], &["id"], &[ReplicationMethod::FullTable]);
    info.schema =
        Schema::new(vec![info.schema.field(0).clone(), Field::new("address", address, true)]).into();
    let mut file = CatalogFile::from_discovered(&Catalog { streams: vec![info] }, tap()).unwrap();
    to_selection(&file).unwrap();
    let nested = ["properties", "address", "properties", "city"];
    file.streams[0].metadata_mut(&nested).insert("selected".into(), false.into());
    let error = to_selection(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`address.city`"), "{error}");
}

#[test]
fn nothing_selected_is_an_error() {
    let mut file = file();
    file.deselect(&texts(&["*"])).unwrap();
    assert!(to_selection(&file).unwrap_err().message().contains("no stream is selected"));
    let mut file = self::file();
    file.deselect(&texts(&["log.*"])).unwrap();
    let error = to_selection(&file).unwrap_err();
    assert_eq!(error.stream_name(), Some("log"));
    assert!(to_selection(&foreign(json!({"streams": []}))).unwrap_err().message().contains("no streams"));
}

#[test]
fn streams_of_a_config_and_of_a_command_filter() {
    let mut file = file();
    keep_streams(&mut file, &texts(&["public.*", "log"])).unwrap();
    assert_eq!(file.streams.len(), 3);
    keep_streams(&mut file, &texts(&["*order*"])).unwrap();
    assert_eq!(names(&file), ["public.orders", "public.order_lines"]);
    let error = keep_streams(&mut file, &texts(&["public.*", "userz"])).unwrap_err();
    assert!(error.message().contains("`userz`"), "{error}");

    let selected = to_selection(&file).unwrap();
    let kept = filter_streams(selected.clone(), &texts(&["*lines"])).unwrap();
    assert_eq!(kept[0].name, "public.order_lines");
    assert_eq!(filter_streams(selected.clone(), &[]).unwrap(), selected);
    filter_streams(selected, &texts(&["log"])).unwrap_err();

    let mut selection = Selection::default();
    selection.bookmarks.insert("log".into(), json!(1));
    start_over(&mut selection);
    assert!(selection.bookmarks.is_empty());
}
