//! Up to which number or text a stream may be read.
//!
//! Values of a sequence are given out before the rows are committed: a transaction with a smaller value may commit after
//! one with a larger value was read. So the largest value that is there is looked at first. Whoever can still commit a
//! smaller one has begun to write before that, and who writes to a table keeps a lock on it until the end of the
//! transaction: those that hold one now are waited for. Then everything up to that value is there for good.

use dstream_sdk::Result;

use super::bound::Key;
use super::gate::{Look, Upper, tables_of};
use crate::client::{Client, Row};
use crate::tap::{Source, Wishes};

/// A transaction that writes.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    transaction: String,
    process: Option<String>,
    user: String,
    since: String,
}

impl Writer {
    /// For a message.
    pub(crate) fn shown(&self) -> String {
        match &self.process {
            None => "a prepared transaction".to_owned(),
            Some(process) => format!("process {process} of `{}` since {}", self.user, self.since),
        }
    }

    /// Nobody works for it any more: it waits for COMMIT PREPARED.
    pub(crate) fn is_prepared(&self) -> bool {
        self.process.is_none()
    }

    fn read(row: &Row) -> Writer {
        Writer {
            transaction: row.text(0).to_owned(),
            process: row.get(1).map(str::to_owned),
            user: row.get(2).unwrap_or("?").to_owned(),
            since: row.get(3).unwrap_or("?").to_owned(),
        }
    }
}

/// Those who hold a lock for writing now.
///
/// # Errors
/// As [`Client::query`].
pub(crate) fn writers(client: &mut Client, tables: &str) -> Result<Vec<Writer>> {
    // Those of VACUUM and CREATE INDEX write no rows.
    let sql = format!(
        "SELECT l.virtualtransaction, l.pid, a.usename, a.xact_start FROM pg_catalog.pg_locks l \
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
         AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') \
         AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) \
         AND {tables}"
    );
    Ok(client.query(&sql, &[])?.iter().map(Writer::read).collect())
}

/// Waits for whoever may still commit a smaller value.
pub(crate) struct Writers {
    /// Largest value, as SQL; then the next number of a transaction.
    sql: String,
    tables: String,
    key: Key,
    found: Option<Found>,
    /// A bug that the tests look for.
    #[cfg(test)]
    waits_for_nobody: bool,
}

struct Found {
    bound: String,
    waited_for: WaitFor,
}

enum WaitFor {
    /// Transactions.
    These(Vec<String>),
    /// A standby does not know who holds locks on its primary, but which transactions have not ended.
    AllBelow(u64),
}

impl Writers {
    pub(crate) fn new(source: &Source, key: &Key, _wishes: &Wishes) -> Writers {
        let sql = format!(
            "SELECT max({})::text, pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text, \
             pg_catalog.pg_is_in_recovery() FROM {}{}",
            key.sql,
            source.from,
            source.conditions(&[])
        );
        Writers {
            sql,
            tables: tables_of(source),
            key: key.clone(),
            found: None,
            #[cfg(test)]
            waits_for_nobody: _wishes.bug == Some(crate::tap::Bug::WaitForNobody),
        }
    }

    pub(crate) fn poll(&mut self, client: &mut Client) -> Result<Look> {
        let Some(found) = &self.found else {
            let rows = client.query(&self.sql, &[])?;
            let Some((row, largest)) = rows.first().and_then(|row| Some((row, row.get(0)?))) else {
                return Ok(Look::Bound(Upper::Empty));
            };
            let bound = self.key.literal(largest)?;
            // Asked after the largest value was seen: whoever began to write before that is still there, or has ended.
            let waited_for = match row.is_true(2) {
                true => WaitFor::AllBelow(row.number(1)?),
                false => {
                    let now = writers(client, &self.tables)?;
                    WaitFor::These(now.into_iter().map(|writer| writer.transaction).collect())
                }
            };
            self.found = Some(Found { bound, waited_for });
            return self.poll(client);
        };
        #[cfg(test)]
        if self.waits_for_nobody {
            return Ok(Look::Bound(Upper::To { bound: found.bound.clone(), now: None }));
        }
        let left: Vec<Writer> = match &found.waited_for {
            WaitFor::These(waited_for) if waited_for.is_empty() => Vec::new(),
            // One that is prepared meanwhile goes on under another name.
            WaitFor::These(waited_for) => writers(client, &self.tables)?
                .into_iter()
                .filter(|writer| writer.is_prepared() || waited_for.contains(&writer.transaction))
                .collect(),
            WaitFor::AllBelow(end) => {
                let sql = "SELECT pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())::text";
                let xmin: u64 = client.query(sql, &[])?.first().map_or(Ok(0), |row| row.number(0))?;
                let running = Writer {
                    transaction: String::new(),
                    process: Some(format!("of transaction {xmin} on the primary server")),
                    user: "?".to_owned(),
                    since: "?".to_owned(),
                };
                if xmin < *end { vec![running] } else { Vec::new() }
            }
        };
        Ok(match left.is_empty() {
            true => Look::Bound(Upper::To { bound: found.bound.clone(), now: None }),
            false => Look::Writers(left),
        })
    }
}
