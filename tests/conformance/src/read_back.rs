//! Tables seen through a tap, of the same plugin or of another.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use dstream_abi::{Error, ErrorKind, ReplicationMethod, Result, Selection, StreamInfo, Tap};
use std::sync::Arc;

use crate::rows::Row;
use crate::subject::ReadBack;
use crate::tap::source::{Event, Job, WIDE, read, select};
use crate::verdict::Stop;

/// Reads a table as the stream of its name.
pub struct TapReadBack(Arc<dyn Tap>);

impl std::fmt::Debug for TapReadBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TapReadBack")
    }
}

impl TapReadBack {
    /// The tap has to see what the target writes: the same file, folder or database.
    pub fn new(tap: Arc<dyn Tap>) -> TapReadBack {
        TapReadBack(tap)
    }
}

impl ReadBack for TapReadBack {
    fn rows(&self, table: &str) -> Result<Option<Vec<Row>>> {
        let catalog = match self.0.discover() {
            Ok(catalog) => catalog,
            // A folder that nothing was written to yet.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_table = |stream: &&StreamInfo| stream.name.rsplit('.').next() == Some(table);
        let Some(stream) = catalog.streams.iter().find(is_table) else { return Ok(None) };
        let mut selected = select(stream, ReplicationMethod::FullTable);
        let columns = ["id", "word"].map(|name| stream.schema.index_of(name));
        let columns = columns.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
        selected.schema = stream.schema.project(&columns)?.into();
        selected.key_properties.retain(|key| key == "id" || key == "word");
        let streams = vec![selected];
        let mut rows = Vec::new();
        for partition in self.0.plan(&Selection { streams: streams.clone(), ..Selection::default() })? {
            let reading = read(&*self.0, &Job { partition, streams: streams.clone() }, None, WIDE);
            for event in reading.map_err(not_read)?.0 {
                if let Event::Batch { records, .. } = event {
                    rows.extend(rows_of(&records)?);
                }
            }
        }
        Ok(Some(rows))
    }
}

fn not_read(stop: Stop) -> Error {
    match stop {
        Stop::Failed(why) | Stop::Skipped(why) => Error::data(why),
    }
}

fn rows_of(records: &RecordBatch) -> Result<Vec<Row>> {
    let ids = cast(records.column(0), &DataType::Int64)?;
    let words = cast(records.column(1), &DataType::Utf8)?;
    let (ids, words) = (ids.as_primitive::<Int64Type>(), words.as_string::<i32>());
    let row = |at| (ids.value(at), words.is_valid(at).then(|| words.value(at).to_owned()));
    Ok((0..records.num_rows()).map(row).collect())
}
