//! Who may write to what bears a table's name. No SQL, no file.

use dstream_sdk::{Error, Result, StreamPlan, TableOwner};

/// Checks that this pipeline may write to what bears the table's name.
///
/// # Errors
/// `Config`: it is no table, or that of someone else.
pub(crate) fn check_owner(
    kind: &str,
    owner: Option<&TableOwner>,
    plan: &StreamPlan,
    pipeline: &str,
) -> Result<()> {
    if kind == "table" {
        return TableOwner::check(owner, plan, pipeline);
    }
    Err(Error::config(format!("`{}` is a {kind} in the file, not a table", plan.table))
        .hint("choose another name with the option `table`"))
}
