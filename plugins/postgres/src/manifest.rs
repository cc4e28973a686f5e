//! What the library says of itself, from its types.

use dstream_sdk::{
    ManifestBuilder, TapManifest, TargetManifest, WriteMode, check_manifest, tap_manifest, target_manifest,
};

use crate::tap::TapOptions;
use crate::target::TargetOptions;

#[test]
fn the_manifest_is_what_the_code_says() {
    let connection = || vec!["host".to_owned(), "url".to_owned()];
    let auth = || vec!["basic".to_owned()];
    let tap = TapManifest {
        connection: connection(),
        auth: auth(),
        exact: true,
        deterministic: true,
        ..tap_manifest::<TapOptions>()
    };
    let target = TargetManifest {
        connection: connection(),
        auth: auth(),
        write_modes: vec![WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite],
        transactional: true,
        ..target_manifest::<TargetOptions>()
    };
    let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .description("PostgreSQL databases")
        .license("Apache-2.0")
        .tap("postgres", "Tables, views and queries of a PostgreSQL database", tap)
        .target(
            "postgres",
            "Tables of a PostgreSQL database, with the bookmarks in the transaction of the rows",
            target,
        )
        .build();
    check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
}
