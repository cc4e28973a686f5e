//! Arrow IPC as a type of file.

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::MessageHeader;
use serde_json::Value;
use std::num::NonZeroU64;

use dstream_sdk::{ConnectorConfig, Context, Result, parse_options};

use super::fault::{Fault, Told};
use super::file::{IpcFile, Message, Messages};
use super::options::ArrowOptions;
use super::reader::IpcRecords;
use crate::options::Keys;
use crate::tap::{Chosen, Format, Found, Limits, Patterns, Pieces, Records, TypedColumns, check_cancelled};

/// Arrow IPC.
#[derive(Debug)]
pub(crate) struct Ipc {
    keys: Keys,
    patterns: Patterns,
    max_record_batch_bytes: NonZeroU64,
}

impl Format for Ipc {
    const ENDINGS: &'static [&'static str] = &[".arrow", ".feather", ".ipc", ".arrows"];
    const PIECES_ARE_BYTES: bool = false;
    type Shape = TypedColumns;

    fn from_config(config: &ConnectorConfig) -> Result<Ipc> {
        let ArrowOptions { streams, key_properties, max_record_batch_bytes } = parse_options(config)?;
        Ok(Ipc {
            keys: Keys::new(key_properties)?,
            patterns: Patterns::new(streams)?,
            max_record_batch_bytes,
        })
    }

    fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn fingerprint(&self) -> String {
        "arrow".to_owned()
    }

    /// The record batches of a file are; those of a stream need the dictionaries before them.
    fn has_pieces(&self, file: &Found) -> bool {
        IpcFile::open(file).is_ok_and(|file| matches!(file.messages(), Messages::Listed { .. }))
    }

    fn check(&self, file: &Found) -> Result<()> {
        IpcFile::open(file).map(drop)
    }

    fn look(&self, context: &Context, file: &Found, pieces: Pieces) -> Result<TypedColumns> {
        let mut opened = IpcFile::open(file)?;
        let mut records = 0;
        let mut add = |rows: Told<u64>| -> Result<()> {
            check_cancelled(context)?;
            records += rows.map_err(|fault| fault.of(&file.path))?;
            Ok(())
        };
        match opened.messages() {
            Messages::Listed { batches, .. } => {
                let wanted = batches.clone().into_iter().zip(0..).filter(|(_, at)| pieces.has(*at));
                for (block, _) in wanted {
                    add(opened.message_of(block).and_then(|message| rows_of(&message)))?;
                }
            }
            Messages::InOrder { from } => {
                let mut at = *from;
                while let Some(message) = opened.message_at(at).map_err(|fault| fault.of(&file.path))? {
                    at = message.end();
                    add(rows_of(&message))?;
                }
            }
        }
        TypedColumns::new(&file.path, opened.schema(), records)
    }

    fn join(&self, one: TypedColumns, other: TypedColumns) -> Result<TypedColumns> {
        one.join(other)
    }

    fn columns(&self, shape: TypedColumns, _files: &[Found]) -> Result<(Schema, Option<u64>)> {
        Ok(shape.schema())
    }

    fn open(
        &self,
        context: &Context,
        file: &Found,
        pieces: Pieces,
        schema: &SchemaRef,
        limits: Limits,
        place: Option<&Value>,
    ) -> Result<Box<dyn Records>> {
        let opened = IpcFile::open(file)?;
        let chosen = Chosen::new(&file.path, opened.schema(), schema.clone(), file.is_one_of_many)?;
        let limit = self.max_record_batch_bytes.get();
        Ok(Box::new(IpcRecords::new(context.clone(), opened, chosen, pieces, limits, limit, place)?))
    }
}

/// The rows of a record batch; a dictionary has none.
fn rows_of(message: &Message) -> Told<u64> {
    let content = message.content()?;
    match content.header_type() {
        MessageHeader::RecordBatch => {
            let rows = content.header_as_record_batch().map(|batch| batch.length());
            rows.and_then(|rows| u64::try_from(rows).ok())
                .ok_or_else(|| Fault::damaged("a record batch is none"))
        }
        _ => Ok(0),
    }
}
