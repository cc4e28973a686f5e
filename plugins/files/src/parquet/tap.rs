//! Which files of Parquet there are, what they hold, readers of them.

use arrow::datatypes::Schema;
use std::path::PathBuf;

use dstream_sdk::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, ReplicationMethod, Result,
    Selection, StreamInfo, Tap, parse_options,
};

use super::file::ParquetFile;
use super::reader::{Cursor, ParquetReader};
use crate::discovery::{StreamFile, files};
use crate::options::{self, Keys, ParquetOptions};
use crate::shown::shown;

/// How such files end.
const ENDINGS: &[&str] = &[".parquet", ".pq"];

/// Tap for files of Parquet, one stream per file.
pub(crate) struct ParquetTap {
    path: PathBuf,
    keys: Keys,
}

impl OpenTap for ParquetTap {
    fn open(_context: Context, config: ConnectorConfig) -> Result<ParquetTap> {
        let options: ParquetOptions = parse_options(&config)?;
        Ok(ParquetTap { path: options::path(&config)?, keys: Keys::new(options.key_properties)? })
    }
}

impl ParquetTap {
    fn files(&self) -> Result<Vec<StreamFile>> {
        files(&self.path, ENDINGS)
    }

    fn describe(&self, file: &StreamFile) -> Result<StreamInfo> {
        let opened = ParquetFile::open(&file.path)?;
        let key_properties = self.keys.of(&file.stream)?;
        // What a writer noted of the whole file is not about its columns.
        let schema = Schema::new(opened.schema().fields().clone());
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
            row_count: Some(opened.rows()),
            description: None,
        })
    }

    fn find(&self, stream: &str) -> Result<PathBuf> {
        let found = self.files()?.into_iter().find(|file| file.stream == stream);
        found.map(|file| file.path).ok_or_else(|| {
            Error::schema(format!("no file has the records of the stream `{stream}` any more"))
                .stream(stream)
                .hint("run `dstreams discover` again")
        })
    }
}

impl Tap for ParquetTap {
    fn check(&self) -> Result<()> {
        for file in self.files()? {
            ParquetFile::open(&file.path).map_err(|error| error.stream(&file.stream))?;
        }
        Ok(())
    }

    fn discover(&self) -> Result<Catalog> {
        let describe = |file: &StreamFile| self.describe(file).map_err(|error| error.stream(&file.stream));
        let streams: Vec<StreamInfo> = self.files()?.iter().map(describe).collect::<Result<_>>()?;
        let names: Vec<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
        self.keys.check_used(&names)?;
        Ok(Catalog { streams })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        let names: Vec<String> = self.files()?.into_iter().map(|file| file.stream).collect();
        let partition = |stream: &str| match names.iter().any(|name| name == stream) {
            true => Ok(Partition::whole(stream)),
            false => self.find(stream).map(|_| Partition::whole(stream)),
        };
        selection.streams.iter().map(|stream| partition(&stream.name)).collect()
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let [stream] = &request.streams[..] else {
            return Err(Error::bug("a file is one stream, the request has another number of them"));
        };
        let named = |error: Error| error.stream(&stream.name);
        let file = ParquetFile::open(&self.find(&stream.name)?).map_err(named)?;
        let cursor = Cursor::resume(&file, request.bookmark).map_err(named)?;
        let limits = (request.max_batch_rows, request.max_batch_bytes);
        let reader = ParquetReader::new(context, file, stream.schema.clone(), cursor, limits).map_err(named)?;
        Ok(Box::new(reader))
    }
}
