//! The control tables: who may commit, what is durable, who owns which table.

use dstream_sdk::{Begun, Commit, CommitRecord, Error, Pipeline, Result, TableOwner, has_seeded_bug};

use super::older::{self, Mark};
use super::options::{NulInText, TargetSettings};
use crate::client::{Client, LOCK_NOT_AVAILABLE};
use crate::quote::{literal, quote};
use crate::table::{Owner, Run};

/// How often the epoch is raised anew where an older run is just committing.
const RAISES: usize = 3;

/// What a commit finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The records are those before it.
    Before,
    /// Its records are stored already.
    Done,
}

/// Until the end of the transaction, nobody else makes or alters tables of this schema. `CREATE … IF NOT EXISTS` alone
/// fails where two do it at once.
///
/// # Errors
/// `Unavailable`: somebody else does for longer than a lock is waited for.
pub(super) fn lock_schema(client: &mut Client, settings: &TargetSettings) -> Result<()> {
    let key = literal(&format!("dstreams tables of {}", settings.schema))?;
    client.run(&format!("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended({key}, 0))"))
}

/// Makes schema and control tables where they are not there.
///
/// # Errors
/// `Denied`: they may not be made.
pub(super) fn make_tables(client: &mut Client, settings: &TargetSettings) -> Result<()> {
    if are_all_there(client, settings)? {
        return Ok(());
    }
    client.run("BEGIN")?;
    lock_schema(client, settings)?;
    if !has_schema(client, settings)? {
        client.run(&format!("CREATE SCHEMA {}", quote(&settings.schema)?))?;
    }
    let [fence, state, tables, changes] = TABLES.map(|table| settings.own(table));
    client.run(&format!(
        "CREATE TABLE IF NOT EXISTS {fence} (
           pipeline text PRIMARY KEY, epoch bigint NOT NULL, run text NOT NULL, since timestamptz NOT NULL);
         CREATE TABLE IF NOT EXISTS {state} (
           pipeline text, key text, sequence bigint NOT NULL, value text NOT NULL, epoch bigint NOT NULL,
           committed_at timestamptz NOT NULL, PRIMARY KEY (pipeline, key));
         CREATE TABLE IF NOT EXISTS {tables} (
           name text PRIMARY KEY, pipeline text NOT NULL, stream text NOT NULL, generation bigint NOT NULL,
           epoch bigint NOT NULL, columns text NOT NULL);
         CREATE TABLE IF NOT EXISTS {changes} (
           pipeline text NOT NULL, run text NOT NULL, stream text NOT NULL, \"column\" text NOT NULL,
           what text NOT NULL, \"values\" bigint NOT NULL, committed_at timestamptz NOT NULL)"
    ))?;
    client.run("COMMIT")
}

const TABLES: [&str; 4] = ["fence", "state", "tables", "changes"];

fn are_all_there(client: &mut Client, settings: &TargetSettings) -> Result<bool> {
    let names = TABLES.map(|table| settings.own(table));
    let there =
        names.iter().map(|name| Ok(format!("pg_catalog.to_regclass({}) IS NOT NULL", literal(name)?)));
    let there = there.collect::<Result<Vec<_>>>()?.join(" AND ");
    Ok(client.query(&format!("SELECT {there}"), &[])?.iter().any(|row| row.is_true(0)))
}

pub(super) fn has_schema(client: &mut Client, settings: &TargetSettings) -> Result<bool> {
    let sql = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::text";
    Ok(!client.query(sql, &[&settings.schema])?.is_empty())
}

/// Takes the next epoch, ends the sessions of older runs, and reads what is durable. A run that begins again does so only
/// where it is still the newest.
///
/// # Errors
/// `Unavailable`: an older run holds the fence and cannot be ended. `Fenced`: a newer one took over. `Data`: a stored
/// record is not what this connector wrote.
pub(super) fn begin_run(
    client: &mut Client,
    settings: &TargetSettings,
    pipeline: &Pipeline,
    is_again: bool,
) -> Result<Begun> {
    make_tables(client, settings)?;
    let mut raised = raise_epoch(client, settings, pipeline, is_again);
    for _ in 1..RAISES {
        match &raised {
            // Whoever holds the fence may be a newer run.
            Err(error) if error.vendor() == LOCK_NOT_AVAILABLE && !is_again => {
                // Whoever holds it is older: of any epoch, or just about to get one.
                if older::end_all(client, &pipeline.pipeline, 0..u64::MAX)? == 0 {
                    break;
                }
                raised = raise_epoch(client, settings, pipeline, is_again);
            }
            _ => break,
        }
    }
    let epoch = raised.map_err(|error| older::name_holder(client, settings, error))?;
    older::end_all(client, &pipeline.pipeline, 1..epoch)?;
    // After the epoch is raised: every commit that an older run could make is among them.
    Ok(Begun { epoch, records: records(client, settings, &pipeline.pipeline)?, window: None })
}

fn raise_epoch(
    client: &mut Client,
    settings: &TargetSettings,
    pipeline: &Pipeline,
    is_again: bool,
) -> Result<u64> {
    let fence = settings.own("fence");
    let newest = if is_again { "f.run = excluded.run" } else { "true" };
    let sql = format!(
        "INSERT INTO {fence} AS f (pipeline, epoch, run, since) VALUES ($1, 1, $2, pg_catalog.clock_timestamp())
         ON CONFLICT (pipeline) DO UPDATE SET epoch = f.epoch + 1, run = excluded.run, since = excluded.since
         WHERE {newest} RETURNING epoch"
    );
    client.run("BEGIN; SET LOCAL lock_timeout = '5s'")?;
    older::mark(client, &pipeline.pipeline, 0, Mark::Transaction)?;
    let raised = client.query(&sql, &[&pipeline.pipeline, &pipeline.run]);
    match raised {
        Ok(rows) => {
            client.run("COMMIT")?;
            match rows.first() {
                Some(row) => row.number(0),
                None => Err(taken_over(client, settings, &pipeline.pipeline)?),
            }
        }
        Err(error) => {
            client.roll_back()?;
            Err(error)
        }
    }
}

fn records(client: &mut Client, settings: &TargetSettings, pipeline: &str) -> Result<Vec<CommitRecord>> {
    let state = settings.own("state");
    let sql = format!("SELECT key, sequence, value FROM {state} WHERE pipeline = $1 ORDER BY key");
    let read = |row: &crate::client::Row| {
        let key = row.text(0).to_owned();
        let value = serde_json::from_str(row.text(2)).map_err(|error| {
            Error::data(format!("the record `{key}` in `_dstreams_state` is not JSON: {error}"))
                .hint("someone changed it by hand: restore the table from a backup")
        })?;
        Ok(CommitRecord { key, sequence: row.number(1)?, value })
    };
    client.query(&sql, &[pipeline])?.iter().map(read).collect()
}

/// How surely the epoch is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fence {
    /// As it is now.
    Look,
    /// As it stays until the end of the transaction.
    Hold,
}

/// Checks that no newer run owns the pipeline.
///
/// # Errors
/// `Fenced`: one does.
pub(crate) fn check_epoch(
    client: &mut Client,
    settings: &TargetSettings,
    pipeline: &str,
    epoch: u64,
    fence: Fence,
) -> Result<()> {
    if has_seeded_bug("missing-fence") {
        return Ok(());
    }
    let hold = if fence == Fence::Hold { " FOR SHARE" } else { "" };
    let sql = format!("SELECT epoch FROM {} WHERE pipeline = $1{hold}", settings.own("fence"));
    match client.query(&sql, &[pipeline])?.first().map(|row| row.number::<u64>(0)).transpose()? {
        Some(newest) if newest == epoch => Ok(()),
        _ => Err(taken_over(client, settings, pipeline)?),
    }
}

/// Says which run is the newest.
fn taken_over(client: &mut Client, settings: &TargetSettings, pipeline: &str) -> Result<Error> {
    let sql = format!("SELECT run, since FROM {} WHERE pipeline = $1", settings.own("fence"));
    Ok(match client.query(&sql, &[pipeline])?.first() {
        Some(row) => Error::fenced(format!(
            "the run `{}` took over the pipeline `{pipeline}` at {}",
            row.text(0),
            row.text(1)
        ))
        .hint("let the newer run finish"),
        None => Error::fenced(format!("the pipeline `{pipeline}` is not known in this schema any more"))
            .hint("run again"),
    })
}

/// Compares the records of a commit with what is stored.
///
/// # Errors
/// `Bug`: they follow on something else.
pub(super) fn compare_records(
    client: &mut Client,
    settings: &TargetSettings,
    commit: &Commit,
) -> Result<Stored> {
    let state = settings.own("state");
    let sql = format!("SELECT sequence FROM {state} WHERE pipeline = $1 AND key = $2");
    let mut done = 0;
    for record in &commit.records {
        let rows = client.query(&sql, &[&commit.pipeline, &record.key])?;
        let stored = rows.first().map_or(Ok(0), |row| row.number::<u64>(0))?;
        match record.sequence {
            sequence if sequence == stored && sequence > 0 => done += 1,
            sequence if sequence == stored + 1 => {}
            sequence => return Err(out_of_order(&record.key, sequence, stored)),
        }
    }
    match done {
        0 => Ok(Stored::Before),
        all if all == commit.records.len() => Ok(Stored::Done),
        _ => Err(Error::bug("some records of the commit are stored already, others are not")
            .hint("run again: the run starts from what is stored")),
    }
}

fn out_of_order(key: &str, sequence: u64, stored: u64) -> Error {
    Error::bug(format!("the record `{key}` has sequence {sequence}, and {stored} is stored"))
        .hint("run again: the run starts from what is stored")
}

/// Stores the records of a commit, each in the place of the one before it.
///
/// # Errors
/// `Bug`: another commit was quicker.
pub(super) fn store_records(client: &mut Client, settings: &TargetSettings, commit: &Commit) -> Result<()> {
    let state = settings.own("state");
    let sql = format!(
        "INSERT INTO {state} AS s (pipeline, key, sequence, value, epoch, committed_at)
         VALUES ($1, $2, $3, $4, $5, pg_catalog.clock_timestamp())
         ON CONFLICT (pipeline, key) DO UPDATE SET sequence = excluded.sequence, value = excluded.value,
           epoch = excluded.epoch, committed_at = excluded.committed_at
         WHERE s.sequence = excluded.sequence - 1"
    );
    for record in &commit.records {
        let (sequence, epoch) = (record.sequence.to_string(), commit.epoch.to_string());
        let params = [&commit.pipeline, &record.key, &sequence, &record.value.to_string(), &epoch];
        if client.execute(&sql, &params.map(String::as_str))? != 1 {
            return Err(out_of_order(&record.key, record.sequence, record.sequence));
        }
    }
    Ok(())
}

/// Who writes the table, as far as this connector knows.
///
/// # Errors
/// What the server says.
pub(super) fn find_owner(
    client: &mut Client,
    settings: &TargetSettings,
    table: &str,
) -> Result<Option<Owner>> {
    let tables = settings.own("tables");
    let sql = format!("SELECT pipeline, generation, epoch, columns FROM {tables} WHERE name = $1");
    let read = |row: &crate::client::Row| {
        let (pipeline, generation, epoch) = (row.text(0).to_owned(), row.number(1)?, row.number(2)?);
        Ok(Owner {
            table: TableOwner { pipeline, generation, epoch },
            columns: serde_json::from_str(row.text(3)).unwrap_or_default(),
        })
    };
    client.query(&sql, &[table])?.first().map(read).transpose()
}

/// Notes who writes the table.
///
/// # Errors
/// What the server says.
pub(super) fn note_table(
    client: &mut Client,
    settings: &TargetSettings,
    table: &str,
    stream: &str,
    owner: &Owner,
) -> Result<()> {
    let columns = serde_json::to_string(&owner.columns)
        .map_err(|error| Error::bug(format!("names as JSON: {error}")))?;
    let tables = settings.own("tables");
    let sql = format!(
        "INSERT INTO {tables} (name, pipeline, stream, generation, epoch, columns) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name) DO UPDATE SET pipeline = excluded.pipeline, stream = excluded.stream,
           generation = excluded.generation, epoch = excluded.epoch, columns = excluded.columns"
    );
    let TableOwner { pipeline, generation, epoch } = &owner.table;
    let (generation, epoch) = (generation.to_string(), epoch.to_string());
    client.execute(&sql, &[table, pipeline, stream, &generation, &epoch, &columns]).map(drop)
}

/// Forgets a table, or what was noted of one that bore its name.
///
/// # Errors
/// What the server says.
pub(super) fn forget_table(client: &mut Client, settings: &TargetSettings, table: &str) -> Result<()> {
    let tables = settings.own("tables");
    client.execute(&format!("DELETE FROM {tables} WHERE name = $1"), &[table]).map(drop)
}

/// Notes that values of a column are not what the tap read.
///
/// # Errors
/// What the server says.
pub(crate) fn note_change(
    client: &mut Client,
    settings: &TargetSettings,
    run: &Run,
    stream: &str,
    column: &str,
    values: u64,
) -> Result<()> {
    let what = match settings.nul_in_text {
        NulInText::Strip => "NUL left out of text",
        _ => "NUL in text replaced by U+FFFD",
    };
    let (changes, fence) = (settings.own("changes"), settings.own("fence"));
    let sql = format!(
        "INSERT INTO {changes} (pipeline, run, stream, \"column\", what, \"values\", committed_at)
         SELECT $1, run, $2, $3, $4, $5, pg_catalog.clock_timestamp() FROM {fence} WHERE pipeline = $1"
    );
    client.execute(&sql, &[&run.pipeline, stream, column, what, &values.to_string()]).map(drop)
}

/// Notes that a table bears another name now.
///
/// # Errors
/// What the server says.
pub(super) fn rename_noted(
    client: &mut Client,
    settings: &TargetSettings,
    from: &str,
    to: &str,
) -> Result<()> {
    let tables = settings.own("tables");
    forget_table(client, settings, to)?;
    client.execute(&format!("UPDATE {tables} SET name = $2 WHERE name = $1"), &[from, to]).map(drop)
}
