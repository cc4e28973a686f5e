//! What the server's catalog says of tables and views.

use dstream_sdk::{Error, Result};
use serde::Deserialize;

use super::names::stream_name;
use super::options::Wishes;
use crate::client::{Client, Row};
use crate::types::SourceColumn;

/// What a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelationKind {
    Table,
    Partitioned,
    View,
    MaterializedView,
    Foreign,
}

/// A table or view.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: RelationKind,
    /// As far as the server knows.
    pub(crate) rows: Option<u64>,
    pub(crate) comment: Option<String>,
    /// The server shows some of its rows only to others.
    pub(crate) hides_rows: bool,
    /// Those that may be read.
    pub(crate) columns: Vec<SourceColumn>,
    /// Names of the others.
    pub(crate) denied: Vec<String>,
    /// Columns that identify a row.
    pub(crate) key: Vec<String>,
}

impl Relation {
    /// The name of its stream.
    pub(crate) fn stream(&self) -> String {
        stream_name(&self.schema, &self.name)
    }
}

/// One query for everything: a source may have 10,000 tables, and a round trip takes its time.
const SQL: &str = "
SELECT c.oid, n.nspname, c.relname, c.relkind,
  CASE WHEN c.relkind = 'p' THEN
    (SELECT sum(l.reltuples) FROM pg_catalog.pg_partition_tree(c.oid) t
      JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf AND l.reltuples > 0)
    WHEN c.relkind <> 'v' AND (c.reltuples > 0 OR c.relpages > 0) THEN c.reltuples END::bigint,
  pg_catalog.obj_description(c.oid, 'pg_class'),
  pg_catalog.row_security_active(c.oid),
  (SELECT json_agg(json_build_object('name', a.attname, 'oid', a.atttypid::bigint, 'modifier', a.atttypmod,
      'dimensions', a.attndims, 'not_null', a.attnotnull, 'comment', pg_catalog.col_description(c.oid, a.attnum),
      'readable', coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') AND
        pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT json_agg(a.attname ORDER BY k.place)
    FROM (SELECT i.indrelid, i.indkey, i.indnkeyatts FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND (i.indimmediate OR i.indisprimary)
        AND i.indpred IS NULL AND i.indexprs IS NULL
        AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY u (attnum, place)
          JOIN pg_catalog.pg_attribute ua ON ua.attrelid = i.indrelid AND ua.attnum = u.attnum
          WHERE u.place <= i.indnkeyatts AND NOT ua.attnotnull)
      ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indnkeyatts, x.relname LIMIT 1) best,
    unnest(best.indkey::int2[]) WITH ORDINALITY k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
    WHERE k.place <= best.indnkeyatts)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ";

/// Every relation that the user wants to see.
///
/// # Errors
/// `Config`: a schema that is named does not exist.
pub(crate) fn all_relations(client: &mut Client, wishes: &Wishes) -> Result<Vec<Relation>> {
    let schemas = check_schemas(client, wishes)?;
    let wanted: Vec<&str> =
        schemas.iter().map(String::as_str).filter(|schema| wishes.wants_schema(schema)).collect();
    let wanted = array(&wanted);
    // Partitions are read with their parent, and what we keep ourselves is nobody's data.
    let sql = format!(
        "{SQL} n.nspname = ANY ($1::text[]) AND NOT c.relispartition AND c.relpersistence <> 't' \
         AND c.relname NOT LIKE '\\_dstreams\\_%' ORDER BY n.nspname, c.relname"
    );
    client.query(&sql, &[&wanted])?.iter().map(relation).collect()
}

/// The schemas of the database.
///
/// # Errors
/// `Config`: one that is named does not exist.
pub(crate) fn check_schemas(client: &mut Client, wishes: &Wishes) -> Result<Vec<String>> {
    let rows = client.query("SELECT nspname FROM pg_catalog.pg_namespace ORDER BY 1", &[])?;
    let schemas: Vec<String> = rows.iter().map(|row| row.text(0).to_owned()).collect();
    let is_plain = |wanted: &&String| !wanted.contains(['*', '?', '[', '{', '\\']);
    let mut plain = wishes.schemas.iter().filter(is_plain);
    let Some(missing) = plain.find(|wanted| !schemas.contains(wanted)) else { return Ok(schemas) };
    let known: Vec<&str> =
        schemas.iter().map(String::as_str).filter(|name| !name.starts_with("pg_")).collect();
    Err(Error::config(format!("there is no schema `{missing}`, which `options.schemas` names"))
        .hint(format!("the database has {}", known.join(", "))))
}

/// One relation, where it is there.
///
/// # Errors
/// As [`Client::query`].
pub(crate) fn find_relation(client: &mut Client, schema: &str, name: &str) -> Result<Option<Relation>> {
    let sql = format!("{SQL} n.nspname = $1 AND c.relname = $2");
    client.query(&sql, &[schema, name])?.first().map(relation).transpose()
}

/// Texts as the server reads an array of them.
pub(crate) fn array(texts: &[&str]) -> String {
    let quoted = |text: &&str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", texts.iter().map(quoted).collect::<Vec<_>>().join(","))
}

#[derive(Deserialize)]
struct Column {
    name: String,
    oid: u32,
    modifier: i32,
    dimensions: u8,
    not_null: bool,
    comment: Option<String>,
    readable: bool,
}

fn relation(row: &Row) -> Result<Relation> {
    let unclear = |error: serde_json::Error| Error::bug(format!("the catalog of the server: {error}"));
    let columns: Vec<Column> = serde_json::from_str(row.get(7).unwrap_or("[]")).map_err(unclear)?;
    let key: Vec<String> = serde_json::from_str(row.get(8).unwrap_or("[]")).map_err(unclear)?;
    let denied: Vec<String> =
        columns.iter().filter(|column| !column.readable).map(|column| column.name.clone()).collect();
    let source = |column: Column| SourceColumn {
        name: column.name,
        oid: column.oid,
        modifier: column.modifier,
        dimensions: column.dimensions,
        is_nullable: !column.not_null,
        comment: column.comment,
        wanted: None,
    };
    Ok(Relation {
        oid: row.number(0)?,
        schema: row.text(1).into(),
        name: row.text(2).into(),
        kind: match row.text(3) {
            "p" => RelationKind::Partitioned,
            "v" => RelationKind::View,
            "m" => RelationKind::MaterializedView,
            "f" => RelationKind::Foreign,
            _ => RelationKind::Table,
        },
        rows: row.get(4).and_then(|rows| rows.parse().ok()),
        comment: row.get(5).map(str::to_owned),
        hides_rows: row.is_true(6),
        columns: columns.into_iter().filter(|column| column.readable).map(source).collect(),
        // Half a key identifies nothing.
        key: if key.iter().any(|column| denied.contains(column)) { Vec::new() } else { key },
        denied,
    })
}
