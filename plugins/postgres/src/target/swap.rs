//! What was built aside takes the table's place.

use dstream_sdk::{Error, Result, StreamPlan, WriteMode};

use super::control;
use super::look::look;
use super::options::TargetSettings;
use crate::client::Client;
use crate::quote::quote;
use crate::table::{Owner, aside_of, check_owner};

/// Swaps, within a transaction; done before, it does nothing.
///
/// # Errors
/// `Schema`: something that hangs on the table does not fit the new rows. `NotFound`: nothing was built aside.
pub(super) fn publish(
    client: &mut Client,
    settings: &TargetSettings,
    pipeline: &str,
    plan: &StreamPlan,
) -> Result<()> {
    if plan.write_mode != WriteMode::Overwrite {
        return Ok(());
    }
    let (table, aside) = (&plan.table, aside_of(&plan.table));
    let is_ours = |owner: &Owner| owner.pipeline == pipeline && owner.generation == plan.generation;
    control::lock_schema(client, settings)?;
    let owner = control::find_owner(client, settings, table)?;
    if !control::find_owner(client, settings, &aside)?.is_some_and(|aside| is_ours(&aside)) {
        return match owner.is_some_and(|owner| is_ours(&owner)) {
            true => Ok(()),
            false => Err(Error::not_found(format!("nothing was built aside to take the place of `{table}`"))
                .hint("run with `--full-refresh`")),
        };
    }
    let (old, new) = (settings.qualified(table)?, settings.qualified(&aside)?);
    if let Some(found) = look(client, settings, table)? {
        check_owner(&found, owner.as_ref(), plan, pipeline)?;
        client.run(&format!("DROP TABLE {old}"))?;
    }
    client.run(&format!("ALTER TABLE {new} RENAME TO {}", quote(table)?))?;
    control::rename_noted(client, settings, &aside, table)
}
