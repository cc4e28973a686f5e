//! Columns and rows.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::fmt::Write;

use crate::kinds::{KINDS, Route, Value};

/// A column with its values, one for each row.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql: &'static str,
    values: Vec<Value>,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    rows: usize,
}

/// Names that a careless program would stumble over.
const NAMES: [&str; 8] = ["a", "select", "With Space", "quo\"te", "čárka", "semi;colon--", "a.b", "$1"];

impl Table {
    /// What makes it, with its rows.
    pub fn sql(&self) -> String {
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<String> =
            self.columns.iter().map(|column| format!("{} {}", quote(&column.name), column.sql)).collect();
        let mut sql = format!("CREATE TABLE {} ({});\n", quote(&self.name), columns.join(", "));
        for row in 0..self.rows {
            let values: Vec<&str> =
                self.columns.iter().map(|column| column.values[row].sql.as_str()).collect();
            let _ = writeln!(sql, "INSERT INTO {} VALUES ({});", quote(&self.name), values.join(", "));
        }
        sql
    }

    /// Why the route refuses it; any of several reasons may come first.
    pub fn refusals(&self, route: Route) -> Vec<&'static str> {
        let values = self.columns.iter().flat_map(|column| &column.values);
        values.filter_map(|value| value.refusal(route)).collect()
    }
}

/// Tables that follow from the seed.
pub fn tables(seed: u64, count: usize) -> Vec<Table> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let column = |rows: usize| {
        (0..KINDS.len()).prop_flat_map(move |kind| {
            let value = prop_oneof![6 => (KINDS[kind].draw)(), 1 => Just(null())];
            vec(value, rows).prop_map(move |values| (KINDS[kind].sql, values))
        })
    };
    let table = (0usize..9, 1usize..8).prop_flat_map(move |(rows, columns)| {
        (vec(column(rows), columns), 0..NAMES.len()).prop_map(move |(columns, first)| (rows, columns, first))
    });
    (0..count)
        .map(|number| {
            let drawn = table.new_tree(&mut runner).expect("nothing is filtered out").current();
            let (rows, columns, first) = drawn;
            let name = |at: usize| format!("{}{at}", NAMES[(first + at) % NAMES.len()]);
            let columns = columns.into_iter().enumerate();
            let columns = columns.map(|(at, (sql, values))| Column { name: name(at), sql, values }).collect();
            Table { name: format!("t{number}"), columns, rows }
        })
        .collect()
}

fn null() -> Value {
    Value { sql: "NULL".into(), refused_by_arrow: None, refused_by_sqlite: None }
}
