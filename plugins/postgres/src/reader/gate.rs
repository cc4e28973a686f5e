//! Up to which value an incremental stream may be read: no transaction that is still running can commit one that is not
//! above it.

use dstream_sdk::{Result, tracing};
use std::time::{Duration, Instant};

use super::bound::Key;
use super::horizon::Horizon;
use super::writers::{Writer, Writers};
use crate::client::Client;
use crate::tap::{RelationKind, Source, Wishes};

/// What may be read.
#[derive(Clone, Debug)]
pub(crate) enum Upper {
    /// Values up to this one, itself included: as SQL.
    To {
        bound: String,
        /// What is above this one, as SQL, is of the future.
        now: Option<String>,
    },
    /// There are no values.
    Empty,
    /// Nothing now.
    Nothing,
}

enum Kind {
    Time(Horizon),
    Order(Writers),
}

/// Finds the bound, in as many steps as it takes.
pub(crate) struct Gate {
    kind: Kind,
    since: Instant,
    limit: Duration,
    stream: String,
}

impl Gate {
    /// Looks at the clock first.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub(crate) fn open(client: &mut Client, source: &Source, key: &Key, wishes: &Wishes) -> Result<Gate> {
        let kind = match key.is_time() {
            true => Kind::Time(Horizon::open(client, source, key, wishes)?),
            false => Kind::Order(Writers::new(source, key, wishes)),
        };
        Ok(Gate { kind, since: Instant::now(), limit: wishes.writers_wait, stream: source.stream.clone() })
    }

    /// One look; `None`: look again later.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub(crate) fn poll(&mut self, client: &mut Client) -> Result<Option<Upper>> {
        let found = match &mut self.kind {
            Kind::Time(horizon) => horizon.poll(client)?,
            Kind::Order(writers) => writers.poll(client)?,
        };
        match found {
            Look::Bound(upper) => Ok(Some(upper)),
            Look::Soon => Ok(None),
            Look::Writers(_) if self.since.elapsed() < self.limit => Ok(None),
            Look::Writers(writers) => {
                let waited_ms = self.limit.as_millis() as u64;
                let who: Vec<String> = writers.iter().map(Writer::shown).collect();
                tracing::warn!(
                    stream = self.stream,
                    waited_ms,
                    writers = who.join("; "),
                    "transactions that write have not ended, and may commit records that come before others: nothing is \
                     read of it in this run, and nothing is lost"
                );
                Ok(Some(Upper::Nothing))
            }
        }
    }
}

/// What one look has found.
pub(crate) enum Look {
    Bound(Upper),
    /// It is too early to tell.
    Soon,
    /// These have to end first.
    Writers(Vec<Writer>),
}

/// The tables of which a transaction that matters holds a lock for writing, as a condition on `pg_locks`; all of the
/// database where it is not known from which ones the rows come.
pub(crate) fn tables_of(source: &Source) -> String {
    let relation = source.relation.as_ref();
    match relation.map(|relation| (relation.kind, relation.oid)) {
        Some((RelationKind::Table, oid)) => format!("l.relation = {oid}"),
        Some((RelationKind::Partitioned, oid)) => {
            format!("l.relation IN (SELECT t.relid FROM pg_catalog.pg_partition_tree({oid}) t)")
        }
        _ => "l.relation >= 16384".to_owned(),
    }
}
