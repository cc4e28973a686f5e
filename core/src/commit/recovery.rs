//! After an unknown outcome: begin again, and find out.

use std::collections::BTreeMap;

use dstream_abi::{Begun, Error, ErrorKind};

use super::lane::Step;
use super::machine::Machine;
use super::{Action, SeededBug};
use crate::state::Entry;

/// A `begin` that is to come or on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Recovery {
    /// Calls of `begin` so far; 0: commits in flight are waited for.
    attempt: u32,
}

impl Machine {
    pub(super) fn commit_unknown(&mut self, number: u64, out: &mut Vec<Action>) -> Result<(), Error> {
        let (partition, window) = self.returned(number, "CommitUnknown")?;
        if self.failure.is_some() {
            self.fail_lane(&partition, None, out);
            return Ok(());
        }
        self.lane(&partition)?.step = Step::Unknown(window);
        if self.recovery.is_none() {
            self.recovery = Some(Recovery::default());
            self.fruitless_recoveries += 1;
            if self.fruitless_recoveries > self.fixed.protocol.max_recoveries {
                let error = Error::unavailable(format!(
                    "the target did not say what became of a commit, {} times in a row",
                    self.fruitless_recoveries
                ))
                .hint("run again when the target can be reached: the next run finds out what is committed");
                self.fail_run(error, out);
            }
        }
        self.after_return(out)
    }

    /// A commit has returned: what waited for it goes on.
    pub(super) fn after_return(&mut self, out: &mut Vec<Action>) -> Result<(), Error> {
        if let Some(recovery) = &mut self.recovery {
            // A commit of this run that is still in flight would be refused as fenced by this very begin.
            if self.in_flight == 0 && recovery.attempt == 0 {
                recovery.attempt = 1;
                out.push(Action::Begin { attempt: 1 });
            }
            return Ok(());
        }
        self.release_held(out)
    }

    /// Commits the held windows whose streams nobody else is ending any more.
    fn release_held(&mut self, out: &mut Vec<Action>) -> Result<(), Error> {
        if self.failure.is_some() {
            return Ok(());
        }
        for partition in self.held.clone() {
            if self.must_hold(&partition) {
                continue;
            }
            self.held.remove(&partition);
            if let Step::Held(window) = self.lane(&partition)?.step.clone() {
                self.commit(&partition, window, out)?;
            }
        }
        Ok(())
    }

    pub(super) fn begin_failed(&mut self, error: Error, out: &mut Vec<Action>) -> Result<(), Error> {
        let max_begins = self.fixed.protocol.max_begins;
        match &mut self.recovery {
            None if self.failure.is_some() => {}
            None => return Err(Error::bug("`begin` failed and nobody had asked for it")),
            Some(recovery) if error.kind() == ErrorKind::Unavailable && recovery.attempt < max_begins => {
                recovery.attempt += 1;
                out.push(Action::Begin { attempt: recovery.attempt });
            }
            Some(_) => self.fail_run(error, out),
        }
        Ok(())
    }

    pub(super) fn begun(&mut self, begun: &Begun, out: &mut Vec<Action>) -> Result<(), Error> {
        let Some(recovery) = self.recovery else {
            // The run failed while `begin` was on its way.
            return if self.failure.is_some() {
                Ok(())
            } else {
                Err(Error::bug("`begin` returned and nobody had asked for it"))
            };
        };
        let records = match self.records_of(begun, recovery) {
            Ok(records) => records,
            Err(error) => {
                self.fail_run(error, out);
                return Ok(());
            }
        };
        self.recovery = None;
        self.epoch = begun.epoch;
        self.round += 1;
        self.ending.clear();
        let parked: Vec<String> =
            self.lanes.iter().filter(|(_, lane)| lane.is_parked()).map(|(name, _)| name.clone()).collect();
        // First what is committed, then who goes on: `resumed` must be right for every lane that opens.
        for partition in &parked {
            self.settle(partition, &records, out)?;
        }
        for partition in parked {
            if self.lane(&partition)?.is_parked() {
                self.open_or_park(&partition, out);
            }
        }
        if self.fixed.protocol.has(SeededBug::KeepWriters) {
            let round = self.round;
            self.lanes.values_mut().for_each(|lane| lane.round = round);
        }
        Ok(())
    }

    /// Finds out what became of a lane's unknown window.
    fn settle(
        &mut self,
        partition: &str,
        records: &BTreeMap<String, Entry>,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let blind = self.fixed.protocol.has(SeededBug::NoSequenceCheck);
        let lane = self.lane(partition)?;
        let Step::Unknown(mut window) = lane.step.clone() else { return Ok(()) };
        let stored = records.get(partition);
        let committed = stored.is_some_and(|stored| stored.sequence == window.next.sequence) && !blind;
        if blind {
            lane.current.sequence = stored.map_or(0, |stored| stored.sequence);
        }
        let (number, rows) = (window.number, window.rows);
        out.push(Action::Resolved { partition: partition.to_string(), window: number, committed, rows });
        if let Some(stored) = stored.filter(|_| committed) {
            // As the target gives it back: a number may have another form than the one it was sent with.
            window.next = stored.clone();
            let ends = window.ends;
            self.apply(partition, window, out)?;
            if ends {
                self.lane(partition)?.step = Step::Done;
                out.push(Action::LaneDone { partition: partition.to_string() });
            }
        }
        Ok(())
    }

    /// The target's records, after a look whether another run has had its hands on them.
    fn records_of(&self, begun: &Begun, recovery: Recovery) -> Result<BTreeMap<String, Entry>, Error> {
        let mut records = BTreeMap::new();
        if !self.fixed.run.transactional {
            return Ok(records);
        }
        for record in &begun.records {
            if self.lanes.contains_key(&record.key) {
                records.insert(record.key.clone(), Entry::from_record(record)?);
            }
        }
        if self.fixed.protocol.has(SeededBug::IgnoreOtherRuns) {
            return Ok(records);
        }
        if begun.epoch <= self.epoch {
            return Err(Error::bug(format!(
                "the target answered `begin` with epoch {}, and {} was given before",
                begun.epoch, self.epoch
            )));
        }
        // A `begin` whose answer was lost counts as well.
        if begun.epoch - self.epoch > u64::from(recovery.attempt) {
            return Err(other_run());
        }
        for (partition, lane) in &self.lanes {
            let stored = records.get(partition);
            let sequence = stored.map_or(0, |entry| entry.sequence);
            let is_ours = sequence == lane.current.sequence
                || matches!(&lane.step, Step::Unknown(window) if stored.is_some_and(|stored| window.made(stored)));
            if !is_ours {
                return Err(other_run());
            }
        }
        Ok(records)
    }
}

fn other_run() -> Error {
    Error::fenced("another run of the pipeline has begun in the meantime")
        .hint("run again when the other run has ended; nothing that is committed is lost")
}
