//! What the library says of itself, from its types.

use dstream_sdk::{
    ManifestBuilder, TapManifest, TargetManifest, WriteMode, check_manifest, tap_manifest, target_manifest,
};

use crate::ipc::ArrowOptions;
use crate::options::{CsvOptions, JsonlOptions, ParquetOptions};
use crate::parquet::ParquetTargetOptions;
use crate::target::{ArrowTargetOptions, CsvTargetOptions, JsonlTargetOptions};

#[test]
fn the_manifest_is_what_the_code_says() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let file_tap = |tap: TapManifest| TapManifest {
        connection: words(&["path", "url"]),
        auth: words(&[
            "access_key",
            "service_account",
            "account_key",
            "sas",
            "environment",
            "api_key",
            "bearer",
            "basic",
        ]),
        exact: true,
        deterministic: true,
        ..tap
    };
    let file_target = |target: TargetManifest| TargetManifest {
        connection: words(&["path", "url"]),
        auth: words(&["access_key", "service_account", "account_key", "sas", "environment"]),
        write_modes: vec![WriteMode::Append, WriteMode::Overwrite],
        transactional: true,
        // Some file systems do not.
        case_insensitive_names: true,
        ..target
    };
    let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .description("Files of comma-separated values, JSON, Parquet and Arrow, in folders and object stores")
        .license("Apache-2.0")
        .tap("csv", "Files of comma-separated values", file_tap(tap_manifest::<CsvOptions>()))
        .tap(
            "jsonl",
            "Files of JSON: lines, lists of objects, objects",
            file_tap(tap_manifest::<JsonlOptions>()),
        )
        .tap("parquet", "Files of Parquet", file_tap(tap_manifest::<ParquetOptions>()))
        .tap("arrow", "Files and streams of Arrow IPC", file_tap(tap_manifest::<ArrowOptions>()))
        .target("csv", "Files of comma-separated values", file_target(target_manifest::<CsvTargetOptions>()))
        .target("jsonl", "Files of JSON lines", file_target(target_manifest::<JsonlTargetOptions>()))
        .target("parquet", "Files of Parquet", file_target(target_manifest::<ParquetTargetOptions>()))
        .target("arrow", "Files of Arrow IPC", file_target(target_manifest::<ArrowTargetOptions>()))
        .build();
    check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
}
