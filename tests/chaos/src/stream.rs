//! A stream as it has to be: which records there are, in which version, and how they change.

use std::collections::BTreeMap;

use crate::random::Random;
use crate::row::Origin;

/// What happens to a stream between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records come; no key.
    Appended,
    /// Records come, new ones and newer versions of old ones; `id` is the key.
    Keyed,
    /// Records come, change and go; read as a full table.
    Replaced,
}

/// One file or table of the source, and the table that it becomes.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it follows in a source that is a database.
    pub(crate) replication_key: Option<&'static str>,
    seed: u64,
    number: u64,
    next_id: i64,
    /// Records in the file, where it is one: newer versions count as well.
    pub(crate) written: u64,
    /// By `id`: the version that the table has to hold.
    pub(crate) versions: BTreeMap<i64, i64>,
    /// The same, of the last copy that was complete.
    pub(crate) copied: BTreeMap<i64, i64>,
}

/// What a source has to do.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Nothing of what was there is left.
    pub(crate) replaces: bool,
    /// `id`s that are no more.
    pub(crate) deleted: Vec<i64>,
    /// New records and newer versions, in their order; an `id` may come several times.
    pub(crate) written: Vec<Origin>,
}

impl Stream {
    /// A stream without records. Its `number` is its own among those of the world.
    pub(crate) fn new(
        name: &'static str,
        kind: Kind,
        replication_key: Option<&'static str>,
        seed: u64,
        number: u64,
    ) -> Stream {
        let (versions, copied) = (BTreeMap::new(), BTreeMap::new());
        Stream { name, kind, replication_key, seed, number, next_id: 0, written: 0, versions, copied }
    }

    /// The record that has this `id` now.
    pub(crate) fn origin(&self, id: i64) -> Option<Origin> {
        self.versions.get(&id).map(|version| self.made(id, *version))
    }

    /// The record that had this `id` and version, if there was one.
    pub(crate) fn past_origin(&self, id: i64, version: i64) -> Option<Origin> {
        let newest = self.versions.get(&id)?;
        (0..=*newest).contains(&version).then(|| self.made(id, version))
    }

    /// All that was ever written of a stream that grows, by `id` and version.
    pub(crate) fn history(&self) -> impl Iterator<Item = (i64, i64)> {
        self.versions.iter().flat_map(|(id, newest)| (0..=*newest).map(move |version| (*id, version)))
    }

    fn made(&self, number: i64, version: i64) -> Origin {
        Origin { seed: self.seed, stream: self.number, number, version }
    }

    /// Writes a record, a new one where `id` is none that is known.
    fn write(&mut self, id: i64) -> Origin {
        let version = self.versions.get(&id).map_or(0, |version| version + 1);
        self.versions.insert(id, version);
        self.next_id = self.next_id.max(id + 1);
        self.written += 1;
        self.made(id, version)
    }

    /// More records; of a stream with a key, newer versions of old ones among them.
    pub(crate) fn append(&mut self, records: u64, random: &mut Random) -> Change {
        let mut write = || {
            let known = self.versions.len() as u64;
            let is_newer = self.kind == Kind::Keyed && known > 0 && random.percent(40);
            let id = if is_newer { random.below(known) as i64 } else { self.next_id };
            self.write(id)
        };
        Change { written: (0..records).map(|_| write()).collect(), ..Change::default() }
    }

    /// Other records in the place of all.
    pub(crate) fn replace(&mut self, records: u64, version: i64) -> Change {
        self.versions = (0..records as i64).map(|id| (id, version)).collect();
        self.next_id = records as i64;
        self.written = records;
        let written = (0..records as i64).map(|id| self.made(id, version)).collect();
        Change { replaces: true, written, ..Change::default() }
    }

    /// Some records go, some change, some come.
    pub(crate) fn edit(&mut self, random: &mut Random) -> Change {
        let mut change = Change::default();
        let ids: Vec<i64> = self.versions.keys().copied().collect();
        for id in ids {
            match random.below(20) {
                0 => {
                    self.versions.remove(&id);
                    change.deleted.push(id);
                }
                1 => change.written.push(self.write(id)),
                _ => {}
            }
        }
        let come = random.below(200) as i64;
        change.written.extend((0..come).map(|_| self.write(self.next_id)));
        self.written = self.versions.len() as u64;
        change
    }

    /// All records as they are now.
    pub(crate) fn all(&self) -> impl Iterator<Item = Origin> {
        self.versions.iter().map(|(id, version)| self.made(*id, *version))
    }
}
