//! From a commit to what it changes, and what is to be done to files for that.

use dstream_sdk::{Commit, Error, Result, StreamPlan, TableClaim};

use super::options::Layout;
use super::state::{Change, Copy, DataFile, Published, State, Written};
use super::writer::{PreparedStream, StagedFile};
use super::{Run, names, open};
use crate::store::Step;

/// Plans a commit. Nothing is written yet.
///
/// # Errors
/// `Schema`: a file that is to grow is not what was committed.
pub(super) fn plan(run: &Run, commit: &Commit, dialect: &str) -> Result<(Change, Vec<Step>)> {
    let mut after = run.log.state().clone();
    after.epoch = commit.epoch;
    let change = Change {
        epoch: commit.epoch,
        records: commit.records.clone(),
        written: Vec::new(),
        published: Vec::new(),
    };
    let number = run.log.number() + 1;
    let mut planned = Planned { run, commit, dialect, number, parts: 0, after, change, steps: Vec::new() };
    for window in &commit.windows {
        let streams: Vec<PreparedStream> =
            serde_json::from_value(window.prepared.message.clone()).map_err(|error| {
                Error::bug(format!("window {} was not prepared here: {error}", window.window))
            })?;
        streams.into_iter().try_for_each(|stream| planned.write(stream))?;
    }
    commit.publish.iter().try_for_each(|plan| planned.publish(plan))?;
    Ok((planned.change, planned.steps))
}

/// A commit as far as it is planned.
struct Planned<'a> {
    run: &'a Run,
    commit: &'a Commit,
    dialect: &'a str,
    /// Of the entry that it becomes.
    number: u64,
    /// Files that were named after it.
    parts: usize,
    /// What there is after it.
    after: State,
    change: Change,
    steps: Vec<Step>,
}

impl Planned<'_> {
    fn write(&mut self, stream: PreparedStream) -> Result<()> {
        let pipeline = &self.commit.pipeline;
        let claim = TableClaim { pipeline, epoch: self.commit.epoch, plan: &stream.plan };
        let is_of_this_copy = |copy: &Copy| claim.is_of_this_copy(&State::owner(copy, pipeline));
        let table = self.after.tables.get(&stream.plan.table);
        let copy = match stream.is_aside {
            true => table.and_then(|table| table.aside.as_ref()).filter(|copy| is_of_this_copy(copy)),
            false => table.and_then(|table| table.live.as_ref()),
        };
        let begins = stream.is_aside && copy.is_none();
        let given_up = table.and_then(|table| table.aside.as_ref()).filter(|_| begins);
        let given_up: Vec<String> =
            given_up.into_iter().flat_map(|copy| &copy.files).map(|file| file.name.clone()).collect();
        if !given_up.is_empty() {
            self.steps.push(Step::Remove { files: given_up });
        }
        let grown = copy.and_then(|copy| copy.files.last().cloned());
        let (table, is_aside) = (&stream.plan.table, stream.is_aside);
        let files = match self.run.layout {
            Layout::Folder if is_aside => stream.files.into_iter().map(|staged| staged.file).collect(),
            Layout::Folder => stream.files.into_iter().map(|staged| self.part(table, staged.file)).collect(),
            Layout::File => self.grow(table, is_aside, grown, stream.files)?,
        };
        let written = Written {
            table: stream.plan.table,
            is_aside,
            generation: stream.plan.generation,
            begins,
            schema: stream.schema,
            dialect: self.dialect.to_owned(),
            files,
        };
        self.after.add(&written);
        self.change.written.push(written);
        Ok(())
    }

    /// A file more in the folder of a table.
    fn part(&mut self, table: &str, staged: DataFile) -> DataFile {
        let part = open::part_name(&self.commit.pipeline, self.number, self.parts, &self.run.ending);
        self.parts += 1;
        let name = format!("{}/{part}", names::encoded(table));
        self.steps.push(Step::Move { from: staged.name, to: name.clone() });
        DataFile { name, ..staged }
    }

    /// Staged files at the end of the one that grows; the first one of a copy is where it begins.
    fn grow(
        &mut self,
        table: &str,
        is_aside: bool,
        mut grown: Option<DataFile>,
        staged: Vec<StagedFile>,
    ) -> Result<Vec<DataFile>> {
        if staged.is_empty() {
            return Ok(Vec::new());
        }
        if !is_aside || grown.is_some() {
            self.check_grown(table, grown.as_ref())?;
        }
        for StagedFile { file, head } in staged {
            grown = Some(match grown {
                None if is_aside => file,
                before => {
                    let start =
                        DataFile { name: open::file_name(table, &self.run.ending), bytes: 0, rows: 0 };
                    let DataFile { name, bytes: at, rows } = before.unwrap_or(start);
                    let skipped = if at == 0 { 0 } else { head };
                    self.steps.push(Step::Append {
                        from: file.name,
                        bytes: file.bytes,
                        head,
                        to: name.clone(),
                        at,
                    });
                    DataFile { name, bytes: at + file.bytes - skipped, rows: rows + file.rows }
                }
            });
        }
        Ok(grown.into_iter().collect())
    }

    /// Nobody else wrote to the file that grows: what is noted now is carried out whatever comes.
    fn check_grown(&self, table: &str, grown: Option<&DataFile>) -> Result<()> {
        // What this commit appended to it before was looked at then.
        if self.change.written.iter().any(|written| written.table == table && !written.files.is_empty()) {
            return Ok(());
        }
        let store = &*self.run.store;
        if let Some(grown) = grown {
            return open::check_file(store, grown, store.bytes(&grown.name)?);
        }
        let name = open::file_name(table, &self.run.ending);
        match store.bytes(&name)? {
            None => Ok(()),
            Some(_) => Err(Error::config(format!(
                "`{}` is there already, and this pipeline did not write it",
                store.shown(&name)
            ))
            .hint("move it away, choose another folder, or set `write_mode` to `overwrite` to replace it")),
        }
    }

    fn publish(&mut self, plan: &StreamPlan) -> Result<()> {
        let table = self.after.tables.get(&plan.table).cloned().unwrap_or_default();
        let Some(copy) = table.aside else {
            return Err(Error::bug(format!("the table `{}` has no copy to be published", plan.table)));
        };
        let before: Vec<String> =
            table.live.into_iter().flat_map(|copy| copy.files).map(|file| file.name).collect();
        let files = match self.run.layout {
            Layout::Folder => self.replace_folder(&plan.table, &copy, &before)?,
            Layout::File => self.replace_file(&plan.table, &copy),
        };
        // Those of another layout.
        let folder = format!("{}/", names::encoded(&plan.table));
        let is_left = |name: &String| match self.run.layout {
            Layout::Folder => !name.starts_with(&folder),
            Layout::File => files.iter().all(|file| file.name != *name),
        };
        let left: Vec<String> = before.into_iter().filter(is_left).collect();
        if !left.is_empty() {
            self.steps.push(Step::Remove { files: left });
        }
        let published = Published { table: plan.table.clone(), files };
        self.change.published.push(published);
        Ok(())
    }

    /// The copy is all that the table has: rows that somebody else put beside the old ones go with them.
    fn replace_folder(&mut self, table: &str, copy: &Copy, before: &[String]) -> Result<Vec<DataFile>> {
        let folder = names::encoded(table);
        let ending = format!(".{}", self.run.ending);
        let there = self.run.store.list(&folder)?.into_iter().map(|file| file.name);
        let is_old = |name: &String| name.ends_with(&ending) || before.contains(&format!("{folder}/{name}"));
        let old: Vec<String> = there.filter(is_old).collect();
        let mut files = Vec::new();
        let mut renamed = Vec::new();
        for (at, staged) in copy.files.iter().enumerate() {
            let part = open::part_name(&self.commit.pipeline, self.number, at, &self.run.ending);
            files.push(DataFile { name: format!("{folder}/{part}"), ..staged.clone() });
            renamed.push((staged.name.clone(), part));
        }
        self.steps.push(match renamed.is_empty() {
            false => Step::Replace { folder, files: renamed, old },
            true => Step::Remove { files: old.iter().map(|name| format!("{folder}/{name}")).collect() },
        });
        Ok(files)
    }

    fn replace_file(&mut self, table: &str, copy: &Copy) -> Vec<DataFile> {
        let name = open::file_name(table, &self.run.ending);
        let files = copy.files.first().map(|file| DataFile { name: name.clone(), ..file.clone() });
        self.steps.push(match copy.files.first() {
            Some(file) => Step::Move { from: file.name.clone(), to: name },
            None => Step::Remove { files: vec![name] },
        });
        files.into_iter().collect()
    }
}
