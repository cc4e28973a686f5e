//! What the user wrote for a connector, and what it means.
//!
//! Two steps: [`load`] reads the file and checks its shape; [`Written::resolve`] looks up secrets and checks what is
//! written against the manifest of the plugin.

mod auth; // who asks
mod connection; // by URL, by host, by path
mod json_file; // JSON from a file, with file, line and column in errors
mod lookup; // references replaced, and what they brought in
mod nearest; // the name that a mistyped one means
mod option_docs; // the options of a connector for the eye
mod options; // checked against the manifest's JSON Schema
mod redactor; // keeps secrets out of every output
mod references; // ${env:NAME}, ${file:PATH}
mod resolve; // what it means
mod schema_tree; // references and alternatives of a JSON Schema
mod section; // one object, with key paths in errors
mod target_options; // write_mode and table
mod written; // what was written

pub(crate) use json_file::{absolute, read_object, type_name};
pub use nearest::{hint_for, list, nearest};
pub use option_docs::{OptionDoc, describe_options};
pub use redactor::{REDACTED, Redactor, Secrets};
pub use references::{SecretSource, SystemSecrets};
pub use resolve::{Resolved, Role};
pub use target_options::{TargetOptions, engine_target_options_schema};
pub use written::{Written, load};

#[cfg(test)]
mod tests;
