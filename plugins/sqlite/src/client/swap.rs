//! What was built aside takes the table's place, with the indexes and triggers that the user gave it.

use dstream_sdk::{Error, Result, StreamPlan, TableOwner, WriteMode};

use super::Client;
use crate::owner::check_owner;
use crate::quote::{aside_of, quote_ident};

/// An index or a trigger as the user made it.
struct Attached {
    kind: String,
    name: String,
    sql: String,
}

impl Client {
    /// Swaps. Within a transaction; done before, it does nothing.
    ///
    /// # Errors
    /// `Schema`: an index or trigger of the table does not fit the new columns. `NotFound`: nothing was built aside.
    pub(crate) fn publish(&self, pipeline: &str, plan: &StreamPlan) -> Result<()> {
        if plan.write_mode != WriteMode::Overwrite {
            return Ok(());
        }
        self.swap(pipeline, plan).map_err(|error| error.stream(&plan.stream))
    }

    fn swap(&self, pipeline: &str, plan: &StreamPlan) -> Result<()> {
        let (table, aside) = (&plan.table, aside_of(&plan.table));
        let is_ours = |owner: &TableOwner| owner.pipeline == pipeline && owner.generation == plan.generation;
        let owner = self.owner(table)?;
        if !self.owner(&aside)?.is_some_and(|aside| is_ours(&aside)) {
            return match owner.is_some_and(|owner| is_ours(&owner)) {
                true => Ok(()),
                false => {
                    Err(Error::not_found(format!("nothing was built aside to take the place of `{table}`"))
                        .hint("run with `--full-refresh`"))
                }
            };
        }
        let mut attached = Vec::new();
        if let Some(found) = self.look(table)? {
            check_owner(&found.kind, owner.as_ref(), plan, pipeline)?;
            attached = self.attached(table)?;
            self.check_indexes(table, &aside, &attached)?;
        }
        self.drop_table(table)?;
        self.run(&format!("ALTER TABLE {} RENAME TO {}", quote_ident(&aside)?, quote_ident(table)?))?;
        self.rename_noted(&aside, table)?;
        for it in &attached {
            self.connection.execute_batch(&it.sql).map_err(|error| misfit(table, it, &self.failed(error)))?;
        }
        self.check_triggers(table, &attached)
    }

    fn attached(&self, table: &str) -> Result<Vec<Attached>> {
        let read = || -> rusqlite::Result<Vec<Attached>> {
            self.connection
                .prepare(
                    "SELECT type, name, sql FROM sqlite_schema
                     WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL
                     ORDER BY rowid",
                )?
                .query_map([table], |row| {
                    Ok(Attached { kind: row.get(0)?, name: row.get(1)?, sql: row.get(2)? })
                })?
                .collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// SQLite takes a quoted column that is missing for a text, so an index over it would be made and mean nothing.
    fn check_indexes(&self, table: &str, aside: &str, attached: &[Attached]) -> Result<()> {
        for index in attached.iter().filter(|it| it.kind == "index") {
            let missing: Option<String> = self
                .connection
                .prepare(
                    "SELECT i.name FROM pragma_index_info(?1, 'main') AS i WHERE i.name IS NOT NULL AND NOT EXISTS
                     (SELECT 1 FROM pragma_table_info(?2, 'main') AS c WHERE c.name = i.name COLLATE NOCASE) LIMIT 1",
                )
                .and_then(|mut statement| {
                    let mut rows = statement.query([&index.name, aside])?;
                    rows.next()?.map(|row| row.get(0)).transpose()
                })
                .map_err(|error| self.failed(error))?;
            if let Some(column) = missing {
                let why = Error::schema(format!("the stream has no column `{column}` any more"));
                return Err(misfit(table, index, &why));
            }
        }
        Ok(())
    }

    /// SQLite looks into a trigger only when it compiles a statement that fires it.
    fn check_triggers(&self, table: &str, attached: &[Attached]) -> Result<()> {
        let Some(trigger) = attached.iter().find(|it| it.kind == "trigger") else { return Ok(()) };
        let name = quote_ident(table)?;
        let column: String = self
            .connection
            .query_row("SELECT name FROM pragma_table_info(?1, 'main') LIMIT 1", [table], |row| row.get(0))
            .map_err(|error| self.failed(error))?;
        let column = quote_ident(&column)?;
        for sql in [
            format!("INSERT INTO {name} ({column}) VALUES (NULL)"),
            format!("UPDATE {name} SET {column} = {column}"),
            format!("DELETE FROM {name}"),
        ] {
            self.connection.prepare(&sql).map_err(|error| misfit(table, trigger, &self.failed(error)))?;
        }
        Ok(())
    }
}

fn misfit(table: &str, it: &Attached, why: &Error) -> Error {
    Error::schema(format!(
        "the {} `{}` does not fit the new table `{table}`: {}",
        it.kind,
        it.name,
        why.message()
    ))
    .hint(format!("drop the {} and run again; the old table is untouched", it.kind))
}
