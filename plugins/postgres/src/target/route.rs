//! How rows of a stream get into their table: copied into it, or copied aside and moved by one statement.

use dstream_sdk::{Error, Result, StreamPlan, WriteMode};

use super::options::TargetSettings;
use crate::quote::quote;
use crate::table::{Found, MAX_COLUMNS, Shape};
use crate::types::WriteColumn;

/// The column with the number of a row in a table aside.
const ROW: &str = "_dstreams_row";

/// How rows get into their table.
#[derive(Debug)]
pub(crate) struct Route {
    /// Where the columns that are sent stand among those of the stream.
    pub(crate) sent: Vec<usize>,
    pub(crate) columns: Vec<WriteColumn>,
    /// The statement that takes the rows.
    pub(crate) copy: String,
    pub(crate) stage: Option<Stage>,
    /// The table, where two rows with one key are not merged but an error.
    pub(crate) first_copy: Option<String>,
}

/// A table of the session that keeps rows until the end of their window.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Makes the table where it is not there.
    pub(crate) create: String,
    pub(crate) empty: String,
    /// Deletes the rows whose newest record says so.
    pub(crate) delete: Option<String>,
    pub(crate) insert: String,
    pub(crate) check: Check,
}

/// How many rows the insert is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Every row of the table aside is one.
    All,
    /// This statement tells.
    Ask(String),
    /// Nothing can keep a row out.
    Nothing,
}

/// A stream and its table.
pub(super) struct Pair<'a> {
    pub(super) plan: &'a StreamPlan,
    pub(super) shape: &'a Shape,
    pub(super) keys: &'a [usize],
    /// The table's name, which may be that of a table aside.
    pub(super) table: &'a str,
    pub(super) found: &'a Found,
    /// Columns that the stream had and does not have any more.
    pub(super) gone: Vec<String>,
    /// Rows with one key are not expected.
    pub(super) is_first_copy: bool,
}

impl Route {
    /// `columns`: for each column of the stream, how it is sent; `None`: it is not.
    ///
    /// # Errors
    /// `Schema`: too many columns.
    pub(super) fn new(
        settings: &TargetSettings,
        pair: &Pair<'_>,
        columns: Vec<Option<WriteColumn>>,
    ) -> Result<Route> {
        let Pair { plan, shape, keys, table, found, gone, is_first_copy } = pair;
        let sent: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].is_some()).collect();
        let columns: Vec<WriteColumn> = columns.into_iter().flatten().collect();
        let names = quoted(columns.iter().map(|column| column.name.as_str()))?;
        let target = settings.qualified(table)?;
        let is_merged = plan.write_mode == WriteMode::Upsert && !is_first_copy;
        let is_staged = is_merged || columns.iter().any(|it| it.cast.is_some());
        if !is_staged {
            let copy = format!("COPY {target} ({}) FROM STDIN (FORMAT binary)", names.join(", "));
            let first_copy = is_first_copy.then(|| (*table).to_owned());
            return Ok(Route { sent, columns, copy, stage: None, first_copy });
        }
        if columns.len() >= MAX_COLUMNS {
            return Err(Error::schema(format!(
                "it has {} columns, and a table that rows pass through on their way has room for {}",
                columns.len(),
                MAX_COLUMNS - 1
            ))
            .hint("deselect some with `dstreams catalog deselect`, or choose the write mode `append`"));
        }
        // Unique in the session: one for each table and set of columns.
        let name = format!("{ROW}s_{}_{:08x}", found.oid, mark(&names, &columns));
        let parts = columns.iter().zip(&names).map(|(column, name)| format!("{name} {}", column.stage_type));
        let parts = parts.collect::<Vec<_>>().join(", ");
        let delete = settings.delete_column.as_deref().and_then(|mark| Some((mark, found.column(mark)?)));
        let statements = Statements {
            stage: format!("pg_temp.{}", quote(&name)?),
            target,
            names: &names,
            columns: &columns,
            keys: quoted(keys.iter().map(|key| shape.schema.field(*key).name().as_str()))?,
            gone: quoted(gone.iter().map(String::as_str))?,
            overriding: match found.columns.iter().any(|column| column.is_identity_always) {
                true => " OVERRIDING SYSTEM VALUE",
                false => "",
            },
            is_deleted: delete
                .filter(|(mark, _)| shape.find(mark).is_some())
                .map(|(mark, column)| is_deleted(mark, &column.declared))
                .transpose()?,
        };
        let stage = &statements.stage;
        let copy = format!("COPY {stage} ({}, {ROW}) FROM STDIN (FORMAT binary)", names.join(", "));
        Ok(Route {
            stage: Some(Stage {
                create: format!(
                    "CREATE TEMP TABLE IF NOT EXISTS {} ({parts}, {ROW} bigint) ON COMMIT DELETE ROWS",
                    quote(&name)?
                ),
                empty: format!("TRUNCATE {stage}"),
                delete: statements.delete()?,
                insert: statements.insert(),
                check: match statements.keys.is_empty() {
                    true => Check::All,
                    // A row that is there already and has nothing but its key is not changed.
                    false if found.has_triggers && !statements.set().is_empty() => {
                        Check::Ask(statements.count())
                    }
                    false => Check::Nothing,
                },
            }),
            copy,
            sent,
            columns,
            first_copy: None,
        })
    }
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> Result<Vec<String>> {
    names.map(quote).collect()
}

/// A number for what the table aside is made of.
fn mark(names: &[String], columns: &[WriteColumn]) -> u32 {
    let parts = names.iter().zip(columns).flat_map(|(name, column)| [name.as_str(), &column.stage_type]);
    parts
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Whether a record of the table aside marks itself as deleted.
fn is_deleted(mark: &str, declared: &str) -> Result<String> {
    Ok(match declared {
        "boolean" => format!("{} IS TRUE", quote(mark)?),
        _ => format!("{} IS NOT NULL", quote(mark)?),
    })
}

struct Statements<'a> {
    stage: String,
    target: String,
    names: &'a [String],
    columns: &'a [WriteColumn],
    keys: Vec<String>,
    gone: Vec<String>,
    overriding: &'static str,
    is_deleted: Option<String>,
}

impl Statements<'_> {
    /// The newest record of each key.
    fn newest(&self) -> String {
        if self.keys.is_empty() {
            return self.stage.clone();
        }
        let keys = self.keys.join(", ");
        format!("(SELECT DISTINCT ON ({keys}) * FROM {} ORDER BY {keys}, {ROW} DESC)", self.stage)
    }

    /// The value of a column as its table wants it.
    fn value(&self, at: usize) -> String {
        let name = format!("n.{}", self.names[at]);
        match &self.columns[at].cast {
            Some(cast) => cast.replacen("{}", &name, 1),
            None => name,
        }
    }

    fn insert(&self) -> String {
        let values = (0..self.names.len()).map(|at| self.value(at)).collect::<Vec<_>>().join(", ");
        let mut sql = format!(
            "INSERT INTO {} ({}){} SELECT {values} FROM {} AS n",
            self.target,
            self.names.join(", "),
            self.overriding,
            self.newest()
        );
        if self.keys.is_empty() {
            return sql;
        }
        if let Some(is_deleted) = &self.is_deleted {
            sql.push_str(&format!(" WHERE NOT (n.{is_deleted})"));
        }
        let set = self.set();
        let action = match set.is_empty() {
            true => "NOTHING".to_owned(),
            false => format!("UPDATE SET {}", set.join(", ")),
        };
        sql.push_str(&format!(" ON CONFLICT ({}) DO {action}", self.keys.join(", ")));
        sql
    }

    /// What changes in a row that is there already.
    fn set(&self) -> Vec<String> {
        let others = self.names.iter().filter(|name| !self.keys.contains(name));
        let mut set: Vec<String> = others.map(|name| format!("{name} = excluded.{name}")).collect();
        set.extend(self.gone.iter().map(|name| format!("{name} = NULL")));
        set
    }

    fn delete(&self) -> Result<Option<String>> {
        let Some(is_deleted) = &self.is_deleted else { return Ok(None) };
        if self.keys.is_empty() {
            return Ok(None);
        }
        let same = self.keys.iter().map(|key| {
            let at = self.names.iter().position(|name| name == key);
            let at = at.ok_or_else(|| Error::bug(format!("the key {key} is not sent")))?;
            Ok(format!("t.{key} = {}", self.value(at)))
        });
        let same = same.collect::<Result<Vec<_>>>()?.join(" AND ");
        Ok(Some(format!(
            "DELETE FROM {} AS t USING {} AS n WHERE {same} AND n.{is_deleted}",
            self.target,
            self.newest()
        )))
    }

    /// How many rows the insert is to change.
    fn count(&self) -> String {
        let alive = self.is_deleted.as_ref().map(|it| format!(" WHERE NOT (n.{it})")).unwrap_or_default();
        format!("SELECT count(*) FROM {} AS n{alive}", self.newest())
    }
}
