//! Tables of a PostgreSQL database.

use anyhow::{Context, Result};
use dstream_postgres_server::Database;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

use super::{STAMP, Source, transactions};
use crate::column::{Column, POSTGRES};
use crate::copy;
use crate::random::Random;
use crate::row::Origin;
use crate::stream::{Change, Kind, Stream};
use crate::value::Value;

/// A database with a table for each stream.
#[derive(Debug)]
pub(crate) struct PostgresSource {
    database: Database,
    columns: &'static [Column],
    /// What its tap connects to.
    url: String,
    options: Json,
}

impl PostgresSource {
    /// # Errors
    /// The server does not make what the tables need.
    pub(crate) fn new(
        database: Database,
        columns: &'static [Column],
        options: Json,
    ) -> Result<PostgresSource> {
        if columns.len() == POSTGRES.len() {
            database.psql(r#"create type mood as enum ('sad', 'ok', 'it''s "great"')"#)?;
        }
        Ok(PostgresSource { url: database.url(), database, columns, options })
    }

    /// As it is, read by way of another address.
    pub(crate) fn by_way_of(mut self, address: std::net::SocketAddr) -> PostgresSource {
        self.url = url_by_way_of(&self.database, address);
        self
    }

    fn names(&self) -> String {
        let names = ["id", "version"].into_iter().chain(self.columns.iter().map(|column| column.name));
        names.collect::<Vec<_>>().join(", ")
    }

    fn declarations(&self) -> String {
        let declared = self.columns.iter().map(|column| format!("{} {}", column.name, column.declared));
        let ends = ["id int8 not null", "version int8 not null"].map(str::to_owned);
        ends.into_iter().chain(declared).collect::<Vec<_>>().join(", ")
    }

    /// The statements of one transaction. `now()` is the same for all of its rows, the clock is not.
    fn statements(&self, stream: &Stream, deleted: &[i64], written: &[Origin], stamp: &str) -> String {
        let (name, names) = (stream.name, self.names());
        let mut sql = format!(
            "begin;\ncreate temp table fresh ({}) on commit drop;\ncopy fresh from stdin;\n",
            self.declarations()
        );
        // Of several versions in one change the last is the one that anybody sees.
        let newest: BTreeMap<i64, Origin> = written.iter().map(|origin| (origin.number, *origin)).collect();
        for origin in newest.into_values() {
            sql.push_str(&format!("{}\t{}", origin.number, origin.version));
            for (_, value, _) in origin.cells(self.columns) {
                sql.push('\t');
                copy::write(value.in_postgres().as_deref(), &mut sql);
            }
            sql.push('\n');
        }
        sql.push_str("\\.\n");
        let ids: Vec<String> = deleted.iter().map(i64::to_string).collect();
        if !ids.is_empty() {
            sql.push_str(&format!("delete from {name} where id in ({});\n", ids.join(",")));
        }
        if stream.kind == Kind::Replaced {
            sql.push_str(&format!("delete from {name} where id in (select id from fresh);\n"));
        }
        sql.push_str(&format!(
            "insert into {name} ({names}, {STAMP}) select {names}, {stamp} from fresh order by id"
        ));
        if stream.kind == Kind::Keyed {
            let columns = ["version", STAMP].into_iter().chain(self.columns.iter().map(|column| column.name));
            let set: Vec<String> = columns.map(|column| format!("{column} = excluded.{column}")).collect();
            sql.push_str(&format!(" on conflict (id) do update set {}", set.join(", ")));
        }
        sql.push_str(";\ncommit;\n");
        sql
    }
}

/// The URL of a database with the address of a proxy before its server.
pub(crate) fn url_by_way_of(database: &Database, address: std::net::SocketAddr) -> String {
    let own = format!("@{}:{}/", database.host(), database.port());
    database.url().replacen(&own, &format!("@{address}/"), 1)
}

impl Source for PostgresSource {
    fn tap(&self) -> Json {
        json!({
            "name": "in", "type": "postgres", "connection": {"url": self.url}, "options": self.options,
        })
    }

    fn columns(&self) -> &'static [Column] {
        self.columns
    }

    fn stream_name(&self, stream: &Stream) -> String {
        format!("public.{}", stream.name)
    }

    fn create(&mut self, stream: &Stream) -> Result<()> {
        let key = if stream.kind == Kind::Keyed { ", primary key (id)" } else { "" };
        let sql = format!(
            "create table {} ({}, {STAMP} timestamptz not null{key})",
            stream.name,
            self.declarations()
        );
        self.database.psql(&sql).map(drop).context("a table cannot be made")
    }

    fn change(&mut self, stream: &Stream, change: &Change, random: &mut Random) -> Result<()> {
        let mut sql = String::new();
        if change.replaces {
            let how = random.choose(&["truncate", "delete from"]);
            sql.push_str(&format!("{how} {};\n", stream.name));
        }
        let mut deleted = &change.deleted[..];
        for written in transactions(change, random) {
            let stamp = random.choose(&["now()", "clock_timestamp()"]);
            sql.push_str(&self.statements(stream, deleted, written, stamp));
            deleted = &[];
        }
        self.database.psql(&sql).map(drop).with_context(|| format!("`{}` cannot be changed", stream.name))
    }

    fn stamps(&self, stream: &Stream) -> Result<Option<BTreeMap<i64, Value>>> {
        let mut stamps = BTreeMap::new();
        let form = "'YYYY-MM-DD\"T\"HH24:MI:SS.US'";
        let sql = format!("select id, to_char({STAMP} at time zone 'UTC', {form}) from {}", stream.name);
        copy::read(&self.database, &sql, &mut |fields| {
            if let [Some(id), Some(text)] = fields {
                stamps.insert(id.parse()?, Value::Moment { text: text.clone(), is_utc: true });
            }
            Ok(())
        })?;
        Ok(Some(stamps))
    }
}
