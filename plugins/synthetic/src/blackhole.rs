//! The target `blackhole`: which streams, what is committed.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::blackhole_options::BlackholeOptions;
use crate::report::{Report, StreamWindow, folder, lock};
use crate::writer::BlackholeWriter;
use dstream_sdk::{
    Begun, Commit, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Result, Target, WriteRequest,
    Writer, parse_options, serde_json,
};

/// The target `blackhole`.
#[derive(Debug)]
pub struct Blackhole {
    options: BlackholeOptions,
    /// What this run committed.
    report: Mutex<Report>,
    /// The run that has begun last.
    run: Mutex<Option<String>>,
}

impl OpenTarget for Blackhole {
    fn open(_context: Context, config: ConnectorConfig) -> Result<Blackhole> {
        let options: BlackholeOptions = parse_options(&config)?;
        if options.keep_records && options.output.is_none() {
            return Err(Error::config("`options.keep_records` without `options.output`")
                .hint("name a file for the records in `options.output`"));
        }
        Ok(Blackhole { options, report: Mutex::default(), run: Mutex::default() })
    }
}

impl Target for Blackhole {
    fn check(&self) -> Result<()> {
        let Some(path) = &self.options.output else { return Ok(()) };
        if !folder(path).is_dir() {
            return Err(Error::not_found(format!("there is no folder `{}`", folder(path).display()))
                .hint("make it, or name another file in `options.output`"));
        }
        Report::read(path).map(drop)
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
        let Some(path) = self.options.output.as_deref().filter(|_| self.options.keep_records) else {
            return Ok(Begun { epoch: 1, ..Begun::default() });
        };
        let _lock = lock(path)?;
        let mut report = Report::read(path)?;
        let kept = report.pipelines.entry(pipeline.pipeline.clone()).or_default();
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if run.as_ref() == Some(&pipeline.run) && kept.run != pipeline.run {
            let who = format!("the run `{}` took over the pipeline `{}`", kept.run, pipeline.pipeline);
            return Err(Error::fenced(who).hint("let the newer run finish"));
        }
        *run = Some(pipeline.run.clone());
        kept.run.clone_from(&pipeline.run);
        kept.epoch += 1;
        let begun = Begun { epoch: kept.epoch, records: kept.records.clone(), window: None };
        report.write(path)?;
        Ok(begun)
    }

    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        Ok(Box::new(BlackholeWriter::new(context, &self.options, &request)))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let windows = windows_of(commit)?;
        match &self.options.output {
            Some(path) if self.options.keep_records => commit_kept(path, commit, &windows),
            output => {
                let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                let mut next = report.clone();
                windows.iter().try_for_each(|window| next.add(window))?;
                if let Some(path) = output {
                    next.write(path)?;
                }
                *report = next;
                Ok(())
            }
        }
    }
}

fn windows_of(commit: &Commit) -> Result<Vec<StreamWindow>> {
    let mut windows = Vec::new();
    for window in &commit.windows {
        let streams: Vec<StreamWindow> =
            serde_json::from_value(window.prepared.message.clone()).map_err(|error| {
                Error::bug(format!("window {} was not prepared here: {error}", window.window))
            })?;
        windows.extend(streams);
    }
    Ok(windows)
}

/// Rows and records in one rename of one file.
fn commit_kept(path: &Path, commit: &Commit, windows: &[StreamWindow]) -> Result<()> {
    let _lock = lock(path)?;
    let mut report = Report::read(path)?;
    let kept = report.pipelines.entry(commit.pipeline.clone()).or_default();
    if kept.epoch != commit.epoch {
        return Err(Error::fenced(format!(
            "the pipeline is at epoch {}, this run has {}",
            kept.epoch, commit.epoch
        ))
        .hint("a newer run owns the pipeline: let it finish"));
    }
    for record in &commit.records {
        let stored = kept.records.iter_mut().find(|stored| stored.key == record.key);
        match stored.as_ref().map_or(0, |stored| stored.sequence) {
            sequence if sequence == record.sequence => return Ok(()),
            sequence if sequence + 1 == record.sequence => {}
            sequence => {
                return Err(Error::bug(format!(
                    "record `{}` has the sequence {}, stored is {sequence}",
                    record.key, record.sequence
                )));
            }
        }
        match stored {
            Some(stored) => *stored = record.clone(),
            None => kept.records.push(record.clone()),
        }
    }
    windows.iter().try_for_each(|window| report.add(window))?;
    report.write(path)
}

#[cfg(test)]
mod tests;
