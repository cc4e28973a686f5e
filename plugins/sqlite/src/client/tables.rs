//! What is there to be read: tables, views, and their columns.

use arrow::datatypes::Field;
use dstream_sdk::schema_json::FieldJson;
use dstream_sdk::{Error, Result};
use std::collections::{BTreeSet, HashMap};

use super::Client;
use crate::quote::{OWN_PREFIX, quote_ident};

/// A table, view or virtual table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) is_table: bool,
    pub(crate) is_view: bool,
    pub(crate) strict: bool,
    pub(crate) has_rowid: bool,
}

/// One of its columns.
#[derive(Clone, Debug)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    pub(crate) declared: String,
    pub(crate) is_not_null: bool,
    /// Its place in the primary key, from 1; 0: it is not part of it.
    pub(crate) key: usize,
    /// The Arrow type of what this connector wrote to it.
    pub(crate) noted: Option<Field>,
}

impl Client {
    /// Everything that may be a stream, by name.
    ///
    /// # Errors
    /// `Data`: the file is damaged. `Unavailable`: another program holds it.
    pub(crate) fn tables(&self) -> Result<Vec<Listed>> {
        let reserved = |name: &str, prefix: &str| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let all = self.patiently(|connection| {
            connection
                .prepare_cached(
                    "SELECT name, type, strict, wr FROM pragma_table_list WHERE schema = 'main'
                     AND type IN ('table', 'view', 'virtual') ORDER BY name",
                )?
                .query_map([], |row| {
                    let kind: String = row.get(1)?;
                    Ok(Listed {
                        name: row.get(0)?,
                        is_table: kind == "table",
                        is_view: kind == "view",
                        strict: row.get(2)?,
                        has_rowid: kind == "table" && !row.get::<_, bool>(3)?,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let is_open = |name: &str| !reserved(name, "sqlite_") && !reserved(name, OWN_PREFIX);
        Ok(all.into_iter().filter(|table| is_open(&table.name)).collect())
    }

    /// The columns that can be read.
    ///
    /// # Errors
    /// `Schema`: a view whose tables are gone. `Data`: what was noted of a column is no Arrow type.
    pub(crate) fn table_columns(&self, table: &str) -> Result<Vec<TableColumn>> {
        let noted = self.noted(table)?;
        let find = || {
            self.connection
                .prepare_cached(
                    "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1",
                )?
                .query_map([table], |row| {
                    let key: i64 = row.get(3)?;
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, key as usize))
                })?
                .collect::<rusqlite::Result<Vec<(String, String, bool, usize)>>>()
        };
        // A view whose tables are gone is not understood any more.
        let found = find().map_err(|error| self.not_understood(error))?;
        let column = |(name, declared, is_not_null, key): (String, String, bool, usize)| {
            let noted = noted.get(&name.to_ascii_lowercase()).cloned();
            TableColumn { name, declared, is_not_null, key, noted }
        };
        Ok(found.into_iter().map(column).collect())
    }

    /// The Arrow types that this connector noted as it wrote the table, by name in small letters.
    fn noted(&self, table: &str) -> Result<HashMap<String, Field>> {
        let has_notes =
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_dstreams_columns'";
        if self.number(has_notes)? == Some(0) {
            return Ok(HashMap::new());
        }
        let notes = self.patiently(|connection| {
            connection
                .prepare_cached("SELECT \"column\", arrow FROM _dstreams_columns WHERE \"table\" = ?1")?
                .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<(String, String)>>>()
        })?;
        notes
            .into_iter()
            .map(|(column, arrow)| {
                let wrong = |why: String| {
                    Error::data(format!(
                        "`_dstreams_columns` holds no Arrow type for the column `{column}`: {why}"
                    ))
                    .hint("correct the row there, or delete it: the declared type counts then")
                };
                let json: FieldJson =
                    serde_json::from_str(&arrow).map_err(|error| wrong(error.to_string()))?;
                let field = json.to_field().map_err(|error| wrong(error.message()))?;
                Ok((column.to_ascii_lowercase(), field))
            })
            .collect()
    }

    /// The number of rows, as far as it is known without reading them.
    ///
    /// # Errors
    /// `Data`: the file is damaged.
    pub(crate) fn estimate(&self, table: &Listed, rowid: Option<&str>) -> Result<Option<u64>> {
        let has_statistics = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";
        if self.number(has_statistics)? != Some(0) {
            let statistics = self.patiently(|connection| {
                connection
                    .prepare_cached("SELECT stat FROM sqlite_stat1 WHERE tbl = ?1")?
                    .query_map([&table.name], |row| row.get::<_, Option<String>>(0))?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })?;
            let rows = |text: String| text.split_whitespace().next()?.parse().ok();
            // A partial index knows of its own rows alone.
            let most = statistics.into_iter().flatten().filter_map(rows).max();
            if most.is_some() {
                return Ok(most);
            }
        }
        let Some(rowid) = rowid else { return Ok(None) };
        // The numbers of rows may have gaps: more than fit into the file are no estimate.
        let table = quote_ident(&table.name)?;
        let span = format!(
            "SELECT CASE WHEN max({rowid}) IS NULL THEN 0 WHEN max({rowid}) - min({rowid}) < 0 THEN NULL
             ELSE max({rowid}) - min({rowid}) + 1 END FROM main.{table}"
        );
        let bytes = self.number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?;
        const LEAST_ROW_BYTES: i64 = 4;
        let fits = |span: &i64| bytes.is_some_and(|bytes| *span <= bytes / LEAST_ROW_BYTES);
        Ok(self.number(&span)?.filter(fits).and_then(|span| span.try_into().ok()))
    }

    /// The classes of the values in these first columns of a query, in its first rows.
    ///
    /// # Errors
    /// `Data`: SQLite cannot read a row.
    pub(crate) fn classes(&self, sql: &str, columns: usize, rows: usize) -> Result<Vec<BTreeSet<String>>> {
        let mut classes = vec![BTreeSet::new(); columns];
        let mut seen = 0;
        self.each_row(sql, &[], |row| {
            for (at, classes) in classes.iter_mut().enumerate() {
                let class = match row.get_ref_unwrap(at).data_type() {
                    rusqlite::types::Type::Null => "null",
                    rusqlite::types::Type::Integer => "integer",
                    rusqlite::types::Type::Real => "real",
                    rusqlite::types::Type::Text => "text",
                    rusqlite::types::Type::Blob => "blob",
                };
                if !classes.contains(class) {
                    classes.insert(class.to_owned());
                }
            }
            seen += 1;
            Ok(seen < rows)
        })?;
        Ok(classes)
    }
}
