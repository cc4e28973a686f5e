//! Where the files of a target are: in a folder, or in a bucket.

use anyhow::{Context, Result};
use dstream_object_server::{BUCKET, S3Server};
use serde_json::{Value as Json, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The place. Names are paths beneath it, with slashes.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    /// Keys that begin with this, and a slash.
    Bucket(Arc<S3Server>, String),
}

/// A file of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Where there is one, a file of the same name and tag has the same bytes for ever.
    pub(crate) tag: Option<String>,
}

impl Place {
    /// What a config says of it.
    pub(crate) fn config(&self) -> Json {
        match self {
            Place::Folder(folder) => json!({"connection": {"path": folder}}),
            Place::Bucket(server, prefix) => json!({
                "connection": {"url": format!("s3://{BUCKET}/{prefix}"), "endpoint": server.endpoint(), "allow_http": true},
                "auth": {"type": "access_key", "access_key_id": "key", "secret_access_key": "secret"},
            }),
        }
    }

    /// A listing of a bucket is of one moment: nothing that is replaced meanwhile is in it by half.
    pub(crate) fn lists_at_once(&self) -> bool {
        matches!(self, Place::Bucket(..))
    }

    /// All files beneath a folder, in the order of their names; none where there is no folder. A folder without any is
    /// listed itself, with a slash at its end.
    ///
    /// # Errors
    /// It cannot be listed.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        match self {
            Place::Folder(root) => {
                walk(&root.join(folder), folder, &mut all).with_context(|| format!("`{folder}`"))?;
            }
            Place::Bucket(server, prefix) => {
                let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                for object in server.objects(&format!("{prefix}/{folder}"))? {
                    let name = object.key[prefix.len() + 1..].to_owned();
                    all.push(Listed { name, tag: Some(object.tag) });
                }
            }
        }
        all.sort();
        Ok(all)
    }

    /// The bytes of a file; `None` where it is gone.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Place::Folder(root) => match fs::read(root.join(name)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if is_gone(&error) => Ok(None),
                Err(error) => Err(error).with_context(|| format!("`{name}`")),
            },
            Place::Bucket(server, prefix) => server.object(&format!("{prefix}/{name}")),
        }
    }
}

fn walk(folder: &Path, name: &str, all: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut is_empty = true;
    for entry in entries {
        is_empty = false;
        let entry = entry?;
        let own = entry.file_name().to_string_lossy().into_owned();
        let name = if name.is_empty() { own } else { format!("{name}/{own}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &name, all)?,
            Ok(_) => all.push(Listed { name, tag: None }),
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if is_empty && !name.is_empty() {
        all.push(Listed { name: format!("{name}/"), tag: None });
    }
    Ok(())
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound)
}
