//! What a stream is read from: a relation or a query, with its columns.

use arrow::datatypes::DataType;
use dstream_sdk::{Error, Result, SelectedStream};

use super::names::parts_of;
use super::options::Wishes;
use super::relations::{Relation, RelationKind, find_relation};
use crate::client::Client;
use crate::quote::quote;
use crate::types::{ReadColumn, SourceColumn, Types, read_column};

/// What a stream is read from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) stream: String,
    /// `None`: a query of the user's.
    pub(crate) relation: Option<Relation>,
    /// What stands behind FROM.
    pub(crate) from: String,
    /// The user's condition.
    pub(crate) filter: Option<String>,
    pub(crate) columns: Vec<SourceColumn>,
    pub(crate) key: Vec<String>,
    pub(crate) types: Types,
}

impl Source {
    /// Looks a stream up.
    ///
    /// # Errors
    /// `Schema`: it is gone. `Denied`: it may not be read.
    pub(crate) fn find(client: &mut Client, wishes: &Wishes, stream: &str) -> Result<Source> {
        if let Some(sql) = wishes.queries.get(stream) {
            return Source::of_query(client, wishes, stream, sql);
        }
        let gone = || {
            Error::schema("there is no such table or view any more")
                .stream(stream)
                .hint("run `dstreams discover` again, or deselect the stream")
        };
        let (schema, table) = parts_of(stream).ok_or_else(gone)?;
        let relation = find_relation(client, &schema, &table)?.ok_or_else(gone)?;
        Source::of_relation(client, wishes, relation)
    }

    /// What a relation gives.
    ///
    /// # Errors
    /// `Denied`: it may not be read.
    pub(crate) fn of_relation(client: &mut Client, wishes: &Wishes, relation: Relation) -> Result<Source> {
        let mut source = Source::of_known(wishes, relation, Types::default())?;
        source.types = Types::load(client, source.columns.iter().map(|column| column.oid))?;
        Ok(source)
    }

    /// As [`of_relation`](Source::of_relation), with types that are loaded.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn of_known(wishes: &Wishes, relation: Relation, types: Types) -> Result<Source> {
        let stream = relation.stream();
        if relation.columns.is_empty() && !relation.denied.is_empty() {
            return Err(Error::denied("the user may not read any of its columns").stream(&stream).hint(
                format!("an administrator has to run `GRANT SELECT ON {stream} TO …`; else deselect it"),
            ));
        }
        let name = format!("{}.{}", quote(&relation.schema)?, quote(&relation.name)?);
        let from = match relation.kind {
            // What inherits from it is a table and a stream of its own.
            RelationKind::Table => format!("ONLY {name}"),
            _ => name,
        };
        let (columns, key) = (relation.columns.clone(), relation.key.clone());
        let source = Source { relation: Some(relation), from, filter: None, columns, key, types, stream };
        source.with_wishes(wishes)
    }

    /// What a query gives.
    ///
    /// # Errors
    /// What the server says of the query.
    pub(crate) fn of_query(client: &mut Client, wishes: &Wishes, stream: &str, sql: &str) -> Result<Source> {
        // A comment at the end of the query ends with its line.
        let from = format!("({sql}\n) AS q");
        let described = client.describe(&format!("SELECT * FROM {from}")).map_err(|error| {
            let hint = format!("look at `options.queries.{stream}`: it must be one SELECT");
            Error::config(error.message()).stream(stream).hint(hint).context("the query cannot be read")
        })?;
        let column = |(name, oid, modifier): (String, u32, i32)| SourceColumn {
            name,
            oid,
            modifier,
            dimensions: 0,
            is_nullable: true,
            comment: None,
            wanted: None,
        };
        let columns: Vec<SourceColumn> = described.into_iter().map(column).collect();
        let mut names = std::collections::HashSet::new();
        if let Some(twice) = columns.iter().find(|column| !names.insert(&column.name)) {
            return Err(Error::config(format!("the query has two columns `{}`", twice.name))
                .stream(stream)
                .hint("name one of them with AS"));
        }
        let types = Types::load(client, columns.iter().map(|column| column.oid))?;
        let stream = stream.to_owned();
        Source { stream, relation: None, from, filter: None, columns, key: Vec::new(), types }
            .with_wishes(wishes)
    }

    fn with_wishes(mut self, wishes: &Wishes) -> Result<Source> {
        for column in &mut self.columns {
            column.wanted = wishes.types.get(&format!("{}.{}", self.stream, column.name)).cloned();
        }
        self.filter = wishes.filters.get(&self.stream).cloned();
        if let Some(key) = wishes.keys.get(&self.stream) {
            if let Some(stranger) = key.iter().find(|key| self.column(key).is_none()) {
                return Err(Error::config(format!(
                    "`options.key_properties` names `{stranger}`, which is no column"
                ))
                .stream(&self.stream));
            }
            self.key.clone_from(key);
        }
        Ok(self)
    }

    /// A column by its name.
    pub(crate) fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// A column as it is read.
    ///
    /// # Errors
    /// As [`read_column`].
    pub(crate) fn read(&self, column: &SourceColumn) -> Result<ReadColumn> {
        read_column(&self.types, column).map_err(|error| error.stream(&self.stream))
    }

    /// The selected columns, in their order.
    ///
    /// # Errors
    /// `Schema`: one is gone or has another type. `Denied`: one may not be read.
    pub(crate) fn select(&self, selected: &SelectedStream) -> Result<Vec<ReadColumn>> {
        let denied = self.relation.iter().flat_map(|relation| &relation.denied);
        let denied: Vec<&String> = denied.collect();
        let column = |field: &arrow::datatypes::FieldRef| {
            let name = field.name();
            let column = self.column(name).ok_or_else(|| match denied.contains(&name) {
                true => Error::denied(format!("the user may not read the column `{name}`"))
                    .hint("an administrator has to grant it; else deselect the column"),
                false => Error::schema(format!("there is no column `{name}` any more"))
                    .hint("run `dstreams discover` again, or deselect the column"),
            });
            let column = self.read(column.map_err(|error| error.stream(&self.stream))?)?;
            match same(column.field.data_type(), field.data_type()) {
                true => Ok(column),
                false => Err(Error::schema(format!(
                    "column `{name}` is {}, the catalog says {}",
                    column.field.data_type(),
                    field.data_type()
                ))
                .stream(&self.stream)
                .hint("run `dstreams discover` again")),
            }
        };
        selected.schema.fields().iter().map(column).collect()
    }

    /// `SELECT … FROM … WHERE …`, with what else has to hold.
    pub(crate) fn sql(&self, columns: &[ReadColumn], from: &str, conditions: &[String]) -> String {
        let list: Vec<&str> = columns.iter().map(|column| column.expression.as_str()).collect();
        format!("SELECT {} FROM {from}{}", list.join(", "), self.conditions(conditions))
    }

    /// ` WHERE …`, with the user's condition.
    pub(crate) fn conditions(&self, conditions: &[String]) -> String {
        let filter = self.filter.iter().map(|filter| format!("({filter}\n)"));
        let all: Vec<String> = filter.chain(conditions.iter().cloned()).collect();
        match all.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", all.join(" AND ")),
        }
    }
}

/// What is in the metadata of nested fields does not matter here.
fn same(found: &DataType, wanted: &DataType) -> bool {
    found.equals_datatype(wanted)
}
