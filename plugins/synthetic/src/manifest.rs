//! What this plugin says of itself.

use dstream_sdk::{
    ManifestBuilder, TapManifest, TargetManifest, WriteMode, check_manifest, tap_manifest, target_manifest,
};

use crate::SyntheticOptions;
use crate::blackhole_options::BlackholeOptions;

#[test]
fn the_manifest_is_what_the_code_says() {
    let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .description("Made-up records, and a target that counts them")
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .tap(
            "synthetic",
            "Made-up records that follow from a seed",
            TapManifest { exact: true, deterministic: true, ..tap_manifest::<SyntheticOptions>() },
        )
        .target(
            "blackhole",
            "Counts records and drops them",
            TargetManifest {
                write_modes: vec![WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite],
                capabilities: vec!["discards_records".to_owned()],
                ..target_manifest::<BlackholeOptions>()
            },
        )
        .build();
    check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
}
