//! The control tables: who may commit, what is durable, who owns which table.

use dstream_sdk::{Begun, Commit, CommitRecord, Error, Pipeline, Result, TableOwner};
use rusqlite::{OptionalExtension, params};

use super::{Client, int};

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS _dstreams_fence (
  pipeline TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, run TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _dstreams_state (
  pipeline TEXT NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, value TEXT NOT NULL, epoch INTEGER NOT NULL,
  committed_at TEXT NOT NULL, PRIMARY KEY (pipeline, key));
CREATE TABLE IF NOT EXISTS _dstreams_tables (
  name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, pipeline TEXT NOT NULL, stream TEXT NOT NULL,
  generation INTEGER NOT NULL, epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS _dstreams_columns (
  \"table\" TEXT NOT NULL COLLATE NOCASE, \"column\" TEXT NOT NULL COLLATE NOCASE, arrow TEXT NOT NULL,
  PRIMARY KEY (\"table\", \"column\"));";

/// What a commit finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The records are those before it.
    Before,
    /// Its records are stored already.
    Done,
}

impl Client {
    /// Makes the control tables, takes the next epoch, and reads what is durable. A run that begins again does so only where
    /// it is still the newest.
    ///
    /// # Errors
    /// `Unavailable`: another program is writing. `Fenced`: a newer run took over. `Data`: a stored record is not what this
    /// connector wrote.
    pub(crate) fn begin_run(&self, pipeline: &Pipeline, is_again: bool) -> Result<Begun> {
        self.begin()?;
        let begun = self.raise_epoch(pipeline, is_again).and_then(|begun| self.commit().map(|()| begun));
        if begun.is_err() {
            self.roll_back();
        }
        begun
    }

    fn raise_epoch(&self, pipeline: &Pipeline, is_again: bool) -> Result<Begun> {
        self.run(TABLES)?;
        let epoch: Option<i64> = self
            .connection
            .query_row(
                "INSERT INTO _dstreams_fence (pipeline, epoch, run, since)
                 VALUES (?1, 1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                 ON CONFLICT (pipeline) DO UPDATE SET epoch = epoch + 1, run = excluded.run, since = excluded.since
                   WHERE NOT ?3 OR run = excluded.run
                 RETURNING epoch",
                params![pipeline.pipeline, pipeline.run, is_again],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.failed(error))?;
        match epoch {
            Some(epoch) => {
                let records = self.records(&pipeline.pipeline)?;
                Ok(Begun { epoch: epoch as u64, records, window: None })
            }
            None => Err(self.taken_over(&pipeline.pipeline)?),
        }
    }

    fn records(&self, pipeline: &str) -> Result<Vec<CommitRecord>> {
        let read = || -> rusqlite::Result<Vec<(String, i64, String)>> {
            self.connection
                .prepare("SELECT key, sequence, value FROM _dstreams_state WHERE pipeline = ?1 ORDER BY key")?
                .query_map([pipeline], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        };
        let rows = read().map_err(|error| self.failed(error))?;
        rows.into_iter()
            .map(|(key, sequence, value)| {
                let value = serde_json::from_str(&value).map_err(|error| {
                    Error::data(format!("the record `{key}` in `_dstreams_state` is not JSON: {error}"))
                        .hint("someone changed it by hand: restore the file from a backup")
                })?;
                Ok(CommitRecord { key, sequence: sequence as u64, value })
            })
            .collect()
    }

    /// Checks that no newer run owns the pipeline. Within a transaction it stays so until its end.
    ///
    /// # Errors
    /// `Fenced`: one does.
    pub(crate) fn check_epoch(&self, pipeline: &str, epoch: u64) -> Result<()> {
        let sql = "SELECT epoch FROM _dstreams_fence WHERE pipeline = ?1";
        let newest: Option<i64> = self
            .connection
            .query_row(sql, [pipeline], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(error))?;
        match newest {
            Some(newest) if newest as u64 == epoch => Ok(()),
            _ => Err(self.taken_over(pipeline)?),
        }
    }

    /// Says which run is the newest.
    fn taken_over(&self, pipeline: &str) -> Result<Error> {
        let sql = "SELECT run, since FROM _dstreams_fence WHERE pipeline = ?1";
        let newest: Option<(String, String)> = self
            .connection
            .query_row(sql, [pipeline], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|error| self.failed(error))?;
        Ok(match newest {
            Some((run, since)) => {
                Error::fenced(format!("the run `{run}` took over the pipeline `{pipeline}` at {since}"))
                    .hint("let the newer run finish")
            }
            None => Error::fenced(format!("the pipeline `{pipeline}` is not known in this file any more"))
                .hint("run again"),
        })
    }

    /// Compares the records of a commit with what is stored.
    ///
    /// # Errors
    /// `Bug`: they follow on something else.
    pub(crate) fn compare_records(&self, commit: &Commit) -> Result<Stored> {
        let mut done = 0;
        for record in &commit.records {
            let sql = "SELECT sequence FROM _dstreams_state WHERE pipeline = ?1 AND key = ?2";
            let stored: Option<i64> = self
                .connection
                .query_row(sql, params![commit.pipeline, record.key], |row| row.get(0))
                .optional()
                .map_err(|error| self.failed(error))?;
            let stored = stored.map_or(0, |sequence| sequence as u64);
            match record.sequence {
                sequence if sequence == stored && sequence > 0 => done += 1,
                sequence if sequence == stored + 1 => {}
                sequence => {
                    return Err(Error::bug(format!(
                        "the record `{}` has sequence {sequence}, and {stored} is stored",
                        record.key
                    ))
                    .hint("run again: the run starts from what is stored"));
                }
            }
        }
        match done {
            0 => Ok(Stored::Before),
            all if all == commit.records.len() => Ok(Stored::Done),
            _ => Err(Error::bug("some records of the commit are stored already, others are not")
                .hint("run again: the run starts from what is stored")),
        }
    }

    /// Stores the records of a commit.
    ///
    /// # Errors
    /// `Resource`: the disk is full.
    pub(crate) fn store_records(&self, commit: &Commit) -> Result<()> {
        for record in &commit.records {
            self.connection
                .execute(
                    "INSERT INTO _dstreams_state (pipeline, key, sequence, value, epoch, committed_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                     ON CONFLICT (pipeline, key) DO UPDATE SET sequence = excluded.sequence, value = excluded.value,
                       epoch = excluded.epoch, committed_at = excluded.committed_at",
                    params![
                        commit.pipeline,
                        record.key,
                        int(record.sequence)?,
                        record.value.to_string(),
                        int(commit.epoch)?
                    ],
                )
                .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Who writes the table, as far as this connector knows.
    ///
    /// # Errors
    /// `Unavailable`: another program holds the file.
    pub(crate) fn owner(&self, table: &str) -> Result<Option<TableOwner>> {
        self.patiently(|connection| {
            connection
                .prepare_cached("SELECT pipeline, generation, epoch FROM _dstreams_tables WHERE name = ?1")?
                .query_row([table], |row| {
                    Ok(TableOwner {
                        pipeline: row.get(0)?,
                        generation: row.get::<_, i64>(1)? as u64,
                        epoch: row.get::<_, i64>(2)? as u64,
                    })
                })
                .optional()
        })
    }

    /// Notes who writes the table, and which Arrow types its columns have.
    pub(super) fn note_table(
        &self,
        table: &str,
        stream: &str,
        owner: &TableOwner,
        columns: &[(&str, &str)],
    ) -> Result<()> {
        let note = || -> Result<(), rusqlite::Error> {
            self.connection.execute(
                "INSERT INTO _dstreams_tables (name, pipeline, stream, generation, epoch) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO UPDATE SET pipeline = excluded.pipeline, stream = excluded.stream,
                   generation = excluded.generation, epoch = excluded.epoch",
                params![table, owner.pipeline, stream, owner.generation as i64, owner.epoch as i64],
            )?;
            for (column, arrow) in columns {
                self.connection.execute(
                    "INSERT INTO _dstreams_columns (\"table\", \"column\", arrow) VALUES (?1, ?2, ?3)
                     ON CONFLICT (\"table\", \"column\") DO UPDATE SET arrow = excluded.arrow",
                    params![table, column, arrow],
                )?;
            }
            Ok(())
        };
        note().map_err(|error| self.failed(error))
    }

    /// Forgets a table, or what was noted of one that bore its name.
    pub(super) fn forget_table(&self, table: &str) -> Result<()> {
        let forget = || {
            self.connection.execute("DELETE FROM _dstreams_tables WHERE name = ?1", [table])?;
            self.connection.execute("DELETE FROM _dstreams_columns WHERE \"table\" = ?1", [table])
        };
        forget().map(drop).map_err(|error| self.failed(error))
    }

    /// Notes that a table bears another name now.
    pub(super) fn rename_noted(&self, from: &str, to: &str) -> Result<()> {
        let rename = || {
            self.connection.execute("UPDATE _dstreams_tables SET name = ?2 WHERE name = ?1", [from, to])?;
            self.connection
                .execute("UPDATE _dstreams_columns SET \"table\" = ?2 WHERE \"table\" = ?1", [from, to])
        };
        rename().map(drop).map_err(|error| self.failed(error))
    }
}
