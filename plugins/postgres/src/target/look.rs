//! What is there: a table's columns and keys, as the server's catalogs have them.

use dstream_sdk::{Error, Result};

use super::options::TargetSettings;
use crate::client::Client;
use crate::table::{Found, FoundColumn, Unique};

const RELATION: &str = "
SELECT c.oid, c.relkind, c.relkind IN ('r', 'p') AND EXISTS
    (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3'),
  EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = $2::text";

const COLUMNS: &str = "
SELECT a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod),
  a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '', a.attidentity = 'a'
FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// A type that ignores differences has no catalog entry that says so: `citext` is known by its name.
const UNIQUE: &str = "
SELECT pg_catalog.json_agg(a.attname ORDER BY k.place),
  pg_catalog.bool_and(coalesce(o.collisdeterministic, true) AND t.typname <> 'citext')
FROM pg_catalog.pg_index i
  CROSS JOIN LATERAL ROWS FROM (unnest(i.indkey::int2[]), unnest(i.indcollation::oid[])) WITH ORDINALITY
    AS k (number, collation_oid, place)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_collation o ON o.oid = k.collation_oid
WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid";

/// The table, view or other thing of that name.
///
/// # Errors
/// What the server says.
pub(super) fn look(client: &mut Client, settings: &TargetSettings, table: &str) -> Result<Option<Found>> {
    let rows = client.query(RELATION, &[&settings.schema, table])?;
    let Some(relation) = rows.first() else { return Ok(None) };
    let oid = relation.text(0);
    let columns = client
        .query(COLUMNS, &[oid])?
        .iter()
        .map(|row| {
            Ok(FoundColumn {
                name: row.text(0).to_owned(),
                oid: row.number(1)?,
                modifier: row.number(2)?,
                declared: row.text(3).to_owned(),
                is_required: row.is_true(4),
                is_generated: row.is_true(5),
                is_identity_always: row.is_true(6),
            })
        })
        .collect::<Result<_>>()?;
    let unique = client
        .query(UNIQUE, &[oid])?
        .iter()
        .map(|row| {
            let columns = serde_json::from_str(row.text(0)).map_err(|error| {
                Error::bug(format!("the server's names of columns are not JSON: {error}"))
            })?;
            Ok(Unique { columns, tells_all_apart: row.is_true(1) })
        })
        .collect::<Result<_>>()?;
    Ok(Some(Found {
        oid: relation.number(0)?,
        kind: relation.text(1).to_owned(),
        has_rules: relation.is_true(2),
        has_triggers: relation.is_true(3),
        columns,
        unique,
    }))
}
