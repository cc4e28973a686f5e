//! A discovery over a catalog that was edited.

use super::*;

#[test]
fn a_second_discovery_keeps_what_was_selected_and_set() {
    let mut earlier = file();
    earlier.deselect(&texts(&["log", "public.orders.total"])).unwrap();
    let settings = StreamSettings {
        replication_method: Some(ReplicationMethod::Incremental),
        replication_key: Some("updated_at".into()),
        ..StreamSettings::default()
    };
    earlier.set("public.orders", &settings).unwrap();
    let keyed = StreamSettings { key_properties: texts(&["n"]), ..StreamSettings::default() };
    earlier.set("log", &keyed).unwrap();

    let mut now = file();
    let kept = now.keep_decisions(&earlier);
    assert_eq!(kept, Kept { streams: 3, ..Kept::default() });
    assert_eq!(now, earlier, "where nothing changed at the source, nothing changes in the catalog");
}

#[test]
fn what_is_new_is_selected_and_what_is_gone_is_named() {
    let mut earlier = file();
    earlier.deselect(&texts(&["public.orders.total", "public.order_lines"])).unwrap();
    let mut catalog = shop();
    let columns = ["id", "created_at", "updated_at", "city"];
    let methods = [ReplicationMethod::FullTable];
    catalog.streams[0] = stream("public.orders", &columns, &["id"], &methods);
    catalog.streams[2] = stream("events", &["n"], &[], &methods);
    let mut now = CatalogFile::from_discovered(&catalog, tap()).unwrap();
    let kept = now.keep_decisions(&earlier);
    assert_eq!(
        (kept.streams, &kept.new[..], &kept.gone[..]),
        (2, &texts(&["events"])[..], &texts(&["log"])[..])
    );
    assert_eq!(kept.lost, ["`public.orders.total` is gone, and was deselected"]);
    assert_eq!(names(&now), ["public.orders", "events"]);
    assert_eq!(super::columns(&to_selection(&now).unwrap()[0]), columns);
}

#[test]
fn what_the_tap_offers_no_more_is_not_kept_in_silence() {
    use ReplicationMethod::*;
    let mut earlier = file();
    let settings = StreamSettings {
        replication_method: Some(Incremental),
        replication_key: Some("updated_at".into()),
        key_properties: texts(&["id", "total"]),
    };
    earlier.set("public.orders", &settings).unwrap();
    let offers = |columns: &[&str], keys: &[&str], methods: &[ReplicationMethod]| {
        let streams = vec![stream("public.orders", columns, keys, methods)];
        CatalogFile::from_discovered(&Catalog { streams }, tap()).unwrap()
    };
    let every = ["id", "total", "created_at", "updated_at"];

    let mut now = offers(&every, &[], &[FullTable]);
    let kept = now.keep_decisions(&earlier);
    assert_eq!(kept.lost, ["`public.orders`: INCREMENTAL by `updated_at` is not offered any more"]);
    assert_eq!(now.streams[0].method().unwrap(), FullTable);
    assert_eq!(now.streams[0].keys(), ["id", "total"], "the tap names none");

    let mut now = offers(&every[..3], &["id"], &[FullTable, Incremental]);
    let kept = now.keep_decisions(&earlier);
    assert_eq!(kept.lost.len(), 2, "{:?}", kept.lost);
    assert_eq!(now.streams[0].keys(), ["id"]);
    to_selection(&now).unwrap();
}

#[test]
fn what_other_programs_wrote_stays() {
    let mut earlier = file();
    earlier.other.insert("made-by".into(), json!("hand"));
    earlier.streams[0].other.insert("note".into(), json!("ours"));
    earlier.streams[0].metadata_mut(&["properties", "total"]).insert("x-mask".into(), json!(true));
    let mut now = file();
    now.keep_decisions(&earlier);
    assert_eq!(now, earlier);
}
