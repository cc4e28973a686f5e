//! Snapshots: what a transaction sees, shared by several, and whether what an older one saw is still the same.

use dstream_sdk::{Error, ErrorKind, Result};

use super::cut::{Piece, Read};
use super::source::Source;
use crate::client::Client;
use crate::quote::{literal, quote};

/// Begins to read, in a snapshot of its own.
///
/// # Errors
/// As [`Client::run`].
pub(crate) fn begin(client: &mut Client) -> Result<()> {
    client.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}

/// Begins to read in a snapshot that another session keeps. `false`: nobody keeps it any more, and no transaction is
/// open.
///
/// # Errors
/// As [`Client::run`].
pub(crate) fn begin_in(client: &mut Client, snapshot: &str) -> Result<bool> {
    begin(client)?;
    match client.run(&format!("SET TRANSACTION SNAPSHOT {}", literal(snapshot)?)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Cancelled) => Err(error),
        Err(_) => client.run("ROLLBACK").map(|()| false),
    }
}

/// Shares the snapshot of this transaction for as long as it is open.
///
/// # Errors
/// As [`Client::query`].
pub(crate) fn export(client: &mut Client) -> Result<String> {
    let rows = client.query("SELECT pg_catalog.pg_export_snapshot()", &[])?;
    Ok(rows.first().map_or("", |row| row.text(0)).to_owned())
}

/// All transactions below this number have ended.
///
/// # Errors
/// As [`Client::query`].
pub(crate) fn xmin(client: &mut Client) -> Result<u64> {
    let sql = "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text";
    client.query(sql, &[])?.first().map_or(Ok(0), |row| row.number(0))
}

/// Which server, history and database. A restored backup or a promoted standby is another history, in which numbers of
/// transactions come a second time.
///
/// # Errors
/// As [`Client::query`].
pub(crate) fn place(client: &mut Client) -> Result<String> {
    let database =
        "SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";
    let allowed = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AND \
                   pg_catalog.has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE')";
    let rows = client.query(database, &[])?;
    let database = rows.first().map_or("", |row| row.text(0)).to_owned();
    if !client.query(allowed, &[])?.first().is_some_and(|row| row.is_true(0)) {
        return Ok(format!("?/{database}"));
    }
    let sql = "SELECT s.system_identifier, c.timeline_id FROM pg_catalog.pg_control_system() s, \
               pg_catalog.pg_control_checkpoint() c";
    let rows = client.query(sql, &[])?;
    let (system, timeline) = rows.first().map_or(("", ""), |row| (row.text(0), row.text(1)));
    Ok(format!("{system}/{timeline}/{database}"))
}

/// The condition that a row lies in these blocks.
pub(crate) fn in_blocks(from: u32, to: Option<u32>) -> String {
    let from = format!("ctid >= '({from},0)'::tid");
    match to {
        Some(to) => format!("{from} AND ctid < '({to},0)'::tid"),
        None => from,
    }
}

/// The table of a piece as SQL, locked so that nobody truncates or rewrites it: a snapshot does not see the rows that a
/// truncated table had. `None`: it was rewritten, or is gone.
///
/// # Errors
/// As [`Client::query`]; `Denied`: it may not be read.
pub(crate) fn lock(client: &mut Client, piece: &Piece) -> Result<Option<String>> {
    let sql = "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid";
    let oid = piece.oid.to_string();
    let rows = client.query(sql, &[&oid])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let name = format!("ONLY {}.{}", quote(row.text(0))?, quote(row.text(1))?);
    // Parsing takes the lock, and it stays until the end of the transaction.
    client.query(&format!("SELECT FROM {name} LIMIT 0"), &[])?;
    let rows = client.query("SELECT pg_catalog.pg_relation_filenode($1::oid)", &[&oid])?;
    let filenode = rows.first().and_then(|row| row.get(0));
    Ok((filenode == Some(piece.filenode.to_string().as_str())).then_some(name))
}

/// Checks that no table which this transaction has read was truncated or rewritten behind its snapshot: a query that had to
/// wait for whoever did so has the snapshot of before, which sees none of the rows in the new file.
///
/// # Errors
/// `Unavailable`: one was; what was read is not what the table held at any time.
pub(crate) fn check_files(client: &mut Client) -> Result<()> {
    // The row of the catalog is that of the snapshot, the function says what is so now.
    let sql = "SELECT c.relname FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation \
               WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() \
               AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) \
               AND c.relkind IN ('r', 'm') AND c.relfilenode <> 0 \
               AND c.relfilenode <> pg_catalog.pg_relation_filenode(c.oid) ORDER BY 1 LIMIT 1";
    match client.query(sql, &[])?.first() {
        None => Ok(()),
        Some(row) => Err(Error::unavailable(format!(
            "the table `{}` was truncated or rewritten just when it was to be read",
            row.text(0)
        ))
        .hint("run again")),
    }
}

/// Why what was read cannot be gone on with; `None`: in the snapshot of this transaction, the ranges hold just the rows
/// that were read of them in an older one.
///
/// A row that is in the new snapshot and was written by a transaction that had ended before the old one was in the old
/// one too: if it is the same for all rows of a range, the new ones are some of the old ones, and where there are as many
/// they are all of them. The rows of all ranges read being the same, what is left may be read in the new snapshot: the
/// whole is then what the new snapshot holds, no row that moved between ranges missing and none there twice.
/// Transactions that were running in the old snapshot, and those above them, count as changes: part of what they
/// wrote may have other numbers than the snapshot has (subtransactions).
///
/// # Errors
/// As [`Client::query`].
pub(crate) fn what_changed(
    client: &mut Client,
    source: &Source,
    ranges: &[Read],
    old_xmin: &str,
) -> Result<Option<String>> {
    for Read { piece, rows } in ranges {
        let Some(name) = lock(client, piece)? else {
            return Ok(Some("a table was rewritten, truncated or dropped".to_owned()));
        };
        // The number in a row has 32 bits: the newest one that is not in the future is meant.
        let sql = format!(
            "WITH next AS MATERIALIZED (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint AS x) \
             SELECT count(*), count(*) FILTER (WHERE (x >> 32 << 32) + xid - CASE WHEN xid > (x & 4294967295) \
             THEN 4294967296 ELSE 0 END >= {old_xmin}) \
             FROM next, LATERAL (SELECT xmin::text::bigint AS xid FROM {name}{}) r",
            source.conditions(&[in_blocks(piece.from, piece.to)])
        );
        let answer = client.query(&sql, &[])?;
        let (found, new): (u64, u64) = answer
            .first()
            .map_or(Ok((0, 0)), |row| row.number(0).and_then(|found| Ok((found, row.number(1)?))))?;
        if new > 0 {
            return Ok(Some(format!(
                "{new} of the rows that were read have been written since, or nearly so"
            )));
        }
        if found != *rows {
            return Ok(Some(format!("{rows} rows were read where there are {found} now")));
        }
    }
    Ok(None)
}

/// What a reader says whose snapshot nobody keeps any more.
pub(crate) fn gone() -> Error {
    Error::bookmark_lost("the snapshot that its partitions share was lost with the session that kept it")
        .hint("run again: what is read is gone on with where it has not changed, and else the stream starts over")
}
