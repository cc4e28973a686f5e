//! What can be read, as a catalog.

use arrow::datatypes::{DataType, Schema};
use dstream_sdk::{Catalog, Error, ErrorKind, ReplicationMethod, Result, StreamInfo, tracing};

use super::options::Wishes;
use super::relations::{Relation, RelationKind, all_relations};
use super::source::Source;
use crate::client::Client;
use crate::types::Types;

/// Every stream that the user may read and wants to see.
///
/// # Errors
/// As [`Client::query`]; `Config`: options that are about nothing.
pub(crate) fn discover(client: &mut Client, wishes: &Wishes) -> Result<Catalog> {
    let mut relations = all_relations(client, wishes)?;
    relations.retain(|relation| wishes.wants_stream(&relation.stream()));
    let oids = relations.iter().flat_map(|relation| relation.columns.iter().map(|column| column.oid));
    let types = Types::load(client, oids.collect::<Vec<_>>())?;
    let mut streams = Vec::with_capacity(relations.len());
    let mut denied = Vec::new();
    for relation in relations {
        let stream = relation.stream();
        match Source::of_known(wishes, relation, types.clone()) {
            Ok(source) => streams.extend(describe(&source, wishes)?),
            Err(error) if error.kind() == ErrorKind::Denied => denied.push(stream),
            Err(error) => return Err(error),
        }
    }
    if !denied.is_empty() {
        tracing::warn!(
            streams = denied.join(", "),
            "the user `{}` may not read these, and they are left out",
            client.settings().user
        );
    }
    for (name, sql) in &wishes.queries {
        if streams.iter().any(|stream: &StreamInfo| stream.name == *name) {
            return Err(Error::config(format!("`options.queries` has the name of the table `{name}`"))
                .hint("give the query another name"));
        }
        let source = Source::of_query(client, wishes, name, sql)?;
        streams.extend(describe(&source, wishes)?);
    }
    check_used(wishes, &streams)?;
    Ok(Catalog { streams })
}

/// The stream of a source; `None`: it has no column.
fn describe(source: &Source, wishes: &Wishes) -> Result<Option<StreamInfo>> {
    let stream = source.stream.as_str();
    let relation = source.relation.as_ref();
    if let Some(relation) = relation {
        warn_of(stream, relation);
    }
    let mut fields = Vec::with_capacity(source.columns.len());
    for column in &source.columns {
        let read = source.read(column)?;
        if read.is_text_of_unknown {
            let name = source.types.sql(column.oid, column.modifier)?;
            tracing::warn!(
                stream,
                column = column.name,
                "the type `{name}` is not known: it is read as the server's text"
            );
        }
        fields.push(read.field);
    }
    if fields.is_empty() {
        tracing::warn!(stream, "it has no columns, and is left out");
        return Ok(None);
    }
    let schema = Schema::new(fields);
    let replication_keys = replication_keys(source, &schema, wishes);
    let mut replication_methods = vec![ReplicationMethod::FullTable];
    if !replication_keys.is_empty() {
        replication_methods.push(ReplicationMethod::Incremental);
    }
    Ok(Some(StreamInfo {
        name: stream.to_owned(),
        schema: schema.into(),
        key_properties: source.key.clone(),
        replication_methods,
        replication_keys,
        row_count: relation.and_then(|relation| relation.rows),
        description: relation.and_then(|relation| relation.comment.clone()),
    }))
}

fn warn_of(stream: &str, relation: &Relation) {
    if !relation.denied.is_empty() {
        let columns = relation.denied.join(", ");
        tracing::warn!(stream, columns, "the user may not read these columns, and they are left out");
    }
    if relation.hides_rows {
        tracing::warn!(stream, "row security is on: rows that its policies hide from the user are not read");
    }
}

/// The columns whose values have one order, here and on the server. Floats have none (`NaN`, `-0`), and text has one
/// where the user says so: numbers and times as text are in no order that means anything.
fn replication_keys(source: &Source, schema: &Schema, wishes: &Wishes) -> Vec<String> {
    let fields = schema.fields().iter();
    let keys = fields.filter(|field| is_key(source, field.name(), field.data_type(), wishes));
    keys.map(|field| field.name().clone()).collect()
}

/// Whether a column of this type can be followed.
pub(crate) fn is_key(source: &Source, column: &str, data_type: &DataType, wishes: &Wishes) -> bool {
    let is_declared = || wishes.text_keys.contains(&format!("{}.{column}", source.stream));
    let has_wish = source.column(column).is_some_and(|column| column.wanted.is_some());
    match (data_type, source.relation.as_ref().map(|relation| relation.kind)) {
        // A row comes into it when it is made anew, whatever its time: long after rows with later ones.
        (_, Some(RelationKind::MaterializedView)) => return false,
        // Who writes to a table of another server is not known here.
        (data_type, Some(RelationKind::Foreign)) => return is_time(data_type),
        _ => {}
    }
    match data_type {
        other if is_time(other) => true,
        DataType::Int16 | DataType::Int32 | DataType::Int64 => true,
        DataType::Decimal128(..) | DataType::Decimal256(..) => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => is_declared() && !has_wish,
        _ => false,
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32)
}

/// An option that is about nothing is misspelt.
fn check_used(wishes: &Wishes, streams: &[StreamInfo]) -> Result<()> {
    let is_stream = |name: &str| streams.iter().any(|stream| stream.name == name);
    let is_column = |name: &str| {
        let split =
            |stream: &StreamInfo| name.strip_prefix(&stream.name)?.strip_prefix('.').map(str::to_owned);
        streams
            .iter()
            .any(|stream| split(stream).is_some_and(|column| stream.schema.index_of(&column).is_ok()))
    };
    let of_streams = [
        ("filters", wishes.filters.keys().collect::<Vec<_>>()),
        ("key_properties", wishes.keys.keys().collect()),
        ("lookback", wishes.lookback.keys().collect()),
    ];
    let of_columns = [
        ("types", wishes.types.keys().collect::<Vec<_>>()),
        ("text_keys", wishes.text_keys.iter().collect()),
    ];
    let strange = of_streams
        .into_iter()
        .flat_map(|(option, names)| names.into_iter().map(move |name| (option, name)))
        .find(|(_, name)| !is_stream(name))
        .map(|found| (found, "stream"));
    let strange = strange.or_else(|| {
        of_columns
            .into_iter()
            .flat_map(|(option, names)| names.into_iter().map(move |name| (option, name)))
            .find(|(_, name)| !is_column(name))
            .map(|found| (found, "column"))
    });
    match strange {
        None => Ok(()),
        Some(((option, name), what)) => {
            Err(Error::config(format!("`options.{option}` names `{name}`, and there is no such {what}"))
                .hint("streams are named `schema.table`, columns `schema.table.column`; `dstreams discover` without the option shows them"))
        }
    }
}
