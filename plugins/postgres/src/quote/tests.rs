//! Hostile names and texts, compared with what the server made of them.
//!
//! `DSTREAMS_FULL=1` takes a million names in place of 10,000; `DSTREAMS_SEED` takes others.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::HashSet;

use super::*;
use crate::client::Client;
use crate::testing;

/// Parts of names that were made to break out of their quotes.
const PARTS: &[&str] = &[
    "\"",
    "'",
    "\\",
    "\"\"",
    "''",
    "\\\"",
    "$$",
    "$1",
    "$a$",
    ";",
    "--",
    "/*",
    "*/",
    "\n",
    "\r",
    "\t",
    " ",
    "%",
    "?",
    ":a",
    "::int",
    "{}",
    "(",
    ")",
    ",",
    ".",
    "..",
    "E'",
    "U&\"",
    "\\0041",
    "select",
    "drop table x",
    "pg_temp",
    "pg_catalog.",
    "_dstreams",
    "a",
    "B",
    "é",
    "ß",
    "İ",
    "ı",
    "😀",
    "鯨",
    "\u{202e}",
    "\u{feff}",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "e\u{301}",
    "\u{10ffff}",
    "NULL",
    "0",
    "1e5",
];

fn names() -> impl Strategy<Value = String> {
    let part = proptest::sample::select(PARTS).prop_map(str::to_owned);
    let any = proptest::char::any().prop_filter("no name has NUL", |letter| *letter != '\0');
    let piece = proptest::prop_oneof![4 => part, 1 => any.prop_map(String::from)];
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| {
        let mut name: String = pieces.concat();
        while name.len() > MAX_NAME_BYTES {
            name.pop();
        }
        name
    })
}

/// So many different names.
fn take(runner: &mut TestRunner, count: usize) -> Vec<String> {
    let mut taken = HashSet::new();
    while taken.len() < count {
        taken.insert(names().new_tree(runner).expect("a name").current());
    }
    taken.into_iter().collect()
}

const TABLES: usize = 4;
const COLUMNS: usize = 116;
const TYPES: usize = 4;
/// Tables, their columns, types, and the labels of these.
const ROUND: usize = TABLES * (1 + COLUMNS) + TYPES * 8;

#[test]
fn any_name_comes_back_from_the_server_as_it_was() {
    let seed = std::env::var("DSTREAMS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2_024_u64);
    let wanted = if std::env::var_os("DSTREAMS_FULL").is_some() { 1_000_000 } else { 10_000 };
    println!("DSTREAMS_SEED={seed}, {wanted} names");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let database = testing::database("names");
    let mut client = testing::client(&database);
    client.run("CREATE SCHEMA odd").unwrap();
    for _ in 0..wanted / ROUND + 1 {
        check(&mut client, &take(&mut runner, ROUND));
    }
}

fn check(client: &mut Client, names: &[String]) {
    let (tables, rest) = names.split_at(TABLES);
    let (columns, rest) = rest.split_at(TABLES * COLUMNS);
    let mut sql = String::from("BEGIN;");
    for (table, columns) in tables.iter().zip(columns.chunks(COLUMNS)) {
        let columns: Vec<_> = columns.iter().map(|name| format!("{} int", quote(name).unwrap())).collect();
        sql.push_str(&format!("CREATE TABLE odd.{} ({});", quote(table).unwrap(), columns.join(",")));
    }
    let (types, labels) = rest.split_at(TYPES);
    for (name, labels) in types.iter().zip(labels.chunks(7)) {
        let labels: Vec<_> = labels.iter().map(|label| literal(label).unwrap()).collect();
        sql.push_str(&format!("CREATE TYPE odd.{} AS ENUM ({});", quote(name).unwrap(), labels.join(",")));
    }
    client.run(&sql).unwrap();
    let found = |client: &mut Client, sql: &str| -> Vec<(String, String)> {
        let rows = client.query(sql, &[]).unwrap();
        rows.iter().map(|row| (row.text(0).to_owned(), row.text(1).to_owned())).collect()
    };
    let pairs = |outer: &[String], inner: &[String], each: usize| -> Vec<(String, String)> {
        let pair = |(name, parts): (&String, &[String])| -> Vec<(String, String)> {
            parts.iter().map(|part| (name.clone(), part.clone())).collect()
        };
        outer.iter().zip(inner.chunks(each)).flat_map(pair).collect()
    };
    let in_tables = "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                     WHERE c.relnamespace = 'odd'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 ORDER BY c.oid, a.attnum";
    assert_eq!(found(client, in_tables), pairs(tables, columns, COLUMNS));
    let in_types = "SELECT t.typname, e.enumlabel FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
                    ORDER BY t.oid, e.enumsortorder";
    assert_eq!(found(client, in_types), pairs(types, labels, 7));
    // As a literal, a text is what it was, whatever its length and the server's settings.
    let text = names[..40].concat();
    for conforming in ["on", "off"] {
        client.run(&format!("SET LOCAL standard_conforming_strings = {conforming}")).unwrap();
        let rows = client.query(&format!("SELECT {}", literal(&text).unwrap()), &[]).unwrap();
        assert_eq!(rows[0].text(0), text);
    }
    client.run("ROLLBACK").unwrap();
}

#[test]
fn a_name_that_the_server_would_cut_or_end_is_refused() {
    for name in ["", "a\0b", &"x".repeat(64), &"é".repeat(32)] {
        let error = quote(name).unwrap_err();
        assert_eq!(error.kind(), dstream_sdk::ErrorKind::Schema);
        assert!(error.hint_text().is_some_and(|hint| hint.contains("rename")));
    }
    assert!(literal("a\0b").is_err());
    assert_eq!(quote(&"x".repeat(63)).unwrap().len(), 65);
}
