//! What is there: a table's columns and keys.

use dstream_sdk::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::Client;
use crate::table::{Found, FoundColumn};

impl Client {
    /// The table, view or other thing of that name.
    ///
    /// # Errors
    /// `Unavailable`: another program holds the file.
    pub(crate) fn look(&self, table: &str) -> Result<Option<Found>> {
        self.patiently(|connection| {
            let kind = connection
                .prepare_cached("SELECT type, strict FROM pragma_table_list(?1) WHERE schema = 'main'")?
                .query_row([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))
                .optional()?;
            let Some((kind, strict)) = kind else { return Ok(None) };
            let (columns, rowid) = columns(connection, table)?;
            let mut unique = unique(connection, table)?;
            unique.extend(rowid.map(|name| vec![(name, "BINARY".to_owned())]));
            Ok(Some(Found { kind, strict, columns, unique }))
        })
    }
}

/// The columns, and the one that is SQLite's row number by another name.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<(Vec<FoundColumn>, Option<String>)> {
    let mut statement = connection.prepare_cached(
        "SELECT c.name, c.type, c.\"notnull\", c.dflt_value IS NOT NULL, c.pk, c.hidden, n.arrow
         FROM pragma_table_xinfo(?1, 'main') AS c
         LEFT JOIN _dstreams_columns AS n ON n.\"table\" = ?1 AND n.\"column\" = c.name",
    )?;
    let mut rows = statement.query(params![table])?;
    let (mut columns, mut keys) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let declared: String = row.get(1)?;
        if row.get::<_, i64>(4)? > 0 {
            keys.push((columns.len(), declared.eq_ignore_ascii_case("INTEGER")));
        }
        columns.push(FoundColumn {
            name: row.get(0)?,
            is_required: row.get(2)? && !row.get::<_, bool>(3)?,
            is_generated: row.get::<_, i64>(5)? != 0,
            arrow: row.get(6)?,
            declared,
        });
    }
    let rowid = match keys[..] {
        [(at, true)] => {
            let column: &mut FoundColumn = &mut columns[at];
            column.is_required = false;
            Some(column.name.clone())
        }
        _ => None,
    };
    Ok((columns, rowid))
}

/// The columns of each unique index over whole columns and all rows.
fn unique(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Vec<(String, String)>>> {
    let names: Vec<String> = connection
        .prepare_cached("SELECT name FROM pragma_index_list(?1, 'main') WHERE \"unique\" AND NOT partial")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for name in names {
        let columns: Vec<(Option<String>, String)> = connection
            .prepare_cached("SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key")?
            .query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let columns: Option<Vec<_>> =
            columns.into_iter().map(|(name, coll)| name.map(|name| (name, coll))).collect();
        found.extend(columns);
    }
    Ok(found)
}
