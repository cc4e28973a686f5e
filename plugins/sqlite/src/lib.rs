//! SQLite files: a tap of their tables, and a target with rows and bookmarks in one transaction.
#![doc = include_str!("../README.md")]

mod build; // values of SQLite -> Arrow columns
mod client; // the only part that speaks to SQLite
mod declared; // declared type -> Arrow type
mod describe; // what a stream consists of
mod following; // following a replication key
mod gate; // the one connection that writes
mod json_text; // JSON, read piece by piece
mod options; // what the user may set
mod owner; // who writes a table, and which copy it holds
mod parse; // dates, times and decimals out of text
mod quote; // names in SQL
mod reader; // one stream being read
mod remade; // a table that was made again between two runs
mod scan; // its rows, as messages
mod select; // the statement that reads a stream
mod slips; // what the options name and there is not
mod spill; // batches in a file beside the database
mod table; // what a stream needs of its table
mod tap; // which streams there are
mod tap_options; // what the user may set for the tap
mod target; // what is durable
mod types; // Arrow type -> how SQLite stores it
mod window; // what is taken and not committed
mod writer; // one partition being written

pub use tap::SqliteTap;
pub use target::SqliteTarget;

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: { "sqlite" => tap: SqliteTap, target: SqliteTarget }
}

#[cfg(test)]
mod tests {
    use dstream_sdk::{
        ManifestBuilder, TapManifest, TargetManifest, WriteMode, check_manifest, tap_manifest,
        target_manifest,
    };

    #[test]
    fn the_manifest_says_what_the_code_does() {
        let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .description("SQLite files")
            .license("Apache-2.0")
            .tap(
                "sqlite",
                "Tables of an SQLite file",
                TapManifest {
                    connection: vec!["path".into()],
                    exact: true,
                    deterministic: true,
                    ..tap_manifest::<crate::tap_options::TapOptions>()
                },
            )
            .target(
                "sqlite",
                "Tables of an SQLite file",
                TargetManifest {
                    connection: vec!["path".into()],
                    write_modes: vec![WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite],
                    transactional: true,
                    case_insensitive_names: true,
                    ..target_manifest::<crate::options::Options>()
                },
            )
            .build();
        check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
    }
}
