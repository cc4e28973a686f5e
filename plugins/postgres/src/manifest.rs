//! What the library says of itself, from its types.

use dstream_sdk::{ManifestBuilder, TapManifest, check_manifest, tap_manifest};

use crate::tap::TapOptions;

#[test]
fn the_manifest_is_what_the_code_says() {
    let tap = TapManifest {
        connection: vec!["host".to_owned(), "url".to_owned()],
        auth: vec!["basic".to_owned()],
        exact: true,
        deterministic: true,
        ..tap_manifest::<TapOptions>()
    };
    let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .description("PostgreSQL databases")
        .license("Apache-2.0")
        .tap("postgres", "Tables, views and queries of a PostgreSQL database", tap)
        .build();
    check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
}
