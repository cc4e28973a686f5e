//! Ranges of blocks, one after the other: a table whose reading can be gone on with.

use dstream_sdk::{Error, Message, Next, ReadRequest, Reader, Result};
use std::time::Duration;

use super::Opening;
use super::copy::{Copy, Filled, batch_message, schema_message};
use crate::client::Client;
use crate::tap::{
    FullBookmark, Part, Piece, Source, begin, begin_in, block_bytes, gone, in_blocks, lock, place,
    what_changed, xmin,
};
use crate::types::ReadColumn;

/// So many bytes are read between two checkpoints, about.
const TARGET_BYTES: u64 = 16 << 20;
const FIRST_BLOCKS: u32 = 2048;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Schema,
    /// The next range.
    Range,
    Batch,
    Checkpoint,
    End,
    Over,
}

/// Reads one partition of a table.
pub(crate) struct FullReader {
    client: Client,
    copy: Copy,
    source: Source,
    columns: Vec<ReadColumn>,
    /// How far it is; what the next checkpoint says.
    at: FullBookmark,
    /// The table that is read now, as SQL, and its blocks.
    file: Option<(String, u32)>,
    /// Blocks of the next range.
    step_blocks: u32,
    /// Where the range that is read now ends.
    range_end: Option<u32>,
    is_open: bool,
    step: Step,
}

impl FullReader {
    /// Begins to read, in the snapshot of the plan or in one of its own.
    ///
    /// # Errors
    /// `BookmarkLost`: what was read before cannot be gone on with.
    pub(crate) fn open(opening: Opening, request: &ReadRequest) -> Result<FullReader> {
        let Opening { mut client, source, columns, .. } = opening;
        let part: Part = serde_json::from_value(request.partition.data.clone())
            .map_err(|error| Error::bug(format!("the data of a partition: {error}")))?;
        let last = request.bookmark.as_ref().map(FullBookmark::parse).transpose()?;
        let is_shared = match &part.snapshot {
            Some(snapshot) => begin_in(&mut client, snapshot)?,
            None => false,
        };
        let is_alone = part.cut.parts.len() == 1;
        if !is_shared && !is_alone {
            return Err(gone());
        }
        if !is_shared {
            begin(&mut client)?;
        }
        let xmin = xmin(&mut client)?.to_string();
        let at = match last {
            None => {
                FullBookmark { cut: part.cut, part: part.part, xmin, rows: vec![0], block: None }.started()
            }
            Some(last) if last.cut != part.cut || last.part != part.part => {
                return Err(lost("it is one of another plan"));
            }
            // The plan has looked already whether this is still so.
            Some(last) if is_shared => FullBookmark { xmin, ..last },
            Some(last) => {
                check(&mut client, &source, &last)?;
                FullBookmark { xmin, ..last }
            }
        };
        let copy = Copy::new(&columns, request);
        Ok(FullReader {
            client,
            copy,
            source,
            columns,
            at,
            file: None,
            step_blocks: FIRST_BLOCKS,
            range_end: None,
            is_open: false,
            step: Step::Schema,
        })
    }

    fn piece(&self) -> Piece {
        self.at.cut.parts[self.at.part][self.at.rows.len() - 1]
    }

    /// Starts to copy the next range. `false`: there is none.
    fn start_range(&mut self) -> Result<bool> {
        let Some(block) = self.at.block else { return Ok(false) };
        let piece = self.piece();
        let (name, blocks) = match self.file.take() {
            Some(file) => file,
            None => self.open_file(&piece)?,
        };
        let end = block.saturating_add(self.step_blocks);
        // What is beyond the blocks that the file has now came after the snapshot: the end may be left open.
        self.range_end = Some(end).filter(|end| *end < piece.to.unwrap_or(blocks));
        let condition = in_blocks(block, self.range_end.or(piece.to));
        let sql = self.source.sql(&self.columns, &name, &[condition]);
        self.file = Some((name, blocks));
        self.copy.start(&mut self.client, &sql)?;
        self.is_open = true;
        Ok(true)
    }

    fn open_file(&mut self, piece: &Piece) -> Result<(String, u32)> {
        let name = lock(&mut self.client, piece)?.ok_or_else(|| {
            Error::bookmark_lost("it was rewritten, truncated or dropped while it was being read")
                .hint("run again: it then starts over")
        })?;
        let block_bytes = block_bytes(&mut self.client)?;
        let sql = "SELECT pg_catalog.pg_relation_size($1::oid)";
        let rows = self.client.query(sql, &[&piece.oid.to_string()])?;
        let bytes: u64 = rows.first().map_or(Ok(0), |row| row.number(0))?;
        Ok((name, u32::try_from(bytes / block_bytes).unwrap_or(u32::MAX)))
    }

    /// The range is read: where the next one begins.
    fn end_range(&mut self) {
        if let Some(rows) = self.at.rows.last_mut() {
            *rows += self.copy.rows;
        }
        // As many blocks as had about the bytes that are wanted, whatever a row has beside its block.
        let scale = TARGET_BYTES as f64 / self.copy.bytes.max(1) as f64;
        self.step_blocks =
            (f64::from(self.step_blocks) * scale.clamp(0.25, 4.0)).clamp(16.0, 131_072.0) as u32;
        match self.range_end {
            Some(end) => self.at.block = Some(end),
            None => {
                self.file = None;
                let next = self.at.cut.parts[self.at.part].get(self.at.rows.len());
                self.at.block = next.map(|piece| piece.from);
                if next.is_some() {
                    self.at.rows.push(0);
                }
            }
        }
    }

    fn step(&mut self, timeout: Duration) -> Result<Next> {
        loop {
            match self.step {
                Step::Schema => {
                    self.step = Step::Range;
                    return Ok(schema_message(self.copy.schema(), Some(&self.source)).into());
                }
                Step::Range => {
                    self.step = Step::Batch;
                    if !self.start_range()? {
                        self.client.run("COMMIT")?;
                        self.step = Step::End;
                    }
                }
                Step::Batch => match self.copy.fill(&mut self.client, timeout, &mut self.is_open)? {
                    Filled::Batch(batch, bytes) => return Ok(batch_message(batch, bytes).into()),
                    Filled::TimeIsUp => return Ok(Next::Pending),
                    Filled::Done if self.is_open => return Ok(Next::Pending),
                    Filled::Done => {
                        self.end_range();
                        self.step = Step::Checkpoint;
                    }
                },
                Step::Checkpoint => {
                    self.step = Step::Range;
                    let bookmark =
                        serde_json::to_value(&self.at).map_err(|error| Error::bug(error.to_string()))?;
                    return Ok(Message::Checkpoint { bookmark }.into());
                }
                Step::End => {
                    self.step = Step::Over;
                    return Ok(Message::StreamEnd { stream: 0 }.into());
                }
                Step::Over => return Ok(Next::End),
            }
        }
    }
}

impl FullBookmark {
    /// At the start of the first piece.
    fn started(mut self) -> FullBookmark {
        self.block = self.cut.parts[self.part].first().map(|piece| piece.from);
        self
    }
}

/// What is read of a partition that is the whole stream.
fn check(client: &mut Client, source: &Source, last: &FullBookmark) -> Result<()> {
    if place(client)? != last.cut.place {
        return Err(lost("it is one of another server"));
    }
    match what_changed(client, source, &last.read(), &last.xmin)? {
        None => Ok(()),
        Some(why) => Err(lost(&why)),
    }
}

fn lost(why: &str) -> Error {
    Error::bookmark_lost(format!("the bookmark cannot be gone on with: {why}"))
        .hint("run again: the stream then starts over")
}

impl Reader for FullReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        self.step(timeout).map_err(|error| super::named(error, &self.source.stream))
    }
}
