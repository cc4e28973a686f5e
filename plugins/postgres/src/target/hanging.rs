//! What hangs on a table and would be lost with it: views, indexes, grants, comments, settings.

use dstream_sdk::Result;

use crate::client::Client;

/// Everything about the table `old` that the table `new`, made just now by this connector, does not have; a few words for
/// each. Empty: one can take the other's place and nobody notices.
///
/// # Errors
/// What the server says.
pub(super) fn hanging(client: &mut Client, old: u32, new: u32) -> Result<Vec<String>> {
    let compression = if client.version() >= 140_000 { "a.attcompression <> ''" } else { "false" };
    let sql = format!(
        "
WITH t AS (SELECT c.*, y.typarray FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_type y ON y.oid = c.reltype
           WHERE c.oid = {old}),
  n AS (SELECT * FROM pg_catalog.pg_class WHERE oid = {new}),
  a AS (SELECT a.* FROM pg_catalog.pg_attribute a WHERE a.attrelid = {old} AND a.attnum > 0 AND NOT a.attisdropped)
SELECT DISTINCT what FROM (
  SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS what
  FROM t JOIN pg_catalog.pg_depend d ON
    (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid)
    OR (d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid IN (t.reltype, t.typarray))
  WHERE NOT (d.classid = 'pg_catalog.pg_type'::regclass AND d.objid IN (t.reltype, t.typarray))
    AND NOT (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid IN (t.oid, t.reltoastrelid))
  UNION ALL SELECT 'a comment' FROM pg_catalog.pg_description
    WHERE classoid = 'pg_catalog.pg_class'::regclass AND objoid = {old}
  UNION ALL SELECT 'a security label' FROM pg_catalog.pg_seclabel
    WHERE classoid = 'pg_catalog.pg_class'::regclass AND objoid = {old}
  UNION ALL SELECT 'inheritance' FROM pg_catalog.pg_inherits WHERE {old} IN (inhrelid, inhparent)
  UNION ALL SELECT 'an extension' FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = {old} AND deptype = 'e'
  UNION ALL SELECT unnest(ARRAY[
      CASE WHEN t.relacl IS DISTINCT FROM n.relacl THEN 'grants' END,
      CASE WHEN t.relowner <> n.relowner THEN 'its owner' END,
      CASE WHEN t.reloptions IS DISTINCT FROM n.reloptions THEN 'storage parameters' END,
      CASE WHEN t.reltablespace <> n.reltablespace THEN 'its tablespace' END,
      CASE WHEN t.relam <> n.relam THEN 'its access method' END,
      CASE WHEN t.relpersistence <> n.relpersistence THEN 'being unlogged' END,
      CASE WHEN t.relreplident <> n.relreplident THEN 'its replica identity' END,
      CASE WHEN t.relrowsecurity OR t.relforcerowsecurity THEN 'row security' END,
      CASE WHEN t.relkind <> n.relkind THEN 'partitioning' END,
      CASE WHEN t.reloftype <> 0 THEN 'its type' END])
    FROM t, n
  UNION ALL SELECT 'storage parameters' FROM t JOIN pg_catalog.pg_class s ON s.oid = t.reltoastrelid
    WHERE s.reloptions IS NOT NULL
  UNION ALL SELECT unnest(ARRAY[
      CASE WHEN a.attacl IS NOT NULL THEN 'grants on the column ' || a.attname END,
      CASE WHEN a.attnotnull THEN 'NOT NULL of the column ' || a.attname END,
      CASE WHEN a.attcollation <> y.typcollation THEN 'the collation of the column ' || a.attname END,
      CASE WHEN a.attoptions IS NOT NULL OR coalesce(a.attstattarget, -1) <> -1 OR a.attstorage <> y.typstorage
        OR {compression} THEN 'settings of the column ' || a.attname END])
    FROM a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
) AS x WHERE what IS NOT NULL ORDER BY what"
    );
    Ok(client.query(&sql, &[])?.iter().map(|row| row.text(0).to_owned()).collect())
}

/// The first few, in a sentence.
pub(super) fn in_words(hanging: &[String]) -> String {
    let shown = hanging.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match hanging.len() {
        0..=3 => shown,
        more => format!("{shown} and {} more", more - 3),
    }
}
