//! The DStream plugin contract.
#![doc = include_str!("../README.md")]

mod batch; // records on their way: a RecordBatch, or an array that nobody has opened yet
mod catalog; // what a tap can read, what a user wants of it
mod context; // cancel flag and log of one object
mod delivery; // what host and target say to each other about windows, records and tables
mod error; // one error for the whole house
pub mod export; // impl Tap -> table of C functions
#[cfg(feature = "host")]
pub mod import; // table of C functions -> Box<dyn Tap>
pub mod manifest; // what a library says of itself before it runs
mod message; // what a reader hands out
mod panics; // caught, turned into a sentence, never printed
pub mod raw; // the header, line by line
pub mod schema_json; // Arrow schema <-> JSON of Arrow C format strings
mod seeded; // bugs on purpose
mod tap; // the side that reads
mod target; // the side that writes

pub use batch::Batch;
pub use catalog::{
    Bookmark, Catalog, MAX_BOOKMARK_BYTES, Partition, ReadRequest, ReplicationMethod, SelectedStream,
    Selection, StreamInfo,
};
pub use context::{Context, LogLevel, host_log_level, log_of_library};
pub use delivery::{
    Begun, Commit, CommitRecord, CommitWindow, Pipeline, Prepared, StreamPlan, WindowWish, WriteMode,
    WriteRequest,
};
pub use error::{Error, ErrorKind, Result};
pub use manifest::{AbiVersion, ConnectorManifest, Manifest, TapManifest, TargetManifest, manifest_section};
pub use message::{Message, Next};
#[doc(hidden)]
pub use seeded::has_seeded_bug;
pub use tap::{ConnectorConfig, OpenTap, Reader, Tap};
pub use target::{OpenTarget, Target, Writer};

/// The major version of the contract: the number in the name of the exported function.
pub const ABI_MAJOR: u32 = 1;
/// The minor version: rises with every appended field.
pub const ABI_MINOR: u32 = 0;
/// While above 0 the contract may still change, and host and plugin must carry the same draft.
pub const ABI_DRAFT: u32 = 1;
