//! What a segment is: said by the metadata of its schema.

use arrow::datatypes::{Schema, SchemaRef};
use dstream_abi::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

use crate::singer::StreamSchema;

/// The version of the form: the value of `dstream:arrows` in every segment.
const FORM: &str = "1";
/// The prefix of everything that is ours.
const PREFIX: &str = "dstream:";
const ARROWS: &str = "dstream:arrows";
const STREAM: &str = "dstream:stream";
const VERSION: &str = "dstream:version";
const KEYS: &str = "dstream:keys";
const BOOKMARKS: &str = "dstream:bookmarks";
const STATE: &str = "dstream:state";
const END: &str = "dstream:end";

/// One Arrow IPC stream within the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Segment {
    /// Batches of a stream; `version` counts its schemas.
    Records { version: u32, schema: StreamSchema },
    /// A state that covers everything before it.
    State(Value),
    /// The end of the file, which holds this many records.
    End { records: u64 },
}

impl Segment {
    /// The version of the schema of records.
    pub(super) fn version(&self) -> Option<u32> {
        match self {
            Segment::Records { version, .. } => Some(*version),
            Segment::State(_) | Segment::End { .. } => None,
        }
    }

    /// The schema that stands for it.
    pub(super) fn to_schema(&self) -> SchemaRef {
        let own = |pairs: &[(&str, String)]| {
            let mut metadata = HashMap::from([(ARROWS.to_owned(), FORM.to_owned())]);
            metadata.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            metadata
        };
        Arc::new(match self {
            Segment::Records { version, schema } => {
                let mut metadata = schema.schema.metadata().clone();
                metadata.extend(own(&[
                    (STREAM, schema.stream.clone()),
                    (VERSION, version.to_string()),
                    (KEYS, Value::from(schema.key_properties.clone()).to_string()),
                    (BOOKMARKS, Value::from(schema.bookmark_properties.clone()).to_string()),
                ]));
                Schema::new_with_metadata(schema.schema.fields().clone(), metadata)
            }
            Segment::State(value) => Schema::empty().with_metadata(own(&[(STATE, value.to_string())])),
            Segment::End { records } => Schema::empty().with_metadata(own(&[(END, records.to_string())])),
        })
    }

    /// The segment behind a schema; that of records comes without what is ours.
    ///
    /// # Errors
    /// `Data`: no segment of this form. `Unsupported`: one of a later form.
    pub(super) fn from_schema(schema: &Schema) -> Result<Segment> {
        let find = |key: &str| schema.metadata().get(key).map(String::as_str);
        match find(ARROWS) {
            Some(FORM) => {}
            Some(other) => {
                return Err(Error::unsupported(format!(
                    "the input has form {other}, this program reads form {FORM}"
                ))
                .hint("use the release that wrote it, or a newer one"));
            }
            None => {
                return Err(Error::data("an Arrow stream says nothing of which stream it holds").hint(
                    "`.arrows` is what `dstreams tap --format arrow` writes; other Arrow files need a tap",
                ));
            }
        }
        let wrong = |key: &str| Error::data(format!("`{key}` of a segment cannot be read"));
        if let Some(state) = find(STATE) {
            return Ok(Segment::State(serde_json::from_str(state).map_err(|_| wrong(STATE))?));
        }
        if let Some(records) = find(END) {
            return Ok(Segment::End { records: records.parse().map_err(|_| wrong(END))? });
        }
        let names = |key: &str| {
            serde_json::from_str::<Vec<String>>(find(key).unwrap_or("[]")).map_err(|_| wrong(key))
        };
        let metadata = schema.metadata().iter().filter(|(key, _)| !key.starts_with(PREFIX));
        let metadata = metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Segment::Records {
            version: find(VERSION).and_then(|version| version.parse().ok()).ok_or_else(|| wrong(VERSION))?,
            schema: StreamSchema {
                stream: find(STREAM).ok_or_else(|| wrong(STREAM))?.to_owned(),
                schema: Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata)),
                key_properties: names(KEYS)?,
                bookmark_properties: names(BOOKMARKS)?,
            },
        })
    }
}
