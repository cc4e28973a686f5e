//! Bad input: one clear error each, that names the stream and the next step.

use dstream_sdk::{Error, ErrorKind, Partition, Tap};
use serde_json::json;
use std::collections::BTreeMap;

use crate::tap::testing::*;
use crate::testing::database;

fn said(error: &Error) -> (ErrorKind, String, String) {
    (error.kind(), error.to_string(), error.hint_text().unwrap_or_default().to_owned())
}

#[test]
fn a_schema_that_is_not_there_is_named_with_those_that_are() {
    let database = database("schema");
    let tap = tap(&database, json!({"schemas": ["shop"]}));
    for error in [tap.check().unwrap_err(), tap.discover().unwrap_err()] {
        let (kind, said, hint) = said(&error);
        assert_eq!(
            (kind, said.as_str()),
            (ErrorKind::Config, "there is no schema `shop`, which `options.schemas` names")
        );
        assert!(hint.ends_with("public"), "{hint}");
    }
}

#[test]
fn options_about_nothing_are_misspelt() {
    let database = database("options");
    database.psql("CREATE TABLE t (a int)").unwrap();
    for options in [
        json!({"types": {"public.t.b": "text"}}),
        json!({"filters": {"t": "a > 1"}}),
        json!({"key_properties": {"public.t": ["b"]}}),
        json!({"text_keys": ["a"]}),
        json!({"queries": {"public.t": "SELECT 1 AS a"}}),
        json!({"queries": {"two": "SELECT 1 AS a, 2 AS a"}}),
        json!({"queries": {"writes": "DELETE FROM t RETURNING a"}}),
        json!({"queries": {"several": "SELECT 1; DROP TABLE t"}}),
        json!({"queries": {"broken": "SELECT FROM WHERE"}}),
    ] {
        let error = tap(&database, options.clone()).discover().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{options}: {error}");
    }
    assert_eq!(database.psql("SELECT count(*) FROM t").unwrap(), "0");
}

#[test]
fn what_may_not_be_read_is_left_out_and_fails_alone() {
    let database = database("denied");
    let user = format!("reader_{}", database.name());
    let sql = "CREATE TABLE mine (a int, secret text); CREATE TABLE hidden (a int); INSERT INTO mine VALUES (1, 'x')";
    database.psql(&format!("{sql}; CREATE ROLE {user} LOGIN; GRANT SELECT (a) ON mine TO {user}")).unwrap();
    let url = database.url().replace("postgres@", &format!("{user}@"));
    let all = tap(&database, json!({}));
    let tap = tap_at(&url, json!({}));
    let names: Vec<_> = tap.discover().unwrap().streams.into_iter().map(|stream| stream.name).collect();
    assert_eq!(names, ["public.mine"]);
    let selected = select(&tap, "public.mine", None);
    assert_eq!(read(&tap, &selected, &mut BTreeMap::new()).unwrap(), ["1"]);
    // A catalog that was made by somebody else.
    let mut both = selection(&select(&all, "public.hidden", None), &BTreeMap::new());
    both.streams.push(select(&all, "public.mine", None));
    both.streams.push(selected.clone());
    let plan = tap.plan(&both).unwrap();
    for (at, wanted) in [(0, Some("any of its columns")), (1, Some("the column `secret`")), (2, None)] {
        let outcome = open(&tap, request(&plan[at], &both.streams[at], None, 10));
        match (outcome, wanted) {
            (Err(error), Some(wanted)) => {
                assert_eq!(error.kind(), ErrorKind::Denied);
                assert_eq!(error.stream_name(), Some(both.streams[at].name.as_str()));
                assert!(error.message().contains(wanted) && error.hint_text().is_some(), "{error}");
            }
            (Ok(mut reader), None) => assert_eq!(drain(&mut *reader).unwrap().rows, ["1"]),
            (outcome, _) => panic!("{:?}", outcome.err()),
        }
    }
    drop((all, tap));
    database.psql(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).unwrap();
}

#[test]
fn what_changed_since_the_discovery_is_said() {
    let database = database("changed");
    database.psql("CREATE TABLE t (a int, b int); CREATE TABLE u (a int)").unwrap();
    let tap = tap(&database, json!({}));
    let (t, u) = (select(&tap, "public.t", None), select(&tap, "public.u", None));
    database.psql("DROP TABLE u; ALTER TABLE t DROP COLUMN b").unwrap();
    for (stream, wanted) in [(&u, "no such table"), (&t, "no column `b`")] {
        let plan = tap.plan(&selection(stream, &BTreeMap::new())).unwrap();
        let error = open(&tap, request(&plan[0], stream, None, 10)).err().unwrap();
        assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Schema, Some(stream.name.as_str())));
        assert!(error.message().contains(wanted), "{error}");
        assert!(error.hint_text().unwrap().contains("discover"), "{error:?}");
    }
    database.psql("ALTER TABLE t ADD b text").unwrap();
    let plan = tap.plan(&selection(&t, &BTreeMap::new())).unwrap();
    let error = open(&tap, request(&plan[0], &t, None, 10)).err().unwrap();
    assert_eq!(error.to_string(), "stream `public.t`: column `b` is Utf8, the catalog says Int32");
}

#[test]
fn a_column_that_cannot_be_followed_is_told_with_those_that_can() {
    let database = database("cursors");
    database.psql("CREATE TABLE t (word text, f float8, u uuid, n numeric, id int)").unwrap();
    let tap = tap(&database, json!({}));
    for column in ["word", "f", "u", "n"] {
        let selected = select(&tap, "public.t", Some(column));
        let error = open(&tap, request(&Partition::whole("public.t"), &selected, None, 10)).err().unwrap();
        assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Config, Some("public.t")));
        assert!(error.hint_text().unwrap().starts_with("these can be followed: `id`"), "{error:?}");
    }
}

#[test]
fn a_bookmark_of_nobody_is_refused() {
    let database = database("bookmarks");
    database.psql("CREATE TABLE t (id int)").unwrap();
    let tap = tap(&database, json!({}));
    for key in [None, Some("id")] {
        let selected = select(&tap, "public.t", key);
        let plan = tap.plan(&selection(&selected, &BTreeMap::new())).unwrap();
        let error =
            open(&tap, request(&plan[0], &selected, Some(&json!({"dstreams": 1})), 10)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::BookmarkLost, "{error}");
    }
}
