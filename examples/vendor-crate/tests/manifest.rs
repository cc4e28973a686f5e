//! The manifest in the file is what the code says.

use dstream_folder::FolderOptions;
use dstream_sdk::{ManifestBuilder, TapManifest, check_manifest, tap_manifest};

#[test]
fn the_manifest_is_what_the_code_says() {
    let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .description("Lists the files of a folder")
        .license(env!("CARGO_PKG_LICENSE"))
        .tap(
            "folder",
            "The files of a folder, one record each",
            TapManifest { connection: vec!["path".into()], ..tap_manifest::<FolderOptions>() },
        )
        .build();
    check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
}
