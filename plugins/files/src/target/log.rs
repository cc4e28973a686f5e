//! The log of a pipeline: entry after entry, each a file that is made once. The last one says what is durable.
//!
//! An entry is written down before its steps are carried out, and carried out before there is a next one. So whoever opens
//! the log carries out the steps of its last entry once more, and everything before it is done. An entry is made only where
//! there is none of its number; a run whose entry was made by another run has been taken over from. Entries before a
//! whole state are removed. A run that slept meanwhile could then make one of a number that is free again; so an entry
//! counts once no higher number is there.

use std::sync::Arc;

use super::entry::{Content, Entry, Written};
use super::open::stage_folder;
use super::state::{Change, State, fenced};
use crate::store::{Step, Store};
use dstream_sdk::{Error, ErrorKind, Pipeline, Result, tracing};

/// A whole state is written once the changes since the last one have more bytes than that, or than these.
const MIN_CHANGE_BYTES: u64 = 1 << 20;
const ENDING: &str = ".log";

/// The log of one pipeline, as far as this run knows it.
pub(crate) struct Log {
    store: Arc<dyn Store>,
    pipeline: String,
    folder: String,
    /// Of entries that do not have their name yet.
    drafts: String,
    /// The number of the last entry; 0: there is none.
    number: u64,
    previous: Option<String>,
    state: State,
    /// Bytes of the last whole state, and of the changes since.
    state_bytes: u64,
    change_bytes: u64,
    /// Steps of the last entry that could not be carried out.
    pending: Vec<Step>,
}

impl Log {
    /// Reads the log and brings files to what its last entry says.
    pub(crate) fn open(store: Arc<dyn Store>, pipeline: &str, notes: &str) -> Result<Log> {
        let mut log = Log {
            store,
            pipeline: pipeline.to_owned(),
            folder: format!("{notes}/log"),
            drafts: stage_folder(notes),
            number: 0,
            previous: None,
            state: State::default(),
            state_bytes: 0,
            change_bytes: 0,
            pending: Vec::new(),
        };
        let Some(&last) = log.numbers()?.last() else { return Ok(log) };
        // From the last entry back to a whole state, then on again.
        let mut entries = Vec::new();
        let mut number = last;
        loop {
            let (entry, hash, bytes) = log.read(number)?;
            let is_whole = matches!(entry.content, Content::State(_));
            entries.push((entry, hash, bytes));
            if is_whole {
                break;
            }
            number -= 1;
        }
        let mut steps = Vec::new();
        for (entry, hash, bytes) in entries.into_iter().rev() {
            if log.previous.is_some() && entry.previous != log.previous {
                return Err(log.broken(entry.number));
            }
            log.take(entry.number, hash, entry.content, bytes);
            steps = entry.steps;
        }
        for step in &steps {
            match log.store.carry_out(step) {
                // Somebody took the files away, or changed them. Whoever writes to their table is told so; that a table is
                // written anew must not depend on them.
                Err(error) if error.kind() == ErrorKind::Schema => tracing::warn!("{error}"),
                done => done?,
            }
        }
        Ok(log)
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Begins a run: from now on no older one can add an entry.
    ///
    /// # Errors
    /// `Fenced`: another run has begun since this one did.
    pub(crate) fn begin(&mut self, pipeline: &Pipeline, has_begun: bool) -> Result<()> {
        if has_begun && self.state.run != pipeline.run {
            return Err(fenced(&self.pipeline, &self.state.run));
        }
        let state = State { epoch: self.state.epoch + 1, run: pipeline.run.clone(), ..self.state.clone() };
        self.add(Content::State(Box::new(state)), Vec::new())
    }

    /// Adds a change and carries out its steps.
    ///
    /// # Errors
    /// `Fenced`: a newer run has begun; nothing was added. `Unavailable`: nobody knows whether it was added.
    pub(crate) fn commit(&mut self, change: Change, steps: Vec<Step>) -> Result<()> {
        self.settle()?;
        if self.change_bytes <= self.state_bytes.max(MIN_CHANGE_BYTES) {
            return self.add(Content::Change(Box::new(change)), steps);
        }
        let mut state = self.state.clone();
        state.apply(&change);
        self.add(Content::State(Box::new(state)), steps)
    }

    /// Carries out what the last entry says, where that went wrong before.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.carry_out(pending)
    }

    fn add(&mut self, content: Content, steps: Vec<Step>) -> Result<()> {
        let number = self.number + 1;
        let entry = Entry::new(&self.pipeline, number, self.previous.as_deref(), content, steps);
        let Written { bytes, hash } = entry.to_bytes()?;
        let name = self.name(number);
        let is_new = self.store.create_new(&name, &bytes, &self.drafts)?;
        // A store that answered late may have taken it all the same.
        if !is_new && self.store.read(&name)?.as_deref() != Some(&bytes) {
            return Err(self.taken_over());
        }
        let numbers = self.numbers()?;
        if numbers.last() != Some(&number) {
            self.store.remove(&name)?;
            return Err(self.taken_over());
        }
        let is_whole = matches!(entry.content, Content::State(_));
        self.take(number, hash, entry.content, bytes.len() as u64);
        // It is committed: what goes wrong from here on is put right by whoever opens the log next.
        self.carry_out(entry.steps)?;
        if is_whole {
            for old in numbers.iter().filter(|old| **old < number) {
                self.store.remove(&self.name(*old))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, number: u64, hash: String, content: Content, bytes: u64) {
        self.number = number;
        self.previous = Some(hash);
        match content {
            Content::State(state) => {
                self.state = *state;
                (self.state_bytes, self.change_bytes) = (bytes, 0);
            }
            Content::Change(change) => {
                self.state.apply(&change);
                self.change_bytes += bytes;
            }
        }
    }

    fn carry_out(&mut self, steps: Vec<Step>) -> Result<()> {
        let Err(error) = steps.iter().try_for_each(|step| self.store.carry_out(step)) else { return Ok(()) };
        self.pending = steps;
        let doing = "the commit stands, what it says could not be carried out";
        Err(Error::unavailable(error.message()).context(doing).hint("run again: it is carried out then"))
    }

    fn taken_over(&self) -> Error {
        Error::fenced(format!("a newer run took over the pipeline `{}`", self.pipeline))
            .hint("let the newer run finish")
    }

    fn read(&self, number: u64) -> Result<(Entry, String, u64)> {
        let name = self.name(number);
        let Some(bytes) = self.store.read(&name)? else { return Err(self.broken(number)) };
        let (entry, hash) = Entry::from_bytes(&bytes, &self.pipeline, number, &self.store.shown(&name))?;
        Ok((entry, hash, bytes.len() as u64))
    }

    fn broken(&self, number: u64) -> Error {
        let name = self.store.shown(&self.name(number));
        Error::bookmark_lost(format!("the log has no entry `{name}` that follows the one before it"))
            .hint("put it back from a copy; without it nobody knows what was written")
    }

    fn name(&self, number: u64) -> String {
        format!("{}/{number:012}{ENDING}", self.folder)
    }

    /// The numbers of the entries that there are, in order.
    fn numbers(&self) -> Result<Vec<u64>> {
        let files = self.store.list(&self.folder)?;
        let number = |name: &str| name.strip_suffix(ENDING)?.parse().ok();
        let mut numbers: Vec<u64> = files.iter().filter_map(|file| number(&file.name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}
