//! Tables of an SQLite file.

use anyhow::{Context, Result};
use rusqlite::types::Value as Sqlite;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{STAMP, Source, transactions};
use crate::column::{Column, SQLITE};
use crate::random::Random;
use crate::stream::{Change, Kind, Stream};
use crate::value::Value;

/// A file with a table for each stream.
#[derive(Debug)]
pub(crate) struct SqliteSource {
    file: PathBuf,
    streams: Vec<&'static str>,
}

impl SqliteSource {
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn new(file: &Path, random: &mut Random) -> Result<SqliteSource> {
        let source = SqliteSource { file: file.to_owned(), streams: Vec::new() };
        let mode = random.choose(&["wal", "delete"]);
        source.open()?.pragma_update(None, "journal_mode", mode)?;
        Ok(source)
    }

    fn open(&self) -> Result<Connection> {
        let connection = Connection::open(&self.file).context("the source cannot be opened")?;
        connection.pragma_update(None, "synchronous", "off")?;
        Ok(connection)
    }
}

/// All columns, in their order.
fn names() -> impl Iterator<Item = &'static str> {
    ["id", "version", STAMP].into_iter().chain(SQLITE.iter().map(|column| column.name))
}

impl Source for SqliteSource {
    fn tap(&self) -> Json {
        let named = SQLITE.iter().filter(|column| !column.read_as.is_empty());
        let types: BTreeMap<String, &str> = named
            .flat_map(|column| {
                self.streams.iter().map(|stream| (format!("{stream}.{}", column.name), column.read_as))
            })
            .collect();
        json!({
            "name": "in", "type": "sqlite", "connection": {"path": self.file}, "options": {"types": types},
        })
    }

    fn columns(&self) -> &'static [Column] {
        &SQLITE
    }

    fn stream_name(&self, stream: &Stream) -> String {
        stream.name.to_owned()
    }

    fn create(&mut self, stream: &Stream) -> Result<()> {
        let key = if stream.kind == Kind::Keyed { " primary key" } else { "" };
        let declared = SQLITE.iter().map(|column| format!("{} {}", column.name, column.declared));
        let declared = declared.collect::<Vec<_>>().join(", ");
        let sql = format!(
            "create table {} (id integer not null{key}, version integer not null, {STAMP} timestamp not null, {declared})",
            stream.name
        );
        self.open()?.execute_batch(&sql).context("a table cannot be made")?;
        self.streams.push(stream.name);
        Ok(())
    }

    fn change(&mut self, stream: &Stream, change: &Change, random: &mut Random) -> Result<()> {
        let mut connection = self.open()?;
        let name = stream.name;
        let places = vec!["?"; names().count()].join(", ");
        let insert =
            format!("insert into {name} ({}) values ({places})", names().collect::<Vec<_>>().join(", "));
        let delete = format!("delete from {name} where id = ?");
        let (mut replaces, mut deleted) = (change.replaces, &change.deleted[..]);
        for written in transactions(change, random) {
            let transaction = connection.transaction()?;
            if replaces {
                transaction.execute(&format!("delete from {name}"), [])?;
            }
            for id in deleted {
                transaction.execute(&delete, [id])?;
            }
            // The same for all of the transaction.
            let now = transaction
                .query_row("select strftime('%Y-%m-%d %H:%M:%f', 'now')", [], |row| row.get(0))?;
            let now = Sqlite::Text(now);
            let (mut insert, mut delete) = (transaction.prepare(&insert)?, transaction.prepare(&delete)?);
            for origin in written {
                if !replaces {
                    delete.execute([origin.number])?;
                }
                let first = [Sqlite::Integer(origin.number), Sqlite::Integer(origin.version), now.clone()];
                let cells = origin.cells(&SQLITE).map(|(_, value, _)| value.in_sqlite());
                insert.execute(params_from_iter(first.into_iter().chain(cells)))?;
            }
            drop((insert, delete));
            transaction.commit()?;
            (replaces, deleted) = (false, &[]);
        }
        Ok(())
    }

    fn stamps(&self, stream: &Stream) -> Result<Option<BTreeMap<i64, Value>>> {
        let connection = self.open()?;
        let mut select = connection.prepare(&format!("select id, {STAMP} from {}", stream.name))?;
        let stamps = select.query_map([], |row| Ok((row.get(0)?, Value::Text(row.get(1)?))))?;
        Ok(Some(stamps.collect::<Result<_, _>>()?))
    }
}
