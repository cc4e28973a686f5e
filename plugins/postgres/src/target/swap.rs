//! What was built aside takes the table's place.

use dstream_sdk::{Error, Result, StreamPlan, WriteMode, tracing};

use super::control;
use super::hanging::{hanging, in_words};
use super::look::look;
use super::options::TargetSettings;
use super::refill::refill;
use crate::client::Client;
use crate::quote::quote;
use crate::table::{Owner, aside_of, check_owner};

/// Swaps, within a transaction; done before, it does nothing.
///
/// # Errors
/// `Schema`, `Data`: something that hangs on the table does not take the new rows. `NotFound`: nothing was built aside.
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
    let is_ours =
        |owner: &Owner| owner.table.pipeline == pipeline && owner.table.generation == plan.generation;
    control::lock_schema(client, settings)?;
    let owner = control::find_owner(client, settings, table)?;
    let built = look(client, settings, &aside)?;
    let built = match control::find_owner(client, settings, &aside)? {
        Some(owner) if is_ours(&owner) => built,
        _ => None,
    };
    let Some(built) = built else {
        return match owner.is_some_and(|owner| is_ours(&owner)) {
            true => Ok(()),
            false => Err(Error::not_found(format!("nothing was built aside to take the place of `{table}`"))
                .hint("run with `--full-refresh`")),
        };
    };
    let (old, new) = (settings.qualified(table)?, settings.qualified(&aside)?);
    let Some(found) = look(client, settings, table)? else {
        client.run(&format!("ALTER TABLE {new} RENAME TO {}", quote(table)?))?;
        return control::rename_noted(client, settings, &aside, table);
    };
    check_owner(&found, owner.as_ref().map(|owner| &owner.table), plan, pipeline)?;
    // From here on, nobody hangs anything on it.
    client.run(&format!("LOCK TABLE {old} IN ACCESS EXCLUSIVE MODE"))?;
    let kept = hanging(client, found.oid, built.oid)?;
    if kept.is_empty() {
        client.run(&format!("DROP TABLE {old}; ALTER TABLE {new} RENAME TO {}", quote(table)?))?;
    } else {
        tracing::info!(
            stream = plan.stream,
            "the table is kept and filled anew, because of {}",
            in_words(&kept)
        );
        refill(client, settings, table, &aside, &found, &built).map_err(|error| {
            let what = format!("filling the table `{table}` anew, kept because of {}", in_words(&kept));
            match error.hint_text() {
                Some(_) => error.context(what),
                None => error.context(what).hint(
                    "the old rows are untouched: mend or drop what refuses the new ones, or choose another name with the \
                     option `table`",
                ),
            }
        })?;
        client.run(&format!("DROP TABLE {new}"))?;
    }
    control::rename_noted(client, settings, &aside, table)
}
