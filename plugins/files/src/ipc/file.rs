//! Where the messages of an Arrow file or stream are.

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dstream_sdk::Result;

use super::fault::{Fault, Told};
use super::schema::{self, Layout};
use crate::input::Input;
use crate::tap::{Found, io_error};

/// What a file begins and ends with; a stream does not.
const MAGIC: &[u8; 6] = b"ARROW1";
/// The end of a file: the length of the footer and the magic.
const TAIL_BYTES: u64 = 10;

/// An Arrow file or stream.
pub(super) struct IpcFile {
    path: PathBuf,
    file: Input,
    length: u64,
    schema: SchemaRef,
    columns: Arc<[Layout]>,
    dictionary_values: HashMap<i64, Layout>,
    identity: String,
    messages: Messages,
}

/// Where the messages are.
#[derive(Debug)]
pub(super) enum Messages {
    /// The footer of a file says it.
    Listed { dictionaries: Vec<Block>, batches: Vec<Block> },
    /// One follows the other, from here on.
    InOrder { from: u64 },
}

/// A message, as the footer says where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    at: u64,
    body_at: u64,
    end: u64,
}

/// A message, without its body.
pub(super) struct Message {
    pub(super) header: Vec<u8>,
    pub(super) body_at: u64,
    pub(super) body_bytes: u64,
}

impl Message {
    /// Where the next one begins.
    pub(super) fn end(&self) -> u64 {
        self.body_at + self.body_bytes
    }

    pub(super) fn content(&self) -> Told<ipc::Message<'_>> {
        ipc::root_as_message(&self.header).map_err(Fault::damaged)
    }
}

impl IpcFile {
    /// Reads the schema and, of a file, the footer.
    ///
    /// # Errors
    /// `Data`: it is no Arrow file, or not whole.
    pub(super) fn open(found: &Found) -> Result<IpcFile> {
        let path = &found.path;
        let file = found.open()?;
        let (length, _) = file.now().map_err(|error| io_error("opening", path, &error))?;
        IpcFile::read(path, file, length).map_err(|fault| fault.of(path))
    }

    fn read(path: &Path, file: Input, length: u64) -> Told<IpcFile> {
        let mut file = IpcFile {
            path: path.to_owned(),
            file,
            length,
            schema: Arc::new(Schema::empty()),
            columns: Arc::new([]),
            dictionary_values: HashMap::new(),
            identity: String::new(),
            messages: Messages::InOrder { from: 0 },
        };
        let mut magic = [0; 6];
        let first = length.min(6) as usize;
        file.read_at(0, &mut magic[..first])?;
        match &magic {
            MAGIC => file.read_footer()?,
            [b'F', b'E', b'A', b'1', ..] => {
                return Err(Fault::unsupported("it is a file of Feather version 1, and version 2 is read"));
            }
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                return Err(Fault::unsupported("it is packed as a whole, and only packed buffers are read"));
            }
            _ => file.read_schema_message()?,
        }
        let fields: Vec<_> = file.columns.iter().map(|column| column.field.clone()).collect();
        file.schema = Arc::new(Schema::new(fields));
        file.dictionary_values = schema::dictionary_values(&file.columns)?;
        Ok(file)
    }

    fn read_footer(&mut self) -> Told<()> {
        let no_footer = || Fault::damaged("its footer is not there");
        let end = self.length.checked_sub(TAIL_BYTES).ok_or_else(no_footer)?;
        let mut tail = [0; TAIL_BYTES as usize];
        self.read_at(end, &mut tail)?;
        let [a, b, c, d, magic @ ..] = &tail;
        let bytes = u64::try_from(i32::from_le_bytes([*a, *b, *c, *d])).map_err(|_| no_footer())?;
        let at = end.checked_sub(bytes).filter(|_| magic == MAGIC).ok_or_else(no_footer)?;
        let mut footer = vec![0; bytes as usize];
        self.read_at(at, &mut footer)?;
        self.identity = format!("{}-{}", self.length, hash(&footer));
        let footer = ipc::root_as_footer(&footer).map_err(Fault::damaged)?;
        self.columns = schema::columns(footer.schema().ok_or_else(no_footer)?)?.into();
        let blocks = |blocks: Option<Vec<&ipc::Block>>| -> Told<Vec<Block>> {
            blocks.unwrap_or_default().into_iter().map(|block| check_block(block, at)).collect()
        };
        self.messages = Messages::Listed {
            dictionaries: blocks(footer.dictionaries().map(|blocks| blocks.iter().collect()))?,
            batches: blocks(footer.recordBatches().map(|blocks| blocks.iter().collect()))?,
        };
        Ok(())
    }

    fn read_schema_message(&mut self) -> Told<()> {
        let no_schema = || Fault::damaged("it does not begin with a schema");
        let first = self.message_at(0)?.ok_or_else(no_schema)?;
        let content = first.content()?;
        let schema = content.header_as_schema().filter(|_| first.body_bytes == 0).ok_or_else(no_schema)?;
        self.columns = schema::columns(schema)?.into();
        self.identity = hash(&first.header);
        self.messages = Messages::InOrder { from: first.end() };
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn columns(&self) -> &Arc<[Layout]> {
        &self.columns
    }

    /// What the values of a dictionary are.
    pub(super) fn values_of(&self, dictionary: i64) -> Told<&Layout> {
        let values = self.dictionary_values.get(&dictionary);
        values.ok_or_else(|| Fault::damaged(format!("no column has the dictionary {dictionary}")))
    }

    /// What tells this file from one that was written in its place: of a file its length and the hash of its footer, of a
    /// stream the hash of its schema.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// The message of a block.
    pub(super) fn message_of(&mut self, block: Block) -> Told<Message> {
        let found = self.message_at(block.at)?;
        let is_there = |message: &Message| message.body_at == block.body_at && message.end() == block.end;
        found.filter(is_there).ok_or_else(|| Fault::damaged("a message is not where the footer says"))
    }

    /// The message that begins at this place; `None` at the end.
    ///
    /// Readers of streams end at a mark or where the file does.
    pub(super) fn message_at(&mut self, at: u64) -> Told<Option<Message>> {
        let cut = || Fault::damaged("it ends amid a message");
        if at == self.length {
            return Ok(None);
        }
        let word = |file: &mut IpcFile, at: u64| {
            let mut word = [0; 4];
            match at.checked_add(4) {
                Some(end) if end <= file.length => {
                    file.read_at(at, &mut word).map(|()| i32::from_le_bytes(word))
                }
                _ => Err(cut()),
            }
        };
        let mut header_at = at + 4;
        let mut bytes = word(self, at)?;
        // Before version 0.15 the length came first.
        if bytes == -1 {
            bytes = word(self, header_at)?;
            header_at += 4;
        }
        if bytes == 0 {
            return match header_at == self.length || matches!(self.messages, Messages::Listed { .. }) {
                true => Ok(None),
                false => Err(Fault::damaged("something follows its end")),
            };
        }
        let bytes = u64::try_from(bytes).map_err(|_| Fault::damaged("a message has a negative length"))?;
        let body_at = header_at.checked_add(bytes).filter(|end| *end <= self.length).ok_or_else(cut)?;
        let mut header = vec![0; bytes as usize];
        self.read_at(header_at, &mut header)?;
        let mut message = Message { header, body_at, body_bytes: 0 };
        let body = message.content()?.bodyLength();
        message.body_bytes =
            u64::try_from(body).map_err(|_| Fault::damaged("a body has a negative length"))?;
        match body_at.checked_add(message.body_bytes) {
            Some(end) if end <= self.length => Ok(Some(message)),
            _ => Err(cut()),
        }
    }

    /// Reads some bytes into a buffer that is aligned for any type.
    pub(super) fn read_buffer(&mut self, at: u64, bytes: usize) -> Told<Buffer> {
        let mut buffer = MutableBuffer::from_len_zeroed(bytes);
        self.read_at(at, buffer.as_slice_mut())?;
        Ok(buffer.into())
    }

    fn read_at(&mut self, at: u64, bytes: &mut [u8]) -> Told<()> {
        self.file.seek(SeekFrom::Start(at))?;
        Ok(self.file.read_exact(bytes)?)
    }
}

/// `end` is where the footer begins.
fn check_block(block: &ipc::Block, end: u64) -> Told<Block> {
    let wrong = || Fault::damaged("its footer says that a message is outside of the file");
    let at = u64::try_from(block.offset()).map_err(|_| wrong())?;
    let header = u64::try_from(block.metaDataLength()).map_err(|_| wrong())?;
    let body = u64::try_from(block.bodyLength()).map_err(|_| wrong())?;
    let body_at = at.checked_add(header).ok_or_else(wrong)?;
    let block_end = body_at.checked_add(body).filter(|block_end| *block_end <= end).ok_or_else(wrong)?;
    Ok(Block { at, body_at, end: block_end })
}

/// 128 bits of SHA-256.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
