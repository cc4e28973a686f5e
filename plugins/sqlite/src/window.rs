//! What a writer has taken and not committed: in memory up to a limit, the rest in a file.

use arrow::array::RecordBatch;
use dstream_sdk::{Result, StreamPlan, TableClaim};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::spill::Spill;
use crate::table::Shape;

/// Stream and version of its schema.
pub(crate) type Kind = (u32, u32);

/// How far a window has grown, or how much of it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) declared: usize,
    pub(crate) batches: usize,
}

/// Who writes, and how.
#[derive(Debug)]
pub(crate) struct Run {
    /// Unique among the writers of the target.
    pub(crate) writer: u64,
    pub(crate) pipeline: String,
    pub(crate) epoch: u64,
    pub(crate) streams: Vec<StreamPlan>,
}

impl Run {
    pub(crate) fn claim<'a>(&'a self, plan: &'a StreamPlan) -> TableClaim<'a> {
        TableClaim { pipeline: &self.pipeline, epoch: self.epoch, plan }
    }
}

/// The batches of a window, in order.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) run: Arc<Run>,
    /// The columns of every kind of batch in it.
    pub(crate) shapes: HashMap<Kind, Arc<Shape>>,
    /// The kinds that were declared in it, in order; each makes its table, with rows or without.
    pub(crate) declared: Vec<Kind>,
    batches: Vec<(Kind, Held)>,
    /// How many of them are in the file: the first ones.
    spilled: usize,
    folder: PathBuf,
    spill: Option<Spill>,
    memory_bytes: u64,
    pub(crate) rows: u64,
}

#[derive(Debug)]
enum Held {
    Memory(RecordBatch),
    /// Where it starts in the file.
    Spilled(u64),
}

impl Window {
    pub(crate) fn new(run: Arc<Run>, folder: &Path) -> Window {
        Window {
            run,
            shapes: HashMap::new(),
            declared: Vec::new(),
            batches: Vec::new(),
            spilled: 0,
            folder: folder.to_owned(),
            spill: None,
            memory_bytes: 0,
            rows: 0,
        }
    }

    /// Takes a batch; what exceeds `limit_bytes` goes to the file.
    ///
    /// # Errors
    /// `Resource`: the disk is full.
    pub(crate) fn push(&mut self, kind: Kind, records: RecordBatch, limit_bytes: u64) -> Result<()> {
        self.rows += records.num_rows() as u64;
        self.memory_bytes += records.get_array_memory_size() as u64;
        self.batches.push((kind, Held::Memory(records)));
        if self.memory_bytes <= limit_bytes {
            return Ok(());
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => self.spill.insert(Spill::create(&self.folder)?),
        };
        for (_, held) in &mut self.batches[self.spilled..] {
            if let Held::Memory(records) = held {
                *held = Held::Spilled(spill.push(&self.folder, records)?);
            }
        }
        self.spilled = self.batches.len();
        self.memory_bytes = 0;
        Ok(())
    }

    /// Whether it has outgrown the memory it may use.
    pub(crate) fn is_large(&self) -> bool {
        self.spill.is_some()
    }

    /// How far it has grown.
    pub(crate) fn steps(&self) -> Steps {
        Steps { declared: self.declared.len(), batches: self.batches.len() }
    }

    /// Calls `take` with every batch, in order.
    pub(crate) fn each(&self, mut take: impl FnMut(Kind, &RecordBatch) -> Result<()>) -> Result<()> {
        for (kind, held) in &self.batches {
            match (held, &self.spill) {
                (Held::Memory(records), _) => take(*kind, records)?,
                (Held::Spilled(start), Some(spill)) => take(*kind, &spill.read(*start)?)?,
                (Held::Spilled(_), None) => {
                    unreachable!("only `push` sets aside, and it makes the file first")
                }
            }
        }
        Ok(())
    }
}
