//! A run, and what is noted of the tables that it writes. No SQL.

use dstream_sdk::{Error, Result, StreamPlan, TableClaim, TableOwner};
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

impl Run {
    pub(crate) fn claim<'a>(&'a self, plan: &'a StreamPlan) -> TableClaim<'a> {
        TableClaim { pipeline: &self.pipeline, epoch: self.epoch, plan }
    }
}

/// Who writes a table, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) table: TableOwner,
    /// The columns that were written.
    pub(crate) columns: Vec<String>,
}

/// Checks that this pipeline may write to what bears the table's name.
///
/// # Errors
/// `Config`: it is no table, or that of someone else.
pub(crate) fn check_owner(
    found: &Found,
    owner: Option<&TableOwner>,
    plan: &StreamPlan,
    pipeline: &str,
) -> Result<()> {
    if found.is_table() {
        return TableOwner::check(owner, plan, pipeline);
    }
    let (table, kind) = (&plan.table, found.kind_name());
    Err(Error::config(format!("`{table}` is {kind} in the schema of the target, not a table"))
        .hint("choose another name with the option `table`"))
}
