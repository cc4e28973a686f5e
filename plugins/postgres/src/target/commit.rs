//! The end of a window: records, publication, fence, COMMIT.

use dstream_sdk::{Commit, Error, Result};

use super::control::{self, Fence, Stored};
use super::older::{Mark, mark};
use super::options::TargetSettings;
use super::swap::publish;
use crate::client::Client;

/// Commits records without a window. After an error the session is of no use.
///
/// # Errors
/// As [`dstream_sdk::Target::commit`].
pub(super) fn commit(client: &mut Client, settings: &TargetSettings, commit: &Commit) -> Result<()> {
    client.run("BEGIN")?;
    mark(client, &commit.pipeline, commit.epoch, Mark::Transaction)?;
    match store(client, settings, commit)? {
        Stored::Before => finish(client),
        Stored::Done => Ok(()),
    }
}

/// Everything of a commit but its end. Done before, it undoes what is open.
///
/// # Errors
/// Nothing is committed.
pub(crate) fn store(client: &mut Client, settings: &TargetSettings, commit: &Commit) -> Result<Stored> {
    if !client.is_in_transaction() {
        client.run("BEGIN")?;
    }
    // An older run hears that it is one, not that its records are out of order.
    control::check_epoch(client, settings, &commit.pipeline, commit.epoch, Fence::Look)?;
    if control::compare_records(client, settings, commit)? == Stored::Done {
        client.roll_back()?;
        return Ok(Stored::Done);
    }
    control::store_records(client, settings, commit)?;
    for plan in &commit.publish {
        publish(client, settings, &commit.pipeline, plan).map_err(|error| error.stream(&plan.stream))?;
    }
    // Last, so that the lock on the fence is held for one round trip alone.
    control::check_epoch(client, settings, &commit.pipeline, commit.epoch, Fence::Hold)?;
    Ok(Stored::Before)
}

/// The end of a commit.
///
/// # Errors
/// `Unavailable`: nobody knows whether it is committed. Every other: nothing is.
pub(crate) fn finish(client: &mut Client) -> Result<()> {
    client.run("COMMIT").map_err(|error| match client.is_lost() {
        true => Error::unavailable(format!("nobody knows whether the commit was done: {}", error.message()))
            .hint("the next run finds out"),
        false => error,
    })
}

/// Answers for a window that is not there: `Ok` where it is committed already.
///
/// # Errors
/// `Unavailable`: it is not.
pub(crate) fn commit_again(client: &mut Client, settings: &TargetSettings, commit: &Commit) -> Result<()> {
    control::check_epoch(client, settings, &commit.pipeline, commit.epoch, Fence::Look)?;
    if !commit.records.is_empty() && control::compare_records(client, settings, commit)? == Stored::Done {
        return Ok(());
    }
    let names: Vec<String> = commit
        .windows
        .iter()
        .map(|window| format!("{} of the partition `{}`", window.window, window.partition))
        .collect();
    Err(Error::unavailable(format!("the window {} is not there any more", names.join(", ")))
        .hint("run again: what was not committed is read again"))
}
