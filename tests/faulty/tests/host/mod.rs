//! The host's side of these tests: the faulty library, opened the way `dstreams` opens it.
#![allow(dead_code)] // every test file uses its own part

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dstream_abi::*;
use dstream_core::plugin::{Library, Trust};

/// The library as cargo built it for this test.
pub(crate) fn built() -> PathBuf {
    let name = format!("{}dstream_faulty{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let test = std::env::current_exe().expect("a test has a file");
    test.parent().expect("and a folder").join(name)
}

/// A copy that only its owner can change, whatever the mask was when it was built.
pub(crate) fn copy_to(folder: &Path) -> PathBuf {
    let copy = folder.join("faulty.so");
    std::fs::copy(built(), &copy).expect("the library was built");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    }
    copy
}

pub(crate) fn library() -> Arc<Library> {
    static LIBRARY: OnceLock<(tempfile::TempDir, Arc<Library>)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("temp folder");
        let library = Library::open(&copy_to(folder.path()), Trust::Required).expect("opens");
        (folder, library)
    });
    library.clone()
}

pub(crate) fn context() -> Context {
    Context::detached(Arc::new(AtomicBool::new(false)))
}

pub(crate) fn config(type_name: &str, options: Value) -> ConnectorConfig {
    ConnectorConfig {
        name: "test".into(),
        type_name: type_name.into(),
        connection: Value::Null,
        auth: Value::Null,
        options,
        batch_size: None,
    }
}

pub(crate) fn tap(type_name: &str, options: Value) -> Result<Box<dyn Tap>> {
    library().tap(type_name, context(), &config(type_name, options))
}

pub(crate) fn target(type_name: &str, options: Value) -> Result<Box<dyn Target>> {
    library().target(type_name, context(), &config(type_name, options))
}

pub(crate) fn read_request() -> ReadRequest {
    let column = json!({ "fields": [{ "name": "c", "format": "i" }] });
    serde_json::from_value(json!({
        "partition": { "id": "numbers", "streams": ["numbers"] },
        "streams": [{ "name": "numbers", "schema": column, "replication_method": "FULL_TABLE" }],
        "max_batch_rows": 1000, "max_batch_bytes": 1_000_000,
    }))
    .expect("a read request")
}

pub(crate) fn reader(type_name: &str, options: Value) -> Result<Box<dyn Reader>> {
    tap(type_name, options)?.open_reader(context(), read_request())
}

pub(crate) fn writer(target: &dyn Target) -> Result<Box<dyn Writer>> {
    let request = json!({
        "pipeline": "p", "epoch": 1, "partition": "numbers", "buffer_bytes": 1000,
        "streams": [{
            "stream": "numbers", "table": "numbers", "write_mode": "append", "key_properties": [],
            "replication_method": "FULL_TABLE", "generation": 1, "resumed": false,
        }],
    });
    target.open_writer(context(), serde_json::from_value(request).expect("a write request"))
}

/// Every message up to the end, or to the first error.
pub(crate) fn read_all(reader: &mut dyn Reader) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    for _ in 0..100 {
        match reader.next(Duration::ZERO)? {
            Next::Message(message) => messages.push(message),
            Next::Pending => {}
            Next::End => return Ok(messages),
        }
    }
    panic!("a reader that never ends")
}

/// One run over both sides: everything that a host calls, in order, up to the first error.
pub(crate) fn run(type_name: &str, tap_options: Value, target_options: Value) -> Result<u64> {
    let tap = tap(type_name, tap_options)?;
    tap.check()?;
    let catalog = tap.discover()?;
    let selected = json!({ "streams": [{
        "name": &catalog.streams[0].name, "schema": { "fields": [{ "name": "c", "format": "i" }] },
        "replication_method": "FULL_TABLE",
    }] });
    tap.plan(&serde_json::from_value(selected).expect("a selection"))?;
    let target = target(type_name, target_options)?;
    target.check()?;
    target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() })?;
    let mut writer = writer(&*target)?;
    let mut reader = tap.open_reader(context(), read_request())?;
    for message in read_all(&mut *reader)? {
        match message {
            Message::Schema { stream, version, schema } => writer.declare(stream, version, schema)?,
            Message::Batch { stream, version, batch, .. } => writer.write(stream, version, batch)?,
            _ => {}
        }
    }
    let prepared = writer.prepare(1)?;
    target.commit(&Commit::default())?;
    Ok(prepared.rows)
}
