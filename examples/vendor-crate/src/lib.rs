//! A DStream tap that lists the files of a folder.
#![forbid(unsafe_code)]

use dstream_sdk::arrow::datatypes::{DataType, Field, Schema};
use dstream_sdk::serde_json::{Value, json};
use dstream_sdk::*;
use std::{fs, io, path::PathBuf};

/// What the user may set under `options`.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "dstream_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "dstream_sdk::schemars")]
pub struct FolderOptions {
    /// Only files with this ending, such as `csv`.
    pub extension: Option<String>,
}

/// The tap: one stream `files`, one record per file.
#[derive(Debug)]
pub struct FolderTap {
    folder: PathBuf,
    options: FolderOptions,
}

impl OpenTap for FolderTap {
    fn open(_: Context, config: ConnectorConfig) -> Result<FolderTap> {
        let folder = Connection::of(&config)?.path()?.to_owned();
        Ok(FolderTap { folder, options: parse_options(&config)? })
    }
}

impl Tap for FolderTap {
    fn check(&self) -> Result<()> {
        self.list().map(drop)
    }

    fn discover(&self) -> Result<Catalog> {
        let name = Field::new("name", DataType::Utf8, false);
        let schema = Schema::new(vec![name, Field::new("bytes", DataType::UInt64, false)]);
        Ok(Catalog {
            streams: vec![StreamInfo {
                name: "files".into(),
                schema: schema.into(),
                key_properties: vec!["name".into()],
                replication_methods: vec![ReplicationMethod::FullTable],
                replication_keys: vec![],
                row_count: None,
                description: Some(format!("the files of {}", self.folder.display())),
            }],
        })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        Ok(selection.streams.iter().map(|stream| Partition::whole(&stream.name)).collect())
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let files = self.list()?;
        tracing::debug!(files = files.len(), "folder listed");
        Ok(Box::new(JsonReader::new(context, &request, files.into_iter().map(Ok))?))
    }
}

impl FolderTap {
    fn list(&self) -> Result<Vec<Value>> {
        self.read_folder().map_err(|error| {
            Error::not_found(format!("reading the folder `{}`: {error}", self.folder.display()))
        })
    }

    fn read_folder(&self) -> io::Result<Vec<Value>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name =
                entry.file_name().into_string().map_err(|_| io::Error::other("a name that is not UTF-8"))?;
            let wanted =
                self.options.extension.as_ref().is_none_or(|ending| name.ends_with(&format!(".{ending}")));
            if wanted && entry.file_type()?.is_file() {
                files.push(json!({"name": name, "bytes": entry.metadata()?.len()}));
            }
        }
        Ok(files)
    }
}

dstream_sdk::export! { manifest: "../manifest.json", connectors: { "folder" => tap: FolderTap } }
