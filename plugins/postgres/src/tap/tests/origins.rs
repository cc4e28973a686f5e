//! Bookmarks that come from elsewhere.

use dstream_postgres_server::Database;
use dstream_sdk::{Bookmark, ErrorKind, Partition, Result};
use serde_json::{Value, json};

use crate::tap::PostgresTap;
use crate::tap::testing::*;
use crate::testing::database;

/// What a run reads, and where it ends.
fn run(tap: &PostgresTap, bookmark: Option<&Bookmark>) -> Result<(Vec<String>, Option<Bookmark>)> {
    let selected = select(tap, "public.t", Some("k"));
    let request = request(&Partition::whole("public.t"), &selected, bookmark, 100);
    let came = drain(&mut *open(tap, request)?)?;
    let last = came.last();
    Ok((came.rows, last))
}

fn three_rows(name: &str) -> Database {
    let database = database(name);
    database.psql("CREATE TABLE t (k int); INSERT INTO t VALUES (1), (2), (3)").unwrap();
    database
}

#[track_caller]
fn assert_lost(outcome: Result<(Vec<String>, Option<Bookmark>)>, word: &str) {
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::BookmarkLost, Some("public.t")), "{error}");
    assert!(error.to_string().contains(word), "{error}");
    assert!(error.hint_text().unwrap().contains("--full-refresh --streams public.t"), "{error:?}");
}

#[test]
fn a_bookmark_of_another_filter_is_refused() {
    let database = three_rows("filters");
    let with = |filter: Option<&str>| match filter {
        Some(filter) => tap(&database, json!({"filters": {"public.t": filter}})),
        None => tap(&database, json!({})),
    };
    let filters = [None, Some("k > 1"), Some("k > 2")];
    for then in filters {
        let (_, bookmark) = run(&with(then), None).unwrap();
        let mut bookmark = bookmark.unwrap();
        assert_eq!(bookmark.get("@filter").is_some(), then.is_some(), "{bookmark}");
        for now in filters {
            match then == now {
                true => assert_eq!(run(&with(now), Some(&bookmark)).unwrap().0, [""; 0]),
                false => assert_lost(run(&with(now), Some(&bookmark)), "filter"),
            }
        }
        // As older versions wrote it.
        let members = bookmark.as_object_mut().unwrap();
        members.retain(|name, _| name != "@place" && name != "@filter");
        for now in filters {
            assert_eq!(run(&with(now), Some(&bookmark)).unwrap().0, [""; 0]);
        }
    }
}

#[test]
fn a_bookmark_of_another_server_or_database_is_refused() {
    let (here, there) = (three_rows("here"), three_rows("there"));
    let (_, bookmark) = run(&tap(&there, json!({})), None).unwrap();
    let mut bookmark = bookmark.unwrap();
    // The number of the table is the same by chance.
    bookmark.as_object_mut().unwrap().remove("@oid");
    assert_lost(run(&tap(&here, json!({})), Some(&bookmark)), "another server or database");
    assert_eq!(run(&tap(&there, json!({})), Some(&bookmark)).unwrap().0, [""; 0]);
    let place = bookmark["@place"].as_str().unwrap().to_owned();
    let database = place.split_once('/').unwrap().1;
    bookmark["@place"] = format!("1/{database}").into();
    assert_lost(run(&tap(&there, json!({})), Some(&bookmark)), "another server or database");
}

#[test]
fn a_server_that_the_role_is_not_told_of_is_any_and_a_database_is_not() {
    let database = three_rows("untold");
    let user = format!("reader_{}", database.name());
    let sql = "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_control_system() FROM public";
    let role =
        format!("CREATE ROLE {user} LOGIN; GRANT SELECT ON t TO {user}; GRANT pg_read_all_stats TO {user}");
    database.psql(&format!("{sql}; {role}")).unwrap();
    let told = tap(&database, json!({}));
    let untold = tap_at(&database.url().replace("postgres@", &format!("{user}@")), json!({}));
    let bookmark_of = |tap| run(tap, None).unwrap().1.unwrap();
    let (known, unknown) = (bookmark_of(&told), bookmark_of(&untold));
    assert!(unknown["@place"].as_str().unwrap().starts_with("?/"), "{unknown}");
    for (tap, bookmark) in [(&told, &unknown), (&untold, &known), (&untold, &unknown)] {
        assert_eq!(run(tap, Some(bookmark)).unwrap().0, [""; 0]);
        let elsewhere = Value::from(bookmark["@place"].as_str().unwrap().replace('/', "/9"));
        let mut bookmark = bookmark.clone();
        bookmark["@place"] = elsewhere;
        assert_lost(run(tap, Some(&bookmark)), "another server or database");
    }
    drop((told, untold));
    database.psql(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).unwrap();
}
