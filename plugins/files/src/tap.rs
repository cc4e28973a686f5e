//! Which files there are, what they hold, and readers of them.

use arrow::datatypes::{Schema, SchemaRef};
use std::path::{Path, PathBuf};

use dstream_sdk::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, ReplicationMethod,
    Result, Selection, StreamInfo, Tap,
};

use crate::decode::Decode;
use crate::decompression::Source;
use crate::discovery::{StreamFile, files};
use crate::options::{self, CsvSettings, Settings};
use crate::position::Position;
use crate::reader::{FileReader, Limits};
use crate::shown::shown;
use crate::window::Window;
use crate::{bookmark, csv, jsonl};

/// Tap for comma-separated values.
pub(crate) type CsvTap = FilesTap<Csv>;
/// Tap for JSON lines.
pub(crate) type JsonlTap = FilesTap<Jsonl>;

/// Tap for the files of a path, one stream per file.
#[derive(Debug)]
pub(crate) struct FilesTap<F> {
    context: Context,
    path: PathBuf,
    format: F,
}

/// What is special to one type of file.
pub(crate) trait Format: Send + Sync + Sized + 'static {
    /// How names of such files end.
    const ENDINGS: &'static [&'static str];
    fn from_config(config: &ConnectorConfig) -> Result<Self>;
    fn settings(&self) -> &Settings;
    /// The columns and, if they were counted, the number of records.
    fn discover(&self, path: &Path, on_block: &dyn Fn() -> Result<()>) -> Result<(Schema, Option<u64>)>;
    /// A decoder of `schema`; the window stands behind the header then.
    fn decoder(
        &self,
        schema: SchemaRef,
        window: &mut Window,
        position: &mut Position,
    ) -> Result<Box<dyn Decode>>;
}

/// Comma-separated values.
#[derive(Debug)]
pub(crate) struct Csv(CsvSettings);

impl Format for Csv {
    const ENDINGS: &'static [&'static str] = &[".csv", ".tsv"];

    fn from_config(config: &ConnectorConfig) -> Result<Csv> {
        CsvSettings::from_config(config).map(Csv)
    }
    fn settings(&self) -> &Settings {
        &self.0.common
    }
    fn discover(&self, path: &Path, on_block: &dyn Fn() -> Result<()>) -> Result<(Schema, Option<u64>)> {
        csv::discover(&self.0, path, on_block)
    }
    fn decoder(
        &self,
        schema: SchemaRef,
        window: &mut Window,
        position: &mut Position,
    ) -> Result<Box<dyn Decode>> {
        Ok(Box::new(csv::CsvDecoder::new(&self.0, schema, window, position)?))
    }
}

/// JSON lines.
#[derive(Debug)]
pub(crate) struct Jsonl(Settings);

impl Format for Jsonl {
    const ENDINGS: &'static [&'static str] = &[".jsonl", ".ndjson"];

    fn from_config(config: &ConnectorConfig) -> Result<Jsonl> {
        Settings::of_jsonl(config).map(Jsonl)
    }
    fn settings(&self) -> &Settings {
        &self.0
    }
    fn discover(&self, path: &Path, on_block: &dyn Fn() -> Result<()>) -> Result<(Schema, Option<u64>)> {
        jsonl::discover(&self.0, path, on_block)
    }
    fn decoder(&self, schema: SchemaRef, window: &mut Window, _: &mut Position) -> Result<Box<dyn Decode>> {
        Ok(Box::new(jsonl::JsonlDecoder::new(&self.0, schema, window)?))
    }
}

impl<F: Format> OpenTap for FilesTap<F> {
    fn open(context: Context, config: ConnectorConfig) -> Result<FilesTap<F>> {
        Ok(FilesTap { context, path: options::path(&config)?, format: F::from_config(&config)? })
    }
}

impl<F: Format> FilesTap<F> {
    fn files(&self) -> Result<Vec<StreamFile>> {
        files(&self.path, F::ENDINGS)
    }

    fn check_cancelled(context: &Context) -> Result<()> {
        match context.is_cancelled() {
            true => Err(Error::cancelled("the run was told to stop")),
            false => Ok(()),
        }
    }

    fn describe(&self, file: &StreamFile) -> Result<StreamInfo> {
        let going_on = || FilesTap::<F>::check_cancelled(&self.context);
        let (schema, row_count) = self.format.discover(&file.path, &going_on)?;
        let key_properties = self.format.settings().keys.of(&file.stream)?;
        if let Some(missing) = key_properties.iter().find(|key| schema.field_with_name(key).is_err()) {
            return Err(Error::config(format!(
                "`key_properties` names `{missing}`, which is no column of the stream"
            ))
            .hint(format!("its file is `{}`", shown(&file.path))));
        }
        Ok(StreamInfo {
            name: file.stream.clone(),
            schema: schema.into(),
            key_properties,
            replication_methods: vec![ReplicationMethod::Incremental, ReplicationMethod::FullTable],
            replication_keys: Vec::new(),
            row_count,
            description: None,
        })
    }

    /// What the options say of columns and streams that there are not is a slip.
    fn check_options(&self, catalog: &Catalog) -> Result<()> {
        let settings = self.format.settings();
        let names: Vec<&str> = catalog.streams.iter().map(|stream| stream.name.as_str()).collect();
        settings.keys.check_used(&names)?;
        let has =
            |column: &str| catalog.streams.iter().any(|stream| stream.schema.field_with_name(column).is_ok());
        match settings.types.keys().find(|column| !has(column)) {
            Some(column) => {
                Err(Error::config(format!("`types` names the column `{column}`, which no file has"))
                    .hint("run `dstreams discover` without it to see the columns"))
            }
            None => Ok(()),
        }
    }

    fn path_of(&self, partition: &Partition) -> Result<PathBuf> {
        if let Some(path) = partition.data.get("path").and_then(|path| path.as_str()) {
            return Ok(PathBuf::from(path));
        }
        let stream = partition.streams.first().map(String::as_str).unwrap_or_default();
        find_file(&self.files()?, stream)
    }
}

fn find_file(files: &[StreamFile], stream: &str) -> Result<PathBuf> {
    let found = files.iter().find(|file| file.stream == stream);
    found.map(|file| file.path.clone()).ok_or_else(|| {
        Error::schema(format!("no file has the records of the stream `{stream}` any more"))
            .stream(stream)
            .hint("run `dstreams discover` again")
    })
}

impl<F: Format> Tap for FilesTap<F> {
    fn check(&self) -> Result<()> {
        for file in self.files()? {
            Source::open(&file.path).map_err(|error| error.stream(&file.stream))?;
        }
        Ok(())
    }

    fn discover(&self) -> Result<Catalog> {
        let files = self.files()?;
        let describe = |file: &StreamFile| self.describe(file).map_err(|error| error.stream(&file.stream));
        let catalog = Catalog { streams: files.iter().map(describe).collect::<Result<_>>()? };
        self.check_options(&catalog)?;
        Ok(catalog)
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        let files = self.files()?;
        let partition = |stream: &str| {
            let path = find_file(&files, stream)?;
            let mut partition = Partition::whole(stream);
            // A folder may have a name that JSON cannot say; then the reader looks for the file itself.
            if let Some(path) = path.to_str() {
                partition.data = serde_json::json!({ "path": path });
            }
            Ok(partition)
        };
        selection.streams.iter().map(|stream| partition(&stream.name)).collect()
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let [stream] = &request.streams[..] else {
            return Err(Error::bug("a file is one stream, the request has another number of them"));
        };
        let named = |error: Error| error.stream(&stream.name);
        let mut window = Window::open(&self.path_of(&request.partition)?).map_err(named)?;
        let mut position = Position::default();
        let decoder =
            self.format.decoder(stream.schema.clone(), &mut window, &mut position).map_err(named)?;
        if let Some(bookmark) = request.bookmark {
            let going_on = || FilesTap::<F>::check_cancelled(&context);
            let read_as = decoder.fingerprint();
            bookmark::resume(bookmark, &mut window, &mut position, &read_as, &going_on).map_err(named)?;
        }
        let limits = Limits {
            batch_rows: request.max_batch_rows,
            batch_bytes: request.max_batch_bytes,
            record_bytes: self.format.settings().max_record_bytes,
        };
        Ok(Box::new(FileReader::new(context, stream.schema.clone(), window, position, decoder, limits)))
    }
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
