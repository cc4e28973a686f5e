//! Up to which time a stream may be read.
//!
//! A row has the time at which its transaction began, or a later one, and is seen when the transaction ends: one that
//! runs for an hour commits a row that is an hour old. So nothing is read above the time at which the oldest running
//! transaction began. Looked at before the snapshot that reads: whoever is not running then has ended, and is seen, or
//! begins later, and is above.

use arrow::datatypes::DataType;
use dstream_sdk::{Result, tracing};
use std::time::{Duration, Instant};

use super::bound::Key;
use super::gate::{Look, Upper, tables_of};
use super::writers::{Writer, writers};
use crate::client::Client;
use crate::quote::literal;
use crate::tap::{RelationKind, Source, TAP_SESSION, Wishes};

/// A transaction has its time a moment before it is seen to run: the clock is read so long before the others are looked
/// at.
const MOMENT: Duration = Duration::from_millis(20);

/// Finds the time.
pub(crate) struct Horizon {
    /// The clock of the server.
    now: String,
    read_at: Instant,
    key: Key,
    tables: String,
    stream: String,
    /// The rows are those of another server, whose transactions nobody sees here.
    is_foreign: bool,
    hold_back_seconds: u64,
    time_zone: Option<String>,
    /// A bug that the tests look for.
    #[cfg(test)]
    trusts_the_clock: bool,
}

impl Horizon {
    /// Reads the clock.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub(crate) fn open(client: &mut Client, source: &Source, key: &Key, wishes: &Wishes) -> Result<Horizon> {
        let rows = client.query("SELECT pg_catalog.clock_timestamp()::text", &[])?;
        Ok(Horizon {
            now: rows.first().map_or("", |row| row.text(0)).to_owned(),
            read_at: Instant::now(),
            key: key.clone(),
            tables: tables_of(source),
            stream: source.stream.clone(),
            is_foreign: source.relation.as_ref().is_some_and(|of| of.kind == RelationKind::Foreign),
            hold_back_seconds: wishes.hold_back_seconds,
            time_zone: wishes.time_zone.clone(),
            #[cfg(test)]
            trusts_the_clock: wishes.bug == Some(crate::tap::Bug::TrustTheClock),
        })
    }

    pub(crate) fn poll(&mut self, client: &mut Client) -> Result<Look> {
        if self.read_at.elapsed() < MOMENT {
            return Ok(Look::Soon);
        }
        let now = literal(&self.now)?;
        #[cfg(test)]
        if self.trusts_the_clock {
            return self.bound(client, &format!("{now}::timestamptz"));
        }
        // Sessions of taps write nothing. Of one that has begun a statement and no transaction yet, the statement counts.
        let sql = format!(
            "SELECT least({now}::timestamptz, min(coalesce(a.xact_start, CASE WHEN a.state = 'active' THEN a.query_start END)))::text, \
             count(*) FILTER (WHERE a.query = '<insufficient privilege>' OR a.state = 'disabled'), \
             pg_catalog.pg_is_in_recovery() FROM pg_catalog.pg_stat_activity a \
             WHERE a.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) \
             AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker' \
             AND coalesce(a.application_name, '') NOT LIKE '{TAP_SESSION} %'"
        );
        let rows = client.query(&sql, &[])?;
        let Some(row) = rows.first() else { return Ok(Look::Soon) };
        let hidden: u64 = row.number(1)?;
        let is_hidden = hidden > 0 || row.is_true(2) || self.is_foreign;
        if is_hidden {
            let (stream, seconds) = (&self.stream, self.hold_back_seconds);
            let why = match (row.is_true(2), self.is_foreign) {
                (true, _) => "on a standby server".to_owned(),
                (_, true) => "on another server".to_owned(),
                _ => format!("of {hidden} sessions; the role `pg_read_all_stats` shows them"),
            };
            tracing::info!(
                stream,
                seconds,
                "when the transactions of others began is not shown {why}: what is newer than `hold_back_seconds` waits for \
                 the next run"
            );
            return self.bound(client, &format!("({now}::timestamptz - '{seconds} seconds'::interval)"));
        }
        // Looked at last: one that was running before is counted above, whatever it is now.
        let prepared: Vec<Writer> =
            writers(client, &self.tables)?.into_iter().filter(Writer::is_prepared).collect();
        match prepared.is_empty() {
            true => self.bound(client, &format!("{}::timestamptz", literal(row.text(0))?)),
            // When it began, nobody knows any more.
            false => Ok(Look::Writers(prepared)),
        }
    }

    /// The time in the type of the column.
    fn bound(&self, client: &mut Client, time: &str) -> Result<Look> {
        let now = literal(&self.now)?;
        if matches!(self.key.data_type, DataType::Timestamp(_, Some(_))) {
            let now = Some(format!("{now}::timestamptz"));
            return Ok(Look::Bound(Upper::To { bound: time.to_owned(), now }));
        }
        // What a clock on the wall shows at that time; in a zone with summer time, what it would show in winter: in
        // autumn it goes back, and must not go back behind what was read.
        let zones = match &self.time_zone {
            Some(zone) => literal(zone)?,
            None => "'UTC', (SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'TimeZone')"
                .to_owned(),
        };
        let cast = self.key.cast();
        let sql = format!(
            "SELECT min((({time} + d) AT TIME ZONE z) - d)::{cast}::text, \
             (({now}::timestamptz AT TIME ZONE 'UTC') + '14 hours'::interval)::{cast}::text \
             FROM unnest(ARRAY[{zones}]::text[]) z, \
             unnest(ARRAY['0 days', '91 days', '182 days', '273 days']::interval[]) d"
        );
        let rows = client.query(&sql, &[])?;
        let Some(row) = rows.first() else { return Ok(Look::Soon) };
        let bound = self.key.literal(row.text(0))?;
        let now = Some(self.key.literal(row.text(1))?);
        Ok(Look::Bound(Upper::To { bound, now }))
    }
}
