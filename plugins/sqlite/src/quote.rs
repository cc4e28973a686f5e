//! Names on their way into SQL: the one place that quotes.

use dstream_sdk::{Error, Result};

/// Prefix of the tables that belong to this connector.
pub(crate) const OWN_PREFIX: &str = "_dstreams_";
/// Prefix of the tables in which a generation is built aside.
const ASIDE_PREFIX: &str = "_dstreams_new_";

/// The name as an SQL identifier, whatever it holds.
///
/// # Errors
/// `Schema`: a NUL, at which SQLite would stop to read.
pub(crate) fn quote_ident(name: &str) -> Result<String> {
    if name.contains('\0') {
        return Err(Error::schema(format!("the name `{}` holds NUL", name.escape_debug()))
            .hint("rename it in the source or choose another with the option `table`"));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// Checks that a user's table may have this name.
///
/// # Errors
/// `Config`: empty, with NUL, or reserved by SQLite or by this connector.
pub(crate) fn check_table_name(table: &str) -> Result<()> {
    let reserved = ["sqlite_", OWN_PREFIX]
        .into_iter()
        .find(|prefix| table.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)));
    let wrong = match reserved {
        Some("sqlite_") => "starts with `sqlite_`, which SQLite keeps for itself",
        Some(_) => "starts with `_dstreams_`, which is kept for the control tables",
        None if table.is_empty() => "is empty",
        None if table.contains('\0') => "holds NUL",
        None => return Ok(()),
    };
    Err(Error::config(format!("the table name `{}` {wrong}", table.escape_debug()))
        .hint("choose another name with the option `table`"))
}

/// The table in which the next generation of `table` is built.
pub(crate) fn aside_of(table: &str) -> String {
    format!("{ASIDE_PREFIX}{table}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rusqlite::Connection;

    fn round_trip(table: &str, column: &str) {
        let db = Connection::open_in_memory().unwrap();
        let (t, c) = (quote_ident(table).unwrap(), quote_ident(column).unwrap());
        db.execute_batch(&format!("CREATE TABLE {t} ({c} INTEGER); INSERT INTO {t} ({c}) VALUES (7)"))
            .unwrap();
        let tables: Vec<String> = db
            .prepare("SELECT name FROM sqlite_schema")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(tables, [table]);
        let mut rows = db.prepare(&format!("SELECT {c} FROM {t}")).unwrap();
        assert_eq!(rows.column_name(0).unwrap(), column);
        assert_eq!(rows.query_row([], |row| row.get::<_, i64>(0)).unwrap(), 7);
    }

    proptest! {
        #[test]
        fn any_name_without_nul_comes_back_as_it_was(
            table in "[^\0]{0,40}", column in "[^\0]{0,40}"
        ) {
            prop_assume!(check_table_name(&table).is_ok());
            round_trip(&table, &column);
        }
    }

    #[test]
    fn names_made_to_break_out_stay_names() {
        for name in [
            "select",
            "a\"b",
            "\"; DROP TABLE x;--",
            "[x]",
            "`x`",
            "😀",
            "a\nb",
            "x--",
            "/*",
            "'",
            "?1",
            ":a",
        ] {
            round_trip(name, name);
        }
        round_trip("t", "");
    }

    #[test]
    fn a_name_with_nul_is_refused() {
        assert!(quote_ident("a\0b").is_err());
        assert!(check_table_name("a\0b").is_err());
    }

    #[test]
    fn reserved_table_names_are_refused_in_any_case() {
        for name in ["sqlite_x", "SQLite_x", "_dstreams_state", "_DSTREAMS_new_x", ""] {
            assert!(check_table_name(name).is_err(), "{name}");
        }
        for name in ["sqlite", "dstreams", "é_dstreams_", "_dstream"] {
            check_table_name(name).unwrap();
        }
    }
}
