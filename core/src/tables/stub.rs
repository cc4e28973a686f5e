//! Stand-in until the real plan lands.
use super::Template;
use crate::config::TargetOptions;
use dstream_abi::*;

/// Plan.
#[derive(Clone, Debug)]
pub struct TablePlan {
    /// Table.
    pub table: String,
    /// Explicit.
    pub is_explicit: bool,
    first: WriteMode,
    later: WriteMode,
}

impl TablePlan {
    /// Mode.
    pub fn write_mode(&self, is_first_copy: bool) -> WriteMode {
        if is_first_copy { self.first } else { self.later }
    }
}

/// Plan.
///
/// # Errors
/// None.
pub fn plan(streams: &[SelectedStream], options: &TargetOptions, _target: &TargetManifest) -> Result<Vec<TablePlan>> {
    let template = options.table.clone().unwrap_or_default();
    let _: &Template = &template;
    streams
        .iter()
        .map(|stream| {
            let (first, later) = match (options.write_mode, stream.key_properties.is_empty(), stream.replication_method) {
                (Some(mode), _, _) => (mode, mode),
                (None, false, _) => (WriteMode::Upsert, WriteMode::Upsert),
                (None, true, ReplicationMethod::FullTable) => (WriteMode::Overwrite, WriteMode::Overwrite),
                (None, true, _) => (WriteMode::Overwrite, WriteMode::Append),
            };
            Ok(TablePlan { table: template.table_of(&stream.name)?, is_explicit: options.write_mode.is_some(), first, later })
        })
        .collect()
}

/// Explain.
pub fn explain(_: &SelectedStream, _: &TablePlan, _: &TapManifest, _: &TargetManifest) -> String {
    "exactly once".into()
}
