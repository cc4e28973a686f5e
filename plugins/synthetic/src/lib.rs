//! Made-up records and a target that counts them.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blackhole; // target: which streams, what is committed
mod blackhole_options; // what the user may set for it
mod column; // a whole column at once
mod draw; // number -> value, for every type
#[cfg(test)]
mod manifest; // what this plugin says of itself
mod options; // what the user may set for the tap
mod reader; // the records of one partition
mod report; // what a blackhole keeps on disk
mod stream; // what a stream consists of
mod tap; // which streams there are
mod types; // the word in the options ↔ Arrow type
mod value; // one value, for a test that checks what arrived
mod writer; // target: one partition

pub use blackhole::Blackhole;
pub use draw::bits;
pub use options::SyntheticOptions;
pub use report::{Report, StreamReport, checksum};
pub use stream::{ColumnSpec, StreamSpec};
pub use tap::Synthetic;
pub use types::ColumnType;
pub use value::Value;

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: {
        "synthetic" => tap: Synthetic;
        "blackhole" => target: Blackhole;
    }
}
