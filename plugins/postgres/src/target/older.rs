//! Sessions of older runs of a pipeline: marked so that a newer run finds them, and ended by it.
//!
//! A run that was stopped or cut off may hold locks for hours. It can commit nothing any more, so its sessions are of no
//! use to anybody. The mark is an advisory lock: it is gone with the session, however that ends.

use dstream_sdk::{Error, Result, tracing};
use std::ops::Range;

use super::options::TargetSettings;
use crate::client::{Client, LOCK_NOT_AVAILABLE};

/// How long a mark stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Session,
    Transaction,
}

/// Marks what the session does as that of a run; 0: of one whose epoch is not known yet.
///
/// # Errors
/// What the server says.
pub(crate) fn mark(client: &mut Client, pipeline: &str, epoch: u64, mark: Mark) -> Result<()> {
    let function = match mark {
        Mark::Session => "pg_advisory_lock_shared",
        Mark::Transaction => "pg_advisory_xact_lock_shared",
    };
    let sql = format!("SELECT pg_catalog.{function}(pg_catalog.hashtext($1), $2::int4)");
    client.query(&sql, &[pipeline, &number(epoch)]).map(drop)
}

/// The second number of the lock. No pipeline has so many runs.
fn number(epoch: u64) -> String {
    epoch.min(i32::MAX as u64).to_string()
}

/// Ends the sessions of every run of the pipeline whose epoch is one of these; answers how many.
///
/// # Errors
/// What the server says.
pub(super) fn end_all(client: &mut Client, pipeline: &str, epochs: Range<u64>) -> Result<usize> {
    let sql = "
SELECT DISTINCT l.pid, pg_catalog.pg_terminate_backend(l.pid)
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid::bigint = (pg_catalog.hashtext($1)::bigint & 4294967295) AND l.objid::bigint >= $2::bigint AND l.objid::bigint < $3::bigint
  AND a.usename = current_user AND a.application_name LIKE 'dstreams %'";
    let ended = client.query(sql, &[pipeline, &number(epochs.start), &number(epochs.end)])?;
    for row in &ended {
        tracing::info!(pid = row.text(0), "a session of an older run was ended");
    }
    Ok(ended.len())
}

/// Says who holds what an error waited for in vain.
pub(super) fn name_holder(client: &mut Client, settings: &TargetSettings, error: Error) -> Error {
    match error.vendor() == LOCK_NOT_AVAILABLE {
        true => match find_holder(client, &settings.own("fence")) {
            Ok(Some(holder)) => error.hint(format!("{holder}: end it, or wait for it")),
            _ => error,
        },
        false => error,
    }
}

/// Who holds a lock on the table that keeps others from writing to it.
///
/// # Errors
/// What the server says.
pub(super) fn find_holder(client: &mut Client, table: &str) -> Result<Option<String>> {
    let sql = "
SELECT a.pid, a.application_name, a.usename, coalesce(a.xact_start, a.backend_start)
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = pg_catalog.to_regclass($1) AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.mode <> 'AccessShareLock'
ORDER BY a.xact_start LIMIT 1";
    let rows = client.query(sql, &[table])?;
    Ok(rows.first().map(|row| {
        let (pid, application, user, since) = (row.text(0), row.text(1), row.text(2), row.text(3));
        format!("process {pid} of `{user}` (application `{application}`) holds it since {since}")
    }))
}
