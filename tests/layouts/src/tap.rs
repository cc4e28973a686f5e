//! One stream per layout, two batches each. The tap keeps its batches until the reader is closed: as long as they are
//! there, nothing else can be at their addresses.

use arrow::array::{Array, ArrayRef, RecordBatch};
use serde_json::Value;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use dstream_abi::{
    Catalog, ConnectorConfig, Context, Error, Message, Next, OpenTap, Partition, ReadRequest, Reader,
    ReplicationMethod, Result, Selection, StreamInfo, Tap,
};

use crate::{addresses, flat, nested};

/// Batches of every stream.
const BATCHES: usize = 2;

/// The tap.
pub(crate) struct Layouts {
    /// Where to tell the addresses.
    folder: PathBuf,
}

fn columns() -> impl Iterator<Item = (&'static str, ArrayRef)> {
    flat::columns().into_iter().chain(nested::columns())
}

/// A batch of one column, with buffers of its own.
fn batch(stream: &str) -> Result<RecordBatch> {
    let (name, column) = columns()
        .find(|(name, _)| *name == stream)
        .ok_or_else(|| Error::not_found(format!("there is no layout `{stream}`")))?;
    Ok(RecordBatch::try_from_iter_with_nullable([(name, column, true)])?)
}

impl OpenTap for Layouts {
    fn open(_: Context, config: ConnectorConfig) -> Result<Layouts> {
        let folder = config.options["addresses"]
            .as_str()
            .ok_or_else(|| Error::config("`addresses` names no folder").hint("name one in `options`"))?;
        Ok(Layouts { folder: folder.into() })
    }
}

impl Tap for Layouts {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn discover(&self) -> Result<Catalog> {
        let streams = columns().map(|(name, _)| {
            Ok(StreamInfo {
                name: name.to_owned(),
                schema: batch(name)?.schema(),
                key_properties: vec![],
                replication_methods: vec![ReplicationMethod::FullTable],
                replication_keys: vec![],
                row_count: None,
                description: None,
            })
        });
        Ok(Catalog { streams: streams.collect::<Result<_>>()? })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        Ok(selection.streams.iter().map(|stream| Partition::whole(&stream.name)).collect())
    }

    fn open_reader(&self, _: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let stream = &request.streams[0].name;
        let batches = (0..BATCHES).map(|_| batch(stream)).collect::<Result<Vec<_>>>()?;
        let told: Value = batches
            .iter()
            .map(|batch| {
                let columns: Vec<_> = batch.columns().iter().map(|column| column.to_data()).collect();
                addresses::of_batch(&columns)
            })
            .collect();
        let file = self.folder.join(format!("{stream}.json"));
        std::fs::write(&file, told.to_string())
            .map_err(|error| Error::resource(format!("`{}` cannot be written: {error}", file.display())))?;
        let schema = batches[0].schema();
        let mut messages = VecDeque::from([Message::Schema { stream: 0, version: 1, schema }]);
        messages.extend(batches.iter().map(|batch| Message::Batch {
            stream: 0,
            version: 1,
            batch: batch.clone().into(),
            source_bytes: 0,
        }));
        messages.push_back(Message::StreamEnd { stream: 0 });
        Ok(Box::new(LayoutReader { messages, _kept: batches }))
    }
}

struct LayoutReader {
    messages: VecDeque<Message>,
    _kept: Vec<RecordBatch>,
}

impl Reader for LayoutReader {
    fn next(&mut self, _: Duration) -> Result<Next> {
        Ok(self.messages.pop_front().map_or(Next::End, Next::Message))
    }
}
