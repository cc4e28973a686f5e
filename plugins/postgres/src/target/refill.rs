//! A table is kept, with all that hangs on it, and filled with the rows that were built aside.

use dstream_sdk::{Error, ErrorKind, Result, tracing};

use super::look::look;
use super::options::TargetSettings;
use crate::client::Client;
use crate::quote::quote;
use crate::table::{Found, FoundColumn};
use crate::types::Types;

/// One column on its way.
struct Moved {
    /// Its name, quoted.
    name: String,
    /// The type in the table, and that in the table aside, where they differ.
    types: Option<(String, String)>,
}

impl Moved {
    fn value(&self) -> String {
        match &self.types {
            Some((theirs, _)) => format!("n.{}::{theirs}", self.name),
            None => format!("n.{}", self.name),
        }
    }
}

/// Replaces the rows of a table, within a transaction.
///
/// # Errors
/// `Schema`, `Data`: the table does not take the rows.
pub(super) fn refill(
    client: &mut Client,
    settings: &TargetSettings,
    table: &str,
    aside: &str,
    found: &Found,
    built: &Found,
) -> Result<()> {
    let (old, new) = (settings.qualified(table)?, settings.qualified(aside)?);
    let reference = find_reference(client, found.oid)?;
    let found = add_columns(client, settings, table, found, built)?;
    let mut moved = columns(client, &found, built)?;
    let odd = find_inexact(client, &new, &moved)?;
    if reference.is_none() {
        let only = if found.kind == "p" { "" } else { "ONLY " };
        client.run(&format!("TRUNCATE {only}{old}"))?;
    }
    for at in odd {
        let Moved { name, types } = &mut moved[at];
        let Some((theirs, ours)) = types else { continue };
        // The new copy has another type, and there is no row left to be converted.
        if reference.is_none() {
            let sql = format!(
                "ALTER TABLE {old} ALTER COLUMN {name} DROP DEFAULT, ALTER COLUMN {name} TYPE {ours} USING NULL"
            );
            client.run(&sql).map_err(|error| misfit(name, theirs, ours, Some(error)))?;
            *types = None;
        } else {
            return Err(misfit(name, theirs, ours, None));
        }
    }
    let wanted: u64 = client
        .query(&format!("SELECT count(*) FROM {new}"), &[])?
        .first()
        .map_or(Ok(0), |row| row.number(0))?;
    let taken = match reference {
        None => insert(client, &old, &new, &found, &moved, "")?,
        Some(keys) => merge(client, &old, &new, &found, &moved, &keys)?,
    };
    match taken == wanted {
        true => Ok(()),
        false => Err(Error::data(format!(
            "the table took {taken} rows of {wanted}: a trigger or policy keeps rows out"
        ))),
    }
}

fn misfit(name: &str, theirs: &str, ours: &str, error: Option<Error>) -> Error {
    let plain = |sql: &str| sql.replace("pg_catalog.", "");
    let why = error.map(|error| format!(": {}", error.message())).unwrap_or_default();
    Error::schema(format!(
        "the column {name} is `{}` and would have to be `{}` to keep every value{why}",
        plain(theirs),
        plain(ours)
    ))
}

/// The columns of a key that rows of other tables refer to.
fn find_reference(client: &mut Client, oid: u32) -> Result<Option<Vec<String>>> {
    let sql = "
SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
FROM pg_catalog.pg_constraint c CROSS JOIN LATERAL unnest(c.confkey) WITH ORDINALITY AS k (number, place)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number
WHERE c.contype = 'f' AND c.confrelid = $1::oid AND c.conrelid <> c.confrelid GROUP BY c.oid ORDER BY c.oid LIMIT 1";
    let rows = client.query(sql, &[&oid.to_string()])?;
    rows.first()
        .map(|row| {
            serde_json::from_str(row.text(0))
                .map_err(|error| Error::bug(format!("the server's names of columns are not JSON: {error}")))
        })
        .transpose()
}

fn add_columns(
    client: &mut Client,
    settings: &TargetSettings,
    table: &str,
    found: &Found,
    built: &Found,
) -> Result<Found> {
    let types = Types::load(client, built.columns.iter().map(|column| column.oid))?;
    let mut parts = Vec::new();
    for column in built.columns.iter().filter(|column| found.column(&column.name).is_none()) {
        parts.push(format!(
            "ADD COLUMN {} {}",
            quote(&column.name)?,
            types.sql(column.oid, column.modifier)?
        ));
    }
    if parts.is_empty() {
        return Ok(found.clone());
    }
    client.run(&format!("ALTER TABLE {} {}", settings.qualified(table)?, parts.join(", ")))?;
    look(client, settings, table)?.ok_or_else(|| Error::bug("a table that is locked is gone"))
}

fn columns(client: &mut Client, found: &Found, built: &Found) -> Result<Vec<Moved>> {
    let oids = found.columns.iter().chain(&built.columns).map(|column| column.oid);
    let types = Types::load(client, oids)?;
    let sql = |column: &FoundColumn| types.sql(column.oid, column.modifier);
    let mut moved = Vec::new();
    for column in &built.columns {
        let Some(theirs) = found.column(&column.name) else { continue };
        if theirs.is_generated {
            tracing::warn!(
                column = column.name,
                "the server computes this column, and the values of the stream are left out"
            );
            continue;
        }
        let is_same = (theirs.oid, theirs.modifier) == (column.oid, column.modifier);
        let types = if is_same { None } else { Some((sql(theirs)?, sql(column)?)) };
        moved.push(Moved { name: quote(&column.name)?, types });
    }
    Ok(moved)
}

/// Columns with a value that would not come back as it is.
fn find_inexact(client: &mut Client, new: &str, moved: &[Moved]) -> Result<Vec<usize>> {
    let mut odd = Vec::new();
    for (at, column) in moved.iter().enumerate() {
        let (name, Some((theirs, ours))) = (&column.name, &column.types) else { continue };
        let sql = format!(
            "SELECT 1 FROM {new} AS n WHERE n.{name}::{theirs}::{ours}::text IS DISTINCT FROM n.{name}::text LIMIT 1"
        );
        // A cast that fails must not end the transaction.
        client.run("SAVEPOINT dstreams_cast")?;
        match client.query(&sql, &[]) {
            Ok(rows) if rows.is_empty() => {}
            Ok(_) => odd.push(at),
            Err(error) if client.is_lost() || error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(_) => odd.push(at),
        }
        client.run("ROLLBACK TO SAVEPOINT dstreams_cast; RELEASE SAVEPOINT dstreams_cast")?;
    }
    Ok(odd)
}

fn insert(
    client: &mut Client,
    old: &str,
    new: &str,
    found: &Found,
    moved: &[Moved],
    on_conflict: &str,
) -> Result<u64> {
    let names = moved.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let values = moved.iter().map(Moved::value).collect::<Vec<_>>().join(", ");
    let has_identity = found.columns.iter().any(|column| column.is_identity_always);
    let overriding = if has_identity { " OVERRIDING SYSTEM VALUE" } else { "" };
    let sql = format!("INSERT INTO {old} ({names}){overriding} SELECT {values} FROM {new} AS n{on_conflict}");
    client.execute(&sql, &[])
}

/// Rows that others refer to stay what they are to those: only what is gone is deleted.
fn merge(
    client: &mut Client,
    old: &str,
    new: &str,
    found: &Found,
    moved: &[Moved],
    keys: &[String],
) -> Result<u64> {
    let keys = keys.iter().map(|key| quote(key)).collect::<Result<Vec<_>>>()?;
    let mut same = Vec::new();
    for key in &keys {
        let column = moved.iter().find(|column| column.name == *key).ok_or_else(|| {
            Error::schema(format!("foreign keys refer to the column {key}, which the stream does not have"))
        })?;
        same.push(format!("t.{key} = {}", column.value()));
    }
    let same = same.join(" AND ");
    client.run(&format!("DELETE FROM {old} AS t WHERE NOT EXISTS (SELECT FROM {new} AS n WHERE {same})"))?;
    let others = moved.iter().filter(|column| !keys.contains(&column.name));
    let mut set: Vec<String> =
        others.map(|column| format!("{name} = excluded.{name}", name = column.name)).collect();
    if set.is_empty() {
        // So that every row counts.
        set.extend(keys.iter().map(|key| format!("{key} = excluded.{key}")));
    }
    let on_conflict = format!(" ON CONFLICT ({}) DO UPDATE SET {}", keys.join(", "), set.join(", "));
    insert(client, old, new, found, moved, &on_conflict)
}
