//! Who writes a table, and which copy of the stream it holds. No SQL.

use dstream_sdk::{Error, Result, StreamPlan, WriteMode};

use std::sync::Arc;

use super::Found;
use crate::target::FirstCopies;

/// Who writes, and how.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) pipeline: String,
    pub(crate) epoch: u64,
    pub(crate) streams: Vec<StreamPlan>,
    pub(crate) first_copies: Arc<FirstCopies>,
}

/// Who writes a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pipeline: String,
    /// The copy of the stream that it holds.
    pub(crate) generation: u64,
    /// The run that made it, or went on with it.
    pub(crate) epoch: u64,
    /// The columns that were written.
    pub(crate) columns: Vec<String>,
}

/// Checks that this pipeline may write to what bears the table's name.
///
/// # Errors
/// `Config`: it is no table, or that of someone else.
pub(crate) fn check_owner(
    found: &Found,
    owner: Option<&Owner>,
    plan: &StreamPlan,
    pipeline: &str,
) -> Result<()> {
    let table = &plan.table;
    if !found.is_table() {
        return Err(Error::config(format!(
            "`{table}` is {} in the schema of the target, not a table",
            found.kind_name()
        ))
        .hint("choose another name with the option `table`"));
    }
    match owner {
        Some(owner) if owner.pipeline == pipeline => Ok(()),
        Some(owner) if plan.write_mode == WriteMode::Overwrite => {
            Err(Error::config(format!("the table `{table}` belongs to the pipeline `{}`", owner.pipeline))
                .hint("overwriting would take its rows: choose another name with the option `table`"))
        }
        _ if plan.write_mode_is_explicit => Ok(()),
        Some(owner) => {
            Err(Error::config(format!("the table `{table}` belongs to the pipeline `{}`", owner.pipeline))
                .hint(
                    "set the option `write_mode` to share it, or choose another name with the option `table`",
                ))
        }
        None => Err(Error::config(format!(
            "the table `{table}` is there already, and this pipeline did not make it"
        ))
        .hint("set the option `write_mode` to write to it, or choose another name with the option `table`")),
    }
}

/// Where the rows of a stream go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Table,
    Aside,
}

/// A generation is built aside until it is published; what is read of it later goes into the table.
pub(crate) fn place(run: &Run, plan: &StreamPlan, owner: Option<&Owner>) -> Place {
    let is_published =
        owner.is_some_and(|owner| owner.pipeline == run.pipeline && is_of_this_copy(run, plan, owner));
    match plan.write_mode {
        WriteMode::Overwrite if !is_published => Place::Aside,
        _ => Place::Table,
    }
}

/// Whether rows of this generation are in it already: of this run, or of one that this run goes on with.
pub(crate) fn is_of_this_copy(run: &Run, plan: &StreamPlan, owner: &Owner) -> bool {
    owner.pipeline == run.pipeline
        && owner.generation == plan.generation
        && (plan.resumed || owner.epoch == run.epoch)
}

/// Checks that a table which is gone held nothing that this run builds on.
///
/// # Errors
/// `Schema`: it did.
pub(crate) fn check_gone(run: &Run, plan: &StreamPlan, owner: &Owner) -> Result<()> {
    match plan.resumed && is_of_this_copy(run, plan, owner) {
        true => Err(gone(plan)),
        false => Ok(()),
    }
}

/// Rows are missing that no run reads again.
pub(crate) fn gone(plan: &StreamPlan) -> Error {
    Error::schema(format!("the table `{}` is gone, and with it rows that are not read again", plan.table))
        .hint("run with `--full-refresh` to read the stream from its start")
}
