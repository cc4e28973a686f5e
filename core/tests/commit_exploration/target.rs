//! Models of a target and of what a commit carries.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use dstream_abi::{Begun, Commit, CommitRecord};
use dstream_core::state::{Entry, PartitionState};

/// One row: generation, partition, position.
pub(crate) type Row = (u64, usize, u64);

/// How the modelled target behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TargetRules {
    /// K1: rows and records in one transaction. Otherwise K4: rows are appended, nothing else is kept.
    pub(crate) transactional: bool,
    /// A commit of an older epoch is refused.
    pub(crate) fence: bool,
    /// A commit must follow the stored sequence.
    pub(crate) sequence: bool,
}

pub(crate) const K1: TargetRules = TargetRules { transactional: true, fence: true, sequence: true };
pub(crate) const K4: TargetRules = TargetRules { transactional: false, fence: false, sequence: false };

/// One stream's tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    /// What readers see: rows with how often they are there.
    pub(crate) visible: BTreeMap<Row, u8>,
    /// The generation they are of, where the stream is built aside.
    pub(crate) published: u64,
    /// What is built aside, and of which generation.
    pub(crate) aside: Option<(u64, BTreeMap<Row, u8>)>,
}

/// Everything durable at the target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) epoch: u64,
    pub(crate) records: BTreeMap<String, Entry>,
    pub(crate) tables: BTreeMap<String, Table>,
}

/// The target's answer to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Fenced,
    Refused,
}

/// A commit on its way.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) epoch: u64,
    partition: String,
    stream: String,
    entry: Entry,
    rows: Vec<Row>,
    aside: Option<u64>,
    resumed: bool,
    writer_epoch: u64,
    publish: bool,
}

/// What a writer knows that a commit needs.
#[derive(Clone, Debug)]
pub(crate) struct WriterModel {
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    pub(crate) resumed: bool,
    pub(crate) is_aside: bool,
}

impl Flight {
    pub(crate) fn new(
        commit: &Commit,
        stream: &str,
        writer: &WriterModel,
        partition: usize,
        from: u64,
        to: u64,
    ) -> Flight {
        let record = &commit.records[0];
        let state: PartitionState = serde_json::from_value(record.value.clone()).expect("the host wrote it");
        Flight {
            epoch: commit.epoch,
            partition: record.key.clone(),
            stream: stream.to_string(),
            entry: Entry { sequence: record.sequence, state },
            rows: (from..to).map(|row| (writer.generation, partition, row)).collect(),
            aside: writer.is_aside.then_some(writer.generation),
            resumed: writer.resumed,
            writer_epoch: writer.epoch,
            publish: !commit.publish.is_empty(),
        }
    }
}

impl Flight {
    /// Epochs are counted from the target's.
    pub(crate) fn hash_from<H: Hasher>(&self, epoch: u64, state: &mut H) {
        (epoch.wrapping_sub(self.epoch), epoch.wrapping_sub(self.writer_epoch)).hash(state);
        (&self.partition, &self.entry, &self.rows, self.aside, self.resumed, self.publish).hash(state);
    }
}

impl WriterModel {
    pub(crate) fn hash_from<H: Hasher>(&self, epoch: u64, state: &mut H) {
        (epoch.wrapping_sub(self.epoch), self.generation, self.resumed).hash(state);
    }
}

impl Target {
    pub(crate) fn begin(&mut self, rules: TargetRules) -> Begun {
        if !rules.transactional {
            return Begun::default();
        }
        self.epoch += 1;
        let records = self.records.iter().map(|(key, entry)| entry.to_record(key));
        Begun { epoch: self.epoch, records: records.collect::<Vec<CommitRecord>>(), window: None }
    }

    /// One transaction.
    pub(crate) fn commit(&mut self, rules: TargetRules, flight: &Flight) -> Outcome {
        let table = self.tables.entry(flight.stream.clone()).or_default();
        if !rules.transactional {
            add(&mut table.visible, &flight.rows);
            return Outcome::Done;
        }
        if rules.fence && flight.epoch != self.epoch {
            return Outcome::Fenced;
        }
        let stored = self.records.get(&flight.partition).map_or(0, |entry| entry.sequence);
        if rules.sequence {
            if stored == flight.entry.sequence {
                return Outcome::Done;
            }
            if stored + 1 != flight.entry.sequence {
                return Outcome::Refused;
            }
        }
        // What a writer of an older epoch had staged was cleared away by `begin`.
        let rows = if flight.writer_epoch == flight.epoch { flight.rows.as_slice() } else { &[] };
        match flight.aside {
            None => add(&mut table.visible, rows),
            Some(generation) => {
                let has_it = table.aside.as_ref().is_some_and(|(aside, _)| *aside == generation);
                if !has_it {
                    if flight.resumed {
                        return Outcome::Refused;
                    }
                    table.aside = Some((generation, BTreeMap::new()));
                }
                if let Some((_, aside)) = &mut table.aside {
                    add(aside, rows);
                }
                if flight.publish {
                    let (generation, rows) = table.aside.take().unwrap_or_default();
                    table.visible = rows;
                    table.published = generation;
                }
            }
        }
        self.records.insert(flight.partition.clone(), flight.entry.clone());
        Outcome::Done
    }
}

/// Twice is as bad as thrice: the count stops there, so that the space stays finite.
fn add(table: &mut BTreeMap<Row, u8>, rows: &[Row]) {
    for row in rows {
        let count = table.entry(*row).or_insert(0);
        *count = (*count + 1).min(2);
    }
}
