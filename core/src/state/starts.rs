//! Where every partition of the plan starts, and in which generation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dstream_abi::{Error, Partition, ReplicationMethod};

use super::resolve::{Known, Verdict};
use super::{Entry, PartitionState, Resolution, Result, StateError};

/// Where every lane starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starts {
    /// In the order of the partitions.
    pub lanes: Vec<Start>,
    /// What the user is told.
    pub notices: Vec<String>,
}

/// Where one lane starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Start {
    /// The partition's id.
    pub partition: String,
    /// What is stored of it now, whatever the start makes of it.
    pub stored: Option<Entry>,
    /// The sequence that is stored now; the next commit is one more.
    pub sequence: u64,
    /// Where to read on, the generation, and what else the next commit goes on from.
    pub state: PartitionState,
    /// Those of its streams of which part of this generation is committed already.
    pub resumed: BTreeSet<String>,
    /// Its part of the generation is complete: nothing is to be read.
    pub complete: bool,
}

impl Resolution {
    /// Where the partitions of the tap's plan start.
    ///
    /// # Errors
    /// As [`resolve`](super::resolve()); `Other`: a bookmark was set by hand for a stream that has several partitions.
    pub fn starts(mut self, partitions: &[Partition]) -> Result<Starts> {
        for partition in partitions {
            self.know(partition)?;
        }
        self.check_set(partitions)?;
        let stored = self.newest_generations();
        let generations = self.generations(partitions, &stored);
        let lanes = partitions.iter().map(|partition| self.start(partition, &generations, &stored)).collect();
        Ok(Starts { lanes, notices: self.notices })
    }

    /// A partition of which neither file nor target knew: a hand edit may be waiting for it.
    fn know(&mut self, partition: &Partition) -> Result<()> {
        if self.known.contains_key(&partition.id) {
            return Ok(());
        }
        let Some(edit) = self.newest_edit(&partition.id, &partition.streams).cloned() else { return Ok(()) };
        // Nothing is there to be cleared, and yet the edit is applied with the first commit.
        let verdict = match edit.bookmark {
            Some(_) => self.by_hand(&partition.id, &partition.streams, &edit)?,
            None => Verdict::StartOver { edit: Some(edit.id) },
        };
        self.known.insert(partition.id.clone(), Known { stored: None, verdict });
        Ok(())
    }

    fn check_set(&self, partitions: &[Partition]) -> Result<()> {
        let mut set: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for partition in partitions {
            if let Some(Verdict::Set { edit, .. }) = self.known.get(&partition.id).map(|known| &known.verdict)
            {
                set.entry(edit).or_default().push(&partition.id);
            }
        }
        let Some((edit, ids)) = set.into_iter().find(|(_, ids)| ids.len() > 1) else { return Ok(()) };
        let stream = self.edits.iter().find(|made| made.id == *edit).and_then(|edit| edit.stream.clone());
        Err(StateError::Other(several_partitions(&stream.unwrap_or_default(), &ids)))
    }

    /// The generation in which every stream is read.
    fn generations(
        &mut self,
        partitions: &[Partition],
        stored: &BTreeMap<String, u64>,
    ) -> BTreeMap<String, u64> {
        let mut by_stream: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for partition in partitions {
            for name in &partition.streams {
                by_stream.entry(name).or_default().push(&partition.id);
            }
        }
        let mut known: HashMap<String, Vec<String>> = HashMap::new();
        for (id, stored) in self.known.iter().filter_map(|(id, known)| Some((id, known.stored.as_ref()?))) {
            stored
                .state
                .streams
                .iter()
                .for_each(|name| known.entry(name.clone()).or_default().push(id.clone()));
        }
        let mut generations = BTreeMap::new();
        for (name, planned) in by_stream {
            let newest = stored.get(name).copied().unwrap_or(0);
            let known = known.get(name).map_or(&[][..], Vec::as_slice);
            let starts_over = newest == 0 || self.starts_over(name, &planned, newest, known);
            generations.insert(name.to_string(), newest + u64::from(starts_over));
        }
        // Streams that share a partition are read from the start together.
        loop {
            let mut is_stable = true;
            for partition in partitions {
                let newest = partition.streams.iter().filter_map(|name| generations.get(name)).max().copied();
                for name in &partition.streams {
                    let previous = newest.and_then(|newest| generations.insert(name.clone(), newest));
                    is_stable &= previous == newest;
                }
            }
            if is_stable {
                return generations;
            }
        }
    }

    /// `ids` are those of the stream's partitions that are known.
    fn starts_over(&mut self, stream: &str, planned: &[&str], newest: u64, ids: &[String]) -> bool {
        let mut read: BTreeMap<&str, bool> = BTreeMap::new();
        for (id, known) in ids.iter().filter_map(|id| self.known.get_key_value(id)) {
            let Some(entry) = known.stored.as_ref().filter(|entry| entry.state.generation == newest) else {
                continue;
            };
            if matches!(known.verdict, Verdict::StartOver { .. }) {
                return true;
            }
            read.insert(id, entry.state.complete);
        }
        let is_full = self.streams.get(stream).is_some_and(|now| now.method == ReplicationMethod::FullTable);
        if !is_full {
            return false;
        }
        if planned.iter().all(|id| read.get(id) == Some(&true)) {
            return true;
        }
        let is_another_plan = read.keys().any(|id| !planned.contains(id));
        // A copy that is complete starts over anyway.
        if is_another_plan && read.values().any(|complete| !complete) {
            self.notices
                .push(format!("`{stream}`: starts over, because the tap cuts it into other partitions now"));
        }
        is_another_plan
    }

    fn start(
        &self,
        partition: &Partition,
        generations: &BTreeMap<String, u64>,
        newest: &BTreeMap<String, u64>,
    ) -> Start {
        let generation = partition.streams.iter().filter_map(|name| generations.get(name)).max().copied();
        let generation = generation.unwrap_or(1);
        let now = partition.streams.iter().find_map(|name| self.streams.get(name));
        let known = self.known.get(&partition.id);
        let stored = known.and_then(|known| known.stored.clone());
        let fresh = PartitionState {
            streams: partition.streams.clone(),
            method: now.map_or(ReplicationMethod::FullTable, |now| now.method),
            replication_key: now.and_then(|now| now.key.clone()),
            bookmark: None,
            generation,
            complete: false,
            rows_total: 0,
            edit: stored.as_ref().and_then(|entry| entry.state.edit.clone()),
            fingerprint: self.fingerprint.clone(),
        };
        let goes_on = |state: &PartitionState| state.generation == generation;
        let mut complete = false;
        let state = match known.map(|known| &known.verdict) {
            None => fresh,
            Some(Verdict::StartOver { edit }) => PartitionState { edit: edit.clone(), ..fresh },
            Some(Verdict::Set { edit, bookmark }) => {
                let before = stored.as_ref().map(|entry| &entry.state).filter(|state| goes_on(state));
                PartitionState {
                    bookmark: Some(bookmark.clone()),
                    rows_total: before.map_or(0, |state| state.rows_total),
                    complete: before.is_some_and(|state| state.complete),
                    edit: Some(edit.clone()),
                    ..fresh
                }
            }
            Some(Verdict::GoOn(state)) if goes_on(state) => {
                complete = state.complete && fresh.method == ReplicationMethod::FullTable;
                let (bookmark, rows_total) = (state.bookmark.clone(), state.rows_total);
                PartitionState { bookmark, rows_total, complete: state.complete, ..fresh }
            }
            Some(Verdict::GoOn(_)) => fresh,
        };
        let resumed = partition.streams.iter().filter(|name| newest.get(*name) == Some(&generation)).cloned();
        Start {
            partition: partition.id.clone(),
            sequence: stored.as_ref().map_or(0, |entry| entry.sequence),
            resumed: resumed.collect(),
            stored,
            state,
            complete,
        }
    }
}

pub(super) fn several_partitions(stream: &str, ids: &[&str]) -> Error {
    let list = ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    Error::config(format!(
        "stream `{stream}` has several partitions, each with a bookmark of its own: {list}"
    ))
    .hint("set the bookmark of one partition by its id, or clear the stream")
}
