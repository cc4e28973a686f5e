//! Windows, from the first record to the answer of `commit`.

use std::sync::Arc;

use dstream_abi::{Bookmark, Commit, Error, ErrorKind, Prepared, ReplicationMethod, StreamPlan};

use super::lane::{Step, Window};
use super::machine::{Machine, unexpected};
use super::{Action, Lane, SeededBug};

impl Machine {
    pub(super) fn lane_ready(&mut self, partition: &str, out: &mut Vec<Action>) -> Result<(), Error> {
        let step = self.lane(partition)?.step.clone();
        match step {
            _ if self.failure.is_some() => self.fail_lane(partition, None, out),
            Step::Done => out.push(Action::LaneDone { partition: partition.to_string() }),
            Step::Idle | Step::Open | Step::Failed => self.open_or_park(partition, out),
            step => return Err(unexpected("LaneReady", partition, &step)),
        }
        Ok(())
    }

    pub(super) fn window_closed(
        &mut self,
        partition: &str,
        round: u64,
        rows: u64,
        bookmark: Option<Bookmark>,
        ends: bool,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let lane = self.lane(partition)?;
        if lane.step != Step::Open {
            return Err(unexpected("WindowClosed", partition, &lane.step));
        }
        if self.failure.is_some() {
            self.fail_lane(partition, None, out);
        } else if self.is_stale(round) {
            self.open_or_park(partition, out);
        } else if bookmark.is_none() && !ends {
            let error =
                Error::bug(format!("a window of partition `{partition}` ends where no checkpoint is"));
            self.fail_lane(partition, Some(error), out);
        } else {
            let number = self.next_window;
            let lane = self.lane(partition)?;
            let mut next = lane.current.clone();
            let has_moved = bookmark.is_some() && bookmark != next.state.bookmark;
            next.sequence += 1;
            next.state.bookmark = bookmark.or(next.state.bookmark);
            // What an incremental stream brings later is an addition to a generation that is complete.
            let was_complete = next.state.complete && next.state.method != ReplicationMethod::FullTable;
            next.state.complete = ends || was_complete;
            next.state.rows_total += rows;
            if rows == 0 && !ends && !has_moved {
                out.push(Action::GoOn { partition: partition.to_string() });
            } else if rows == 0 && lane.is_stored && next.state == lane.current.state {
                lane.step = Step::Done;
                self.end_of(partition);
                out.push(Action::LaneDone { partition: partition.to_string() });
            } else {
                let message = serde_json::Value::Null;
                lane.step = Step::Preparing(Window { number, rows, next, ends, message });
                self.next_window += 1;
                self.windows.insert(number, partition.to_string());
                out.push(Action::Prepare { partition: partition.to_string(), window: number });
            }
        }
        Ok(())
    }

    pub(super) fn prepared(
        &mut self,
        number: u64,
        prepared: Prepared,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let partition = self.partition_of(number)?;
        let lane = self.lane(&partition)?;
        let (round, mut window) = match &lane.step {
            Step::Preparing(window) => (lane.round, window.clone()),
            step => return Err(unexpected("Prepared", &partition, step)),
        };
        if self.failure.is_some() {
            self.fail_lane(&partition, None, out);
        } else if self.is_stale(round) {
            self.open_or_park(&partition, out);
        } else if prepared.rows != window.rows {
            let error = Error::data(format!(
                "count mismatch: {} records were written in a window of partition `{partition}`, the target counted \
                 {}; the window was rolled back",
                window.rows, prepared.rows
            ))
            .hint("run again; if it comes back, report it to the author of the target");
            self.fail_lane(&partition, Some(error), out);
        } else {
            window.message = prepared.message;
            if window.ends && self.must_hold(&partition) {
                self.lane(&partition)?.step = Step::Held(window);
                self.held.insert(partition);
            } else {
                self.commit(&partition, window, out)?;
            }
        }
        Ok(())
    }

    pub(super) fn commit(
        &mut self,
        partition: &str,
        window: Window,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let mut publish = Vec::new();
        if window.ends {
            let plans: Vec<StreamPlan> = self.published_streams(partition).cloned().collect();
            let early = self.fixed.protocol.has(SeededBug::PublishEarly);
            for plan in plans {
                self.ending.insert(plan.stream.clone());
                if early || self.remaining.get(&plan.stream) == Some(&1) {
                    publish.push(self.plan_now(partition, &plan));
                }
            }
        }
        let commit = Commit {
            pipeline: self.fixed.run.pipeline.clone(),
            epoch: self.epoch,
            windows: vec![window.to_commit(partition)],
            records: vec![window.next.to_record(partition)],
            publish,
        };
        if self.fixed.protocol.has(SeededBug::StateBeforeData) {
            out.push(Action::SaveState { entries: vec![(partition.to_string(), window.next.clone())] });
        }
        out.push(Action::Commit { partition: partition.to_string(), window: window.number, commit });
        self.lane(partition)?.step = Step::Committing(window);
        self.in_flight += 1;
        Ok(())
    }

    pub(super) fn committed_window(&mut self, number: u64, out: &mut Vec<Action>) -> Result<(), Error> {
        let (partition, window) = self.returned(number, "Committed")?;
        let ends = window.ends;
        self.apply(&partition, window, out)?;
        if ends {
            self.lane(&partition)?.step = Step::Done;
            out.push(Action::LaneDone { partition });
        } else if self.failure.is_some() {
            self.fail_lane(&partition, None, out);
        } else if self.recovery.is_some() {
            self.open_or_park(&partition, out);
        } else {
            self.lane(&partition)?.step = Step::Open;
            out.push(Action::GoOn { partition });
        }
        self.after_return(out)
    }

    /// The window is durable.
    pub(super) fn apply(
        &mut self,
        partition: &str,
        window: Window,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let lane = self.lane(partition)?;
        lane.current = window.next.clone();
        lane.is_stored = true;
        self.fruitless_recoveries = 0;
        let streams = self.fixed.lanes.get(partition).map(|lane| &lane.streams);
        self.started.extend(streams.into_iter().flatten().map(|plan| plan.stream.clone()));
        if window.ends {
            self.end_of(partition);
        }
        if !self.fixed.protocol.has(SeededBug::StateBeforeData) {
            out.push(Action::SaveState { entries: vec![(partition.to_string(), window.next)] });
        }
        Ok(())
    }

    pub(super) fn commit_refused(
        &mut self,
        number: u64,
        error: Error,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let (partition, window) = self.returned(number, "CommitRefused")?;
        if window.ends {
            self.stop_ending(&partition);
        }
        if error.kind() == ErrorKind::Fenced {
            self.fail_run(error.clone(), out);
        }
        self.fail_lane(&partition, Some(error), out);
        self.after_return(out)
    }

    pub(super) fn lane_failed(
        &mut self,
        partition: &str,
        round: u64,
        error: Error,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        match &self.lane(partition)?.step {
            Step::Open | Step::Preparing(_) => {}
            step => return Err(unexpected("LaneFailed", partition, step)),
        }
        if self.failure.is_none() && self.is_stale(round) {
            self.open_or_park(partition, out);
            return Ok(());
        }
        // What one writer hears is true of all of them.
        if error.kind() == ErrorKind::Fenced {
            self.fail_run(error.clone(), out);
        }
        self.fail_lane(partition, Some(error), out);
        Ok(())
    }

    /// Takes the window of a commit that returned off its lane.
    pub(super) fn returned(&mut self, number: u64, event: &str) -> Result<(String, Window), Error> {
        let partition = self.partition_of(number)?;
        let window = match &self.lane(&partition)?.step {
            Step::Committing(window) if window.number == number => window.clone(),
            step => return Err(unexpected(event, &partition, step)),
        };
        self.windows.remove(&number);
        self.in_flight -= 1;
        Ok((partition, window))
    }

    /// One partition less to wait for.
    fn end_of(&mut self, partition: &str) {
        let fixed = Arc::clone(&self.fixed);
        for plan in fixed.lanes.get(partition).into_iter().flat_map(|lane| &lane.streams) {
            if let Some(remaining) = self.remaining.get_mut(&plan.stream) {
                *remaining = remaining.saturating_sub(1);
            }
        }
        self.stop_ending(partition);
    }

    pub(super) fn stop_ending(&mut self, partition: &str) {
        let fixed = Arc::clone(&self.fixed);
        for plan in fixed.lanes.get(partition).into_iter().flat_map(Lane::published) {
            self.ending.remove(&plan.stream);
        }
    }

    fn published_streams(&self, partition: &str) -> impl Iterator<Item = &StreamPlan> {
        self.fixed.lanes.get(partition).into_iter().flat_map(Lane::published)
    }

    /// A stream that this partition publishes has another partition that is about to end.
    pub(super) fn must_hold(&self, partition: &str) -> bool {
        !self.fixed.protocol.has(SeededBug::PublishUnordered)
            && self.published_streams(partition).any(|plan| self.ending.contains(&plan.stream))
    }
}
