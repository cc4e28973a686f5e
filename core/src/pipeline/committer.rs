//! The commit machine behind a mutex: lanes ask, and carry out what is to be done.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dstream_abi::{Error, Pipeline, Result, Target};
use tracing::{debug, info, warn};

use super::extract::POLL;
use super::run::Interrupt;
use crate::commit::{Action, Event, Machine};
use crate::state::StateFile;

/// A cache of what a transactional target has on record is written this often at most.
const CACHE_INTERVAL: Duration = Duration::from_secs(1);
/// The first wait before `begin` is called again; it doubles.
const FIRST_BEGIN_WAIT: Duration = Duration::from_millis(200);

pub(crate) struct Committer {
    target: Arc<dyn Target>,
    pipeline: Pipeline,
    transactional: bool,
    interrupt: Interrupt,
    shared: Mutex<Shared>,
    answered: Condvar,
}

struct Shared {
    machine: Machine,
    /// Answers to lanes that wait, by partition.
    answers: HashMap<String, Action>,
    state_file: Option<StateFile>,
    unsaved: bool,
    saved_at: Option<Instant>,
}

impl Committer {
    pub(crate) fn new(
        target: Arc<dyn Target>,
        pipeline: Pipeline,
        transactional: bool,
        machine: Machine,
        state_file: Option<StateFile>,
        interrupt: Interrupt,
    ) -> Committer {
        let shared = Shared { machine, answers: HashMap::new(), state_file, unsaved: false, saved_at: None };
        Committer {
            target,
            pipeline,
            transactional,
            interrupt,
            shared: Mutex::new(shared),
            answered: Condvar::new(),
        }
    }

    /// Tells the machine what happened in a lane and waits for its answer.
    ///
    /// # Errors
    /// `Cancelled`: the run was stopped hard while the lane waited.
    pub(crate) fn ask(&self, partition: &str, event: Event) -> Result<Action> {
        let mut shared = self.lock();
        let mut mine = None;
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in shared.machine.handle(event) {
                match action.partition() {
                    Some(lane) if lane == partition => mine = Some(action),
                    Some(lane) => {
                        shared.answers.insert(lane.to_owned(), action);
                        self.answered.notify_all();
                    }
                    None => {
                        if let Some(event) = self.carry_out(&mut shared, action, partition, &mut mine) {
                            events.push(event);
                        }
                    }
                }
            }
        }
        loop {
            if let Some(action) = mine.take().or_else(|| shared.answers.remove(partition)) {
                return Ok(action);
            }
            if self.interrupt.is_abort() {
                return Err(Error::cancelled("the run was stopped"));
            }
            let waited = self.answered.wait_timeout(shared, POLL);
            (shared, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does what is for nobody in particular.
    fn carry_out(
        &self,
        shared: &mut Shared,
        action: Action,
        me: &str,
        mine: &mut Option<Action>,
    ) -> Option<Event> {
        match action {
            Action::Begin { attempt } => Some(self.begin_again(attempt)),
            Action::SaveState { entries } => {
                let file = shared.state_file.as_mut()?;
                file.stage(entries);
                shared.unsaved = true;
                let is_due = shared.saved_at.is_none_or(|saved| saved.elapsed() >= CACHE_INTERVAL);
                if self.transactional && !is_due {
                    return None;
                }
                save(shared).err().map(|error| Event::StateSaveFailed { error })
            }
            Action::Warn { error } => {
                warn!("{error}");
                None
            }
            Action::Resolved { partition, window, committed, rows } => {
                info!(partition, window, committed, rows, "the target was asked what became of a commit");
                None
            }
            // The run has failed: every lane that waits hears of it.
            Action::Fail { partition: None, error } => {
                self.interrupt.fail(error.clone());
                *mine = Some(Action::Fail { partition: Some(me.to_owned()), error });
                self.answered.notify_all();
                None
            }
            // Actions with a partition are handed to their lane.
            other => {
                debug!(?other, "an action that is for a lane");
                None
            }
        }
    }

    fn begin_again(&self, attempt: u32) -> Event {
        if attempt > 1 {
            let wait = FIRST_BEGIN_WAIT.saturating_mul(1 << (attempt - 2).min(8));
            self.interrupt.wait(wait);
        }
        if self.interrupt.is_abort() {
            return Event::BeginFailed { error: Error::cancelled("the run was stopped") };
        }
        match self.target.begin(&self.pipeline) {
            Ok(begun) => Event::Begun(begun),
            Err(error) => Event::BeginFailed { error },
        }
    }

    /// Writes what a throttled cache has not written yet.
    pub(crate) fn finish(&self) -> Result<()> {
        let mut shared = self.lock();
        match shared.unsaved {
            true => save(&mut shared),
            false => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn save(shared: &mut Shared) -> Result<()> {
    if let Some(file) = shared.state_file.as_mut() {
        file.save().map_err(Error::from)?;
    }
    shared.unsaved = false;
    shared.saved_at = Some(Instant::now());
    Ok(())
}
