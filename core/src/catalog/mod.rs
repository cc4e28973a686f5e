//! The catalog file: a Singer catalog whose JSON Schemas also carry the exact Arrow types.

mod discovered; // the catalog file of a discovery
mod document; // the file as it stands
mod drift; // what was selected against what is there now
mod edit; // select, deselect
mod file; // read and write, whole or not at all
pub mod json_schema; // Arrow field <-> JSON Schema property
mod keep; // a discovery over a catalog that was edited
mod pattern; // names with wildcards
mod property; // JSON Schema property of somebody else -> Arrow field
mod selection; // Singer's rules -> selected streams
mod settings; // method, replication key and keys of a stream
mod view; // for the eye

pub use document::{CatalogFile, MetadataEntry, StreamEntry, TapIdentity};
pub use drift::{check_delivered, check_drift};
pub use edit::Changes;
pub use keep::Kept;
pub use selection::{filter_streams, keep_streams, start_over, to_selection};
pub use settings::StreamSettings;
pub use view::{ColumnRole, ColumnView, StreamView};

#[cfg(test)]
mod tests;
